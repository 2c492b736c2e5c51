package processes_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/pipeline/delivery"
	"marshrut/processes"
	"marshrut/processes/bpmn/bpmntest"
)

// after is an intermediate timer.
func after(id, duration string) string {
	return `<bpmn:intermediateCatchEvent id="` + id + `"><bpmn:timerEventDefinition><bpmn:timeDuration>` + duration +
		`</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>`
}

// on waits for a message.
func on(id, message string) string {
	return `<bpmn:intermediateCatchEvent id="` + id + `"><bpmn:messageEventDefinition mr:message="` + message + `"/></bpmn:intermediateCatchEvent>`
}

const se = `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`

// either waits for a message or an hour.
func (h *house) either() {
	h.publish("either", se+`<bpmn:eventBasedGateway id="g"/>`+on("m", "paid")+after("t", "PT1H")+user("thank")+user("remind"),
		"s>g", "g>m", "g>t", "m>thank", "t>remind", "thank>e", "remind>e")
}

func TestATimerFiresWhenItIsDueAndNotBefore(t *testing.T) {
	h := newHouse(t)
	h.publish("wait", se+after("t", "PT1H")+user("a"), "s>t", "t>a", "a>e")
	lead := h.matter(1)
	h.start("wait", lead)

	h.pass(59 * time.Minute)
	if at := h.openAt(lead); at != "" {
		t.Errorf("a minute early there is a task %q", at)
	}
	h.pass(time.Minute)

	if at := h.openAt(lead); at != "a" {
		t.Errorf("open tasks %q, want a", at)
	}
	if n := h.number("select count(*) from timer"); n != 0 {
		t.Errorf("%d timers are left", n)
	}
}

func TestLateWorkIsRemindedOfThenTheHeadIsToldThenItIsTakenAway(t *testing.T) {
	h, lead, _ := newSale(t)
	task := h.open(lead, "call")
	overdue := func(id int64) int {
		return h.number("select count(*) from notice where employee_id = $1 and kind = 'overdue'", id)
	}

	h.pass(10 * time.Minute)
	if n := overdue(task.Assignee); n != 1 {
		t.Errorf("after ten minutes the assignee has %d notices, want the reminder", n)
	}
	h.pass(5 * time.Minute)
	if n := overdue(h.head.ID); n != 1 {
		t.Errorf("after fifteen minutes the head has %d notices, want 1", n)
	}
	if late := h.open(lead, "call"); late.Assignee != task.Assignee {
		t.Errorf("the task was taken away too early")
	}
	h.pass(15 * time.Minute)

	now := h.open(lead, "call")
	if now.Assignee == task.Assignee || now.Assignee == 0 || !now.Overdue {
		t.Errorf("after half an hour the task is with %d, overdue %v", now.Assignee, now.Overdue)
	}
	if n := h.number("select count(*) from notice where employee_id = $1 and kind = 'task'", now.Assignee); n != 1 {
		t.Errorf("the new assignee has %d notices of it, want 1", n)
	}
}

func TestWorkingTimeStopsWhileTheCompanySleeps(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	h.now = morning.Add(7*time.Hour + 50*time.Minute) // ten minutes before closing
	lead := h.matter(1)

	h.start("sale", lead)

	if task, want := h.open(lead, "call"), morning.Add(23*time.Hour+5*time.Minute); !task.DueAt.Equal(want) {
		t.Errorf("due %v, want five past nine on the next day, %v", task.DueAt, want)
	}
}

func TestAMessageTakesTheTimerAway(t *testing.T) {
	h := newHouse(t)
	h.either()
	lead, other := h.matter(1), h.matter(2)
	h.start("either", lead)
	h.start("either", other)

	h.tell(lead, "paid")
	h.tell(lead, "paid") // a repeat finds nobody waiting
	h.pass(2 * time.Hour)

	if a, b := h.openAt(lead), h.openAt(other); a != "thank" || b != "remind" {
		t.Errorf("open tasks %q and %q, want thank and remind", a, b)
	}
	if n := h.number("select (select count(*) from timer) + (select count(*) from subscription)"); n != 0 {
		t.Errorf("%d waits are left", n)
	}
}

