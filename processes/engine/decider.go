package engine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"marshrut/internal/workcal"
	"marshrut/processes/bpmn"
)

// decider is one Decide at work: a copy of the instance that each event changes at once, and the events so far.
type decider struct {
	p       *bpmn.Process
	before  Instance // never changed
	in      Instance
	context Context
	events  []Event

	values  map[string]any // of the subject, with what this command has written over them
	env     map[string]any // bound for expressions; nil: to be made again
	message map[string]any
	child   map[string]any

	ready []int // tokens that can move, in order
	moves int
}

func (d *decider) emit(events ...Event) {
	for _, e := range events {
		e.apply(&d.in)
		d.events = append(d.events, e)
		d.rebind(e)
	}
}

// rebind keeps the names of expressions true to the instance after an event.
func (d *decider) rebind(e Event) {
	if d.env == nil {
		return
	}
	switch e := e.(type) {
	case ValuesSet:
		d.p.BindVars(d.env, d.in.Vars, d.calendar().Zone())
	case StepDone, StepCorrected:
		d.p.BindSteps(d.env, d.in.Steps, d.calendar().Zone())
	case TaskCreated:
		if len(e.Forget) > 0 {
			d.p.BindSteps(d.env, d.in.Steps, d.calendar().Zone())
		}
	case TaskCompleted:
		d.env["outcomes"] = d.in.Outcomes
	}
}

// next gives a number, counted inside the instance.
func (d *decider) next() int {
	d.in.Last++
	return d.in.Last
}

func (d *decider) element(id string) *bpmn.Element { return d.p.Element(id) }

// bind prepares the names for the expressions at a token. The map is shared until something changes; what differs from
// token to token is written in each time.
func (d *decider) bind(outcome string) map[string]any {
	if d.env == nil {
		d.env = d.p.Bind(bpmn.Bindings{Values: d.subject(), Facts: d.context.Facts, Vars: d.in.Vars, Steps: d.in.Steps,
			Outcomes: d.in.Outcomes, Now: d.context.At, Location: d.calendar().Zone(),
			Working: d.calendar().IsOpen(d.context.At), Message: d.message, Child: d.child})
	}
	d.env["outcome"] = outcome
	return d.env
}

func (d *decider) subject() map[string]any {
	if d.values == nil {
		return d.context.Values
	}
	return d.values
}

// write changes a field of the subject for the expressions that follow in this command; the effect makes it lasting.
func (d *decider) write(field string, value any) {
	if d.values == nil {
		d.values = maps.Clone(d.context.Values)
		if d.values == nil {
			d.values = map[string]any{}
		}
	}
	into := d.values
	path := strings.Split(field, ".")
	for _, name := range path[:len(path)-1] {
		inner, _ := into[name].(map[string]any)
		inner = maps.Clone(inner)
		if inner == nil {
			inner = map[string]any{}
		}
		into[name] = inner
		into = inner
	}
	into[path[len(path)-1]] = value
	d.env = nil
}

var everyHour = workcal.Always(time.UTC)

func (d *decider) calendar() *workcal.Calendar {
	if d.context.Calendar == nil {
		return everyHour
	}
	return d.context.Calendar
}

// effect orders an effect on the subject.
func (d *decider) effect(e *bpmn.Element, task int, action string, params map[string]any) {
	d.emit(EffectRequested{Element: e.ID, Task: task, Action: action, Params: params})
	d.overwrite(action, params)
}

// overwrite lets the expressions that follow see a field that this command has written.
func (d *decider) overwrite(action string, params map[string]any) {
	if field, ok := params["field"].(string); ok && action == "set-field" {
		d.write(field, params["value"])
	}
}

func (d *decider) enterStage(e *bpmn.Element, task int, stage string) {
	if stage != "" {
		d.effect(e, task, "set-stage", map[string]any{"stage": stage})
	}
}

// assign does the assignments of an element, or of the outcome of a task that ends. What other tasks say may change by it.
func (d *decider) assign(e *bpmn.Element, task int, sets []bpmn.Set, outcome string) error {
	if len(sets) > 0 && task == 0 && len(d.in.Tasks) > 0 {
		before := d.said()
		defer func() { d.revise(before) }()
	}
	for _, s := range sets {
		v, err := s.Value.Eval(d.bind(outcome))
		if err != nil {
			return err
		}
		v = plain(v)
		if strings.Contains(s.Name, ".") {
			d.effect(e, task, "set-field", map[string]any{"field": s.Name, "value": v})
			continue
		}
		d.emit(ValuesSet{Vars: map[string]any{s.Name: v}})
	}
	return nil
}

// plain gives a value the form it has after JSON, so that a state in memory and one from the table are equal.
func plain(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case time.Time:
		return v.Format(time.RFC3339)
	case time.Duration:
		return v.String()
	case []string:
		return slices.Collect(func(yield func(any) bool) {
			for _, s := range v {
				if !yield(s) {
					return
				}
			}
		})
	}
	return v
}

// rollBack forgets the events after the first n, so that an element that failed half-way has done nothing. It replays
// rather than keep copies: failing is rare.
func (d *decider) rollBack(n int) {
	d.events = d.events[:n]
	d.in = Evolve(d.before, d.events...)
	d.values, d.env = nil, nil
	for _, e := range d.events {
		if effect, ok := e.(EffectRequested); ok {
			d.overwrite(effect.Action, effect.Params)
		}
	}
}
