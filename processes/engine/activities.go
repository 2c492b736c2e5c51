package engine

import (
	"fmt"
	"maps"
	"slices"

	"marshrut/processes/bpmn"
)

// createTask puts a user task before people, with its reminder, its escalation and the events on its border.
func (d *decider) createTask(t Token, e *bpmn.Element) error {
	env := d.bind(t.Outcome)
	title, err := e.Task.Title.Fill(env, "—")
	if err != nil {
		return err
	}
	hint, err := e.Task.Hint.Fill(env, "—")
	if err != nil {
		return err
	}
	priority, err := priorityOf(e, env)
	if err != nil {
		return err
	}
	created := TaskCreated{Task: d.next(), Token: t.No, Element: e.ID, Title: title, Hint: hint, Priority: priority, At: d.context.At}
	if err := d.deadlines(&created, e, env); err != nil {
		return err
	}
	for _, s := range e.Task.Steps {
		if _, known := d.in.Steps[s.ID]; known {
			created.Forget = append(created.Forget, s.ID)
		}
	}
	d.emit(created)
	if err := d.remind(created, e); err != nil {
		return err
	}
	if err := d.watch(t, e); err != nil {
		return err
	}
	d.enterStage(e, created.Task, e.Stage)
	d.emit(TokenWaits{Token: t.No, For: WaitTask})
	return nil
}

func priorityOf(e *bpmn.Element, env map[string]any) (int, error) {
	if e.Task.Priority == nil {
		return 0, nil
	}
	v, err := e.Task.Priority.Eval(env)
	if err != nil {
		return 0, err
	}
	n, ok := bpmn.ToNumber(v)
	if !ok {
		return 0, fmt.Errorf("важность «%s» — не число", e.Task.Priority.Source)
	}
	return int(n), nil
}

// said is what the open tasks say at the moment. One that cannot be worked out is left as it is.
func (d *decider) said() map[int]TaskRevised {
	said := map[int]TaskRevised{}
	for _, task := range d.in.Tasks {
		e, t := d.p.Element(task.Element), d.in.Token(task.Token)
		if e == nil || t == nil {
			continue
		}
		env := d.bind(t.Outcome)
		hint, err := e.Task.Hint.Fill(env, "—")
		if err != nil {
			continue
		}
		if priority, err := priorityOf(e, env); err == nil {
			said[task.No] = TaskRevised{Task: task.No, Element: task.Element, Hint: hint, Priority: priority}
		}
	}
	return said
}

// revise tells which open tasks say something else than before.
func (d *decider) revise(before map[int]TaskRevised) {
	after := d.said()
	for _, no := range slices.Sorted(maps.Keys(after)) {
		if was, known := before[no]; known && was != after[no] {
			d.emit(after[no])
		}
	}
}

// remind sets the timers of the warning and of the escalation levels.
func (d *decider) remind(created TaskCreated, e *bpmn.Element) error {
	if created.WarnAt.After(d.context.At) {
		d.emit(TimerSet{Timer{No: d.next(), Kind: WarnTimer, Token: created.Token, Element: e.ID, Task: created.Task, Due: created.WarnAt}})
	}
	if created.DueAt.IsZero() {
		return nil
	}
	for _, level := range e.Task.Escalations {
		due, err := d.later(created.DueAt, level.After, e.Task.Deadline.Calendar != "always")
		if err != nil {
			return err
		}
		d.emit(TimerSet{Timer{No: d.next(), Kind: EscalationTimer, Token: created.Token, Element: e.ID, Task: created.Task, Level: level.Level, Due: due}})
	}
	return nil
}

// act does the action of a service or send task.
func (d *decider) act(t Token, e *bpmn.Element) error {
	if e.Action == nil {
		return fmt.Errorf("у задачи «%s» нет действия", name(e))
	}
	params := make(map[string]any, len(e.Action.Params))
	for _, p := range e.Action.Params {
		v, err := p.Text.Value(d.bind(t.Outcome))
		if err != nil {
			return err
		}
		params[p.Name] = plain(v)
	}
	d.enterStage(e, 0, e.Stage)
	switch {
	case e.Action.Name == "start-process":
		vars, err := d.inputs(e.Action.Inputs, t.Outcome)
		if err != nil {
			return err
		}
		process, _ := params["process"].(string)
		d.emit(ChildStarted{Token: t.No, Element: e.ID, Process: process, Vars: vars})
	case e.Action.Delivery && e.Action.Wait:
		if err := d.watch(t, e); err != nil {
			return err
		}
		d.emit(DeliveryRequested{Token: t.No, Element: e.ID, Action: e.Action.Name, Params: params, Wait: true},
			TokenWaits{Token: t.No, For: WaitDelivery})
		return nil
	case e.Action.Delivery:
		d.emit(DeliveryRequested{Token: t.No, Element: e.ID, Action: e.Action.Name, Params: params})
	default:
		if e.Action.Name == "close" {
			explain(params, t.Comment)
		}
		d.effect(e, 0, e.Action.Name, params)
	}
	return d.leave(t, e)
}

