package oracle

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// sender is everybody who fills in forms. What it was promised it remembers.
type sender struct {
	address string // of the edge, http://host:port
	run     string
	client  *http.Client

	mu       sync.Mutex
	rng      *rand.Rand
	count    int                // inquiries invented
	sent     map[string]inquiry // by mark: all that went out, acknowledged or not
	promised map[string]string  // by mark: the id in the 202
	refusals int                // attempts that were not answered with 202
	broken   []string           // what must never be answered
}

func newSender(address, run string, seed uint64) *sender {
	return &sender{address: address, run: run, rng: rand.New(rand.NewPCG(seed, 1)),
		client: &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}},
		sent:   map[string]inquiry{}, promised: map[string]string{}}
}

// inFlight bounds how many people wait for their answer at once.
const inFlight = 24

// post sends rate inquiries a second until posting ends, and goes on with those at
// hand until each is acknowledged or ctx ends.
func (s *sender) post(posting, ctx context.Context, rate int) {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	var people errgroup.Group
	people.SetLimit(inFlight)
	for {
		select {
		case <-posting.Done():
			_ = people.Wait() // nobody returns an error
			return
		case <-tick.C:
		}
		q, again, at := s.next()
		people.TryGo(func() error { // all are waiting: nobody else comes
			s.person(ctx, q, again, at)
			return nil
		})
	}
}

// next invents an inquiry, and says how often it is sent again and how long after.
func (s *sender) next() (q inquiry, again int, after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	q = invent(s.rng, s.run, s.count)
	if s.rng.IntN(10) == 0 {
		again, after = 1+s.rng.IntN(2), time.Duration(s.rng.IntN(1500))*time.Millisecond
	}
	return q, again, after
}

// person sends one inquiry until it is acknowledged. Some click twice, at once or
// later: after 0 the repeat runs beside the first.
func (s *sender) person(ctx context.Context, q inquiry, again int, after time.Duration) {
	s.mu.Lock()
	s.sent[q.mark] = q
	s.mu.Unlock()
	var clicks errgroup.Group
	clicks.Go(func() error { return s.insist(ctx, q) })
	if after > 300*time.Millisecond {
		_ = clicks.Wait()
		pause(ctx, after)
	}
	for range again {
		clicks.Go(func() error { return s.insist(ctx, q) })
	}
	_ = clicks.Wait() // an inquiry that was never acknowledged owes nobody anything
}

// once posts one inquiry a single time, and remembers what comes of it.
func (s *sender) once(ctx context.Context) (status int, err error) {
	q, _, _ := s.next()
	s.mu.Lock()
	s.sent[q.mark] = q
	s.mu.Unlock()
	status, id, err := s.attempt(ctx, q)
	if err == nil && status == http.StatusAccepted {
		s.promise(q, id)
	}
	return status, err
}

// insist posts the same bytes until they are acknowledged.
func (s *sender) insist(ctx context.Context, q inquiry) error {
	for {
		status, id, err := s.attempt(ctx, q)
		switch {
		case err == nil && status == http.StatusAccepted:
			s.promise(q, id)
			return nil
		case err == nil && status != http.StatusServiceUnavailable:
			s.complain("%s was answered with %d", q.mark, status)
			return nil
		}
		s.mu.Lock()
		s.refusals++
		s.mu.Unlock()
		if !pause(ctx, 150*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// attempt posts once.
func (s *sender) attempt(ctx context.Context, q inquiry) (status int, id string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address+"/in/"+q.connection+"/"+token, bytes.NewReader(q.body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", q.contentType)
	if q.key != "" {
		r.Header.Set("Idempotency-Key", q.key)
	}
	// Without this the client itself repeats on a broken connection what has such a key.
	r.GetBody = nil
	answer, err := s.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusAccepted {
		return answer.StatusCode, "", err
	}
	var receipt struct{ ID string }
	if err := json.Unmarshal(content, &receipt); err != nil || receipt.ID == "" {
		s.complain("%s: 202 without an id: %s", q.mark, content)
	}
	return answer.StatusCode, receipt.ID, nil
}

func (s *sender) promise(q inquiry, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, ok := s.promised[q.mark]; ok && before != id {
		s.broken = append(s.broken, fmt.Sprintf("%s was acknowledged as %s and then as %s", q.mark, before, id))
	}
	s.promised[q.mark] = id
}

func (s *sender) complain(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = append(s.broken, fmt.Sprintf(format, args...))
}

// result is what was sent and promised so far.
func (s *sender) result() (sent map[string]inquiry, promised map[string]string, refusals int, broken []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.sent), maps.Clone(s.promised), s.refusals, append([]string(nil), s.broken...)
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
