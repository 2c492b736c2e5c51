package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// The floor is PostgreSQL alone: a plain client inserts the very rows that the
// gateway wrote for some thousands of leads once more, into the same tables with
// the same indexes and keys, in batches of a hundred leads, each table by one
// insert from arrays, each batch a transaction. The rows get new ids, and nothing
// is looked for, decided or made.

// copied is a table whose rows are copied with their lead.
type copied struct {
	table string
	lead  string            // expression for the lead's id, over the table as t
	from  string            // what joins the table to its lead, if a column does not
	other map[string]string // columns that get another value
}

const shift = " + 1000000000000"

// chosen are the leads whose rows are copied, numbered in their order.
const chosen = `create temporary table chosen as
	select id, row_number() over (order by id) - 1 as n from (select id, contact_id from lead order by id desc limit 4000) l`

// tables are in the order of their keys. Columns named like ids are shifted.
var tables = []copied{
	{table: "contact", lead: "l.id", from: "join lead l on l.contact_id = t.id"},
	{table: "contact_point", lead: "l.id", from: "join lead l on l.contact_id = t.contact_id", other: map[string]string{"value": "t.value || '0'"}},
	{table: "contact_turn", lead: "l.id", from: "join lead l on l.contact_id = t.contact_id"},
	{table: "lead", lead: "t.id"},
	{table: "inquiry", lead: "t.lead_id", other: map[string]string{"id": "'0' || t.id"}},
	{table: "inquiry_raw", lead: "i.lead_id", from: "join inquiry i on i.id = t.inquiry_id", other: map[string]string{"inquiry_id": "'0' || t.inquiry_id"}},
	{table: "interaction", lead: "t.lead_id", other: map[string]string{"inquiry_id": "'0' || t.inquiry_id"}},
	{table: "stage_visit", lead: "t.lead_id"},
	{table: "assignment", lead: "t.lead_id"},
	{table: "journal", lead: "t.lead_id"},
	{table: "process_instance", lead: "t.subject"},
	{table: "task", lead: "t.subject"},
	{table: "timer", lead: "t.subject"},
	{table: "subscription", lead: "t.subject"},
	{table: "process_journal", lead: "t.subject"},
	{table: "notice", lead: "t.lead_id"},
	// What has to go out rests when it is copied: nobody shall send it.
	{table: "delivery", lead: "t.lead_id", other: map[string]string{"idempotency_key": "'0' || t.idempotency_key", "state": "'parked'", "lease_until": "null", "done_at": "null"}},
}

var shifted = map[string]bool{"id": true, "lead_id": true, "contact_id": true, "subject": true, "instance_id": true, "root_id": true, "parent_id": true}

const perBatch = 100

// floor is how many leads a second PostgreSQL takes, with as many plain clients
// as it takes most with: one or two.
func (c *company) floor(ctx context.Context) (rate float64, err error) {
	conn, err := pgx.Connect(ctx, c.server.URL(c.database))
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, chosen); err != nil {
		return 0, fmt.Errorf("choose leads: %w", err)
	}
	var n int
	if err := conn.QueryRow(ctx, "select count(*) from chosen").Scan(&n); err != nil {
		return 0, err
	}
	batches := make([]*pgx.Batch, n/perBatch)
	for i := range batches {
		batches[i] = &pgx.Batch{}
	}
	for _, t := range tables {
		if err := t.load(ctx, conn, batches); err != nil {
			return 0, fmt.Errorf("read the rows of %s: %w", t.table, err)
		}
	}
	half := len(batches) / 2
	for clients, part := range [][]*pgx.Batch{batches[:half], batches[half:]} {
		took, err := c.insert(ctx, part, clients+1)
		if err != nil {
			return 0, err
		}
		rate = max(rate, float64(len(part)*perBatch)/took.Seconds())
	}
	return rate, nil
}

