package processes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/processes/bpmn"
	"marshrut/processes/engine"
)

// patience bounds a click once it has begun to write. Until then it ends with
// the request; from then on it is carried through, whatever the browser does.
const patience = 30 * time.Second

// Completion is how a person ends a task.
type Completion struct {
	Outcome string // may be empty where there is only one
	Comment string
	// Revision is that of the task the person saw; 0: any.
	Revision int
	// Values are steps to do first, by their id, in the order of the list.
	Values map[string]any
	// SkipReason, if given, skips every step that is still missing, where the
	// actor may.
	SkipReason string
}

// Result is what a completion brought about.
type Result struct {
	Task Task
	Next []Task // tasks that have appeared about the same subject, for whomever
}

// DoStep marks a step of a task as done, with its value where its kind has one.
// Whoever may work an unassigned task takes it by its first step. Refusals are
// *engine.Refusal and are in the journal; ErrNotFound.
func (s *Service) DoStep(ctx context.Context, actor staff.Actor, task int64, step string, value any) (Task, error) {
	w, err := s.work(ctx, actor, task, "step", func(w *work) error {
		return w.doStep(step, value)
	})
	return w.task, err
}

// SkipStep skips a step, for whom the route map lets, with a reason.
func (s *Service) SkipStep(ctx context.Context, actor staff.Actor, task int64, step, reason string) (Task, error) {
	reason = clean(reason)
	w, err := s.work(ctx, actor, task, "skip", func(w *work) error {
		return w.order("skip-step", func(c engine.Context) engine.Command {
			return engine.SkipStep{Context: c, Task: w.row.No, Step: step, Reason: reason}
		})
	})
	return w.task, err
}

// Complete ends a task with an outcome and moves its process on, with everything
// that follows from it, in one transaction.
func (s *Service) Complete(ctx context.Context, actor staff.Actor, task int64, c Completion) (Result, error) {
	c.Comment, c.SkipReason = clean(c.Comment), clean(c.SkipReason)
	w, err := s.work(ctx, actor, task, "complete", func(w *work) error {
		if c.Revision != 0 && c.Revision != w.row.Revision {
			return refusal(engine.ErrStale, "Задача изменилась, пока вы на неё смотрели: обновите страницу", "The task has changed: reload it")
		}
		if err := w.prepare(c); err != nil {
			return err
		}
		return w.order("complete-task", func(ec engine.Context) engine.Command {
			return engine.CompleteTask{Context: ec, Task: w.row.No, Outcome: c.Outcome, Comment: c.Comment}
		})
	})
	return Result{Task: w.task, Next: w.next}, err
}

// Reassign gives a task to somebody, or with 0 back to its whole role. Who may
// work a task that nobody has may take it; everything else is for those whose
// permission covers it.
func (s *Service) Reassign(ctx context.Context, actor staff.Actor, task, assignee int64, reason string) (Task, error) {
	w, err := s.work(ctx, actor, task, "reassign", func(w *work) error { return w.reassign(assignee, clean(reason)) })
	return w.task, err
}

// ReassignIn is Reassign inside the transaction of a caller who answers for the
// right to it: a case changes hands together with its tasks.
func (s *Service) ReassignIn(ctx context.Context, tx pgx.Tx, actor staff.Actor, task, assignee int64, reason string) error {
	w := &work{s: s, actor: actor, id: task, now: s.now()}
	if err := w.open(ctx, tx); err != nil {
		return err
	}
	if err := w.hand(assignee, reason); err != nil {
		return err
	}
	return w.turn.run(ctx)
}

// work is one click of a person on a task.
type work struct {
	s     *Service
	actor staff.Actor
	id    int64
	now   time.Time

	turn *turn
	row  *taskRow
	in   *instance
	def  *bpmn.Task

	facts map[string]any
	task  Task
	next  []Task
}

// work opens the task, lets f order what the person wants, and commits it; a
// refusal is journaled after the rollback.
func (s *Service) work(ctx context.Context, actor staff.Actor, task int64, what string, f func(*work) error) (*work, error) {
	begun := time.Now()
	w := &work{s: s, actor: actor, id: task, now: s.now()}
	err := w.attempt(ctx, what, f)
	for try := 0; try < 2 && postgres.Classify(err) == postgres.Race && ctx.Err() == nil; try++ {
		w = &work{s: s, actor: actor, id: task, now: s.now()}
		err = w.attempt(ctx, what, f)
	}
	var refused *engine.Refusal
	if errors.As(err, &refused) {
		return w, errors.Join(err, s.refused(context.WithoutCancel(ctx), w, what, refused))
	}
	if err == nil {
		s.metrics.took(what, time.Since(begun))
	}
	return w, err
}

