package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
	"marshrut/leads/repository"
)

// ErrStillDead: the message was run again and cannot be processed still. The error
// that wraps it says why, in words for people.
var ErrStillDead = errors.New("сообщение по-прежнему нельзя обработать")

// Replay runs a dead message again in its place, under the lock of its row: two
// people who do it at once, or its sender who repeats it meanwhile, file it once.
// repairs are values that take the place of what came, by the key of the field; nil
// for none. by is the employee who does it. Somebody else having done it is leads.ErrConflict.
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
		return i.Repository.Journal(ctx, tx, []repository.Entry{i.replayed(by, id, done, repairs)})
	})
	if err != nil {
		return repository.Captured{}, fmt.Errorf("replay %s: %w", id, err)
	}
	if len(done.dead) > 0 {
		return repository.Captured{}, fmt.Errorf("%w: %s", ErrStillDead, done.dead[0].reason)
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
var ErrNoReason = errors.New("укажите причину, по которой сообщение не нужно обрабатывать")

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
