// Package delivery keeps what has to go out (a letter, a web hook, a record for
// 1C) as rows written in the transaction that caused them, and sees them out: at
// least once, with an idempotency key that stays the same, the rows of one object
// in order. It does not know how anything is sent; connectors are plugged in.
// Processes and the lead repository enqueue, the composition root runs the Worker.
package delivery

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
)

// channel is what NOTIFY wakes the workers on.
const channel = "delivery"

var (
	//go:embed sql/enqueue.sql
	enqueueSQL string
	//go:embed sql/lease.sql
	leaseSQL string
	//go:embed sql/done.sql
	doneSQL string
	//go:embed sql/retry.sql
	retrySQL string
	//go:embed sql/park.sql
	parkSQL string
	//go:embed sql/replay.sql
	replaySQL string
	//go:embed sql/discard.sql
	discardSQL string
	//go:embed sql/set_aside.sql
	setAsideSQL string
	//go:embed sql/list.sql
	listSQL string
)

// ErrNotFound: there is no such delivery, or not in a state that allows it.
var ErrNotFound = errors.New("no such delivery, or it is not in a state that allows this")

// Request is something that has to go out.
type Request struct {
	Connection string          // through which connection
	Kind       string          // what to do there: "webhook", "send-letter", ...
	Object     string          // rows of one object keep their order; "" keeps none
	Sequence   int64           // order within the object, then the order of enqueuing
	Payload    json.RawMessage // what the Deliverer needs, as it defines
	// IdempotencyKey stays with the delivery for all its attempts and goes out
	// with it (webhook-id, Message-ID, Ref_Key); a second row with it is ignored.
	IdempotencyKey string
	Instance       int64 // process instance that waits for it; 0: none
	Token          int   // of the instance
	Lead           int64 // to show it at; 0: none
	Due            time.Time
	// Parked is why nobody can carry it out at present: it is kept for people to see and replay, and no worker is woken for
	// it. Only for what no instance waits for.
	Parked string
}

// State of a delivery.
type State string

const (
	Waiting   State = "waiting"   // for its time, or for an older one of its object
	Leased    State = "leased"    // a worker has it
	Done      State = "done"      // the other side has taken it
	Parked    State = "parked"    // failed for good; a person decides
	Discarded State = "discarded" // a person decided that it shall not go out
)

// Delivery is a request and what became of it.
type Delivery struct {
	ID int64
	Request
	State     State
	Attempts  int // the one under way included
	DueAt     time.Time
	LastError string
	CreatedAt time.Time
	DoneAt    time.Time // zero while open
}

// Deliverer sends one delivery. It may be called again for the same one: what
// makes that harmless is the IdempotencyKey. The context carries a deadline. An
// error is tried again later unless it is Permanent; one that is Halted stops the
// whole connection.
type Deliverer interface {
	Deliver(ctx context.Context, d Delivery) error
}

// DelivererFunc is a function as a Deliverer.
type DelivererFunc func(ctx context.Context, d Delivery) error

// Deliver calls f.
func (f DelivererFunc) Deliver(ctx context.Context, d Delivery) error { return f(ctx, d) }

// Permanent is an error that no retry mends: the delivery is parked at once.
type Permanent struct{ Err error }

func (p Permanent) Error() string { return p.Err.Error() }
func (p Permanent) Unwrap() error { return p.Err }

// Needless is an error that says that there is nobody the delivery could go to:
// it is given up with the reason, for people to read, unless a process waits for it,
// whom it fails like a Permanent one.
type Needless struct{ Err error }

func (n Needless) Error() string { return n.Err.Error() }
func (n Needless) Unwrap() error { return n.Err }

// Later is an error by which the other side said when to come again.
type Later struct {
	Err   error
	After time.Duration
}

func (l Later) Error() string { return l.Err.Error() }
func (l Later) Unwrap() error { return l.Err }

