package staff

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// TooManyAttempts refuses a sign-in before the password is looked at.
type TooManyAttempts struct{ RetryAfter time.Duration }

// Error says when to try again.
func (e TooManyAttempts) Error() string {
	return fmt.Sprintf("too many attempts to sign in, try again in %s", e.RetryAfter.Round(time.Second))
}

// attempts limits sign-ins by login and address together, so that a stranger
// cannot lock somebody out, and by address alone, so that one address cannot
// try one password on everybody.
type attempts struct {
	mu    sync.Mutex
	known map[string]*rate.Limiter
}

// maxAttemptKeys bounds the memory: 200 bytes each.
const maxAttemptKeys = 20_000

func newAttempts() *attempts { return &attempts{known: map[string]*rate.Limiter{}} }

// take counts one attempt. A refused one counts nowhere: waiting helps.
func (a *attempts) take(now time.Time, login, ip string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) > maxAttemptKeys {
		a.forgetIdle(now)
	}
	byPerson := a.limiter("p\x00"+login+"\x00"+ip, rate.Every(30*time.Second), 5)
	byAddress := a.limiter("a\x00"+ip, rate.Every(2*time.Second), 30)
	first := byPerson.ReserveN(now, 1)
	if wait := first.DelayFrom(now); wait > 0 {
		first.CancelAt(now)
		return TooManyAttempts{RetryAfter: wait}
	}
	second := byAddress.ReserveN(now, 1)
	if wait := second.DelayFrom(now); wait > 0 {
		second.CancelAt(now)
		first.CancelAt(now)
		return TooManyAttempts{RetryAfter: wait}
	}
	return nil
}

// forgive clears the count of a person who has signed in.
func (a *attempts) forgive(login, ip string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.known, "p\x00"+login+"\x00"+ip)
}

func (a *attempts) limiter(key string, every rate.Limit, burst int) *rate.Limiter {
	l := a.known[key]
	if l == nil {
		l = rate.NewLimiter(every, burst)
		a.known[key] = l
	}
	return l
}

// forgetIdle drops the limiters that are full again; under a flood of distinct
// keys, all of them: hashing is bounded anyway.
func (a *attempts) forgetIdle(now time.Time) {
	for key, l := range a.known {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(a.known, key)
		}
	}
	if len(a.known) > maxAttemptKeys {
		clear(a.known)
	}
}
