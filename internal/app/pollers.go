package app

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"marshrut/connectors"
	"marshrut/connectors/registry"
	"marshrut/pipeline"
)

// pollers are the connections that go and ask. One process at a time polls each.
func (a *App) pollers() *connectors.Supervisor {
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
