package processes_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/processes"
	"marshrut/processes/bpmn"
	"marshrut/processes/bpmn/bpmntest"
	"marshrut/processes/engine"
)

// sale is the map most tests run: the lead gets an owner, who calls, and then
// offers or loses it.
const sale = `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>
<bpmn:serviceTask id="give" name="Назначить"><bpmn:extensionElements><mr:action name="assign" role="manager"/></bpmn:extensionElements></bpmn:serviceTask>
<bpmn:userTask id="call" name="Позвонить: {{lead.title}}"><bpmn:extensionElements>
  <mr:assignment role="manager" mode="owner"/><mr:deadline due="PT15M" warnAt="PT10M"/>
  <mr:escalation level="1" after="PT0S" action="notify" to="role:head"/>
  <mr:escalation level="2" after="PT15M" action="reassign" to="mode:leastLoaded"/>
  <mr:checklist><mr:step id="read" title="Прочитать историю" required="true"/>
    <mr:step id="dial" kind="call" title="Позвонить" required="true" evidence="contacts.out &gt;= 1"/>
    <mr:step id="sum" kind="input" type="number" title="Сумма" field="lead.amount" requiredFor="yes" validate="value &gt; 0"/></mr:checklist>
  <mr:outcome id="yes" label="Поговорили"/><mr:outcome id="no" label="Отказ" closes="lost" reason="price"/><mr:skip role="head"/>
</bpmn:extensionElements></bpmn:userTask>
<bpmn:exclusiveGateway id="g"/>
<bpmn:userTask id="offer" name="Подготовить предложение"><bpmn:extensionElements><mr:assignment role="manager" mode="owner"/><mr:stage key="proposal"/></bpmn:extensionElements></bpmn:userTask>`

var saleFlows = []string{"s>give", "give>call", "call>g", "g>offer = Поговорили", "g>e = Отказ", "offer>e"}

// user is a user task of the managers.
func user(id string) string {
	return `<bpmn:userTask id="` + id + `" name="` + id + `"><bpmn:extensionElements><mr:assignment role="manager"/></bpmn:extensionElements></bpmn:userTask>`
}

// ownerOf is who has a task, as an actor.
func (h *house) actor(id int64) staff.Actor {
	h.t.Helper()
	a, ok := h.directory().Actor(id)
	if !ok {
		h.t.Fatalf("no employee %d", id)
	}
	return a
}

func (h *house) dialled(subject int64) {
	h.t.Helper()
	h.exec("insert into outgoing values ($1, $2)", subject, h.clock())
}

// called does everything that a call takes.
func (h *house) called(subject int64) (staff.Actor, processes.Task) {
	h.t.Helper()
	task := h.open(subject, "call")
	who := h.actor(task.Assignee)
	h.dialled(subject)
	for _, step := range []string{"read", "dial"} {
		_, err := h.DoStep(h.t.Context(), who, task.ID, step, nil)
		must(h.t, err)
	}
	_, err := h.DoStep(h.t.Context(), who, task.ID, "sum", 120000.0)
	must(h.t, err)
	return who, h.open(subject, "call")
}

func refused(t testing.TB, err error, kind error) *engine.Refusal {
	t.Helper()
	var r *engine.Refusal
	if !errors.As(err, &r) || !errors.Is(err, kind) {
		t.Fatalf("got %v, want a refusal: %v", err, kind)
	}
	return r
}

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

func TestCompletingATaskMovesTheProcessAndTheSubjectTogether(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)
	h.start("sale", lead)
	who, task := h.called(lead)

	result := h.complete(who, task, "yes")

	if result.Task.Status != processes.TaskDone || result.Task.DoneBy != who.ID || result.Task.OutcomeLabel != "Поговорили" {
		t.Errorf("task %+v", result.Task)
	}
	if len(result.Next) != 1 || result.Next[0].Element != "offer" || result.Next[0].Assignee != who.ID {
		t.Fatalf("next %+v", result.Next)
	}
	if got := h.text("select stage || ' ' || amount from matter where id = 1"); got != "proposal 120000" {
		t.Errorf("the matter is %s", got)
	}
	done, err := h.Task(t.Context(), task.ID)
	must(t, err)
	if len(done.Steps) != 3 || !done.Steps[2].Done || done.Steps[2].Value != 120000.0 || done.Steps[2].DoneByName != who.Name {
		t.Errorf("steps of the done task %+v", done.Steps)
	}
}

