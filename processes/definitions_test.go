package processes_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"marshrut/internal/staff"
	"marshrut/processes"
	"marshrut/processes/bpmn"
	"marshrut/processes/bpmn/bpmntest"
)

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

func TestAPublishedVersionIsImmutableAndRunningInstancesStayOnTheirs(t *testing.T) {
	h := newHouse(t)
	one := h.publish("map", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("a"), "s>a", "a>e")
	h.start("map", h.matter(1))
	same := h.publish("map", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("a"), "s>a", "a>e")
	two := h.publish("map", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`+user("b"), "s>b", "b>e")
	h.start("map", h.matter(2))

	if same.Running != 1 || same.PublishedBy != one.PublishedBy {
		t.Errorf("the same map once more runs %d times, published by %d", same.Running, same.PublishedBy)
	}
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
