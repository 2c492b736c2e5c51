package processes

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/count_open.sql
var countOpenSQL string

// CountOpen tells how many open tasks the employee has, and how many of them are late: what every page shows in its menu,
// so it reads no snapshots.
func (s *Service) CountOpen(ctx context.Context, assignee int64) (open, late int, err error) {
	err = s.pool.QueryRow(ctx, countOpenSQL, pgx.NamedArgs{"assignee": assignee, "now": s.now()}).Scan(&open, &late)
	if err != nil {
		return 0, 0, fmt.Errorf("count the open tasks of employee %d: %w", assignee, err)
	}
	return open, late, nil
}
