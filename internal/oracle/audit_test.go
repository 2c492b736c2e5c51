package oracle

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/blobs"
	"marshrut/processes/engine"
)

// filed is an inquiry as the database has it, with what has to stand behind it.
type filed struct {
	id, connection, state string
	fields                map[string]string
	files                 []filedFile
	raw                   []byte
	ref                   string // of raw bytes that lie beside the database
	lead, contact         int64
	leadStatus            string
	interactions          int
	instances, tasks      int   // running and open, of the lead
	pointContact          int64 // whom the phone belongs to
}

type filedFile struct {
	Name, Ref string
	Size      int64
}

// audit compares what was promised with what there is. Every finding is a sentence.
type audit struct {
	tx       pgx.Tx
	store    blobs.Store
	findings []string
}

func (a *audit) find(format string, args ...any) {
	a.findings = append(a.findings, fmt.Sprintf(format, args...))
}

// inspect reports all that is not as it was promised.
func (c *company) inspect(ctx context.Context, t *testing.T, s *sender, m *manager) {
	t.Helper()
	tx, err := c.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	a := &audit{tx: tx, store: c.store}
	for _, look := range []func(context.Context, *sender) error{a.inquiries, a.leads, a.instances} {
		if err := look(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.clicks(ctx, m); err != nil {
		t.Fatal(err)
	}
	const enough = 20
	for i, finding := range a.findings {
		if i == enough {
			t.Errorf("… and %d more", len(a.findings)-enough)
			break
		}
		t.Error(finding)
	}
}

// inquiries wants every promised one once, as it was sent; what was never
// acknowledged may be there, but then it is whole, and never twice.
func (a *audit) inquiries(ctx context.Context, s *sender) error {
	sent, promised, _, broken := s.result()
	a.findings = append(a.findings, broken...)
	rows, err := a.read(ctx)
	if err != nil {
		return err
	}
	byMark := map[string]filed{}
	for _, f := range rows {
		mark := f.mark(s.run)
		q, known := sent[mark]
		if !known {
			a.find("inquiry %s (%s) was never sent: %v, raw %.200q", f.id, f.state, f.fields, f.raw)
			continue
		}
		if twin, twice := byMark[mark]; twice {
			a.find("%s is there twice: as %s and as %s", mark, twin.id, f.id)
		}
		byMark[mark] = f
		if err := a.content(ctx, q, f); err != nil {
			return err
		}
	}
	for mark, id := range promised {
		if f, there := byMark[mark]; !there {
			a.find("%s was acknowledged as %s and is not there", mark, id)
		} else if f.id != id {
			a.find("%s was acknowledged as %s and is there as %s", mark, id, f.id)
		}
	}
	a.together(sent, byMark)
	return nil
}

// together wants the inquiries of one person in one lead: nobody closes one here.
func (a *audit) together(sent map[string]inquiry, byMark map[string]filed) {
	leads := map[string]int64{}
	for mark, f := range byMark {
		phone := sent[mark].phone
		if phone == "" || f.lead == 0 {
			continue
		}
		if other, known := leads[phone]; known && other != f.lead {
			a.find("%s wrote to leads %d and %d", phone, other, f.lead)
		}
		leads[phone] = f.lead
	}
}

// mark is the value by which an inquiry is known again.
func (f filed) mark(run string) string {
	for _, value := range f.fields {
		if strings.HasPrefix(value, run+"-") {
			return value
		}
	}
	return ""
}

// content compares one inquiry with what was posted.
func (a *audit) content(ctx context.Context, q inquiry, f filed) error {
	if f.connection != q.connection {
		a.find("%s came by %s and is filed under %s", q.mark, q.connection, f.connection)
	}
	for key, want := range q.fields {
		if got, ok := f.fields[key]; !ok || got != want {
			a.find("%s: field %q is %q, want %q", q.mark, key, got, want)
		}
	}
	raw, err := a.bytes(ctx, f.raw, f.ref)
	if err != nil {
		return err
	}
	if !bytes.Equal(raw, q.body) {
		a.find("%s: %d raw bytes differ from the %d that were posted", q.mark, len(raw), len(q.body))
	}
	if q.spam {
		if f.state != "spam" || f.lead != 0 {
			a.find("%s fell for the honeypot and is %s with lead %d", q.mark, f.state, f.lead)
		}
		return nil
	}
	a.consequences(q, f)
	return a.attachments(ctx, q, f)
}

// consequences wants a lead that somebody works on.
func (a *audit) consequences(q inquiry, f filed) {
	if f.state != "filed" || f.lead == 0 || f.leadStatus != "open" {
		a.find("%s is %s with lead %d (%s), want it filed with an open lead", q.mark, f.state, f.lead, f.leadStatus)
	}
	if f.instances != 1 || f.tasks < 1 {
		a.find("%s: lead %d has %d running processes and %d open tasks, want 1 and at least 1", q.mark, f.lead, f.instances, f.tasks)
	}
	if f.interactions != 1 {
		a.find("%s is %d interactions, want 1", q.mark, f.interactions)
	}
	if q.phone != "" && (f.contact == 0 || f.pointContact != f.contact) {
		a.find("%s: it is of contact %d and its phone of contact %d", q.mark, f.contact, f.pointContact)
	}
}

func (a *audit) attachments(ctx context.Context, q inquiry, f filed) error {
	if len(f.files) != len(q.files) {
		a.find("%s has %d files, want %d", q.mark, len(f.files), len(q.files))
	}
	for _, file := range f.files {
		content, err := a.bytes(ctx, nil, file.Ref)
		if err != nil {
			return err
		}
		if want := q.files[file.Name]; !bytes.Equal(content, want) || file.Size != int64(len(want)) {
			a.find("%s: file %q has %d bytes, other than the %d that were posted", q.mark, file.Name, len(content), len(want))
		}
	}
	return nil
}

// bytes are those of a row, or those its reference names.
func (a *audit) bytes(ctx context.Context, here []byte, ref string) ([]byte, error) {
	if ref == "" {
		return here, nil
	}
	r, err := a.store.Open(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", ref, err)
	}
	defer r.Close()
	return io.ReadAll(r)
}

const readFiled = `
select i.id, i.connection, i.state, i.fields, i.files, coalesce(r.data, ''), coalesce(r.data_ref, ''),
	coalesce(i.lead_id, 0), coalesce(i.contact_id, 0), coalesce(l.status, ''),
	(select count(*) from interaction x where x.inquiry_id = i.id),
	(select count(*) from process_instance p where p.subject = i.lead_id and p.state = 'active'),
	(select count(*) from task t where t.subject = i.lead_id and t.status = 'open'),
	coalesce((select max(c.contact_id) from jsonb_array_elements(i.fields) f join contact_point c
		on c.kind = 'phone' and c.value = regexp_replace(f ->> 'value', '[^+0-9]', '', 'g')), 0)
from inquiry i left join inquiry_raw r on r.inquiry_id = i.id left join lead l on l.id = i.lead_id`

func (a *audit) read(ctx context.Context) ([]filed, error) {
	rows, err := a.tx.Query(ctx, readFiled)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (f filed, err error) {
		var fields []struct{ Key, Value string }
		err = row.Scan(&f.id, &f.connection, &f.state, &fields, &f.files, &f.raw, &f.ref, &f.lead, &f.contact, &f.leadStatus,
			&f.interactions, &f.instances, &f.tasks, &f.pointContact)
		f.fields = make(map[string]string, len(fields))
		for _, field := range fields {
			f.fields[field.Key] = field.Value
		}
		return f, err
	})
}

// leads wants nothing left behind on the way, and no lead that nobody works on.
func (a *audit) leads(ctx context.Context, _ *sender) error {
	for what, query := range map[string]string{
		"dead letters":                     `select id || ': ' || reason from inquiry where state = 'dead'`,
		"events that still wait":           `select topic || ' ' || lane from spool`,
		"incidents":                        `select process || ': ' || reason from incident`,
		"leads without a process":          `select l.id::text from lead l where not exists (select from process_instance p where p.subject = l.id)`,
		"leads without an inquiry":         `select l.id::text from lead l where not exists (select from inquiry i where i.lead_id = l.id)`,
		"start rules filled in twice":      `select name from start_rule group by 1 having count(*) > 1`,
		"contacts with two open leads":     `select contact_id::text from lead where status = 'open' and contact_id is not null group by 1 having count(*) > 1`,
		"leads without one current stage":  `select l.id::text from lead l where 1 <> (select count(*) from stage_visit v where v.lead_id = l.id and v.left_at is null)`,
		"instances with a gap in the past": `select i.id::text from process_instance i where i.revision <> (select count(*) from process_journal j where j.instance_id = i.id)`,
	} {
		if err := a.none(ctx, what, query); err != nil {
			return err
		}
	}
	return nil
}

// none wants a query to find nothing; what it finds it gives by name.
func (a *audit) none(ctx context.Context, what, query string, arguments ...any) error {
	rows, err := a.tx.Query(ctx, query, arguments...)
	if err != nil {
		return fmt.Errorf("look for %s: %w", what, err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for %s: %w", what, err)
	}
	if len(names) > 0 {
		a.find("%d %s: %s", len(names), what, strings.Join(names[:min(5, len(names))], "; "))
	}
	return nil
}

const readInstances = `
select i.id, i.snapshot,
	array(select no from task t where t.instance_id = i.id and t.status = 'open' order by no),
	array(select no from timer t where t.instance_id = i.id order by no),
	array(select no from subscription s where s.instance_id = i.id order by no)
from process_instance i`

// instances wants each snapshot to say the same as the tables beside it.
func (a *audit) instances(ctx context.Context, _ *sender) error {
	rows, err := a.tx.Query(ctx, readInstances)
	if err != nil {
		return err
	}
	var (
		id                           int64
		snapshot                     []byte
		tasks, timers, subscriptions []int
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &snapshot, &tasks, &timers, &subscriptions}, func() error {
		var in engine.Instance
		if err := json.Unmarshal(snapshot, &in); err != nil {
			return err
		}
		compare := func(what string, said, there []int) {
			slices.Sort(said)
			if !slices.Equal(said, there) {
				a.find("instance %d: its snapshot has %s %v, the table %v", id, what, said, there)
			}
		}
		compare("tasks", numbers(in.Tasks, func(t engine.Task) int { return t.No }), tasks)
		compare("timers", numbers(in.Timers, func(t engine.Timer) int { return t.No }), timers)
		compare("subscriptions", numbers(in.Subscriptions, func(s engine.Subscription) int { return s.No }), subscriptions)
		return nil
	})
	return err
}

func numbers[T any](list []T, no func(T) int) []int {
	all := make([]int, 0, len(list))
	for _, one := range list {
		all = append(all, no(one))
	}
	return all
}

// settle waits until all that was promised has been filed and nothing waits any more.
func (c *company) settle(ctx context.Context, t *testing.T, s *sender, patience time.Duration) {
	t.Helper()
	_, promised, _, _ := s.result()
	ids := make([]string, 0, len(promised))
	for _, id := range promised {
		ids = append(ids, id)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var missing, waiting int
	var err error
	for {
		err = c.pool.QueryRow(ctx, `select (select count(*) from unnest($1::text[]) p (id) where not exists (select from inquiry i where i.id = p.id)),
			(select count(*) from spool)`, ids).Scan(&missing, &waiting)
		if err == nil && missing == 0 && waiting == 0 {
			return
		}
		if !pause(ctx, 100*time.Millisecond) {
			t.Errorf("after %s %d of %d acknowledged inquiries are not filed and %d events wait (%v)", patience, missing, len(ids), waiting, err)
			return
		}
	}
}
