package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// LiveCall is a call at somebody's telephone, with what is known of the other side.
type LiveCall struct {
	ID         int64
	Connection string
	leads.LiveCall
	Filed     bool   // it is in a lead, or known to be none
	ContactID int64  // 0: an unknown number
	Contact   string // name
	NotClient bool
	Client    string
	LeadID    int64 // open; 0: none
}

// LiveCalls are the calls that ring or talk at an extension, the latest first.
func (r *Repository) LiveCalls(ctx context.Context, extension string, now time.Time) ([]LiveCall, error) {
	if extension == "" {
		return nil, nil
	}
	calls, err := all(ctx, r.pool, func(row pgx.CollectableRow) (LiveCall, error) {
		var c LiveCall
		err := row.Scan(&c.ID, &c.Connection, &c.State, &c.Direction, &c.Number, &c.Dialled, &c.Extensions, &c.Since, &c.Until, &c.Filed,
			&c.ContactID, &c.Contact, &c.NotClient, &c.Client, &c.LeadID)
		return c, err
	}, sql("live_calls"), pgx.NamedArgs{"extension": extension, "now": now})
	if err != nil {
		return nil, fmt.Errorf("list the calls at extension %s: %w", extension, err)
	}
	return calls, nil
}
