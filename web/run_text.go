package web

import (
	"cmp"
	"marshrut/processes/engine"
)

// eventText says in words what happened in a run; "" is of no interest to people.
func (p page) eventText(event engine.Event, v runView) string {
	name := func(id string) string {
		e := v.Definition.Process().Element(id)
		if e == nil || e.Name == "" {
			return ""
		}
		return e.Name
	}
	say := func(key, what string) string {
		if what == "" {
			return ""
		}
		return p.T("event."+key, "name", what)
	}
	switch e := event.(type) {
	case engine.Started:
		return p.T("event.started")
	case engine.TaskCreated:
		return say("task_created", e.Title)
	case engine.TaskCompleted:
		return say("task_completed", name(e.Element))
	case engine.TaskCanceled:
		return say("task_canceled", name(e.Element))
	case engine.TaskEscalated:
		return say("task_escalated", name(e.Element))
	case engine.StepDone:
		return say("step_done", v.stepTitle(e.Step))
	case engine.StepSkipped:
		return say("step_skipped", v.stepTitle(e.Step))
	case engine.TimerFired:
		return say("timer_fired", name(e.Element))
	case engine.Correlated:
		return say("correlated", cmp.Or(name(e.Element), e.Message))
	case engine.IncidentRaised:
		return say("incident", e.Incident.Reason)
	case engine.InstanceEnded:
		return p.T("run." + string(e.State))
	}
	return ""
}

// stepTitle is the name of a step, whatever task it belongs to.
func (v runView) stepTitle(id string) string {
	for _, e := range v.Definition.Process().Elements {
		if e.Task == nil {
			continue
		}
		if step := e.Task.Step(id); step != nil {
			return step.Title
		}
	}
	return id
}
