package repository

import (
	"context"
	"fmt"
	"strconv"
	"strings"

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
	at, id, err := readNumbered(f.Cursor)
	if err != nil {
		return Page[LeadRow]{}, err
	}
	where, args := f.where()
	if f.Cursor != "" {
		where += "\n\tand (l.created_at, l.id) < (@after_at::timestamptz, @after_id::bigint)"
		args["after_at"], args["after_id"] = at, id
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
