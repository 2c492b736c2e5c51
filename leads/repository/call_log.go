package repository

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// LoggedCall is a call that is over: who was at both ends, and how it ended.
type LoggedCall struct {
	ID              int64
	At              time.Time
	Direction       leads.Direction
	Missed          bool
	Seconds         int // of talk
	LeadID          int64
	LeadTitle       string
	Contact, Client string
	Number          string // the other side's, E.164; "" when it was hidden
	Dialled         string // the number of ours
	Employee        string
}

// CallLogFilter chooses calls. Empty fields choose nothing out.
type CallLogFilter struct {
	Direction leads.Direction
	Missed    bool
	VisibleTo *int64 // only their own calls, and those of leads that this employee may see
	Limit     int    // 50 when 0, 500 at most
	Cursor    string
}

func (f CallLogFilter) where() (string, pgx.NamedArgs) {
	parts, args := []string{"true"}, pgx.NamedArgs{}
	if f.Direction != "" {
		parts, args["direction"] = append(parts, "x.direction = @direction"), f.Direction
	}
	if f.Missed {
		parts = append(parts, "not x.answered")
	}
	if f.VisibleTo != nil {
		parts, args["me"] = append(parts, "(x.employee_id = @me or l.id is not null and "+visible+")"), f.VisibleTo
	}
	return strings.Join(parts, "\n\tand "), args
}

// CallLog lists the calls that concerned a client, the latest first.
func (r *Repository) CallLog(ctx context.Context, f CallLogFilter) (Page[LoggedCall], error) {
	at, id, err := readNumbered(f.Cursor)
	if err != nil {
		return Page[LoggedCall]{}, err
	}
	where, args := f.where()
	if f.Cursor != "" {
		where += "\n\tand (x.at, x.id) < (@after_at::timestamptz, @after_id::bigint)"
		args["after_at"], args["after_id"] = at, id
	}
	args["limit"] = limit(f.Limit) + 1
	found, err := all(ctx, r.pool, pgx.RowToStructByPos[LoggedCall], strings.ReplaceAll(sql("call_log"), "{where}", where), args)
	if err != nil {
		return Page[LoggedCall]{}, fmt.Errorf("list calls: %w", err)
	}
	return page(found, limit(f.Limit), func(c LoggedCall) place { return place{c.At, strconv.FormatInt(c.ID, 10)} }), nil
}
