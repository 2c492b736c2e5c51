package app

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/connectors/registry"
	"marshrut/internal/postgres"
	"marshrut/pipeline"
	"marshrut/pipeline/delivery"
	"marshrut/pipeline/exchange"
)

// outages remembers which pollers have failed, to know when the other side is back.
type outages struct {
	mu     sync.Mutex
	failed map[string]bool
}

// over notes how a run went, and tells whether it ended an outage. The first good one of a process does: nobody here knows what was before.
func (o *outages) over(connection string, trouble error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	failed, known := o.failed[connection]
	if o.failed == nil {
		o.failed = map[string]bool{}
	}
	o.failed[connection] = trouble != nil
	return trouble == nil && (failed || !known)
}

// pollers are the connections that go and ask. One process at a time polls each.
func (a *App) pollers() *connectors.Supervisor {
	var outages outages
	return &connectors.Supervisor{
		Connections: a.Connections.Active,
		Desk: func(c *connectors.Connected) connectors.Desk {
			return connectors.Desk{Sink: sink{a, c.Name}, Memory: a.Connections.Memory(c.Name), Keep: a.store}
		},
		Lead: a.Connections.Lead,
		Report: func(connection string, trouble error) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if err := a.Connections.Report(ctx, a.now(), connection, trouble); err != nil {
				a.log.Warn("the state of a connection could not be noted", "connection", connection, "error", err)
			}
			if !outages.over(connection, trouble) {
				return
			}
			if err := postgres.InTx(ctx, a.Pool(), func(tx pgx.Tx) error { return delivery.Hasten(ctx, tx, a.now(), connection, exchange.Kind) }); err != nil {
				a.log.Warn("what waits for a connection could not be hastened", "connection", connection, "error", err)
			}
		},
		Log: a.log,
	}
}

// sink takes what the poller of a connection found.
type sink struct {
	app        *App
	connection string
}

// inlineData is what travels inside an event; more goes to the store of files first. The edge has the same bound.
const inlineData = 256 << 10

// Accept makes events durable: first the bytes that are too large to travel, then the events.
func (s sink) Accept(ctx context.Context, events ...pipeline.Event) error {
	if len(events) == 0 {
		return nil // a look that found nothing is nothing that came
	}
	for i := range events {
		e := &events[i]
		if len(e.Data) <= inlineData {
			continue
		}
		e.DataRef = e.Time.UTC().Format("raw/2006/01/02/") + pipeline.ID(e.ID, string(e.Data)) // the same id may come with other bytes
		if err := s.app.store(ctx, e.DataRef, bytes.NewReader(e.Data)); err != nil {
			return fmt.Errorf("keep the bytes of event %s: %w", e.ID, err)
		}
		e.Data = nil
	}
	if err := s.app.bus.publisher.Publish(ctx, events...); err != nil {
		return err
	}
	s.app.Connections.Count(s.connection, registry.CountAccepted, len(events), s.app.now())
	return nil
}
