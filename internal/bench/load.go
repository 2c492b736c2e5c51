package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// latencies collects how long things took.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

func (l *latencies) quantile(q float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return 0
	}
	slices.Sort(l.all)
	return l.all[min(len(l.all)-1, int(q*float64(len(l.all))))]
}

// visitor fills in forms of new people, as many as it is asked to.
type visitor struct {
	address string // http://host:port/in/name/token
	client  *http.Client
	count   atomic.Int64
	posted  latencies
	refused atomic.Int64
}

func newVisitor(address string) *visitor {
	return &visitor{address: address, client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
}

// submit posts one form of somebody new and gives the id of its inquiry.
func (v *visitor) submit(ctx context.Context) (id string, err error) {
	n := v.count.Add(1)
	form := url.Values{"name": {fmt.Sprintf("Иван Петров %d", n)}, "phone": {fmt.Sprintf("+7912%07d", n)}, "email": {fmt.Sprintf("client%d@example.org", n)},
		"comment": {"Здравствуйте, нужна кухня 3 метра, когда сможете приехать на замер?"}, "utm_source": {"yandex"}, "utm_medium": {"cpc"}, "utm_campaign": {"kuhni"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, v.address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	began := time.Now()
	answer, err := v.client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusAccepted {
		v.refused.Add(1)
		return "", fmt.Errorf("the edge answered %s: %s", answer.Status, content)
	}
	v.posted.add(time.Since(began))
	var receipt struct{ ID string }
	return receipt.ID, decode(content, &receipt, &receipt.ID)
}

func decode(content []byte, into any, id *string) error {
	if err := json.Unmarshal(content, into); err != nil || *id == "" {
		return fmt.Errorf("a 202 without an id: %s", content)
	}
	return nil
}

// pace submits rate forms a second for a span, however long each takes. sample
// gets each tenth id with the moment its form was sent.
func (v *visitor) pace(ctx context.Context, rate int, span time.Duration, sample func(id string, sent time.Time)) {
	var people errgroup.Group
	people.SetLimit(1000)
	began := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n := 0; time.Since(began) < span && ctx.Err() == nil; <-tick.C {
		for due := int(time.Since(began).Seconds() * float64(rate)); n < due; n++ {
			people.Go(func() error {
				sent := time.Now()
				if id, err := v.submit(ctx); err == nil && n%10 == 0 {
					sample(id, sent)
				}
				return nil
			})
		}
	}
	_ = people.Wait() // refusals are counted
}

// flood submits as fast as the given number of people get answers.
func (v *visitor) flood(ctx context.Context, people int, span time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, span)
	defer cancel()
	var crowd errgroup.Group
	for range people {
		crowd.Go(func() error {
			for ctx.Err() == nil {
				_, _ = v.submit(ctx) // refusals are counted
			}
			return nil
		})
	}
	_ = crowd.Wait()
}
