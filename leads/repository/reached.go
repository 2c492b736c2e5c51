package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Reached tells of people at moments, in the same order, whether somebody of ours has talked with them since, for so long at least.
func (r *Repository) Reached(ctx context.Context, tx pgx.Tx, contacts []int64, since []time.Time, talk time.Duration) ([]bool, error) {
	return r.since(ctx, tx, "reached_since", len(contacts), pgx.NamedArgs{"contacts": contacts, "times": since, "seconds": seconds(talk)})
}

// MissedSince tells of people at moments, in the same order, whether they have called in vain since.
func (r *Repository) MissedSince(ctx context.Context, tx pgx.Tx, contacts []int64, since []time.Time) ([]bool, error) {
	return r.since(ctx, tx, "missed_since", len(contacts), pgx.NamedArgs{"contacts": contacts, "times": since})
}

// WaitedSince tells of people who were reached at moments, by their places, since when they had waited for it: only of those
// who had called in vain. A conversation lasts at least talk.
func (r *Repository) WaitedSince(ctx context.Context, tx pgx.Tx, contacts []int64, times []time.Time, talk time.Duration) (map[int]time.Time, error) {
	waited := map[int]time.Time{}
	if len(contacts) == 0 {
		return waited, nil
	}
	rows, err := tx.Query(ctx, sql("waited_since"), pgx.NamedArgs{"contacts": contacts, "times": times, "seconds": seconds(talk)})
	if err != nil {
		return nil, fmt.Errorf("look how long people have waited: %w", err)
	}
	var no int
	var at time.Time
	if _, err := pgx.ForEachRow(rows, []any{&no, &at}, func() error {
		waited[no-1] = at
		return nil
	}); err != nil {
		return nil, fmt.Errorf("look how long people have waited: %w", err)
	}
	return waited, nil
}

// since says of each of so many people whether the statement finds its place among them.
func (r *Repository) since(ctx context.Context, tx pgx.Tx, statement string, people int, args pgx.NamedArgs) ([]bool, error) {
	out := make([]bool, people)
	if people == 0 {
		return out, nil
	}
	found, err := all(ctx, tx, pgx.RowTo[int64], sql(statement), args)
	if err != nil {
		return nil, fmt.Errorf("look what has happened with people since (%s): %w", statement, err)
	}
	for _, no := range found {
		out[no-1] = true
	}
	return out, nil
}
