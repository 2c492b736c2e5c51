// Package edge is the door for what comes over HTTP: it bounds a request, asks the
// connection who sent it and what its identity is, makes the raw bytes durable and
// only then answers. It understands nothing of what it takes: no body is refused
// for what is in it. The web mounts it at /in/ and /widget/; connections are plugged
// in through Connections, the bus through a pipeline.Publisher.
package edge

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/semaphore"

	"marshrut/connectors"
	"marshrut/pipeline"
)

// Bounds of a request.
const (
	maxBody      = 1 << 20   // the largest webhook without files seen was 40 KiB
	maxMultipart = 25 << 20  // a form with a few photographs
	inlineBody   = 256 << 10 // larger bodies travel by reference
	maxHeld      = 96 << 20  // bytes of all bodies that are in memory at once
)

// Connections are the configured connections as far as the door needs them.
// connectors/registry implements it.
type Connections interface {
	// Open gives the connection of an address; false for an unknown name and a wrong
	// token alike, in the same time.
	Open(name, token string, now time.Time) (*connectors.Connected, bool)
	// Widget gives the script of a connection's widget.
	Widget(name string) ([]byte, bool)
	// Count notes what happened: accepted, refused, limited.
	Count(connection, outcome string, n int, at time.Time)
}

// Options of a Handler. Connections, Publisher and Store are required.
type Options struct {
	Connections Connections
	Publisher   pipeline.Publisher
	// Store keeps bytes under a key; nil means durable. The same key again is no error.
	Store func(ctx context.Context, key string, r io.Reader) error
	// ClientIP finds the sender's address behind trusted proxies; nil: the peer's.
	ClientIP func(*http.Request) netip.Addr
	Zone     *time.Location // of the company: a repeat counts as one within its day
	Now      func() time.Time
	Budget   time.Duration // to make an event durable; 0 means 1 s
	InFlight int           // requests at once; 0 means 512
	Metrics  *Metrics
	Log      *slog.Logger
}

// Handler serves /in/{connection}/{token}/… and /widget/{connection}.js.
type Handler struct {
	Options
	limits   limits
	inFlight *semaphore.Weighted
	held     *semaphore.Weighted
	draining atomic.Bool
	tracer   trace.Tracer
}

// New makes a Handler.
func New(o Options) *Handler {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Budget == 0 {
		o.Budget = time.Second
	}
	if o.InFlight == 0 {
		o.InFlight = 512
	}
	return &Handler{
		Options: o, inFlight: semaphore.NewWeighted(int64(o.InFlight)), held: semaphore.NewWeighted(maxHeld),
		tracer: otel.Tracer("marshrut/pipeline/edge"),
	}
}

// Drain makes the handler refuse new requests with 503, so that http.Server.Shutdown
// has only those at hand to wait for.
func (h *Handler) Drain() { h.draining.Store(true) }

// ServeHTTP takes one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, "/widget/"); ok {
		h.widget(w, r, name)
		return
	}
	started := time.Now()
	release := h.Metrics.begin()
	defer func() { release(time.Since(started)) }()
	address, rest, ok := splitPath(r.URL.EscapedPath())
	if ok {
		var c *connectors.Connected
		if c, ok = h.Connections.Open(address.name, address.token, h.Now()); ok && c.Called() {
			h.receive(w, r, c, rest)
			return
		}
	}
	h.Metrics.refused("", "unknown")
	http.NotFound(w, r)
}

type addressed struct{ name, token string }

// splitPath takes /in/{connection}/{token}/rest apart; rest has its leading slash.
func splitPath(path string) (addressed, string, bool) {
	path, ok := strings.CutPrefix(path, "/in/")
	name, path, more := strings.Cut(path, "/")
	token, rest, deeper := strings.Cut(path, "/")
	if deeper && rest != "" {
		rest = "/" + rest
	}
	return addressed{name, token}, rest, ok && more && name != "" && token != ""
}