func TestMissingStepsRefuseByNameAndChangeNothing(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)
	instance := h.start("sale", lead)
	task := h.open(lead, "call")
	who := h.actor(task.Assignee)
	before := h.text("select snapshot::text || revision from process_instance where id = $1", instance)

	_, err := h.Complete(t.Context(), who, task.ID, processes.Completion{Outcome: "yes", Revision: task.Revision})

	r := refused(t, err, engine.ErrStepsMissing)
	if len(r.Steps) != 3 || r.Steps[0].Title != "Прочитать историю" {
		t.Errorf("missing %+v", r.Steps)
	}
	if after := h.text("select snapshot::text || revision from process_instance where id = $1", instance); after != before {
		t.Errorf("the instance went from %s to %s", before, after)
	}
	data := h.text("select data::text from journal where action = 'task.refused' and actor_id = $1 and lead_id = 1", who.ID)
	if !strings.Contains(data, "steps_missing") || !strings.Contains(data, "Прочитать историю") {
		t.Errorf("the journal says %s", data)
	}
}

func TestAStepOutOfOrderOrWithoutEvidenceIsRefused(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)
	h.start("sale", lead)
	task := h.open(lead, "call")
	who := h.actor(task.Assignee)

	_, err := h.DoStep(t.Context(), who, task.ID, "dial", nil)
	refused(t, err, engine.ErrOutOfOrder)
	_, err = h.DoStep(t.Context(), who, task.ID, "read", nil)
	must(t, err)
	_, err = h.DoStep(t.Context(), who, task.ID, "dial", nil)
	refused(t, err, engine.ErrStepsMissing)
	h.dialled(lead)
	_, err = h.DoStep(t.Context(), who, task.ID, "dial", nil)
	must(t, err)
	if n := h.number("select count(*) from journal where action = 'task.refused'"); n != 2 {
		t.Errorf("%d refusals in the journal, want 2", n)
	}
}

func TestAStaleFormIsRefused(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)
	h.start("sale", lead)
	old := h.open(lead, "call")
	who, _ := h.called(lead)

	_, err := h.Complete(t.Context(), who, old.ID, processes.Completion{Outcome: "yes", Revision: old.Revision})

	refused(t, err, engine.ErrStale)
}

func TestASecondCompletionIsRefusedHoweverManyComeAtOnce(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)
	h.start("sale", lead)
	who, task := h.called(lead)

	var mu sync.Mutex
	var done int
	var others []error
	var group errgroup.Group
	for range 12 {
		group.Go(func() error {
			_, err := h.Complete(context.Background(), who, task.ID, processes.Completion{Outcome: "yes"})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			} else {
				others = append(others, err)
			}
			return nil
		})
	}
	must(t, group.Wait())

	if done != 1 {
		t.Fatalf("%d completions succeeded, want 1", done)
	}
	for _, err := range others {
		refused(t, err, engine.ErrAlreadyDone)
	}
	if at := h.openAt(lead); at != "offer" {
		t.Errorf("open tasks: %s, want one offer", at)
	}
}

