package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/pipeline"
	"marshrut/pipeline/pipelinetest"
	"marshrut/pipeline/spool"
)

func TestContractOnTheSpool(t *testing.T) {
	pipelinetest.Broker(t, func(t *testing.T) pipelinetest.Bus { return open(t, postgrestest.New(t)) })
}

func open(t *testing.T, pool *pgxpool.Pool) *spool.Bus {
	bus := spool.New(pool, "inquiries", spool.Options{RetryMax: time.Second})
	t.Cleanup(bus.Close)
	return bus
}

// consume runs a consumer until the test ends.
func consume(t *testing.T, bus *spool.Bus, h pipeline.Handler) {
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return bus.Consume(ctx, h) })
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Errorf("Consume ended with %v, want nil", err)
		}
	})
}

func TestWhatAHandlerWritesAndWhatItWasGivenAreOneTransaction(t *testing.T) {
	pool := postgrestest.New(t)
	if _, err := pool.Exec(t.Context(), `create table filed (id text primary key)`); err != nil {
		t.Fatal(err)
	}
	bus := open(t, pool)
	events := pipelinetest.Events(0, 50)
	if err := bus.Publish(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	calls := 0
	consume(t, bus, func(ctx context.Context, b pipeline.Batch) error {
		for _, e := range b.Events {
			// A second row of the same event would be refused here.
			if _, err := b.Tx.Exec(ctx, `insert into filed values ($1)`, e.ID); err != nil {
				return err
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls <= 4 {
			return errors.New("failed after writing")
		}
		return nil
	})
	filed := func() (n int) {
		if err := pool.QueryRow(t.Context(), `select count(*) from filed`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "all are filed", func() bool { return filed() == len(events) })
	depth, oldest, err := bus.Depth(t.Context())
	if err != nil || depth != 0 || oldest != 0 {
		t.Errorf("the spool holds %d events, the oldest for %s: %v", depth, oldest, err)
	}
}

func TestWhatIsAppendedGoesOnIfItsTransactionCommits(t *testing.T) {
	pool := postgrestest.New(t)
	bus := open(t, pool)
	got := make(chan string, 10)
	consume(t, bus, func(_ context.Context, b pipeline.Batch) error {
		for _, e := range b.Events {
			got <- e.ID
		}
		return nil
	})
	appendIn := func(n int, outcome error) {
		err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			if err := spool.Append(t.Context(), tx, "inquiries", time.Now(), pipelinetest.Event(n)); err != nil {
				return err
			}
			return outcome
		})
		if !errors.Is(err, outcome) {
			t.Fatal(err)
		}
	}
	appendIn(1, errors.New("rolled back"))
	appendIn(2, nil)
	if id := <-got; id != pipelinetest.Event(2).ID {
		t.Errorf("%s arrived, which was rolled back", id)
	}
}

func TestATopicKeepsToItself(t *testing.T) {
	pool := postgrestest.New(t)
	inquiries := open(t, pool)
	other := spool.New(pool, "lead-events", spool.Options{})
	defer other.Close()
	if err := other.Publish(t.Context(), pipelinetest.Event(1)); err != nil {
		t.Fatal(err)
	}
	if err := inquiries.Publish(t.Context(), pipelinetest.Event(2)); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 10)
	consume(t, inquiries, func(_ context.Context, b pipeline.Batch) error {
		for _, e := range b.Events {
			got <- e.ID
		}
		return nil
	})
	if id := <-got; id != pipelinetest.Event(2).ID {
		t.Errorf("an event of another topic arrived")
	}
	if depth, _, err := other.Depth(t.Context()); err != nil || depth != 1 {
		t.Errorf("the other topic holds %d: %v", depth, err)
	}
}

func TestAnEventIsHandledSoonOnAnIdleSystem(t *testing.T) {
	pool := postgrestest.New(t)
	// Nobody wakes it but NOTIFY: publisher and consumer are two buses, as in two
	// processes, and the poll comes after a minute.
	from := open(t, pool)
	to := spool.New(pool, "inquiries", spool.Options{Poll: time.Minute})
	defer to.Close()
	got := make(chan time.Time, 1)
	consume(t, to, func(context.Context, pipeline.Batch) error {
		got <- time.Now()
		return nil
	})
	var took []time.Duration
	for n := range 20 {
		began := time.Now()
		if err := from.Publish(t.Context(), pipelinetest.Event(n)); err != nil {
			t.Fatal(err)
		}
		select {
		case at := <-got:
			took = append(took, at.Sub(began))
		case <-time.After(20 * time.Second):
			t.Fatalf("event %d was not noticed", n)
		}
	}
	slices.Sort(took)
	// A figure to read, not to judge by: the machine may be busy.
	t.Logf("from Publish to the handler: median %s, longest %s", took[len(took)/2], took[len(took)-1])
}

func TestARowNobodyCanReadBecomesAnEventThatSaysWhy(t *testing.T) {
	pool := postgrestest.New(t)
	bus := open(t, pool)
	_, err := pool.Exec(t.Context(),
		`insert into spool (topic, lane, spooled_at, envelope, data) values ('inquiries', 3, $1, '\x0903'::bytea, 'raw'::bytea)`, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan pipeline.Event, 1)
	consume(t, bus, func(_ context.Context, b pipeline.Batch) error {
		got <- b.Events[0]
		return nil
	})
	e := <-got
	if e.Type != pipeline.UnreadableType || !bytes.HasSuffix(e.Data, []byte("raw")) || !strings.Contains(e.Attributes[pipeline.UnreadableReason], "version") {
		t.Errorf("it became %+v", e)
	}
}

func TestABatchStaysInsideItsLimits(t *testing.T) {
	pool := postgrestest.New(t)
	bus := spool.New(pool, "inquiries", spool.Options{MaxEvents: 7, MaxBytes: 100_000})
	defer bus.Close()
	var events []pipeline.Event
	for n := range 60 {
		e := pipelinetest.Event(n)
		if n%10 == 0 {
			e.Data = make([]byte, 150_000) // more than a batch holds: it goes alone
		}
		events = append(events, e)
	}
	for chunk := range slices.Chunk(events, 10) {
		if err := bus.Publish(t.Context(), chunk...); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	consume(t, bus, func(_ context.Context, b pipeline.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		size := 0
		for i, e := range b.Events {
			if i > 0 {
				size += len(b.Events[i-1].Data)
			}
			seen[e.ID] = true
		}
		if len(b.Events) > 7 || size >= 100_000 {
			t.Errorf("a batch of %d events, %d bytes before the last", len(b.Events), size)
		}
		return nil
	})
	eventually(t, "all came", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) == len(events)
	})
}

