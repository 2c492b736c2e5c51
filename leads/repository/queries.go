package repository

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// LeadRow is a lead as a list shows it.
type LeadRow struct {
	leads.Lead
	ClientName, ContactName string
	OwnerLogin, OwnerName   string
	Phone, Email            string // the first of each
}

// Leads lists leads, the newest first. It never counts them all.
func (r *Repository) Leads(ctx context.Context, f LeadFilter) (Page[LeadRow], error) {
	after, err := readCursor(f.Cursor)
	if err != nil {
		return Page[LeadRow]{}, err
	}
	where, args := f.where()
	if f.Cursor != "" {
		id, err := strconv.ParseInt(after.id, 10, 64)
		if err != nil {
			return Page[LeadRow]{}, fmt.Errorf("cursor of another list: %w", leads.ErrInvalid)
		}
		where += "\n\tand (l.created_at, l.id) < (@after_at::timestamptz, @after_id::bigint)"
		args["after_at"], args["after_id"] = after.at, id
	}
	args["limit"] = limit(f.Limit) + 1
	found, err := all(ctx, r.pool, scanLeadRow, strings.ReplaceAll(leadSQL("lead_rows"), "{where}", where), args)
	if err != nil {
		return Page[LeadRow]{}, fmt.Errorf("list leads: %w", err)
	}
	return page(found, limit(f.Limit), func(l LeadRow) place { return place{l.CreatedAt, strconv.FormatInt(l.ID, 10)} }), nil
}

func scanLeadRow(row pgx.CollectableRow) (LeadRow, error) {
	var l LeadRow
	err := row.Scan(append(leadFields(&l.Lead), &l.ClientName, &l.ContactName, &l.OwnerLogin, &l.OwnerName, &l.Phone, &l.Email)...)
	return l, err
}

// StageTotal is what one column of the board adds up to.
type StageTotal struct {
	Funnel, Stage string
	Count         int
	Sum           leads.Amount
	Weighted      leads.Amount // by probability
}

// Totals adds up the leads of a filter by stage, whatever its limit and cursor.
func (r *Repository) Totals(ctx context.Context, f LeadFilter) ([]StageTotal, error) {
	where, args := f.where()
	out, err := all(ctx, r.pool, pgx.RowToStructByPos[StageTotal], strings.ReplaceAll(sql("lead_totals"), "{where}", where), args)
	if err != nil {
		return nil, fmt.Errorf("add up leads: %w", err)
	}
	return out, nil
}

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

// Kinds of what a timeline holds.
const (
	TimelineInquiry     = "inquiry"
	TimelineInteraction = "interaction"
	TimelineJournal     = "journal"
)

// TimelineEntry is one thing that happened to a lead. Depending on Kind it has an inquiry, an
// interaction, or an action of the journal with its data.
type TimelineEntry struct {
	At          time.Time
	Kind        string
	ActorID     int64 // 0: the client or the system
	Actor       string
	Inquiry     *leads.Inquiry
	Interaction *leads.Interaction
	Object      string
	Action      string
	Data        json.RawMessage
	serial      int64 // order in one moment
}

// Timeline gives what happened to a lead, the oldest first: inquiries, other contacts, and
// the journal with stages, assignments, closings, changes and refusals.
func (r *Repository) Timeline(ctx context.Context, lead int64) ([]TimelineEntry, error) {
	var out []TimelineEntry
	add := func(scan func(pgx.Rows) (TimelineEntry, error)) func(pgx.Rows) error {
		return func(rows pgx.Rows) error {
			for rows.Next() {
				e, err := scan(rows)
				if err != nil {
					return err
				}
				out = append(out, e)
			}
			return rows.Err()
		}
	}
	args := pgx.NamedArgs{"lead": lead}
	b := &pgx.Batch{}
	b.Queue(inquirySQL("timeline_inquiries"), args).Query(add(func(rows pgx.Rows) (TimelineEntry, error) {
		var s stored
		e := TimelineEntry{Kind: TimelineInquiry}
		err := rows.Scan(append(s.fields(), &e.ActorID, &e.Actor)...)
		in := s.inquiry()
		e.At, e.Inquiry = in.ReceivedAt, &in
		return e, err
	}))
	b.Queue(sql("timeline_interactions"), args).Query(add(func(rows pgx.Rows) (TimelineEntry, error) {
		var i leads.Interaction
		var seconds int64
		e := TimelineEntry{Kind: TimelineInteraction, Interaction: &i}
		err := rows.Scan(&i.ID, &i.LeadID, &i.ContactID, &i.ClientID, &i.Direction, &i.Kind, &i.At, &i.EmployeeID,
			&i.Automatic, &i.Missed, &seconds, &i.Subject, &i.Text, &e.Actor)
		i.Talk = time.Duration(seconds) * time.Second
		e.At, e.ActorID, e.serial = i.At, i.EmployeeID, i.ID
		return e, err
	}))
	b.Queue(sql("timeline_journal"), args).Query(add(func(rows pgx.Rows) (TimelineEntry, error) {
		e := TimelineEntry{Kind: TimelineJournal}
		err := rows.Scan(&e.serial, &e.At, &e.ActorID, &e.Actor, &e.Object, &e.Action, &e.Data)
		return e, err
	}))
	if err := r.pool.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("timeline of lead %d: %w", lead, err)
	}
	slices.SortStableFunc(out, func(a, b TimelineEntry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.serial, b.serial))
	})
	return out, nil
}

// Visit is a stay of a lead in a stage.
type Visit struct {
	No            int
	Funnel, Stage string
	EnteredAt     time.Time
	LeftAt        *time.Time
	Fate          string // how it left; "": it is there
	By, OwnerThen int64
}

// Visits gives the way of a lead through its stages.
func (r *Repository) Visits(ctx context.Context, lead int64) ([]Visit, error) {
	out, err := all(ctx, r.pool, pgx.RowToStructByPos[Visit], sql("visits"), pgx.NamedArgs{"lead": lead})
	if err != nil {
		return nil, fmt.Errorf("visits of lead %d: %w", lead, err)
	}
	return out, nil
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
