package processes_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/processes"
)

func TestAStartedProcessPutsItsFirstTaskBeforeTheOwnerItAssigned(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)

	instance := h.start("sale", lead)

	task := h.open(lead, "call")
	if owner := h.number("select owner from matter where id = 1"); owner == 0 || task.Assignee != int64(owner) {
		t.Errorf("the owner is %d, the task is with %d", owner, task.Assignee)
	}
	if task.Title != "Позвонить: Дело 1" || task.Instance != instance || task.Role != "manager" || task.SubjectTitle != "Дело 1" {
		t.Errorf("task %+v", task)
	}
	if want := morning.Add(15 * time.Minute); task.DueAt == nil || !task.DueAt.Equal(want) {
		t.Errorf("due at %v, want %v", task.DueAt, want)
	}
	if n := h.number("select count(*) from notice where employee_id = $1 and task_id = $2", task.Assignee, task.ID); n != 1 {
		t.Errorf("%d notices, want 1", n)
	}
}

func TestFiveHundredStartsAreAHandfulOfStatements(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	requests := make([]processes.StartRequest, 500)
	h.exec("insert into matter (id, title) select n, 'Дело ' || n from generate_series(1, 500) as n")
	for i := range requests {
		requests[i] = processes.StartRequest{Process: "sale", Subject: int64(i + 1)}
	}
	h.start("sale", h.matter(1000)) // the route map and the directory are known from now on

	var statements atomic.Int64
	config := h.pool.Config()
	config.ConnConfig.Tracer = counter{&statements}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	must(t, err)
	defer pool.Close()
	h.matters.performers = nobody{}
	var started []processes.Started
	must(t, postgres.InTx(t.Context(), pool, func(tx pgx.Tx) (err error) {
		started, err = h.Start(t.Context(), tx, requests)
		return err
	}))

	for i, s := range started {
		if s.Err != nil || s.Instance == 0 {
			t.Fatalf("request %d: %+v", i, s)
		}
	}
	if n := h.number("select count(*) from task where status = 'open'"); n != 501 {
		t.Errorf("%d open tasks, want 501", n)
	}
	if n := h.number("select count(*) from process_journal"); n != 501 {
		t.Errorf("%d lines of the journal, want 501", n)
	}
	// Of those, 500 are the effects of this test's own Apply.
	if own := statements.Load() - 500; own > 20 {
		t.Errorf("%d statements beside the effects, want a handful", own)
	}
}

func TestAProcessThatCannotStartIsAnIncidentAndCostsNobodyElse(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	h.publish("bad", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:userTask id="a" name="a"><bpmn:extensionElements>
		<mr:assignment role="manager"/><mr:stage key="forbidden"/></bpmn:extensionElements></bpmn:userTask>`, "s>a", "a>e")
	h.exec("insert into matter (id, title) select n, 'Дело ' || n from generate_series(1, 4) as n")

	started := h.startAll(processes.StartRequest{Process: "sale", Subject: 1}, processes.StartRequest{Process: "nothing", Subject: 2},
		processes.StartRequest{Process: "bad", Subject: 3}, processes.StartRequest{Process: "sale", Subject: 4}, processes.StartRequest{Process: "sale", Subject: 77})

	for i, good := range []bool{true, false, false, true, false} {
		if (started[i].Err == nil) != good || (started[i].Instance != 0) != good {
			t.Errorf("request %d: %+v", i, started[i])
		}
	}
	if a, b := h.openAt(1), h.openAt(4); a != "call" || b != "call" {
		t.Errorf("the good ones have tasks %q and %q", a, b)
	}
	list, err := h.Incidents(t.Context(), processes.IncidentFilter{})
	must(t, err)
	var about []int64
	for _, i := range list {
		about = append(about, i.Subject)
	}
	slices.Sort(about)
	if !slices.Equal(about, []int64{2, 3, 77}) {
		t.Errorf("incidents about %v, want 2, 3 and 77", about)
	}
	if n := h.number("select count(*) from process_instance where subject = 3"); n != 0 {
		t.Errorf("the process that failed left %d instances", n)
	}
}

func TestAnIncidentOfAStartIsRetriedWithTheMapAsItIsNow(t *testing.T) {
	h := newHouse(t)
	lead := h.matter(1)
	h.startAll(processes.StartRequest{Process: "sale", Subject: lead})
	list, err := h.Incidents(t.Context(), processes.IncidentFilter{})
	must(t, err)
	h.publish("sale", sale, saleFlows...)

	if err := h.RetryIncident(t.Context(), h.anna, list[0].ID); !errors.Is(err, staff.ErrNotAllowed) {
		t.Errorf("a manager retries: %v", err)
	}
	must(t, h.RetryIncident(t.Context(), h.head, list[0].ID))

	if at := h.openAt(lead); at != "call" {
		t.Errorf("open tasks %q, want call", at)
	}
	if list, _ = h.Incidents(t.Context(), processes.IncidentFilter{}); len(list) != 0 {
		t.Errorf("incidents still open: %+v", list)
	}
}

func TestAnInstanceThatFindsNoWayIsAnIncidentUntilRetried(t *testing.T) {
	h := newHouse(t)
	h.publish("way", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:exclusiveGateway id="g"/>`+user("a")+user("b"),
		"s>g", "g>a: lead.amount > 100", "g>b: lead.amount < 0", "a>e", "b>e")
	lead := h.matter(1)
	instance := h.start("way", lead)
	list, err := h.Incidents(t.Context(), processes.IncidentFilter{Subject: lead})
	must(t, err)
	if len(list) != 1 || list[0].Element != "g" || list[0].Instance != instance {
		t.Fatalf("incidents %+v", list)
	}
	if state := h.text("select state from process_instance"); state != "incident" {
		t.Errorf("the instance is %s", state)
	}

	h.exec("update matter set amount = 500")
	must(t, h.RetryIncident(t.Context(), h.admin, list[0].ID))

	if at, state := h.openAt(lead), h.text("select state from process_instance"); at != "a" || state != "active" {
		t.Errorf("open tasks %q, the instance is %s", at, state)
	}
}

func TestASingleProcessDoesNotRunTwiceAboutTheSameSubject(t *testing.T) {
	h := newHouse(t)
	h.publish("one", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("a"), "s>a", "a>e")
	lead := h.matter(1)
	first := h.start("one", lead)

	again := h.startAll(processes.StartRequest{Process: "one", Subject: lead, Single: true})
	if !again[0].Running || again[0].Instance != first {
		t.Errorf("got %+v, want the running one, %d", again[0], first)
	}
	h.complete(h.admin, h.open(lead, "a"), "")
	again = h.startAll(processes.StartRequest{Process: "one", Subject: lead, Single: true}, processes.StartRequest{Process: "one", Subject: lead, Single: true})

	if again[0].Running || again[0].Instance == first || !again[1].Running || again[1].Instance != again[0].Instance {
		t.Errorf("got %+v, want one new run", again)
	}
}