func TestADeadProcessLeavesItsLanesToOthers(t *testing.T) {
	pool := postgrestest.New(t)
	bus := open(t, pool)
	events := pipelinetest.Events(0, 64)
	if err := bus.Publish(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	// A process that has taken events and is killed: its connections are cut, with
	// the locks of its lanes and the transaction that would have deleted them.
	dying, err := pgxpool.NewWithConfig(t.Context(), pool.Config().Copy())
	if err != nil {
		t.Fatal(err)
	}
	defer dying.Close()
	ctx, kill := context.WithCancel(t.Context())
	took := make(chan uint32, 64)
	var dead errgroup.Group
	dead.Go(func() error {
		return spool.New(dying, "inquiries", spool.Options{Grace: time.Millisecond}).Consume(ctx, func(hctx context.Context, b pipeline.Batch) error {
			took <- b.Tx.Conn().PgConn().PID()
			<-hctx.Done()
			return hctx.Err()
		})
	})
	pid := <-took
	if _, err := pool.Exec(t.Context(), `select pg_terminate_backend($1)`, int(pid)); err != nil {
		t.Fatal(err)
	}
	kill()
	if err := dead.Wait(); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	consume(t, bus, func(_ context.Context, b pipeline.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range b.Events {
			seen[e.ID] = true
		}
		return nil
	})
	eventually(t, "all came to the other", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) == len(events)
	})
}

