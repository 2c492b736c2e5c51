package staff

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// SetLanguage is a person choosing the language of their own pages and notices: "ru" or "en".
func (s *Staff) SetLanguage(ctx context.Context, actor Actor, language string, now time.Time) error {
	err := s.write(ctx, actor, func(tx pgx.Tx) (entry, error) {
		var id int64
		err := tx.QueryRow(ctx, `update employee set language = $2 where id = $1 returning id`, actor.ID, language).Scan(&id)
		return entry{now, object("employee", id), "employee.language", map[string]any{"language": language}}, err
	})
	if err != nil {
		return fmt.Errorf("set the language of %s: %w", actor.Login, err)
	}
	return nil
}
