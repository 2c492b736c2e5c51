package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/leads/repository"
)

// races is how often a part of a batch is run again because somebody else was there
// at the same moment.
const races = 3

// file files letters in tx: the living as leads, the dead with their reasons, all with the event as it came.
func (i *Intake) file(ctx context.Context, tx pgx.Tx, letters []letter) (filed, error) {
	var done filed
	var living []letter
	for _, l := range letters {
		if l.reason != "" {
			done.dead = append(done.dead, l)
		} else {
			living = append(living, l)
		}
	}
	if err := i.isolate(ctx, tx, living, &done); err != nil {
		return done, fmt.Errorf("file %d messages: %w", len(letters), err)
	}
	if err := i.fileDead(ctx, tx, done.dead); err != nil {
		return done, err
	}
	var raw []repository.RawInquiry
	for _, l := range living {
		if l.event.Type == dueType || l.ignored || done.followed[l.event.ID] {
			continue // our own reminder, or what another system says of an object that both hold
		}
		raw = append(raw, repository.RawInquiry{InquiryID: l.event.ID, Event: l.event})
	}
	if err := i.Repository.FileRaw(ctx, tx, raw); err != nil {
		return done, err
	}
	return done, nil
}

func (i *Intake) fileDead(ctx context.Context, tx pgx.Tx, letters []letter) error {
	var dead []repository.Dead
	var calls []string
	for _, l := range letters {
		dead = append(dead, repository.Dead{Event: l.event, Channel: l.channel, Reason: l.reason, Fault: l.fault})
		if l.event.Type == dueType {
			calls = append(calls, l.event.ID)
		}
	}
	if err := i.Repository.FileDead(ctx, tx, i.Now(), dead); err != nil {
		return err
	}
	return i.Repository.GiveUpCalls(ctx, tx, calls)
}

// isolate captures letters, all in one go if that works. If the data of one of them is
// at fault, it halves the batch until that one is found and lets it die alone.
func (i *Intake) isolate(ctx context.Context, tx pgx.Tx, letters []letter, done *filed) error {
	if len(letters) == 0 {
		return nil
	}
	captured, followed, err := i.tryCapture(ctx, tx, letters)
	switch {
	case err == nil:
		done.captured = append(done.captured, captured...)
		done.follow(followed)
		return nil
	case !atFault(err):
		return err
	case len(letters) == 1:
		l := letters[0]
		l.dead(faultOf(err), i.inWords(err))
		done.dead = append(done.dead, l)
		return nil
	}
	i.Metrics.bisected()
	middle := len(letters) / 2
	if err := i.isolate(ctx, tx, letters[:middle], done); err != nil {
		return err
	}
	return i.isolate(ctx, tx, letters[middle:], done)
}

// tryCapture captures letters in a savepoint, again when a race was lost.
func (i *Intake) tryCapture(ctx context.Context, tx pgx.Tx, letters []letter) (captured []repository.Captured, followed []letter, err error) {
	for try := 0; ; try++ {
		captured, followed, err = i.capture(ctx, tx, letters)
		if err == nil || try == races || postgres.Classify(err) != postgres.Race {
			return captured, followed, err
		}
		i.Metrics.raced()
	}
}

// capture is one try: inquiries into the repository, what they cause to casework.
func (i *Intake) capture(ctx context.Context, tx pgx.Tx, letters []letter) (captured []repository.Captured, followed []letter, err error) {
	savepoint, err := tx.Begin(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("set a savepoint: %w", err)
	}
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{p, firstFrame(debug.Stack())}
		}
		if err != nil {
			if back := savepoint.Rollback(context.WithoutCancel(ctx)); back != nil && !errors.Is(back, pgx.ErrTxClosed) {
				err = fmt.Errorf("%w (and rolling back: %w)", err, back)
			}
		}
	}()
	now := i.Now()
	calls, err := i.gather(ctx, savepoint, now, letters)
	if err != nil {
		return nil, nil, fmt.Errorf("put calls together: %w", err)
	}
	news, followed, err := i.sort(ctx, savepoint, now, letters)
	if err != nil {
		return nil, nil, err
	}
	inquiries := calls.ripe
	for _, l := range news {
		inquiries = append(inquiries, l.inquiries...)
	}
	if err := i.Casework.Address(ctx, savepoint, inquiries); err != nil {
		return nil, nil, err
	}
	captured, err = i.Repository.Capture(ctx, savepoint, now, inquiries)
	if err != nil {
		return nil, nil, err
	}
	if err := i.adopt(ctx, savepoint, now, news, captured[len(calls.ripe):]); err != nil {
		return nil, nil, err
	}
	amended, err := i.Repository.AmendCalls(ctx, savepoint, calls.amended)
	if err != nil {
		return nil, nil, err
	}
	captured = append(append(captured, amended...), calls.parts...)
	if err := i.Casework.Arrive(ctx, savepoint, now, captured); err != nil {
		return nil, nil, fmt.Errorf("tell casework of %d inquiries: %w", len(captured), err)
	}
	if err := i.Casework.Ring(ctx, savepoint, now, calls.rings); err != nil {
		return nil, nil, fmt.Errorf("show %d calls: %w", len(calls.parts), err)
	}
	if err := savepoint.Commit(ctx); err != nil {
		return nil, nil, fmt.Errorf("release the savepoint: %w", err)
	}
	return captured, followed, nil
}

// panicked is our own code failing on what a message holds.
type panicked struct {
	what any
	at   string
}

func (p *panicked) Error() string {
	return fmt.Sprintf("panic while filing: %v (%s)", p.what, p.at)
}

// atFault reports that running the same again is in vain: the data is bad, or a
// race was lost so often that it is none.
func atFault(err error) bool {
	var bug *panicked
	if errors.As(err, &bug) || errors.Is(err, leads.ErrInvalid) {
		return true
	}
	switch postgres.Classify(err) {
	case postgres.Data:
		return true
	case postgres.Race: // three times already
		var refused *pgconn.PgError
		return errors.As(err, &refused) && (refused.Code == "23505" || refused.Code == "23P01")
	}
	return false
}

func faultOf(err error) string {
	var bug *panicked
	if errors.As(err, &bug) {
		return faultPanic
	}
	return faultData
}

// inWords says why the data could not be stored: the database's sentence without the
// row it was about, which may hold personal data.
func (i *Intake) inWords(err error) string {
	var bug *panicked
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &bug):
		return fmt.Sprintf(i.say.bug, bug.what, bug.at)
	case errors.As(err, &refused):
		return fmt.Sprintf(i.say.unstorable, refused.Message+" (SQLSTATE "+refused.Code+")")
	}
	return fmt.Sprintf(i.say.unstorable, err)
}

// firstFrame is the place of a panic out of a stack.
func firstFrame(stack []byte) string {
	lines := bytes.Split(stack, []byte("\n"))
	for n, line := range lines {
		if bytes.HasPrefix(line, []byte("panic(")) && n+3 < len(lines) {
			return string(bytes.TrimSpace(lines[n+3]))
		}
	}
	return ""
}
