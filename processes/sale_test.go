package processes_test

import (
	"errors"
	"testing"

	"marshrut/internal/staff"
	"marshrut/processes"
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

// newSale is a house where a sale has just begun about the matter lead.
func newSale(t testing.TB) (h *house, lead, instance int64) {
	t.Helper()
	h = newHouse(t)
	h.publish("sale", sale, saleFlows...)
	lead = h.matter(1)
	return h, lead, h.start("sale", lead)
}

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
