package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// AddInteraction records one contact with the client of a lead. firstResponse says that it
// was the first human outgoing one: from then on the client has been answered. The caller
// holds the lock of the lead.
func (r *Repository) AddInteraction(ctx context.Context, tx pgx.Tx, now time.Time, i leads.Interaction) (id int64, firstResponse bool, err error) {
	locked, err := r.LockLeads(ctx, tx, []int64{i.LeadID})
	if err != nil {
		return 0, false, err
	}
	l, ok := locked[i.LeadID]
	if !ok {
		return 0, false, fmt.Errorf("add an interaction to lead %d: %w", i.LeadID, leads.ErrNotFound)
	}
	// What was before the lead is no answer to it; a minute is for clocks that differ.
	response := i.Response() && answers(i.At, l.CreatedAt)
	firstResponse = response && l.FirstResponseAt == nil
	id, err = one(ctx, tx, pgx.RowTo[int64], sql("add_interaction"), pgx.NamedArgs{"now": now, "lead": i.LeadID, "contact": i.ContactID,
		"client": i.ClientID, "direction": i.Direction, "kind": i.Kind, "at": i.At, "employee": i.EmployeeID, "human": !i.Automatic,
		"answered": !i.Missed, "seconds": seconds(i.Talk), "subject": text(i.Subject), "text": text(i.Text),
		"inquiry": i.InquiryID, "response": response})
	if err != nil {
		return 0, false, fmt.Errorf("add an interaction to lead %d: %w", i.LeadID, err)
	}
	return id, firstResponse, r.publish(ctx, tx, now, "interaction", []leads.Lead{l})
}
