package registry

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// What is counted on a connection.
const (
	CountAccepted  = "accepted"  // durable and answered
	CountDuplicate = "duplicate" // came again
	CountRefused   = "refused"   // could not prove who sent it, too large, could not be kept
	CountLimited   = "limited"   // over the rate
	CountSpam      = "spam"
	CountTest      = "test"
	CountFailed    = "failed" // kept among the unprocessed messages
)

// counter adds up in memory what goes to the database now and then.
type counter struct {
	mu    sync.Mutex
	tally map[tallyKey]tally
}

type tallyKey struct {
	connection, outcome string
	day                 time.Time // midnight UTC of the company's day
}

type tally struct {
	count int64
	last  time.Time
}

// Count notes that something happened on a connection.
func (r *Registry) Count(connection, outcome string, n int, at time.Time) {
	year, month, day := at.In(r.options.Zone).Date()
	r.counts.add(tallyKey{connection, outcome, time.Date(year, month, day, 0, 0, 0, 0, time.UTC)}, tally{int64(n), at})
}

func (c *counter) add(k tallyKey, t tally) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tally == nil {
		c.tally = map[tallyKey]tally{}
	}
	sum := c.tally[k]
	sum.count += t.count
	if t.last.After(sum.last) {
		sum.last = t.last
	}
	c.tally[k] = sum
}

func (c *counter) take() map[tallyKey]tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.tally
	c.tally = nil
	return taken
}

// Flush adds the counts to the database. What could not be written stays for the next time.
func (r *Registry) Flush(ctx context.Context) error {
	taken := r.counts.take()
	if len(taken) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(taken), func(a, b tallyKey) int {
		return slices.Compare([]string{a.connection, a.day.Format(time.DateOnly), a.outcome}, []string{b.connection, b.day.Format(time.DateOnly), b.outcome})
	}) // one order, so that two processes never wait for each other in a circle
	var connections, outcomes []string
	var days, times []time.Time
	var counts []int64
	for _, k := range keys {
		connections, outcomes, days = append(connections, k.connection), append(outcomes, k.outcome), append(days, k.day)
		counts, times = append(counts, taken[k].count), append(times, taken[k].last)
	}
	_, err := r.pool.Exec(ctx, sql("count"), pgx.NamedArgs{
		"connections": connections, "days": days, "outcomes": outcomes, "counts": counts, "times": times,
	})
	if err != nil {
		for k, t := range taken {
			r.counts.add(k, t)
		}
		return fmt.Errorf("write counts of connections: %w", err)
	}
	return nil
}
