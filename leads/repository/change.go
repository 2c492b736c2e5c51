package repository

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// LockLeads locks leads in the order of their ids (FOR NO KEY UPDATE) until tx ends and
// gives them as they are then. An id that does not exist is missing in the answer.
func (r *Repository) LockLeads(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]leads.Lead, error) {
	found, err := all(ctx, tx, scanLead, leadSQL("lock_leads"), pgx.NamedArgs{"ids": ids})
	if err != nil {
		return nil, fmt.Errorf("lock %d leads: %w", len(ids), err)
	}
	return byID(found), nil
}

func byID(list []leads.Lead) map[int64]leads.Lead {
	out := make(map[int64]leads.Lead, len(list))
	for _, l := range list {
		out[l.ID] = l
	}
	return out
}

// board is what a change is judged by: the leads it is about and the dictionaries.
type board struct {
	leads   map[int64]leads.Lead
	stages  map[[2]string]leads.Stage // by funnel and key
	funnels []leads.Funnel
	reasons map[string]leads.LossReason
}

func (r *Repository) readBoard(ctx context.Context, tx pgx.Tx, ids []int64) (board, error) {
	out := board{stages: map[[2]string]leads.Stage{}, reasons: map[string]leads.LossReason{}}
	b := &pgx.Batch{}
	b.Queue(leadSQL("lock_leads"), pgx.NamedArgs{"ids": ids}).Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, scanLead)
		out.leads = byID(found)
		return err
	})
	b.Queue(sql("stages")).Query(func(rows pgx.Rows) (err error) {
		out.funnels, err = collectFunnels(rows)
		for _, f := range out.funnels {
			for _, s := range f.Stages {
				out.stages[[2]string{s.Funnel, s.Key}] = s
			}
		}
		return err
	})
	b.Queue(sql("loss_reasons")).Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[leads.LossReason])
		for _, reason := range found {
			out.reasons[reason.Key] = reason
		}
		return err
	})
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return out, fmt.Errorf("lock %d leads: %w", len(ids), err)
	}
	return out, nil
}

// open gives a lead that must be there and open.
func (b board) open(id int64) (leads.Lead, error) {
	l, ok := b.leads[id]
	switch {
	case !ok:
		return l, fmt.Errorf("lead %d: %w", id, leads.ErrNotFound)
	case l.Status.Closed():
		return l, fmt.Errorf("lead %d is closed as %s: %w", id, l.Status, leads.ErrConflict)
	}
	return l, nil
}

// ending is the stage of a funnel that stands for an end; a funnel without one keeps the lead where it was.
func (b board) ending(l leads.Lead, kind leads.Status) string {
	for _, f := range b.funnels {
		if i := slices.IndexFunc(f.Stages, func(s leads.Stage) bool { return s.Kind == string(kind) }); f.Key == l.Funnel && i >= 0 {
			return f.Stages[i].Key
		}
	}
	return l.Stage
}

// stage gives a stage in which open leads can stand.
func (b board) stage(funnel, key string) (leads.Stage, error) {
	s, ok := b.stages[[2]string{funnel, key}]
	switch {
	case !ok:
		return s, fmt.Errorf("stage %s of funnel %s: %w", key, funnel, leads.ErrNotFound)
	case s.Kind != "open":
		return s, fmt.Errorf("stage %s of funnel %s ends a lead, close it instead: %w", key, funnel, leads.ErrConflict)
	}
	return s, nil
}

// rounds splits changes so that in each round a lead changes once, in the order given.
func rounds[T any](changes []T, lead func(T) int64) [][]T {
	var out [][]T
	seen := map[int64]int{}
	for _, c := range changes {
		n := seen[lead(c)]
		seen[lead(c)]++
		if n == len(out) {
			out = append(out, nil)
		}
		out[n] = append(out[n], c)
	}
	return out
}

