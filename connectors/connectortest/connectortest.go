// Package connectortest is the contract of connectors: what every provider has to
// do whatever its dialect, and how its recorded messages are checked. Tests of
// providers call it.
package connectortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"marshrut/connectors"
	"marshrut/leads"
	"marshrut/pipeline"
)

// Sample is what the contract needs to know of a provider.
type Sample struct {
	Settings string            // JSON of settings to run with, "" for the defaults
	Secrets  map[string]string // values of secret settings; "" if the provider has none
	// Request is a genuine message, with the secrets where the vendor puts them.
	Request connectors.Request
	// Forge makes it one of somebody who does not know the secrets; nil when there are none.
	Forge func(connectors.Request) connectors.Request
}

// At is when messages of the tests are received.
var At = time.Date(2026, 3, 2, 10, 15, 0, 0, time.UTC)

// Open makes a connection of the provider, named "test".
func Open(t testing.TB, p connectors.Provider, settings string, secrets map[string]string) *connectors.Connected {
	t.Helper()
	c := connectors.Connection{
		Name: "test", Connector: p.Connector, Provider: p.Name, Region: "RU", Language: "ru", PublicURL: "https://gw.example",
		Settings: json.RawMessage(settings), Secrets: secrets,
	}
	instance, err := p.New(c)
	if err != nil {
		t.Fatalf("%s/%s does not open: %v", p.Connector, p.Name, err)
	}
	return &connectors.Connected{Connection: c, Channel: p.Channel, Instance: instance}
}

// Provider checks one provider.
func Provider(t *testing.T, p connectors.Provider, s Sample) {
	t.Run("it says what it is, in both languages", func(t *testing.T) { described(t, p) })
	t.Run("its settings are strict", func(t *testing.T) { strict(t, p) })
	c := Open(t, p, s.Settings, s.Secrets)
	if _, ok := c.Instance.(connectors.Receiver); !ok {
		return
	}
	t.Run("a repeat is the same event", func(t *testing.T) { repeated(t, c, s) })
	t.Run("another message is another event", func(t *testing.T) { told(t, c, s) })
	t.Run("a forged message is refused", func(t *testing.T) { forged(t, c, s) })
	t.Run("a malformed body is kept as it came", func(t *testing.T) { malformed(t, c, s) })
	t.Run("while the bus is away the sender is told to come again", func(t *testing.T) { away(t, c, s) })
	t.Run("no secret is stored or told", func(t *testing.T) { silent(t, c, s) })
	t.Run("no bytes make it panic", func(t *testing.T) { robust(t, c, s) })
}

func described(t *testing.T, p connectors.Provider) {
	for _, language := range []string{"ru", "en"} {
		if setup := connectors.SetupOf(p, connectors.Place{}, nil, language); strings.Contains(setup, "{{") {
			t.Errorf("the setup text in %s leaves open what no connection and no setting fills in:\n%s", language, setup)
		}
		if p.Title[language] == "" || len(p.Setup[language]) < 200 {
			t.Errorf("no title or no help for setting it up in %q", language)
		}
	}
	if p.Channel == "" {
		t.Error("no channel")
	}
	for _, s := range connectors.SettingsOf(p) {
		if s.Title["ru"] == "" || s.Title["en"] == "" {
			t.Errorf("setting %s has no title in Russian or English", s.Key)
		}
	}
}

func strict(t *testing.T, p connectors.Provider) {
	_, err := p.New(connectors.Connection{Name: "test", Settings: json.RawMessage(`{"no_such_key": 1}`)})
	if err == nil || !strings.Contains(err.Error(), "no_such_key") {
		t.Errorf("an unknown key gives %v", err)
	}
}

