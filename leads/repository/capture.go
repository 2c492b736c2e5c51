package repository

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// item is one inquiry of a batch on its way through Capture.
type item struct {
	in      leads.Inquiry
	points  []leads.ContactPoint // those that say who it is, sorted
	repeats int                  // further copies in the batch
	dead    bool                 // was filed as dead: comes in its place
	person  *person              // nil: nobody can tell
	client  *firm
	lead    *leads.Lead
	leadNew bool
	outcome string
	// clientKnown says that we had met the client before this inquiry.
	clientKnown bool
	copy        bool // it came before by another way
}

// capture is the work on one batch: each method is a step and at most a few statements.
type capture struct {
	*Repository
	tx       pgx.Tx
	now      time.Time
	in       []leads.Inquiry
	out      []Captured
	items    []*item        // to be filed, each id once, in their order
	at       map[string]int // place in out of each item
	funnel   map[string]leads.Funnel
	first    string         // key of the first funnel
	spare    []int64        // ids for new contacts
	proposed map[int64]bool // those of them under which new points are filed
	match    matcher
	joined   []*leads.Lead
	news     []*item
	refs     map[string]int64       // the lead each name belongs to; 0: none yet
	known    map[string]*leads.Lead // open leads by the names of the batch
}

// Capture files a batch of inquiries: whom they are from, the open lead that takes
// each or a new one, the interaction it was, and the facts of a new lead. It gives
// one entry per inquiry, in order. An inquiry filed before is only counted, or kept
// as a conflict when its content differs; a dead one is filed in its place.
//
// It runs in tx (read committed), so that the processes it starts are committed
// with it, and takes a handful of statements however long the batch is. Two
// batches with the same new id collide on the unique index: SQLSTATE 23505,
// a race, and whoever runs the batch again finds the inquiry filed.
func (r *Repository) Capture(ctx context.Context, tx pgx.Tx, now time.Time, in []leads.Inquiry) ([]Captured, error) {
	if len(in) == 0 {
		return nil, nil
	}
	c := &capture{Repository: r, tx: tx, now: now}
	c.fold(in)
	for _, step := range []struct {
		doing string
		do    func(context.Context) error
	}{
		{"count repeats", c.prepare},
		{"lock contact points", c.lockPoints},
		{"find contacts", c.findPeople},
		{"find clients", c.findClients},
		{"lock names", c.lockRefs},
		{"find open leads", c.findLeads},
		{"write", c.write},
	} {
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("capture %d inquiries: %s: %w", len(in), step.doing, err)
		}
	}
	return c.out, c.tell(ctx)
}

// fold makes the inquiries storable and folds the copies of one that are in the same batch.
func (c *capture) fold(in []leads.Inquiry) {
	c.at = make(map[string]int, len(in))
	c.out = make([]Captured, len(in))
	byID := make(map[string]*item, len(in))
	for i, inquiry := range in {
		inquiry = clean(inquiry)
		c.in = append(c.in, inquiry)
		c.out[i] = Captured{InquiryID: inquiry.ID, Inquiry: inquiry}
		if first := byID[inquiry.ID]; first != nil {
			first.repeats++
			c.out[i].Outcome = OutcomeRepeat
			if !bytes.Equal(first.in.BodyHash, inquiry.BodyHash) {
				c.out[i].Outcome = OutcomeConflict
			}
			continue
		}
		it := &item{in: inquiry}
		if inquiry.State == leads.StateNew {
			it.points = c.Rules.Identity(inquiry.Points)
		}
		byID[inquiry.ID] = it
		c.at[inquiry.ID] = i
		c.items = append(c.items, it)
	}
}