// attempt is the transaction. It is not postgres.InTx, because the commit must
// not depend on the request either.
func (w *work) attempt(ctx context.Context, what string, f func(*work) error) error {
	tx, err := w.s.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // does nothing after the commit
	if err := w.open(ctx, tx); err != nil {
		return err
	}
	if err := w.allowed(what); err != nil {
		return err
	}
	if err := f(w); err != nil {
		return err
	}
	through, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := w.turn.run(through); err != nil {
		return err
	}
	if err := w.show(); err != nil {
		return err
	}
	if err := tx.Commit(through); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// begin begins a transaction whose statements keep one plan each: they all go by
// keys, and planning them anew for every click takes longer than running them.
func (s *Service) begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: "begin; set local plan_cache_mode = force_generic_plan"})
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	return tx, nil
}

// open locks the subject of the task, then its process, and reads both.
func (w *work) open(ctx context.Context, tx pgx.Tx) error {
	var subject int64
	err := tx.QueryRow(ctx, "select subject from task where id = $1", w.id).Scan(&subject)
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("task %d: %w", w.id, ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("look for task %d: %w", w.id, err)
	}
	w.turn = w.s.newTurn(tx, w.now)
	if err := w.turn.lock(ctx, []int64{subject}); err != nil {
		return err
	}
	if err := w.turn.load(ctx, []int64{subject}, w.id); err != nil {
		return err
	}
	for _, row := range w.turn.tasks {
		if row.ID == w.id {
			w.row, w.in = row, w.turn.instances[row.Instance]
		}
	}
	if w.in == nil || w.row.Status != TaskOpen {
		return w.tooLate()
	}
	w.def = w.in.def.Process().Element(w.row.Element).Task
	return w.learn(ctx)
}

// learn reads the facts, if a rule of the task asks for any.
func (w *work) learn(ctx context.Context) (err error) {
	w.facts = map[string]any{}
	if slices.ContainsFunc(w.def.Steps, func(s bpmn.Step) bool {
		return s.Evidence != nil || s.When != nil || s.Validate != nil || s.RequiredWhen != nil
	}) ||
		slices.ContainsFunc(w.def.Outcomes, func(o bpmn.Outcome) bool { return o.When != nil }) {
		w.facts, err = w.s.subjects.Facts(ctx, w.turn.tx, w.row.Subject, w.row.CreatedAt)
	}
	if err != nil {
		return fmt.Errorf("read the facts of case %d: %w", w.row.Subject, err)
	}
	return nil
}

func (w *work) tooLate() error {
	if w.row == nil {
		return fmt.Errorf("task %d: %w", w.id, ErrNotFound)
	}
	if w.row.Status == TaskDone {
		name := w.turn.people.Name(w.row.DoneBy)
		return refusal(engine.ErrAlreadyDone, "Задачу уже выполнил(а) "+name, "The task was done already by "+name)
	}
	return refusal(engine.ErrNotWaiting, "Задача снята: её больше не нужно выполнять", "The task was taken away: nobody has to do it any more")
}

// allowed refuses who may not work the task, and gives an unassigned one to the
// performer who begins to work it.
func (w *work) allowed(what string) error {
	if what == "reassign" && w.actor.Can(staff.ReassignTask) {
		return nil
	}
	people := w.turn.people
	if !mayWork(people, w.now, w.actor, w.turn.subjects[w.row.Subject], w.row) {
		return refusal(engine.ErrNotAllowed, "Эту задачу выполняет другой сотрудник", "The task is somebody else's")
	}
	if what != "reassign" && w.row.Assignee == 0 && (w.row.Role == "" || people.Holds(w.actor.ID, w.row.Role)) {
		return w.hand(w.actor.ID, "")
	}
	return nil
}

func (w *work) reassign(assignee int64, reason string) error {
	if !w.actor.Can(staff.ReassignTask) && (w.row.Assignee != 0 || assignee != w.actor.ID) {
		return refusal(engine.ErrNotAllowed, "Передать задачу другому может только руководитель", "Only a head may give the task to somebody else")
	}
	return w.hand(assignee, reason)
}