func TestTwoPeopleFinishParallelBranchesAtOnceAndBothSucceed(t *testing.T) {
	h := newHouse(t)
	h.publish("both", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:parallelGateway id="f"/><bpmn:parallelGateway id="j"/>`+
		user("a")+user("b")+user("c"), "s>f", "f>a", "f>b", "a>j", "b>j", "j>c", "c>e")
	for lead := range int64(8) {
		h.matter(lead + 1)
		h.start("both", lead+1)
	}

	var group errgroup.Group
	for lead := range int64(8) {
		for _, element := range []string{"a", "b"} {
			task := h.open(lead+1, element)
			group.Go(func() error {
				_, err := h.Complete(context.Background(), h.admin, task.ID, processes.Completion{Revision: task.Revision})
				return err
			})
		}
	}
	must(t, group.Wait())

	for lead := range int64(8) {
		if at := h.openAt(lead + 1); at != "c" {
			t.Errorf("matter %d: open tasks %q, want c", lead+1, at)
		}
	}
}

func TestATaskOfAnotherIsRefusedButAHeadMayActForAnybody(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)
	h.start("sale", lead)
	task := h.open(lead, "call")
	other := h.anna
	if task.Assignee == h.anna.ID {
		other = h.boris
	}

	_, err := h.DoStep(t.Context(), other, task.ID, "read", nil)
	refused(t, err, engine.ErrNotAllowed)
	_, err = h.DoStep(t.Context(), h.head, task.ID, "read", nil)
	must(t, err)

	if now := h.open(lead, "call"); now.Assignee != task.Assignee || now.Steps[0].DoneBy != h.head.ID {
		t.Errorf("the task is with %d, its step was done by %d", now.Assignee, now.Steps[0].DoneBy)
	}
}

func TestOnlyTheRoleNamedMaySkipAndOnlyWithAReason(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)
	h.start("sale", lead)
	task := h.open(lead, "call")
	who := h.actor(task.Assignee)
	if task.MaySkip(who) || !task.MaySkip(h.head) {
		t.Errorf("the manager may skip: %v, the head: %v", task.MaySkip(who), task.MaySkip(h.head))
	}

	_, err := h.SkipStep(t.Context(), who, task.ID, "read", "некогда")
	refused(t, err, engine.ErrNotAllowed)
	_, err = h.SkipStep(t.Context(), h.head, task.ID, "read", " ")
	if err == nil {
		t.Fatal("a skip without a reason went through")
	}
	after, err := h.SkipStep(t.Context(), h.head, task.ID, "read", "клиент в кабинете")
	must(t, err)
	if !after.Steps[0].Skipped || after.Steps[0].SkipReason != "клиент в кабинете" {
		t.Errorf("step %+v", after.Steps[0])
	}
}

func TestACompletionMaySkipWhatIsMissingInOneTransaction(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)
	h.start("sale", lead)
	task := h.open(lead, "call")
	closing := processes.Completion{Outcome: "yes", Values: map[string]any{"read": nil}, SkipReason: "договорились лично"}

	_, err := h.Complete(t.Context(), h.actor(task.Assignee), task.ID, closing)
	refused(t, err, engine.ErrNotAllowed)
	if now := h.open(lead, "call"); now.Steps[0].Done {
		t.Error("the refused completion left a step done")
	}
	result, err := h.Complete(t.Context(), h.head, task.ID, closing)
	must(t, err)

	steps := result.Task.Steps
	if !steps[0].Done || steps[0].Skipped || !steps[1].Skipped || !steps[2].Skipped || len(result.Next) != 1 {
		t.Errorf("steps %+v, next %d", steps, len(result.Next))
	}
}

func TestAnUnassignedTaskIsTakenByTheFirstStep(t *testing.T) {
	h := newHouse(t)
	h.publish("pool", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:userTask id="a" name="Разобрать"><bpmn:extensionElements>
		<mr:assignment role="manager" mode="role"/><mr:checklist><mr:step id="x" title="Шаг" required="true"/></mr:checklist></bpmn:extensionElements></bpmn:userTask>`, "s>a", "a>e")
	lead := h.matter(1)
	h.start("pool", lead)
	task := h.open(lead, "a")
	if task.Assignee != 0 || task.Hung {
		t.Fatalf("the task is with %d, hung %v", task.Assignee, task.Hung)
	}
	if n := h.number("select count(*) from notice where task_id = $1", task.ID); n != 3 {
		t.Errorf("%d performers were told, want 3", n)
	}

	after, err := h.DoStep(t.Context(), h.vera, task.ID, "x", nil)
	must(t, err)

	if after.Assignee != h.vera.ID {
		t.Errorf("the task is with %d, want %d", after.Assignee, h.vera.ID)
	}
	_, err = h.DoStep(t.Context(), h.anna, task.ID, "x", nil)
	refused(t, err, engine.ErrNotAllowed)
}

func TestAHelperMayWorkTheTaskIfHePerformsItsRole(t *testing.T) {
	h := newHouse(t)
	h.publish("two", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("a")+
		`<bpmn:userTask id="approve" name="Согласовать"><bpmn:extensionElements><mr:assignment role="head"/></bpmn:extensionElements></bpmn:userTask>`, "s>a", "a>approve", "approve>e")
	lead := h.matter(1)
	h.start("two", lead)
	h.exec("update matter set helpers = $1, owner = $2 where id = 1", []int64{h.anna.ID, h.boris.ID, h.vera.ID}, h.anna.ID)
	task := h.open(lead, "a")
	helper := h.anna
	if task.Assignee == h.anna.ID {
		helper = h.boris
	}

	h.complete(helper, task, "")
	approval := h.open(lead, "approve")
	_, err := h.Complete(t.Context(), helper, approval.ID, processes.Completion{})

	refused(t, err, engine.ErrNotAllowed)
}

