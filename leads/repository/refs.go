package repository

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// lockRefs files the names of the batch and locks those that are there already, so that whoever captures an answer to, or a
// copy of, the same at the same time waits here and then finds our lead.
func (c *capture) lockRefs(ctx context.Context) error {
	c.refs, c.known = map[string]int64{}, map[string]*leads.Lead{}
	for _, it := range c.items {
		if it.in.State == leads.StateNew {
			for _, ref := range it.in.Refs {
				c.refs[ref] = 0
			}
		}
	}
	if len(c.refs) == 0 {
		return nil
	}
	rows, err := c.tx.Query(ctx, sql("lock_refs"), pgx.NamedArgs{"refs": slices.Sorted(maps.Keys(c.refs))})
	if err != nil {
		return err
	}
	var ref string
	var lead int64
	_, err = pgx.ForEachRow(rows, []any{&ref, &lead}, func() error {
		c.refs[ref] = lead
		return nil
	})
	return err
}

// named are the leads that the batch speaks of.
func (c *capture) namedLeads() []int64 {
	ids := []int64{}
	for _, lead := range c.refs {
		if lead != 0 {
			ids = append(ids, lead)
		}
	}
	return ids
}

// learn notes which open leads the names of the batch belong to.
func (c *capture) learn(open []leads.Lead) {
	byID := make(map[int64]*leads.Lead, len(open))
	for i := range open {
		byID[open[i].ID] = &open[i]
	}
	for ref, id := range c.refs {
		if l := byID[id]; l != nil {
			c.known[ref] = l
		}
	}
}

// joinNamed lets the open lead take the inquiry that it names.
func (c *capture) joinNamed(it *item) bool {
	for _, ref := range it.in.Refs {
		if l := c.known[ref]; l != nil {
			it.copy = leads.Submission(ref)
			c.joinTo(it, l)
			return true
		}
	}
	return false
}

// name lets the lead of an inquiry be found by the names of the inquiry.
func (c *capture) name(it *item) {
	if it.lead == nil || it.in.State != leads.StateNew {
		return
	}
	for _, ref := range it.in.Refs {
		if c.known[ref] == nil {
			c.known[ref] = it.lead
		}
	}
}

// writeRefs writes the names that have a lead, or another open one, only now.
func (c *capture) writeRefs(b *pgx.Batch) {
	fresh := []string{}
	for _, ref := range slices.Sorted(maps.Keys(c.known)) {
		if c.known[ref].ID != c.refs[ref] {
			fresh = append(fresh, ref)
		}
	}
	if len(fresh) > 0 {
		b.Queue(sql("name_leads"), pgx.NamedArgs{"refs": fresh, "leads": col(fresh, func(ref string) int64 { return c.known[ref].ID })})
	}
}