// call starts another process and waits for it.
func (d *decider) call(t Token, e *bpmn.Element) error {
	vars, err := d.inputs(e.Call.Inputs, t.Outcome)
	if err != nil {
		return err
	}
	if err := d.watch(t, e); err != nil {
		return err
	}
	d.enterStage(e, 0, e.Stage)
	d.emit(ChildStarted{Token: t.No, Element: e.ID, Process: e.Call.Process, Vars: vars, Wait: true}, TokenWaits{Token: t.No, For: WaitChild})
	return nil
}

// inputs are the variables that another process begins with.
func (d *decider) inputs(sets []bpmn.Set, outcome string) (map[string]any, error) {
	vars := map[string]any{}
	for _, in := range sets {
		v, err := in.Value.Eval(d.bind(outcome))
		if err != nil {
			return nil, err
		}
		vars[in.Name] = plain(v)
	}
	return vars, nil
}

// catch waits for a timer or message.
func (d *decider) catch(t Token, e *bpmn.Element) error {
	if err := d.expect(t, e, CatchTimer); err != nil {
		return err
	}
	if err := d.watch(t, e); err != nil {
		return err
	}
	d.enterStage(e, 0, e.Stage)
	d.emit(TokenWaits{Token: t.No, For: WaitEvent})
	return nil
}

// race waits at an event-based gateway for the first of the events behind it.
func (d *decider) race(t Token, e *bpmn.Element) error {
	for _, out := range e.Out {
		if err := d.expect(t, &d.p.Elements[d.p.Flows[out].Target], CatchTimer); err != nil {
			return err
		}
	}
	d.enterStage(e, 0, e.Stage)
	d.emit(TokenWaits{Token: t.No, For: WaitEvent})
	return nil
}

// watch sets what the events on an activity's border wait for.
func (d *decider) watch(t Token, e *bpmn.Element) error {
	for _, b := range e.Boundary {
		if err := d.expect(t, &d.p.Elements[b], BoundaryTimer); err != nil {
			return err
		}
	}
	return nil
}

// expect sets the timer or subscription of one event for a token.
func (d *decider) expect(t Token, e *bpmn.Element, kind TimerKind) error {
	if e.Timer == nil {
		d.emit(Subscribed{Subscription{No: d.next(), Token: t.No, Element: e.ID, Message: e.Message, Boundary: kind == BoundaryTimer}})
		return nil
	}
	timer := Timer{Kind: kind, Token: t.No, Element: e.ID}
	if err := d.schedule(&timer, e.Timer, t.Outcome); err != nil {
		return fmt.Errorf("таймер «%s»: %w", name(e), err)
	}
	timer.No = d.next()
	d.emit(TimerSet{timer})
	return nil
}

// unwatch takes away everything that a token waits for.
func (d *decider) unwatch(token int) {
	for _, timer := range slices.Clone(d.in.Timers) {
		if timer.Token == token {
			d.emit(TimerCanceled{Timer: timer.No})
		}
	}
	for _, s := range slices.Clone(d.in.Subscriptions) {
		if s.Token == token {
			d.emit(Unsubscribed{Subscription: s.No})
		}
	}
}

// empty cancels everything that goes on at a token, recursively: inner tokens, tasks, timers, subscriptions, children,
// incidents. The token itself stays.
func (d *decider) empty(t Token, cause string) {
	d.emptyScope(t.No, cause)
	for _, task := range slices.Clone(d.in.Tasks) {
		if task.Token == t.No {
			d.emit(TaskCanceled{Task: task.No, Element: task.Element, Cause: cause, Steps: task.Steps})
		}
	}
	d.unwatch(t.No)
	if t.Wait == WaitChild {
		d.emit(ChildCanceled{Token: t.No, Element: t.Element})
	}
	for _, i := range slices.Clone(d.in.Incidents) {
		if i.Token == t.No {
			d.emit(IncidentResolved{Incident: i.No, By: d.context.By.ID})
		}
	}
}

// emptyScope cancels all tokens of a sub-process, or with 0 of the whole instance.
func (d *decider) emptyScope(scope int, cause string) {
	for _, t := range slices.Clone(d.in.Tokens) {
		if t.Scope == scope && d.in.Token(t.No) != nil {
			d.empty(t, cause)
			d.emit(TokenLeft{Token: t.No, Element: t.Element, Canceled: true})
		}
	}
}
