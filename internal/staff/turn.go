package staff

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	//go:embed sql/turns.sql
	turnsSQL string
	//go:embed sql/save_role.sql
	saveRoleSQL string
)

// Turns takes the next n turns of the role's round-robin in one statement: the
// values of a sequence of its own, which no two transactions share and no
// transaction waits for. Whose turn it is is the value modulo the number of
// those who may take the work. ErrUnknownRole when nobody made the role; the
// transaction is then broken, so ask the Directory first.
func (s *Staff) Turns(ctx context.Context, tx pgx.Tx, role string, n int) ([]int64, error) {
	rows, err := tx.Query(ctx, turnsSQL, pgx.NamedArgs{"sequence": sequence(role), "n": n})
	if err != nil {
		return nil, fmt.Errorf("take %d turns of role %s: %w", n, role, err)
	}
	turns, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42P01" {
		return nil, fmt.Errorf("take turns of role %s: %w", role, ErrUnknownRole)
	}
	if err != nil {
		return nil, fmt.Errorf("take %d turns of role %s: %w", n, role, err)
	}
	return turns, nil
}

// SaveRole adds the role with the sequence of its round-robin, or renames it.
func (s *Staff) SaveRole(ctx context.Context, by Actor, r Role, now time.Time) error {
	err := s.change(ctx, by, func(tx pgx.Tx) (entry, error) {
		return entry{now, "role:" + r.Key, "role.saved", map[string]any{"name": r.NameRu}}, saveRole(ctx, tx, r)
	})
	if err != nil {
		return fmt.Errorf("save role %s: %w", r.Key, err)
	}
	return nil
}

// DeleteRole removes the role and its sequence. Its performers stay.
func (s *Staff) DeleteRole(ctx context.Context, by Actor, key string, now time.Time) error {
	err := s.change(ctx, by, func(tx pgx.Tx) (entry, error) {
		if err := tx.QueryRow(ctx, `delete from performer_role where key = $1 returning key`, key).Scan(&key); err != nil {
			return entry{}, err
		}
		_, err := tx.Exec(ctx, "drop sequence if exists "+pgx.Identifier{sequence(key)}.Sanitize())
		return entry{now, "role:" + key, "role.deleted", nil}, err
	})
	if err != nil {
		return fmt.Errorf("delete role %s: %w", key, err)
	}
	return nil
}

// saveRole makes the sequence after the row: the row's check keeps the key to
// letters, digits and underscores.
func saveRole(ctx context.Context, tx pgx.Tx, r Role) error {
	if _, err := tx.Exec(ctx, saveRoleSQL, pgx.NamedArgs{"key": r.Key, "ru": r.NameRu, "en": r.NameEn}); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "create sequence if not exists "+pgx.Identifier{sequence(r.Key)}.Sanitize()+" cache 1")
	return err
}

func sequence(role string) string { return "role_turn_" + role }
