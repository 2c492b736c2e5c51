package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// GroupOptions are the settings of a Group.
type GroupOptions struct {
	MaxEvents   int           // in one write; default 500
	MaxBytes    int           // in one write; default 900 KiB
	MaxWaiting  int           // events accepted and not yet written; above it ErrOverloaded; default 4000
	MaxPending  int           // their bytes; default 64 MiB
	Concurrency int           // writes at a time; default 1
	Timeout     time.Duration // of one write; default 10 s
}

func (o GroupOptions) withDefaults() GroupOptions {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&o.MaxEvents, 500)
	set(&o.MaxBytes, 900<<10)
	set(&o.MaxWaiting, 4000)
	set(&o.MaxPending, 64<<20)
	set(&o.Concurrency, 1)
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	return o
}

// Group folds concurrent publishers into one write (group commit): while one
// write is under way the next batch fills, so a lone caller waits for nothing
// and a crowd shares each fsync. A caller gets nil only after the write that
// holds its events; when it gives up, the others' write goes on.
type Group struct {
	write func(ctx context.Context, events []Event) error
	o     GroupOptions

	mu      sync.Mutex
	queue   []*call
	waiting int // events accepted and not yet written
	pending int // their bytes
	writing int
	closed  bool
	work    sync.WaitGroup
}

// call is one caller with its events.
type call struct {
	ctx    context.Context
	events []Event
	bytes  int
	done   chan error // buffered: the writer never waits for a caller
	batch  *crowd     // whose write holds it; nil while it waits
}

// crowd is the callers of one write. When the last of them gives up, so does it.
type crowd struct {
	left   int
	cancel context.CancelFunc
}

// NewGroup makes a Group over write, which must take all events or fail, and may
// be called Concurrency times at once.
func NewGroup(write func(ctx context.Context, events []Event) error, o GroupOptions) *Group {
	return &Group{write: write, o: o.withDefaults()}
}

// Publish waits until events are written, or ctx ends.
func (g *Group) Publish(ctx context.Context, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := CheckSize(events); err != nil {
		return err
	}
	c := &call{ctx: ctx, events: events, done: make(chan error, 1)}
	for _, e := range events {
		c.bytes += e.Size()
	}
	if err := g.enter(c); err != nil {
		return err
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		g.leave(c)
		return fmt.Errorf("publish %d events: %w", len(events), context.Cause(ctx))
	}
}

// Close refuses further events and waits until what was accepted is written.
func (g *Group) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.work.Wait()
}

func (g *Group) enter(c *call) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return ErrClosed
	case c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	case g.waiting > 0 && (g.waiting+len(c.events) > g.o.MaxWaiting || g.pending+c.bytes > g.o.MaxPending):
		return ErrOverloaded
	}
	g.waiting += len(c.events)
	g.pending += c.bytes
	g.queue = append(g.queue, c)
	if g.writing < g.o.Concurrency {
		g.writing++
		// Not the caller's own goroutine: a caller that gives up must be able to
		// return while the write goes on for the others. Close waits for it.
		g.work.Go(g.drain)
	}
	return nil
}

// leave takes a call that gave up out of the queue, or out of its crowd.
func (g *Group) leave(c *call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.batch != nil {
		if c.batch.left--; c.batch.left == 0 {
			c.batch.cancel()
		}
		return
	}
	for i, q := range g.queue {
		if q == c {
			g.queue = append(g.queue[:i], g.queue[i+1:]...)
			g.release(c)
			return
		}
	}
}

func (g *Group) release(c *call) {
	g.waiting -= len(c.events)
	g.pending -= c.bytes
}

// drain writes until nobody waits.
func (g *Group) drain() {
	for {
		calls, ctx := g.take()
		if calls == nil {
			return
		}
		g.settle(ctx, calls)
		g.mu.Lock()
		for _, c := range calls {
			g.release(c)
		}
		calls[0].batch.cancel()
		g.mu.Unlock()
	}
}

// take forms the next batch: whole calls, in order, inside the limits. A single
// call over the limits goes alone.
func (g *Group) take() ([]*call, context.Context) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		g.writing--
		return nil, nil
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), g.o.Timeout, errTimeout)
	batch := &crowd{cancel: cancel}
	events, bytes, n := 0, 0, 0
	for _, c := range g.queue {
		if n > 0 && (events+len(c.events) > g.o.MaxEvents || bytes+c.bytes > g.o.MaxBytes) {
			break
		}
		c.batch = batch
		events, bytes, n = events+len(c.events), bytes+c.bytes, n+1
	}
	batch.left = n
	calls := append([]*call(nil), g.queue[:n]...)
	g.queue = append(g.queue[:0], g.queue[n:]...)
	return calls, ctx
}

// settle writes the calls and tells each how it went. When the write refuses the
// data itself, the calls are halved until only the guilty one fails.
func (g *Group) settle(ctx context.Context, calls []*call) {
	var events []Event
	for _, c := range calls {
		events = append(events, c.events...)
	}
	err := g.write(ctx, events)
	if err != nil && len(calls) > 1 && errors.Is(err, ErrUnacceptable) {
		g.settle(ctx, calls[:len(calls)/2])
		g.settle(ctx, calls[len(calls)/2:])
		return
	}
	for _, c := range calls {
		c.done <- err
	}
}

var errTimeout = errors.New("the write took too long")

// ErrUnacceptable marks an error as caused by the events themselves, not by the
// state of the path, so that a Group looks for the one that does it.
var ErrUnacceptable = errors.New("event cannot be stored")
