// Package casework is where leads and processes meet: the one door through which
// a lead is opened, moved, closed, reassigned. It starts the route maps that the
// start rules choose, tells running ones what the client does, and is the hands
// of a route map on its lead (processes.Subjects and processes.Effects).
//
// There is no back door: closing or moving a lead, from whatever page, board or
// API, is choosing an outcome of its current task, and the steps of that task
// stand in the way of everybody alike. It knows no SQL of leads and no BPMN; the
// repository and processes do. Intake, the pages and the API call it.
package casework

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/leads/repository"
	"marshrut/processes"
)

// ErrNotAllowed says that the person may not do this, or not to this lead.
var ErrNotAllowed = staff.ErrNotAllowed

// ErrNoWay says that no outcome of a current task leads where the lead was to go.
// It is the Kind of an *engine.Refusal whose message names the outcomes there are.
var ErrNoWay = errors.New("no outcome of a current task leads there")

// Options of a Casework. The zero value is what production uses, but for the
// options of processes.
type Options struct {
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Log receives what nobody else handles; slog.Default() if nil.
	Log *slog.Logger
	// LedElsewhere names the connection by which another system leads the processes of leads, if one does: then none is
	// started here, so that nobody has two lists of work for one lead. nil: all are led here.
	LedElsewhere func() (connection string, ok bool)
	// Processes are handed on; Now, Log and Environment are filled in.
	Processes processes.Options
}

// Casework moves leads and their processes together. Safe for concurrent use.
type Casework struct {
	pool      *pgxpool.Pool
	repo      *repository.Repository
	rules     *Rules
	staff     *staff.Staff
	processes *processes.Service
	now       func() time.Time
	log       *slog.Logger
	tracer    trace.Tracer
	elsewhere func() (string, bool)
	words     dictionaryCache
}

// New makes a Casework, and the processes that work through it.
func New(pool *pgxpool.Pool, repo *repository.Repository, rules *Rules, people *staff.Staff, o Options) *Casework {
	c := &Casework{pool: pool, repo: repo, rules: rules, staff: people, now: o.Now, log: o.Log, elsewhere: o.LedElsewhere,
		tracer: otel.Tracer("marshrut/processes/casework")}
	if c.now == nil {
		c.now = time.Now
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	o.Processes.Now, o.Processes.Log, o.Processes.Environment = c.now, c.log, c.Environment
	c.processes = processes.New(pool, c, c, people, o.Processes)
	return c
}

// Processes are the processes about leads: their definitions, instances, tasks and
// timers. Whatever a person does to a task goes through Casework, which checks
// the rights on the lead.
func (c *Casework) Processes() *processes.Service { return c.processes }

// inTx runs a change. A person who goes away does not stop it halfway: what has
// begun to write ends within seconds, or not at all.
func (c *Casework) inTx(ctx context.Context, name string, f func(ctx context.Context, tx pgx.Tx) error) error {
	ctx, span := c.tracer.Start(ctx, "casework."+name)
	defer span.End()
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return postgres.InTx(ctx, c.pool, func(tx pgx.Tx) error { return f(ctx, tx) })
}