func TestOnlyAHeadGivesATaskToSomebodyElse(t *testing.T) {
	h := newHouse(t)
	h.publish("one", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("a"), "s>a", "a>e")
	lead := h.matter(1)
	instance := h.start("one", lead)
	task := h.open(lead, "a")
	who, other := h.actor(task.Assignee), h.anna
	if who.ID == other.ID {
		other = h.boris
	}

	_, err := h.Reassign(t.Context(), who, task.ID, other.ID, "устал")
	refused(t, err, engine.ErrNotAllowed)
	after, err := h.Reassign(t.Context(), h.head, task.ID, other.ID, "отпуск")
	must(t, err)

	if after.Assignee != other.ID || after.Revision == task.Revision {
		t.Errorf("the task is with %d at revision %d", after.Assignee, after.Revision)
	}
	if n := h.number("select count(*) from notice where employee_id = $1 and kind = 'task' and task_id = $2", other.ID, task.ID); n != 1 {
		t.Errorf("%d notices to the new assignee, want 1", n)
	}
	view, err := h.Instance(t.Context(), instance)
	must(t, err)
	last := view.Journal[len(view.Journal)-1]
	if last.Command != "assign-task" || last.Actor != h.head.ID {
		t.Errorf("the journal ends with %+v", last)
	}
}

func TestRoundRobinGivesEachPerformerAnEqualShare(t *testing.T) {
	h := newHouse(t)
	h.publish("one", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("a"), "s>a", "a>e")
	requests := make([]processes.StartRequest, 30)
	for i := range requests {
		requests[i] = processes.StartRequest{Process: "one", Subject: h.matter(int64(i + 1))}
	}

	h.startAll(requests...)

	for _, who := range []staff.Actor{h.anna, h.boris, h.vera} {
		if n := h.number("select count(*) from task where assignee_id = $1", who.ID); n != 10 {
			t.Errorf("%s has %d tasks, want 10", who.Login, n)
		}
	}
}

func TestTheLeastLoadedPerformerGetsTheTask(t *testing.T) {
	h := newHouse(t)
	h.publish("one", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("a"), "s>a", "a>e")
	h.publish("least", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:userTask id="a" name="a"><bpmn:extensionElements>
		<mr:assignment role="manager" mode="leastLoaded"/></bpmn:extensionElements></bpmn:userTask>`, "s>a", "a>e")
	h.startAll(processes.StartRequest{Process: "one", Subject: h.matter(1)}, processes.StartRequest{Process: "one", Subject: h.matter(2)},
		processes.StartRequest{Process: "one", Subject: h.matter(3)})
	free := h.open(2, "a")
	h.complete(h.admin, free, "")

	h.start("least", h.matter(4))

	if task := h.open(4, "a"); task.Assignee != free.Assignee {
		t.Errorf("the task is with %d, want %d who has none", task.Assignee, free.Assignee)
	}
}

func TestWorkOfWhoIsAwayGoesToHisSubstitute(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	_, err := h.people.AddAbsence(t.Context(), staff.System(), staff.Absence{Employee: h.anna.ID, Substitute: &h.vera.ID,
		From: morning.Add(-time.Hour), To: morning.Add(24 * time.Hour)}, morning)
	must(t, err)
	h.publish("mine", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:userTask id="a" name="a"><bpmn:extensionElements>
		<mr:assignment role="manager" mode="owner"/></bpmn:extensionElements></bpmn:userTask>`, "s>a", "a>e")
	lead := h.matter(1)
	h.exec("update matter set owner = $1", h.anna.ID)

	h.start("mine", lead)

	if task := h.open(lead, "a"); task.Assignee != h.vera.ID {
		t.Errorf("the task is with %d, want the substitute %d", task.Assignee, h.vera.ID)
	}
}

