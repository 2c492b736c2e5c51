package repository

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
	"marshrut/pipeline"
)

// changedType is the type of the events that tell outsiders of a lead.
const changedType = "ru.marshrut.lead.changed"

// leadChanged is what outsiders are told of a lead. It names nobody: who may know more asks the API.
type leadChanged struct {
	ID      int64         `json:"id,string"`
	Version int           `json:"version"`
	Change  string        `json:"change"` // "created", "inquiry", "stage", "closed", "reopened", "assigned", "fields", "interaction"
	Funnel  string        `json:"funnel"`
	Stage   string        `json:"stage"`
	Status  leads.Status  `json:"status"`
	Amount  *leads.Amount `json:"amount"`
	Owner   int64         `json:"owner,string"`
	At      time.Time     `json:"at"`
}

// tell puts the changes of a batch into the outbox.
func (c *capture) tell(ctx context.Context) error {
	changed := map[string][]leads.Lead{}
	for _, it := range c.items {
		switch {
		case it.leadNew:
			changed["created"] = append(changed["created"], *it.lead)
		case it.lead != nil:
			changed["inquiry"] = append(changed["inquiry"], *it.lead)
		}
	}
	for change, list := range changed {
		if err := c.publish(ctx, c.tx, c.now, change, list); err != nil {
			return err
		}
	}
	return nil
}

// publish tells outsiders of leads. Tests are nobody's business.
func (r *Repository) publish(ctx context.Context, tx pgx.Tx, now time.Time, change string, changed []leads.Lead) error {
	if r.Outbox == nil || r.Listens != nil && !r.Listens() {
		return nil
	}
	var events []pipeline.Event
	for _, l := range changed {
		if l.Test {
			continue
		}
		id := strconv.FormatInt(l.ID, 10)
		events = append(events, pipeline.Event{
			ID:     pipeline.ID("lead-events", id, strconv.Itoa(l.Version), change, now.Format(time.RFC3339Nano)),
			Source: "/leads", Type: changedType, Subject: id, Time: now, Key: id, DataContentType: "application/json",
			Data: []byte(object(leadChanged{l.ID, l.Version, change, l.Funnel, l.Stage, l.Status, l.Amount, l.OwnerID, now})),
		})
	}
	if len(events) == 0 {
		return nil
	}
	if err := r.Outbox(ctx, tx, events); err != nil {
		return fmt.Errorf("put changes of %d leads into the outbox: %w", len(events), err)
	}
	return nil
}
