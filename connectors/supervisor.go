package connectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"marshrut/pipeline"
)

// Supervisor keeps the pollers of all connections going. One that fails waits and
// starts again, longer each time; it never stops the others. Connections that are
// added, changed or removed while it runs are followed.
type Supervisor struct {
	// Connections gives those that should work now. A changed one is another pointer.
	Connections func() []*Connected
	// Desk is where the poller of a connection works. Its Well is the Supervisor's.
	Desk func(*Connected) Desk
	// Lead runs work while this process is the one that polls the connection, and
	// returns when it no longer is. Nil: always.
	Lead func(ctx context.Context, connection string, work func(context.Context) error) error
	// Report is told how each run of a poller ended. Nil: nobody is.
	Report func(connection string, err error)
	// Every is how often Connections is asked; 0 means 10 s.
	Every time.Duration
	// MaxPause bounds the pause between two runs of a failing poller; 0 means 5 min. One whose Trouble time mends is asked more often.
	MaxPause time.Duration
	Log      *slog.Logger
}

const (
	firstPause = time.Second
	// briefPause bounds the pause after a run that got somewhere: the other side lets us in and hangs up. That is worth trying
	// again soon, but not so often that it takes us for a burglar.
	briefPause = 15 * time.Second
	// awayPause bounds the pause while the other side is away and may be back at any moment: nobody is locked out for asking.
	awayPause = 30 * time.Second
	// goodWhile is how long a run that got somewhere has to last for what ended it to be something new.
	goodWhile = time.Minute
)

// Run polls until ctx ends, then waits for the pollers to stop and returns nil.
func (s *Supervisor) Run(ctx context.Context) error {
	var pollers errgroup.Group
	running := map[*Connected]context.CancelFunc{}
	tick := time.NewTicker(cmp.Or(s.Every, 10*time.Second))
	defer tick.Stop()
	for {
		s.follow(ctx, &pollers, running)
		select {
		case <-ctx.Done():
			for _, stop := range running {
				stop()
			}
			return pollers.Wait()
		case <-tick.C:
		}
	}
}

// follow starts the pollers that are new and stops those that are gone.
func (s *Supervisor) follow(ctx context.Context, pollers *errgroup.Group, running map[*Connected]context.CancelFunc) {
	wanted := map[*Connected]bool{}
	for _, c := range s.Connections() {
		poller, ok := c.Instance.(Poller)
		if !ok {
			continue
		}
		wanted[c] = true
		if running[c] != nil {
			continue
		}
		own, stop := context.WithCancel(ctx)
		running[c] = stop
		pollers.Go(func() error {
			s.keep(own, c, poller)
			return nil
		})
	}
	for c, stop := range running {
		if !wanted[c] {
			stop()
			delete(running, c)
		}
	}
}

// keep runs one poller again and again until ctx ends.
func (s *Supervisor) keep(ctx context.Context, c *Connected, poller Poller) {
	pause := firstPause
	for ctx.Err() == nil {
		started, got := time.Now(), new(atomic.Bool)
		err := s.lead(ctx, c.Name, func(ctx context.Context) error { return safePoll(ctx, poller, s.desk(c, got)) })
		if s.Report != nil && ctx.Err() == nil {
			s.Report(c.Name, err)
		}
		pause = s.pauseAfter(pause, err, got.Load(), time.Since(started))
		if err != nil && ctx.Err() == nil {
			s.log().Warn("connection failed, trying again", "connection", c.Name, "pause", pause, "error", c.RedactText(err.Error()))
		}
		wait(ctx, pause+rand.N(pause/4+1))
		pause *= 2
	}
}

// pauseAfter is how long to wait behind a run, when it is pause by the runs before.
func (s *Supervisor) pauseAfter(pause time.Duration, err error, got bool, lasted time.Duration) time.Duration {
	most := cmp.Or(s.MaxPause, 5*time.Minute)
	if err == nil || got && lasted > goodWhile || lasted > most {
		return firstPause
	}
	pause = min(pause, most)
	passing := &Trouble{Final: !errors.As(err, new(*net.OpError))} // who says nothing of it is away when the network says so
	errors.As(err, &passing)
	switch {
	case got:
		pause = min(pause, briefPause)
	case !passing.Final, passing.After > 0:
		pause = min(pause, awayPause)
	}
	return max(pause, passing.After)
}

// desk lets a poller that goes on for days tell that its trouble is over. got is whether its run got anywhere.
func (s *Supervisor) desk(c *Connected, got *atomic.Bool) Desk {
	d := s.Desk(c)
	d.Sink = notedSink{d.Sink, got}
	d.Well = func() {
		got.Store(true)
		if s.Report != nil {
			s.Report(c.Name, nil)
		}
	}
	return d
}

// notedSink notes that something was accepted.
type notedSink struct {
	Sink
	got *atomic.Bool
}

func (n notedSink) Accept(ctx context.Context, events ...pipeline.Event) error {
	err := n.Sink.Accept(ctx, events...)
	if err == nil {
		n.got.Store(true)
	}
	return err
}

func (s *Supervisor) lead(ctx context.Context, connection string, work func(context.Context) error) error {
	if s.Lead == nil {
		return work(ctx)
	}
	return s.Lead(ctx, connection, work)
}

func (s *Supervisor) log() *slog.Logger {
	if s.Log == nil {
		return slog.Default()
	}
	return s.Log
}

// safePoll turns a panic of a poller into an error, so that it costs only itself.
func safePoll(ctx context.Context, p Poller, desk Desk) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("poller panicked: %v\n%s", r, debug.Stack())
		}
	}()
	return p.Poll(ctx, desk)
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
