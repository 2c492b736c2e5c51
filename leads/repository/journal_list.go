package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// JournalFilter chooses lines of the journal. Empty fields choose nothing out.
type JournalFilter struct {
	Actor, Lead    int64
	Object, Action string    // beginnings: "lead:", "task.refused"
	From, To       time.Time // written at or after From and before To
	Limit          int       // 50 when 0, 500 at most
	Cursor         string
}

// JournalRow is a line of the journal as a page shows it.
type JournalRow struct {
	ID        int64
	At        time.Time
	ActorID   int64 // 0: the system
	Actor     string
	Lead      int64 // 0: about no lead
	LeadTitle string
	Object    string
	Action    string
	Data      json.RawMessage
}

// JournalEntries lists the journal, the latest line first.
func (r *Repository) JournalEntries(ctx context.Context, f JournalFilter) (Page[JournalRow], error) {
	_, id, err := readNumbered(f.Cursor)
	if err != nil {
		return Page[JournalRow]{}, err
	}
	found, err := all(ctx, r.pool, pgx.RowToStructByPos[JournalRow], sql("journal_list"), pgx.NamedArgs{"actor": f.Actor, "lead": f.Lead,
		"object": f.Object, "action": f.Action, "from": moment(f.From), "to": moment(f.To), "after": id, "limit": limit(f.Limit) + 1})
	if err != nil {
		return Page[JournalRow]{}, fmt.Errorf("list the journal: %w", err)
	}
	return page(found, limit(f.Limit), func(j JournalRow) place { return place{j.At, strconv.FormatInt(j.ID, 10)} }), nil
}

// moment is a time a statement may be asked without: zero is null.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
