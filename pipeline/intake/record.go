package intake

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads/repository"
	"marshrut/pipeline/exchange"
)

// sort parts letters that are inquiries from those that tell of objects both sides hold, and notes the latter. A
// record that nobody knows is an inquiry if it is to become a lead, and is left alone otherwise.
func (i *Intake) sort(ctx context.Context, tx pgx.Tx, now time.Time, letters []letter) (news, followed []letter, err error) {
	var records []exchange.Record
	for _, l := range letters {
		if l.record != nil {
			records = append(records, *l.record)
		}
	}
	if len(records) == 0 {
		return letters, nil, nil
	}
	known, err := i.Exchange.Receive(ctx, tx, now, records)
	if err != nil {
		return nil, nil, fmt.Errorf("note %d changes of another system: %w", len(records), err)
	}
	told, n := map[string]bool{}, 0
	for _, l := range letters {
		if l.record == nil {
			news = append(news, l)
			continue
		}
		object := l.record.Connection + "/" + l.record.Kind + "/" + l.record.Ref
		if known[n] || len(l.inquiries) == 0 || told[object] {
			followed = append(followed, l)
		} else {
			told[object] = true // a later version in the same batch is read when the lead is compared
			news = append(news, l)
		}
		n++
	}
	return news, followed, nil
}

// adopt links the leads that records became.
func (i *Intake) adopt(ctx context.Context, tx pgx.Tx, now time.Time, news []letter, captured []repository.Captured) error {
	var records []exchange.Record
	var became []repository.Captured
	n := 0
	for _, l := range news {
		if l.record != nil {
			records, became = append(records, *l.record), append(became, captured[n])
		}
		n += len(l.inquiries)
	}
	if len(records) == 0 {
		return nil
	}
	if err := i.Exchange.Adopt(ctx, tx, now, records, became); err != nil {
		return fmt.Errorf("link %d leads of another system: %w", len(records), err)
	}
	return nil
}

func (f *filed) follow(letters []letter) {
	for _, l := range letters {
		if f.followed == nil {
			f.followed = map[string]bool{}
		}
		f.followed[l.event.ID] = true
	}
}