func (w *work) hand(assignee int64, reason string) error {
	if e, known := w.turn.people.Employee(assignee); assignee != 0 && (!known || e.Disabled()) {
		return refusal(engine.ErrInvalidValue, "Такого сотрудника нет", "There is no such employee")
	}
	w.row.Hung = w.row.Hung && assignee == 0
	return w.order("assign-task", func(c engine.Context) engine.Command {
		return engine.AssignTask{Context: c, Task: w.row.No, Assignee: assignee, Reason: reason}
	})
}

// prepare goes through the list once, in its order: a step that came with the
// completion is done, and where a reason is given each other one that the
// outcome still takes is skipped.
func (w *work) prepare(c Completion) error {
	left := maps.Clone(c.Values)
	for i := range w.def.Steps {
		id := w.def.Steps[i].ID
		value, given := left[id]
		delete(left, id)
		var err error
		switch {
		case given:
			err = w.doStep(id, value)
		case c.SkipReason != "":
			err = w.skipIfMissing(id, c)
		}
		if err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(left)) {
		if err := w.doStep(id, left[id]); err != nil { // no such step: the engine says so
			return err
		}
	}
	return nil
}

func (w *work) doStep(id string, value any) error {
	if text, ok := value.(string); ok {
		value = postgres.Text(text) // its length is the engine's matter
	}
	return w.order("do-step", func(c engine.Context) engine.Command {
		return engine.DoStep{Context: c, Task: w.row.No, Step: id, Value: value}
	})
}

func (w *work) skipIfMissing(id string, c Completion) error {
	view, err := engine.View(w.in.def.Process(), w.in.state, w.row.No, w.turn.context(w.make("skip-step", nil), w.turn.subjects[w.row.Subject]))
	if err != nil {
		return err
	}
	missing := slices.ContainsFunc(view.Outcomes, func(o engine.OutcomeView) bool {
		return o.Outcome.ID == c.Outcome && slices.ContainsFunc(o.Missing, func(m engine.MissingStep) bool { return m.ID == id })
	})
	if !missing {
		return nil
	}
	return w.order("skip-step", func(ec engine.Context) engine.Command {
		return engine.SkipStep{Context: ec, Task: w.row.No, Step: id, Reason: c.SkipReason}
	})
}

// order decides on a command of the person at once: the next one builds on it.
func (w *work) order(name string, command func(engine.Context) engine.Command) error {
	return w.turn.decide(w.make(name, command))
}

func (w *work) make(name string, command func(engine.Context) engine.Command) order {
	o := order{to: w.in, name: name, actor: w.actor, facts: w.facts, command: command}
	if w.actor.Can(staff.SkipAnyStep) {
		o.skips = w.def.Skip.Roles
	}
	return o
}

// show describes the task and what has appeared beside it, as they are committed.
func (w *work) show() (err error) {
	v := viewer{now: w.now, people: w.turn.people, subjects: w.turn.subjects}
	w.task, err = v.task(storedTask{row: w.row, def: w.in.def, state: w.in.state}, w.facts)
	if err != nil {
		return err
	}
	for _, row := range w.turn.arrived {
		if row.Status != TaskOpen {
			continue
		}
		in := w.turn.instances[row.Instance]
		task, err := v.task(storedTask{row: row, def: in.def, state: in.state}, nil)
		if err != nil {
			return err
		}
		w.next = append(w.next, task)
	}
	return nil
}

// refused writes into the journal what was refused to whom, after the rollback.
func (s *Service) refused(ctx context.Context, w *work, what string, r *engine.Refusal) error {
	s.metrics.refused(r.Word())
	if w.row == nil {
		return nil
	}
	data := map[string]any{"what": what, "kind": r.Word(), "message": r.Message, "element": w.row.Element, "title": w.row.Title}
	if len(r.Steps) > 0 {
		data["steps"] = r.Steps
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return journal(ctx, s.pool, w.now, w.actor, w.row.Subject, "task:"+strconv.FormatInt(w.id, 10), "task.refused", data)
}

// longest bounds what people write beside their clicks, in characters.
const longest = 4000

// clean takes out what cannot be kept, and what is too much of it.
func clean(text string) string {
	text = postgres.Text(text)
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest])
	}
	return text
}

func refusal(kind error, ru, en string) *engine.Refusal {
	return &engine.Refusal{Kind: kind, Message: ru, MessageEn: en}
}
