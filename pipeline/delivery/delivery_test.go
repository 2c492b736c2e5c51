package delivery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/pipeline/delivery"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// clock is a clock that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// office is a database, a clock, and what was sent from it.
type office struct {
	t     *testing.T
	pool  *pgxpool.Pool
	clock *clock

	mu   sync.Mutex
	sent []delivery.Delivery
	// answer decides how an attempt ends; nil: well.
	answer func(d delivery.Delivery) error
}

func newOffice(t *testing.T) *office {
	return &office{t: t, pool: postgrestest.New(t), clock: &clock{t: start}}
}

func (o *office) Deliver(_ context.Context, d delivery.Delivery) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = append(o.sent, d)
	if o.answer != nil {
		return o.answer(d)
	}
	return nil
}

func (o *office) worker() delivery.Worker {
	return delivery.Worker{
		Pool: o.pool, Now: o.clock.now, Poll: 20 * time.Millisecond,
		Deliverers: func(r delivery.Request) (delivery.Deliverer, bool) { return o, r.Kind != "unknown" },
	}
}

// run runs a worker until stop or the end of the test.
func (o *office) run(w delivery.Worker) (stop func()) {
	ctx, cancel := context.WithCancel(o.t.Context())
	var g errgroup.Group
	g.Go(func() error { return w.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		if err := g.Wait(); err != nil {
			o.t.Errorf("Run ended with %v, want nil", err)
		}
	})
	o.t.Cleanup(stop)
	return stop
}

func (o *office) enqueue(requests ...delivery.Request) {
	o.t.Helper()
	for i := range requests {
		requests[i].Connection = "base"
		if requests[i].Kind == "" {
			requests[i].Kind = "record"
		}
	}
	err := postgres.InTx(o.t.Context(), o.pool, func(tx pgx.Tx) error {
		return delivery.Enqueue(o.t.Context(), tx, o.clock.now(), requests)
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

// eventually waits until ok, which must come without the clock being moved.
func (o *office) eventually(what string, ok func() bool) {
	o.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			o.t.Fatalf("it never came to this: %s; sent %v", what, o.keys())
		case <-tick.C:
		}
	}
}

func (o *office) keys() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var keys []string
	for _, d := range o.sent {
		keys = append(keys, d.IdempotencyKey)
	}
	return keys
}

func (o *office) all() map[string]delivery.Delivery {
	o.t.Helper()
	list, err := delivery.List(o.t.Context(), o.pool, delivery.Filter{Limit: 1000})
	if err != nil {
		o.t.Fatal(err)
	}
	byKey := map[string]delivery.Delivery{}
	for _, d := range list {
		byKey[d.IdempotencyKey] = d
	}
	return byKey
}

func (o *office) inState(key string, state delivery.State) func() bool {
	return func() bool { return o.all()[key].State == state }
}

func TestWhatIsEnqueuedGoesOutOnce(t *testing.T) {
	o := newOffice(t)
	o.run(o.worker())
	want := delivery.Request{
		Object: "lead:1", Sequence: 7, IdempotencyKey: "k1", Instance: 3, Token: 4, Lead: 5,
		Payload: json.RawMessage(`{"имя": "Ёжик"}`),
	}
	o.enqueue(want, want)
	o.eventually("done", o.inState("k1", delivery.Done))
	if keys := o.keys(); !slices.Equal(keys, []string{"k1"}) {
		t.Errorf("sent %v, want k1 once", keys)
	}
	got := o.sent[0]
	if got.Instance != 3 || got.Token != 4 || got.Lead != 5 || got.Sequence != 7 || string(got.Payload) != `{"имя": "Ёжик"}` || got.Attempts != 1 {
		t.Errorf("the deliverer got %+v", got)
	}
	if done := o.all()["k1"]; !done.DoneAt.Equal(start) {
		t.Errorf("done at %v, want %v", done.DoneAt, start)
	}
}

