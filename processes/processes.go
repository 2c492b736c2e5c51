// Package processes runs route maps: it keeps their published versions, moves
// their instances, puts tasks before people, fires timers, passes messages and
// writes the journal. Package engine decides what happens; this package locks,
// decides, and writes what was decided in one transaction. It knows no leads: a
// process is about the id of a subject and named values of it, read through
// Subjects and changed through Effects. Package casework implements both and is,
// with the pages and the API, who calls it.
package processes

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/pipeline/delivery"
	"marshrut/processes/bpmn"
)

// Errors of this package, beside the refusals of package engine. They are asked
// with errors.Is.
var (
	ErrNotFound = errors.New("not found")
	ErrInvalid  = errors.New("the route map has mistakes")
)

// Subject is what a process is about, as conditions, assignment and notices see it.
type Subject struct {
	ID int64
	// Title is what people call it; it stands in notices.
	Title string
	// Values are what conditions and hints may name, typed as the environment of
	// the checks says: "lead", "client", "contact", "inquiry".
	Values map[string]any
	// Owner is the employee who answers for it (0: nobody), Familiar who worked
	// with this client last, Called whose telephone the client has rung in vain,
	// Helpers who may work its tasks beside the assignee.
	Owner    int64
	Familiar int64
	Called   int64
	Helpers  []int64
	// CalendarKey names the working calendar its deadlines count by; empty: the company's.
	CalendarKey string
	// Priority puts its tasks before others; higher is sooner.
	Priority int
	// Closed says that its matter is settled.
	Closed bool
}

// Subjects reads what processes are about.
type Subjects interface {
	// Lock locks the subjects in the order of their ids until tx ends, and
	// returns those that exist. Whatever moves a process calls it first.
	Lock(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]Subject, error)
	// Read returns what Lock returns, without locking: for pages.
	Read(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]Subject, error)
	// Facts tells what happened to the subject since a moment, for the evidence
	// of steps: contacts made, letters sent; nested as {"contacts": {"out": 1.0}}.
	Facts(ctx context.Context, tx pgx.Tx, id int64, since time.Time) (map[string]any, error)
}

// Effect is something a step of a process does to its subject: set-stage,
// assign, close, set-field, interaction.
type Effect struct {
	Subject, Instance int64
	Case              Subject // the subject as it stood before the effects of this turn
	Element           string  // of the route map that caused it
	Action            string
	Params            map[string]any
	Actor             staff.Actor // who caused it; staff.System for timers and messages
}

// Effects changes subjects. Apply runs inside the transaction that moves the
// process, and gives the subjects as they stand after it; it must not call back
// into the Service.
type Effects interface {
	Apply(ctx context.Context, tx pgx.Tx, now time.Time, effects []Effect) (map[int64]Subject, error)
}

// Options of a Service. The zero value is what production uses.
type Options struct {
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Log receives what nobody else handles; slog.Default() if nil.
	Log *slog.Logger
	// Deliver writes what has to go out; delivery.Enqueue if nil.
	Deliver func(ctx context.Context, tx pgx.Tx, now time.Time, requests []delivery.Request) error
	// Done is told of tasks that were done, in the transaction that did it; nil: nobody asks.
	Done func(ctx context.Context, tx pgx.Tx, now time.Time, done []DoneTask) error
	// Environment says what route maps may name: fields, facts, roles, stages,
	// messages. The keys of route maps are added to it. It asks over db, for its
	// caller may stand in a transaction and must not need a second connection.
	Environment func(ctx context.Context, db postgres.DB) (bpmn.Environment, error)
	// Metrics may be nil.
	Metrics *Metrics
}

// Service runs processes over the tables of one database. Safe for concurrent
// use; any number of Services may work on the same database.
type Service struct {
	pool     *pgxpool.Pool
	subjects Subjects
	effects  Effects
	staff    *staff.Staff
	deliver  func(context.Context, pgx.Tx, time.Time, []delivery.Request) error
	now      func() time.Time
	log      *slog.Logger
	done     func(context.Context, pgx.Tx, time.Time, []DoneTask) error
	describe func(context.Context, postgres.DB) (bpmn.Environment, error)
	metrics  *Metrics

	maps definitionCache
	ids  idBlocks
	wake alarm
}

// New makes a Service over the tables of the database behind the pool.
func New(pool *pgxpool.Pool, subjects Subjects, effects Effects, people *staff.Staff, o Options) *Service {
	s := &Service{pool: pool, subjects: subjects, effects: effects, staff: people,
		deliver: o.Deliver, done: o.Done, now: o.Now, log: o.Log, describe: o.Environment, metrics: o.Metrics}
	if s.deliver == nil {
		s.deliver = delivery.Enqueue
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.describe == nil {
		s.describe = func(context.Context, postgres.DB) (bpmn.Environment, error) { return bpmn.Environment{}, nil }
	}
	return s
}
