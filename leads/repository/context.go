package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/leads"
)

// Context is what conditions of a process and the evidence of a step may name: the lead and all around it.
type Context struct {
	Lead        leads.Lead
	Client      leads.Client  // zero: none
	Contact     leads.Contact // with its points; zero: none
	Inquiry     leads.Inquiry // the latest one that came in
	Familiar    int64         // who of us spoke last with the contact or its client; 0: nobody
	ClientKnown bool          // the client was not new when the lead opened
}

// LeadContexts gives leads with all around them. An id that does not exist is missing in the answer.
func (r *Repository) LeadContexts(ctx context.Context, db postgres.DB, ids []int64) (map[int64]Context, error) {
	return r.contexts(ctx, db, ids, "leads")
}

// LockContexts locks leads like LockLeads and gives all around them as it is then, in one round trip.
func (r *Repository) LockContexts(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]Context, error) {
	return r.contexts(ctx, tx, ids, "lock_leads")
}

func (r *Repository) contexts(ctx context.Context, db postgres.DB, ids []int64, statement string) (map[int64]Context, error) {
	found := make(map[int64]*Context, len(ids))
	contacts, clients := map[int64]leads.Contact{}, map[int64]leads.Client{}
	b := &pgx.Batch{}
	b.Queue(leadSQL(statement), pgx.NamedArgs{"ids": ids}).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, scanLead)
		for _, l := range list {
			found[l.ID] = &Context{Lead: l, ClientKnown: l.Repeat}
		}
		return err
	})
	queueContacts(b, contacts, nil, ids)
	queueClients(b, clients, nil, ids)
	b.Queue(inquirySQL("latest_inquiries"), pgx.NamedArgs{"leads": ids}).Query(func(rows pgx.Rows) error {
		var lead int64
		for rows.Next() {
			var s stored
			if err := rows.Scan(append([]any{&lead}, s.fields()...)...); err != nil {
				return err
			}
			if c := found[lead]; c != nil {
				c.Inquiry = s.inquiry()
			}
		}
		return rows.Err()
	})
	b.Queue(sql("familiar"), pgx.NamedArgs{"leads": ids}).Query(func(rows pgx.Rows) error {
		var lead, employee int64
		_, err := pgx.ForEachRow(rows, []any{&lead, &employee}, func() error {
			if c := found[lead]; c != nil {
				c.Familiar = employee
			}
			return nil
		})
		return err
	})
	if err := db.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("read what is around %d leads: %w", len(ids), err)
	}
	out := make(map[int64]Context, len(found))
	for id, c := range found {
		c.Contact, c.Client = contacts[c.Lead.ContactID], clients[c.Lead.ClientID]
		out[id] = *c
	}
	return out, nil
}

// queueContacts reads contacts by id, and those of leads, into a map.
func queueContacts(b *pgx.Batch, into map[int64]leads.Contact, ids, ofLeads []int64) {
	b.Queue(sql("contacts"), pgx.NamedArgs{"contacts": ids, "leads": ofLeads}).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var c leads.Contact
			var clients []struct {
				ID        int64
				Name, INN string
			}
			if err := rows.Scan(&c.ID, &c.Name, &c.NotClient, &c.MergedInto, &c.CreatedAt, &c.Version, &c.Points, &clients); err != nil {
				return err
			}
			for _, k := range clients {
				c.Clients = append(c.Clients, leads.Client{ID: k.ID, Name: k.Name, INN: k.INN})
			}
			into[c.ID] = c
		}
		return rows.Err()
	})
}

func queueClients(b *pgx.Batch, into map[int64]leads.Client, ids, ofLeads []int64) {
	b.Queue(sql("clients"), pgx.NamedArgs{"clients": ids, "leads": ofLeads}).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var c leads.Client
			if err := rows.Scan(&c.ID, &c.Kind, &c.Name, &c.INN, &c.KPP, &c.OwnerID, &c.Fields, &c.CreatedAt, &c.Version); err != nil {
				return err
			}
			into[c.ID] = c
		}
		return rows.Err()
	})
}

// ContactFacts are what people said to each other about a lead since a moment: the evidence of steps.
type ContactFacts struct {
	Out, OutAnswered, In    int // a letter or message that went out counts as answered
	CallsAnswered           int // either way
	LongestTalk             time.Duration
	LettersOut, MessagesOut int
	LastOutAt, LastInAt     time.Time // zero: never
}

// ContactFacts counts the human interactions of a lead from since on, notes aside.
func (r *Repository) ContactFacts(ctx context.Context, db postgres.DB, lead int64, since time.Time) (ContactFacts, error) {
	var f ContactFacts
	var seconds int
	var lastOut, lastIn *time.Time
	err := db.QueryRow(ctx, sql("contact_facts"), pgx.NamedArgs{"lead": lead, "since": since}).
		Scan(&f.Out, &f.OutAnswered, &f.In, &f.CallsAnswered, &seconds, &f.LettersOut, &f.MessagesOut, &lastOut, &lastIn)
	if err != nil {
		return f, fmt.Errorf("count the contacts of lead %d: %w", lead, err)
	}
	f.LongestTalk = time.Duration(seconds) * time.Second
	if lastOut != nil {
		f.LastOutAt = *lastOut
	}
	if lastIn != nil {
		f.LastInAt = *lastIn
	}
	return f, nil
}

// PastInquiry is an inquiry with what was known of its client when it came.
type PastInquiry struct {
	leads.Inquiry
	ClientKnown bool
}

// RecentInquiries gives the latest inquiries filed under leads, the newest first, to try rules on.
func (r *Repository) RecentInquiries(ctx context.Context, limit int) ([]PastInquiry, error) {
	out, err := all(ctx, r.pool, func(row pgx.CollectableRow) (PastInquiry, error) {
		var s stored
		var p PastInquiry
		err := row.Scan(append(s.fields(), &p.ClientKnown)...)
		p.Inquiry = s.inquiry()
		return p, err
	}, inquirySQL("recent_inquiries"), pgx.NamedArgs{"limit": limit})
	if err != nil {
		return nil, fmt.Errorf("read recent inquiries: %w", err)
	}
	return out, nil
}