func TestWhoIsOffShiftIsLeftOutUnlessNobodyIsOn(t *testing.T) {
	h := newHouse(t)
	h.publish("one", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("a"), "s>a", "a>e")
	must(t, h.people.SaveCalendar(t.Context(), staff.System(), staff.Calendar{Key: "evening", Name: "Вечер", Timezone: "Europe/Moscow",
		Week: map[string][]string{"tue": {"18:00-23:00"}}}, morning))
	for _, login := range []string{"anna", "boris"} {
		e, _ := h.directory().Login(login)
		e.Calendar = "evening"
		must(t, h.people.UpdateEmployee(t.Context(), staff.System(), e, morning))
	}

	for lead := range int64(4) {
		h.start("one", h.matter(lead+1))
	}
	if n := h.number("select count(*) from task where assignee_id = $1", h.vera.ID); n != 4 {
		t.Errorf("the only one on shift has %d tasks, want 4", n)
	}
	h.now = morning.Add(14 * time.Hour) // midnight
	h.start("one", h.matter(9))
	if task := h.open(9, "a"); task.Assignee == 0 || task.Hung {
		t.Errorf("at night the task is with %d, hung %v", task.Assignee, task.Hung)
	}
}

func TestATaskNobodyCanDoIsHungAndTheHeadIsTold(t *testing.T) {
	h := newHouse(t)
	h.publish("fix", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:userTask id="a" name="Починить"><bpmn:extensionElements>
		<mr:assignment role="service"/></bpmn:extensionElements></bpmn:userTask>`, "s>a", "a>e")
	lead := h.matter(1)
	// No performer of the role, and the administrators who would stand in are away.
	_, err := h.people.AddAbsence(t.Context(), staff.System(), staff.Absence{Employee: h.admin.ID, From: morning.Add(-time.Hour), To: morning.Add(time.Hour)}, morning)
	must(t, err)

	h.start("fix", lead)

	task := h.open(lead, "a")
	if !task.Hung || task.Assignee != 0 {
		t.Errorf("the task is with %d, hung %v", task.Assignee, task.Hung)
	}
	if n := h.number("select count(*) from notice where employee_id = $1 and kind = 'hung'", h.head.ID); n != 1 {
		t.Errorf("the head has %d notices, want 1", n)
	}
}

func TestAFallbackRoleGetsTheWorkOfAnEmptyOne(t *testing.T) {
	h := newHouse(t)
	h.publish("fix", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:userTask id="a" name="Починить"><bpmn:extensionElements>
		<mr:assignment role="service" fallbackRole="head"/></bpmn:extensionElements></bpmn:userTask>`, "s>a", "a>e")

	h.start("fix", h.matter(1))

	if task := h.open(1, "a"); task.Assignee != h.head.ID || task.Role != "head" {
		t.Errorf("the task is with %d of role %s", task.Assignee, task.Role)
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

func TestACalledProcessRunsAndItsCallerGoesOnWhenItEnds(t *testing.T) {
	h := newHouse(t)
	h.publish("inner", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("x"), "s>x", "x>e")
	h.publish("outer", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:callActivity id="c" calledElement="inner"/>`+user("after"), "s>c", "c>after", "after>e")
	lead := h.matter(1)
	outer := h.start("outer", lead)
	inner := h.open(lead, "x")
	if n := h.number("select root_id from process_instance where id = $1", inner.Instance); int64(n) != outer {
		t.Errorf("the root of the called process is %d, want %d", n, outer)
	}

	result := h.complete(h.admin, inner, "")

	if len(result.Next) != 1 || result.Next[0].Element != "after" || result.Next[0].Instance != outer {
		t.Errorf("next %+v", result.Next)
	}
	if state := h.text("select state from process_instance where id = $1", inner.Instance); state != "completed" {
		t.Errorf("the called process is %s", state)
	}
}

func TestACallOfAProcessThatIsNotThereStopsAtTheCall(t *testing.T) {
	h := newHouse(t)
	h.publish("inner", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("x"), "s>x", "x>e")
	h.publish("outer", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:callActivity id="c" calledElement="inner"/>`, "s>c", "c>e")
	h.exec("delete from process_definition where key = 'inner'")

	h.start("outer", h.matter(1))

	if state := h.text("select state from process_instance"); state != "incident" {
		t.Errorf("the caller is %s, want incident", state)
	}
}

func TestAProcessThatBeginsItselfWithoutEndStopsAsAnIncident(t *testing.T) {
	for name, again := range map[string]string{
		"by a call":  `<bpmn:callActivity id="again" calledElement="loop"/>`,
		"by a start": `<bpmn:serviceTask id="again"><bpmn:extensionElements><mr:action name="start-process" process="loop"/></bpmn:extensionElements></bpmn:serviceTask>`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.publish("loop", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+again, "s>again", "again>e")

			h.start("loop", h.matter(1))

			if n := h.number("select count(*) from process_instance"); n != 11 {
				t.Errorf("%d instances began, want 11", n)
			}
			if n := h.number("select count(*) from incident where reason like '%без конца%'"); n == 0 {
				t.Error("nobody is told that the process begins itself")
			}
		})
	}
}