func TestWhatIsRolledBackNeverGoesOut(t *testing.T) {
	o := newOffice(t)
	change := errors.New("changed my mind")
	err := postgres.InTx(t.Context(), o.pool, func(tx pgx.Tx) error {
		if err := delivery.Enqueue(t.Context(), tx, start, []delivery.Request{{Connection: "base", Kind: "record", IdempotencyKey: "no"}}); err != nil {
			return err
		}
		return change
	})
	if !errors.Is(err, change) {
		t.Fatal(err)
	}
	o.run(o.worker())
	o.enqueue(delivery.Request{IdempotencyKey: "yes"})
	o.eventually("the other one is done", o.inState("yes", delivery.Done))
	if keys := o.keys(); !slices.Equal(keys, []string{"yes"}) {
		t.Errorf("sent %v", keys)
	}
}

func TestADeliveryWaitsForItsTime(t *testing.T) {
	o := newOffice(t)
	o.run(o.worker())
	o.enqueue(delivery.Request{IdempotencyKey: "later", Due: start.Add(time.Hour)}, delivery.Request{IdempotencyKey: "now"})
	o.eventually("now is done", o.inState("now", delivery.Done))
	if slices.Contains(o.keys(), "later") {
		t.Fatal("went out an hour early")
	}
	o.clock.move(time.Hour)
	o.eventually("later is done", o.inState("later", delivery.Done))
}

func TestAFailureIsTriedAgainAfterAPauseThatDoubles(t *testing.T) {
	o := newOffice(t)
	o.answer = func(d delivery.Delivery) error {
		if d.Attempts < 4 {
			return fmt.Errorf("the server is \x00 away %d", d.Attempts)
		}
		return nil
	}
	o.run(o.worker())
	o.enqueue(delivery.Request{IdempotencyKey: "k"})
	for attempt, pause := 1, 5*time.Second; attempt < 4; attempt, pause = attempt+1, 2*pause {
		o.eventually("the attempt has failed", func() bool {
			d := o.all()["k"]
			return d.State == delivery.Waiting && d.Attempts == attempt
		})
		d := o.all()["k"]
		wait := d.DueAt.Sub(o.clock.now())
		if wait > pause || wait < pause*3/4-time.Millisecond {
			t.Errorf("after attempt %d it waits %s, want up to %s", attempt, wait, pause)
		}
		if want := fmt.Sprintf("the server is  away %d", attempt); d.LastError != want {
			t.Errorf("the row says %q, want %q", d.LastError, want)
		}
		o.clock.move(pause)
	}
	o.eventually("done", o.inState("k", delivery.Done))
}

func TestTheOtherSideMaySayWhenToComeAgain(t *testing.T) {
	o := newOffice(t)
	o.answer = func(delivery.Delivery) error {
		return delivery.Later{Err: errors.New("too many requests"), After: time.Hour}
	}
	o.run(o.worker())
	o.enqueue(delivery.Request{IdempotencyKey: "k"})
	o.eventually("waiting", func() bool { d := o.all()["k"]; return d.State == delivery.Waiting && d.Attempts == 1 })
	if due := o.all()["k"].DueAt; !due.Equal(start.Add(time.Hour)) {
		t.Errorf("due at %v, want an hour later", due)
	}
}

