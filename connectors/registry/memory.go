package registry

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
)

// Memory is what the poller of a connection remembers: the same in every process.
func (r *Registry) Memory(connection string) connectors.Memory { return memory{r, connection} }

type memory struct {
	registry   *Registry
	connection string
}

func (m memory) Position(ctx context.Context, part string, position any) (bool, error) {
	return m.registry.Cursor(ctx, m.registry.pool, m.connection, part, position)
}

func (m memory) Advance(ctx context.Context, part string, position any) error {
	return m.registry.SaveCursor(ctx, m.registry.pool, m.registry.options.Now(), m.connection, part, position)
}

func (m memory) Fail(ctx context.Context, part, item, reason string) (connectors.Failure, error) {
	rows, err := m.registry.pool.Query(ctx, sql("fail"), pgx.NamedArgs{"connection": m.connection, "part": part, "item": item,
		"reason": postgres.Words(reason), "now": m.registry.options.Now()})
	if err != nil {
		return connectors.Failure{}, fmt.Errorf("note that %s of %s/%s failed: %w", item, m.connection, part, err)
	}
	failure, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[connectors.Failure])
	if err != nil {
		return failure, fmt.Errorf("note that %s of %s/%s failed: %w", item, m.connection, part, err)
	}
	return failure, nil
}

func (m memory) SetAside(ctx context.Context, part, item string) error {
	_, err := m.registry.pool.Exec(ctx, "update connection_failure set aside_at = $4 where connection = $1 and part = $2 and item = $3",
		m.connection, part, item, m.registry.options.Now())
	if err != nil {
		return fmt.Errorf("set %s of %s/%s aside: %w", item, m.connection, part, err)
	}
	return nil
}

func (m memory) Forget(ctx context.Context, part, item string) error {
	_, err := m.registry.pool.Exec(ctx, "delete from connection_failure where connection = $1 and part = $2 and item = $3", m.connection, part, item)
	if err != nil {
		return fmt.Errorf("forget the failures of %s of %s/%s: %w", item, m.connection, part, err)
	}
	return nil
}
