package processes_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/internal/staff"
	"marshrut/processes"
	"marshrut/processes/bpmn"
	"marshrut/processes/bpmn/bpmntest"
)

// Tuesday, ten in the morning in Moscow: everybody is at work.
var morning = time.Date(2026, 3, 17, 10, 0, 0, 0, time.FixedZone("MSK", 3*3600))

// house is a company with three managers, a head and an administrator, whose
// processes are about matters: rows of a table of this test.
type house struct {
	*processes.Service
	t       testing.TB
	url     string
	pool    *pgxpool.Pool
	people  *staff.Staff
	matters *matters

	mu  sync.Mutex
	now time.Time

	anna, boris, vera, head, admin staff.Actor
}

func newHouse(t testing.TB) *house {
	t.Helper()
	url := postgrestest.URL(t)
	pool, err := postgres.Open(context.Background(), url, postgres.Options{MaxConns: 24, Application: "test"})
	must(t, err)
	t.Cleanup(pool.Close)
	h := &house{t: t, url: url, pool: pool, people: staff.New(pool, staff.Options{}), now: morning, matters: &matters{}}
	h.exec(`create table matter (id bigint primary key, title text not null, amount numeric not null default 0,
		stage text not null default 'new' check (stage <> 'forbidden'), status text not null default 'open', owner bigint not null default 0,
		familiar bigint not null default 0, helpers bigint[] not null default '{}')`)
	h.exec(`create table outgoing (matter bigint not null, at timestamptz not null)`)
	for _, r := range []staff.Role{{Key: "manager", NameRu: "Менеджер"}, {Key: "head", NameRu: "РОП"}, {Key: "service", NameRu: "Сервис"}} {
		must(t, h.people.SaveRole(t.Context(), staff.System(), r, morning))
	}
	h.anna, h.boris, h.vera = h.hire("anna", staff.Manager, "manager"), h.hire("boris", staff.Manager, "manager"), h.hire("vera", staff.Manager, "manager")
	h.head, h.admin = h.hire("head", staff.Head, "head"), h.hire("admin", staff.Admin)
	h.Service = h.service(pool)
	h.matters.performers = h.Service
	return h
}

// service is one more gateway on the same database.
func (h *house) service(pool *pgxpool.Pool) *processes.Service {
	return processes.New(pool, h.matters, h.matters, h.people, processes.Options{Now: h.clock, Environment: func(context.Context, postgres.DB) (bpmn.Environment, error) {
		env := bpmntest.Environment()
		env.Roles["service"] = "Сервис"
		return env, nil
	}})
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now.IsZero() {
		return time.Now()
	}
	return h.now
}

// pass lets time go by, and fires what falls due.
func (h *house) pass(d time.Duration) {
	h.t.Helper()
	h.mu.Lock()
	h.now = h.now.Add(d)
	h.mu.Unlock()
	for {
		n, err := h.TakeDue(h.t.Context(), h.clock(), 100)
		must(h.t, err)
		if n == 0 {
			return
		}
	}
}

// hire adds a person without a password: nobody signs in here, and making one takes long.
func (h *house) hire(login string, p staff.Permission, roles ...string) staff.Actor {
	h.t.Helper()
	h.exec("insert into employee (login, name, permission, created_at) values ($1, upper($1), $2, $3)", login, string(p), morning)
	h.exec("insert into role_member (role, employee_id) select r, e.id from unnest($2::text[]) as r, employee e where e.login = $1", login, roles)
	var id int64
	must(h.t, h.pool.QueryRow(h.t.Context(), "select id from employee where login = $1", login).Scan(&id))
	return staff.Actor{ID: id, Login: login, Name: strings.ToUpper(login), Language: "ru", Permission: p, Roles: roles}
}

func (h *house) directory() *staff.Directory {
	h.t.Helper()
	d, err := h.people.Directory(h.t.Context(), h.pool)
	must(h.t, err)
	return d
}

// publish publishes a map in the shorthand of bpmntest.
func (h *house) publish(key, elements string, flows ...string) processes.Definition {
	h.t.Helper()
	d, problems, err := h.Publish(h.t.Context(), h.head, []byte(bpmntest.XML(key, elements, flows...)))
	if err != nil {
		h.t.Fatalf("publish %s: %v %+v", key, err, problems)
	}
	return d
}

// matter makes something to run a process about.
func (h *house) matter(id int64) int64 {
	h.t.Helper()
	h.exec("insert into matter (id, title) values ($1, $2)", id, fmt.Sprintf("Дело %d", id))
	return id
}

func (h *house) start(key string, subject int64) int64 {
	h.t.Helper()
	started := h.startAll(processes.StartRequest{Process: key, Subject: subject})
	must(h.t, started[0].Err)
	return started[0].Instance
}

func (h *house) startAll(requests ...processes.StartRequest) []processes.Started {
	h.t.Helper()
	var started []processes.Started
	must(h.t, postgres.InTx(h.t.Context(), h.pool, func(tx pgx.Tx) (err error) {
		started, err = h.Start(h.t.Context(), tx, requests)
		return err
	}))
	return started
}

// tell delivers a message.
func (h *house) tell(subject int64, name string) {
	h.t.Helper()
	must(h.t, postgres.InTx(h.t.Context(), h.pool, func(tx pgx.Tx) error {
		return h.Correlate(h.t.Context(), tx, []processes.Message{{Subject: subject, Name: name}})
	}))
}