func TestAPermanentErrorParksAtOnceAndAPersonDecides(t *testing.T) {
	o := newOffice(t)
	broken := true
	o.answer = func(delivery.Delivery) error {
		if broken {
			return fmt.Errorf("send: %w", delivery.Permanent{Err: errors.New("no such address")})
		}
		return nil
	}
	o.run(o.worker())
	o.enqueue(delivery.Request{IdempotencyKey: "a"}, delivery.Request{IdempotencyKey: "b"}, delivery.Request{IdempotencyKey: "c", Kind: "unknown"})
	for _, key := range []string{"a", "b", "c"} {
		o.eventually("parked", o.inState(key, delivery.Parked))
	}
	o.mu.Lock()
	broken = false
	o.mu.Unlock()
	a, b := o.all()["a"].ID, o.all()["b"].ID
	err := postgres.InTx(t.Context(), o.pool, func(tx pgx.Tx) error {
		if _, err := delivery.Replay(t.Context(), tx, start, a); err != nil {
			return err
		}
		_, err := delivery.Discard(t.Context(), tx, start, b, "not needed any more")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	o.eventually("the replayed one is done", o.inState("a", delivery.Done))
	if d := o.all()["b"]; d.State != delivery.Discarded || d.LastError != "not needed any more" {
		t.Errorf("discarded: %+v", d)
	}
	err = postgres.InTx(t.Context(), o.pool, func(tx pgx.Tx) error {
		_, err := delivery.Replay(t.Context(), tx, start, a)
		return err
	})
	if !errors.Is(err, delivery.ErrNotFound) {
		t.Errorf("replay of what is done: %v, want ErrNotFound", err)
	}
}

func TestWhatNobodyCouldGetIsGivenUpUnlessAProcessWaitsForIt(t *testing.T) {
	o := newOffice(t)
	o.answer = func(delivery.Delivery) error {
		return delivery.Permanent{Err: delivery.Needless{Err: errors.New("the client has no address")}}
	}
	o.run(o.worker())
	o.enqueue(delivery.Request{IdempotencyKey: "a"}, delivery.Request{IdempotencyKey: "b", Instance: 7, Token: 3})
	o.eventually("given up", o.inState("a", delivery.Discarded))
	o.eventually("parked", o.inState("b", delivery.Parked))
	if d := o.all()["a"]; !strings.Contains(d.LastError, "no address") {
		t.Errorf("given up because of %q", d.LastError)
	}
}

func TestAfterTheLastAttemptItIsParked(t *testing.T) {
	o := newOffice(t)
	o.answer = func(delivery.Delivery) error { return errors.New("away") }
	w := o.worker()
	w.MaxAttempts = 3
	o.run(w)
	o.enqueue(delivery.Request{IdempotencyKey: "k"})
	for n := 1; n < 3; n++ {
		o.eventually("it has failed", func() bool { d := o.all()["k"]; return d.State == delivery.Waiting && d.Attempts == n })
		o.clock.move(time.Minute)
	}
	o.eventually("parked", o.inState("k", delivery.Parked))
	if n := len(o.keys()); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}
}

func TestRowsOfOneObjectGoOutInOrderAndNothingOvertakes(t *testing.T) {
	o := newOffice(t)
	fail := true
	o.answer = func(d delivery.Delivery) error {
		if d.IdempotencyKey == "2" && fail {
			return delivery.Permanent{Err: errors.New("refused")}
		}
		return nil
	}
	w := o.worker()
	w.PerConnection = 8
	o.run(w)
	o.enqueue(
		delivery.Request{IdempotencyKey: "3", Object: "lead:1", Sequence: 3},
		delivery.Request{IdempotencyKey: "1", Object: "lead:1", Sequence: 1},
		delivery.Request{IdempotencyKey: "2", Object: "lead:1", Sequence: 2},
		delivery.Request{IdempotencyKey: "other", Object: "lead:2"},
		delivery.Request{IdempotencyKey: "none-1"}, delivery.Request{IdempotencyKey: "none-2"},
	)
	for _, key := range []string{"other", "none-1", "none-2"} {
		o.eventually("others are not held up", o.inState(key, delivery.Done))
	}
	o.eventually("2 is parked", o.inState("2", delivery.Parked))
	o.clock.move(time.Hour)
	o.enqueue(delivery.Request{IdempotencyKey: "tick"})
	o.eventually("the worker has looked again", o.inState("tick", delivery.Done))
	if d := o.all()["3"]; d.State != delivery.Waiting {
		t.Fatalf("3 has overtaken the parked 2: %s", d.State)
	}
	o.mu.Lock()
	fail = false
	o.mu.Unlock()
	id := o.all()["2"].ID
	if err := postgres.InTx(t.Context(), o.pool, func(tx pgx.Tx) error {
		_, err := delivery.Replay(t.Context(), tx, o.clock.now(), id)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	o.eventually("3 is done", o.inState("3", delivery.Done))
	order := slices.DeleteFunc(o.keys(), func(k string) bool { return len(k) > 1 })
	if !slices.Equal(order, []string{"1", "2", "2", "3"}) {
		t.Errorf("sent in the order %v", order)
	}
}

func TestTheProcessIsToldInTheTransactionThatRecords(t *testing.T) {
	o := newOffice(t)
	o.answer = func(d delivery.Delivery) error {
		if d.IdempotencyKey == "bad" {
			return delivery.Permanent{Err: errors.New("refused")}
		}
		return nil
	}
	if _, err := o.pool.Exec(t.Context(), `create table told (key text, failure text)`); err != nil {
		t.Fatal(err)
	}
	w := o.worker()
	w.Settle = func(ctx context.Context, tx pgx.Tx, d delivery.Delivery, err error) error {
		failure := ""
		if err != nil {
			failure = err.Error()
		}
		_, wrong := tx.Exec(ctx, `insert into told values ($1, $2)`, d.IdempotencyKey, failure)
		if d.IdempotencyKey == "stuck" {
			return errors.New("the process has moved on")
		}
		return wrong
	}
	o.run(w)
	o.enqueue(delivery.Request{IdempotencyKey: "good"}, delivery.Request{IdempotencyKey: "bad"}, delivery.Request{IdempotencyKey: "stuck"})
	o.eventually("good is done", o.inState("good", delivery.Done))
	o.eventually("bad is parked", o.inState("bad", delivery.Parked))
	o.eventually("what went out and could not be told waits for a person", o.inState("stuck", delivery.Parked))
	rows, _ := o.pool.Query(t.Context(), `select key || ':' || failure from told order by key`)
	told, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(told, []string{"bad:refused", "good:"}) {
		t.Errorf("the process was told %q", told)
	}
}

func TestAWorkerThatDiesBetweenCallAndRecordCostsARepeatWithTheSameKey(t *testing.T) {
	o := newOffice(t)
	o.enqueue(delivery.Request{IdempotencyKey: "k", Object: "lead:1"})
	// The first worker has called and is gone before it could record: all that is
	// left of it is the lease.
	called := make(chan struct{})
	dead := o.worker()
	dead.Deliverers = func(delivery.Request) (delivery.Deliverer, bool) {
		return delivery.DelivererFunc(func(ctx context.Context, d delivery.Delivery) error {
			o.Deliver(ctx, d)
			close(called)
			return nil
		}), true
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), o.pool.Config().Copy())
	if err != nil {
		t.Fatal(err)
	}
	dead.Pool = pool
	dead.Settle = func(ctx context.Context, tx pgx.Tx, d delivery.Delivery, err error) error {
		return tx.Conn().Close(ctx) // kill -9: the transaction is never committed
	}
	ctx, kill := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return dead.Run(ctx) })
	<-called
	kill()
	pool.Close()
	g.Wait()
	if d := o.all()["k"]; d.State != delivery.Leased {
		t.Fatalf("after the death it is %s, want leased", d.State)
	}
	o.run(o.worker())
	o.clock.move(2 * time.Minute) // the lease has run out
	o.eventually("done", o.inState("k", delivery.Done))
	if keys := o.keys(); !slices.Equal(keys, []string{"k", "k"}) {
		t.Errorf("sent %v, want k twice", keys)
	}
}

