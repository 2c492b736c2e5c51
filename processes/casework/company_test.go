package casework_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
	"marshrut/processes/casework"
)

// Tuesday, ten in the morning in Moscow: everybody is at work.
var morning = time.Date(2026, 3, 17, 10, 0, 0, 0, time.FixedZone("MSK", 3*3600))

// company is a small sales department in a database of its own: two managers and
// their head, one funnel, the two route maps of testdata and the first start rules.
type company struct {
	*casework.Casework
	t      testing.TB
	pool   *pgxpool.Pool
	repo   *repository.Repository
	people *staff.Staff
	rules  *casework.Rules

	anna, boris, olga, root, mark staff.Actor

	mu    sync.Mutex
	clock time.Time
	calls int
}

func newCompany(t testing.TB) *company { return newCompanyWith(t, "testdata") }

// newCompanyWith runs the route maps of a folder.
func newCompanyWith(t testing.TB, maps string) *company {
	t.Helper()
	c := &company{t: t, pool: postgrestest.New(t), clock: morning}
	c.people = staff.New(c.pool, staff.Options{})
	c.rules = casework.NewRules(c.pool)
	c.repo = repository.New(c.pool, repository.Options{Funnel: c.rules.Funnel})
	c.Casework = casework.New(c.pool, c.repo, c.rules, c.people, casework.Options{Now: c.now})
	c.furnish()
	c.anna = c.hire("anna", staff.Manager, "manager")
	c.boris = c.hire("boris", staff.Manager, "manager")
	c.olga = c.hire("olga", staff.Head, "head")
	c.root = c.hire("root", staff.Admin)
	c.mark = c.hire("mark", staff.Marketer)
	c.must(c.rules.Load(t.Context()))
	c.must(c.Processes().SeedDefinitions(t.Context(), os.DirFS(maps)))
	return c
}

// furnish fills dictionaries, roles and rules.
func (c *company) furnish() {
	c.t.Helper()
	words := repository.StandardDictionaries()
	words.Funnels = append(words.Funnels, leads.Funnel{Key: "service", NameRU: "Сервис", NameEN: "Service", Stages: []leads.Stage{
		{Key: "new", NameRU: "Новый", NameEN: "New", Probability: 5}, {Key: "proposal", NameRU: "Предложение", NameEN: "Proposal", Probability: 50}}})
	words.OwnFields = append(words.OwnFields, leads.OwnField{Key: "area", NameRU: "Площадь", NameEN: "Area", Kind: "number"})
	c.tx(func(ctx context.Context, tx pgx.Tx) error {
		if err := c.repo.Seed(ctx, tx, words); err != nil {
			return err
		}
		if err := c.people.Seed(ctx, tx, staff.StandardDefaults("Europe/Moscow")); err != nil {
			return err
		}
		return c.SeedRules(ctx, tx)
	})
}

// hire adds somebody who never signs in: hashing a password takes longer than most tests.
func (c *company) hire(login string, p staff.Permission, roles ...string) staff.Actor {
	c.t.Helper()
	var id int64
	c.must(c.pool.QueryRow(c.t.Context(), `insert into employee (login, name, permission, created_at) values ($1, $2, $3, $4) returning id`,
		login, strings.ToUpper(login), p, morning).Scan(&id))
	_, err := c.pool.Exec(c.t.Context(), `insert into role_member (role, employee_id) select unnest($1::text[]), $2`, roles, id)
	c.must(err)
	return staff.Actor{ID: id, Login: login, Name: strings.ToUpper(login), Language: "ru", Permission: p, Roles: roles}
}

func (c *company) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock
}

func (c *company) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock = c.clock.Add(d)
}

func (c *company) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *company) tx(f func(context.Context, pgx.Tx) error) {
	c.t.Helper()
	c.must(postgres.InTx(c.t.Context(), c.pool, func(tx pgx.Tx) error { return f(c.t.Context(), tx) }))
}

// arrive captures inquiries and lets them have their effect, as intake does: one
// transaction, run again after a race.
func (c *company) arrive(in ...leads.Inquiry) []repository.Captured {
	c.t.Helper()
	captured, err := c.tryArrive(c.t.Context(), in...)
	c.must(err)
	return captured
}

