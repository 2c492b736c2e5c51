package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"marshrut/pipeline"
)

// store is a place to write to that takes its time and may refuse.
type store struct {
	mu     sync.Mutex
	writes [][]string
	takes  time.Duration
	refuse func(ids []string) error
}

func (s *store) write(ctx context.Context, events []pipeline.Event) error {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var ids []string
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	if s.refuse != nil {
		if err := s.refuse(ids); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, ids)
	return nil
}

func event(n int) pipeline.Event { return pipeline.Event{ID: fmt.Sprint(n)} }

func TestCallersWhoComeDuringAWriteShareTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{takes: time.Second}
		g := pipeline.NewGroup(s.write, pipeline.GroupOptions{})
		var callers sync.WaitGroup
		began := time.Now()
		for n := range 10 {
			callers.Go(func() {
				if err := g.Publish(t.Context(), event(n)); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		callers.Wait()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("ten callers took %s, want two writes of a second", took)
		}
		if len(s.writes) != 2 || !slices.Equal(s.writes[0], []string{"0"}) || len(s.writes[1]) != 9 {
			t.Errorf("written so: %v", s.writes)
		}
		g.Close()
	})
}

func TestACallerWhoGivesUpLeavesTheOthersTheirWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{takes: time.Second}
		g := pipeline.NewGroup(s.write, pipeline.GroupOptions{})
		var callers sync.WaitGroup
		callers.Go(func() { g.Publish(t.Context(), event(0)) }) // the two others share the second write
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		began := time.Now()
		callers.Go(func() {
			err := g.Publish(impatient, event(1))
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 1500*time.Millisecond {
				t.Errorf("after %s: %v, want the caller's deadline", time.Since(began), err)
			}
		})
		callers.Go(func() {
			if err := g.Publish(t.Context(), event(2)); err != nil {
				t.Error(err)
			}
		})
		callers.Wait()
		if len(s.writes) != 2 || len(s.writes[1]) != 2 {
			t.Errorf("written so: %v", s.writes)
		}
		g.Close()
	})
}

func TestAWriteNobodyWaitsForIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{takes: time.Hour}
		g := pipeline.NewGroup(s.write, pipeline.GroupOptions{Timeout: 2 * time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.Publish(ctx, event(0)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		began := time.Now()
		g.Close()
		if waited := time.Since(began); waited != 0 || len(s.writes) != 0 {
			t.Errorf("the write went on for %s and wrote %v", waited, s.writes)
		}
	})
}

func TestAHungWriteEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{takes: time.Hour}
		g := pipeline.NewGroup(s.write, pipeline.GroupOptions{Timeout: 3 * time.Second})
		began := time.Now()
		if err := g.Publish(t.Context(), event(0)); err == nil || time.Since(began) != 3*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		g.Close()
	})
}

func TestTooMuchInFlightIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{takes: time.Second}
		g := pipeline.NewGroup(s.write, pipeline.GroupOptions{MaxWaiting: 3})
		var callers sync.WaitGroup
		for n := range 3 {
			callers.Go(func() {
				if err := g.Publish(t.Context(), event(n)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if err := g.Publish(t.Context(), event(3)); !errors.Is(err, pipeline.ErrOverloaded) {
			t.Errorf("got %v, want ErrOverloaded", err)
		}
		callers.Wait()
		if err := g.Publish(t.Context(), event(4)); err != nil {
			t.Errorf("after the rush: %v", err)
		}
		g.Close()
		if err := g.Publish(t.Context(), event(5)); !errors.Is(err, pipeline.ErrClosed) {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
	})
}

func TestAPoisonEventFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{takes: time.Millisecond, refuse: func(ids []string) error {
			if slices.Contains(ids, "13") {
				return fmt.Errorf("22021: %w", pipeline.ErrUnacceptable)
			}
			return nil
		}}
		g := pipeline.NewGroup(s.write, pipeline.GroupOptions{})
		var callers sync.WaitGroup
		for n := range 32 {
			callers.Go(func() {
				err := g.Publish(t.Context(), event(n))
				if (n == 13) != errors.Is(err, pipeline.ErrUnacceptable) || (n != 13 && err != nil) {
					t.Errorf("%d: %v", n, err)
				}
			})
		}
		callers.Wait()
		written := 0
		for _, w := range s.writes {
			written += len(w)
		}
		if written != 31 {
			t.Errorf("%d events were written, want 31", written)
		}
		g.Close()
	})
}

func TestAWriteStaysInsideItsLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{takes: time.Second}
		g := pipeline.NewGroup(s.write, pipeline.GroupOptions{MaxEvents: 4, MaxBytes: 10_000})
		var callers sync.WaitGroup
		for n := range 20 {
			callers.Go(func() {
				e := event(n)
				if n%5 == 0 {
					e.Data = make([]byte, 9_000)
				}
				if err := g.Publish(t.Context(), e); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		callers.Wait()
		for _, w := range s.writes {
			big := 0
			for _, id := range w {
				if len(id) > 0 && (id == "0" || id == "5" || id == "10" || id == "15") {
					big++
				}
			}
			if len(w) > 4 || big > 1 {
				t.Errorf("one write held %v", w)
			}
		}
		g.Close()
	})
}