// open is the open task of the subject at an element.
func (h *house) open(subject int64, element string) processes.Task {
	h.t.Helper()
	page, err := h.Tasks(h.t.Context(), processes.TaskFilter{Subject: subject, Element: element, Status: processes.TaskOpen})
	must(h.t, err)
	if len(page.Items) != 1 {
		h.t.Fatalf("subject %d has %d open tasks at %s, want 1", subject, len(page.Items), element)
	}
	task, err := h.Task(h.t.Context(), page.Items[0].ID)
	must(h.t, err)
	return task
}

// openAt are the elements of the open tasks about a subject.
func (h *house) openAt(subject int64) string {
	h.t.Helper()
	page, err := h.Tasks(h.t.Context(), processes.TaskFilter{Subject: subject, Status: processes.TaskOpen})
	must(h.t, err)
	var at []string
	for _, task := range page.Items {
		at = append(at, task.Element)
	}
	return strings.Join(at, " ")
}

func (h *house) complete(actor staff.Actor, task processes.Task, outcome string) processes.Result {
	h.t.Helper()
	r, err := h.Complete(h.t.Context(), actor, task.ID, processes.Completion{Outcome: outcome, Revision: task.Revision})
	must(h.t, err)
	return r
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	_, err := h.pool.Exec(h.t.Context(), sql, args...)
	must(h.t, err)
}

// number reads one number.
func (h *house) number(sql string, args ...any) (n int) {
	h.t.Helper()
	must(h.t, h.pool.QueryRow(h.t.Context(), sql, args...).Scan(&n))
	return n
}

// text reads one text.
func (h *house) text(sql string, args ...any) (s string) {
	h.t.Helper()
	must(h.t, h.pool.QueryRow(h.t.Context(), sql, args...).Scan(&s))
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// matters are Subjects and Effects over the table matter.
type matters struct {
	performers performers
	onApply    func()
}

type performers interface {
	Performers(context.Context, pgx.Tx, time.Time, []processes.Vacancy) ([]processes.Performer, error)
}

// nobody is performers without a look at the database.
type nobody struct{}

func (nobody) Performers(context.Context, pgx.Tx, time.Time, []processes.Vacancy) ([]processes.Performer, error) {
	return make([]processes.Performer, 1), nil
}

// counter counts the statements of a pool.
type counter struct{ statements *atomic.Int64 }

func (c counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.statements.Add(1)
	return ctx
}
func (counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (counter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}
func (c counter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {
	c.statements.Add(1)
}
func (counter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (m *matters) Lock(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]processes.Subject, error) {
	return m.read(ctx, tx, ids, "for no key update")
}

func (m *matters) Read(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]processes.Subject, error) {
	return m.read(ctx, tx, ids, "")
}

func (m *matters) read(ctx context.Context, tx pgx.Tx, ids []int64, lock string) (map[int64]processes.Subject, error) {
	rows, err := tx.Query(ctx, "select id, title, amount::float8, stage, status, owner, familiar, helpers from matter where id = any($1) order by id "+lock, ids)
	if err != nil {
		return nil, err
	}
	found := map[int64]processes.Subject{}
	var s processes.Subject
	var amount float64
	var stage, status string
	_, err = pgx.ForEachRow(rows, []any{&s.ID, &s.Title, &amount, &stage, &status, &s.Owner, &s.Familiar, &s.Helpers}, func() error {
		s.Closed = status != "open"
		s.Values = map[string]any{"lead": map[string]any{"title": s.Title, "amount": amount, "stage": stage}}
		found[s.ID] = s
		s.Helpers = nil
		return nil
	})
	return found, err
}

func (m *matters) Facts(ctx context.Context, tx pgx.Tx, id int64, since time.Time) (map[string]any, error) {
	var out float64
	err := tx.QueryRow(ctx, "select count(*)::float8 from outgoing where matter = $1 and at >= $2", id, since).Scan(&out)
	return map[string]any{"contacts": map[string]any{"out": out}}, err
}

func (m *matters) Apply(ctx context.Context, tx pgx.Tx, now time.Time, effects []processes.Effect) (map[int64]processes.Subject, error) {
	if m.onApply != nil {
		m.onApply()
	}
	var ids []int64
	for _, e := range effects {
		if err := m.apply(ctx, tx, now, e); err != nil {
			return nil, fmt.Errorf("%s of matter %d: %w", e.Action, e.Subject, err)
		}
		ids = append(ids, e.Subject)
	}
	return m.Read(ctx, tx, ids)
}

func (m *matters) apply(ctx context.Context, tx pgx.Tx, now time.Time, e processes.Effect) (err error) {
	switch e.Action {
	case "set-stage":
		_, err = tx.Exec(ctx, "update matter set stage = $2 where id = $1", e.Subject, e.Params["stage"])
	case "set-field":
		_, err = tx.Exec(ctx, "update matter set amount = $2 where id = $1", e.Subject, e.Params["value"])
	case "close":
		_, err = tx.Exec(ctx, "update matter set status = $2 where id = $1", e.Subject, e.Params["status"])
	case "assign":
		role, _ := e.Params["role"].(string)
		found, err := m.performers.Performers(ctx, tx, now, []processes.Vacancy{{Role: role, Mode: bpmn.RoundRobin}})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "update matter set owner = $2 where id = $1", e.Subject, found[0].Employee)
		return err
	default:
		err = fmt.Errorf("no such effect")
	}
	return err
}
