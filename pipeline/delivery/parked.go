package delivery

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
)

var (
	//go:embed sql/parked_kinds.sql
	parkedKindsSQL string
	//go:embed sql/replay_kind.sql
	replayKindSQL string
	//go:embed sql/hasten.sql
	hastenSQL string
	//go:embed sql/discard_kind.sql
	discardKindSQL string
)

// MaxAtOnce bounds what ReplayKind and DiscardKind change, so that nobody waits for minutes behind the locks of one click.
const MaxAtOnce = 10_000

// ParkedKind is how much of one kind is parked.
type ParkedKind struct {
	Connection string
	Kind       string
	Count      int
	Oldest     time.Time // when the first of them was written
}

// ParkedKinds tells what is parked, the most first.
func ParkedKinds(ctx context.Context, db postgres.DB) ([]ParkedKind, error) {
	rows, _ := db.Query(ctx, parkedKindsSQL)
	kinds, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ParkedKind])
	if err != nil {
		return nil, fmt.Errorf("count what is parked: %w", err)
	}
	return kinds, nil
}

// ReplayKind lets what is parked of a kind be tried again from the start, the oldest MaxAtOnce of it, and tells how many.
func ReplayKind(ctx context.Context, tx pgx.Tx, now time.Time, connection, kind string) (int, error) {
	tag, err := tx.Exec(ctx, replayKindSQL, now, connection, kind, MaxAtOnce)
	if err == nil {
		err = Resume(ctx, tx, now, connection)
	}
	if err == nil {
		_, err = tx.Exec(ctx, `select pg_notify($1, '')`, channel)
	}
	if err != nil {
		return 0, fmt.Errorf("replay %s for %s: %w", kind, connection, err)
	}
	return int(tag.RowsAffected()), nil
}

// Hasten makes what waits for a kind due at once, for the other side was away and answers again: pauses had grown to hours. It is not
// for kinds that are put off on purpose.
func Hasten(ctx context.Context, tx pgx.Tx, now time.Time, connection, kind string) error {
	tag, err := tx.Exec(ctx, hastenSQL, now, connection, kind)
	if err == nil && tag.RowsAffected() > 0 {
		_, err = tx.Exec(ctx, `select pg_notify($1, '')`, channel)
	}
	if err != nil {
		return fmt.Errorf("hasten %s for %s: %w", kind, connection, err)
	}
	return Resume(ctx, tx, now, connection)
}

// DiscardKind gives up what is parked of a kind, the oldest MaxAtOnce of it, and gives what it was; the reason is kept with each.
func DiscardKind(ctx context.Context, tx pgx.Tx, now time.Time, connection, kind, reason string) ([]Delivery, error) {
	rows, _ := tx.Query(ctx, discardKindSQL, now, connection, kind, MaxAtOnce, postgres.Words(reason))
	given, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("discard %s for %s: %w", kind, connection, err)
	}
	return given, nil
}

// Another reports whether a process waits for another try of the same: its incident was retried meanwhile.
func Another(ctx context.Context, tx pgx.Tx, d Delivery) (another bool, err error) {
	err = tx.QueryRow(ctx, "select exists (select from delivery where instance_id = $1 and token = $2 and id <> $3 and state in ('waiting', 'leased', 'parked'))",
		d.Instance, d.Token, d.ID).Scan(&another)
	if err != nil {
		return false, fmt.Errorf("look for another try of delivery %d: %w", d.ID, err)
	}
	return another, nil
}
