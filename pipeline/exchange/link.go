package exchange

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
)

// link is how an object of ours stands on the other side.
type link struct {
	Object    int64
	Ref       string
	Main      bool
	Agreed    map[string]string
	Version   string
	Heard     string
	HeardAt   *time.Time
	ChangedAt time.Time
	Gone      bool
	Revision  int
}

// readLink finds a link by "ref" or by "object".
func readLink(ctx context.Context, db postgres.DB, by, connection, kind string, key any) (link, error) {
	where := map[string]string{
		"ref":    " where connection = $1 and kind = $2 and ref = $3",
		"object": " where connection = $1 and kind = $2 and object_id = $3 and main",
		"lock":   " where connection = $1 and kind = $2 and ref = $3 for update",
	}[by]
	rows, err := db.Query(ctx, sql("read_link")+where, connection, kind, key)
	if err != nil {
		return link{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[link])
}

// rename notes the reference that the other side gave an object which was made under ours. It may have told of it before we
// knew that it is ours: then that link gives way.
func (l *link) rename(ctx context.Context, tx pgx.Tx, connection, kind, ref string) error {
	for _, statement := range []string{"yield", "rename"} {
		if _, err := tx.Exec(ctx, sql(statement), pgx.NamedArgs{"connection": connection, "kind": kind, "id": l.Object, "ours": l.Ref, "theirs": ref}); err != nil {
			return fmt.Errorf("note the reference that the other side gave: %w", err)
		}
	}
	l.Ref = ref
	return nil
}

// settle notes what both sides agree on now; false when somebody else did meanwhile.
func (l link) settle(ctx context.Context, tx pgx.Tx, connection, kind, version string, agreed map[string]string, gone bool) (bool, error) {
	tag, err := tx.Exec(ctx, sql("settle"), pgx.NamedArgs{"connection": connection, "kind": kind, "ref": l.Ref, "revision": l.Revision,
		"agreed": agreed, "version": version, "gone": gone})
	if err != nil {
		return false, fmt.Errorf("note what both sides agree on: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}
