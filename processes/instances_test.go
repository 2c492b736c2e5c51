package processes_test

import (
	"context"
	"strings"
	"testing"

	"marshrut/internal/postgres"
	"marshrut/processes"
	"marshrut/processes/engine"
)

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
	h, lead, instance := newSale(t)
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
	h, lead, _ := newSale(t)
	who, task := h.called(lead)
	ctx, cancel := context.WithCancel(t.Context())
	h.matters.onApply = cancel // the browser leaves while the effects are under way

	_, err := h.Complete(ctx, who, task.ID, processes.Completion{Outcome: "yes"})
	must(t, err)

	if at := h.openAt(lead); at != "offer" {
		t.Errorf("open tasks %q, want offer", at)
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
	h, lead, _ := newSale(t)
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
