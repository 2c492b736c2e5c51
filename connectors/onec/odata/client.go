// Package odata is a client of the standard OData interface of a 1C infobase
// (OData v3, platform 8.3.5 and later; the vendor's guide, chapter 17.4), for programs that keep data of their own
// in step with it. It knows what such bases do against expectation: sessions that
// take licences, three formats of errors and pages of HTML, strings cut without a
// word, references that are not checked, change feeds that come as Atom whatever
// was asked for. It never has more calls under way than it was allowed, repeats
// only what is safe to repeat, and puts neither password nor values of records
// into its errors.
//
// It knows nothing of leads, of configurations of 1C or of who calls it.
package odata

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options of a Client. URL and User are required.
type Options struct {
	// URL is the address of the publication, https://host/base, with or without
	// /odata/standard.odata at the end.
	URL            string
	User, Password string
	// HTTP makes the calls; nil is one with Go's own transport. It follows no redirects, whatever it
	// says itself: the password would go along.
	HTTP *http.Client
	// UserAgent is how the web server's log names the calls; "" is Go's own name.
	UserAgent string
	// Concurrency bounds calls under way, each a session and so a licence; 0 is 2.
	Concurrency int
	// MaxBody bounds an answer in bytes; 0 is 32 MiB. Change feeds and metadata are streamed: of a feed it bounds an entry.
	MaxBody int64
	// Timeout of one call; 0 is 60 s: the first one after a pause may take half a minute. Metadata of a whole
	// configuration and change feeds get five times as long.
	Timeout time.Duration
	// NoSessions never asks for a session that stays.
	NoSessions bool
	// Pause waits between tries; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration) error
}

// Client talks to one infobase. It is safe for concurrent use.
type Client struct {
	options  Options
	base     string // https://host/base/odata/standard.odata
	slots    chan *session
	live     atomic.Int32 // sessions begun and not ended
	shut     atomic.Bool  // the last answer let this user not in
	sharing  sync.Mutex   // held by the call that waits for the session of another: two would wait for each other
	metadata metadataCache
}

// New makes a client. It does not call.
func New(o Options) (*Client, error) {
	base, err := BaseURL(o.URL)
	if err != nil {
		return nil, err
	}
	if o.User == "" {
		return nil, errors.New("odata: a user of the infobase is required")
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 2
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 32 << 20
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	calls := http.Client{}
	if o.HTTP != nil {
		calls = *o.HTTP
	}
	calls.CheckRedirect = noRedirect
	o.HTTP = &calls
	if o.Pause == nil {
		o.Pause = pause
	}
	c := &Client{options: o, base: base, slots: make(chan *session, o.Concurrency), metadata: metadataCache{reading: make(chan struct{}, 1)}}
	for range o.Concurrency {
		c.slots <- &session{off: o.NoSessions}
	}
	return c, nil
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

const servicePath = "/odata/standard.odata"

// BaseURL gives the address of the service out of the address of a publication.
func BaseURL(address string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New(`odata: the address of the publication is written like https://1c.example.org/base`)
	}
	if u.User != nil {
		return "", errors.New("odata: user and password do not belong into the address")
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	path = strings.TrimSuffix(path, servicePath)
	return u.Scheme + "://" + u.Host + path + servicePath, nil
}

// call is one request, as it can be sent any number of times.
type call struct {
	method string
	path   string // below the base, escaped
	query  Query
	body   []byte
	header http.Header
	accept string
	read   func(status int, contentType string, body io.Reader) error // streams the answer; nil: it is read whole
	long   bool
	ours   []string // values of ours that the base may echo, to be kept out of errors
}

// answer is what came back.
type answer struct {
	status int
	body   []byte
}

const (
	acceptJSON = "application/json;odata=nometadata"
	acceptAtom = "application/atom+xml"
)

// get repeats a reading call while that may help; the pauses are short, for whoever
// waits longer comes again by itself.
func (c *Client) get(ctx context.Context, k call) (answer, error) {
	const tries = 3
	for try := 1; ; try++ {
		a, err := c.once(ctx, k)
		var e *Error
		if err == nil || try == tries || ctx.Err() != nil || !errors.As(err, &e) || !e.repeatable() {
			return a, err
		}
		if err := c.options.Pause(ctx, time.Duration(try)*time.Second); err != nil {
			return a, err
		}
	}
}

// once makes a call in a slot, and once more when only its session had ended.
func (c *Client) once(ctx context.Context, k call) (answer, error) {
	var s *session
	select {
	case s = <-c.slots:
	case <-ctx.Done():
		return answer{}, &Error{Op: k.op(), Kind: Unavailable, cause: ctx.Err()}
	}
	a, err := c.in(ctx, k, s)
	if Is(err, NoSession) && s.id == "" && c.live.Load() > 0 {
		return c.share(ctx, k, s, err)
	}
	c.slots <- s
	return a, err
}

// in makes a call in a session, and once more when only that had ended.
func (c *Client) in(ctx context.Context, k call, s *session) (answer, error) {
	had := s.id != ""
	a, err := c.send(ctx, k, s)
	var e *Error
	if errors.As(err, &e) && e.sessionEnded(s.reused) {
		s.forget()
		a, err = c.send(ctx, k, s)
	}
	switch has := s.id != ""; {
	case has && !had:
		c.live.Add(1)
	case had && !has:
		c.live.Add(-1)
	}
	return a, err
}

// share makes a call that found no licence in a session that another call has begun, once: fewer licences than
// allowed calls make it slow, and are no reason to wait for minutes.
func (c *Client) share(ctx context.Context, k call, s *session, none error) (answer, error) {
	held := []*session{s}
	defer func() {
		for _, s := range held {
			c.slots <- s
		}
	}()
	if !c.sharing.TryLock() {
		return answer{}, none
	}
	defer c.sharing.Unlock()
	for range cap(c.slots) - 1 {
		select {
		case other := <-c.slots:
			held = append(held, other)
			if other.id != "" {
				return c.in(ctx, k, other)
			}
		case <-ctx.Done():
			return answer{}, none
		}
	}
	return answer{}, none
}

func (k call) op() string {
	set, _, _ := strings.Cut(unescape(k.path), "(") // keys are data
	return k.method + " " + set
}

func (c *Client) send(ctx context.Context, k call, s *session) (answer, error) {
	timeout := c.options.Timeout
	if k.long {
		timeout *= 5
	}
	own, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := c.request(own, k, s)
	if err != nil {
		return answer{}, err
	}
	response, err := c.options.HTTP.Do(r)
	if err != nil {
		return answer{}, &Error{Op: k.op(), Kind: unanswered(k.method, err), cause: plain(err)}
	}
	defer response.Body.Close()
	s.keep(response)
	if k.read != nil && response.StatusCode < 300 {
		if err := k.read(response.StatusCode, response.Header.Get("Content-Type"), response.Body); err != nil {
			return answer{}, c.broken(k, err)
		}
		return answer{status: response.StatusCode}, nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, c.options.MaxBody+1))
	switch {
	case err != nil:
		return answer{}, c.broken(k, err)
	case int64(len(body)) > c.options.MaxBody:
		return answer{}, &Error{Op: k.op(), Kind: TooLarge, Status: response.StatusCode}
	}
	body = bytes.TrimPrefix(body, bom)
	if e := failure(response, body); e != nil {
		e.Op, e.Kind = k.op(), e.kindFor(k.method)
		e.Message = hide(e.Message, append(k.ours, c.options.User, c.options.Password))
		c.shut.Store(e.Kind == Forbidden && !e.Coded)
		return answer{}, e
	}
	c.shut.Store(false)
	return answer{response.StatusCode, body}, nil
}

// broken is an answer that ended before it was whole.
func (c *Client) broken(k call, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Op: k.op(), Kind: lost(k.method), cause: plain(err)}
}

