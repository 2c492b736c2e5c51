package processes_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"marshrut/processes"
)

func TestAnInstanceShowsWhereItIsAndHowItCameThere(t *testing.T) {
	h, lead, instance := newSale(t)
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
