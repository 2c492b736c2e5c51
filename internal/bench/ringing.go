package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// ringing measures how long after the exchange told of it a call is on the screen of whose telephone rings, with the
// client and the lead, while forms come in at the usual rate. The screen does what the page does: it listens to the
// events and fetches the calls when they changed.
func (x *channels) ringing(ctx context.Context, o options, results *table) error {
	screen, err := x.company.signIn(ctx, "anna")
	if err != nil {
		return err
	}
	visitors := newVisitor(x.company.address())
	if _, err := visitors.submit(ctx); err != nil { // who calls is known
		return err
	}
	if err := x.company.settled(ctx); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	told, err := screen.listen(ctx)
	if err != nil {
		return err
	}
	var beside errgroup.Group
	beside.Go(func() error {
		visitors.pace(ctx, pacedRate, o.span+2*time.Second, func(string, time.Time) {})
		return nil
	})
	if err := rest(ctx, 2*time.Second); err != nil { // the rate is reached
		return err
	}
	var took latencies
	for n, began := 0, time.Now(); time.Since(began) < o.span; n++ {
		if err := x.ring(ctx, screen, told, n, &took); err != nil {
			return fmt.Errorf("call %d: %w", n, err)
		}
	}
	_ = beside.Wait()
	r := under(fmt.Sprintf("telephone rings to the card with client and lead, at %d forms/s, p99", pacedRate), milliseconds(took.quantile(0.99)), 1000, "ms")
	r.measured += fmt.Sprintf(" (p50 %.0f ms)", milliseconds(took.quantile(0.5)))
	results.add(r)
	return nil
}

// ring lets one call ring and end.
func (x *channels) ring(ctx context.Context, screen *screen, told <-chan struct{}, n int, took *latencies) error {
	began := time.Now()
	if err := x.tell(ctx, n, 1, "Appeared"); err != nil {
		return err
	}
	if err := screen.until(ctx, told, func(calls string) bool { return strings.Contains(calls, "Иван Петров") }); err != nil {
		return err
	}
	took.add(time.Since(began))
	if err := x.tell(ctx, n, 2, "Disconnected"); err != nil {
		return err
	}
	return screen.until(ctx, told, func(calls string) bool { return !strings.Contains(calls, "data-call") })
}

// tell is an event of the exchange about a call from the first visitor to extension 101.
func (x *channels) tell(ctx context.Context, call, seq int, state string) error {
	event, err := json.Marshal(map[string]any{"entry_id": fmt.Sprintf("bench-%d", call), "call_id": fmt.Sprintf("bench-%d-1", call), "seq": seq, "call_state": state,
		"location": "abonent", "timestamp": time.Now().Unix(), "from": map[string]any{"number": "79120000001"},
		"to": map[string]any{"extension": "101", "line_number": "74950000001"}})
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(exchangeKey + string(event) + exchangeSalt))
	form := url.Values{"vpbx_api_key": {exchangeKey}, "sign": {hex.EncodeToString(sum[:])}, "json": {string(event)}}
	answer, err := post(ctx, http.DefaultClient, "http://"+x.company.listen+"/in/phone/"+token+"/events/call", form)
	if err != nil {
		return err
	}
	if answer != http.StatusOK {
		return fmt.Errorf("the exchange was answered %d", answer)
	}
	return nil
}

func post(ctx context.Context, client *http.Client, address string, form url.Values) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// screen is a manager's, signed in.
type screen struct {
	client  *http.Client
	address string
}

func (c *company) signIn(ctx context.Context, login string) (*screen, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	s := &screen{&http.Client{Jar: jar}, "http://" + c.listen}
	once, own := c.passwords[login], "a-password-of-their-own"
	if _, err := post(ctx, s.client, s.address+"/sign-in", url.Values{"login": {login}, "password": {once}}); err != nil {
		return nil, err
	}
	status, err := post(ctx, s.client, s.address+"/profile/password", url.Values{"old": {once}, "new": {own}, "again": {own}})
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("sign in as %s: %d: %w", login, status, err)
	}
	return s, nil
}

// listen gives a sign for each event that tells of calls.
func (s *screen) listen(ctx context.Context) (<-chan struct{}, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address+"/events", nil)
	if err != nil {
		return nil, err
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	told := make(chan struct{}, 100)
	go func() {
		defer answer.Body.Close()
		defer close(told)
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if lines.Text() != "event: calls" {
				continue
			}
			select {
			case told <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return told, nil
}

// until fetches the calls whenever something is told of them, until they are as they should be.
func (s *screen) until(ctx context.Context, told <-chan struct{}, so func(calls string) bool) error {
	for {
		select {
		case _, open := <-told:
			if !open {
				return fmt.Errorf("the events ended")
			}
		case <-time.After(30 * time.Second):
			return fmt.Errorf("the screen was told nothing for half a minute")
		}
		calls, err := s.calls(ctx)
		if err != nil {
			return err
		}
		if so(calls) {
			return nil
		}
	}
}

func (s *screen) calls(ctx context.Context) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address+"/calls", nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("X-Part", "calls")
	answer, err := s.client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	part, err := io.ReadAll(answer.Body)
	return string(part), err
}
