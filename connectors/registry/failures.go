package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
)

// ErrNoFailure: there is nothing of that name that could not be taken, or it is left for good.
var ErrNoFailure = errors.New("no such failure, or it was given up")

// Failed is something the poller of a connection could not take, and what people decided about it.
type Failed struct {
	connectors.Failure
	LastAt  time.Time  // of the last try
	RetryAt *time.Time // since when somebody wants it tried once more; nil: nobody
	LeftAt  *time.Time // when it was given up; nil: it was not
	LeftBy  string     // by whom
	LeftWhy string
}

// State says how it stands: left (given up), again (somebody wants it tried), aside (it is not tried any more), trying.
func (f Failed) State() string {
	switch {
	case f.GivenUp:
		return "left"
	case f.RetryAt != nil:
		return "again"
	case f.SetAside:
		return "aside"
	}
	return "trying"
}

// Namer says in words what an item of its poller is, without more of what is in it than people need to find it.
type Namer interface {
	NameItem(part, item string) connectors.Text
}

// Failures are what the poller of a connection could not take: what waits for somebody first, the latest first.
func (r *Registry) Failures(ctx context.Context, connection string) ([]Failed, error) {
	rows, err := r.pool.Query(ctx, sql("failures"), pgx.NamedArgs{"connection": connection})
	if err != nil {
		return nil, fmt.Errorf("list the failures of %s: %w", connection, err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Failed, err error) {
		return f, row.Scan(&f.Part, &f.Item, &f.Attempts, &f.Since, &f.Reason, &f.SetAside, &f.GivenUp, &f.LastAt, &f.RetryAt, &f.LeftAt, &f.LeftBy, &f.LeftWhy)
	})
	if err != nil {
		return nil, fmt.Errorf("list the failures of %s: %w", connection, err)
	}
	return found, nil
}

// NameItem says what a failure is of.
func (r *Registry) NameItem(connection, part, item string) connectors.Text {
	if c, ok := r.Get(connection); ok {
		if namer, ok := c.Instance.(Namer); ok {
			return namer.NameItem(part, item)
		}
	}
	return plain(strings.Trim(part+" "+item, " "))
}

// Retry asks the poller to try an item once more, as if it had not failed.
func (r *Registry) Retry(ctx context.Context, tx pgx.Tx, now time.Time, connection, part, item string) error {
	tag, err := tx.Exec(ctx, sql("retry_failure"), pgx.NamedArgs{"connection": connection, "part": part, "item": item, "all": false, "now": now})
	return r.decided(ctx, tx, tag.RowsAffected(), err, connection, part, item)
}

// RetryAll is Retry of all that nobody has given up, and tells how many that are.
func (r *Registry) RetryAll(ctx context.Context, tx pgx.Tx, now time.Time, connection string) (int, error) {
	tag, err := tx.Exec(ctx, sql("retry_failure"), pgx.NamedArgs{"connection": connection, "part": "", "item": "", "all": true, "now": now})
	if err != nil {
		return 0, fmt.Errorf("have all failures of %s tried once more: %w", connection, err)
	}
	return int(tag.RowsAffected()), r.announce(ctx, tx)
}

// Leave gives an item up: its poller passes over it for good. Who and why are kept with it.
func (r *Registry) Leave(ctx context.Context, tx pgx.Tx, now time.Time, connection, part, item, by, why string) error {
	tag, err := tx.Exec(ctx, sql("leave_failure"), pgx.NamedArgs{"connection": connection, "part": part, "item": item, "now": now,
		"by": postgres.Words(by), "why": postgres.Words(why)})
	return r.decided(ctx, tx, tag.RowsAffected(), err, connection, part, item)
}

func (r *Registry) decided(ctx context.Context, tx pgx.Tx, rows int64, err error, connection, part, item string) error {
	if err == nil && rows == 0 {
		err = ErrNoFailure
	}
	if err != nil {
		return fmt.Errorf("decide about %s of %s/%s: %w", item, connection, part, err)
	}
	return r.announce(ctx, tx)
}

// Again are the items of a part that somebody wants tried once more.
func (m memory) Again(ctx context.Context, part string) ([]string, error) {
	rows, _ := m.registry.pool.Query(ctx, "select item from connection_failure where connection = $1 and part = $2 and retry_at is not null order by retry_at, item limit 100",
		m.connection, part)
	items, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("see what of %s/%s is wanted again: %w", m.connection, part, err)
	}
	return items, nil
}

// ForgetFailures forgets what was given up before a moment.
func (r *Registry) ForgetFailures(ctx context.Context, before time.Time) error {
	if _, err := r.pool.Exec(ctx, "delete from connection_failure where left_at < $1", before); err != nil {
		return fmt.Errorf("forget what was given up: %w", err)
	}
	return nil
}