// receive takes a request that came to an address we know.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, c *connectors.Connected, rest string) {
	now := h.Now()
	if h.draining.Load() {
		h.refuse(w, c, refusal{http.StatusServiceUnavailable, "draining", time.Second, "shutting down"})
		return
	}
	if r.Method != http.MethodOptions {
		if pause, ok := h.limits.take(c, now); !ok {
			h.Connections.Count(c.Name, "limited", 1, now)
			h.refuse(w, c, refusal{http.StatusTooManyRequests, "rate", pause, "too many inquiries a minute"})
			return
		}
	}
	if !h.inFlight.TryAcquire(1) {
		h.refuse(w, c, refusal{http.StatusServiceUnavailable, "busy", time.Second, "too many requests at once"})
		return
	}
	defer h.inFlight.Release(1)
	body, release, no := h.read(w, r)
	if no.status != 0 {
		h.refuse(w, c, no)
		return
	}
	defer release()

	ctx, span := h.startSpan(r, c)
	defer span.End()
	request := connectors.Request{
		Method: r.Method, Path: rest, Query: r.URL.RawQuery, ContentType: r.Header.Get("Content-Type"),
		Header: r.Header, Remote: h.remote(r), Body: body, ReceivedAt: now,
	}
	receipt, err := safeReceive(c, request)
	if no := h.judge(c, err); no.status != 0 {
		h.Connections.Count(c.Name, "refused", 1, now)
		h.refuse(w, c, no)
		return
	}
	if receipt.Handshake {
		answer(w, receipt.Response, "")
		return
	}
	event := connectors.NewEvent(c, request, receipt, h.Zone)
	setTrace(ctx, &event)
	span.SetAttributes(attribute.String("event.id", event.ID))
	if err := h.keep(ctx, &event, request); err != nil {
		h.Log.Error("an inquiry could not be made durable", "connection", c.Name, "event", event.ID, "error", c.RedactText(err.Error()))
		span.RecordError(err)
		h.Connections.Count(c.Name, "refused", 1, now)
		h.refuse(w, c, unavailable(err))
		return
	}
	h.Connections.Count(c.Name, "accepted", 1, now)
	h.Metrics.accepted(c.Name)
	answer(w, receipt.Response, event.ID)
}

// judge says whether a connector's error refuses the request. Only a sender who is
// another than he should be is refused; a failed look at the body never is.
func (h *Handler) judge(c *connectors.Connected, err error) refusal {
	var documented *connectors.Refusal
	switch {
	case err == nil:
		return refusal{}
	case errors.As(err, &documented):
		return refusal{status: documented.Status, reason: "forged", words: "refused"}
	case errors.Is(err, connectors.ErrForged):
		return refusal{status: http.StatusForbidden, reason: "forged", words: "refused"}
	}
	h.Log.Warn("a message could not be looked at; it is kept as it came", "connection", c.Name, "error", c.RedactText(err.Error()))
	return refusal{}
}

func unavailable(err error) refusal {
	if errors.Is(err, pipeline.ErrTooLarge) {
		return refusal{status: http.StatusRequestEntityTooLarge, reason: "too_large", words: "too large"}
	}
	return refusal{http.StatusServiceUnavailable, "unavailable", 2 * time.Second, "cannot keep it just now"}
}

// refusal is an answer that keeps nothing.
type refusal struct {
	status int
	reason string // label of the metric
	retry  time.Duration
	words  string
}

func (h *Handler) refuse(w http.ResponseWriter, c *connectors.Connected, no refusal) {
	h.Metrics.refused(c.Name, no.reason)
	if no.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(no.retry/time.Second)+1))
	}
	// A script on a page should see the refusal, to try again; there is nothing secret in it.
	w.Header().Set("Access-Control-Allow-Origin", "*")
	http.Error(w, no.words, no.status)
}

// answer says what the sender wants to hear; the default is 202 with the event's id.
func answer(w http.ResponseWriter, a connectors.Response, id string) {
	header := w.Header()
	for name, values := range a.Header {
		header[name] = values
	}
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	status := a.Status
	if status == 0 {
		status = http.StatusAccepted
	}
	if a.Redirect != "" {
		header.Set("Location", a.Redirect)
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	body := a.Body
	if body == nil && id != "" {
		a.ContentType = "application/json"
		body, _ = json.Marshal(map[string]string{"id": id}) // of two texts: cannot fail
	}
	if a.ContentType != "" {
		header.Set("Content-Type", a.ContentType)
	}
	w.WriteHeader(status)
	if status != http.StatusNoContent {
		w.Write(body)
	}
}

func (h *Handler) widget(w http.ResponseWriter, r *http.Request, file string) {
	name, ok := strings.CutSuffix(file, ".js")
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.NotFound(w, r)
		return
	}
	script, ok := h.Connections.Widget(name)
	if !ok {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Cache-Control", "public, max-age=300")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	w.Write(script)
}
