package exchange

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/pipeline/delivery"
)

// attempts at an object that others write to at the same moment.
const attempts = 4

// errAgain: somebody changed the object on one of the sides while it was compared.
var errAgain = errors.New("the object was changed while it was compared")

// Deliver brings one object up to date on both sides.
func (x *Exchange) Deliver(ctx context.Context, d delivery.Delivery) error {
	var j job
	if err := json.Unmarshal(d.Payload, &j); err != nil {
		return delivery.Permanent{Err: fmt.Errorf("the delivery cannot be read: %w", err)}
	}
	m, ok := x.mirror(d.Connection)
	if !ok {
		return delivery.Permanent{Err: fmt.Errorf(x.say().noMirror, d.Connection)}
	}
	w := work{Exchange: x, mirror: m, connection: d.Connection, job: j}
	for try := 1; ; try++ {
		err := w.once(ctx)
		if again := errors.Is(err, errAgain) || errors.Is(err, connectors.ErrMeanwhile); !again || try == attempts {
			return x.forWorker(err)
		}
	}
}

// forWorker says an error in the words of the worker.
func (x *Exchange) forWorker(err error) error {
	var trouble *connectors.Trouble
	switch {
	case err == nil:
		return nil
	case errors.As(err, &trouble) && trouble.Whole:
		told := trouble.Told
		if told == nil {
			told = connectors.Text{"ru": trouble.Words, "en": trouble.Words}
		}
		return delivery.Halted{Err: err, Words: told, After: trouble.After, Person: trouble.Final}
	case errors.As(err, &trouble) && trouble.Final:
		return delivery.Permanent{Err: err}
	case errors.As(err, &trouble) && trouble.After > 0:
		return delivery.Later{Err: err, After: trouble.After}
	case errors.As(err, &trouble):
		return err
	}
	if words := x.unfit(err); words != "" {
		return delivery.Permanent{Err: worded{words, err}}
	}
	return err
}

// worded is an error in words for people.
type worded struct {
	words string
	error
}

func (t worded) Error() string { return t.words }
func (t worded) Unwrap() error { return t.error }

// work is one object being compared.
type work struct {
	*Exchange
	mirror     connectors.Mirror
	connection string
	job
}

