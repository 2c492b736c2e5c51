package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/pipeline/delivery"
)

// carrier is a connection that carries out deliveries which name none, by their kind: a step of a route map says that a letter is
// to be sent, not through which mailbox.
type carrier interface {
	delivery.Deliverer
	Carries(kind string) bool
}

// writer is a carrier whose deliveries are letters: it says what it writes, for the history of the lead.
type writer interface {
	Compose(delivery.Delivery) (leads.Letter, error)
}

// keeper is a writer that may want to keep copies of its letters.
type keeper interface {
	Copy(delivery.Delivery) (delivery.Request, bool)
}

// carrier finds the connection for a request that names none: the one that the lead came by, else the first by name.
func (a *App) carrier(r delivery.Request) (name string, found carrier, ok bool) {
	var order struct {
		Values struct {
			Lead struct {
				Connection string `json:"connection"`
			} `json:"lead"`
		} `json:"values"`
	}
	_ = json.Unmarshal(r.Payload, &order) // without it any will do
	active := slices.SortedFunc(slices.Values(a.Connections.Active()), func(p, q *connectors.Connected) int { return strings.Compare(p.Name, q.Name) })
	var chosen carrier
	for _, c := range active {
		found, ok := c.Instance.(carrier)
		if !ok || !found.Carries(r.Kind) {
			continue
		}
		if c.Name == order.Values.Lead.Connection {
			return c.Name, found, true
		}
		if chosen == nil {
			name, chosen = c.Name, found
		}
	}
	return name, chosen, chosen != nil
}

// lettered is a carrier with what it cannot know: the correspondence that a letter belongs to before it goes out, and the
// history of the lead after.
type lettered struct {
	app *App
	carrier
}

// Deliver sends, and files what was sent under its Message-ID, so that the answer finds the lead. Filed twice is filed once,
// and a letter that cannot be filed goes out again under the same Message-ID.
func (l lettered) Deliver(ctx context.Context, d delivery.Delivery) error {
	w, ok := l.carrier.(writer)
	if !ok || d.Lead == 0 {
		return l.carrier.Deliver(ctx, d)
	}
	correspondence, err := l.app.Leads.Correspondence(ctx, d.Lead)
	switch {
	case errors.Is(err, leads.ErrNotFound):
		return delivery.Permanent{Err: err}
	case err != nil:
		return err
	}
	if d.Payload, err = with(d.Payload, "correspondence", correspondence); err != nil {
		return delivery.Permanent{Err: err}
	}
	if err := l.carrier.Deliver(ctx, d); err != nil {
		return err
	}
	letter, err := w.Compose(d)
	if err != nil {
		return delivery.Permanent{Err: err}
	}
	err = postgres.InTx(ctx, l.app.database.work, func(tx pgx.Tx) error {
		if k, ok := l.carrier.(keeper); ok {
			if request, wanted := k.Copy(d); wanted {
				if err := delivery.Enqueue(ctx, tx, l.app.now(), []delivery.Request{request}); err != nil {
					return err
				}
			}
		}
		return l.app.Leads.FileLetter(ctx, tx, l.app.now(), d.Lead, letter)
	})
	if fault := postgres.Classify(err); err != nil && fault != postgres.Away && fault != postgres.Race {
		return delivery.Permanent{Err: fmt.Errorf(l.app.say("письмо отправлено, но не записано в историю: %w", "the letter went out, but could not be filed: %w"), err)} // a second one would be worse
	}
	return err
}

// with gives a payload one more key.
func with(payload json.RawMessage, key string, value any) (json.RawMessage, error) {
	keys := map[string]json.RawMessage{}
	if err := json.Unmarshal(payload, &keys); err != nil {
		return nil, fmt.Errorf("read the payload of a delivery: %w", err)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	keys[key] = raw
	return json.Marshal(keys)
}