// prepare finds what is filed already, and reads what the later steps need: funnels and ids.
func (c *capture) prepare(ctx context.Context) error {
	b := &pgx.Batch{}
	b.Queue(sql("count_repeats"), pgx.NamedArgs{
		"ids":   col(c.items, func(it *item) string { return it.in.ID }),
		"times": col(c.items, func(it *item) int { return it.repeats + 1 }),
	}).Query(c.setAside)
	b.Queue(sql("stages")).Query(c.readFunnels)
	b.Queue(sql("take_ids"), pgx.NamedArgs{"of": "contact", "n": len(c.items)}).Query(func(rows pgx.Rows) (err error) {
		c.spare, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	if err := c.tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	if c.first == "" {
		return fmt.Errorf("no funnel has an open stage: %w", leads.ErrConflict)
	}
	return c.fileConflicts(ctx)
}

// setAside takes the inquiries out of the batch that are filed already.
func (c *capture) setAside(rows pgx.Rows) error {
	known := map[string]bool{}
	dead := map[string]bool{}
	for rows.Next() {
		var id, state string
		var hash []byte
		var lead, contact int64
		if err := rows.Scan(&id, &state, &hash, &lead, &contact); err != nil {
			return err
		}
		if state == "dead" {
			dead[id] = true
			continue
		}
		known[id] = true
		for i := range c.out {
			if out := &c.out[i]; out.InquiryID == id {
				out.Outcome, out.LeadID, out.ContactID, out.ClientKnown = OutcomeRepeat, lead, contact, true
				if !bytes.Equal(hash, out.Inquiry.BodyHash) {
					out.Outcome = OutcomeConflict
				}
			}
		}
	}
	c.items = slices.DeleteFunc(c.items, func(it *item) bool {
		it.dead = dead[it.in.ID]
		return known[it.in.ID]
	})
	return rows.Err()
}

func (c *capture) readFunnels(rows pgx.Rows) error {
	funnels, err := collectFunnels(rows)
	c.funnel = make(map[string]leads.Funnel, len(funnels))
	for _, f := range funnels {
		if _, ok := f.First(); ok {
			c.funnel[f.Key] = f
			if c.first == "" {
				c.first = f.Key
			}
		}
	}
	return err
}

// fileConflicts keeps what came under a known id with other content.
func (c *capture) fileConflicts(ctx context.Context) error {
	conflicts := slices.DeleteFunc(slices.Clone(c.out), func(o Captured) bool { return o.Outcome != OutcomeConflict })
	if len(conflicts) == 0 {
		return nil
	}
	return exec(ctx, c.tx, "file conflicts", sql("file_conflicts"), pgx.NamedArgs{
		"ids":    col(conflicts, func(o Captured) string { return o.InquiryID }),
		"times":  col(conflicts, func(o Captured) time.Time { return o.Inquiry.ReceivedAt }),
		"hashes": col(conflicts, func(o Captured) []byte { return hash(o.Inquiry) }),
		"data": col(conflicts, func(o Captured) []byte {
			data, _ := json.Marshal(o.Inquiry) // of plain values: cannot fail
			return data
		}),
	})
}

// hash is never nil: no hash is the empty one.
func hash(in leads.Inquiry) []byte { return append([]byte{}, in.BodyHash...) }

// lockPoints files the points that nobody has and locks the others, so that whoever
// captures the same person at the same time waits here and then finds our work.
func (c *capture) lockPoints(ctx context.Context) error {
	groups := components(c.items, func(leads.PointID) bool { return false })
	type row struct {
		leads.ContactPoint
		contact int64
		at      time.Time
	}
	var points []row
	used := map[int]int64{}
	c.proposed = map[int64]bool{}
	for i, it := range c.items {
		for _, p := range it.points {
			if used[groups[i]] == 0 {
				used[groups[i]], c.spare = c.spare[0], c.spare[1:]
				c.proposed[used[groups[i]]] = true
			}
			points = append(points, row{p, used[groups[i]], it.in.ReceivedAt})
		}
	}
	slices.SortStableFunc(points, func(a, b row) int { return a.ID().Compare(b.ID()) })
	points = slices.CompactFunc(points, func(a, b row) bool { return a.ID() == b.ID() })
	c.match = matcher{holders: make(map[leads.PointID]holder, len(points)), people: map[int64]*person{}}
	if len(points) == 0 {
		return nil
	}
	rows, err := c.tx.Query(ctx, sql("lock_points"), pgx.NamedArgs{
		"kinds":      col(points, func(p row) string { return string(p.Kind) }),
		"values":     col(points, func(p row) string { return p.Value }),
		"written":    col(points, func(p row) string { return p.Written }),
		"extensions": col(points, func(p row) string { return p.Extension }),
		"contacts":   col(points, func(p row) int64 { return p.contact }),
		"times":      col(points, func(p row) time.Time { return p.at }),
	})
	if err != nil {
		return err
	}
	var id leads.PointID
	var h holder
	_, err = pgx.ForEachRow(rows, []any{&id.Kind, &id.Value, &h.contact, &h.client}, func() error {
		c.match.holders[id] = h
		return nil
	})
	return err
}

// findPeople reads the contacts behind the points, taking a turn with each, and decides who each inquiry is from.
func (c *capture) findPeople(ctx context.Context) error {
	ids := make([]int64, 0, len(c.match.holders))
	for _, h := range c.match.holders {
		if h.contact != 0 && !c.proposed[h.contact] {
			ids = append(ids, h.contact)
		}
	}
	if len(ids) > 0 {
		slices.Sort(ids)
		ids = slices.Compact(ids)
		b := &pgx.Batch{}
		b.Queue(sql("take_turns"), pgx.NamedArgs{"ids": ids})
		b.Queue(sql("people"), pgx.NamedArgs{"ids": ids}).Query(c.readPeople)
		if err := c.tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
	}
	c.match.items = slices.DeleteFunc(slices.Clone(c.items), func(it *item) bool { return it.in.State == leads.StateSpam })
	c.match.spare = c.spare
	c.match.match()
	return nil
}

func (c *capture) readPeople(rows pgx.Rows) error {
	var p person
	var firms []int64
	var names []string
	_, err := pgx.ForEachRow(rows, []any{&p.ID, &p.name, &p.notClient, &p.CreatedAt, &firms, &names}, func() error {
		found := p
		found.known, found.nameless, found.clients, found.linked = true, p.name == "", nil, map[int64]bool{}
		for i := range firms {
			found.linked[firms[i]] = true
			found.clients = append(found.clients, &firm{firms[i], names[i], true})
		}
		c.match.people[p.ID] = &found
		return nil
	})
	return err
}
