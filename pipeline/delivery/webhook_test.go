package delivery_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"marshrut/internal/safedial"
	"marshrut/pipeline/delivery"
)

// loopback lets the client reach the test's own server.
var loopback = safedial.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

func webhook(policy safedial.Policy) delivery.Webhook {
	return delivery.Webhook{
		Client:  policy.Client(),
		Secrets: []string{"whsec_" + base64.StdEncoding.EncodeToString([]byte("the new secret of 24 bytes")), "the old secret"},
		Now:     func() time.Time { return start },
	}
}

func call(url string) delivery.Delivery {
	payload, _ := json.Marshal(delivery.WebhookCall{URL: url, Body: json.RawMessage(`{"lead":"17"}`)})
	return delivery.Delivery{Request: delivery.Request{Kind: "webhook", IdempotencyKey: "msg_1", Payload: payload}}
}

func TestAWebhookIsSignedForBothSecrets(t *testing.T) {
	var got http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	if err := webhook(loopback).Deliver(t.Context(), call(server.URL)); err != nil {
		t.Fatal(err)
	}
	if string(body) != `{"lead":"17"}` || got.Get("webhook-id") != "msg_1" || got.Get("Content-Type") != "application/json" {
		t.Errorf("the server got %s with %v", body, got)
	}
	signed := fmt.Sprintf("msg_1.%d.%s", start.Unix(), body)
	for i, secret := range []string{"the new secret of 24 bytes", "the old secret"} {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(signed))
		want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if have := strings.Fields(got.Get("webhook-signature")); len(have) != 2 || have[i] != want {
			t.Errorf("signature %d is wrong: %v, want %s", i, have, want)
		}
	}
}

func TestAnAnswerDecidesWhetherAWebhookIsTriedAgain(t *testing.T) {
	tests := []struct {
		status    int
		header    string
		done      bool
		permanent bool
		after     time.Duration
		halts     bool
	}{
		{status: 200, done: true},
		{status: 204, done: true},
		{status: 302},
		{status: 400},
		{status: 410, permanent: true},
		{status: 429, header: "120", after: 2 * time.Minute, halts: true},
		{status: 500, header: "120", after: 2 * time.Minute},
		{status: 500},
		{status: 503},
		{status: 503, header: "nonsense"},
		{status: 503, header: "120", after: 2 * time.Minute, halts: true},
		{status: 503, header: start.Add(3 * time.Minute).UTC().Format(http.TimeFormat), after: 3 * time.Minute, halts: true},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.status), func(t *testing.T) {
			followed := false
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					followed = true
				}
				w.Header().Set("Location", "/elsewhere")
				if test.header != "" {
					w.Header().Set("Retry-After", test.header)
				}
				w.WriteHeader(test.status)
			}))
			defer server.Close()
			err := webhook(loopback).Deliver(t.Context(), call(server.URL))
			if (err == nil) != test.done {
				t.Errorf("got %v", err)
			}
			if errors.As(err, new(delivery.Permanent)) != test.permanent {
				t.Errorf("%v: permanent, want %v", err, test.permanent)
			}
			later, halted := delivery.Later{}, delivery.Halted{}
			errors.As(err, &later)
			if halts := errors.As(err, &halted); halts != test.halts {
				t.Errorf("halts the rest: %t, want %t", halts, test.halts)
			}
			if after := later.After + halted.After; after != test.after {
				t.Errorf("comes again after %s, want %s", after, test.after)
			}
			if followed {
				t.Error("a redirect was followed")
			}
		})
	}
}

func TestWhyAWebhookFailedIsSaidInTheLanguageOfTheCompany(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	defer server.Close()
	for language, want := range map[string]string{"ru": "веб-хук ответил 400", "en": "the web hook answered 400"} {
		w := webhook(loopback)
		w.Language = language
		if err := w.Deliver(t.Context(), call(server.URL)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("in %q: %v, want %q", language, err, want)
		}
	}
}

func TestAServerThatIsAwayHaltsItsWebhooksButAWrongAddressDoesNot(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	err := webhook(loopback).Deliver(t.Context(), call(gone.URL+"/secret"))
	halted := delivery.Halted{}
	if !errors.As(err, &halted) || halted.Person || strings.Contains(halted.Words["ru"], "secret") {
		t.Errorf("nobody listens: %#v", err)
	}
	for name, err := range map[string]error{
		"not allowed":  webhook(safedial.Policy{}).Deliver(t.Context(), call(gone.URL)),
		"no such name": webhook(loopback).Deliver(t.Context(), call("http://nowhere.invalid/")),
	} {
		if err == nil || name == "not allowed" && errors.As(err, &halted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWebhookDoesNotReachInside(t *testing.T) {
	reached := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer server.Close()
	err := webhook(safedial.Policy{}).Deliver(t.Context(), call(server.URL+"/?token=secret"))
	if err == nil || reached {
		t.Fatalf("a web hook to loopback: %v, reached %v", err, reached)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows the address: %v", err)
	}
}

func TestAWebhookWithoutAnAddressIsPermanent(t *testing.T) {
	for _, url := range []string{"", "ftp://example.com/", "example.com", "http://", "file:///etc/passwd", "http://\x00"} {
		if err := webhook(loopback).Deliver(t.Context(), call(url)); !errors.As(err, new(delivery.Permanent)) {
			t.Errorf("%q: %v, want a permanent error", url, err)
		}
	}
}
