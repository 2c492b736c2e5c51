package engine

import (
	"fmt"
	"slices"

	"marshrut/processes/bpmn"
)

// run moves the ready tokens until all stand at wait states, then ends scopes and the instance as they empty.
func (d *decider) run() {
	for !d.in.State.Ended() {
		if len(d.ready) > 0 {
			no := d.ready[0]
			d.ready = d.ready[1:]
			d.move(no)
			continue
		}
		if !d.settle() {
			return
		}
	}
}

// move lets the token do what its element does.
func (d *decider) move(no int) {
	found := d.in.Token(no)
	if found == nil || found.Wait != Moving {
		return
	}
	t := *found
	e := d.element(t.Element)
	if e == nil {
		d.incident(t, fmt.Sprintf("в этой версии карты нет элемента «%s»", t.Element))
		return
	}
	if d.moves++; d.moves > MaxSteps {
		d.incident(t, fmt.Sprintf("процесс сделал больше %d шагов подряд: похоже на бесконечный цикл", MaxSteps))
		return
	}
	d.attempt(t, false, func() error { return d.perform(t, e) })
}

// attempt does something for a token; when it fails, all of it is undone and the token stops with an incident.
func (d *decider) attempt(t Token, leaving bool, f func() error) {
	mark, ready := len(d.events), len(d.ready)
	if err := f(); err != nil {
		d.rollBack(mark)
		d.ready = d.ready[:ready]
		d.raise(t, Incident{Reason: err.Error(), Leaving: leaving})
	}
}

// perform executes an element.
func (d *decider) perform(t Token, e *bpmn.Element) error {
	switch e.Kind {
	case bpmn.StartEvent, bpmn.ThrowEvent, bpmn.ManualTask, bpmn.ScriptTask:
		d.enterStage(e, 0, e.Stage)
		return d.leave(t, e)
	case bpmn.EndEvent:
		return d.end(t, e)
	case bpmn.UserTask:
		return d.createTask(t, e)
	case bpmn.ServiceTask, bpmn.SendTask:
		return d.act(t, e)
	case bpmn.ReceiveTask, bpmn.CatchEvent:
		return d.catch(t, e)
	case bpmn.CallActivity:
		return d.call(t, e)
	case bpmn.SubProcess:
		return d.enterScope(t, e)
	case bpmn.ExclusiveGateway:
		return d.choose(t, e)
	case bpmn.ParallelGateway:
		return d.join(t, e)
	case bpmn.EventBasedGateway:
		return d.race(t, e)
	}
	return fmt.Errorf("элемент «%s» (%s) эта версия не исполняет", e.ID, e.Kind)
}

// leave does the element's assignments and takes the outgoing flows.
func (d *decider) leave(t Token, e *bpmn.Element) error {
	if err := d.assign(e, 0, e.Sets, t.Outcome); err != nil {
		return err
	}
	flows, err := d.outgoing(t, e)
	if err != nil {
		return err
	}
	d.take(t, flows)
	return nil
}

// outgoing are the flows an activity or event takes: all without a condition, and those whose condition holds; the
// default flow if there is no other.
func (d *decider) outgoing(t Token, e *bpmn.Element) ([]int, error) {
	var taken []int
	for _, i := range e.Out {
		f := &d.p.Flows[i]
		if i == e.Default {
			continue
		}
		if f.Condition != nil && e.Kind != bpmn.ParallelGateway {
			yes, err := f.Condition.True(d.bind(t.Outcome))
			if err != nil {
				return nil, err
			}
			if !yes {
				continue
			}
		}
		taken = append(taken, i)
	}
	if len(taken) == 0 && e.Default >= 0 {
		taken = []int{e.Default}
	}
	if len(taken) == 0 && len(e.Out) > 0 {
		return nil, fmt.Errorf("после «%s» не подошло ни одно условие", name(e))
	}
	return taken, nil
}

// take moves the token along the first flow and puts new tokens on the others.
func (d *decider) take(t Token, flows []int) {
	if len(flows) == 0 {
		d.emit(TokenLeft{Token: t.No, Element: t.Element})
		return
	}
	for n, i := range flows {
		f := &d.p.Flows[i]
		no := t.No
		if n > 0 {
			no = d.next()
		}
		d.emit(TokenEntered{Token: no, Element: d.p.Elements[f.Target].ID, Flow: f.ID, Scope: t.Scope, Outcome: t.Outcome, Comment: t.Comment})
		d.ready = append(d.ready, no)
	}
}

// choose takes the first flow in document order that the condition or the outcome allows, else the default.
func (d *decider) choose(t Token, e *bpmn.Element) error {
	for _, i := range e.Out {
		f := &d.p.Flows[i]
		if i == e.Default {
			continue
		}
		switch {
		case f.Condition != nil:
			yes, err := f.Condition.True(d.bind(t.Outcome))
			if err != nil {
				return err
			}
			if !yes {
				continue
			}
		case f.Outcome != "":
			if f.Outcome != t.Outcome {
				continue
			}
		case len(e.Out) > 1:
			continue // nothing ever chooses it; Check has said so
		}
		return d.choice(t, e, i)
	}
	if e.Default < 0 {
		return fmt.Errorf("после шлюза «%s» не подошло ни одно условие, а пути по умолчанию нет", name(e))
	}
	return d.choice(t, e, e.Default)
}