func TestManyWorkersSendEachDeliveryOnce(t *testing.T) {
	o := newOffice(t)
	var requests []delivery.Request
	for i := range 200 {
		requests = append(requests, delivery.Request{IdempotencyKey: fmt.Sprint(i), Object: fmt.Sprintf("lead:%d", i%7), Sequence: int64(i)})
	}
	o.enqueue(requests...)
	for range 3 {
		w := o.worker()
		w.PerConnection = 8
		o.run(w)
	}
	o.eventually("all are done", func() bool {
		for _, d := range o.all() {
			if d.State != delivery.Done {
				return false
			}
		}
		return true
	})
	last := map[string]int64{}
	for _, d := range o.sent {
		if d.Sequence < last[d.Object] {
			t.Errorf("%s: %d was sent after %d", d.Object, d.Sequence, last[d.Object])
		}
		last[d.Object] = d.Sequence
	}
	if len(o.sent) != 200 {
		t.Errorf("sent %d times, want 200", len(o.sent))
	}
}

func TestOneConnectionNeverHasMoreUnderWayThanItStands(t *testing.T) {
	o := newOffice(t)
	var under, most int
	w := o.worker()
	w.PerConnection = 2
	w.Deliverers = func(delivery.Request) (delivery.Deliverer, bool) {
		return delivery.DelivererFunc(func(ctx context.Context, d delivery.Delivery) error {
			o.mu.Lock()
			under++
			most = max(most, under)
			o.mu.Unlock()
			select {
			case <-ctx.Done():
			case <-time.After(3 * time.Millisecond): // a slow server, so that they would pile up
			}
			o.mu.Lock()
			under--
			o.mu.Unlock()
			return nil
		}), true
	}
	var requests []delivery.Request
	for i := range 40 {
		requests = append(requests, delivery.Request{IdempotencyKey: fmt.Sprint(i)})
	}
	o.enqueue(requests...)
	o.run(w)
	o.eventually("all are done", func() bool {
		for _, d := range o.all() {
			if d.State != delivery.Done {
				return false
			}
		}
		return true
	})
	if most != 2 {
		t.Errorf("%d were under way at once, want 2", most)
	}
}

