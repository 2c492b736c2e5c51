package repository

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

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
	Conflicts   []leads.Inquiry // what came under the id of the inquiry with other content
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
	conflicts, err := r.conflicts(ctx, pgx.NamedArgs{"id": "", "lead": lead})
	if err != nil {
		return nil, fmt.Errorf("timeline of lead %d: %w", lead, err)
	}
	for i := range out {
		if out[i].Inquiry != nil {
			out[i].Conflicts = conflicts[out[i].Inquiry.ID]
		}
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
