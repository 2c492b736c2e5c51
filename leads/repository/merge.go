package repository

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// MergeProposal says that two contacts may be one person, because an inquiry named points of both.
type MergeProposal struct {
	ID           int64
	Older, Newer leads.Contact
	InquiryID    string
	CreatedAt    time.Time
}

// MergeProposals lists the proposals nobody has decided on yet, the oldest first.
func (r *Repository) MergeProposals(ctx context.Context, n int) ([]MergeProposal, error) {
	out, err := all(ctx, r.pool, func(row pgx.CollectableRow) (p MergeProposal, err error) {
		return p, row.Scan(&p.ID, &p.Older.ID, &p.Newer.ID, &p.InquiryID, &p.CreatedAt)
	}, sql("merge_proposals"), pgx.NamedArgs{"limit": limit(n)})
	if err != nil {
		return nil, fmt.Errorf("list merge proposals: %w", err)
	}
	ids := make([]int64, 0, 2*len(out))
	for _, p := range out {
		ids = append(ids, p.Older.ID, p.Newer.ID)
	}
	contacts, err := r.contacts(ctx, ids)
	for i := range out {
		out[i].Older, out[i].Newer = contacts[out[i].Older.ID], contacts[out[i].Newer.ID]
	}
	return out, err
}

// AcceptMerge makes one contact of the two of a proposal: the older one keeps its name and gets the
// points, leads, inquiries and interactions of the newer one. It gives the id under which UndoMerge
// takes it back; 0 when they had become one already.
func (r *Repository) AcceptMerge(ctx context.Context, tx pgx.Tx, now time.Time, proposal, by int64) (int64, error) {
	older, newer, err := r.decide(ctx, tx, now, proposal, by, "accepted")
	if err != nil || older == newer {
		return 0, err
	}
	if err := lockContacts(ctx, tx, older, newer); err != nil {
		return 0, fmt.Errorf("merge contacts %d and %d: %w", older, newer, err)
	}
	id, err := one(ctx, tx, pgx.RowTo[int64], sql("merge_contacts"), pgx.NamedArgs{"now": now, "by": by, "kept": older, "gone": newer})
	if err != nil {
		return 0, fmt.Errorf("merge contacts %d and %d: %w", older, newer, err)
	}
	return id, r.Journal(ctx, tx, []Entry{contactEntry(now, by, older, "contact.merged", newer, id)})
}

// DeclineMerge says that the two contacts of a proposal are two people. It is not proposed again.
func (r *Repository) DeclineMerge(ctx context.Context, tx pgx.Tx, now time.Time, proposal, by int64) error {
	_, _, err := r.decide(ctx, tx, now, proposal, by, "declined")
	return err
}

// decide ends a proposal and gives its two contacts as they are by now.
func (r *Repository) decide(ctx context.Context, tx pgx.Tx, now time.Time, id, by int64, state string) (older, newer int64, err error) {
	var was string
	err = notFound(tx.QueryRow(ctx, sql("lock_proposal"), pgx.NamedArgs{"id": id}).Scan(&was, &older, &newer))
	if err == nil && was != "open" {
		err = fmt.Errorf("it is %s: %w", was, leads.ErrConflict)
	}
	if err == nil {
		err = exec(ctx, tx, "decide", sql("decide_proposal"), pgx.NamedArgs{"id": id, "now": now, "by": by, "state": state})
	}
	if err != nil {
		return 0, 0, fmt.Errorf("merge proposal %d: %w", id, err)
	}
	return older, newer, nil
}

// lockContacts takes the locks in the order of the house: points, then leads.
func lockContacts(ctx context.Context, tx pgx.Tx, contacts ...int64) error {
	args := pgx.NamedArgs{"contacts": contacts}
	if err := exec(ctx, tx, "lock contact points", sql("lock_contact_points"), args); err != nil {
		return err
	}
	return exec(ctx, tx, "lock leads", sql("lock_contact_leads"), args)
}

// UndoMerge takes a merging back: what came from the merged contact returns to it. What came in since
// stays where it is.
func (r *Repository) UndoMerge(ctx context.Context, tx pgx.Tx, now time.Time, merge, by int64) error {
	var kept, gone int64
	err := notFound(tx.QueryRow(ctx, sql("lock_merge"), pgx.NamedArgs{"id": merge}).Scan(&kept, &gone))
	if err == nil {
		err = lockContacts(ctx, tx, kept, gone)
	}
	if err == nil {
		err = exec(ctx, tx, "give back", sql("undo_merge"), pgx.NamedArgs{"id": merge, "now": now, "by": by})
	}
	if err != nil {
		return fmt.Errorf("undo merge %d: %w", merge, err)
	}
	return r.Journal(ctx, tx, []Entry{contactEntry(now, by, kept, "contact.unmerged", gone, merge)})
}

func contactEntry(now time.Time, by, contact int64, action string, other, merge int64) Entry {
	return Entry{At: now, Actor: by, Object: "contact:" + strconv.FormatInt(contact, 10), Action: action,
		Data: map[string]string{"other": strconv.FormatInt(other, 10), "merge": strconv.FormatInt(merge, 10)}}
}

// SetNotClient marks a contact as nobody's client («не клиент»): a courier, a supplier. Calls and
// letters of such a contact open no lead.
func (r *Repository) SetNotClient(ctx context.Context, tx pgx.Tx, now time.Time, contact, by int64, notClient bool) error {
	_, err := one(ctx, tx, pgx.RowTo[int64], sql("set_not_client"), pgx.NamedArgs{"id": contact, "not_client": notClient})
	if err != nil {
		return fmt.Errorf("mark contact %d: %w", contact, err)
	}
	return r.Journal(ctx, tx, []Entry{{At: now, Actor: by, Object: "contact:" + strconv.FormatInt(contact, 10),
		Action: "contact.changed", Data: map[string]bool{"not_client": notClient}}})
}

// SetClientPoint gives a point to a client alone, like a switchboard or info@: from then on it
// tells the firm and never the person. The contact that had it keeps its leads.
func (r *Repository) SetClientPoint(ctx context.Context, tx pgx.Tx, now time.Time, client, by int64, p leads.ContactPoint) error {
	err := exec(ctx, tx, "set point", sql("set_client_point"), pgx.NamedArgs{"now": now, "client": client, "kind": p.Kind, "value": p.Value, "written": text(p.Written)})
	if err != nil {
		return fmt.Errorf("give client %d a point: %w", client, err)
	}
	return r.Journal(ctx, tx, []Entry{{At: now, Actor: by, Object: "client:" + strconv.FormatInt(client, 10),
		Action: "client.point", Data: map[string]string{"kind": string(p.Kind), "value": p.Value}}})
}