func TestACircleOfRouteMapsIsWarnedOfBeforeItRuns(t *testing.T) {
	h := newHouse(t)
	starts := func(process string) string {
		return `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:serviceTask id="on"><bpmn:extensionElements><mr:action name="start-process" process="` + process + `"/></bpmn:extensionElements></bpmn:serviceTask>`
	}
	h.publish("first", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`, "s>e")
	h.publish("second", starts("first"), "s>on", "on>e")

	_, problems, err := h.Check(t.Context(), []byte(bpmntest.XML("first", starts("second"), "s>on", "on>e")))

	must(t, err)
	if !slices.ContainsFunc(problems, func(p bpmn.Problem) bool { return p.Element == "on" && strings.Contains(p.Message, "по кругу") }) {
		t.Errorf("nobody is told of the circle: %+v", problems)
	}
}

func TestCancelingAnInstanceTakesItsCallsAndTasksAway(t *testing.T) {
	h := newHouse(t)
	h.publish("inner", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("x"), "s>x", "x>e")
	h.publish("outer", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:callActivity id="c" calledElement="inner"/>`, "s>c", "c>e")
	lead := h.matter(1)
	outer := h.start("outer", lead)

	must(t, h.CancelInstance(t.Context(), h.head, outer, "клиент умер"))

	if n := h.number("select count(*) from process_instance where state = 'canceled'"); n != 2 {
		t.Errorf("%d instances are canceled, want 2", n)
	}
	if at := h.openAt(lead); at != "" {
		t.Errorf("open tasks %q", at)
	}
}

func TestClosingASubjectEndsItsOtherProcesses(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	h.publish("missed", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("back"), "s>back", "back>e")
	lead := h.matter(1)
	h.start("sale", lead)
	h.start("missed", lead)
	who, task := h.called(lead)

	h.complete(who, task, "no")

	if got := h.text("select string_agg(d.key || ' ' || i.state, ', ' order by d.key) from process_instance i join process_definition d on d.id = i.definition_id"); got != "missed canceled, sale completed" {
		t.Errorf("the processes are: %s", got)
	}
	if at := h.openAt(lead); at != "" {
		t.Errorf("open tasks %q", at)
	}
}

func TestAStopInTheMiddleChangesNothing(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)
	instance := h.start("sale", lead)
	who, task := h.called(lead)
	// The last write fails: the matter refuses the stage the next task enters.
	h.exec("alter table matter add check (stage <> 'proposal')")

	_, err := h.Complete(t.Context(), who, task.ID, processes.Completion{Outcome: "yes"})
	if err == nil {
		t.Fatal("the completion went through")
	}

	if now := h.open(lead, "call"); now.Revision != task.Revision {
		t.Errorf("the task went from revision %d to %d", task.Revision, now.Revision)
	}
	h.exec("alter table matter drop constraint matter_stage_check1")
	h.complete(who, task, "yes")
	view, err := h.Instance(t.Context(), instance)
	must(t, err)
	if n := len(view.Journal); n != 5 { // start, three steps, completion
		t.Errorf("%d lines in the journal, want 5", n)
	}
}

func TestAClickIsCarriedThroughWhenTheBrowserGoesAway(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)
	h.start("sale", lead)
	who, task := h.called(lead)
	ctx, cancel := context.WithCancel(t.Context())
	h.matters.onApply = cancel // the browser leaves while the effects are under way

	_, err := h.Complete(ctx, who, task.ID, processes.Completion{Outcome: "yes"})
	must(t, err)

	if at := h.openAt(lead); at != "offer" {
		t.Errorf("open tasks %q, want offer", at)
	}
}

func TestAnInstanceShowsWhereItIsAndHowItCameThere(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)
	instance := h.start("sale", lead)
	who, task := h.called(lead)
	h.complete(who, task, "yes")

	view, err := h.Instance(t.Context(), instance)
	must(t, err)

	var path []string
	for _, v := range view.Path {
		path = append(path, v.Element)
	}
	if got := strings.Join(path, " "); got != "s give call g offer" {
		t.Errorf("the path is %s", got)
	}
	if len(view.Tokens) != 1 || view.Tokens[0] != (processes.Place{Element: "offer", Wait: "task"}) {
		t.Errorf("tokens %+v", view.Tokens)
	}
	if last := view.Path[len(view.Path)-1]; last.Left != nil || view.Path[0].Left == nil {
		t.Errorf("visits %+v", view.Path)
	}
	if len(view.Tasks) != 2 || view.Key != "sale" || view.Version != 1 || view.State != "active" {
		t.Errorf("view %+v with %d tasks", view.Instance, len(view.Tasks))
	}
}

