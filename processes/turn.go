package processes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/processes/engine"
)

// turn is what one transaction does to any number of instances: it holds what
// was locked and read, lets the engine decide, and collects what has to be
// written, so that one command and five hundred starts cost the same few
// statements.
type turn struct {
	s   *Service
	tx  pgx.Tx
	now time.Time

	people    *staff.Directory
	subjects  map[int64]Subject
	loaded    map[int64]bool // subjects of which all that runs is in instances
	instances map[int64]*instance
	tasks     map[taskKey]*taskRow
	arrived   []*taskRow // appeared in this turn, in order

	queue    []order
	starting []start
	vacant   []vacancy
	effects  []Effect
	failed   []failure
	twins    []twin
	changes  changes
}

// order is a command for an instance, from outside or from what another
// instance did.
type order struct {
	to      *instance
	name    string // in the journal
	actor   staff.Actor
	facts   map[string]any
	skips   []string // roles the actor may skip steps as, beside his own
	command func(engine.Context) engine.Command
	// tolerant orders are consequences: that nothing waits for them any more is no error.
	tolerant bool
}

// vacancy is a task of this turn that needs a performer, and the journal entry
// that tells who it was.
type vacancy struct {
	task   *taskRow
	entry  *entry
	want   Vacancy
	reason string
}

// instance is a run of a route map, in memory.
type instance struct {
	id, root, parent int64
	parentToken      int
	subject          int64
	def              *Definition
	state            engine.Instance
	revision         int
	startedAt        time.Time
	endedAt          *time.Time

	fresh, moved bool
	place        *Started // where to tell whether it could start
	depth        int      // how many processes of this turn stand between it and what began the turn
}

type taskKey struct {
	instance int64
	no       int
}

// entry is one line of process_journal: what a command did to an instance.
type entry struct {
	in       *instance
	revision int
	actor    int64
	command  string
	events   []engine.Event
}

func (s *Service) newTurn(tx pgx.Tx, now time.Time) *turn {
	return &turn{s: s, tx: tx, now: now, subjects: map[int64]Subject{}, loaded: map[int64]bool{}, instances: map[int64]*instance{}, tasks: map[taskKey]*taskRow{}}
}

// lock locks subjects, and reads who works here.
func (t *turn) lock(ctx context.Context, subjects []int64) (err error) {
	if ids := slices.Compact(slices.Sorted(slices.Values(subjects))); len(ids) > 0 {
		locked, err := t.s.subjects.Lock(ctx, t.tx, ids)
		if err != nil {
			return fmt.Errorf("lock %d cases: %w", len(ids), err)
		}
		maps.Copy(t.subjects, locked)
	}
	t.people, err = t.s.staff.Directory(ctx, t.tx)
	return err
}

// run lets the engine decide on all orders, and on what follows from them, and
// writes everything.
func (t *turn) run(ctx context.Context) error {
	for len(t.queue)+len(t.starting)+len(t.effects)+len(t.vacant) > 0 {
		if err := t.round(ctx); err != nil {
			return err
		}
	}
	for _, twin := range t.twins {
		*twin.place = *twin.first
		twin.place.Running = twin.first.Err == nil
	}
	return t.write(ctx)
}

// round decides on the orders there are. Then the effects happen, and the
// subjects are as they left them: the performer of a task may be the owner assigned a
// moment ago, and a gateway behind a called process asks for the new stage.
func (t *turn) round(ctx context.Context) error {
	if err := t.begin(ctx); err != nil {
		return err
	}
	orders := t.queue
	t.queue = nil
	for _, o := range orders {
		if err := t.decide(o); err != nil {
			return err
		}
	}
	if err := t.applyEffects(ctx); err != nil {
		return err
	}
	return t.fillVacancies(ctx)
}

// decide moves one instance. A command that only follows from another one may
// come too late; for everything else a refusal is the answer.
func (t *turn) decide(o order) error {
	events, err := t.ask(o)
	var refusal *engine.Refusal
	switch {
	case err == nil:
	case errors.As(err, &refusal) && o.tolerant:
		return nil
	case o.to.revision == 0:
		t.cannotStart(o.to, err)
		return nil
	default:
		return err
	}
	if len(events) == 0 {
		return nil
	}
	o.to.state = engine.Evolve(o.to.state, events...)
	o.to.revision++
	o.to.moved = true
	e := &entry{in: o.to, revision: o.to.revision, actor: o.actor.ID, command: o.name, events: events}
	t.changes.journal = append(t.changes.journal, e)
	for _, event := range events {
		t.happened(o, e, event)
	}
	t.settle(o)
	return nil
}

