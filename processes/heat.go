package processes

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/heat.sql
var heatSQL string

// Heat is how much goes on at one element of a route map.
type Heat struct {
	Element string
	Visits  int // how often it was entered
	Now     int // how many tokens stand there
}

// HeatMap counts, for the instances of one version of a route map that were
// started in [from, until), what goes on at each element. A zero time leaves that
// end open.
func (s *Service) HeatMap(ctx context.Context, definition int64, from, until time.Time) ([]Heat, error) {
	rows, err := s.pool.Query(ctx, heatSQL, pgx.NamedArgs{"definition": definition, "from": moment(from), "until": moment(until)})
	if err != nil {
		return nil, fmt.Errorf("draw the heat map of route map %d: %w", definition, err)
	}
	heat, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Heat])
	if err != nil {
		return nil, fmt.Errorf("draw the heat map of route map %d: %w", definition, err)
	}
	return heat, nil
}
