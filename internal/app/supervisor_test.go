package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func TestFailedWorkIsStartedAgainWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSupervisor(quiet)
		var starts []time.Time
		s.start("failing", func(context.Context) error {
			starts = append(starts, time.Now())
			return errors.New("no")
		})
		time.Sleep(time.Minute)
		if err := s.close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(starts) < 5 {
			t.Fatalf("started %d times in a minute", len(starts))
		}
		first, last := starts[1].Sub(starts[0]), starts[len(starts)-1].Sub(starts[len(starts)-2])
		if first > time.Second || last < 10*time.Second {
			t.Errorf("pauses went from %s to %s, want them to grow to about %s", first, last, maxPause)
		}
	})
}

func TestOneFailingWorkDoesNotStopAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSupervisor(quiet)
		ended := false
		s.start("panicking", func(context.Context) error { panic("bug") })
		s.start("steady", func(ctx context.Context) error {
			<-ctx.Done()
			ended = true
			return nil
		})
		time.Sleep(time.Minute)
		if ended {
			t.Error("the steady work was stopped by the other's panic")
		}
		if err := s.close(t.Context()); err != nil || !ended {
			t.Errorf("close: %v, ended %v", err, ended)
		}
	})
}

func TestStopDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSupervisor(quiet)
		release := make(chan struct{})
		s.start("deaf", func(context.Context) error { <-release; return nil })
		synctest.Wait() // it is at work now
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.close(ctx); err == nil {
			t.Error("close came back without an error while work goes on")
		}
		close(release)
		synctest.Wait()
	})
}
