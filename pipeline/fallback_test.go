package pipeline_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"marshrut/pipeline"
)

// path is a publisher that can be broken, or hang.
type path struct {
	got   []string
	asked int
	err   error
	hangs bool
}

func (p *path) Publish(ctx context.Context, events ...pipeline.Event) error {
	p.asked++
	if p.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if p.err != nil {
		return p.err
	}
	for _, e := range events {
		p.got = append(p.got, e.ID)
	}
	return nil
}

var errAway = errors.New("connection refused")

func publish(t *testing.T, f *pipeline.Fallback, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := f.Publish(ctx, event(n)); err != nil {
		t.Fatalf("event %d was refused: %v", n, err)
	}
}

func TestFromTheFirstFailureOnTheSecondPathTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka, spool := &path{}, &path{}
		f := pipeline.NewFallback(kafka, spool, pipeline.FallbackOptions{})
		publish(t, f, 1)
		kafka.err = errAway
		publish(t, f, 2)
		publish(t, f, 3)
		if !slices.Equal(kafka.got, []string{"1"}) || !slices.Equal(spool.got, []string{"2", "3"}) {
			t.Errorf("kafka has %v, spool has %v", kafka.got, spool.got)
		}
		if kafka.asked != 2 {
			t.Errorf("kafka was asked %d times; an open breaker must not ask at every event", kafka.asked)
		}
		if p, s := f.Healthy(); p || !s {
			t.Errorf("healthy: %v, %v", p, s)
		}
	})
}

func TestTheFirstPathIsProbedWithBackoffAndTakesOverAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka, spool := &path{err: errAway}, &path{}
		f := pipeline.NewFallback(kafka, spool, pipeline.FallbackOptions{RetryMin: time.Second, RetryMax: 4 * time.Second})
		asked := func(after time.Duration) int {
			before := kafka.asked
			<-time.After(after) // the bubble's clock moves, nothing really waits
			publish(t, f, 0)
			return kafka.asked - before
		}
		for i, step := range []struct {
			after time.Duration
			want  int
		}{
			{0, 1},                                                   // the failure that opens the breaker
			{900 * time.Millisecond, 0}, {100 * time.Millisecond, 1}, // after 1 s
			{1900 * time.Millisecond, 0}, {100 * time.Millisecond, 1}, // 2 s
			{3900 * time.Millisecond, 0}, {100 * time.Millisecond, 1}, // 4 s
			{3900 * time.Millisecond, 0}, {100 * time.Millisecond, 1}, // and no longer
		} {
			if got := asked(step.after); got != step.want {
				t.Fatalf("step %d: kafka was asked %d times, want %d", i, got, step.want)
			}
		}
		kafka.err = nil
		<-time.After(4 * time.Second)
		publish(t, f, 7)
		publish(t, f, 8)
		if !slices.Equal(kafka.got, []string{"7", "8"}) {
			t.Errorf("kafka is back and has %v", kafka.got)
		}
		if p, s := f.Healthy(); !p || !s {
			t.Errorf("healthy: %v, %v", p, s)
		}
	})
}

func TestAHangingFirstPathLeavesTheSecondItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka, spool := &path{hangs: true}, &path{}
		f := pipeline.NewFallback(kafka, spool, pipeline.FallbackOptions{})
		began := time.Now()
		publish(t, f, 1)
		if took := time.Since(began); took != 500*time.Millisecond {
			t.Errorf("the detour began after %s, want half of the second there was", took)
		}
		if !slices.Equal(spool.got, []string{"1"}) {
			t.Errorf("spool has %v", spool.got)
		}
	})
}

func TestNothingIsRefusedWhileOnePathWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka, spool := &path{err: errAway}, &path{}
		f := pipeline.NewFallback(kafka, spool, pipeline.FallbackOptions{RetryMin: time.Hour})
		publish(t, f, 1) // the breaker is open for an hour
		kafka.err, spool.err = nil, errAway
		publish(t, f, 2)
		if !slices.Equal(kafka.got, []string{"2"}) {
			t.Errorf("kafka has %v", kafka.got)
		}
		kafka.err = errAway
		if err := f.Publish(t.Context(), event(3)); !errors.Is(err, errAway) {
			t.Errorf("both away: %v", err)
		}
	})
}

func TestWhatSaysNothingAboutThePathLeavesTheBreakerAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka, spool := &path{}, &path{}
		f := pipeline.NewFallback(kafka, spool, pipeline.FallbackOptions{})
		kafka.err = pipeline.ErrOverloaded
		publish(t, f, 1)
		kafka.err, kafka.hangs = nil, true
		gone, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel) // the sender hangs up
		f.Publish(gone, event(2))
		kafka.hangs = false
		publish(t, f, 3)
		if !slices.Equal(kafka.got, []string{"3"}) || !slices.Equal(spool.got[:1], []string{"1"}) {
			t.Errorf("kafka has %v, spool has %v", kafka.got, spool.got)
		}
		huge := event(4)
		huge.Data = make([]byte, pipeline.MaxEventSize)
		if err := f.Publish(t.Context(), huge); !errors.Is(err, pipeline.ErrTooLarge) {
			t.Errorf("got %v, want ErrTooLarge", err)
		}
		if p, _ := f.Healthy(); !p {
			t.Error("the breaker is open")
		}
	})
}

func TestWorkAtHandOutlivesTheOrderToStopButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		long, cancel := pipeline.Outlive(ctx, 10*time.Second)
		defer cancel()
		stop()
		began := time.Now()
		synctest.Wait()
		if long.Err() != nil {
			t.Fatal("it ended with the order")
		}
		<-long.Done()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it ended after %s", took)
		}
	})
}
