package engine

import (
	"fmt"
	"maps"

	"marshrut/processes/bpmn"
)

func (d *decider) start(cmd Start) error {
	starts := d.p.Starts(-1)
	if len(starts) != 1 {
		return fmt.Errorf("start process %s: it has %d none start events, not one", d.p.ID, len(starts))
	}
	var vars map[string]any
	if len(d.p.Vars) > 0 {
		vars = map[string]any{}
	}
	for _, v := range d.p.Vars {
		if v.Value != nil {
			vars[v.Name] = plain(v.Value)
		}
		if given, ok := cmd.Vars[v.Name]; ok {
			vars[v.Name] = plain(given)
		}
	}
	d.emit(Started{Process: d.p.ID, Vars: vars})
	token := d.next()
	d.emit(TokenEntered{Token: token, Element: d.p.Elements[starts[0]].ID})
	d.ready = append(d.ready, token)
	return nil
}

func (d *decider) fireTimer(cmd FireTimer) error {
	found := d.in.Timer(cmd.Timer)
	if found == nil {
		return refuse(ErrNotWaiting, "Этого таймера уже нет", "The timer is gone already")
	}
	timer := *found
	d.emit(TimerFired{Timer: timer.No, Element: timer.Element})
	e, t := d.element(timer.Element), d.in.Token(timer.Token)
	if e == nil || t == nil {
		return fmt.Errorf("fire timer %d: element %s or token %d is not there", timer.No, timer.Element, timer.Token)
	}
	switch timer.Kind {
	case WarnTimer:
		d.emit(TaskReminded{Task: timer.Task, Element: timer.Element})
	case EscalationTimer:
		d.escalate(timer, e)
	case BoundaryTimer:
		if err := d.again(timer, e.Timer); err != nil {
			return err
		}
		d.boundary(*t, e)
	default:
		d.happened(*t, e)
	}
	return nil
}

func (d *decider) escalate(timer Timer, e *bpmn.Element) {
	if e.Task == nil {
		return
	}
	for _, level := range e.Task.Escalations {
		if level.Level == timer.Level {
			d.emit(TaskEscalated{Task: timer.Task, Element: e.ID, Level: level.Level, Action: string(level.Action), To: level.To})
		}
	}
}

func (d *decider) correlate(cmd Correlate) error {
	for _, s := range d.in.Subscriptions {
		if s.Message != cmd.Message || cmd.Subscription != 0 && cmd.Subscription != s.No {
			continue
		}
		e, t := d.element(s.Element), d.in.Token(s.Token)
		if e == nil || t == nil {
			return fmt.Errorf("correlate %s: element %s or token %d is not there", cmd.Message, s.Element, s.Token)
		}
		d.message = cmd.Payload
		d.emit(Correlated{Subscription: s.No, Element: s.Element, Message: s.Message, Payload: cmd.Payload})
		if s.Boundary {
			d.boundary(*t, e)
		} else {
			d.happened(*t, e)
		}
		return nil
	}
	return refuse(ErrNotWaiting, "Сообщение «%s» здесь никто не ждёт", "Nothing waits for message %q", cmd.Message)
}

// happened goes on from an intermediate event. At an event-based gateway the other events lose in the same command.
func (d *decider) happened(t Token, e *bpmn.Element) {
	d.unwatch(t.No)
	if t.Element != e.ID {
		t = d.moveTo(t.No, t, e)
		d.enterStage(e, 0, e.Stage)
	}
	d.attempt(t, true, func() error { return d.leave(t, e) })
}

// boundary goes on from an event on the border: interrupting, with the token of the activity, all of whose work is
// canceled; else with a new token beside it.
func (d *decider) boundary(t Token, e *bpmn.Element) {
	no := t.No
	if e.NonInterrupted {
		no = d.next()
	} else {
		d.empty(t, e.ID)
	}
	t = d.moveTo(no, t, e)
	d.enterStage(e, 0, e.Stage)
	d.attempt(t, true, func() error { return d.leave(t, e) })
}

func (d *decider) moveTo(no int, like Token, e *bpmn.Element) Token {
	d.emit(TokenEntered{Token: no, Element: e.ID, Scope: like.Scope, Outcome: like.Outcome, Comment: like.Comment})
	return *d.in.Token(no)
}

// waiting returns the token if it waits for that.
func (d *decider) waiting(token int, wait Wait) (Token, error) {
	t := d.in.Token(token)
	if t == nil || t.Wait != wait {
		return Token{}, refuse(ErrNotWaiting, "Этого уже никто не ждёт", "Nothing waits for this any more")
	}
	return *t, nil
}

func (d *decider) childEnded(cmd ChildEnded) error {
	t, err := d.waiting(cmd.Token, WaitChild)
	if err != nil {
		return err
	}
	if reason, failed := cmd.failure(); failed {
		d.unwatch(t.No)
		d.incident(t, reason)
		return nil
	}
	d.child = cmd.Values
	d.leaveActivity(t)
	return nil
}

// failure tells why the caller cannot go on: the child was canceled, or could not be started.
func (cmd ChildEnded) failure() (reason string, failed bool) {
	if text, ok := cmd.Values["error"].(string); ok && text != "" {
		return "вызванный процесс не запустился: " + text, true
	}
	return "вызванный процесс отменён", cmd.State == Canceled
}

// deliveryDone goes on, also from the incident that the delivery left when it failed: somebody had it sent again, or gave it up.
func (d *decider) deliveryDone(cmd DeliveryDone) error {
	for _, i := range d.in.Incidents {
		if t := d.in.Token(cmd.Token); i.Token == cmd.Token && i.Delivery && t != nil {
			d.emit(IncidentResolved{Incident: i.No, By: cmd.By.ID})
			d.leaveActivity(*t)
			return nil
		}
	}
	t, err := d.waiting(cmd.Token, WaitDelivery)
	if err != nil {
		return err
	}
	d.leaveActivity(t)
	return nil
}

func (d *decider) deliveryFailed(cmd DeliveryFailed) error {
	t, err := d.waiting(cmd.Token, WaitDelivery)
	if err != nil {
		return err
	}
	d.unwatch(t.No)
	d.raise(t, Incident{Reason: "не удалось отправить: " + cmd.Reason, Delivery: true})
	return nil
}

// retry runs the element again, or, where the element itself is done, only looks for the way on.
func (d *decider) retry(cmd Retry) error {
	retried := false
	for _, i := range append([]Incident(nil), d.in.Incidents...) {
		if cmd.Incident != 0 && cmd.Incident != i.No {
			continue
		}
		retried = true
		d.emit(IncidentResolved{Incident: i.No, By: cmd.By.ID})
		t := d.in.Token(i.Token)
		if t == nil {
			continue
		}
		if i.Leaving {
			d.leaveActivity(*t)
			continue
		}
		d.emit(TokenWaits{Token: t.No, For: Moving})
		d.ready = append(d.ready, t.No)
	}
	if !retried {
		return refuse(ErrNotWaiting, "Этой остановки уже нет", "The incident is resolved already")
	}
	return nil
}

func (d *decider) setValues(cmd SetValues) error {
	vars := maps.Clone(cmd.Vars)
	for name, v := range vars {
		vars[name] = plain(v)
	}
	d.emit(ValuesSet{Vars: vars})
	return nil
}

func (d *decider) cancelInstance(cmd Cancel) error {
	d.emptyScope(0, "")
	d.emit(InstanceEnded{State: Canceled, Reason: cmd.Reason})
	return nil
}