func TestALaneIsInOneHandAtATime(t *testing.T) {
	pool := postgrestest.New(t)
	bus := open(t, pool)
	var mu sync.Mutex
	held, seen := map[int]bool{}, map[string]bool{}
	handle := func(ctx context.Context, b pipeline.Batch) error {
		mu.Lock()
		lanes := map[int]bool{}
		for _, e := range b.Events {
			lanes[e.Lane(spool.Lanes)] = true
			seen[e.ID] = true
		}
		for lane := range lanes {
			if held[lane] {
				t.Errorf("lane %d is handled twice at once", lane)
			}
			held[lane] = true
		}
		mu.Unlock()
		_, err := b.Tx.Exec(ctx, `select pg_sleep(0.005)`) // time for another to get in
		mu.Lock()
		defer mu.Unlock()
		for lane := range lanes {
			delete(held, lane)
		}
		return err
	}
	for range 3 {
		consume(t, bus, handle)
	}
	events := pipelinetest.Events(0, 600)
	for chunk := range slices.Chunk(events, 20) {
		if err := bus.Publish(t.Context(), chunk...); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all came", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) == len(events)
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("it never came to this: %s", what)
		case <-tick.C:
		}
	}
}

// The floor both benchmarks are measured against: PostgreSQL taking the same
// rows in bare unnest inserts of 100.
func bareInsert(b *testing.B, pool *pgxpool.Pool, rows int) time.Duration {
	b.Helper()
	ctx := context.Background()
	if _, err := pool.Exec(ctx, `create table if not exists bare (id bigint generated always as identity primary key, body bytea not null)`); err != nil {
		b.Fatal(err)
	}
	bodies := make([][]byte, 100)
	for i := range bodies {
		bodies[i] = body(i)
	}
	began := time.Now()
	for done := 0; done < rows; done += len(bodies) {
		if _, err := pool.Exec(ctx, `insert into bare (body) select * from unnest($1::bytea[])`, bodies); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began)
}

// body is about a form's size.
func body(n int) []byte { return fmt.Appendf(bytes.Repeat([]byte("x"), 600), "%d", n) }

func benchEvent(n int) pipeline.Event {
	e := pipelinetest.Event(n)
	e.Data = body(n)
	return e
}

// BenchmarkPublish: 128 senders at once, each event acknowledged by its commit.
func BenchmarkPublish(b *testing.B) {
	pool := postgrestest.New(b)
	bus := spool.New(pool, "inquiries", spool.Options{})
	defer bus.Close()
	const rows = 20_000
	floor := bareInsert(b, pool, rows)
	for b.Loop() {
		var g errgroup.Group
		g.SetLimit(128)
		for n := range rows {
			g.Go(func() error { return bus.Publish(context.Background(), benchEvent(n)) })
		}
		if err := g.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	report(b, rows, floor)
}

// BenchmarkConsume: taking out what waits, with a handler that does nothing.
func BenchmarkConsume(b *testing.B) {
	pool := postgrestest.New(b)
	const rows = 20_000
	floor := bareInsert(b, pool, rows)
	for b.Loop() {
		b.StopTimer()
		bus := spool.New(pool, "inquiries", spool.Options{})
		for n := 0; n < rows; n += 500 {
			var events []pipeline.Event
			for i := range 500 {
				events = append(events, benchEvent(n+i))
			}
			if err := bus.Publish(context.Background(), events...); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		ctx, cancel := context.WithCancel(context.Background())
		var mu sync.Mutex
		left := rows
		err := bus.Consume(ctx, func(_ context.Context, batch pipeline.Batch) error {
			mu.Lock()
			defer mu.Unlock()
			if left -= len(batch.Events); left == 0 {
				cancel()
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		bus.Close()
	}
	report(b, rows, floor)
}

// report prints events per second and how that compares with the floor.
func report(b *testing.B, rows int, floor time.Duration) {
	each := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(float64(rows)/each.Seconds(), "events/s")
	b.ReportMetric(float64(rows)/floor.Seconds(), "floor-rows/s")
	b.ReportMetric(floor.Seconds()/each.Seconds(), "of-floor")
}
