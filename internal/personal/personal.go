// Package personal answers what the law lets a person ask: what is kept about me, and forget it. It knows of every table whether
// it holds data of clients, how those of one person are found there, and what is left when they are erased: rows that reports count
// stay, without what tells who it was. It does not know the store of files: it is given how to delete one.
package personal

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/postgres"
)

var (
	//go:embed sql/scope.sql
	scopeSQL string
	//go:embed sql/elsewhere.sql
	elsewhereSQL string
)

// ErrUnknown: nobody is known by that, and nothing unprocessed names it.
var ErrUnknown = errors.New("nobody is known by this phone or e-mail")

// ErrOpen: somebody is at work for the person. What a process does with values that are gone nobody can tell.
var ErrOpen = errors.New("a lead of this person is open: close it first")

// Person is whom it is about: a phone (E.164) or an e-mail in normal form, or the number of a contact.
type Person struct {
	Contact int64
	Phone   string
	Email   string
}

// scope is what belongs to a person, by the keys of the tables.
type scope struct {
	contacts, clients, leads, instances, tasks, calls []int64
	inquiries, events                                 []string
	points                                            []string // phones and e-mails, the one asked for included
	open                                              []int64  // leads
}

func (s scope) args(now time.Time) pgx.NamedArgs {
	objects := []string{}
	for prefix, ids := range map[string][]int64{"contact:": s.contacts, "client:": s.clients, "lead:": s.leads, "task:": s.tasks} {
		for _, id := range ids {
			objects = append(objects, fmt.Sprintf("%s%d", prefix, id))
		}
	}
	return pgx.NamedArgs{"contacts": s.contacts, "clients": s.clients, "leads": s.leads, "instances": s.instances, "tasks": s.tasks,
		"calls": s.calls, "inquiries": s.inquiries, "events": s.events, "points": s.points, "objects": objects, "now": now}
}

func (s scope) empty() bool { return len(s.contacts)+len(s.inquiries)+len(s.calls) == 0 }

// find tells what belongs to a person.
func find(ctx context.Context, db postgres.DB, p Person) (s scope, err error) {
	digits := strings.TrimPrefix(p.Phone, "+")
	if len(digits) == 11 {
		digits = digits[1:] // Russian numbers are written with 8, with 7, and without
	}
	err = db.QueryRow(ctx, scopeSQL, pgx.NamedArgs{"contact": p.Contact, "phone": p.Phone, "email": strings.ToLower(p.Email), "digits": digits}).Scan(
		&s.contacts, &s.clients, &s.leads, &s.open, &s.inquiries, &s.calls, &s.events, &s.instances, &s.tasks, &s.points)
	if err != nil {
		return s, fmt.Errorf("find what belongs to the person: %w", err)
	}
	if s.empty() {
		return s, ErrUnknown
	}
	return s, nil
}

// Export gives everything that is kept about a person, by table. Files are named by their keys in the store.
func Export(ctx context.Context, pool *pgxpool.Pool, now time.Time, p Person) (map[string][]json.RawMessage, error) {
	out := map[string][]json.RawMessage{}
	err := postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		s, err := find(ctx, tx, p)
		if err != nil {
			return err
		}
		for _, t := range Tables {
			if t.Where == "" {
				continue
			}
			rows, _ := tx.Query(ctx, "select "+t.shown()+" from "+t.Name+" t where "+t.Where, s.args(now))
			found, err := pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
			if err != nil {
				return fmt.Errorf("read %s: %w", t.Name, err)
			}
			if len(found) > 0 {
				out[t.Name] = found
			}
		}
		return nil
	})
	return out, err
}

// Erased is what was done.
type Erased struct {
	Rows  map[string]int64 // changed or deleted, by table
	Files []string         // keys in the store of files
	// Elsewhere are objects of other systems that hold the person too, "connection kind ref": they are erased there.
	Elsewhere []string
}

// Erase forgets a person. Rows that reports count stay, without what tells who it was. Files are deleted by forget before the rows
// that name them are changed for good: an erasure that breaks off is begun again, and leaves no file that nothing names.
func Erase(ctx context.Context, pool *pgxpool.Pool, now time.Time, p Person, forget func(ctx context.Context, key string) error) (Erased, error) {
	out := Erased{Rows: map[string]int64{}}
	err := postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		s, err := find(ctx, tx, p)
		if err != nil {
			return err
		}
		if len(s.open) > 0 {
			return fmt.Errorf("%w (%v)", ErrOpen, s.open)
		}
		if _, err := tx.Exec(ctx, "select from lead where id = any($1) order by id for no key update", s.leads); err != nil {
			return fmt.Errorf("lock the leads: %w", err)
		}
		if out.Files, out.Elsewhere, err = beside(ctx, tx, s, now); err != nil {
			return err
		}
		for _, t := range Tables {
			if t.Erase == "" {
				continue
			}
			tag, err := tx.Exec(ctx, strings.ReplaceAll(t.Erase, "{where}", t.Where), s.args(now))
			if err != nil {
				return fmt.Errorf("erase in %s: %w", t.Name, err)
			}
			out.Rows[t.Name] += tag.RowsAffected()
		}
		for _, key := range out.Files {
			if err := forget(ctx, key); err != nil {
				return fmt.Errorf("delete file %s: %w", key, err)
			}
		}
		return nil
	})
	return out, err
}

// stored are keys of the store of files wherever they stand in what is erased.
var stored = regexp.MustCompile(`\b((?:raw|files)/[0-9]{4}/[0-9]{2}/[0-9]{2}/[A-Za-z0-9._/-]+)|file:(steps/[0-9]+/[0-9a-f]{64})`)

// beside finds what lies outside the database: files, and objects of other systems. Any column may name a file.
func beside(ctx context.Context, tx pgx.Tx, s scope, now time.Time) (files, elsewhere []string, err error) {
	seen := map[string]bool{}
	for _, t := range Tables {
		if t.Where == "" {
			continue
		}
		rows, _ := tx.Query(ctx, "select ("+t.shown()+")::text from "+t.Name+" t where "+t.Where, s.args(now))
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, nil, fmt.Errorf("look for files in %s: %w", t.Name, err)
		}
		for _, row := range found {
			for _, match := range stored.FindAllStringSubmatch(row, -1) {
				key := match[1] + match[2]
				if !seen[key] {
					seen[key] = true
					files = append(files, key)
				}
			}
		}
	}
	rows, _ := tx.Query(ctx, strings.ReplaceAll(elsewhereSQL, "{where}", ofObject), s.args(now))
	if elsewhere, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, nil, fmt.Errorf("see which other systems hold the person: %w", err)
	}
	return files, elsewhere, nil
}
