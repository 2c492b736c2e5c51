package spool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/postgres"
	"marshrut/pipeline"
)

// alarm wakes the workers of one Consume, one worker a ring.
type alarm struct{ c chan struct{} }

func (a *alarm) ring() {
	select {
	case a.c <- struct{}{}:
	default: // everybody is awake already
	}
}

// wake rings for the consumers of this process; NOTIFY does for the others.
func (b *Bus) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for a := range b.alarms {
		a.ring()
	}
}

// Consume hands waiting events to h until ctx ends, then gives the batch at hand
// its time and returns nil. Each batch is taken, handled and deleted in one
// transaction, which the handler gets.
func (b *Bus) Consume(ctx context.Context, h pipeline.Handler) error {
	c := &consumer{bus: b, handle: h, alarm: &alarm{c: make(chan struct{}, b.o.Workers)}}
	b.mu.Lock()
	b.alarms[c.alarm] = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		delete(b.alarms, c.alarm)
		b.mu.Unlock()
	}()

	long, cancel := pipeline.Outlive(ctx, b.o.Grace)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error {
		return postgres.Listen(ctx, b.pool, channel, func(topic string) {
			if topic == "" || topic == b.topic {
				c.alarm.ring()
			}
		})
	})
	for range b.o.Workers {
		g.Go(func() error { c.work(ctx, long); return nil })
	}
	return g.Wait()
}

// consumer is one Consume.
type consumer struct {
	bus    *Bus
	handle pipeline.Handler
	alarm  *alarm

	mu    sync.Mutex
	lanes [Lanes]laneState
}

// laneState is what this consumer remembers of a lane. A lane whose batch failed
// is taken alone, and not before its pause is over, so that it holds up no other.
type laneState struct {
	failures int
	until    time.Time
}

// work is one worker: it handles batches until the spool is dry, then waits.
func (c *consumer) work(ctx, long context.Context) {
	o := c.bus.o
	pause, trailing := o.RetryMin, false
	for ctx.Err() == nil {
		n, err := c.batch(ctx, long)
		switch {
		case err != nil && ctx.Err() != nil:
			return
		case err != nil:
			o.Log.Warn("a batch of events failed and will be tried again", "topic", c.bus.topic, "error", err)
			if !errors.As(err, new(*laneError)) { // the server itself: nothing to do in other lanes
				c.wait(ctx, jitter(pause))
				pause = min(2*pause, o.RetryMax, 5*time.Second)
			}
			trailing = false
		case n > 0:
			pause, trailing = o.RetryMin, false
		case !trailing: // what a publisher did not notify about came within notifyEvery
			trailing = true
			c.wait(ctx, 2*notifyEvery)
		default:
			trailing = false
			if c.wait(ctx, c.idle()) {
				pause = o.RetryMin
				c.linger(ctx)
			}
		}
	}
}

// idle is how long to wait for a wake-up: the poll interval, or less when a lane
// is due to be tried again.
func (c *consumer) idle() time.Duration {
	wait := jitter(c.bus.o.Poll)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lanes {
		if l.failures > 0 {
			wait = min(wait, max(time.Until(l.until), time.Millisecond))
		}
	}
	return wait
}

// wait returns after d, or true as soon as the alarm rings, or when ctx ends.
func (c *consumer) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-c.alarm.c:
		return true
	}
	return false
}

// linger lets a few more events arrive for the batch.
func (c *consumer) linger(ctx context.Context) {
	t := time.NewTimer(c.bus.o.Linger)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1)
}

// laneError is a failure of the handler in some lanes, not of the server.
type laneError struct{ err error }

func (e *laneError) Error() string { return e.err.Error() }
func (e *laneError) Unwrap() error { return e.err }

