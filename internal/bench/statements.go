package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
)

// statements forgets what PostgreSQL has counted of its statements so far.
func (c *company) forgetStatements(ctx context.Context) error {
	for _, q := range []string{"create extension if not exists pg_stat_statements", "select pg_stat_statements_reset()"} {
		if _, err := c.pool.Exec(ctx, q); err != nil {
			return fmt.Errorf("count statements: %w", err)
		}
	}
	return nil
}

// printStatements lists the n statements that took PostgreSQL most of its time.
func (c *company) printStatements(ctx context.Context, out io.Writer, n int) error {
	rows, err := c.pool.Query(ctx, `select calls, total_exec_time, mean_exec_time, rows, query from pg_stat_statements
		where dbid = (select oid from pg_database where datname = current_database()) order by total_exec_time desc limit $1`, n)
	if err != nil {
		return fmt.Errorf("read the counts of statements: %w", err)
	}
	var calls, touched int64
	var total, mean float64
	var query string
	_, err = pgx.ForEachRow(rows, []any{&calls, &total, &mean, &touched, &query}, func() error {
		query = strings.Join(strings.Fields(query), " ")
		fmt.Fprintf(out, "%8d calls %9.0f ms %8.3f ms each %9d rows  %.100s\n", calls, total, mean, touched, query)
		return nil
	})
	return err
}
