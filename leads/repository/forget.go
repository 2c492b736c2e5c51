package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ForgetRaw deletes the raw copies of inquiries received before a moment, and gives the keys of what they left in the blob
// store, which the caller deletes then. The inquiries themselves stay, and dead ones keep their copy: nobody has dealt with
// them yet. It works in portions; call it again until it gives none.
func (r *Repository) ForgetRaw(ctx context.Context, before time.Time) ([]string, error) {
	rows, err := r.pool.Query(ctx, sql("forget_raw"), pgx.NamedArgs{"before": before, "limit": 5000})
	if err != nil {
		return nil, fmt.Errorf("forget raw copies: %w", err)
	}
	refs, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("forget raw copies: %w", err)
	}
	return refs, nil
}
