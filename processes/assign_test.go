package processes_test

import (
	"testing"
	"time"

	"marshrut/internal/staff"
	"marshrut/processes"
)

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