// leadEntry is a line of the journal about a lead.
func leadEntry(now time.Time, by, lead int64, action string, data any) Entry {
	return Entry{At: now, Actor: by, Lead: lead, Object: "lead:" + strconv.FormatInt(lead, 10), Action: action, Data: data}
}

// EnterStage moves open leads to stages. The visit that ends gets its fate: advanced, back
// or other_funnel. A lead that stands there already is left alone. The caller holds the
// locks of the leads.
func (r *Repository) EnterStage(ctx context.Context, tx pgx.Tx, now time.Time, moves []StageMove) error {
	for _, round := range rounds(moves, func(m StageMove) int64 { return m.Lead }) {
		if err := r.enterStage(ctx, tx, now, round); err != nil {
			return fmt.Errorf("move leads: %w", err)
		}
	}
	return nil
}

// move is one lead on its way to another stage.
type move struct {
	lead leads.Lead // as it will be
	fate string
	by   int64
	log  Entry
}

func (r *Repository) enterStage(ctx context.Context, tx pgx.Tx, now time.Time, moves []StageMove) error {
	b, err := r.readBoard(ctx, tx, col(moves, func(m StageMove) int64 { return m.Lead }))
	if err != nil {
		return err
	}
	var rows []move
	for _, m := range moves {
		row, moved, err := b.move(now, m)
		if err != nil {
			return err
		}
		if moved {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return r.writeMoves(ctx, tx, now, "stage", rows, nil)
}

// move judges one move; moved is false when the lead stands there already.
func (b board) move(now time.Time, m StageMove) (row move, moved bool, err error) {
	l, err := b.open(m.Lead)
	if err != nil {
		return row, false, err
	}
	from := l
	if m.Funnel != "" {
		l.Funnel = m.Funnel
	}
	to, err := b.stage(l.Funnel, m.Stage)
	if err != nil || to.Funnel == from.Funnel && to.Key == from.Stage {
		return row, false, err
	}
	l.Stage, l.Probability, l.Version = to.Key, to.Probability, l.Version+1
	fate := "advanced"
	switch {
	case to.Funnel != from.Funnel:
		fate = "other_funnel"
	case to.Position < b.stages[[2]string{from.Funnel, from.Stage}].Position:
		fate = "back"
	}
	data := map[string]string{"from": from.Stage, "to": to.Key}
	if to.Funnel != from.Funnel {
		data["from_funnel"], data["to_funnel"] = from.Funnel, to.Funnel
	}
	return move{l, fate, m.By, leadEntry(now, m.By, l.ID, "lead.stage", data)}, true, nil
}

// writeMoves writes visits, leads and journal; before is queued ahead of them.
func (r *Repository) writeMoves(ctx context.Context, tx pgx.Tx, now time.Time, change string, rows []move, before func(*pgx.Batch)) error {
	ids := col(rows, func(m move) int64 { return m.lead.ID })
	funnels := col(rows, func(m move) string { return m.lead.Funnel })
	stages := col(rows, func(m move) string { return m.lead.Stage })
	b := &pgx.Batch{}
	if before != nil {
		before(b)
	}
	b.Queue(sql("end_visits"), pgx.NamedArgs{"now": now, "leads": ids, "fates": col(rows, func(m move) string { return m.fate })})
	b.Queue(sql("begin_visits"), pgx.NamedArgs{"now": now, "leads": ids, "funnels": funnels, "stages": stages,
		"by": col(rows, func(m move) int64 { return m.by }), "owners": col(rows, func(m move) int64 { return m.lead.OwnerID })})
	b.Queue(sql("move_leads"), pgx.NamedArgs{"now": now, "leads": ids, "funnels": funnels, "stages": stages,
		"probabilities": col(rows, func(m move) float64 { return m.lead.Probability })})
	b.Queue(sql("add_journal"), journalArgs(col(rows, func(m move) Entry { return m.log })))
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	return r.publish(ctx, tx, now, change, col(rows, func(m move) leads.Lead { return m.lead }))
}
