package processes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
)

// journal writes one line of the company's journal: who did what to which
// object, or was refused. subject is 0 where no case is concerned.
func journal(ctx context.Context, db postgres.DB, now time.Time, actor staff.Actor, subject int64, object, action string, data map[string]any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("journal %s of %s: %w", action, object, err)
	}
	_, err = db.Exec(ctx, `insert into journal (at, actor_id, lead_id, object, action, data)
		values ($1, $2, nullif($3::bigint, 0), $4, $5, $6::jsonb)`, now, actor.Ref(), subject, object, action, string(text))
	if err != nil {
		return fmt.Errorf("journal %s of %s: %w", action, object, err)
	}
	return nil
}
