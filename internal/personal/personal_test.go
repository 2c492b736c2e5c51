package personal_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/personal"
	"marshrut/internal/postgres/postgrestest"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// tables are those of the database.
func tables(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, _ := pool.Query(t.Context(), "select table_name::text from information_schema.tables where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1")
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Whoever adds a table says here whether it holds data of clients, and how they are erased from it.
func TestEveryTableSaysWhetherItHoldsDataOfClients(t *testing.T) {
	pool := postgrestest.New(t)
	var named []string
	for _, table := range personal.Tables {
		named = append(named, table.Name)
		if (table.Where == "") != (table.Erase == "") || (table.Where == "") == (table.Why == "") {
			t.Errorf("%s: say where a person is in it and how they are erased, or why nobody is", table.Name)
		}
	}
	slices.Sort(named)
	if there := tables(t, pool); !slices.Equal(named, there) {
		for _, name := range there {
			if !slices.Contains(named, name) {
				t.Errorf("table %s is in the database, and package personal does not say whether it holds data of clients", name)
			}
		}
		for _, name := range named {
			if !slices.Contains(there, name) {
				t.Errorf("package personal knows a table %s that is not in the database", name)
			}
		}
	}
}

// marks are what tells who somebody is, in every place and form it was written.
type marks struct {
	name, phone, email, text string
	id                       int64 // of contact, client, lead and all that hangs on them
}

var (
	vera = marks{"Вера Зимородкова", "+79120000042", "vera.zimorodkova@example.org", "живу на Лесной, 7", 100}
	lev  = marks{"Лев Коростелёв", "+79120000043", "lev@example.org", "звоните после шести", 200}
)

// live writes a person into every table that can hold one.
func live(t *testing.T, pool *pgxpool.Pool, m marks) {
	t.Helper()
	who, err := json.Marshal(map[string]string{"name": m.name, "phone": m.phone, "email": m.email, "text": m.text})
	if err != nil {
		t.Fatal(err)
	}
	step := "file:steps/" + number(m.id) + "/" + strings.Repeat("ab", 32) + "/паспорт.pdf"
	args := pgx.NamedArgs{"id": m.id, "name": m.name, "phone": m.phone, "email": m.email, "text": m.text, "now": now, "who": string(who), "raw": who,
		"inquiry": "inquiry-" + number(m.id), "event": "event-" + number(m.id), "unread": "unread-" + number(m.id), "files": `[{"name": "a.pdf", "ref": "files/2026/03/02/` + number(m.id) + `/0"}]`,
		"step": `[{"id": "scan", "value": "` + step + `"}]`, "data_ref": "raw/2026/03/02/" + number(m.id), "object": "contact:" + number(m.id), "other": m.id + 1,
		"letter": []byte("From: " + m.email + "\r\nTel: 8 (" + m.phone[2:5] + ") " + m.phone[5:8] + "-" + m.phone[8:10] + "-" + m.phone[10:] + "\r\n")}
	for _, statement := range []string{
		`insert into funnel values ('f', 'Ф', 'F', 1) on conflict do nothing`,
		`insert into stage values ('f', 'won', 'У', 'W', 1, 100, 'won', 0) on conflict do nothing`,
		`insert into employee (id, login, name, permission, created_at) overriding system value values (1, 'anna', 'Анна', 'manager', @now) on conflict do nothing`,
		`insert into process_definition (id, key, version, name, xml, hash, published_at) overriding system value values (1, 'p', 1, 'P', '', '', @now) on conflict do nothing`,
		`insert into contact (id, name, created_at) overriding system value values (@id, @name, @now), (@other, @name, @now)`,
		`update contact set merged_into = @id where id = @other`,
		`insert into client (id, kind, name, inn, created_at) overriding system value values (@id, 'person', @name, '', @now)`,
		`insert into contact_client values (@id, @id, @text)`,
		`insert into contact_point values ('phone', @phone, @phone, '', @id, null, @now), ('email', @email, @email, '', @other, null, @now)`,
		`insert into merge_proposal (older_id, newer_id, inquiry_id, created_at) values (@id, @other, @inquiry, @now)`,
		`insert into contact_merge (kept_id, gone_id, at, moved) values (@id, @other, @now, jsonb_build_object('points', jsonb_build_array(@phone::text)))`,
		`insert into lead (id, title, client_id, contact_id, funnel, stage, status, channel, fields, utm, loss_comment, created_at, closed_at, last_activity_at) overriding system value
			values (@id, @name, @id, @other, 'f', 'won', 'won', 'form', @who::jsonb, @who::jsonb, @text, @now, @now, @now)`,
		`insert into close_event (lead_id, kind, at, comment, stage_then) values (@id, 'won', @now, @text, 'won')`,
		`insert into assignment (lead_id, employee_id, at, why) values (@id, 1, @now, @text)`,
		`insert into inquiry (id, connection, channel, state, received_at, filed_at, lead_id, contact_id, vendor_id, body_hash, subject, text, fields, details, files)
			values (@inquiry, 'site', 'form', 'filed', @now, @now, @id, @id, @email, '', @text, @text, jsonb_build_array(@who::jsonb), @who::jsonb, @files::jsonb)`,
		`insert into inquiry (id, connection, channel, state, received_at, filed_at, body_hash, reason) values (@unread, 'mail', 'mail', 'dead', @now, @now, '', @text)`,
		`insert into inquiry_raw values (@inquiry, @raw, @raw, @data_ref), (@event, @raw, @raw, ''), (@unread, '{}', @letter, '')`,
		`insert into inquiry_conflict (inquiry_id, received_at, body_hash, data) values (@inquiry, @now, '', @raw)`,
		`insert into interaction (lead_id, contact_id, direction, kind, at, subject, text, details, created_at) values (@id, @id, 'in', 'form', @now, @text, @text, @who::jsonb, @now)`,
		`insert into lead_ref values (@email, @id)`,
		`insert into call (id, connection, key, inquiry_id, first_at, number, inquiry, filed) overriding system value values (@id, 'phone', @event, 'other' || @event, @now, @phone, @who::jsonb, @who::jsonb)`,
		`insert into call_event values (@event, @id, @now, '', @who::jsonb)`,
		`insert into process_instance (id, definition_id, root_id, subject, state, snapshot, revision, started_at, ended_at)
			values (@id, 1, @id, @id, 'completed', json_build_object('process', 'p', 'state', 'completed', 'last', 3, 'vars', @who::json, 'steps', @who::json), 1, @now, @now)`,
		`insert into process_journal values (@id, 1, @id, @now, null, 'start', jsonb_build_array(@who::jsonb))`,
		`insert into task (id, instance_id, no, subject, process, element, title, hint, status, created_at, done_at, comment, steps)
			values (@id, @id, 1, @id, 'p', 'call', @name, @text, 'done', @now, @now, @text, @step::json)`,
		`insert into incident (instance_id, subject, process, reason, at) values (@id, @id, 'p', @text, @now)`,
		`insert into notice (employee_id, at, kind, lead_id, text) values (1, @now, 'task', @id, @name)`,
		`insert into journal (at, lead_id, object, action, data) values (@now, @id, 'lead:' || @id::bigint, 'lead.created', @who::jsonb),
			(@now, @id, 'lead:' || @id::bigint, 'lead.closed', @who::jsonb || '{"status": "won"}'), (@now, null, @object, 'contact.changed', @who::jsonb)`,
		`insert into delivery (connection, kind, object, payload, idempotency_key, lead_id, state, due_at, created_at, last_error)
			values ('mail', 'letter', '', @who::jsonb, @inquiry, @id, 'parked', @now, @now, @text), ('base', 'mirror', @object, @who::jsonb, @event, null, 'waiting', @now, @now, '')`,
		`insert into exchange_link (connection, kind, object_id, ref, agreed, version, changed_at, created_at) values ('base', 'contact', @id, 'ref-' || @id::bigint, @who::jsonb, 'v', @now, @now)`,
		`insert into exchange_conflict (connection, kind, object_id, ref, field, version, ours, theirs, kept, rule, at) values ('base', 'contact', @id, 'r', 'phone', 'v', @phone, @email, 'ours', 'we', @now)`,
	} {
		if _, err := pool.Exec(t.Context(), statement, args); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// left finds what of a person is still in the database, in text or in bytes.
func left(t *testing.T, pool *pgxpool.Pool, m marks) (where []string) {
	t.Helper()
	for _, table := range tables(t, pool) {
		rows, _ := pool.Query(t.Context(), "select t::text from "+table+" t")
		dump, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(dump, "\n")
		for _, mark := range []string{m.name, m.phone, m.email, m.text} {
			if strings.Contains(all, mark) || strings.Contains(all, hex.EncodeToString([]byte(mark))) {
				where = append(where, table)
				break
			}
		}
	}
	return where
}

func keep(context.Context, string) error { return nil }

func TestAPersonIsExportedWholeAndErasedWithoutATrace(t *testing.T) {
	pool := postgrestest.New(t)
	live(t, pool, vera)
	live(t, pool, lev)
	given := left(t, pool, lev)

	exported, err := personal.Export(t.Context(), pool, now, personal.Person{Phone: vera.phone})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range personal.Tables {
		if table.Where != "" && len(exported[table.Name]) == 0 {
			t.Errorf("nothing is exported of %s", table.Name)
		}
	}
	whole, err := json.Marshal(exported)
	if err != nil || !strings.Contains(string(whole), vera.name) || strings.Contains(string(whole), lev.name) {
		t.Errorf("the export names %t, and somebody else %t; %v", strings.Contains(string(whole), vera.name), strings.Contains(string(whole), lev.name), err)
	}

	her := personal.Person{Phone: vera.phone, Email: vera.email}
	away := errors.New("the bucket is away")
	if _, err := personal.Erase(t.Context(), pool, now, her, func(context.Context, string) error { return away }); !errors.Is(err, away) || len(left(t, pool, vera)) < 15 {
		t.Errorf("without the store of files: %v, and she is in %v", err, left(t, pool, vera))
	}
	done, err := personal.Erase(t.Context(), pool, now, her, keep)
	if err != nil {
		t.Fatal(err)
	}
	if where := left(t, pool, vera); len(where) > 0 {
		t.Errorf("she is still in %v", where)
	}
	if where := left(t, pool, lev); !slices.Equal(where, given) {
		t.Errorf("somebody else was in %v and is in %v", given, where)
	}
	slices.Sort(done.Files)
	if want := []string{"files/2026/03/02/100/0", "raw/2026/03/02/100", "steps/100/" + strings.Repeat("ab", 32)}; !slices.Equal(done.Files, want) {
		t.Errorf("files to delete are %v, want %v", done.Files, want)
	}
	if !slices.Equal(done.Elsewhere, []string{"base contact ref-100"}) {
		t.Errorf("other systems that hold her: %v", done.Elsewhere)
	}
	var leads, outcomes int
	err = pool.QueryRow(t.Context(), "select (select count(*) from lead where status = 'won'), (select count(*) from close_event)").Scan(&leads, &outcomes)
	if err != nil || leads != 2 || outcomes != 2 {
		t.Errorf("reports count %d leads and %d closings, %v; want both of each", leads, outcomes, err)
	}
	var closed string
	if err := pool.QueryRow(t.Context(), "select data::text from journal where action = 'lead.closed' and lead_id = $1", vera.id).Scan(&closed); err != nil || closed != `{"status": "won"}` {
		t.Errorf("of how the lead ended the journal knows %s, %v", closed, err)
	}
	if _, err := personal.Erase(t.Context(), pool, now, personal.Person{Phone: vera.phone}, keep); !errors.Is(err, personal.ErrUnknown) {
		t.Errorf("erased twice: %v", err)
	}
}

func TestAPersonSomebodyIsAtWorkForIsNotErased(t *testing.T) {
	pool := postgrestest.New(t)
	live(t, pool, vera)
	if _, err := pool.Exec(t.Context(), "update lead set status = 'open', closed_at = null"); err != nil {
		t.Fatal(err)
	}
	_, err := personal.Erase(t.Context(), pool, now, personal.Person{Contact: vera.id}, keep)
	if !errors.Is(err, personal.ErrOpen) || !strings.Contains(err.Error(), "100") {
		t.Errorf("got %v, want that lead 100 is open", err)
	}
	if len(left(t, pool, vera)) == 0 {
		t.Error("something was erased")
	}
}
