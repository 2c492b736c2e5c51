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
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
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
	// Language of errors, which people read: "ru", the default, or "en".
	Language string
}

var _ Deliverer = Webhook{}

// Deliver posts the call. 2xx is done; 410 is permanent; a redirect is a failure
// and is not followed. A server that cannot be reached, or says itself when to come
// again (429 and 503 with Retry-After), halts all that goes there; another failure
// may be about this one call.
func (w Webhook) Deliver(ctx context.Context, d Delivery) error {
	var call WebhookCall
	if err := json.Unmarshal(d.Payload, &call); err != nil {
		return Permanent{fmt.Errorf("read the web hook's payload: %w", err)}
	}
	if u, err := url.Parse(call.URL); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return Permanent{fmt.Errorf(say(w.Language, "%.200q: не веб-адрес", "%.200q is no web address"), call.URL)}
	}
	req, err := w.request(ctx, d.IdempotencyKey, call)
	if err != nil {
		return Permanent{err}
	}
	res, err := w.Client.Do(req)
	if err != nil {
		err = withoutURL(err)
		if unreachable(err) {
			return halted(err, 0, "Сервер веб-хука не отвечает", "The server of the web hook does not answer")
		}
		return fmt.Errorf(say(w.Language, "веб-хук не вызывается: %w", "call the web hook: %w"), err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	return w.verdict(res)
}

func (w Webhook) request(ctx context.Context, id string, call WebhookCall) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, call.URL, bytes.NewReader(call.Body))
	if err != nil {
		return nil, fmt.Errorf("make the web hook's request: %w", withoutURL(err))
	}
	stamp := strconv.FormatInt(w.now().Unix(), 10)
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

func (w Webhook) now() time.Time {
	if w.Now == nil {
		return time.Now()
	}
	return w.Now()
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

func (w Webhook) verdict(res *http.Response) error {
	err := fmt.Errorf(say(w.Language, "веб-хук ответил %s", "the web hook answered %s"), res.Status)
	switch {
	case res.StatusCode/100 == 2:
		return nil
	case res.StatusCode == http.StatusGone:
		return Permanent{err}
	case res.StatusCode/100 == 3:
		return fmt.Errorf(say(w.Language, "%w: перенаправления не выполняются", "%w: redirects are not followed"), err)
	}
	after, said := retryAfter(res, w.now())
	switch {
	case said && (res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusTooManyRequests):
		return halted(errors.New(res.Status), after, "Сервер веб-хука просит подождать", "The server of the web hook asks to wait")
	case said:
		return Later{Err: err, After: after}
	}
	return err
}

// retryAfter reads when to come again (RFC 9110, 10.2.3).
func retryAfter(res *http.Response, now time.Time) (time.Duration, bool) {
	header := res.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(header); err == nil {
		return time.Duration(min(seconds, 1<<20)) * time.Second, seconds > 0
	}
	at, err := http.ParseTime(header)
	return at.Sub(now), err == nil
}

func halted(err error, after time.Duration, ru, en string) error {
	return Halted{Err: err, After: max(0, after), Words: map[string]string{"ru": ru + ": " + err.Error(), "en": en + ": " + err.Error()}}
}

// unreachable tells a server that nobody can reach at present. A name that does not exist and an address that is not allowed are
// mistakes of the route map instead: they use attempts up, so that the process has its incident and whoever drew it hears of it.
func unreachable(err error) bool {
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		return !dns.IsNotFound
	}
	op := (*net.OpError)(nil)
	if !errors.As(err, &op) || op.Op != "dial" {
		return false
	}
	away := func(e syscall.Errno) bool { return errors.Is(err, e) }
	return op.Timeout() || slices.ContainsFunc([]syscall.Errno{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH}, away)
}

// withoutURL drops the address from an HTTP client's error: its path or query may
// hold a token, and the error goes to logs and screens.
func withoutURL(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
