package repository

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
	"marshrut/pipeline"
)

// Dead is an event of which no lead could be made, and why.
type Dead struct {
	Event   pipeline.Event
	Channel leads.Channel
	Reason  string // in words, for a person
	Fault   string // class of the reason: "translation", "data", "connection", ...
}

// Filed is how an inquiry stands in the base.
type Filed struct {
	State    string // "filed", "spam", "test", "dead" or "discarded"
	At       time.Time
	Reason   string // why it is dead
	Fault    string
	Attempts int // how often it has been tried
	Repeats  int // how often it came again
}

// DeadLetter is a dead inquiry as people see it in the list.
type DeadLetter struct {
	ID, Connection string
	Channel        leads.Channel
	ReceivedAt     time.Time
	VendorID       string
	Filed          Filed
}

// DeadFilter chooses dead letters. Limit is 50 when 0 and 500 at most.
type DeadFilter struct {
	State      string // "dead", the default, or "discarded"
	Connection string // "": all
	Limit      int
	Cursor     string
}

// FileDead keeps events of which no lead could be made as they came, with the reason, in the
// transaction of the batch they were in. One filed before stays filed.
func (r *Repository) FileDead(ctx context.Context, tx pgx.Tx, now time.Time, dead []Dead) error {
	if len(dead) == 0 {
		return nil
	}
	rows := slices.SortedStableFunc(slices.Values(dead), func(a, b Dead) int { return strings.Compare(a.Event.ID, b.Event.ID) })
	rows = slices.CompactFunc(rows, func(a, b Dead) bool { return a.Event.ID == b.Event.ID })
	err := exec(ctx, tx, "file dead letters", sql("file_dead"), pgx.NamedArgs{
		"now":         now,
		"ids":         col(rows, func(d Dead) string { return text(d.Event.ID) }),
		"connections": col(rows, func(d Dead) string { return text(d.Event.Connection) }),
		"channels":    col(rows, func(d Dead) string { return string(d.Channel) }),
		"times":       col(rows, func(d Dead) time.Time { return d.Event.Time }),
		"vendor_ids":  col(rows, func(d Dead) string { return text(d.Event.Subject) }),
		"hashes":      col(rows, func(d Dead) []byte { sum := sha256.Sum256(d.Event.Data); return sum[:] }),
		"traces":      col(rows, func(d Dead) string { return text(d.Event.TraceParent) }),
		"reasons":     col(rows, Dead.reason),
		"faults":      col(rows, func(d Dead) string { return text(d.Fault) }),
	})
	if err != nil {
		return err
	}
	return r.FileRaw(ctx, tx, col(rows, func(d Dead) RawInquiry { return RawInquiry{text(d.Event.ID), d.Event} }))
}

// reason is never empty: a dead letter without one helps nobody.
func (d Dead) reason() string {
	if reason := strings.TrimSpace(text(d.Reason)); reason != "" {
		return reason
	}
	return "the reason was not given"
}

// DeadLetters lists dead letters, the newest first.
func (r *Repository) DeadLetters(ctx context.Context, f DeadFilter) (Page[DeadLetter], error) {
	after, err := readCursor(f.Cursor)
	if err != nil {
		return Page[DeadLetter]{}, err
	}
	if f.State == "" {
		f.State = "dead"
	}
	found, err := all(ctx, r.pool, scanDead, sql("dead_letters"), pgx.NamedArgs{"state": f.State, "connection": f.Connection,
		"after_id": after.id, "after_at": after.at, "limit": limit(f.Limit) + 1})
	if err != nil {
		return Page[DeadLetter]{}, fmt.Errorf("list dead letters: %w", err)
	}
	return page(found, limit(f.Limit), func(d DeadLetter) place { return place{d.ReceivedAt, d.ID} }), nil
}

func scanDead(row pgx.CollectableRow) (DeadLetter, error) {
	var d DeadLetter
	f := &d.Filed
	err := row.Scan(&d.ID, &d.Connection, &d.Channel, &f.State, &d.ReceivedAt, &f.At, &d.VendorID, &f.Reason, &f.Fault, &f.Attempts, &f.Repeats)
	return d, err
}

// DeadLetter gives one dead or discarded letter with the event as it came.
func (r *Repository) DeadLetter(ctx context.Context, id string) (DeadLetter, pipeline.Event, error) {
	d, err := one(ctx, r.pool, scanDead, sql("dead_letter"), pgx.NamedArgs{"id": id})
	if err != nil {
		return d, pipeline.Event{}, fmt.Errorf("dead letter %s: %w", id, err)
	}
	e, err := r.Raw(ctx, id)
	return d, e, err
}

// CountDead tells how many dead letters wait and since when the oldest does (zero: none).
func (r *Repository) CountDead(ctx context.Context) (n int, oldest time.Time, err error) {
	var since *time.Time
	if err := r.pool.QueryRow(ctx, sql("count_dead")).Scan(&n, &since); err != nil {
		return 0, oldest, fmt.Errorf("count dead letters: %w", err)
	}
	if since != nil {
		oldest = *since
	}
	return n, oldest, nil
}

// LockDead locks a dead letter until tx ends and gives the event as it came, to be run again
// in its place. When somebody else has run or discarded it meanwhile it is leads.ErrConflict.
func (r *Repository) LockDead(ctx context.Context, tx pgx.Tx, id string) (pipeline.Event, error) {
	state, err := one(ctx, tx, pgx.RowTo[string], sql("lock_inquiry"), pgx.NamedArgs{"id": id})
	if errors.Is(err, leads.ErrNotFound) {
		// Whoever we waited for put the filed inquiry in the place of the dead one: only a new look sees it.
		state, err = one(ctx, tx, pgx.RowTo[string], sql("lock_inquiry"), pgx.NamedArgs{"id": id})
	}
	if err != nil {
		return pipeline.Event{}, fmt.Errorf("lock dead letter %s: %w", id, err)
	}
	if state != "dead" {
		return pipeline.Event{}, fmt.Errorf("inquiry %s is %s: %w", id, state, leads.ErrConflict)
	}
	return r.raw(ctx, tx, id)
}

// DiscardDead says that nothing is to be made of a dead letter. Nothing of it is lost.
func (r *Repository) DiscardDead(ctx context.Context, tx pgx.Tx, now time.Time, id string, by int64, reason string) error {
	if _, err := r.LockDead(ctx, tx, id); err != nil {
		return err
	}
	if err := exec(ctx, tx, "discard dead letter "+id, sql("discard_dead"), pgx.NamedArgs{"id": id}); err != nil {
		return err
	}
	return r.Journal(ctx, tx, []Entry{{At: now, Actor: by, Object: "inquiry:" + id, Action: "inquiry.discarded", Data: map[string]string{"reason": reason}}})
}

// ClearDead takes dead letters away of which something has been made after all.
func (r *Repository) ClearDead(ctx context.Context, tx pgx.Tx, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return exec(ctx, tx, "clear dead letters", sql("clear_dead"), pgx.NamedArgs{"ids": ids})
}