func (w work) once(ctx context.Context) error {
	l, err := readLink(ctx, w.Pool, "object", w.connection, w.Kind, w.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // merged into another object, or erased
	}
	if err != nil {
		return fmt.Errorf("read the link of %s %d: %w", w.Kind, w.ID, err)
	}
	if w.Kind == connectors.MirrorOutcome {
		return w.outcome(ctx, l)
	}
	whole, err := w.ours(ctx, w.Pool)
	if errors.Is(err, leads.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	terms := w.mirror.Terms().Fields[w.Kind]
	ours, err := w.mirror.Normal(ctx, w.Kind, only(terms, whole))
	if err != nil {
		return err
	}
	if l.Version != "" && !l.Gone && !w.Told && !w.mirror.Newer(l.Heard, l.Version) && within(l.Agreed, ours) {
		return nil // nothing has changed since both were compared
	}
	theirs, err := w.theirs(ctx, &l, whole)
	switch {
	case errors.Is(err, connectors.ErrGone), err == nil && theirs.Deleted:
		return w.gone(ctx, l, theirs.Version)
	case err != nil:
		return err
	}
	// A phone of theirs that is one of ours is the same, whichever of them is the first.
	for _, kind := range []string{"phone", "email"} {
		if whole[kind+"="+theirs.Values[kind]] != "" {
			ours[kind] = theirs.Values[kind]
		}
	}
	return w.settle(ctx, l, whole, theirs, Reconcile(terms, l.Agreed, ours, theirs.Values, w.oursLater(l)))
}

// oursLater compares when we changed the object with when we heard of their change, which was before that.
func (w work) oursLater(l link) bool { return l.HeardAt == nil || l.ChangedAt.After(*l.HeardAt) }

func only(terms map[string]connectors.Owner, values map[string]string) map[string]string {
	out := map[string]string{}
	for field := range terms {
		if v, ok := values[field]; ok {
			out[field] = v
		}
	}
	return out
}

// within reports that all values are those agreed on.
func within(agreed, values map[string]string) bool {
	for field, v := range values {
		if a, ok := agreed[field]; !ok || a != v {
			return false
		}
	}
	return true
}

// theirs reads the other side's object, and makes it if it was never there.
func (w work) theirs(ctx context.Context, l *link, whole map[string]string) (connectors.Mirrored, error) {
	if l.Version != "" || l.Ref != w.mirror.Ref(w.Kind, w.ID) {
		return w.mirror.Fetch(ctx, w.Kind, l.Ref)
	}
	made, err := w.mirror.Create(ctx, w.Kind, l.Ref, whole)
	if err != nil || made.Ref == l.Ref {
		return made, err
	}
	err = postgres.InTx(ctx, w.Pool, func(tx pgx.Tx) error { return l.rename(ctx, tx, w.connection, w.Kind, made.Ref) })
	return made, err
}

// settle does what was decided. Conflicts are noted first: once the loser's value is written over nobody could.
func (w work) settle(ctx context.Context, l link, whole map[string]string, theirs connectors.Mirrored, d Decision) error {
	if len(d.Conflicts) > 0 {
		err := postgres.InTx(ctx, w.Pool, func(tx pgx.Tx) error { return w.note(ctx, tx, l, theirs.Version, d.Conflicts) })
		if err != nil {
			return err
		}
	}
	if len(d.Send) > 0 {
		written, err := w.mirror.Write(ctx, theirs, d.Send)
		if err != nil {
			return err
		}
		theirs = written
	}
	return postgres.InTx(ctx, w.Pool, func(tx pgx.Tx) error {
		if len(d.Take) > 0 {
			if err := w.take(ctx, tx, l, whole, d.Take); err != nil {
				return err
			}
		}
		ok, err := l.settle(ctx, tx, w.connection, w.Kind, theirs.Version, d.Agreed, false)
		if err == nil && !ok {
			err = errAgain
		}
		return err
	})
}

// note writes conflicts, and shows those that are new in the history of the object.
func (w work) note(ctx context.Context, tx pgx.Tx, l link, version string, list []Conflict) error {
	col := func(f func(Conflict) string) []string {
		out := make([]string, len(list))
		for i, c := range list {
			out[i] = f(c)
		}
		return out
	}
	rows, err := tx.Query(ctx, sql("add_conflicts"), pgx.NamedArgs{"connection": w.connection, "kind": w.Kind, "id": w.ID, "lead": w.leadID(), "ref": l.Ref,
		"version": version, "now": w.Now(), "fields": col(func(c Conflict) string { return c.Field }), "ours": col(func(c Conflict) string { return c.Ours }),
		"theirs": col(func(c Conflict) string { return c.Theirs }), "kept": col(func(c Conflict) string { return c.Kept }),
		"rules": col(func(c Conflict) string { return string(c.Rule) })})
	if err != nil {
		return fmt.Errorf("note conflicts: %w", err)
	}
	fresh, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("note conflicts: %w", err)
	}
	isFresh := map[string]bool{}
	for _, field := range fresh {
		isFresh[field] = true
	}
	var entries []repository.Entry
	for _, c := range list {
		if isFresh[c.Field] {
			entries = append(entries, w.entry("exchange.conflict", map[string]string{"field": c.Field, "ours": c.Ours, "theirs": c.Theirs,
				"kept": c.Kept, "rule": string(c.Rule), "connection": w.connection}))
		}
	}
	return w.Leads.Journal(ctx, tx, entries)
}

func (w work) leadID() int64 {
	if w.Kind == connectors.MirrorLead {
		return w.ID
	}
	return 0
}

func (w work) entry(action string, data map[string]string) repository.Entry {
	return repository.Entry{At: w.Now(), Lead: w.leadID(), Object: w.Kind + ":" + strconv.FormatInt(w.ID, 10), Action: action, Data: data}
}

// gone notes that the object was deleted there: nothing is written to it any more, and what is ours stays.
func (w work) gone(ctx context.Context, l link, version string) error {
	if l.Gone {
		return nil
	}
	return postgres.InTx(ctx, w.Pool, func(tx pgx.Tx) error {
		ok, err := l.settle(ctx, tx, w.connection, w.Kind, cmp.Or(version, l.Version), l.Agreed, true)
		if err == nil && !ok {
			err = errAgain
		}
		if err != nil {
			return err
		}
		return w.Leads.Journal(ctx, tx, []repository.Entry{w.entry("exchange.gone", map[string]string{"connection": w.connection})})
	})
}

// outcome writes how a task ended, once.
func (w work) outcome(ctx context.Context, l link) error {
	if l.Version != "" {
		return nil
	}
	of, err := readLink(ctx, w.Pool, "object", w.connection, connectors.MirrorLead, w.Lead)
	if err != nil {
		return fmt.Errorf("read the link of lead %d: %w", w.Lead, err)
	}
	values := maps.Clone(w.Values)
	values["lead"] = of.Ref
	made, err := w.mirror.Create(ctx, w.Kind, l.Ref, values)
	if err != nil {
		return err
	}
	return postgres.InTx(ctx, w.Pool, func(tx pgx.Tx) error {
		if made.Ref != l.Ref {
			if err := l.rename(ctx, tx, w.connection, w.Kind, made.Ref); err != nil {
				return err
			}
		}
		_, err := l.settle(ctx, tx, w.connection, w.Kind, made.Version, map[string]string{}, false)
		return err
	})
}

// rfc3339 is how moments travel among values.
func rfc3339(t time.Time) string { return t.Format(time.RFC3339) }
