package connectors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"marshrut/pipeline"
)

// pollFunc is a Poller of a function.
type pollFunc func(ctx context.Context, desk Desk) error

func (f pollFunc) Poll(ctx context.Context, desk Desk) error { return f(ctx, desk) }

func polling(name string, f pollFunc) *Connected {
	return &Connected{Connection: Connection{Name: name}, Instance: f}
}

func supervise(list func() []*Connected) *Supervisor {
	return &Supervisor{
		Connections: list, Log: slog.New(slog.DiscardHandler),
		Desk: func(*Connected) Desk {
			return Desk{Sink: SinkFunc(func(context.Context, ...pipeline.Event) error { return nil })}
		},
	}
}

func TestOneFailingPollerNeverStopsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var good, bad, panics atomic.Int32
		all := []*Connected{
			polling("bad", func(context.Context, Desk) error { bad.Add(1); return errors.New("no route to host") }),
			polling("panics", func(context.Context, Desk) error { panics.Add(1); panic("nil map") }),
			polling("good", func(ctx context.Context, desk Desk) error {
				for tick := time.NewTicker(time.Second); ; {
					select {
					case <-ctx.Done():
						return nil
					case <-tick.C:
						good.Add(1)
					}
				}
			}),
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		if err := supervise(func() []*Connected { return all }).Run(ctx); err != nil {
			t.Fatal(err)
		}
		if good.Load() < 3500 {
			t.Errorf("the good one worked %d times in an hour of seconds", good.Load())
		}
		// 1, 2, 4 ... 300 s and a quarter more at most: 8 tries to the cap, then one in 5 to 6 minutes.
		if n := bad.Load(); n < 15 || n > 25 {
			t.Errorf("the bad one was tried %d times in an hour", n)
		}
		if panics.Load() < 15 {
			t.Errorf("the one that panics was tried %d times", panics.Load())
		}
	})
}

func TestOneThatGotSomewhereIsTriedAgainSoonButNotEverySecond(t *testing.T) {
	event := func(ctx context.Context, desk Desk) error { return desk.Accept(ctx, pipeline.Event{ID: "1"}) }
	well := func(_ context.Context, desk Desk) error { desk.Well(); return nil }
	for name, get := range map[string]pollFunc{"accepts something": event, "is well": well} {
		synctest.Test(t, func(t *testing.T) {
			runs := 0
			c := polling(name, func(ctx context.Context, desk Desk) error {
				runs++
				if err := get(ctx, desk); err != nil {
					return err
				}
				return errors.New("unexpected EOF")
			})
			ctx, stop := context.WithTimeout(t.Context(), time.Hour)
			defer stop()
			if err := supervise(func() []*Connected { return []*Connected{c} }).Run(ctx); err != nil {
				t.Fatal(err)
			}
			if runs < 180 || runs > 250 { // 15 to 19 s apart
				t.Errorf("one that %s and then fails ran %d times in an hour", name, runs)
			}
		})
	}
}

func TestAPollerWhoseOtherSideIsAwayNoticesSoonThatItIsBack(t *testing.T) {
	for _, c := range map[string]struct {
		trouble *Trouble
		late    time.Duration
	}{
		"away":         {&Trouble{Words: "no answer"}, 40 * time.Second},
		"wants a rest": {&Trouble{Words: "no licence", After: time.Minute}, 80 * time.Second},
		"its person":   {&Trouble{Words: "not published", Final: true, After: 2 * time.Minute}, 150 * time.Second},
		"for a person": {&Trouble{Words: "wrong password", Final: true}, 7 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			back := time.Now().Add(time.Hour)
			var noticed time.Duration
			ctx, stop := context.WithCancel(t.Context())
			box := polling("box", func(ctx context.Context, desk Desk) error {
				if time.Now().Before(back) {
					return fmt.Errorf("poll: %w", c.trouble)
				}
				noticed = time.Since(back)
				stop()
				return nil
			})
			if err := supervise(func() []*Connected { return []*Connected{box} }).Run(ctx); err != nil {
				t.Fatal(err)
			}
			if noticed > c.late {
				t.Errorf("%s: it is noticed after %s", c.trouble.Words, noticed)
			}
		})
	}
}

func TestOneThatCannotBeReachedIsTriedEachHalfMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		away := polling("away", func(context.Context, Desk) error {
			runs++
			return fmt.Errorf("connect to mail: %w", &net.OpError{Op: "dial", Err: errors.New("connection refused")})
		})
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		if err := supervise(func() []*Connected { return []*Connected{away} }).Run(ctx); err != nil {
			t.Fatal(err)
		}
		if runs < 95 || runs > 125 { // 30 to 37 s apart
			t.Errorf("it was tried %d times in an hour", runs)
		}
	})
}

func TestConnectionsAreFollowedWhileTheSupervisorRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var log []string
		say := func(s string) { mu.Lock(); log = append(log, s); mu.Unlock() }
		work := func(name string) *Connected {
			return polling(name, func(ctx context.Context, _ Desk) error {
				say("start " + name)
				<-ctx.Done()
				say("stop " + name)
				return nil
			})
		}
		var list atomic.Pointer[[]*Connected]
		list.Store(&[]*Connected{work("old")})
		ctx, stop := context.WithCancel(t.Context())
		s := supervise(func() []*Connected { return *list.Load() })
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		synctest.Wait()
		list.Store(&[]*Connected{work("new")})
		time.Sleep(11 * time.Second) // of the test's own clock
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{"start old": true, "stop old": true, "start new": true, "stop new": true}
		for _, line := range log {
			delete(want, line)
		}
		if len(want) > 0 || len(log) != 4 {
			t.Errorf("happened: %v", log)
		}
	})
}

func TestOnlyTheLeaderPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var polls atomic.Int32
		all := []*Connected{polling("box", func(ctx context.Context, _ Desk) error { polls.Add(1); <-ctx.Done(); return nil })}
		s := supervise(func() []*Connected { return all })
		s.Lead = func(ctx context.Context, _ string, _ func(context.Context) error) error { <-ctx.Done(); return nil }
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := s.Run(ctx); err != nil || polls.Load() != 0 {
			t.Errorf("polled %d times without the lead, %v", polls.Load(), err)
		}
	})
}