func TestAPublishedVersionIsImmutableAndRunningInstancesStayOnTheirs(t *testing.T) {
	h := newHouse(t)
	one := h.publish("map", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("a"), "s>a", "a>e")
	h.start("map", h.matter(1))
	same := h.publish("map", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("a"), "s>a", "a>e")
	two := h.publish("map", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("b"), "s>b", "b>e")
	h.start("map", h.matter(2))

	if same.ID != one.ID || two.Version != 2 {
		t.Errorf("publishing the same again gave %+v, another one version %d", same.ID, two.Version)
	}
	if a, b := h.openAt(1), h.openAt(2); a != "a" || b != "b" {
		t.Errorf("the old instance stands at %q, the new one at %q", a, b)
	}
	versions, err := h.Definitions(t.Context(), "map")
	must(t, err)
	if len(versions) != 2 || versions[0].Version != 2 || versions[1].Running != 1 {
		t.Errorf("versions %+v", versions)
	}
}

func TestAMapWithMistakesIsNotPublished(t *testing.T) {
	h := newHouse(t)
	xml := []byte(bpmntest.XML("bad", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:complexGateway id="g" name="Сложный"/>`, "s>g", "g>e"))

	_, problems, err := h.Publish(t.Context(), h.head, xml)

	if !errors.Is(err, processes.ErrInvalid) || len(problems) == 0 || problems[0].Element != "g" {
		t.Errorf("got %v, %+v", err, problems)
	}
	if _, _, err := h.Publish(t.Context(), h.anna, xml); !errors.Is(err, staff.ErrNotAllowed) {
		t.Errorf("a manager publishes: %v", err)
	}
	if _, _, err := h.Publish(t.Context(), h.head, []byte("not a map")); !errors.Is(err, processes.ErrInvalid) {
		t.Errorf("text is published: %v", err)
	}
}

func TestTasksAreListedByDeadlineAndPaged(t *testing.T) {
	h := newHouse(t)
	h.publish("timed", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:userTask id="a" name="a"><bpmn:extensionElements>
		<mr:assignment role="manager"/><mr:deadline due="PT30M"/></bpmn:extensionElements></bpmn:userTask>`, "s>a", "a>e")
	h.publish("one", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("a"), "s>a", "a>e")
	for i := range int64(7) {
		key := "timed"
		if i%3 == 0 {
			key = "one" // without a deadline
		}
		h.start(key, h.matter(10-i))
		h.now = h.now.Add(time.Minute)
	}

	var got []int64
	f := processes.TaskFilter{Status: processes.TaskOpen, Limit: 2}
	for page := 0; ; page++ {
		p, err := h.Tasks(t.Context(), f)
		must(t, err)
		for _, task := range p.Items {
			got = append(got, task.Subject)
		}
		if f.Cursor = p.Next; f.Cursor == "" || page > 9 {
			break
		}
	}

	timed, rest := got[:4], got[4:]
	slices.Sort(rest)
	if !slices.Equal(timed, []int64{9, 8, 6, 5}) || !slices.Equal(rest, []int64{4, 7, 10}) {
		t.Errorf("got %v", got)
	}
	if _, err := h.Tasks(t.Context(), processes.TaskFilter{Cursor: "forged"}); !errors.Is(err, processes.ErrCursor) {
		t.Errorf("a forged cursor gives %v", err)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	h := newHouse(t)
	_, task := h.Task(t.Context(), 404)
	_, complete := h.Complete(t.Context(), h.admin, 404, processes.Completion{})
	_, instance := h.Instance(t.Context(), 404)
	_, definition := h.Definition(t.Context(), "nothing", 0)
	for _, err := range []error{task, complete, instance, definition, h.CancelInstance(t.Context(), h.admin, 404, ""), h.RetryIncident(t.Context(), h.admin, 404)} {
		if !errors.Is(err, processes.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	}
}

func TestTheHeatMapCountsVisitsAndWhereInstancesStand(t *testing.T) {
	h := newHouse(t)
	d := h.publish("two", se+user("a")+user("b"), "s>a", "a>b", "b>e")
	for lead := range int64(3) {
		h.start("two", h.matter(lead+1))
	}
	h.complete(h.admin, h.open(1, "a"), "")

	heat, err := h.HeatMap(t.Context(), d.ID, time.Time{}, time.Time{})
	must(t, err)

	want := []processes.Heat{{Element: "a", Visits: 3, Now: 2}, {Element: "b", Visits: 1, Now: 1}, {Element: "s", Visits: 3}}
	if !slices.Equal(heat, want) {
		t.Errorf("got %+v, want %+v", heat, want)
	}
	if none, err := h.HeatMap(t.Context(), d.ID, morning.Add(time.Hour), time.Time{}); err != nil || len(none) != 0 {
		t.Errorf("from later on: %+v, %v", none, err)
	}
}

func TestMetricsTellWhatProcessesDo(t *testing.T) {
	h := newHouse(t)
	registry := prometheus.NewRegistry()
	h.Service = processes.New(h.pool, h.matters, h.matters, h.people, processes.Options{Now: h.clock, Metrics: processes.NewMetrics(registry)})
	h.publish("two", se+user("a")+user("b"), "s>a", "a>b", "b>e")
	h.start("two", h.matter(1))
	h.complete(h.admin, h.open(1, "a"), "")
	_, err := h.Complete(t.Context(), h.anna, h.open(1, "b").ID, processes.Completion{Outcome: "no such"})
	if err == nil {
		t.Fatal("an unknown outcome went through")
	}
	stopped, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	must(t, h.RunTimers(stopped)) // sets the gauges

	want := map[string]float64{"marshrut_processes_started_total": 1, "marshrut_processes_tasks_total": 3,
		"marshrut_processes_refusals_total": 1, "marshrut_processes_tasks_open": 1}
	families, err := registry.Gather()
	must(t, err)
	for _, family := range families {
		sum := 0.0
		for _, m := range family.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
		if w, asked := want[family.GetName()]; asked && sum != w {
			t.Errorf("%s is %g, want %g", family.GetName(), sum, w)
		}
		delete(want, family.GetName())
	}
	if len(want) > 0 {
		t.Errorf("not measured: %v", want)
	}
}

func TestNoTextThatComesWithAClickBreaksIt(t *testing.T) {
	h := newHouse(t)
	h.publish("note", se+`<bpmn:userTask id="a" name="a"><bpmn:extensionElements><mr:assignment role="manager"/>
		<mr:checklist><mr:step id="note" kind="input" title="Заметка" required="true"/></mr:checklist></bpmn:extensionElements></bpmn:userTask>`, "s>a", "a>e")
	h.start("note", h.matter(1))
	task := h.open(1, "a")

	after, err := h.DoStep(t.Context(), h.admin, task.ID, "note", "за\x00метка \xff")
	must(t, err)
	if after.Steps[0].Value != "заметка \uFFFD" {
		t.Errorf("the value is %q", after.Steps[0].Value)
	}
	r, err := h.Complete(t.Context(), h.admin, task.ID, processes.Completion{Comment: "\x00" + strings.Repeat("ы", 9000)})
	must(t, err)
	if n := len([]rune(r.Task.Comment)); n != 4000 {
		t.Errorf("the comment has %d characters", n)
	}
	_, err = h.Complete(t.Context(), h.admin, task.ID, processes.Completion{Outcome: "\x00"})
	refused(t, err, engine.ErrAlreadyDone)
}

func TestAServerThatGoesAwayInTheMiddleLeavesNothingHalfDone(t *testing.T) {
	h := newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead := h.matter(1)
	h.start("sale", lead)
	who, task := h.called(lead)
	h.matters.onApply = func() {
		h.exec("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'")
	}

	_, err := h.Complete(t.Context(), who, task.ID, processes.Completion{Outcome: "yes"})
	if postgres.Classify(err) != postgres.Away {
		t.Fatalf("got %v, want the loss of the connection", err)
	}

	h.matters.onApply = nil
	if got := h.text("select stage || ' ' || (select count(*) from task where status = 'open') from matter"); got != "new 1" {
		t.Errorf("the matter and its open tasks are %s", got)
	}
	h.complete(who, h.open(lead, "call"), "yes")
	if at := h.openAt(lead); at != "offer" {
		t.Errorf("open tasks %q, want offer", at)
	}
}
