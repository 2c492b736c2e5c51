package bpmn_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"marshrut/processes/bpmn"
	"marshrut/processes/bpmn/bpmntest"
)

func TestConditionsOfStartRulesSeeTypedValues(t *testing.T) {
	values := map[string]any{"lead": map[string]any{"amount": "1500.50", "title": "Окна", "created_at": "2026-11-23T10:00:00+03:00"}}
	for condition, want := range map[string]bool{
		`lead.amount > 1500`: true, `lead.amount = 1500.5`: true, `lead.title in ["Окна", "Двери"]`: true,
		`lead.city == ""`: true, `empty(lead.city)`: true, `empty(lead.amount)`: false, `client.name == "x"`: false,
		`lead.created_at < date("2026-12-01")`: true, `lead.title matches "^Ок"`: true, `not (lead.amount > 1500)`: false,
	} {
		e, err := bpmn.CompileCondition(condition, bpmntest.Environment())
		if err != nil {
			t.Errorf("%s: %v", condition, err)
			continue
		}
		if got, err := e.True(bpmn.Bind(bpmntest.Environment(), values)); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", condition, got, err, want)
		}
	}
}

func TestAWrongConditionExplainsItselfInBothLanguages(t *testing.T) {
	_, err := bpmn.CompileCondition("lead.amoumt > 5", bpmntest.Environment())
	var wrong *bpmn.ConditionError
	if !errors.As(err, &wrong) {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(wrong.Russian(), "возможно, имелось в виду «lead.amount»") || !strings.Contains(wrong.Error(), `there is no field "amoumt"`) {
		t.Errorf("%s / %s", wrong.Russian(), wrong.Error())
	}
}

func TestAnEvaluationThatWouldEatTheMemoryFails(t *testing.T) {
	e, err := bpmn.CompileCondition("len(map(1..100000000, #)) > 1", bpmntest.Environment())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.True(bpmn.Bind(bpmntest.Environment(), nil)); err == nil {
		t.Error("a hundred million elements were made")
	}
}

func TestValuesTakeTheirDeclaredTypes(t *testing.T) {
	moscow := time.FixedZone("MSK", 3*3600)
	for _, c := range []struct {
		to   bpmn.Type
		from any
		want any
	}{
		{bpmn.Number, "1 250 000,50", 1250000.5}, {bpmn.Number, 5, 5.0}, {bpmn.Number, "NaN", 0.0}, {bpmn.Number, "Inf", 0.0}, {bpmn.Number, nil, 0.0},
		{bpmn.String, nil, ""}, {bpmn.String, 5.5, "5.5"}, {bpmn.Bool, nil, false}, {bpmn.Bool, true, true},
		{bpmn.Time, "25.11.2026", time.Date(2026, 11, 25, 0, 0, 0, 0, moscow)}, {bpmn.Time, "2026-11-25", time.Date(2026, 11, 25, 0, 0, 0, 0, moscow)},
		{bpmn.Time, "soon", time.Time{}}, {bpmn.Any, "x", "x"},
	} {
		got := bpmn.Coerce(c.to, c.from, moscow)
		if at, ok := got.(time.Time); ok {
			if !at.Equal(c.want.(time.Time)) {
				t.Errorf("%v as %s: got %v, want %v", c.from, c.to, got, c.want)
			}
			continue
		}
		if got != c.want {
			t.Errorf("%v as %s: got %#v, want %#v", c.from, c.to, got, c.want)
		}
	}
}

func TestTextsAreFilledInAsRussiansWrite(t *testing.T) {
	p := bpmntest.Process(t, "p", frame+manager("a", `<mr:hint>{{client.name}}: {{lead.amount}} ₽ с {{lead.created_at}}, {{lead.city}}.</mr:hint>`), "s>a", "a>e")
	env := p.Bind(bpmn.Bindings{Values: map[string]any{"client": map[string]any{"name": "Ромашка"},
		"lead": map[string]any{"amount": 1250000.5, "created_at": time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)}}})
	got, err := p.Element("a").Task.Hint.Fill(env, "—")
	if want := "Ромашка: 1\u00a0250\u00a0000,50 ₽ с 25.11.2026, —."; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestTaxpayerNumbersAreCheckedByTheirCheckDigits(t *testing.T) {
	for inn, want := range map[string]bool{
		"7707083893": true, "500100732259": true, // published numbers of a bank and from the tax service's own example
		"7707083894": false, "500100732258": false, "0000000000": false, "000000000000": false, "770708389": false, "77070838ab": false, "": false,
	} {
		if got := bpmn.INN(inn); got != want {
			t.Errorf("%s: got %v, want %v", inn, got, want)
		}
	}
}

func TestFunctionsOfConditions(t *testing.T) {
	env := bpmntest.Environment()
	for condition, want := range map[string]bool{
		`phone("+7 (495) 123-45-67")`: true, `phone("12345")`: false, `phone("call me 84951234567")`: false,
		`email("a@example.org")`: true, `email("a@b")`: false, `email("Иван <a@example.org>")`: false, `email("")`: false,
		`inn("7707083893")`: true, `empty([])`: true, `empty(nil)`: true, `date("2026-01-01") + days(31) == date("2026-02-01")`: true,
	} {
		e, err := bpmn.CompileCondition(condition, env)
		if err != nil {
			t.Errorf("%s: %v", condition, err)
			continue
		}
		if got, err := e.True(bpmn.Bind(env, nil)); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", condition, got, err, want)
		}
	}
}

func FuzzCondition(f *testing.F) {
	for _, seed := range []string{`lead.amount > 5`, `${lead.title == "x"}`, `= not(lead.amount = 5)`, `empty(lead.city) ? "a" : "b"`, `map(1..3, # * 2)`,
		`lead.title matches "(a+)+$"`, `let x = 1; x > 0`, `"` + strings.Repeat("(", 80), `days(-1e300)`, `inn(value) and phone(nil)`} {
		f.Add(seed)
	}
	env := bpmntest.Environment()
	bound := bpmn.Bind(env, map[string]any{"lead": map[string]any{"amount": 5, "title": "Окна"}})
	f.Fuzz(func(t *testing.T, source string) {
		e, err := bpmn.CompileCondition(source, env)
		if err != nil {
			var wrong *bpmn.ConditionError
			if !errors.As(err, &wrong) || wrong.Russian() == "" {
				t.Errorf("an error without words: %v", err)
			}
			return
		}
		_, _ = e.True(bound) // may fail, must come back
	})
}
