package processes

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/pipeline/delivery"
	"marshrut/processes/engine"
)

//go:embed sql/waiting.sql
var waitingSQL string

// Message is something that happened to a subject and that its processes may
// wait for: the client was reached, the money came.
type Message struct {
	Subject int64
	Name    string
	Values  map[string]any // conditions behind the catching event see them as message
	Actor   staff.Actor    // who brought it about; the zero value is the system
}

// Correlate delivers messages inside tx, set-based: each instance of the subject
// that waits for the name goes on, with its oldest waiting. A message that nobody
// waits for is no error. An instance that cannot go on becomes an incident; what
// it did to the database is taken back alone. An error means that tx is lost.
func (s *Service) Correlate(ctx context.Context, tx pgx.Tx, messages []Message) error {
	if len(messages) == 0 {
		return nil
	}
	err := s.correlate(ctx, tx, messages)
	if err == nil || !ours(ctx, err) {
		return err
	}
	for _, m := range messages {
		err := s.correlate(ctx, tx, []Message{m})
		if err == nil {
			continue
		}
		if !ours(ctx, err) {
			return err
		}
		s.log.WarnContext(ctx, "a message could not be delivered", "message", m.Name, "subject", m.Subject, "error", err)
		t := s.newTurn(tx, s.now())
		t.failed = append(t.failed, failure{m.Subject, "", fmt.Sprintf("сообщение %s: %v", m.Name, err)})
		if err := t.write(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ours reports whether the fault lies in the rows or the route map, so that
// leaving one out helps; else the whole transaction has to be tried again.
func ours(ctx context.Context, err error) bool {
	fault := postgres.Classify(err)
	return ctx.Err() == nil && fault != postgres.Away && fault != postgres.Race
}

func (s *Service) correlate(ctx context.Context, tx pgx.Tx, messages []Message) error {
	return pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
		t := s.newTurn(inner, s.now())
		subjects, names := make([]int64, len(messages)), make([]string, len(messages))
		for i, m := range messages {
			subjects[i], names[i] = m.Subject, m.Name
		}
		if err := t.lock(ctx, subjects); err != nil {
			return err
		}
		waiting, err := t.waiting(ctx, subjects, names)
		if err != nil || len(waiting) == 0 {
			return err
		}
		if err := t.load(ctx, waiting, 0); err != nil {
			return err
		}
		for _, m := range messages {
			t.message(m)
		}
		return t.run(ctx)
	})
}

// waiting are the subjects with a process that waits for one of the messages.
func (t *turn) waiting(ctx context.Context, subjects []int64, names []string) ([]int64, error) {
	rows, err := t.tx.Query(ctx, waitingSQL, pgx.NamedArgs{"subjects": subjects, "names": names})
	if err != nil {
		return nil, fmt.Errorf("look who waits for %d messages: %w", len(names), err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("look who waits for %d messages: %w", len(names), err)
	}
	return ids, nil
}

// message orders every waiting instance of the subject to go on.
func (t *turn) message(m Message) {
	if m.Actor.ID == 0 {
		m.Actor = staff.System()
	}
	for _, id := range slices.Sorted(maps.Keys(t.instances)) {
		in := t.instances[id]
		if in.subject != m.Subject || in.endedAt != nil {
			continue
		}
		for _, sub := range in.state.Subscriptions {
			if sub.Message != m.Name {
				continue
			}
			t.queue = append(t.queue, order{to: in, name: "message", actor: m.Actor, tolerant: true, command: func(c engine.Context) engine.Command {
				return engine.Correlate{Context: c, Message: m.Name, Payload: m.Values}
			}})
			break
		}
	}
}

// Settle tells the process that waits for a delivery what became of it, inside
// the transaction that records it. Failure is nil for one that was delivered.
func (s *Service) Settle(ctx context.Context, tx pgx.Tx, d delivery.Delivery, failure error) error {
	return s.settle(ctx, tx, staff.System(), d, failure)
}

func (s *Service) settle(ctx context.Context, tx pgx.Tx, actor staff.Actor, d delivery.Delivery, failure error) error {
	if d.Instance == 0 {
		return nil
	}
	subject, err := s.subjectOf(ctx, tx, d.Instance)
	if err != nil {
		return err
	}
	t := s.newTurn(tx, s.now())
	if err := t.lock(ctx, []int64{subject}); err != nil {
		return err
	}
	if err := t.load(ctx, []int64{subject}, 0); err != nil {
		return err
	}
	in := t.instances[d.Instance]
	if in == nil || in.endedAt != nil {
		return nil // canceled meanwhile
	}
	t.queue = append(t.queue, order{to: in, name: "delivery", actor: actor, tolerant: true, command: func(c engine.Context) engine.Command {
		if failure != nil {
			return engine.DeliveryFailed{Context: c, Token: d.Token, Reason: failure.Error()}
		}
		return engine.DeliveryDone{Context: c, Token: d.Token}
	}})
	return t.run(ctx)
}

// GiveUp tells the processes that wait for deliveries, inside tx, that somebody gave those up: they go on without. One that waits for
// another try of the same goes on waiting.
func (s *Service) GiveUp(ctx context.Context, tx pgx.Tx, actor staff.Actor, given []delivery.Delivery) error {
	waited := slices.DeleteFunc(slices.Clone(given), func(d delivery.Delivery) bool { return d.Instance == 0 })
	slices.SortFunc(waited, func(a, b delivery.Delivery) int { return cmp.Or(cmp.Compare(a.Lead, b.Lead), cmp.Compare(a.ID, b.ID)) })
	for _, d := range waited {
		again, err := delivery.Another(ctx, tx, d)
		if err == nil && !again {
			err = s.settle(ctx, tx, actor, d, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// CancelSubject ends everything that runs about a subject, inside tx.
func (s *Service) CancelSubject(ctx context.Context, tx pgx.Tx, now time.Time, actor staff.Actor, subject int64, reason string) error {
	t := s.newTurn(tx, now)
	if err := t.lock(ctx, []int64{subject}); err != nil {
		return err
	}
	if err := t.cancelAll(ctx, actor, []int64{subject}, nil, reason); err != nil {
		return err
	}
	return t.run(ctx)
}

// cancelAll orders the end of everything that runs about some subjects, except
// under the roots to keep.
func (t *turn) cancelAll(ctx context.Context, actor staff.Actor, subjects []int64, keep map[int64]bool, reason string) error {
	missing := slices.DeleteFunc(slices.Clone(subjects), func(id int64) bool { return t.loaded[id] })
	if len(missing) > 0 {
		if err := t.load(ctx, missing, 0); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(t.instances)) {
		in := t.instances[id]
		if in.root != in.id || in.endedAt != nil || keep[in.root] || !slices.Contains(subjects, in.subject) {
			continue
		}
		t.queue = append(t.queue, order{to: in, name: "cancel", actor: actor, tolerant: true, command: func(c engine.Context) engine.Command {
			return engine.Cancel{Context: c, Reason: reason}
		}})
	}
	return nil
}
