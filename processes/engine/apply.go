package engine

import (
	"maps"
	"slices"
)

func (e Started) apply(in *Instance) {
	in.Process, in.State, in.Vars = e.Process, Active, maps.Clone(e.Vars)
}

func (e TokenEntered) apply(in *Instance) {
	in.Last = max(in.Last, e.Token)
	t := in.Token(e.Token)
	if t == nil {
		in.Tokens = append(in.Tokens, Token{No: e.Token})
		t = &in.Tokens[len(in.Tokens)-1]
	}
	t.Element, t.Flow, t.Scope, t.Outcome, t.Comment, t.Wait = e.Element, e.Flow, e.Scope, e.Outcome, e.Comment, Moving
}

func (e TokenWaits) apply(in *Instance) {
	if t := in.Token(e.Token); t != nil {
		t.Wait = e.For
	}
}

func (e TokenLeft) apply(in *Instance) {
	in.Tokens = slices.DeleteFunc(in.Tokens, func(t Token) bool { return t.No == e.Token })
}

func (e TaskCreated) apply(in *Instance) {
	in.Last = max(in.Last, e.Task)
	in.Tasks = append(in.Tasks, Task{No: e.Task, Token: e.Token, Element: e.Element, CreatedAt: e.At, DueAt: e.DueAt, Revision: 1})
	for _, step := range e.Forget {
		delete(in.Steps, step)
	}
}

func (e TaskAssigned) apply(in *Instance) {
	in.change(e.Task, func(t *Task) { t.Assignee = e.Assignee })
}

func (e StepDone) apply(in *Instance) {
	in.mark(e.Task, StepMark{ID: e.Step, Value: e.Value, At: e.At, By: e.By})
	in.learn(e.Step, e.Value)
}

func (e StepCorrected) apply(in *Instance) {
	in.mark(e.Task, StepMark{ID: e.Step, Value: e.Value, At: e.At, By: e.By})
	in.learn(e.Step, e.Value)
}

func (e StepSkipped) apply(in *Instance) {
	in.mark(e.Task, StepMark{ID: e.Step, At: e.At, By: e.By, Skipped: true, Reason: e.Reason})
}

func (in *Instance) change(task int, f func(*Task)) {
	if t := in.Task(task); t != nil {
		f(t)
		t.Revision++
	}
}

func (in *Instance) mark(task int, m StepMark) {
	in.change(task, func(t *Task) {
		if have := t.Step(m.ID); have != nil {
			*have = m
			return
		}
		t.Steps = append(t.Steps, m)
	})
}

func (in *Instance) learn(step string, value any) {
	if in.Steps == nil {
		in.Steps = map[string]any{}
	}
	in.Steps[step] = value
}

func (e TaskCompleted) apply(in *Instance) {
	task := in.Task(e.Task)
	if task == nil {
		return
	}
	if t := in.Token(task.Token); t != nil {
		t.Outcome, t.Comment = e.Outcome, e.Comment
	}
	if in.Outcomes == nil {
		in.Outcomes = map[string]string{}
	}
	in.Outcomes[e.Element] = e.Outcome
	in.removeTask(e.Task)
}

func (e TaskCanceled) apply(in *Instance) { in.removeTask(e.Task) }

func (in *Instance) removeTask(no int) {
	in.Tasks = slices.DeleteFunc(in.Tasks, func(t Task) bool { return t.No == no })
}

// Reminders and escalations change nothing in the instance: they are orders to the shell.
func (TaskRevised) apply(*Instance)   {}
func (TaskReminded) apply(*Instance)  {}
func (TaskEscalated) apply(*Instance) {}

func (e TimerSet) apply(in *Instance) {
	in.Last = max(in.Last, e.Timer.No)
	if t := in.Timer(e.Timer.No); t != nil {
		*t = e.Timer
		return
	}
	in.Timers = append(in.Timers, e.Timer)
}

func (e TimerFired) apply(in *Instance)    { in.removeTimer(e.Timer) }
func (e TimerCanceled) apply(in *Instance) { in.removeTimer(e.Timer) }

func (in *Instance) removeTimer(no int) {
	in.Timers = slices.DeleteFunc(in.Timers, func(t Timer) bool { return t.No == no })
}

func (e Subscribed) apply(in *Instance) {
	in.Last = max(in.Last, e.Subscription.No)
	in.Subscriptions = append(in.Subscriptions, e.Subscription)
}

func (Correlated) apply(*Instance) {}

func (e Unsubscribed) apply(in *Instance) {
	in.Subscriptions = slices.DeleteFunc(in.Subscriptions, func(s Subscription) bool { return s.No == e.Subscription })
}

func (e ValuesSet) apply(in *Instance) {
	if in.Vars == nil {
		in.Vars = map[string]any{}
	}
	maps.Copy(in.Vars, e.Vars)
}

// What goes to the subject, the outside and other instances leaves no trace here but the token's waiting.
func (EffectRequested) apply(*Instance)   {}
func (DeliveryRequested) apply(*Instance) {}
func (ChildStarted) apply(*Instance)      {}
func (ChildCanceled) apply(*Instance)     {}

func (e IncidentRaised) apply(in *Instance) {
	in.Last = max(in.Last, e.Incident.No)
	in.Incidents = append(in.Incidents, e.Incident)
	if t := in.Token(e.Incident.Token); t != nil {
		t.Wait = WaitIncident
	}
}

func (e IncidentResolved) apply(in *Instance) {
	in.Incidents = slices.DeleteFunc(in.Incidents, func(i Incident) bool { return i.No == e.Incident })
}

func (e InstanceEnded) apply(in *Instance) { in.State = e.State }
