package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync/atomic"
	"time"

	"marshrut/internal/app"
)

// exchange is the company's telephone exchange: it tells of calls as that of the connection does, signed, at the real edge.
type exchange struct {
	address string
	salt    string
	calls   atomic.Int64
}

const exchangeKey = "romashka-exchange"

func newExchange(gateway *app.App, now time.Time) (*exchange, error) {
	for _, a := range gateway.Connections.Addresses("phone", now) {
		c, _ := gateway.Connections.Get("phone")
		return &exchange{address: a.URL, salt: c.Secrets["api_salt"]}, nil
	}
	return nil, fmt.Errorf("connection phone has no address")
}

// phoneCall is one call. Times are those of the exchange.
type phoneCall struct {
	outgoing  bool
	number    string // of the client, E.164 without the plus
	line      string // of ours
	extension string // that rang, or called
	ring      time.Duration
	talk      time.Duration // 0: nobody answered
}

// word is an event on its way.
type word struct {
	path string
	body map[string]any
}

// words are the events of a call that begins at a moment, in the order in which an exchange sends them. What the
// telephone of ours does is told as it happens, the summary at the end.
func (x *exchange) words(c phoneCall, at time.Time) []word {
	entry := fmt.Sprintf("romashka-%d-%d", at.Unix(), x.calls.Add(1))
	client, ours := map[string]any{"number": c.number}, map[string]any{"extension": c.extension, "line_number": c.line}
	from, to, direction := client, ours, 1
	if c.outgoing {
		from, to, direction = ours, client, 2
	}
	end := at.Add(c.ring + c.talk)
	part := func(seq int, state string, when time.Time) word {
		return word{"/events/call", map[string]any{"entry_id": entry, "call_id": entry + "-1", "seq": seq, "call_state": state, "location": "abonent",
			"timestamp": when.Unix(), "from": from, "to": to}}
	}
	told := []word{part(1, "Appeared", at)}
	summary := map[string]any{"entry_id": entry, "call_direction": direction, "from": from, "to": to, "line_number": c.line, "create_time": at.Unix(),
		"forward_time": at.Unix(), "talk_time": 0, "end_time": end.Unix(), "entry_result": 0, "disconnect_reason": 1111}
	if c.talk > 0 {
		told = append(told, part(2, "Connected", at.Add(c.ring)))
		summary["talk_time"], summary["entry_result"], summary["disconnect_reason"] = at.Add(c.ring).Unix(), 1, 1110
	}
	return append(told, part(3, "Disconnected", end), word{"/events/summary", summary})
}

// place tells the gateway of a call and waits until it is filed. The last event is its final word.
func (x *exchange) place(ctx context.Context, api *client, c phoneCall, at time.Time) error {
	var id string
	for _, w := range x.words(c, at) {
		var err error
		if id, err = api.postLetter(ctx, x.address+w.path, letter{connection: "phone", contentType: "application/x-www-form-urlencoded", body: x.sign(w.body)}); err != nil {
			return err
		}
	}
	return api.awaitFiled(ctx, id)
}

// sign is the form that an event travels in.
func (x *exchange) sign(event map[string]any) []byte {
	text, err := json.Marshal(event)
	if err != nil {
		panic(err) // maps of texts and numbers
	}
	sum := sha256.Sum256([]byte(exchangeKey + string(text) + x.salt))
	return []byte(url.Values{"vpbx_api_key": {exchangeKey}, "sign": {hex.EncodeToString(sum[:])}, "json": {string(text)}}.Encode())
}

// try gives two commands of a shell: a client's call rings at an extension, and ends without an answer. They tell no times,
// so that it happens when they are entered.
func (x *exchange) try(number, extension string, now time.Time) (rings, ends string) {
	entry := fmt.Sprintf("try-%d", now.Unix())
	from, to := map[string]any{"number": number}, map[string]any{"extension": extension, "line_number": "74950000002"}
	curl := func(path string, event map[string]any) string {
		return fmt.Sprintf("curl -d '%s' %s%s", x.sign(event), x.address, path)
	}
	return curl("/events/call", map[string]any{"entry_id": entry, "call_id": entry + "-1", "seq": 1, "call_state": "Appeared", "location": "abonent", "from": from, "to": to}),
		curl("/events/summary", map[string]any{"entry_id": entry, "call_direction": 1, "from": from, "to": to, "line_number": "74950000002", "talk_time": 0, "entry_result": 0, "disconnect_reason": 1111})
}

// unheardOf begins the numbers of those who call and have not written, see fromShop.
const unheardOf = 5000

// phoneCalls are the calls of the whole time, in order: one in three is missed, some people call twice.
func phoneCalls(from, to time.Time, about int) []letter {
	r := rand.New(rand.NewPCG(2026, 12)) // of their own: the letters stay as they are
	var all []letter
	var known []string
	every := to.Sub(from) / time.Duration(max(1, about))
	for at := from.Add(every / 2); at.Before(to); at = at.Add(every) {
		day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location())
		when := day.Add(momentOfDay(r))
		if when.Before(from) || !when.Before(to) {
			continue
		}
		number := fmt.Sprintf("7900000%04d", unheardOf+len(known))
		if len(known) > 3 && r.IntN(4) == 0 {
			number = pick(r, known)
		} else {
			known = append(known, number)
		}
		call := phoneCall{number: number, line: pick(r, []string{"74950000001", "74950000002"}), extension: extensionOf(3 + r.IntN(len(employees)-3)),
			ring: time.Duration(6+r.IntN(25)) * time.Second}
		if working(when) && r.IntN(3) > 0 {
			call.talk = time.Duration(30+r.IntN(300)) * time.Second
		}
		all = append(all, letter{at: when, connection: "phone", call: &call})
	}
	return all
}

// extensionOf is the internal number of an employee.
func extensionOf(employee int) string { return fmt.Sprint(100 + employee) }
