package demo

import (
	"sync"
	"time"
)

// clock is the clock of the business: it stands where the history is being made, and then follows the real one.
type clock struct {
	mu sync.Mutex
	at time.Time // zero: the real time
}

func newClock() *clock { return &clock{} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return time.Now()
	}
	return c.at
}

// set moves the clock on; it never goes back.
func (c *clock) set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to.After(c.at) {
		c.at = to
	}
}

func (c *clock) follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = time.Time{}
}