func (d *decider) choice(t Token, e *bpmn.Element, flow int) error {
	if err := d.assign(e, 0, e.Sets, t.Outcome); err != nil {
		return err
	}
	d.enterStage(e, 0, e.Stage)
	d.take(t, []int{flow})
	return nil
}

// join waits until every incoming flow has brought a token, takes one of each and goes on with the newest. Surplus tokens
// of a flow stay for the next round.
func (d *decider) join(t Token, e *bpmn.Element) error {
	var taken []Token
	for _, in := range e.In {
		i := slices.IndexFunc(d.in.Tokens, func(o Token) bool {
			return o.Element == e.ID && o.Scope == t.Scope && o.Flow == d.p.Flows[in].ID && (o.Wait == WaitJoin || o.No == t.No)
		})
		if i < 0 {
			d.emit(TokenWaits{Token: t.No, For: WaitJoin})
			return nil
		}
		taken = append(taken, d.in.Tokens[i])
	}
	flows, err := d.outgoing(t, e)
	if err != nil {
		return err
	}
	keep := taken[0]
	for _, other := range taken {
		if other.No == t.No {
			keep = other
		}
	}
	for _, other := range taken {
		if other.No != keep.No {
			d.emit(TokenLeft{Token: other.No, Element: e.ID})
		}
	}
	d.enterStage(e, 0, e.Stage)
	d.take(keep, flows)
	return nil
}

// end consumes the token. A terminate event empties its scope.
func (d *decider) end(t Token, e *bpmn.Element) error {
	if err := d.assign(e, 0, e.Sets, t.Outcome); err != nil {
		return err
	}
	d.enterStage(e, 0, e.Stage)
	d.emit(TokenLeft{Token: t.No, Element: e.ID})
	if e.Trigger != bpmn.TerminateTrigger {
		return nil
	}
	d.emptyScope(t.Scope, e.ID)
	if t.Scope == 0 {
		d.emit(InstanceEnded{State: Terminated})
	}
	return nil
}

// settle ends what has become empty: the innermost sub-process first, the instance last. It returns whether a token can
// move again. A token at a join that nothing can free any more becomes an incident.
func (d *decider) settle() bool {
	for i := len(d.in.Tokens) - 1; i >= 0; i-- {
		t := d.in.Tokens[i]
		if t.Wait == WaitScope && !d.populated(t.No) {
			d.leaveActivity(t)
			return true
		}
	}
	if len(d.in.Tokens) == 0 {
		d.emit(InstanceEnded{State: Completed})
		return false
	}
	d.freeStuck()
	return false
}

func (d *decider) populated(scope int) bool {
	return slices.ContainsFunc(d.in.Tokens, func(t Token) bool { return t.Scope == scope })
}

// freeStuck raises an incident when every token of a scope waits for the others.
func (d *decider) freeStuck() {
	for _, t := range slices.Clone(d.in.Tokens) {
		stuck := t.Wait == WaitJoin && !slices.ContainsFunc(d.in.Tokens, func(o Token) bool {
			return o.Scope == t.Scope && o.Wait != WaitJoin
		})
		if stuck {
			d.incident(t, fmt.Sprintf("слияние «%s» ждёт ветку, которая уже не придёт", name(d.element(t.Element))))
		}
	}
}

func (d *decider) enterScope(t Token, e *bpmn.Element) error {
	starts := d.p.Starts(e.Index)
	if len(starts) != 1 {
		return fmt.Errorf("в подпроцессе «%s» нет единственного начала", name(e))
	}
	if err := d.watch(t, e); err != nil {
		return err
	}
	d.enterStage(e, 0, e.Stage)
	d.emit(TokenWaits{Token: t.No, For: WaitScope})
	inner := d.next()
	d.emit(TokenEntered{Token: inner, Element: d.p.Elements[starts[0]].ID, Scope: t.No, Outcome: t.Outcome, Comment: t.Comment})
	d.ready = append(d.ready, inner)
	return nil
}

// leaveActivity ends the waiting of a token at an activity or event: its boundary events go, and it moves on.
func (d *decider) leaveActivity(t Token) {
	e := d.element(t.Element)
	if e == nil {
		d.incident(t, fmt.Sprintf("в этой версии карты нет элемента «%s»", t.Element))
		return
	}
	d.unwatch(t.No)
	d.attempt(t, true, func() error { return d.leave(t, e) })
}

// incident stops a token where it is; a retry executes the element again.
func (d *decider) incident(t Token, reason string) { d.raise(t, Incident{Reason: reason}) }

// raise stops a token; after leaving, a retry only takes the flows: what the element does has been done.
func (d *decider) raise(t Token, i Incident) {
	i.No, i.Token, i.Element, i.At = d.next(), t.No, t.Element, d.context.At
	d.emit(IncidentRaised{Incident: i})
}

// name is what an element is called in a sentence.
func name(e *bpmn.Element) string {
	if e.Name != "" {
		return e.Name
	}
	return e.ID
}
