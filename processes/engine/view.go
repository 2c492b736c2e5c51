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

// Consequence is what choosing an outcome would bring.
type Consequence struct {
	Effects []EffectRequested // on the subject, in order
	Next    []string          // elements of the user tasks that would come
	Ends    bool              // the instance would end
}

// Consequences tells what choosing an outcome would bring, without doing it and as if no step were missing. A caller that
// wants to close or move a subject finds the outcome that does so.
func Consequences(p *bpmn.Process, in Instance, task int, outcome string, c Context) (Consequence, error) {
	if !p.Compiled() {
		return Consequence{}, ErrNotCompiled
	}
	d := &decider{p: p, before: in, in: in.clone(), context: c}
	t, e, err := d.open(task)
	if err != nil {
		return Consequence{}, err
	}
	o := e.Task.Outcome(outcome)
	if o == nil {
		return Consequence{}, fmt.Errorf("task %s has no outcome %q", e.ID, outcome)
	}
	if err := d.finish(*t, e, o, ""); err != nil {
		return Consequence{}, err
	}
	d.run()
	var found Consequence
	for _, event := range d.events {
		switch event := event.(type) {
		case EffectRequested:
			found.Effects = append(found.Effects, event)
		case TaskCreated:
			found.Next = append(found.Next, event.Element)
		case InstanceEnded:
			found.Ends = true
		}
	}
	return found, nil
}
