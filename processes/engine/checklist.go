package engine

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"marshrut/processes/bpmn"
)

// The rules of a checklist, all of them held here and nowhere else:
//
//   - A step exists while its "when" is true. It is required always, for named outcomes only, or while "requiredWhen" is.
//   - In a strict list a step can be done when all steps before it that are required always are done or skipped. Those
//     required for one outcome only do not stand in the way: the outcome is not yet known.
//   - A step is done with a value of its kind, its "validate" true and its "evidence" there, at that moment.
//   - A task is completed when each step required for the outcome is done or skipped, and the evidence and the values of
//     the done ones still hold, in the completing transaction.

// open returns the task and its element, or a refusal.
func (d *decider) open(no int) (*Task, *bpmn.Element, error) {
	t := d.in.Task(no)
	if t == nil {
		return nil, nil, refuse(ErrNotWaiting, "Эта задача уже не открыта: она выполнена или отменена", "The task is not open any more: it was done or canceled")
	}
	e := d.element(t.Element)
	if e == nil || e.Task == nil {
		return nil, nil, fmt.Errorf("task %d: the process has no user task %s", no, t.Element)
	}
	return t, e, nil
}

func (d *decider) doStep(cmd DoStep) error {
	t, e, err := d.open(cmd.Task)
	if err != nil {
		return err
	}
	s := e.Task.Step(cmd.Step)
	if s == nil {
		return refuse(ErrUnknownStep, "В задаче «%s» нет действия «%s»", "Task %q has no step %q", name(e), cmd.Step)
	}
	sheet := d.sheet(t, e)
	value, err := sheet.accept(s, cmd.Value)
	if err != nil {
		return err
	}
	mark := t.Step(s.ID)
	switch {
	case mark != nil && !mark.Skipped && reflect.DeepEqual(mark.Value, value):
		return nil // a repeated click
	case mark != nil && !mark.Skipped && !correctable(s.Kind):
		return refuse(ErrAlreadyDone, "Действие «%s» уже выполнено", "Step %q is done already", stepName(s))
	}
	if err := sheet.possible(s, value); err != nil {
		return err
	}
	if mark != nil && !mark.Skipped {
		d.emit(StepCorrected{Task: t.No, Step: s.ID, Before: mark.Value, Value: value, At: d.context.At, By: d.context.By.ID})
	} else {
		d.emit(StepDone{Task: t.No, Step: s.ID, Value: value, At: d.context.At, By: d.context.By.ID})
	}
	if s.Field != "" {
		d.effect(e, t.No, "set-field", map[string]any{"field": s.Field, "value": value})
	}
	return nil
}

// correctable tells which values a person may mistype. That something was confirmed, called or sent is not taken back.
func correctable(k bpmn.StepKind) bool {
	return k == bpmn.Input || k == bpmn.Choice || k == bpmn.Date || k == bpmn.FileRef
}

func (d *decider) skipStep(cmd SkipStep) error {
	t, e, err := d.open(cmd.Task)
	if err != nil {
		return err
	}
	s := e.Task.Step(cmd.Step)
	if s == nil {
		return refuse(ErrUnknownStep, "В задаче «%s» нет действия «%s»", "Task %q has no step %q", name(e), cmd.Step)
	}
	if t.Step(s.ID) != nil {
		return refuse(ErrAlreadyDone, "Действие «%s» уже выполнено или пропущено", "Step %q is done or skipped already", stepName(s))
	}
	if !d.maySkip(e) {
		return refuse(ErrNotAllowed, "Пропустить действие «%s» вам нельзя", "You may not skip step %q", stepName(s))
	}
	reason := strings.TrimSpace(cmd.Reason)
	if reason == "" {
		return refuse(ErrInvalidValue, "Укажите, почему пропускаете действие «%s»", "Say why step %q is skipped", stepName(s))
	}
	d.emit(StepSkipped{Task: t.No, Step: s.ID, Reason: reason, At: d.context.At, By: d.context.By.ID})
	return nil
}

func (d *decider) maySkip(e *bpmn.Element) bool { return MaySkip(e, d.context.By) }

// MaySkip tells whether an actor may skip steps of a user task.
func MaySkip(e *bpmn.Element, by Actor) bool {
	return slices.ContainsFunc(e.Task.Skip.Roles, func(role string) bool { return slices.Contains(by.Roles, role) })
}

func (d *decider) assignTask(cmd AssignTask) error {
	t, _, err := d.open(cmd.Task)
	if err != nil {
		return err
	}
	if t.Assignee == cmd.Assignee && cmd.Assignee != 0 {
		return nil
	}
	d.emit(TaskAssigned{Task: t.No, Assignee: cmd.Assignee, By: d.context.By.ID, Reason: cmd.Reason})
	return nil
}

func (d *decider) completeTask(cmd CompleteTask) error {
	t, e, err := d.open(cmd.Task)
	if err != nil {
		return err
	}
	if cmd.Revision != 0 && cmd.Revision != t.Revision {
		return refuse(ErrStale, "Задачу успели изменить: обновите страницу и посмотрите ещё раз", "The task has changed meanwhile: reload and look again")
	}
	sheet := d.sheet(t, e)
	o, err := sheet.outcome(cmd.Outcome)
	if err != nil {
		return err
	}
	if err := sheet.complete(o); err != nil {
		return err
	}
	return d.finish(*t, e, o, cmd.Comment)
}

// finish ends the task and moves its token on.
func (d *decider) finish(task Task, e *bpmn.Element, o *bpmn.Outcome, comment string) error {
	said := ""
	if before := d.in.Token(task.Token); before != nil {
		said = before.Comment
	}
	d.emit(TaskCompleted{Task: task.No, Element: e.ID, Outcome: o.ID, Comment: comment, At: d.context.At, By: d.context.By.ID, Steps: task.Steps})
	d.unwatch(task.Token)
	t := d.in.Token(task.Token)
	if t == nil {
		return fmt.Errorf("complete task %d: its token %d is not there", task.No, task.Token)
	}
	token := *t
	d.attempt(token, true, func() error {
		if err := d.conclude(e, task.No, o, comment, said); err != nil {
			return err
		}
		return d.leave(token, e)
	})
	return nil
}

// conclude does what the outcome itself brings: assignments, a stage, the closing of the subject. A loss that somebody only
// confirms keeps what was said by who asked for it.
func (d *decider) conclude(e *bpmn.Element, task int, o *bpmn.Outcome, comment, said string) error {
	if err := d.assign(e, task, o.Sets, o.ID); err != nil {
		return err
	}
	d.enterStage(e, task, o.Stage)
	if o.Closes == "" {
		return nil
	}
	params := map[string]any{"status": o.Closes, "comment": comment}
	for name, text := range map[string]*bpmn.Text{"reason": o.Reason, "comment": o.Comment} {
		if text == nil || params[name] != nil && params[name] != "" {
			continue
		}
		v, err := text.Value(d.bind(o.ID))
		if err != nil {
			return err
		}
		params[name] = plain(v)
	}
	explain(params, said)
	d.effect(e, task, "close", params)
	return nil
}

// explain gives a closing that says nothing of itself the words of the completion that led to it. A success needs none.
func explain(params map[string]any, said string) {
	if comment, _ := params["comment"].(string); comment != "" {
		return
	}
	delete(params, "comment")
	if said != "" && params["status"] != "won" {
		params["comment"] = said
	}
}
