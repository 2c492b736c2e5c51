package processes_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/processes"
)

// The floor of each measure is PostgreSQL taking the same rows by itself, one
// transaction each, with as many connections.

// fill starts n instances of the map "two", in batches, and gives their tasks.
func (h *house) fill(n int) []int64 {
	h.publish("two", se+user("a")+user("b"), "s>a", "a>b", "b>e")
	h.exec("insert into matter (id, title) select n, 'Дело ' || n from generate_series(1, $1::int) as n", n)
	for first := 0; first < n; first += 500 {
		requests := make([]processes.StartRequest, min(500, n-first))
		for i := range requests {
			requests[i] = processes.StartRequest{Process: "two", Subject: int64(first + i + 1)}
		}
		h.startAll(requests...)
	}
	rows, err := h.pool.Query(h.t.Context(), "select id from task order by id")
	must(h.t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	must(h.t, err)
	h.exec("vacuum analyze")
	return ids
}

// latencies collects how long each operation took.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

func (l *latencies) report(b *testing.B) {
	slices.Sort(l.all)
	if n := len(l.all); n > 0 {
		b.ReportMetric(float64(l.all[n/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(l.all[n*99/100].Microseconds())/1000, "p99-ms")
	}
}

// each runs f for 0 … b.N-1 by sixteen workers.
func each(b *testing.B, f func(i int) error) {
	var next atomic.Int64
	var took latencies
	b.SetParallelism(8) // of two processors: sixteen people click at once
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			begun := time.Now()
			if err := f(int(next.Add(1) - 1)); err != nil {
				b.Error(err)
				return
			}
			took.add(time.Since(begun))
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
	took.report(b)
}

func BenchmarkComplete(b *testing.B) {
	h := newHouse(b)
	tasks := h.fill(b.N)
	each(b, func(i int) error {
		_, err := h.Complete(context.Background(), h.admin, tasks[i], processes.Completion{Revision: 2})
		return err
	})
}

func BenchmarkCompleteFloor(b *testing.B) {
	h := newHouse(b)
	tasks := h.fill(b.N)
	ctx := context.Background()
	each(b, func(i int) error {
		return postgres.InTx(ctx, h.pool, func(tx pgx.Tx) error {
			var batch pgx.Batch
			id := tasks[i]
			batch.Queue("select 1 from matter where id = (select subject from task where id = $1) for no key update", id)
			batch.Queue("update process_instance set snapshot = snapshot, revision = revision + 1 where id = (select instance_id from task where id = $1)", id)
			batch.Queue("update task set status = 'done', done_at = created_at, revision = revision + 1 where id = $1", id)
			batch.Queue(`insert into task (id, instance_id, no, subject, process, element, title, assignee_id, created_at)
				select id + 100000000, instance_id, no + 1, subject, process, 'b', title, assignee_id, created_at from task where id = $1`, id)
			batch.Queue(`insert into process_journal (instance_id, revision, subject, at, command, events)
				select instance_id, 2, subject, at, command, events from process_journal where instance_id = (select instance_id from task where id = $1) and revision = 1`, id)
			return tx.SendBatch(ctx, &batch).Close()
		})
	})
}

func BenchmarkStartOneTask(b *testing.B) {
	h := newHouse(b)
	h.publish("two", se+user("a")+user("b"), "s>a", "a>b", "b>e")
	h.exec("insert into matter (id, title) select n, 'Дело ' || n from generate_series(1, $1::int) as n", b.N)
	each(b, func(i int) error {
		return postgres.InTx(context.Background(), h.pool, func(tx pgx.Tx) error {
			_, err := h.Start(context.Background(), tx, []processes.StartRequest{{Process: "two", Subject: int64(i + 1)}})
			return err
		})
	})
}

func BenchmarkStartBatches(b *testing.B) {
	h := newHouse(b)
	begun := time.Now()
	h.fill(b.N)
	b.ReportMetric(float64(b.N)/time.Since(begun).Seconds(), "op/s")
}

func BenchmarkTimers(b *testing.B) { benchmarkTimers(b, 0) }

func BenchmarkTimersAmongAMillionPending(b *testing.B) { benchmarkTimers(b, 1_000_000) }

// benchmarkTimers measures timers fired in full: each leads its instance to a
// task for somebody, with journal and notice.
func benchmarkTimers(b *testing.B, pending int) {
	h := newHouse(b)
	h.await(b.N)
	h.pend(pending)
	h.takeAll(b, h.clock().Add(time.Hour))
	if n := h.number("select count(*) from task"); n != b.N {
		b.Error(fmt.Errorf("%d tasks, want %d", n, b.N))
	}
}

// BenchmarkTakingTimers measures the taking alone: timers whose instance does not
// wait for them any more.
func BenchmarkTakingTimers(b *testing.B) {
	h := newHouse(b)
	h.await(1)
	h.pend(1_000_000)
	h.exec(`insert into timer (instance_id, no, subject, due_at) select (select min(id) from process_instance), -n, 1, $2
		from generate_series(1, $1::int) as n`, b.N, h.clock())
	h.takeAll(b, h.clock())
	if n := h.number("select count(*) from timer where no < 0"); n != 0 {
		b.Error(fmt.Errorf("%d timers are left", n))
	}
}

// BenchmarkTimerLateness lets a thousand timers fall due in each second, among a
// million that do not, and measures how long after that their tasks are there.
func BenchmarkTimerLateness(b *testing.B) {
	h := newHouse(b)
	h.await(b.N)
	h.pend(1_000_000)
	start := time.Now().Add(time.Second)
	h.exec(`update timer t set due_at = $1::timestamptz + n.no * interval '1 millisecond'
		from (select instance_id, row_number() over (order by instance_id) as no from timer where no < 1000) n
		where t.instance_id = n.instance_id and t.no < 1000`, start)
	h.now = time.Time{} // the real clock from here on
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var work sync.WaitGroup
	for range 2 {
		work.Go(func() {
			if err := h.RunTimers(ctx); err != nil {
				b.Error(err)
			}
		})
	}
	b.ResetTimer()
	var took latencies
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for seen := 0; seen < b.N; <-tick.C {
		n := h.number("select count(*) from task")
		for ; seen < n; seen++ { // they fire in the order in which they are due
			took.add(time.Since(start.Add(time.Duration(seen+1) * time.Millisecond)))
		}
	}
	b.StopTimer()
	cancel()
	work.Wait()
	took.report(b)
}

// await starts n instances that wait for an hour.
func (h *house) await(n int) {
	h.t.Helper()
	h.publish("wait", se+after("t", "PT1H")+user("a"), "s>t", "t>a", "a>e")
	h.exec("insert into matter (id, title) select n, 'Дело ' || n from generate_series(1, $1::int) as n", n)
	for first := 0; first < n; first += 500 {
		requests := make([]processes.StartRequest, min(500, n-first))
		for i := range requests {
			requests[i] = processes.StartRequest{Process: "wait", Subject: int64(first + i + 1)}
		}
		h.startAll(requests...)
	}
}

// pend adds timers that are not due for two days or more.
func (h *house) pend(n int) {
	h.t.Helper()
	h.exec(`insert into timer (instance_id, no, subject, due_at) select (select min(id) from process_instance), 1000 + n, 1, $2::timestamptz + n * interval '1 second'
		from generate_series(1, $1::int) as n`, n, time.Now().AddDate(10, 0, 0))
	h.exec("vacuum analyze")
}

// takeAll fires what is due at now, by two workers, and reports the rate.
func (h *house) takeAll(b *testing.B, now time.Time) {
	b.ResetTimer()
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			if err := takeAll(h.Service, now, 100); err != nil {
				b.Error(err)
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}
