package delivery

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// WebhookCall is the payload of a delivery of kind "webhook".
type WebhookCall struct {
	URL  string          `json:"url"`
	Body json.RawMessage `json:"body"`
}

// Webhook delivers by HTTP POST, signed as Standard Webhooks 1.0 says
// (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).
// The idempotency key is the webhook-id. Use a client of package safedial: the
// address comes from a route map, which anybody with the right may edit.
type Webhook struct {
	Client  *http.Client
	Secrets []string // "whsec_" and base64, or plain; the first is the current one, more while rotating
	Now     func() time.Time
}

var _ Deliverer = Webhook{}

// Deliver posts the call. 2xx is done; 410 is permanent; a redirect is a failure
// and is not followed; Retry-After is honoured.
func (w Webhook) Deliver(ctx context.Context, d Delivery) error {
	var call WebhookCall
	if err := json.Unmarshal(d.Payload, &call); err != nil {
		return Permanent{fmt.Errorf("read the web hook's payload: %w", err)}
	}
	if u, err := url.Parse(call.URL); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return Permanent{fmt.Errorf("%.200q is no web address", call.URL)}
	}
	req, err := w.request(ctx, d.IdempotencyKey, call)
	if err != nil {
		return Permanent{err}
	}
	res, err := w.Client.Do(req)
	if err != nil {
		return fmt.Errorf("call the web hook: %w", withoutURL(err))
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	return verdict(res)
}

func (w Webhook) request(ctx context.Context, id string, call WebhookCall) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, call.URL, bytes.NewReader(call.Body))
	if err != nil {
		return nil, fmt.Errorf("make the web hook's request: %w", withoutURL(err))
	}
	now := time.Now
	if w.Now != nil {
		now = w.Now
	}
	stamp := strconv.FormatInt(now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Marshrut")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", stamp)
	if len(w.Secrets) == 0 {
		return req, nil
	}
	var signatures []string
	for _, secret := range w.Secrets {
		signatures = append(signatures, sign(secret, id, stamp, call.Body))
	}
	req.Header.Set("webhook-signature", strings.Join(signatures, " "))
	return req, nil
}

// sign makes one signature of "id.timestamp.body".
func sign(secret, id, stamp string, body []byte) string {
	key := []byte(secret)
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			key = decoded
		}
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", id, stamp)
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func verdict(res *http.Response) error {
	err := fmt.Errorf("the web hook answered %s", res.Status)
	switch {
	case res.StatusCode/100 == 2:
		return nil
	case res.StatusCode == http.StatusGone:
		return Permanent{err}
	case res.StatusCode/100 == 3:
		return fmt.Errorf("%w: redirects are not followed", err)
	}
	if seconds, bad := strconv.Atoi(res.Header.Get("Retry-After")); bad == nil && seconds > 0 {
		return Later{Err: err, After: time.Duration(min(seconds, 1<<20)) * time.Second}
	}
	if at, bad := http.ParseTime(res.Header.Get("Retry-After")); bad == nil {
		return Later{Err: err, After: time.Until(at)}
	}
	return err
}

// withoutURL drops the address from an HTTP client's error: its path or query may
// hold a token, and the error goes to logs and screens.
func withoutURL(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
