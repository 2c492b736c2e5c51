// Package postgres is how the rest of the gateway reaches PostgreSQL: a pool
// with timeouts, transactions, one sequence of migrations, and the sorting of
// errors into what the data did, what a race did and what the server did. It
// knows no table; each room keeps its SQL beside its code.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Options shape a pool. A zero value of any field takes the default beside it.
type Options struct {
	MaxConns         int32         // 8: intake, workers and pages have a pool each, so that reports cannot starve intake
	Application      string        // "marshrut": what pg_stat_activity shows
	StatementTimeout time.Duration // 30 s
	LockTimeout      time.Duration // 10 s: a lock held longer is a fault, and waiting uses up the pool
	// ByKey is for work that finds its rows by keys. PostgreSQL plans a statement
	// once for a connection; what it planned while a table was small reads the whole
	// table for as long as nobody has analyzed it, however it has grown meanwhile.
	ByKey bool
}

// Open connects to the database at url and checks that it can serve: it
// answers, and its locale knows Cyrillic.
func Open(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	config, err := configure(url, o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := check(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

func configure(url string, o Options) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// pgx masks the password in its own words; the address itself is not repeated.
		return nil, fmt.Errorf("read the address of the database (database.url, as postgres://user@host/name): %w", err)
	}
	config.MaxConns = cmp.Or(o.MaxConns, 8)
	config.MaxConnLifetime = time.Hour
	config.MaxConnLifetimeJitter = 10 * time.Minute // or all connections are made anew in the same second
	config.MaxConnIdleTime = 10 * time.Minute
	config.PingTimeout = 5 * time.Second
	config.ConnConfig.ConnectTimeout = 10 * time.Second
	params := config.ConnConfig.RuntimeParams
	params["application_name"] = cmp.Or(o.Application, "marshrut")
	params["statement_timeout"] = milliseconds(cmp.Or(o.StatementTimeout, 30*time.Second))
	params["lock_timeout"] = milliseconds(cmp.Or(o.LockTimeout, 10*time.Second))
	// A transaction that waits for its client holds locks and keeps vacuum back.
	params["idle_in_transaction_session_timeout"] = milliseconds(time.Minute)
	params["timezone"] = "UTC"
	if o.ByKey {
		params["enable_seqscan"] = "off"
	}
	return config, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// check refuses a database whose locale cannot lower Cyrillic: search and
// matching would silently miss every name with a capital letter.
func check(ctx context.Context, db DB) error {
	var cyrillic bool
	err := db.QueryRow(ctx, "select lower('Ё') = 'ё' and current_setting('server_encoding') = 'UTF8'").Scan(&cyrillic)
	if err != nil {
		return fmt.Errorf("ask the database whether it is well: %w", err)
	}
	if !cyrillic {
		return errors.New("the database does not know Cyrillic letters (its locale is C or its encoding is not UTF-8): make a new one with CREATE DATABASE marshrut TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
	}
	return nil
}

// DB is what a pool, a connection and a transaction can all do: what a query needs.
type DB interface {
	Exec(ctx context.Context, sql string, arguments ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// InTx runs f in a transaction: committed when f returns nil, rolled back when
// it fails or panics. The error of f comes back as it is.
func InTx(ctx context.Context, pool *pgxpool.Pool, f func(pgx.Tx) error) error {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	// Does nothing after a commit. The connection must be given back even when
	// ctx has ended, which is the usual reason to be here.
	defer tx.Rollback(context.WithoutCancel(ctx))
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
