package processes_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"marshrut/processes"
	"marshrut/processes/engine"
)

func TestCompletingATaskMovesTheProcessAndTheSubjectTogether(t *testing.T) {
	h, lead, _ := newSale(t)
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
	h, lead, instance := newSale(t)
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
	h, lead, _ := newSale(t)
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
	h, lead, _ := newSale(t)
	old := h.open(lead, "call")
	who, _ := h.called(lead)

	_, err := h.Complete(t.Context(), who, old.ID, processes.Completion{Outcome: "yes", Revision: old.Revision})

	refused(t, err, engine.ErrStale)
}

func TestASecondCompletionIsRefusedHoweverManyComeAtOnce(t *testing.T) {
	h, lead, _ := newSale(t)
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
	h, lead, _ := newSale(t)
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
	h, lead, _ := newSale(t)
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
	h, lead, _ := newSale(t)
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