// ask calls the engine. A fault in it costs the command, never the gateway.
func (t *turn) ask(o order) (events []engine.Event, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%s of route map %s: %v\n%s", o.name, o.to.def.Key, fault, debug.Stack())
		}
	}()
	subject := t.subjects[o.to.subject]
	return engine.Decide(o.to.def.Process(), o.to.state, o.command(t.context(o, subject)))
}

func (t *turn) context(o order, subject Subject) engine.Context {
	c := engine.Context{At: t.now, Values: subject.Values, Facts: o.facts, Calendar: t.people.Calendar(subject.CalendarKey)}
	if !o.actor.IsSystem() {
		c.By = engine.Actor{ID: o.actor.ID, Name: o.actor.Name, Roles: append(roles(t.people, o.actor), o.skips...)}
	}
	return c
}

// settle brings the rows of an instance in line with its new state, and tells a
// waiting parent.
func (t *turn) settle(o order) {
	in := o.to
	for i := range in.state.Tasks {
		if row := t.tasks[taskKey{in.id, in.state.Tasks[i].No}]; row != nil && row.Revision != in.state.Tasks[i].Revision {
			row.Revision = in.state.Tasks[i].Revision
			row.changed = true
		}
	}
	if !in.state.State.Ended() || in.endedAt != nil {
		return
	}
	in.endedAt = &t.now
	parent := t.instances[in.parent]
	if parent == nil {
		return
	}
	if token := parent.state.Token(in.parentToken); token == nil || token.Wait != engine.WaitChild {
		return
	}
	t.queue = append(t.queue, order{to: parent, name: "child-ended", actor: o.actor, tolerant: true, command: func(c engine.Context) engine.Command {
		return engine.ChildEnded{Context: c, Token: in.parentToken, State: in.state.State, Values: in.state.Vars}
	}})
}

// applyEffects changes the subjects as the steps said.
func (t *turn) applyEffects(ctx context.Context) error {
	if len(t.effects) == 0 {
		return nil
	}
	effects := t.effects
	t.effects = nil
	for i := range effects {
		effects[i].Case = t.subjects[effects[i].Subject]
	}
	after, err := t.s.effects.Apply(ctx, t.tx, t.now, effects)
	if err != nil {
		return fmt.Errorf("apply %d effects: %w", len(effects), err)
	}
	before := maps.Clone(t.subjects)
	maps.Copy(t.subjects, after)
	return t.closed(ctx, before, effects)
}

// closed ends what else runs about subjects whose matter has just been settled:
// the call-back of a client whose lead was won is nobody's work any more. The
// processes that settled it go on to their own ends.
func (t *turn) closed(ctx context.Context, before map[int64]Subject, effects []Effect) error {
	var settled []int64
	for id, was := range before {
		if !was.Closed && t.subjects[id].Closed {
			settled = append(settled, id)
		}
	}
	if len(settled) == 0 {
		return nil
	}
	slices.Sort(settled)
	keep := map[int64]bool{}
	for _, e := range effects {
		if in := t.instances[e.Instance]; in != nil {
			keep[in.root] = true
		}
	}
	return t.cancelAll(ctx, staff.System(), settled, keep, "the case was closed")
}

// fillVacancies finds performers for the tasks that have appeared or were taken
// from somebody, and tells them.
func (t *turn) fillVacancies(ctx context.Context) error {
	vacant := t.vacant
	t.vacant = nil
	// A task that its own command has ended again needs nobody.
	vacant = slices.DeleteFunc(vacant, func(v vacancy) bool { return v.task.Status != TaskOpen })
	if len(vacant) == 0 {
		return nil
	}
	wanted := make([]Vacancy, len(vacant))
	for i, v := range vacant {
		v.want.Subject = t.subjects[v.task.Subject]
		wanted[i] = v.want
	}
	found, err := t.s.Performers(ctx, t.tx, t.now, wanted)
	if err != nil {
		return fmt.Errorf("find performers for %d tasks: %w", len(vacant), err)
	}
	for i, v := range vacant {
		t.give(v, found[i])
	}
	return nil
}

// give puts a task before its performer.
func (t *turn) give(v vacancy, p Performer) {
	row := v.task
	row.Role, row.Assignee, row.Hung, row.changed = p.Role, p.Employee, p.Nobody, true
	event := engine.TaskAssigned{Task: row.No, Assignee: p.Employee, Reason: v.reason}
	v.entry.events = append(v.entry.events, event)
	v.entry.in.state = engine.Evolve(v.entry.in.state, event)
	if open := v.entry.in.state.Task(row.No); open != nil {
		row.Revision = open.Revision
	}
	t.announce(row, v.entry.actor)
}
