package app

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

// supervisor runs named work until it is told to stop. Work that fails or panics is started again after a pause that
// doubles with every failure in a row; one failing never stops another. It holds the only go statements of the gateway.
type supervisor struct {
	log  *slog.Logger
	stop context.CancelFunc
	ctx  context.Context
	done sync.WaitGroup
}

const (
	minPause = 200 * time.Millisecond
	maxPause = 15 * time.Second
	// calm is how long work has to run before its next failure counts as a first one.
	calm = time.Minute
)

func newSupervisor(log *slog.Logger) *supervisor {
	ctx, stop := context.WithCancel(context.Background())
	return &supervisor{log: log, ctx: ctx, stop: stop}
}

// start runs work, which ends when its context does.
func (s *supervisor) start(name string, work func(ctx context.Context) error) {
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		s.keep(name, work)
	}()
}

func (s *supervisor) keep(name string, work func(ctx context.Context) error) {
	pause := minPause
	for s.ctx.Err() == nil {
		began := time.Now()
		err := protect(s.ctx, work)
		if s.ctx.Err() != nil {
			if err != nil {
				s.log.Warn("work ended with an error while stopping", "work", name, "error", err)
			}
			return
		}
		if time.Since(began) > calm {
			pause = minPause
		}
		s.log.Error("work failed and is started again", "work", name, "error", err, "pause", pause.String())
		timer := time.NewTimer(pause + rand.N(pause/4))
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
			return
		}
		pause = min(2*pause, maxPause)
	}
}

// protect turns a panic into an error, so that one bug does not take the edge down with it.
func protect(ctx context.Context, work func(ctx context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	if err := work(ctx); err != nil {
		return err
	}
	if ctx.Err() == nil {
		return fmt.Errorf("it ended without being told to")
	}
	return nil
}

// close tells all work to end and waits for it, but not longer than ctx.
func (s *supervisor) close(ctx context.Context) error {
	s.stop()
	ended := make(chan struct{})
	go func() {
		s.done.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("some work did not end in time: %w", context.Cause(ctx))
	}
}
