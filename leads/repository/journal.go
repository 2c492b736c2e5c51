package repository

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
)

// Journal writes down who did what, as one statement.
func (r *Repository) Journal(ctx context.Context, db postgres.DB, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	return exec(ctx, db, "write the journal", sql("add_journal"), journalArgs(entries))
}

func journalArgs(entries []Entry) pgx.NamedArgs {
	return pgx.NamedArgs{
		"times":   col(entries, func(e Entry) time.Time { return e.At }),
		"actors":  col(entries, func(e Entry) int64 { return e.Actor }),
		"leads":   col(entries, func(e Entry) int64 { return e.Lead }),
		"objects": col(entries, func(e Entry) string { return e.Object }),
		"actions": col(entries, func(e Entry) string { return e.Action }),
		"data": col(entries, func(e Entry) string {
			if e.Data == nil {
				return "{}"
			}
			return object(e.Data)
		}),
	}
}