// batch takes lanes, hands their head to the handler, deletes it and commits. It
// returns how many events were handled; 0 when there was nothing to take.
func (c *consumer) batch(ctx, long context.Context) (n int, err error) {
	wanted, most := c.choose()
	if len(wanted) == 0 {
		return 0, nil
	}
	tx, err := c.bus.pool.Begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	lanes, err := c.take(ctx, tx, wanted, most)
	if err != nil || len(lanes) == 0 {
		return 0, err
	}
	rows, err := c.read(ctx, tx, lanes)
	if err != nil || len(rows.events) == 0 {
		return 0, err
	}
	err = c.finish(long, tx, rows)
	c.remember(lanes, err)
	if err != nil {
		c.bus.o.Metrics.Failed("spool")
		return 0, &laneError{err}
	}
	c.bus.o.Metrics.Handled("spool", len(rows.events))
	return len(rows.events), nil
}

// choose lists the lanes to look at, in random order, and how many of them to
// take: several healthy ones, so that batches form, but not so many that the
// workers of another process find none; or one that failed before, alone.
func (c *consumer) choose() (lanes []int16, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for _, i := range rand.Perm(Lanes) {
		l := c.lanes[i]
		switch {
		case l.failures == 0:
			lanes = append(lanes, int16(i))
		case !now.Before(l.until):
			// Nobody else of this consumer shall take it meanwhile.
			c.lanes[i].until = now.Add(c.bus.o.RetryMin)
			return []int16{int16(i)}, 1
		}
	}
	return lanes, max(1, Lanes/(2*c.bus.o.Workers))
}

// remember notes how the lanes' batch went.
func (c *consumer) remember(lanes []int16, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range lanes {
		l := &c.lanes[i]
		if err == nil {
			*l = laneState{}
			continue
		}
		pause := c.bus.o.RetryMin << min(l.failures, 20)
		l.failures++
		l.until = time.Now().Add(jitter(min(pause, c.bus.o.RetryMax)))
	}
}

func (c *consumer) take(ctx context.Context, tx pgx.Tx, wanted []int16, most int) ([]int16, error) {
	rows, _ := tx.Query(ctx, takeLanesSQL, c.bus.topic, lockClass(c.bus.topic), wanted, most)
	lanes, err := pgx.CollectRows(rows, pgx.RowTo[int16])
	if err != nil {
		return nil, fmt.Errorf("take lanes: %w", err)
	}
	return lanes, nil
}

// taken is a batch as it was read.
type taken struct {
	places []pgtype.TID
	events []pipeline.Event
}

func (c *consumer) read(ctx context.Context, tx pgx.Tx, lanes []int16) (taken, error) {
	var t taken
	each := (c.bus.o.MaxEvents + len(lanes) - 1) / len(lanes)
	rows, _ := tx.Query(ctx, readSQL, c.bus.topic, lanes, each, c.bus.o.MaxEvents, c.bus.o.MaxBytes)
	var place pgtype.TID
	var lane int16
	var id int64
	var envelope, data []byte
	_, err := pgx.ForEachRow(rows, []any{&place, &lane, &id, &envelope, &data}, func() error {
		t.places = append(t.places, place)
		t.events = append(t.events, c.decode(lane, id, envelope, data))
		envelope, data = nil, nil
		return nil
	})
	if err != nil {
		return t, fmt.Errorf("read events: %w", err)
	}
	return t, nil
}

func (c *consumer) decode(lane int16, id int64, envelope, data []byte) pipeline.Event {
	e, err := decodeEnvelope(envelope)
	if err != nil {
		origin := fmt.Sprintf("spool/%s/%d/%d", c.bus.topic, lane, id)
		return pipeline.Unreadable(origin, c.bus.o.Now(), append(envelope, data...), err)
	}
	e.Data = data
	return e
}

func (c *consumer) finish(ctx context.Context, tx pgx.Tx, t taken) error {
	if err := c.handle(ctx, pipeline.Batch{Events: t.events, Tx: tx}); err != nil {
		return fmt.Errorf("handle %d events: %w", len(t.events), err)
	}
	tag, err := tx.Exec(ctx, deleteSQL, t.places)
	if err != nil {
		return fmt.Errorf("take out %d handled events: %w", len(t.events), err)
	}
	if tag.RowsAffected() != int64(len(t.events)) {
		return fmt.Errorf("took out %d of %d handled events", tag.RowsAffected(), len(t.events))
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit %d handled events: %w", len(t.events), err)
	}
	return nil
}
