package engine

import (
	"testing"
)

// BenchmarkStart begins an instance of the shipped map of an inquiry: assignment, first task, timers.
func BenchmarkStart(b *testing.B) {
	p := shipped(b, "obrabotka-obrashcheniya.bpmn")
	r := newRun(b, p)
	r.values = map[string]any{"lead": map[string]any{"title": "Окна", "stage": "new", "amount": "1000.00"}, "inquiry": map[string]any{"text": "Здравствуйте"}}
	cmd := Start{Context: r.ctx()}
	b.ReportAllocs()
	for b.Loop() {
		events, err := Decide(p, Instance{}, cmd)
		if err != nil {
			b.Fatal(err)
		}
		Evolve(Instance{}, events...)
	}
}

// BenchmarkComplete completes the first task of an inquiry, so that the next is made.
func BenchmarkComplete(b *testing.B) {
	p := shipped(b, "obrabotka-obrashcheniya.bpmn")
	r := newRun(b, p)
	r.values = map[string]any{"lead": map[string]any{"title": "Окна", "stage": "new", "amount": "1000.00"}}
	r.facts = map[string]any{"contacts": map[string]any{"out": 1}}
	r.do(Start{Context: r.ctx()})
	r.step("contact", "read", nil)
	r.step("contact", "reach", nil)
	cmd := CompleteTask{Context: r.ctx(), Task: r.task("contact").No, Outcome: "talked"}
	b.ReportAllocs()
	for b.Loop() {
		events, err := Decide(p, r.in, cmd)
		if err != nil {
			b.Fatal(err)
		}
		Evolve(r.in, events...)
	}
}
