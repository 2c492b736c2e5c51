package repository

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/leads"
)

// Dictionaries are what leads are described with.
type Dictionaries struct {
	Funnels   []leads.Funnel // stages in the order given
	Reasons   []leads.LossReason
	Sources   []leads.Source
	OwnFields []leads.OwnField
}

// Seed writes dictionaries down: what is new is added, what is known by its key gets
// the new names and numbers, what is not named stays. Positions are the order given.
func (r *Repository) Seed(ctx context.Context, tx pgx.Tx, d Dictionaries) error {
	var stages []leads.Stage
	for i := range d.Funnels {
		for j, s := range d.Funnels[i].Stages {
			s.Funnel, s.Position = d.Funnels[i].Key, j+1
			if s.Kind == "" {
				s.Kind = "open"
			}
			stages = append(stages, s)
		}
	}
	b := &pgx.Batch{}
	b.Queue(sql("seed_funnels"), pgx.NamedArgs{
		"keys": col(d.Funnels, func(f leads.Funnel) string { return f.Key }),
		"ru":   col(d.Funnels, func(f leads.Funnel) string { return f.NameRU }),
		"en":   col(d.Funnels, func(f leads.Funnel) string { return f.NameEN }),
	})
	b.Queue(sql("seed_stages"), pgx.NamedArgs{
		"funnels":       col(stages, func(s leads.Stage) string { return s.Funnel }),
		"keys":          col(stages, func(s leads.Stage) string { return s.Key }),
		"ru":            col(stages, func(s leads.Stage) string { return s.NameRU }),
		"en":            col(stages, func(s leads.Stage) string { return s.NameEN }),
		"positions":     col(stages, func(s leads.Stage) int { return s.Position }),
		"probabilities": col(stages, func(s leads.Stage) float64 { return s.Probability }),
		"kinds":         col(stages, func(s leads.Stage) string { return s.Kind }),
		"norms":         col(stages, func(s leads.Stage) int { return s.NormHours }),
	})
	b.Queue(sql("seed_reasons"), pgx.NamedArgs{
		"keys":     col(d.Reasons, func(l leads.LossReason) string { return l.Key }),
		"ru":       col(d.Reasons, func(l leads.LossReason) string { return l.NameRU }),
		"en":       col(d.Reasons, func(l leads.LossReason) string { return l.NameEN }),
		"kinds":    col(d.Reasons, func(l leads.LossReason) string { return string(l.Kind) }),
		"comments": col(d.Reasons, func(l leads.LossReason) bool { return l.NeedsComment }),
	})
	b.Queue(sql("seed_sources"), pgx.NamedArgs{
		"keys": col(d.Sources, func(s leads.Source) string { return s.Key }),
		"ru":   col(d.Sources, func(s leads.Source) string { return s.NameRU }),
		"en":   col(d.Sources, func(s leads.Source) string { return s.NameEN }),
	})
	for i, f := range d.OwnFields {
		b.Queue(sql("seed_own_field"), pgx.NamedArgs{"key": f.Key, "ru": f.NameRU, "en": f.NameEN, "kind": f.Kind,
			"choices": append([]string{}, f.Choices...), "position": i + 1})
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("seed dictionaries: %w", err)
	}
	return nil
}

// Funnels gives the funnels with their stages, in the order people see.
func (r *Repository) Funnels(ctx context.Context) ([]leads.Funnel, error) {
	return r.funnels(ctx, r.pool)
}

func (r *Repository) funnels(ctx context.Context, db postgres.DB) ([]leads.Funnel, error) {
	rows, err := db.Query(ctx, sql("stages"))
	if err != nil {
		return nil, fmt.Errorf("read funnels: %w", err)
	}
	funnels, err := collectFunnels(rows)
	if err != nil {
		return nil, fmt.Errorf("read funnels: %w", err)
	}
	return funnels, nil
}

// LossReasons gives the reasons for which leads are lost or junk, in their order.
func (r *Repository) LossReasons(ctx context.Context) ([]leads.LossReason, error) {
	return words(ctx, r.pool, "loss reasons", pgx.RowToStructByPos[leads.LossReason], "loss_reasons")
}

// Sources gives where clients come from, by name.
func (r *Repository) Sources(ctx context.Context) ([]leads.Source, error) {
	return words(ctx, r.pool, "sources", pgx.RowToStructByPos[leads.Source], "sources")
}

// OwnFields gives the fields the company added, in their order.
func (r *Repository) OwnFields(ctx context.Context) ([]leads.OwnField, error) {
	return ownFields(ctx, r.pool)
}

func ownFields(ctx context.Context, db postgres.DB) ([]leads.OwnField, error) {
	return words(ctx, db, "own fields", pgx.RowToStructByPos[leads.OwnField], "own_fields")
}

func words[T any](ctx context.Context, db postgres.DB, what string, f pgx.RowToFunc[T], statement string) ([]T, error) {
	out, err := all(ctx, db, f, sql(statement), nil)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return out, nil
}
