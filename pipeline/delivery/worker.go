package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/postgres"
	"marshrut/pipeline"
)

// Worker sees deliveries out. Any number of them, in any number of processes,
// share the work. Pool and Deliverers are required.
type Worker struct {
	Pool *pgxpool.Pool
	// Deliverers finds who can send a request. Without one it is parked.
	Deliverers func(Request) (Deliverer, bool)
	// Settle is told, in the transaction that records it, that a delivery went out
	// (nil) or was parked (why), so that the process that waits goes on or has its
	// incident. It is not told of attempts that will be repeated.
	Settle func(ctx context.Context, tx pgx.Tx, d Delivery, err error) error

	Concurrency   int           // deliveries under way at a time; default 8
	PerConnection int           // of one connection; default 2: what a 1C server stands
	Timeout       time.Duration // of one attempt; default 30 s
	MaxAttempts   int           // then it is parked; default 16, about a day and a half
	RetryMin      time.Duration // first pause, doubling; default 5 s
	RetryMax      time.Duration // default 6 h
	Poll          time.Duration // longest time between two looks; default 1 s
	Language      string        // of what people read of a delivery: "ru", the default, or "en"
	Now           func() time.Time
	Log           *slog.Logger
	Metrics       *Metrics
}

// recording is how much longer than the attempt a lease lasts: the time to
// record the outcome before somebody else takes the row.
const recording = 30 * time.Second

func (w Worker) withDefaults() *Worker {
	number := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	number(&w.Concurrency, 8)
	number(&w.PerConnection, 2)
	number(&w.MaxAttempts, 16)
	duration := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	duration(&w.Timeout, 30*time.Second)
	duration(&w.RetryMin, 5*time.Second)
	duration(&w.RetryMax, 6*time.Hour)
	duration(&w.Poll, time.Second)
	if w.Now == nil {
		w.Now = time.Now
	}
	if w.Log == nil {
		w.Log = slog.Default()
	}
	if w.Settle == nil {
		w.Settle = func(context.Context, pgx.Tx, Delivery, error) error { return nil }
	}
	return &w
}

// Run delivers until ctx ends, lets the attempts under way finish and returns nil.
func (w Worker) Run(ctx context.Context) error {
	r := &run{Worker: w.withDefaults(), busy: map[string]int{}, wake: make(chan struct{}, 1)}
	long, cancel := pipeline.Outlive(ctx, r.Timeout+recording)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error {
		return postgres.Listen(ctx, r.Pool, channel, func(string) { r.ring() })
	})
	for ctx.Err() == nil {
		leased, err := r.lease(ctx)
		if err != nil && ctx.Err() == nil {
			r.Log.Warn("cannot look for deliveries; trying on", "error", err)
		}
		for _, d := range leased {
			g.Go(func() error {
				r.see(long, d)
				r.handBack(d)
				return nil
			})
		}
		if len(leased) == 0 {
			r.wait(ctx)
		}
	}
	return g.Wait()
}

// run is one Run.
type run struct {
	*Worker
	mu   sync.Mutex
	busy map[string]int // deliveries in hand by connection
	hand int
	wake chan struct{}
}

func (r *run) ring() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *run) wait(ctx context.Context) {
	t := time.NewTimer(r.Poll/2 + rand.N(r.Poll/2+1))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-r.wake:
	}
}

// handBack frees the hand that held a delivery.
func (r *run) handBack(d Delivery) {
	r.mu.Lock()
	r.hand--
	if r.busy[d.Connection]--; r.busy[d.Connection] == 0 {
		delete(r.busy, d.Connection)
	}
	r.mu.Unlock()
	r.ring()
}

// lease takes as many due deliveries as there are free hands.
func (r *run) lease(ctx context.Context) ([]Delivery, error) {
	r.mu.Lock()
	free := r.Concurrency - r.hand
	var connections []string
	var counts []int32
	for c, n := range r.busy {
		connections, counts = append(connections, c), append(counts, int32(n))
	}
	r.mu.Unlock()
	if free <= 0 {
		return nil, nil
	}
	now := r.Now()
	rows, _ := r.Pool.Query(ctx, leaseSQL, now, now.Add(r.Timeout+recording), free, r.PerConnection, connections, counts)
	leased, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("lease deliveries: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range leased {
		r.hand++
		r.busy[d.Connection]++
	}
	return leased, nil
}

// see makes one attempt, outside any transaction, and records how it went.
func (r *run) see(ctx context.Context, d Delivery) {
	began := time.Now()
	err := r.attempt(ctx, d)
	r.Metrics.attempted(d, err, time.Since(began))
	if err != nil {
		r.Log.Warn("a delivery failed", "delivery", d.ID, "connection", d.Connection, "kind", d.Kind,
			"attempt", d.Attempts, "error", err)
	}
	r.record(ctx, d, err)
}

