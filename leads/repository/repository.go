// Package repository is the single lead repository: inquiries are captured into
// it in batches, leads are changed in it one fact at a time, and the pages and
// the API ask it. The facts behind the reports (stage visits, closings,
// assignments, amounts, interactions) are only ever added to.
//
// It knows no processes and no rights. Intake calls Capture, casework everything
// that changes a lead, the web the questions. Whatever writes takes the caller's
// transaction, and time is an argument. Locks are taken in one order everywhere:
// inquiries known already (by id), contact points (by kind and value), clients (by
// INN), leads (by id); a contact known already is taken a turn with (by id) after its points.
package repository

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/pipeline"
)

//go:embed sql/*.sql
var files embed.FS

// sql gives the text of a statement; a name without a file is a mistake of ours that the first test meets.
func sql(name string) string {
	text, err := files.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic("leads/repository: no statement " + name)
	}
	return string(text)
}

// Options shape a repository. All may be left empty.
type Options struct {
	// Funnel chooses the funnel a new lead of this inquiry opens in, by its key. nil, "" and a
	// key that does not exist mean the first one.
	Funnel func(leads.Inquiry) string
	// Rules of who it is and whether it is new.
	Rules leads.MatchRules
	// Currency of amounts that name none; "" is RUB.
	Currency string
	// Language of the titles of new leads: "ru", the default, or "en".
	Language string
	// Outbox takes the changes of leads that outsiders are told about, in the transaction of the change. nil: nobody asks.
	Outbox func(ctx context.Context, tx pgx.Tx, events []pipeline.Event) error
	// Listens says whether anybody asks for changes at present, so that they are not written down for nobody. nil: always.
	Listens func() bool
}

// Repository is the leads in PostgreSQL. It is safe for concurrent use.
type Repository struct {
	pool *pgxpool.Pool
	Options
}

// New makes a repository that asks through pool; changes use the transactions given to them.
func New(pool *pgxpool.Pool, o Options) *Repository {
	if o.Currency == "" {
		o.Currency = "RUB"
	}
	return &Repository{pool: pool, Options: o}
}

// col makes one array of a statement's input out of the rows.
func col[S, T any](rows []S, f func(S) T) []T {
	out := make([]T, len(rows))
	for i, row := range rows {
		out[i] = f(row)
	}
	return out
}

// one reads the single row of a question; none is leads.ErrNotFound.
func one[T any](ctx context.Context, db postgres.DB, f pgx.RowToFunc[T], query string, args pgx.NamedArgs) (T, error) {
	rows, err := db.Query(ctx, query, args)
	if err != nil {
		var zero T
		return zero, err
	}
	row, err := pgx.CollectExactlyOneRow(rows, f)
	return row, notFound(err)
}

// notFound makes the driver's word for nothing ours.
func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return leads.ErrNotFound
	}
	return err
}

// all reads the rows of a question.
func all[T any](ctx context.Context, db postgres.DB, f pgx.RowToFunc[T], query string, args pgx.NamedArgs) ([]T, error) {
	rows, err := db.Query(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, f)
}

// exec runs a statement that gives no rows and says what we were doing when it fails.
func exec(ctx context.Context, db postgres.DB, doing, query string, args pgx.NamedArgs) error {
	if _, err := db.Exec(ctx, query, args); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
