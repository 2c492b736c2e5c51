package reports

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ReadOnly runs f in a transaction that sees one state of the database and writes
// nothing: the tables of a workbook are read one after another and must agree.
// A long list may take longer than a page may: up to ten minutes.
func ReadOnly(ctx context.Context, pool *pgxpool.Pool, f func(pgx.Tx) error) error {
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // nothing was written
	if _, err := tx.Exec(ctx, "set local statement_timeout = '10min'"); err != nil {
		return fmt.Errorf("allow a long report: %w", err)
	}
	return f(tx)
}
