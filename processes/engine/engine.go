// Package engine decides how an instance of a route map moves. It is pure: Decide takes the state and a command and gives
// the events, Evolve applies events to the state. Time, actor, values and facts come with the command; ids are numbers
// counted inside the instance; there is no clock, no SQL, no goroutine here. The shell (package processes) locks, loads,
// decides, and writes what the events say in one transaction.
//
// What a token stands at between two commands is a wait state: a user task, a timer or message, a child instance, a
// delivery, an incident, or a parallel join that other branches still owe a token.
package engine

import (
	"errors"
	"fmt"

	"marshrut/processes/bpmn"
)

// MaxSteps is how many elements one command may pass before it is taken for an endless loop and becomes an incident.
const MaxSteps = 500

// ErrNotCompiled means that bpmn.Check has not been run on the process.
var ErrNotCompiled = errors.New("the process was not checked and compiled")

// Decide says what happens. The events are in order, and already take each other into account: a value set by a step is
// seen by the gateway behind it. A *Refusal means that nothing happens, and says why in words; other errors mean that
// the process or the instance is not fit to be run. The instance is not changed.
func Decide(p *bpmn.Process, in Instance, cmd Command) ([]Event, error) {
	if !p.Compiled() {
		return nil, ErrNotCompiled
	}
	d := &decider{p: p, before: in, in: in.clone(), context: *cmd.context()}
	if err := d.decide(cmd); err != nil {
		return nil, err
	}
	d.run()
	return d.events, nil
}

// Evolve applies events. It never fails: events are facts. The instance given is not changed.
func Evolve(in Instance, events ...Event) Instance {
	out := in.clone()
	for _, e := range events {
		e.apply(&out)
	}
	return out
}

func (d *decider) decide(cmd Command) error {
	if _, start := cmd.(Start); start == (d.in.State != "") {
		if start {
			return refuse(ErrAlreadyDone, "Процесс уже запущен", "The process has been started already")
		}
		return refuse(ErrNotWaiting, "Процесс ещё не запущен", "The process has not been started")
	}
	if d.in.State.Ended() {
		return refuse(ErrNotWaiting, "Процесс уже завершён", "The process has ended")
	}
	switch cmd := cmd.(type) {
	case Start:
		return d.start(cmd)
	case DoStep:
		return d.doStep(cmd)
	case SkipStep:
		return d.skipStep(cmd)
	case CompleteTask:
		return d.completeTask(cmd)
	case AssignTask:
		return d.assignTask(cmd)
	case FireTimer:
		return d.fireTimer(cmd)
	case Correlate:
		return d.correlate(cmd)
	case ChildEnded:
		return d.childEnded(cmd)
	case DeliveryDone:
		return d.deliveryDone(cmd)
	case DeliveryFailed:
		return d.deliveryFailed(cmd)
	case Retry:
		return d.retry(cmd)
	case SetValues:
		return d.setValues(cmd)
	case Cancel:
		return d.cancelInstance(cmd)
	}
	return fmt.Errorf("unknown command %T", cmd)
}