func TestADelivererThatPanicsIsAFailureLikeAnother(t *testing.T) {
	o := newOffice(t)
	o.answer = func(d delivery.Delivery) error {
		if d.Attempts == 1 {
			panic("index out of range")
		}
		return nil
	}
	o.run(o.worker())
	o.enqueue(delivery.Request{IdempotencyKey: "k"})
	o.eventually("it has failed", func() bool { d := o.all()["k"]; return d.State == delivery.Waiting && d.Attempts == 1 })
	o.clock.move(time.Minute)
	o.eventually("done", o.inState("k", delivery.Done))
}

func TestWhatIsOpenIsMeasured(t *testing.T) {
	o := newOffice(t)
	o.enqueue(delivery.Request{IdempotencyKey: "a"}, delivery.Request{IdempotencyKey: "b"})
	o.clock.move(time.Minute)
	registry := prometheus.NewRegistry()
	registry.MustRegister(delivery.Backlog{Pool: o.pool, Now: o.clock.now})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			got[name] = m.GetGauge().GetValue()
		}
	}
	want := map[string]float64{
		"marshrut_delivery_open waiting": 2, "marshrut_delivery_open leased": 0, "marshrut_delivery_open parked": 0,
		"marshrut_delivery_oldest_due_seconds": 60,
	}
	if !maps.Equal(got, want) {
		t.Errorf("measured %v, want %v", got, want)
	}
}

func TestWhatNobodyCanCarryOutIsParkedWithItsReason(t *testing.T) {
	pool := postgrestest.New(t)
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	request := delivery.Request{Connection: "mail", Kind: "letter", Object: "lead:1", IdempotencyKey: "k", Lead: 1, Parked: "no outgoing mail"}
	err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error { return delivery.Enqueue(t.Context(), tx, now, []delivery.Request{request}) })
	if err != nil {
		t.Fatal(err)
	}
	list, err := delivery.List(t.Context(), pool, delivery.Filter{State: delivery.Parked})
	if err != nil || len(list) != 1 || list[0].LastError != "no outgoing mail" {
		t.Errorf("got %+v, %v, want the letter parked with its reason", list, err)
	}
}
