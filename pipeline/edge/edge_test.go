package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"marshrut/connectors"
	"marshrut/connectors/catalog"
	"marshrut/pipeline"
	"marshrut/pipeline/edge"
)

const token = "0123456789abcdefghijkl"

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// connections is a registry of one connection.
type connections struct {
	*connectors.Connected
	mu     sync.Mutex
	counts map[string]int
}

func (c *connections) Open(name, given string, _ time.Time) (*connectors.Connected, bool) {
	return c.Connected, name == c.Name && given == token
}

func (c *connections) Widget(name string) ([]byte, bool) {
	return []byte("/* widget */"), name == c.Name
}

func (c *connections) Count(_, outcome string, n int, _ time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[outcome] += n
}

// door is a Handler with everything around it in memory.
type door struct {
	*edge.Handler
	*connections
	options edge.Options
	log     bytes.Buffer
	mu      sync.Mutex
	events  []pipeline.Event
	stored  map[string][]byte
	order   []string // "store KEY", "publish ID"
	publish func(context.Context, pipeline.Event) error
	store   func(key string) error
}

func (d *door) Publish(ctx context.Context, events ...pipeline.Event) error {
	for _, e := range events {
		if d.publish != nil {
			if err := d.publish(ctx, e); err != nil {
				return err
			}
		}
		d.mu.Lock()
		d.events, d.order = append(d.events, e), append(d.order, "publish "+e.ID)
		d.mu.Unlock()
	}
	return nil
}