func (c *company) insert(ctx context.Context, batches []*pgx.Batch, clients int) (time.Duration, error) {
	queue := make(chan *pgx.Batch, len(batches))
	for _, b := range batches {
		queue <- b
	}
	close(queue)
	conns := make([]*pgx.Conn, clients)
	for i := range conns {
		conn, err := pgx.Connect(ctx, c.server.URL(c.database))
		if err != nil {
			return 0, err
		}
		defer conn.Close(ctx)
		conns[i] = conn
	}
	began := time.Now()
	var work errgroup.Group
	for _, conn := range conns {
		work.Go(func() error {
			for b := range queue {
				// A batch without begin is one transaction.
				if err := conn.SendBatch(ctx, b).Close(); err != nil {
					return fmt.Errorf("insert the rows again: %w", err)
				}
			}
			return nil
		})
	}
	err := work.Wait()
	return time.Since(began), err
}

// load reads the rows of one table and adds its insert to each batch.
func (t copied) load(ctx context.Context, conn *pgx.Conn, batches []*pgx.Batch) error {
	columns, err := t.columns(ctx, conn)
	if err != nil {
		return err
	}
	names, reads, writes := make([]string, len(columns)), make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i], reads[i], writes[i] = c.name, t.expression(c), fmt.Sprintf("$%d::%s[]", i+1, c.travels())
	}
	insert := fmt.Sprintf("insert into %s (%s) overriding system value select %s from unnest(%s) as u (%s)",
		t.table, strings.Join(names, ", "), casts(columns), strings.Join(writes, ", "), strings.Join(names, ", "))
	rows, err := conn.Query(ctx, fmt.Sprintf("select n / %d, %s from %s t %s join chosen on chosen.id = %s order by 1", perBatch, strings.Join(reads, ", "), t.table, t.from, t.lead))
	if err != nil {
		return err
	}
	collected := make([][]array, len(batches))
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return err
		}
		at := int(values[0].(int64))
		if at >= len(batches) {
			continue
		}
		if collected[at] == nil {
			collected[at] = arrays(columns)
		}
		for i, value := range values[1:] {
			collected[at][i].add(value)
		}
	}
	for i, row := range collected {
		if row == nil {
			continue
		}
		arguments := make([]any, len(row))
		for k, a := range row {
			arguments[k] = a.slice()
		}
		batches[i].Queue(insert, arguments...)
	}
	return rows.Err()
}

// column is a column of a copied table.
type column struct{ name, kind string }

// columns leaves out what has a default we cannot send in an array of arrays.
func (t copied) columns(ctx context.Context, conn *pgx.Conn) ([]column, error) {
	rows, err := conn.Query(ctx, `select attname, format_type(atttypid, null) from pg_attribute
		where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' and atttypid not in (select oid from pg_type where typcategory = 'A')
		order by attnum`, t.table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c column, err error) {
		return c, row.Scan(&c.name, &c.kind)
	})
}

func (t copied) expression(c column) string {
	e := "t." + c.name
	switch other, ok := t.other[c.name]; {
	case ok:
		e = other
	case shifted[c.name] && c.kind == "bigint":
		e += shift
	}
	return "(" + e + ")::" + c.travels()
}

// travels is the type a column's values are sent as.
func (c column) travels() string {
	switch c.kind {
	case "bigint", "integer", "smallint":
		return "bigint"
	case "timestamp with time zone", "boolean", "bytea":
		return c.kind
	}
	return "text"
}

func casts(columns []column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = "u." + c.name + "::" + c.kind
	}
	return strings.Join(list, ", ")
}

// array is one argument of an insert: the values of a column.
type array interface {
	add(value any)
	slice() any
}

type list[T any] struct{ values []*T }

func (l *list[T]) add(value any) {
	v, ok := value.(T)
	if !ok {
		l.values = append(l.values, nil) // null
		return
	}
	l.values = append(l.values, &v)
}

func (l *list[T]) slice() any { return l.values }

func arrays(columns []column) []array {
	out := make([]array, len(columns))
	for i, c := range columns {
		switch c.travels() {
		case "bigint":
			out[i] = &list[int64]{}
		case "timestamp with time zone":
			out[i] = &list[time.Time]{}
		case "boolean":
			out[i] = &list[bool]{}
		case "bytea":
			out[i] = &list[[]byte]{}
		default:
			out[i] = &list[string]{}
		}
	}
	return out
}
