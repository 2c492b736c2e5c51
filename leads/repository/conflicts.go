package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// Conflicts are what came under the id of an inquiry with other content, each content once, in their order.
func (r *Repository) Conflicts(ctx context.Context, id string) ([]leads.Inquiry, error) {
	found, err := r.conflicts(ctx, pgx.NamedArgs{"id": id, "lead": 0})
	return found[id], err
}

// conflicts are those of one inquiry or of a lead, by inquiry.
func (r *Repository) conflicts(ctx context.Context, of pgx.NamedArgs) (map[string][]leads.Inquiry, error) {
	type row struct {
		ID   string
		At   time.Time
		Data []byte
	}
	rows, err := all(ctx, r.pool, pgx.RowToStructByPos[row], sql("conflicts"), of)
	if err != nil {
		return nil, fmt.Errorf("what came with other content: %w", err)
	}
	out := map[string][]leads.Inquiry{}
	for _, c := range rows {
		var in leads.Inquiry
		if err := json.Unmarshal(c.Data, &in); err != nil {
			return nil, fmt.Errorf("read what came under %s with other content: %w", c.ID, err)
		}
		in.ReceivedAt = c.At
		out[c.ID] = append(out[c.ID], in)
	}
	return out, nil
}

// ConflictCount tells how often known ids of a connection came with other content, since the beginnings of a day and of a month.
func (r *Repository) ConflictCount(ctx context.Context, connection string, day, month time.Time) (today, inMonth int64, err error) {
	err = r.pool.QueryRow(ctx, sql("conflict_count"), pgx.NamedArgs{"connection": connection, "day": day, "month": month}).Scan(&today, &inMonth)
	if err != nil {
		return 0, 0, fmt.Errorf("count what came to %s with other content: %w", connection, err)
	}
	return today, inMonth, nil
}