func TestOfAMessageAndATimerAtTheSameMomentExactlyOneWins(t *testing.T) {
	h := newHouse(t)
	h.either()
	const leads = 40
	for lead := range int64(leads) {
		h.start("either", h.matter(lead+1))
	}
	now := h.clock().Add(time.Hour)

	var group errgroup.Group
	for worker := range 4 {
		group.Go(func() error {
			for lead := range int64(leads) {
				if lead%4 != int64(worker) {
					continue
				}
				err := postgres.InTx(context.Background(), h.pool, func(tx pgx.Tx) error {
					return h.Correlate(context.Background(), tx, []processes.Message{{Subject: lead + 1, Name: "paid"}})
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		group.Go(func() error { return takeAll(h.Service, now, 7) })
	}
	must(t, group.Wait())

	for lead := range int64(leads) {
		if at := h.openAt(lead + 1); at != "thank" && at != "remind" {
			t.Errorf("matter %d has tasks %q, want one", lead+1, at)
		}
	}
	must(t, takeAll(h.Service, now, 100))
	if n := h.number("select (select count(*) from timer) + (select count(*) from subscription)"); n != 0 {
		t.Errorf("%d waits are left", n)
	}
}

// takeAll fires timers until none is due that nobody else holds.
func takeAll(s *processes.Service, now time.Time, limit int) error {
	for {
		n, err := s.TakeDue(context.Background(), now, limit)
		if err != nil || n == 0 {
			return err
		}
	}
}

func TestEachTimerFiresOnceHoweverManyWorkersThereAre(t *testing.T) {
	h := newHouse(t)
	h.publish("wait", se+after("t", "PT1H")+user("a"), "s>t", "t>a", "a>e")
	h.exec("insert into matter (id, title) select n, 'Дело ' || n from generate_series(1, 300) as n")
	requests := make([]processes.StartRequest, 300)
	for i := range requests {
		requests[i] = processes.StartRequest{Process: "wait", Subject: int64(i + 1)}
	}
	h.startAll(requests...)
	now := h.clock().Add(time.Hour)

	var group errgroup.Group
	for range 6 {
		gateway := h.service(h.pool)
		group.Go(func() error { return takeAll(gateway, now, 20) })
	}
	must(t, group.Wait())

	if n := h.number("select count(*) from process_journal where command = 'timer'"); n != 300 {
		t.Errorf("%d timers fired, want 300", n)
	}
	if n := h.number("select count(*) from task"); n != 300 {
		t.Errorf("%d tasks, want 300", n)
	}
}

func TestClicksAndTimersOnTheSameCasesDoNotDeadlock(t *testing.T) {
	h := newHouse(t)
	h.publish("guarded", se+user("a")+user("late")+`<bpmn:boundaryEvent id="b" attachedToRef="a"><bpmn:timerEventDefinition>
		<bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>`, "s>a", "a>e", "b>late", "late>e")
	const leads = 60
	var tasks []processes.Task
	for lead := range int64(leads) {
		h.start("guarded", h.matter(lead+1))
		tasks = append(tasks, h.open(lead+1, "a"))
	}
	now := h.clock().Add(time.Hour)

	var group errgroup.Group
	for worker := range 3 {
		group.Go(func() error {
			for i := worker; i < leads; i += 3 {
				_, err := h.Complete(context.Background(), h.admin, tasks[leads-1-i].ID, processes.Completion{})
				if err != nil && !strings.Contains(err.Error(), "taken away") {
					return fmt.Errorf("complete: %w", err)
				}
			}
			return nil
		})
		group.Go(func() error { return takeAll(h.Service, now, 20) })
	}
	must(t, group.Wait())
	must(t, takeAll(h.Service, now, 100))

	done, late := h.number("select count(*) from task where element = 'a' and status = 'done'"), h.number("select count(*) from task where element = 'late'")
	if done+late != leads {
		t.Errorf("%d done in time and %d late, want %d together", done, late, leads)
	}
	if n := h.number("select count(*) from timer"); n != 0 {
		t.Errorf("%d timers are left", n)
	}
}

func TestATimerThatCannotFireIsPutOffAndHoldsUpNobody(t *testing.T) {
	h := newHouse(t)
	h.publish("wait", se+after("t", "PT1H")+`<bpmn:userTask id="a" name="a"><bpmn:extensionElements><mr:assignment role="manager"/>
		<mr:stage key="late"/></bpmn:extensionElements></bpmn:userTask>`, "s>t", "t>a", "a>e")
	for lead := range int64(5) {
		h.start("wait", h.matter(lead+1))
	}
	h.exec("alter table matter add constraint stays check (id <> 3 or stage <> 'late')")

	h.pass(time.Hour)

	for lead := range int64(5) {
		if at := h.openAt(lead + 1); (at == "a") != (lead+1 != 3) {
			t.Errorf("matter %d has tasks %q", lead+1, at)
		}
	}
	for range 6 {
		h.pass(time.Hour)
	}
	list, err := h.Incidents(t.Context(), processes.IncidentFilter{Subject: 3})
	must(t, err)
	if len(list) != 1 || !strings.Contains(list[0].Reason, "таймер") {
		t.Fatalf("incidents %+v", list)
	}

	h.exec("alter table matter drop constraint stays")
	must(t, h.RetryIncident(t.Context(), h.head, list[0].ID))
	h.pass(time.Second)
	if at := h.openAt(3); at != "a" {
		t.Errorf("after the repair matter 3 has tasks %q", at)
	}
}

func TestTimersFireByThemselvesSoonAfterTheyAreSet(t *testing.T) {
	h := newHouse(t)
	h.publish("soon", se+after("t", "PT0.3S")+user("a"), "s>t", "t>a", "a>e")
	gateway := processes.New(h.pool, h.matters, h.matters, h.people, processes.Options{})
	ctx, stop := context.WithCancel(t.Context())
	var group errgroup.Group
	group.Go(func() error { return gateway.RunTimers(ctx) })
	lead := h.matter(1)
	must(t, postgres.InTx(ctx, h.pool, func(tx pgx.Tx) error {
		_, err := gateway.Start(ctx, tx, []processes.StartRequest{{Process: "soon", Subject: lead}})
		return err
	}))

	deadline, tick := time.After(10*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for h.number("select count(*) from task") == 0 {
		select {
		case <-deadline:
			t.Fatal("the timer has not fired in ten seconds")
		case <-tick.C:
		}
	}
	stop()
	must(t, group.Wait())
}

func TestAMessageThatAProcessCannotBearCostsNobodyElse(t *testing.T) {
	h := newHouse(t)
	h.publish("wait", se+on("m", "paid")+`<bpmn:userTask id="a" name="a"><bpmn:extensionElements><mr:assignment role="manager"/>
		<mr:stage key="paid"/></bpmn:extensionElements></bpmn:userTask>`, "s>m", "m>a", "a>e")
	for lead := range int64(3) {
		h.start("wait", h.matter(lead+1))
	}
	h.exec("alter table matter add check (id <> 2 or stage <> 'paid')")

	must(t, postgres.InTx(t.Context(), h.pool, func(tx pgx.Tx) error {
		return h.Correlate(t.Context(), tx, []processes.Message{{Subject: 1, Name: "paid"}, {Subject: 2, Name: "paid"}, {Subject: 3, Name: "paid"}})
	}))

	if a, b, c := h.openAt(1), h.openAt(2), h.openAt(3); a != "a" || b != "" || c != "a" {
		t.Errorf("open tasks %q, %q and %q", a, b, c)
	}
	if n := h.number("select count(*) from incident where subject = 2"); n != 1 {
		t.Errorf("%d incidents, want 1", n)
	}
}

func TestAProcessWaitsForItsDeliveryAndLearnsWhatBecameOfIt(t *testing.T) {
	h := newHouse(t)
	h.publish("hook", se+`<bpmn:serviceTask id="send" name="Сообщить"><bpmn:extensionElements>
		<mr:action name="webhook" connection="https://crm.example/hook" wait="true"/></bpmn:extensionElements></bpmn:serviceTask>`+user("a"), "s>send", "send>a", "a>e")
	var failures = []error{nil, fmt.Errorf("410 Gone")}
	for i, failure := range failures {
		lead := h.matter(int64(i + 1))
		h.start("hook", lead)
		var d delivery.Delivery
		must(t, h.pool.QueryRow(t.Context(), "select instance_id, token, connection from delivery where lead_id = $1", lead).Scan(&d.Instance, &d.Token, &d.Connection))
		var call delivery.WebhookCall
		must(t, h.pool.QueryRow(t.Context(), "select payload from delivery where lead_id = $1", lead).Scan(&call))
		if call.URL != "https://crm.example/hook" || !strings.Contains(string(call.Body), fmt.Sprintf(`"subject": "%d"`, lead)) {
			t.Errorf("the call is to %s with %s", call.URL, call.Body)
		}
		must(t, postgres.InTx(t.Context(), h.pool, func(tx pgx.Tx) error { return h.Settle(t.Context(), tx, d, failure) }))
	}

	if at := h.openAt(1); at != "a" {
		t.Errorf("after the delivery there are tasks %q", at)
	}
	list, err := h.Incidents(t.Context(), processes.IncidentFilter{Subject: 2})
	must(t, err)
	if len(list) != 1 || !strings.Contains(list[0].Reason, "410 Gone") {
		t.Errorf("after the failure there are incidents %+v", list)
	}

	must(t, postgres.InTx(t.Context(), h.pool, func(tx pgx.Tx) error { // somebody gives up what failed
		rows, _ := tx.Query(t.Context(), "select id from delivery where lead_id = 2")
		id, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
		must(t, err)
		given, err := delivery.Discard(t.Context(), tx, time.Now(), id, "не нужно")
		must(t, err)
		return h.GiveUp(t.Context(), tx, staff.System(), []delivery.Delivery{given})
	}))
	list, err = h.Incidents(t.Context(), processes.IncidentFilter{Subject: 2})
	must(t, err)
	if at := h.openAt(2); at != "a" || len(list) > 0 {
		t.Errorf("after it was given up there are tasks %q and incidents %+v", at, list)
	}
}

func TestShippedMapsAreSeededOnceAndLeftAloneThen(t *testing.T) {
	h := newHouse(t)
	files := fstest.MapFS{"one.bpmn": {Data: []byte(bpmntest.XML("one", se+user("a"), "s>a", "a>e"))},
		"two.bpmn": {Data: []byte(bpmntest.XML("two", se+`<bpmn:callActivity id="c" calledElement="one"/>`, "s>c", "c>e"))}}
	must(t, h.SeedDefinitions(t.Context(), files))
	adapted := h.publish("one", se+user("b"), "s>b", "b>e")

	must(t, h.SeedDefinitions(t.Context(), files))

	d, err := h.Definition(t.Context(), "one", 0)
	must(t, err)
	if d.ID != adapted.ID || d.Version != 2 {
		t.Errorf("the latest version is %d", d.Version)
	}
	if all, _ := h.Definitions(t.Context(), ""); len(all) != 2 {
		t.Errorf("%d route maps, want 2", len(all))
	}
}
