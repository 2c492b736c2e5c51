package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
)

// Cursor reads where a part of a connection (a folder, an entity set) stands into
// position; false when it has not begun.
func (r *Registry) Cursor(ctx context.Context, db postgres.DB, connection, part string, position any) (bool, error) {
	var raw json.RawMessage
	err := db.QueryRow(ctx, "select position from connection_cursor where connection = $1 and part = $2", connection, part).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, position)
	}
	if err != nil {
		return false, fmt.Errorf("read where %s/%s stands: %w", connection, part, err)
	}
	return true, nil
}

// SaveCursor notes where a part stands, once everything before it is durable.
func (r *Registry) SaveCursor(ctx context.Context, db postgres.DB, now time.Time, connection, part string, position any) error {
	raw, err := json.Marshal(position)
	if err == nil {
		_, err = db.Exec(ctx, sql("save_cursor"), pgx.NamedArgs{"connection": connection, "part": part, "position": raw, "now": now})
	}
	if err != nil {
		return fmt.Errorf("note where %s/%s stands: %w", connection, part, err)
	}
	return nil
}
