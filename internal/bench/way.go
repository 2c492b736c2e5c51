package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// idle measures the memory of a gateway that nobody uses, a moment after its start.
func (c *company) idle(ctx context.Context, _ options, results *table) error {
	if err := rest(ctx, 3*time.Second); err != nil {
		return err
	}
	results.add(under("memory of the gateway, idle", c.gateway.memory(), 60, "MB"))
	return nil
}

const pacedRate = 500

// paced posts at a fixed rate and measures what senders and managers wait for.
func (c *company) paced(ctx context.Context, o options, results *table) error {
	v := newVisitor(c.address())
	seen := &tasks{c: c, waiting: map[string]time.Time{}}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var watch errgroup.Group
	var memory float64
	watch.Go(func() error { return seen.watch(watching) })
	watch.Go(func() error {
		for rest(watching, 200*time.Millisecond) == nil {
			memory = math.Max(memory, c.gateway.memory())
		}
		return nil
	})
	v.pace(ctx, pacedRate, o.span, seen.expect)
	if err := c.settled(ctx); err != nil {
		return err
	}
	if err := rest(ctx, time.Second); err != nil { // the last are seen
		return err
	}
	stop()
	if err := watch.Wait(); err != nil {
		return err
	}
	if n := v.refused.Load(); n > 0 {
		fmt.Printf("%d of %d posts at %d/s were refused\n", n, v.count.Load(), pacedRate)
	}
	at := fmt.Sprintf(" at %d/s", pacedRate)
	p50, p99 := milliseconds(v.posted.quantile(0.5)), milliseconds(v.posted.quantile(0.99))
	r := under("202 to the sender"+at+", p99", p99, 25, "ms")
	r.measured = fmt.Sprintf("%s (p50 %.1f ms)", r.measured, p50)
	results.add(r)
	r = under("POST to the task visible"+at+", p99", milliseconds(seen.took.quantile(0.99)), 300, "ms")
	r.measured = fmt.Sprintf("%s (p50 %.0f ms)", r.measured, milliseconds(seen.took.quantile(0.5)))
	results.add(r)
	results.add(under("memory of the gateway"+at, memory, 150, "MB"))
	return nil
}

// tasks watches when the inquiries that were sent have a task.
type tasks struct {
	c       *company
	mu      sync.Mutex
	waiting map[string]time.Time
	took    latencies
}

func (t *tasks) expect(id string, sent time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting[id] = sent
}

func (t *tasks) watch(ctx context.Context) error {
	for rest(ctx, 10*time.Millisecond) == nil {
		ids, err := t.visible(ctx)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("look for tasks: %w", err)
		}
		now := time.Now()
		t.mu.Lock()
		for _, id := range ids {
			t.took.add(now.Sub(t.waiting[id]))
			delete(t.waiting, id)
		}
		t.mu.Unlock()
	}
	return nil
}

// visible gives those that have a task now.
func (t *tasks) visible(ctx context.Context) (ids []string, err error) {
	t.mu.Lock()
	waiting := make([]string, 0, len(t.waiting))
	for id := range t.waiting {
		waiting = append(waiting, id)
	}
	t.mu.Unlock()
	err = t.c.pool.QueryRow(ctx, `select coalesce(array_agg(i.id), '{}') from inquiry i
		where i.id = any($1) and exists (select from task t where t.subject = i.lead_id and t.status = 'open')`, waiting).Scan(&ids)
	return ids, err
}

// senders is how many post at once when the gateway is asked for all it can do:
// enough to keep its batches full.
const senders = 96

// sustained posts as fast as it goes, and compares the rate at which leads with
// their processes and tasks come to be with what PostgreSQL takes of the same rows.
func (c *company) sustained(ctx context.Context, o options, results *table) error {
	before, err := c.count(ctx, "select count(*)::int from inquiry")
	if err != nil {
		return err
	}
	v := newVisitor(c.address())
	v.count.Store(1_000_000) // other people than those before
	if o.statements > 0 {
		if err := c.forgetStatements(ctx); err != nil {
			return err
		}
	}
	began := time.Now()
	v.flood(ctx, senders, o.span)
	if err := c.settled(ctx); err != nil {
		return err
	}
	took := time.Since(began)
	if o.statements > 0 {
		if err := c.printStatements(ctx, os.Stdout, o.statements); err != nil {
			return err
		}
	}
	after, err := c.count(ctx, "select count(*)::int from inquiry i where exists (select from task t where t.subject = i.lead_id)")
	if err != nil {
		return err
	}
	rate := float64(after-before) / took.Seconds()
	floor, err := c.floor(ctx)
	if err != nil {
		return err
	}
	results.add(row{"POST to lead, process and task, sustained", fmt.Sprintf("%.0f/s", rate), fmt.Sprintf("%.0f/s", floor), fmt.Sprintf("%.2f", rate/floor), "0.50 of the floor", rate >= floor/2})
	return nil
}

// restart measures how soon an inquiry is taken after a start on existing data.
func (c *company) restart(ctx context.Context, o options, results *table) error {
	if err := c.gateway.stop(ctx); err != nil {
		return fmt.Errorf("stop the gateway: %w", err)
	}
	v := newVisitor(c.address())
	v.count.Store(5_000_000)
	accepted := make(chan time.Time, 1)
	var knocking errgroup.Group
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	began := time.Now()
	knocking.Go(func() error {
		for {
			if _, err := v.submit(ctx); err == nil {
				accepted <- time.Now()
				return nil
			}
			if err := rest(ctx, 2*time.Millisecond); err != nil {
				return err
			}
		}
	})
	if err := errors.Join(c.start(ctx, o), knocking.Wait()); err != nil {
		return fmt.Errorf("start the gateway again: %w", err)
	}
	results.add(under("start to first accepted inquiry", (<-accepted).Sub(began).Seconds(), 3, "s"))
	return nil
}

// settled waits until every accepted inquiry has left the spool. It asks seldom:
// what it asks takes PostgreSQL from the work that is measured.
func (c *company) settled(ctx context.Context) error {
	for {
		n, err := c.count(ctx, "select count(*)::int from (select from spool limit 1) s")
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		if err := rest(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// under is a measure that should stay under its bar.
func under(what string, measured, bar float64, unit string) row {
	return row{what: what, measured: fmt.Sprintf("%.1f %s", measured, unit), floor: "-", ratio: "-", bar: fmt.Sprintf("under %g %s", bar, unit), ok: measured < bar}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
