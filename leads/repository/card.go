package repository

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// Someone is an employee as a lead names them.
type Someone struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Name  string `json:"name"`
}

// LeadView is one lead with all that its card shows.
type LeadView struct {
	leads.Lead
	Client    *leads.Client
	Contact   *leads.Contact
	Points    []leads.ContactPoint // where the client can be reached: of the contact, else of the client, else of the inquiry
	Owner     *Someone
	Helpers   []Someone
	Inquiries int // how often the client turned to us about this
}

// Lead gives one lead. Its processes and tasks are asked elsewhere.
func (r *Repository) Lead(ctx context.Context, id int64) (LeadView, error) {
	var v LeadView
	var owner []Someone
	contacts, clients := map[int64]leads.Contact{}, map[int64]leads.Client{}
	var ofClient, ofInquiry []leads.ContactPoint
	b := &pgx.Batch{}
	b.Queue(leadSQL("lead_view"), pgx.NamedArgs{"id": id}).QueryRow(func(row pgx.Row) error {
		return row.Scan(append(leadFields(&v.Lead), &v.Inquiries, &owner, &v.Helpers)...)
	})
	queueContacts(b, contacts, nil, []int64{id})
	queueClients(b, clients, nil, []int64{id})
	b.Queue(sql("client_points"), pgx.NamedArgs{"lead": id}).Query(func(rows pgx.Rows) (err error) {
		ofClient, err = pgx.CollectRows(rows, pgx.RowToStructByPos[leads.ContactPoint])
		return err
	})
	b.Queue(inquirySQL("latest_inquiries"), pgx.NamedArgs{"leads": []int64{id}}).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var s stored
			if err := rows.Scan(append([]any{new(int64)}, s.fields()...)...); err != nil {
				return err
			}
			ofInquiry = s.details.Points
		}
		return rows.Err()
	})
	if err := r.pool.SendBatch(ctx, b).Close(); err != nil {
		return v, fmt.Errorf("lead %d: %w", id, notFound(err))
	}
	if len(owner) > 0 {
		v.Owner = &owner[0]
	}
	v.Points = ofInquiry
	if c, ok := clients[v.ClientID]; ok {
		v.Client = &c
		v.Points = some(ofClient, v.Points)
	}
	if c, ok := contacts[v.ContactID]; ok {
		v.Contact = &c
		v.Points = some(c.Points, v.Points)
	}
	return v, nil
}

func some[T any](list, otherwise []T) []T {
	if len(list) > 0 {
		return list
	}
	return otherwise
}

// Contact gives one contact with its points and clients.
func (r *Repository) Contact(ctx context.Context, id int64) (leads.Contact, error) {
	found, err := r.contacts(ctx, []int64{id})
	if err != nil {
		return leads.Contact{}, err
	}
	c, ok := found[id]
	if !ok {
		return c, fmt.Errorf("contact %d: %w", id, leads.ErrNotFound)
	}
	return c, nil
}

func (r *Repository) contacts(ctx context.Context, ids []int64) (map[int64]leads.Contact, error) {
	out := map[int64]leads.Contact{}
	b := &pgx.Batch{}
	queueContacts(b, out, ids, nil)
	if err := r.pool.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("read %d contacts: %w", len(ids), err)
	}
	return out, nil
}