func (d *door) keep(_ context.Context, key string, r io.Reader) error {
	if d.store != nil {
		if err := d.store(key); err != nil {
			return err
		}
	}
	data, err := io.ReadAll(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stored[key], d.order = data, append(d.order, "store "+key)
	return err
}

func given(t *testing.T, provider, settings string, change func(*edge.Options)) *door {
	t.Helper()
	p, err := catalog.Find("webform", provider)
	if err != nil {
		t.Fatal(err)
	}
	c := connectors.Connection{Name: "site", Connector: "webform", Provider: provider, Region: "RU", Settings: json.RawMessage(settings)}
	instance, err := p.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return around(&connectors.Connected{Connection: c, Channel: p.Channel, Instance: instance, RateLimit: 600}, change)
}

func around(c *connectors.Connected, change func(*edge.Options)) *door {
	d := &door{connections: &connections{Connected: c, counts: map[string]int{}}, stored: map[string][]byte{}}
	d.options = edge.Options{
		Connections: d.connections, Publisher: d, Store: d.keep, Zone: time.UTC, Now: func() time.Time { return now },
		Log: slog.New(slog.NewTextHandler(&d.log, nil)), Metrics: edge.NewMetrics(prometheus.NewRegistry()),
	}
	if change != nil {
		change(&d.options)
	}
	d.Handler = edge.New(d.options)
	return d
}

const form = "application/x-www-form-urlencoded"

func (d *door) send(method, path, contentType string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, body)
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

func (d *door) post(body string, headers ...string) *httptest.ResponseRecorder {
	return d.send(http.MethodPost, "/in/site/"+token, form, strings.NewReader(body), headers...)
}

func id(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var answer struct{ ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.ID == "" {
		t.Fatalf("status %d, answer %q: no id", w.Code, w.Body)
	}
	return answer.ID
}

func TestAnInquiryIsDurableAsItCameBeforeItIsAnswered(t *testing.T) {
	d := given(t, "generic", "", nil)
	raw := "name=%C0%ED%ED%E0&phone=%2B79123456789&x=\x00\xff"
	w := d.send(http.MethodPost, "/in/site/"+token+"/deeper/path?utm_source=ya", form, strings.NewReader(raw), "User-Agent", "Mozilla", "Referer", "https://site.example/p")
	if w.Code != http.StatusAccepted {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	e := d.events[0]
	if e.ID != id(t, w) || string(e.Data) != raw || e.Connection != "site" || e.Provider != "generic" || !e.Time.Equal(now) {
		t.Errorf("event %+v", e)
	}
	for name, want := range map[string]string{"method": "POST", "path": "/deeper/path", "query": "utm_source=ya", "remote": "192.0.2.1", "header-user-agent": "Mozilla", "header-referer": "https://site.example/p"} {
		if e.Attributes[name] != want {
			t.Errorf("%s is %q, want %q", name, e.Attributes[name], want)
		}
	}
	if d.counts["accepted"] != 1 {
		t.Errorf("counted %v", d.counts)
	}
}

func TestARepeatGetsTheSameAnswerWithTheSameID(t *testing.T) {
	d := given(t, "generic", "", nil)
	first, second := d.post("phone=1"), d.post("phone=1")
	if first.Code != second.Code || id(t, first) != id(t, second) {
		t.Errorf("%s and %s", first.Body, second.Body)
	}
	if other := d.post("phone=2"); id(t, other) == id(t, first) {
		t.Error("another body has the same id")
	}
}

func TestAnyMethodAFormUsesIsTaken(t *testing.T) {
	d := given(t, "generic", "", nil)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH"} {
		if w := d.send(method, "/in/site/"+token+"?phone=%2B7912345678&m="+method, "", nil); w.Code != http.StatusAccepted {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	if len(d.events) != 4 {
		t.Errorf("%d events", len(d.events))
	}
}

func TestAnUnknownConnectionAndAWrongTokenAreAnsweredAlike(t *testing.T) {
	d := given(t, "generic", "", nil)
	var answers []string
	for _, path := range []string{"/in/nobody/" + token, "/in/site/wrong-token-0123456789", "/in/site/", "/in/site", "/in/", "/in//"} {
		w := d.send(http.MethodPost, path, form, strings.NewReader("phone=1"))
		answers = append(answers, fmt.Sprint(w.Code, w.Header(), w.Body))
	}
	for _, a := range answers {
		if a != answers[0] || !strings.HasPrefix(a, "404") {
			t.Errorf("%q differs from %q", a, answers[0])
		}
	}
	if len(d.events)+len(d.stored) > 0 {
		t.Error("something was kept")
	}
	if n := testutil.CollectAndCount(d.registered(t), "marshrut_edge_refused_total"); n != 1 {
		t.Errorf("%d kinds of refusals counted, want one: unknown", n)
	}
}

// registered gathers the metrics of a door made anew, for those who count them.
func (d *door) registered(t *testing.T) prometheus.Collector {
	t.Helper()
	reg := prometheus.NewRegistry()
	d.options.Metrics = edge.NewMetrics(reg)
	d.Handler = edge.New(d.options)
	d.send(http.MethodPost, "/in/nobody/"+token, form, strings.NewReader(""))
	return gathered{reg}
}

// gathered makes a Collector of a registry, as testutil wants one.
type gathered struct{ *prometheus.Registry }

func TestAnAddressWithoutAConnectionOrATokenIsCountedLikeAWrongOne(t *testing.T) {
	reg := prometheus.NewRegistry()
	d := given(t, "generic", "", func(o *edge.Options) { o.Metrics = edge.NewMetrics(reg) })
	for i, path := range []string{"/in/nobody/" + token, "/in/site", "/in/site/", "/in/", "/in//" + token} {
		d.send(http.MethodPost, path, form, strings.NewReader("phone=1"))
		if n := unknown(t, reg); n != float64(i+1) {
			t.Errorf("after %s there are %v unknown addresses counted, want %d", path, n, i+1)
		}
	}
}

// unknown is how many requests came to no address of ours.
func unknown(t *testing.T, reg *prometheus.Registry) (n float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "marshrut_edge_refused_total" {
			continue
		}
		for _, m := range family.Metric {
			n += m.Counter.GetValue()
		}
	}
	return n
}

func TestABodyOverTheLimitIsRefused(t *testing.T) {
	d := given(t, "generic", "", nil)
	large := strings.Repeat("a", 1<<20+1)
	if w := d.post(large); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("announced: %d", w.Code)
	}
	unannounced := io.MultiReader(strings.NewReader(large)) // httptest cannot see its length
	if w := d.send(http.MethodPost, "/in/site/"+token, form, unannounced); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("unannounced: %d", w.Code)
	}
	if len(d.events) > 0 {
		t.Error("something was kept")
	}
	if w := d.post(strings.Repeat("a", 1<<20)); w.Code != http.StatusAccepted {
		t.Errorf("exactly at the limit: %d", w.Code)
	}
}

func multipartBody(t *testing.T, files map[string][]byte) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	w.WriteField("phone", "+79123456789")
	for name, data := range files {
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		part.Write(data)
	}
	w.Close()
	return body, w.FormDataContentType()
}

