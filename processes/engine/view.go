package engine

import (
	"fmt"

	"marshrut/processes/bpmn"
)

// TaskView is an open task as its performer should see it now.
type TaskView struct {
	Steps    []StepView
	Outcomes []OutcomeView
	Revision int
	MaySkip  bool // the actor of the context may skip steps
}

// StepView is one line of the checklist. Steps whose "when" does not hold are left out.
type StepView struct {
	Step     *bpmn.Step
	Mark     *StepMark // nil: neither done nor skipped
	Required bool      // for every outcome
	Blocked  []MissingStep
}

// Done tells that the step was done or skipped.
func (v StepView) Done() bool { return v.Mark != nil }

// OutcomeView is one button. Missing is what still has to be done for it.
type OutcomeView struct {
	Outcome *bpmn.Outcome
	Missing []MissingStep
}

// View judges an open task without changing anything. Outcomes whose "when" does not hold are left out.
func View(p *bpmn.Process, in Instance, task int, c Context) (TaskView, error) {
	if !p.Compiled() {
		return TaskView{}, ErrNotCompiled
	}
	d := &decider{p: p, before: in, in: in, context: c}
	t, e, err := d.open(task)
	if err != nil {
		return TaskView{}, err
	}
	s := d.sheet(t, e)
	v := TaskView{Revision: t.Revision, MaySkip: MaySkip(e, c.By)}
	for i := range e.Task.Steps {
		step := &e.Task.Steps[i]
		mark := t.Step(step.ID)
		if !s.exists(step) && mark == nil {
			continue
		}
		line := StepView{Step: step, Mark: mark, Required: s.required(step, "")}
		if mark == nil {
			line.Blocked = s.before(step)
		}
		v.Steps = append(v.Steps, line)
	}
	for i := range e.Task.Outcomes {
		if o := &e.Task.Outcomes[i]; s.available(o) {
			v.Outcomes = append(v.Outcomes, OutcomeView{Outcome: o, Missing: s.missing(o)})
		}
	}
	return v, nil
}

// Consequences tells what choosing an outcome would do to the subject, without doing it: the effects that Decide would
// order if no step were missing. A caller that wants to close or move a subject finds the outcome that does so.
func Consequences(p *bpmn.Process, in Instance, task int, outcome string, c Context) ([]EffectRequested, error) {
	if !p.Compiled() {
		return nil, ErrNotCompiled
	}
	d := &decider{p: p, before: in, in: in.clone(), context: c}
	t, e, err := d.open(task)
	if err != nil {
		return nil, err
	}
	o := e.Task.Outcome(outcome)
	if o == nil {
		return nil, fmt.Errorf("task %s has no outcome %q", e.ID, outcome)
	}
	if err := d.finish(*t, e, o, ""); err != nil {
		return nil, err
	}
	d.run()
	var effects []EffectRequested
	for _, event := range d.events {
		if effect, ok := event.(EffectRequested); ok {
			effects = append(effects, effect)
		}
	}
	return effects, nil
}