// attempt calls the deliverer, whose panic is a failure like another.
func (r *run) attempt(ctx context.Context, d Delivery) (err error) {
	if d.Attempts > r.MaxAttempts {
		return Permanent{fmt.Errorf(say(r.Language, "исход попыток (%d) не удалось записать: %s", "given up after %d attempts whose outcome could not be recorded: %s"), r.MaxAttempts, d.LastError)}
	}
	deliverer, ok := r.Deliverers(d.Request)
	if !ok {
		return Permanent{fmt.Errorf(say(r.Language, "подключение %q не выполняет %q", "connection %q cannot deliver %q"), d.Connection, d.Kind)}
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf(say(r.Language, "ошибка программы (%s): %v", "our program fails on %s: %v"), d.Kind, p)
		}
	}()
	return deliverer.Deliver(ctx, d)
}

// record writes the outcome, trying on while the server is away and the lease
// lasts. If the process cannot take the news, the delivery is parked with the
// reason: sending it again would be worse than asking a person.
func (r *run) record(ctx context.Context, d Delivery, outcome error) {
	ctx, cancel := context.WithTimeout(ctx, recording)
	defer cancel()
	pause := 50 * time.Millisecond
	for try := 1; ; try++ {
		err := postgres.InTx(ctx, r.Pool, func(tx pgx.Tx) error { return r.outcome(ctx, tx, d, outcome) })
		fault := postgres.Classify(err)
		switch {
		case err == nil:
			return
		case errors.Is(err, ErrNotFound):
			r.Log.Warn("a delivery took longer than its lease", "delivery", d.ID)
			return
		case fault == postgres.Data, fault == postgres.Other && ctx.Err() == nil, fault == postgres.Race && try > 3:
			r.Log.Error("the outcome of a delivery could not be taken over", "delivery", d.ID, "error", err)
			r.parkUnsettled(ctx, d, outcome, err)
			return
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			r.Log.Error("the outcome of a delivery could not be recorded; it will go out again", "delivery", d.ID, "error", err)
			return
		case <-t.C:
			pause = min(2*pause, 2*time.Second)
		}
	}
}

func (r *run) outcome(ctx context.Context, tx pgx.Tx, d Delivery, outcome error) error {
	if outcome == nil {
		done, err := one(ctx, tx, doneSQL, d.ID, d.Attempts, r.Now())
		if err != nil {
			return err
		}
		return r.settle(ctx, tx, done, nil)
	}
	if halted := (Halted{}); errors.As(outcome, &halted) {
		if put, err := r.halt(ctx, tx, d, halted); put || err != nil {
			return err
		}
		outcome = Later{Err: halted, After: halted.After}
	}
	needless := errors.As(outcome, new(Needless))
	if needless || errors.As(outcome, new(Permanent)) || d.Attempts >= r.MaxAttempts {
		return r.giveUp(ctx, tx, d, outcome, needless && d.Instance == 0)
	}
	if _, err := tx.Exec(ctx, retrySQL, d.ID, d.Attempts, r.Now().Add(r.pause(d.Attempts, outcome)), postgres.Words(outcome.Error())); err != nil {
		return err
	}
	return release(ctx, tx, r.Now(), d.Connection)
}

// giveUp sets a delivery aside that nobody could get, and parks another.
func (r *run) giveUp(ctx context.Context, tx pgx.Tx, d Delivery, outcome error, aside bool) error {
	if err := probeNext(ctx, tx, r.Now(), d); err != nil {
		return err
	}
	if aside {
		_, err := one(ctx, tx, setAsideSQL, d.ID, d.Attempts, r.Now(), postgres.Words(outcome.Error()))
		return err
	}
	parked, err := one(ctx, tx, parkSQL, d.ID, d.Attempts, postgres.Words(outcome.Error()))
	if err != nil {
		return err
	}
	return r.settle(ctx, tx, parked, outcome)
}

// say is a text in the language of the company.
func say(language, ru, en string) string {
	if language == "en" {
		return en
	}
	return ru
}

func (r *run) settle(ctx context.Context, tx pgx.Tx, d Delivery, outcome error) error {
	if err := r.Settle(ctx, tx, d, outcome); err != nil {
		return fmt.Errorf("settle delivery %d: %w", d.ID, err)
	}
	return nil
}

func (r *run) parkUnsettled(ctx context.Context, d Delivery, outcome, cause error) {
	what := say(r.Language, "отправлено, но процесс не смог это принять", "it went out, but the process could not take that over")
	if outcome != nil {
		what = outcome.Error()
	}
	if _, err := one(ctx, r.Pool, parkSQL, d.ID, d.Attempts, postgres.Words(what+": "+cause.Error())); err != nil {
		r.Log.Error("a delivery could not be parked; it will go out again", "delivery", d.ID, "error", err)
	}
}

// pause is how long to wait after this many attempts: doubling, with up to a
// quarter of jitter so that what failed together does not come back together,
// and not less than the other side asked for.
func (r *run) pause(attempts int, outcome error) time.Duration {
	d := min(r.RetryMin<<min(attempts-1, 30), r.RetryMax)
	d -= rand.N(d/4 + 1)
	if later := (Later{}); errors.As(outcome, &later) {
		d = max(d, min(later.After, r.RetryMax))
	}
	return d
}
