package processes

import (
	"sync"
	"time"
)

// alarm tells RunTimers that a timer was set which is due before the one it
// waits for. A timer whose transaction is rolled back rings in vain, which costs
// one look at the table.
type alarm struct {
	mu   sync.Mutex
	next time.Time
	ring chan struct{}
}

// channel is what RunTimers waits on.
func (a *alarm) channel() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.make()
}

func (a *alarm) make() chan struct{} {
	if a.ring == nil {
		a.ring = make(chan struct{}, 1)
	}
	return a.ring
}

// set announces that a timer is due at a moment.
func (a *alarm) set(due time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.next.IsZero() && !due.Before(a.next) {
		return
	}
	a.next = due
	select {
	case a.make() <- struct{}{}:
	default:
	}
}

// take says when the next announced timer is due and forgets the announcement.
func (a *alarm) take() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	due := a.next
	a.next = time.Time{}
	return due
}