func (c *company) tryArrive(ctx context.Context, in ...leads.Inquiry) (captured []repository.Captured, err error) {
	for range 5 {
		err = postgres.InTx(ctx, c.pool, func(tx pgx.Tx) error {
			now := c.now()
			if captured, err = c.repo.Capture(ctx, tx, now, in); err != nil {
				return err
			}
			return c.Arrive(ctx, tx, now, captured)
		})
		if postgres.Classify(err) != postgres.Race {
			break
		}
	}
	return captured, err
}

// rewrite changes the start rules behind the program's back.
func (c *company) rewrite(query string) {
	c.t.Helper()
	c.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, query)
		return err
	})
	c.must(c.rules.Load(c.t.Context()))
}

// form is an inquiry of a person with that phone.
func (c *company) form(phone string) leads.Inquiry {
	c.t.Helper()
	return c.inquiry(leads.ChannelForm, phone)
}

func (c *company) inquiry(channel leads.Channel, phone string) leads.Inquiry {
	c.t.Helper()
	point, ok := leads.Phone(phone, "RU")
	if !ok {
		c.t.Fatalf("%q is no phone", phone)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	return leads.Inquiry{ID: fmt.Sprintf("inquiry-%d", c.calls), Connection: "site", Channel: channel, ReceivedAt: c.clock,
		BodyHash: []byte{byte(c.calls), byte(c.calls >> 8)}, Name: "Иван", Points: []leads.ContactPoint{point}, Text: "Хочу теплицу"}
}

func (c *company) missedCall(phone string) leads.Inquiry {
	in := c.inquiry(leads.ChannelCall, phone)
	in.Call = &leads.Call{Ring: 20 * time.Second, Dialled: "+74950000000"}
	return in
}

// lead reads a lead.
func (c *company) lead(id int64) leads.Lead {
	c.t.Helper()
	found, err := c.repo.LeadContexts(c.t.Context(), c.pool, []int64{id})
	c.must(err)
	return found[id].Lead
}

// tasks are the open tasks of a lead.
func (c *company) tasks(lead int64) []processes.Task {
	c.t.Helper()
	page, err := c.Processes().Tasks(c.t.Context(), processes.TaskFilter{Subject: lead, Status: processes.TaskOpen})
	c.must(err)
	return page.Items
}

// task is the only open task of a lead.
func (c *company) task(lead int64) processes.Task {
	c.t.Helper()
	list := c.tasks(lead)
	if len(list) != 1 {
		c.t.Fatalf("lead %d has %d open tasks, want 1: %+v", lead, len(list), list)
	}
	return list[0]
}

// who is the manager with the id.
func (c *company) who(id int64) staff.Actor {
	c.t.Helper()
	for _, a := range []staff.Actor{c.anna, c.boris, c.olga, c.root} {
		if a.ID == id {
			return a
		}
	}
	c.t.Fatalf("nobody has the id %d", id)
	return staff.Actor{}
}

// called notes an outgoing call, the evidence that a step asks for.
func (c *company) called(actor staff.Actor, lead int64) {
	c.t.Helper()
	_, err := c.AddInteraction(c.t.Context(), actor, lead, leads.Interaction{Kind: leads.KindCall, Direction: leads.DirectionOut, Talk: time.Minute})
	c.must(err)
}

func (c *company) step(actor staff.Actor, task processes.Task, step string, value any) {
	c.t.Helper()
	_, err := c.DoStep(c.t.Context(), actor, task.ID, step, value)
	c.must(err)
}

// offer brings a new lead to the task of preparing an offer, the second of its map.
func (c *company) offer(phone string) (leads.Lead, staff.Actor, processes.Task) {
	c.t.Helper()
	id := c.arrive(c.form(phone))[0].LeadID
	task := c.task(id)
	actor := c.who(task.Assignee)
	c.step(actor, task, "history", nil)
	c.called(actor, id)
	c.step(actor, task, "call", nil)
	_, err := c.CompleteTask(c.t.Context(), actor, task.ID, processes.Completion{Outcome: "talked"})
	c.must(err)
	return c.lead(id), actor, c.task(id)
}

// count asks for one number.
func (c *company) count(query string, args ...any) int {
	c.t.Helper()
	var n int
	c.must(c.pool.QueryRow(c.t.Context(), query, args...).Scan(&n))
	return n
}