// lost is what a call without an answer is: reading it again harms nobody, but a
// writing one may have been done.
func lost(method string) Kind {
	if method == http.MethodGet {
		return Unavailable
	}
	return Ambiguous
}

// unanswered is lost, unless nobody was reached: then nothing was written either.
func unanswered(method string, err error) Kind {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return Unavailable
	}
	return lost(method)
}

func (c *Client) request(ctx context.Context, k call, s *session) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, k.method, c.base+"/"+k.path+k.query.String(), bytes.NewReader(k.body))
	if err != nil {
		return nil, fmt.Errorf("odata: %s: the address cannot be made", k.op())
	}
	r.Header = k.header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.SetBasicAuth(c.options.User, c.options.Password) // in UTF-8: bases refuse a Cyrillic login in any other
	r.Header.Set("Accept", cmp.Or(k.accept, acceptJSON))
	if c.options.UserAgent != "" {
		r.Header.Set("User-Agent", c.options.UserAgent)
	}
	if k.body != nil {
		r.Header.Set("Content-Type", "application/json;charset=utf-8")
	}
	s.ask(r)
	return r, nil
}

// Ping asks for the service document: whether the base answers, and lets this user in.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.get(ctx, call{method: http.MethodGet, query: Query{"$format=json"}})
	return err
}

// Close ends the sessions, so that their licences are free at once and not after
// the base's own time-out. Calls under way are waited for until ctx ends. A user who is not let in gives none back: each
// try would move the account nearer to being locked. The client can be used on.
func (c *Client) Close(ctx context.Context) {
	taken := 0
	defer func() {
		for range taken {
			c.slots <- &session{off: c.options.NoSessions}
		}
	}()
	for range cap(c.slots) {
		select {
		case s := <-c.slots:
			taken++
			if s.id == "" {
				continue
			}
			c.live.Add(-1)
			if c.shut.Load() {
				s.forget()
				continue
			}
			s.finish = true
			_, _ = c.send(ctx, call{method: http.MethodGet, query: Query{"$format=json"}}, s) // the base ends it by itself if this is lost
		case <-ctx.Done():
			return
		}
	}
}
