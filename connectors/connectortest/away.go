package connectortest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"marshrut/connectors"
	"marshrut/pipeline"
	"marshrut/pipeline/edge"
)

// door is the edge with one connection behind it.
type door struct {
	*connectors.Connected
	published []pipeline.Event
	fail      error
}

func (d *door) Open(string, string, time.Time) (*connectors.Connected, bool) {
	return d.Connected, true
}
func (d *door) Widget(string) ([]byte, bool)         { return nil, false }
func (d *door) Count(string, string, int, time.Time) {}

func (d *door) Publish(_ context.Context, events ...pipeline.Event) error {
	if d.fail != nil {
		return d.fail
	}
	d.published = append(d.published, events...)
	return nil
}

// post sends the sample through the door and gives the answer and what was logged.
func (d *door) post(s Sample) (*httptest.ResponseRecorder, string) {
	var log bytes.Buffer
	h := edge.New(edge.Options{Connections: d, Publisher: d, Now: func() time.Time { return At }, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Store: func(context.Context, string, io.Reader) error { return nil }})
	r := httptest.NewRequest(s.Request.Method, "/in/test/token"+s.Request.Path+"?"+s.Request.Query, bytes.NewReader(s.Request.Body))
	for name, values := range s.Request.Header {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", s.Request.ContentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w, log.String()
}

// away shows that what cannot be made durable is answered with 503, that it is taken when it comes again, and
// that neither the log nor the answer holds a secret.
func away(t *testing.T, c *connectors.Connected, s Sample) {
	d := &door{Connected: c, fail: errors.New("no route to the bus")}
	refused, log := d.post(s)
	if refused.Code != http.StatusServiceUnavailable || refused.Header().Get("Retry-After") == "" {
		t.Errorf("with the bus away the answer is %d", refused.Code)
	}
	d.fail = nil
	taken, more := d.post(s)
	if taken.Code >= 400 || len(d.published) != 1 {
		t.Errorf("when the bus is back the answer is %d, with %d events", taken.Code, len(d.published))
	}
	for key, secret := range s.Secrets {
		if strings.Contains(log+more+refused.Body.String()+taken.Body.String(), secret) {
			t.Errorf("the value of %s is in the log or an answer", key)
		}
	}
}