// Enqueue writes requests inside tx: they go out when, and only if, it commits.
func Enqueue(ctx context.Context, tx pgx.Tx, now time.Time, requests []Request) error {
	if len(requests) == 0 {
		return nil
	}
	n := len(requests)
	connections, kinds, objects, keys := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	sequences, instances, lead := make([]int64, n), make([]int64, n), make([]int64, n)
	tokens, payloads, dues := make([]int32, n), make([]json.RawMessage, n), make([]time.Time, n)
	parked, wake := make([]string, n), false
	for i, r := range requests {
		if r.IdempotencyKey == "" {
			return fmt.Errorf("enqueue %s for %s: no idempotency key", r.Kind, r.Connection)
		}
		connections[i], kinds[i], objects[i], keys[i] = r.Connection, r.Kind, r.Object, r.IdempotencyKey
		sequences[i], instances[i], lead[i], tokens[i] = r.Sequence, r.Instance, r.Lead, int32(r.Token)
		payloads[i], dues[i], parked[i] = r.Payload, r.Due, r.Parked
		wake = wake || r.Parked == ""
		if r.Payload == nil {
			payloads[i] = json.RawMessage("null")
		}
		if r.Due.Before(now) {
			dues[i] = now
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(enqueueSQL, now, connections, kinds, objects, sequences, payloads, keys, instances, tokens, lead, dues, parked)
	if wake {
		batch.Queue(`select pg_notify($1, '')`, channel)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("enqueue %d deliveries: %w", n, err)
	}
	return nil
}

// Filter chooses deliveries to list. Zero values do not restrict.
type Filter struct {
	State      State
	Connection string
	Lead       int64
	Before     int64 // id of the last one of the page before
	Limit      int   // default 50
}

// List gives deliveries for people to look at, newest first.
func List(ctx context.Context, db postgres.DB, f Filter) ([]Delivery, error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	rows, _ := db.Query(ctx, listSQL, string(f.State), f.Connection, f.Lead, f.Limit, f.Before)
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return list, nil
}

// Replay lets a parked delivery be tried again from the start, though its connection is paused.
func Replay(ctx context.Context, tx pgx.Tx, now time.Time, id int64) (Delivery, error) {
	d, err := one(ctx, tx, replaySQL, id, now)
	if err == nil {
		err = Resume(ctx, tx, now, d.Connection)
	}
	if err == nil {
		_, err = tx.Exec(ctx, `select pg_notify($1, '')`, channel)
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("replay delivery %d: %w", id, err)
	}
	return d, nil
}

// Discard gives a waiting or parked delivery up; reason is kept with it. What
// waited behind it in its object goes on. A process that waits for it has to be told by the caller that there is nothing to wait for.
func Discard(ctx context.Context, tx pgx.Tx, now time.Time, id int64, reason string) (Delivery, error) {
	d, err := one(ctx, tx, discardSQL, id, now, postgres.Words(reason))
	if err != nil {
		return Delivery{}, fmt.Errorf("discard delivery %d: %w", id, err)
	}
	return d, nil
}

// one runs a statement that changes one row and returns it.
func one(ctx context.Context, db postgres.DB, sql string, args ...any) (Delivery, error) {
	rows, _ := db.Query(ctx, sql, args...)
	d, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, ErrNotFound
	}
	return d, err
}

// row is a row of the table, by column name.
type row struct {
	ID             int64
	Connection     string
	Kind           string
	Object         string
	Sequence       int64
	Payload        json.RawMessage
	IdempotencyKey string
	InstanceID     *int64
	Token          *int32
	LeadID         *int64
	State          State
	Attempts       int
	DueAt          time.Time
	LeaseUntil     *time.Time
	LastError      string
	CreatedAt      time.Time
	DoneAt         *time.Time
	HaltedAt       *time.Time
}

func scan(r pgx.CollectableRow) (Delivery, error) {
	row, err := pgx.RowToStructByName[row](r)
	if err != nil {
		return Delivery{}, err
	}
	return Delivery{
		ID: row.ID,
		Request: Request{
			Connection: row.Connection, Kind: row.Kind, Object: row.Object, Sequence: row.Sequence,
			Payload: row.Payload, IdempotencyKey: row.IdempotencyKey,
			Instance: orZero(row.InstanceID), Token: int(orZero(row.Token)), Lead: orZero(row.LeadID), Due: row.DueAt,
		},
		State: row.State, Attempts: row.Attempts, DueAt: row.DueAt,
		LastError: row.LastError, CreatedAt: row.CreatedAt, DoneAt: orZero(row.DoneAt),
	}, nil
}

func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
