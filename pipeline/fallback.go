package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// FallbackOptions are the settings of a Fallback; the zero value is usable.
type FallbackOptions struct {
	// Attempt bounds one try of the primary, so that a broker that hangs leaves
	// time for the secondary inside the caller's deadline. Default 600 ms: the
	// edge has a second.
	Attempt time.Duration
	// RetryMin and RetryMax bound the pause before the primary is probed again;
	// it doubles with every failed probe. Defaults 250 ms and 15 s.
	RetryMin, RetryMax time.Duration
	Now                func() time.Time
	Log                *slog.Logger
	Metrics            *Metrics
}

func (o FallbackOptions) withDefaults() FallbackOptions {
	if o.Attempt <= 0 {
		o.Attempt = 600 * time.Millisecond
	}
	if o.RetryMin <= 0 {
		o.RetryMin = 250 * time.Millisecond
	}
	if o.RetryMax < o.RetryMin {
		o.RetryMax = max(15*time.Second, o.RetryMin)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Fallback publishes to the primary, and from its first failure on to the
// secondary, until a probe with a real event finds the primary well again. It
// refuses only when both fail. What a failed attempt left behind may still
// arrive: the event's ID makes that harmless.
type Fallback struct {
	primary, secondary Publisher
	o                  FallbackOptions

	mu           sync.Mutex
	open         bool          // the primary is avoided
	probing      bool          // somebody is trying it right now
	retryAt      time.Time     // when it may be tried again
	pause        time.Duration // how long the next pause will be
	secondaryErr error         // of the secondary's last use
}

// NewFallback makes a Fallback. The caller keeps both publishers and closes them.
func NewFallback(primary, secondary Publisher, o FallbackOptions) *Fallback {
	f := &Fallback{primary: primary, secondary: secondary, o: o.withDefaults()}
	f.pause = f.o.RetryMin
	f.o.Metrics.breaker(false)
	return f
}

// Publish makes every event durable on one of the two paths.
func (f *Fallback) Publish(ctx context.Context, events ...Event) error {
	if err := CheckSize(events); err != nil {
		return err
	}
	try, probe := f.tryPrimary()
	if !try {
		return f.detour(ctx, nil, events)
	}
	err := f.attempt(ctx, events)
	f.judge(ctx, err, probe)
	if err == nil {
		f.o.Metrics.path("primary", len(events))
		return nil
	}
	return f.detour(ctx, err, events)
}

// Healthy says for each path whether it took what it was last given.
func (f *Fallback) Healthy() (primary, secondary bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.open, f.secondaryErr == nil
}

// tryPrimary says whether this call may use the primary, and whether it is the
// one probe of an open breaker.
func (f *Fallback) tryPrimary() (try, probe bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open {
		return true, false
	}
	if f.probing || f.o.Now().Before(f.retryAt) {
		return false, false
	}
	f.probing = true
	return true, true
}

func (f *Fallback) attempt(ctx context.Context, events []Event) error {
	budget := f.o.Attempt
	if deadline, ok := ctx.Deadline(); ok {
		// Leave the secondary as much as the primary had.
		budget = min(budget, time.Until(deadline)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	return f.primary.Publish(ctx, events...)
}

// judge moves the breaker by the result of one attempt on the primary. A caller
// that went away and an overload that passes are no news about its health.
func (f *Fallback) judge(ctx context.Context, err error, probe bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if probe {
		f.probing = false
	}
	switch {
	case err == nil:
		if f.open && probe {
			f.open, f.pause = false, f.o.RetryMin
			f.o.Metrics.breaker(false)
			f.o.Log.Info("the first path of events works again")
		}
	case errors.Is(err, ErrOverloaded), errors.Is(err, ErrTooLarge), ctx.Err() != nil:
	default:
		if !f.open {
			f.o.Metrics.breaker(true)
			f.o.Log.Warn("events take the second path", "error", err)
		} else if !probe {
			return // it began before the breaker opened: one failure, one pause
		}
		f.open = true
		f.retryAt = f.o.Now().Add(f.pause)
		f.pause = min(2*f.pause, f.o.RetryMax)
	}
}

// detour uses the secondary. Should that fail too while the primary was not
// even asked, the primary is: nothing is refused while one path works.
func (f *Fallback) detour(ctx context.Context, primaryErr error, events []Event) error {
	err := f.secondary.Publish(ctx, events...)
	if ctx.Err() == nil || err == nil {
		f.mu.Lock()
		f.secondaryErr = err
		f.mu.Unlock()
	}
	switch {
	case err == nil:
		f.o.Metrics.path("secondary", len(events))
		return nil
	case primaryErr != nil:
		f.o.Metrics.path("none", len(events))
		return errors.Join(primaryErr, err)
	}
	last := f.attempt(ctx, events)
	f.judge(ctx, last, true)
	if last == nil {
		f.o.Metrics.path("primary", len(events))
		return nil
	}
	f.o.Metrics.path("none", len(events))
	return errors.Join(last, err)
}