func TestAttachmentsAndLargeBodiesAreStoredBeforeTheirEvent(t *testing.T) {
	d := given(t, "generic", "", nil)
	photo := bytes.Repeat([]byte("photo"), 400<<10) // 2 MB
	body, contentType := multipartBody(t, map[string][]byte{`C:\Мои документы\план.jpg`: photo})
	raw := body.String()
	w := d.send(http.MethodPost, "/in/site/"+token, contentType, body)
	if w.Code != http.StatusAccepted {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	e := d.events[0]
	if len(e.Data) > 0 || string(d.stored[e.DataRef]) != raw {
		t.Errorf("the body is not kept whole under %q", e.DataRef)
	}
	files := connectors.RequestOf(e).Files
	if len(files) != 1 || files[0].Name != "план.jpg" || files[0].Size != int64(len(photo)) || !bytes.Equal(d.stored[files[0].Ref], photo) {
		t.Errorf("files %+v", files)
	}
	if last := d.order[len(d.order)-1]; last != "publish "+e.ID || len(d.order) != 3 {
		t.Errorf("the order was %v", d.order)
	}
}

func TestTheSameFormSentAgainByTheBrowserIsARepeat(t *testing.T) {
	d := given(t, "generic", "", nil)
	var ids []string
	for range 2 {
		body, contentType := multipartBody(t, map[string][]byte{"a.txt": []byte("1")}) // a new boundary each time
		ids = append(ids, id(t, d.send(http.MethodPost, "/in/site/"+token, contentType, body)))
	}
	if ids[0] != ids[1] {
		t.Error("a new boundary makes a new inquiry")
	}
}

func TestOverTheRateIs429AndSaysWhenToComeBack(t *testing.T) {
	d := given(t, "generic", "", nil)
	d.RateLimit = 3
	for range 3 {
		if w := d.post("phone=1"); w.Code != http.StatusAccepted {
			t.Fatalf("within the rate: %d", w.Code)
		}
	}
	w := d.post("phone=1")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "21" { // 3 a minute is one in 20 s
		t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if d.counts["limited"] != 1 || len(d.events) != 3 {
		t.Errorf("counted %v, %d events", d.counts, len(d.events))
	}
	now = now.Add(20 * time.Second)
	defer func() { now = now.Add(-20 * time.Second) }()
	if w := d.post("phone=1"); w.Code != http.StatusAccepted {
		t.Errorf("20 s later: %d", w.Code)
	}
}

func TestWhatCannotBeMadeDurableIs503(t *testing.T) {
	d := given(t, "generic", "", nil)
	d.publish = func(context.Context, pipeline.Event) error { return errors.New("broker and spool are away") }
	w := d.post("phone=1")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || d.counts["accepted"] != 0 {
		t.Errorf("status %d, %v, counted %v", w.Code, w.Header(), d.counts)
	}
	if strings.Contains(w.Body.String(), "broker") {
		t.Error("the sender is told of our machinery")
	}
}

func TestAnEventIsNotPublishedWhenItsBytesCannotBeStored(t *testing.T) {
	d := given(t, "generic", "", nil)
	d.store = func(string) error { return errors.New("disk is full") }
	body, contentType := multipartBody(t, map[string][]byte{"a.txt": []byte("1")})
	if w := d.send(http.MethodPost, "/in/site/"+token, contentType, body); w.Code != http.StatusServiceUnavailable || len(d.events) > 0 {
		t.Errorf("status %d, %d events", w.Code, len(d.events))
	}
}

func TestASlowBusCostsTheSenderNoMoreThanTheBudget(t *testing.T) {
	d := given(t, "generic", "", func(o *edge.Options) { o.Budget = 30 * time.Millisecond })
	d.publish = func(ctx context.Context, _ pipeline.Event) error { <-ctx.Done(); return ctx.Err() }
	if w := d.post("phone=1"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
}

func TestRequestsInFlightAreBounded(t *testing.T) {
	d := given(t, "generic", "", func(o *edge.Options) { o.InFlight = 2 })
	arrived, release := make(chan struct{}), make(chan struct{})
	d.publish = func(context.Context, pipeline.Event) error { arrived <- struct{}{}; <-release; return nil }
	var waiting sync.WaitGroup
	for n := range 2 {
		waiting.Go(func() { d.post(fmt.Sprintf("phone=%d", n)) })
		<-arrived
	}
	if w := d.post("phone=3"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("the third gets %d", w.Code)
	}
	close(release)
	waiting.Wait()
	if len(d.events) != 2 {
		t.Errorf("%d events", len(d.events))
	}
}

func TestADrainingDoorTakesNothingNew(t *testing.T) {
	d := given(t, "generic", "", nil)
	d.Drain()
	if w := d.post("phone=1"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
}

func TestAForgedMessageIs403AndNothingIsKept(t *testing.T) {
	c := &connectors.Connected{Connection: connectors.Connection{Name: "site"}, RateLimit: 600, Instance: receiver(func(connectors.Request) (connectors.Receipt, error) {
		return connectors.Receipt{}, fmt.Errorf("signature: %w", connectors.ErrForged)
	})}
	d := around(c, nil)
	if w := d.post("x=1"); w.Code != http.StatusForbidden || len(d.events) > 0 || d.counts["refused"] != 1 {
		t.Errorf("status %d, %d events, counted %v", w.Code, len(d.events), d.counts)
	}
}

func TestAVendorsOwnRefusalIsAnsweredAsItWants(t *testing.T) {
	c := &connectors.Connected{Connection: connectors.Connection{Name: "site"}, RateLimit: 600, Instance: receiver(func(connectors.Request) (connectors.Receipt, error) {
		return connectors.Receipt{}, &connectors.Refusal{Status: http.StatusUnauthorized, Reason: "no key"}
	})}
	if w := around(c, nil).post("x=1"); w.Code != http.StatusUnauthorized {
		t.Errorf("status %d", w.Code)
	}
}

// receiver is a connector made of a function.
type receiver func(connectors.Request) (connectors.Receipt, error)

func (f receiver) Receive(r connectors.Request) (connectors.Receipt, error) { return f(r) }

func TestAFailedLookAtTheBodyNeverRefusesIt(t *testing.T) {
	for name, receive := range map[string]receiver{
		"an error": func(connectors.Request) (connectors.Receipt, error) {
			return connectors.Receipt{}, errors.New("no idea")
		},
		"a panic": func(connectors.Request) (connectors.Receipt, error) { panic("index out of range") },
	} {
		d := around(&connectors.Connected{Connection: connectors.Connection{Name: "site"}, RateLimit: 600, Instance: receive}, nil)
		w := d.post("x=1")
		if w.Code != http.StatusAccepted || len(d.events) != 1 || d.events[0].ID != id(t, w) {
			t.Errorf("%s: status %d, %d events", name, w.Code, len(d.events))
		}
	}
	broken := around(&connectors.Connected{Connection: connectors.Connection{Name: "site"}, RateLimit: 600, Fault: errors.New("bad settings")}, nil)
	if w := broken.post("x=1"); w.Code != http.StatusAccepted || len(broken.events) != 1 {
		t.Errorf("a connection that cannot work: status %d", w.Code)
	}
}

// poller is a connection that goes and asks.
type poller struct{}

func (poller) Poll(context.Context, connectors.Desk) error { return nil }

func TestAConnectionThatGoesAndAsksHasNoDoor(t *testing.T) {
	d := around(&connectors.Connected{Connection: connectors.Connection{Name: "site"}, RateLimit: 600, Instance: poller{}}, nil)
	if w := d.post("x=1"); w.Code != http.StatusNotFound || len(d.events) > 0 || len(d.counts) > 0 {
		t.Errorf("status %d, %d events, counted %v", w.Code, len(d.events), d.counts)
	}
}

func TestHandshakesAreAnsweredWithoutAnEvent(t *testing.T) {
	d := given(t, "tilda", "", nil)
	if w := d.post("test=test"); w.Code != http.StatusOK || len(d.events) > 0 {
		t.Errorf("status %d, %d events", w.Code, len(d.events))
	}
	if w := d.post("Phone=1&tranid=1:2"); w.Code != http.StatusOK || id(t, w) != d.events[0].ID {
		t.Errorf("a submission: status %d", w.Code)
	}
	g := given(t, "generic", `{"origins":["https://site.example"]}`, nil)
	w := g.send(http.MethodOptions, "/in/site/"+token, "", nil, "Origin", "https://site.example", "Access-Control-Request-Method", "POST")
	if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != "https://site.example" || len(g.events) > 0 {
		t.Errorf("preflight: status %d, %v", w.Code, w.Header())
	}
}

func TestAVisitorIsRedirectedOnlyToThePageOfTheSettings(t *testing.T) {
	d := given(t, "generic", `{"redirect":"https://site.example/thanks"}`, nil)
	w := d.post("phone=1&redirect=https://evil.example", "Sec-Fetch-Mode", "navigate")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "https://site.example/thanks" || len(d.events) != 1 {
		t.Errorf("status %d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestTheTraceOfTheSenderGoesOn(t *testing.T) {
	d := given(t, "generic", "", nil)
	parent := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	d.post("phone=1", "Traceparent", parent)
	if got := d.events[0].TraceParent; !strings.HasPrefix(got, "00-4bf92f3577b34da6a3ce929d0e0e4736-") {
		t.Errorf("trace %q", got)
	}
	d.post("phone=2")
	if got := d.events[1].TraceParent; len(got) != len(parent) {
		t.Errorf("without one of the sender's: %q", got)
	}
}

func TestTheTokenIsInNoLogAndNoEvent(t *testing.T) {
	d := given(t, "generic", "", nil)
	d.publish = func(context.Context, pipeline.Event) error { return errors.New("away") }
	d.post("phone=1")
	d.publish = nil
	d.send(http.MethodPost, "/in/site/"+token+"/x?y=1", form, strings.NewReader("phone=2"))
	event, err := json.Marshal(d.events)
	if err != nil || len(d.events) != 1 {
		t.Fatal(err, len(d.events))
	}
	if d.log.Len() == 0 || strings.Contains(d.log.String(), token) || bytes.Contains(event, []byte(token)) {
		t.Errorf("log %q, event %s", d.log.String(), event)
	}
}

func TestTheWidgetIsServedToAnySite(t *testing.T) {
	d := given(t, "generic", "", nil)
	w := d.send(http.MethodGet, "/widget/site.js", "", nil)
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") || w.Header().Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
	for _, path := range []string{"/widget/nobody.js", "/widget/site", "/widget/"} {
		if w := d.send(http.MethodGet, path, "", nil); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func FuzzDoor(f *testing.F) {
	f.Add("/in/site/"+token, "a=1", form, []byte("phone=1"))
	f.Add("/in/site/"+token+"/%2e%2e/", "%ff", "multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=f; filename=\"../../a\"\r\n\r\n1\r\n--x--"))
	f.Fuzz(func(t *testing.T, path, query, contentType string, body []byte) {
		u, err := url.Parse("http://gw.example" + path)
		if err != nil {
			return
		}
		d := given(t, "generic", "", nil)
		u.RawQuery = query
		r := &http.Request{Method: http.MethodPost, URL: u, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		if w.Code == http.StatusAccepted && len(d.events) != 1 || w.Code >= 500 {
			t.Errorf("status %d, %d events", w.Code, len(d.events))
		}
		for key := range d.stored {
			if strings.Contains(key, "..") {
				t.Errorf("key %q", key)
			}
		}
	})
}