// Receive gives the event of a message, as the door would make it.
func Receive(c *connectors.Connected, r connectors.Request) (pipeline.Event, connectors.Receipt, error) {
	if r.ReceivedAt.IsZero() {
		r.ReceivedAt = At
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	receipt, err := c.Instance.(connectors.Receiver).Receive(r)
	return connectors.NewEvent(c, r, receipt, time.UTC), receipt, err
}

func repeated(t *testing.T, c *connectors.Connected, s Sample) {
	first, _, err := Receive(c, s.Request)
	if err != nil {
		t.Fatal(err)
	}
	again := s.Request
	again.ReceivedAt = At.Add(10 * time.Minute)
	second, _, err := Receive(c, again)
	if err != nil || first.ID != second.ID {
		t.Errorf("ids %s and %s, %v", first.ID, second.ID, err)
	}
}

// told shows that messages without an id of the vendor's are told apart by their bytes.
func told(t *testing.T, c *connectors.Connected, s Sample) {
	first, receipt, _ := Receive(c, s.Request)
	if receipt.VendorID != "" {
		return // then the id decides, whatever the bytes
	}
	other := s.Request
	other.Body = append([]byte(nil), other.Body...)
	other.Query += "&x=1"
	if second, _, _ := Receive(c, other); first.ID == second.ID {
		t.Error("two messages have one id")
	}
}

func forged(t *testing.T, c *connectors.Connected, s Sample) {
	if s.Forge == nil {
		if len(s.Secrets) > 0 {
			t.Error("the sample has secrets and no forgery")
		}
		return
	}
	_, _, err := Receive(c, s.Forge(s.Request))
	var refusal *connectors.Refusal
	if !errors.Is(err, connectors.ErrForged) && !errors.As(err, &refusal) {
		t.Errorf("it is taken: %v", err)
	}
}

func malformed(t *testing.T, c *connectors.Connected, s Sample) {
	for name, body := range Malformed(s.Request.Body) {
		r := s.Request
		r.Body = body
		event, receipt, err := Receive(c, r)
		var refusal *connectors.Refusal
		if errors.Is(err, connectors.ErrForged) || errors.As(err, &refusal) || receipt.Handshake {
			continue // the secret was in the body
		}
		if want := string(c.Redact(body)); string(event.Data) != want {
			t.Errorf("%s: kept %q", name, event.Data)
		}
		if event.ID == "" {
			t.Errorf("%s: no identity", name)
		}
		translate(c, event) // whatever it gives
	}
}

// Malformed gives bodies that a sender with a fault sends.
func Malformed(body []byte) map[string][]byte {
	half := body[:len(body)/2]
	return map[string][]byte{
		"empty": {}, "cut off": half, "twice": append(append([]byte{}, body...), body...), "NUL inside": append(append([]byte{}, half...), 0, 0),
		"invalid UTF-8": append(append([]byte{}, body...), 0xff, 0xfe, 0xc0), "only brackets": []byte("[[[[[[[[[{{{{{{{"),
		"a picture": []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "false gzip": []byte("\x1f\x8b\x08\x00garbage"), "percent signs": []byte("%%%=%&=%zz&%"),
	}
}

func silent(t *testing.T, c *connectors.Connected, s Sample) {
	event, receipt, err := Receive(c, s.Request)
	told := fmt.Sprint(err) + string(receipt.Response.Body)
	if s.Forge != nil {
		_, _, err := Receive(c, s.Forge(s.Request))
		told += fmt.Sprint(err)
	}
	inquiries, err := translate(c, event)
	stored, _ := json.Marshal(inquiries)
	told += fmt.Sprint(err) + string(stored) + string(event.Data) + fmt.Sprint(event.Attributes)
	for key, secret := range s.Secrets {
		if strings.Contains(told, secret) {
			t.Errorf("the value of %s is in an error, an answer or what is stored", key)
		}
	}
}

func robust(t *testing.T, c *connectors.Connected, s Sample) {
	rapid.Check(t, func(t *rapid.T) {
		r := s.Request
		r.Body = mutated(t, s.Request.Body)
		r.ContentType = rapid.SampledFrom([]string{s.Request.ContentType, "application/json", "application/x-www-form-urlencoded",
			"multipart/form-data; boundary=x", "text/plain; charset=koi8-r", "text/plain; charset=no-such", ""}).Draw(t, "content type")
		r.Query = rapid.SampledFrom([]string{s.Request.Query, "", "a=%ZZ&&=", "x[[[]=1&y[a]b=2"}).Draw(t, "query")
		if event, _, err := Receive(c, r); err == nil {
			translate(c, event)
		}
	})
}

// mutated takes a piece of the body away and puts random bytes there.
func mutated(t *rapid.T, body []byte) []byte {
	from := rapid.IntRange(0, len(body)).Draw(t, "from")
	to := rapid.IntRange(from, len(body)).Draw(t, "to")
	noise := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "noise")
	return append(append(append([]byte{}, body[:from]...), noise...), body[to:]...)
}

// translate is what the connection understands of an event, alone if it is one of several.
func translate(c *connectors.Connected, e pipeline.Event) (any, error) {
	switch t := c.Instance.(type) {
	case connectors.Translator:
		return t.Translate(e)
	case connectors.Aggregator:
		part, err := t.Part(e)
		if err != nil {
			return nil, err
		}
		return inquiriesOf(t.Aggregate([]connectors.Part{part})), nil
	}
	return nil, nil
}

// inquiriesOf is a list, as a Translator gives it.
func inquiriesOf(a connectors.Aggregate) []leads.Inquiry {
	if a.Inquiry == nil {
		return []leads.Inquiry{}
	}
	return []leads.Inquiry{*a.Inquiry}
}

// Understand is the whole way of bytes through a connection, for fuzzing: whatever they are, they are refused, answered, or
// kept under an identity and understood as something that every store takes.
func Understand(t testing.TB, c *connectors.Connected, r connectors.Request) {
	t.Helper()
	event, receipt, err := Receive(c, r)
	var refusal *connectors.Refusal
	if errors.Is(err, connectors.ErrForged) || errors.As(err, &refusal) || receipt.Handshake {
		return
	}
	if event.ID == "" || !utf8.ValidString(event.Subject+event.Key) || strings.ContainsRune(event.Subject+event.Key, 0) {
		t.Errorf("its identity is %q, %q of %q", event.ID, event.Subject, event.Key)
	}
	understood, err := translate(c, event)
	if err != nil {
		return
	}
	if text, err := json.Marshal(understood); err != nil || bytes.Contains(text, []byte(`\u0000`)) {
		t.Errorf("it is understood as %s, %v", text, err)
	}
}
