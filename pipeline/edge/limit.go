package edge

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"marshrut/connectors"
)

// limits keep each connection to its rate: a minute's worth may come at once, then
// as many as the minute gives.
type limits struct {
	mu  sync.Mutex
	all map[string]*limit
}

type limit struct {
	perMinute int
	*rate.Limiter
}

// take counts one request. When there is none left it says how long to wait.
func (l *limits) take(c *connectors.Connected, now time.Time) (time.Duration, bool) {
	if c.RateLimit <= 0 {
		return 0, true
	}
	own := l.of(c)
	if own.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - own.TokensAt(now)
	return time.Duration(missing / float64(own.Limit()) * float64(time.Second)), false
}

func (l *limits) of(c *connectors.Connected) *limit {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.all[c.Name]
	if own == nil || own.perMinute != c.RateLimit {
		own = &limit{c.RateLimit, rate.NewLimiter(rate.Limit(float64(c.RateLimit)/60), c.RateLimit)}
		if l.all == nil {
			l.all = map[string]*limit{}
		}
		l.all[c.Name] = own
	}
	return own
}
