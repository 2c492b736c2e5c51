package repository

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// Assign makes people responsible for leads; an owner of 0 takes a lead away from everybody.
// Who is responsible already stays so without a trace. The caller holds the locks of the leads.
func (r *Repository) Assign(ctx context.Context, tx pgx.Tx, now time.Time, assignments []Assignment) error {
	for _, round := range rounds(assignments, func(a Assignment) int64 { return a.Lead }) {
		if err := r.assign(ctx, tx, now, round); err != nil {
			return fmt.Errorf("assign leads: %w", err)
		}
	}
	return nil
}

func (r *Repository) assign(ctx context.Context, tx pgx.Tx, now time.Time, assignments []Assignment) error {
	locked, err := r.LockLeads(ctx, tx, col(assignments, func(a Assignment) int64 { return a.Lead }))
	if err != nil {
		return err
	}
	var rows []Assignment
	var changed []leads.Lead
	var log []Entry
	for _, a := range assignments {
		l, ok := locked[a.Lead]
		if !ok {
			return fmt.Errorf("lead %d: %w", a.Lead, leads.ErrNotFound)
		}
		if l.OwnerID == a.Owner {
			continue
		}
		log = append(log, leadEntry(now, a.By, a.Lead, "lead.assigned", map[string]string{
			"from": strconv.FormatInt(l.OwnerID, 10), "to": strconv.FormatInt(a.Owner, 10), "why": text(a.Why)}))
		l.OwnerID, l.Version = a.Owner, l.Version+1
		rows, changed = append(rows, a), append(changed, l)
	}
	if len(rows) == 0 {
		return nil
	}
	ids := col(rows, func(a Assignment) int64 { return a.Lead })
	b := &pgx.Batch{}
	b.Queue(sql("assign_leads"), pgx.NamedArgs{"now": now, "leads": ids,
		"owners": col(rows, func(a Assignment) int64 { return a.Owner }),
		"by":     col(rows, func(a Assignment) int64 { return a.By }),
		"why":    col(rows, func(a Assignment) string { return text(a.Why) })})
	b.Queue(sql("add_journal"), journalArgs(log))
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	return r.publish(ctx, tx, now, "assigned", changed)
}
