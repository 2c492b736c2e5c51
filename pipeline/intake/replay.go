package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/leads/repository"
)

// ErrStillDead: the message was run again and cannot be processed still.
var ErrStillDead = errors.New("the message cannot be processed still")

// StillDead says why, in words for people. It is ErrStillDead, and leads.ErrInvalid
// for those who only tell a message at fault from a fault of ours.
type StillDead struct{ Reason string }

// Error is the reason.
func (s *StillDead) Error() string { return s.Reason }

// Is tells what kind of error it is.
func (s *StillDead) Is(target error) bool {
	return target == ErrStillDead || target == leads.ErrInvalid
}

// Replay runs a dead message again in its place, under the lock of its row: two
// people who do it at once, or its sender who repeats it meanwhile, file it once.
// repairs are values that take the place of what came, by the key of the field; nil
// for none. by is the employee who does it. *StillDead says why it was in vain;
// somebody else having done it is leads.ErrConflict.
func (i *Intake) Replay(ctx context.Context, by int64, id string, repairs map[string]string) (repository.Captured, error) {
	var done filed
	err := postgres.InTx(ctx, i.Pool, func(tx pgx.Tx) error {
		event, err := i.Repository.LockDead(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := connectors.SetRepairs(&event, repairs); err != nil {
			return fmt.Errorf("put in the repaired values: %w", err)
		}
		l, err := i.read(ctx, event)
		if err != nil {
			return err
		}
		if done, err = i.file(ctx, tx, []letter{l}); err != nil {
			return err
		}
		if len(done.captured) == 0 && len(done.dead) == 0 {
			return i.Repository.DiscardDead(ctx, tx, i.Now(), id, by, i.say.known)
		}
		return i.Repository.Journal(ctx, tx, []repository.Entry{i.replayed(by, id, done, repairs)})
	})
	if err != nil {
		return repository.Captured{}, fmt.Errorf("replay %s: %w", id, err)
	}
	if len(done.dead) > 0 {
		return repository.Captured{}, &StillDead{done.dead[0].reason}
	}
	if len(done.captured) == 0 {
		return repository.Captured{InquiryID: id, Outcome: repository.OutcomeRepeat}, nil // a call that is filed, an object that is known
	}
	i.Metrics.filed(done.captured[0].Inquiry.Connection, done.captured[0].Outcome)
	return done.captured[0], nil
}

func (i *Intake) replayed(by int64, id string, done filed, repairs map[string]string) repository.Entry {
	keys := make([]string, 0, len(repairs))
	for key := range repairs {
		keys = append(keys, key)
	}
	e := repository.Entry{At: i.Now(), Actor: by, Object: "inquiry:" + id, Action: "inquiry.replayed"}
	data := map[string]any{"filed": len(done.dead) == 0, "repaired": keys}
	if len(done.captured) > 0 {
		e.Lead = done.captured[0].LeadID
		data["outcome"] = done.captured[0].Outcome
	}
	e.Data = data
	return e
}

// ErrNoReason: a message is only put aside with a reason.
var ErrNoReason = fmt.Errorf("%w: a reason is needed to put a message aside", leads.ErrInvalid)

// Discard puts a dead message aside for good, with the reason a person gives. It stays where it is, with all that came.
func (i *Intake) Discard(ctx context.Context, by int64, id, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return ErrNoReason
	}
	err := postgres.InTx(ctx, i.Pool, func(tx pgx.Tx) error {
		return i.Repository.DiscardDead(ctx, tx, i.Now(), id, by, reason)
	})
	if err != nil {
		return fmt.Errorf("discard %s: %w", id, err)
	}
	return nil
}
