package processes

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/processes/engine"
)

//go:embed sql/latest.sql
var latestSQL string

//go:embed sql/running.sql
var runningSQL string

// Sequences of ids, of migration 00050.
const (
	instanceIDs = "process_instance_id_seq"
	taskIDs     = "task_id_seq"
)

// deepest is how many processes may begin one another without anything to wait
// for. A map that starts itself would otherwise begin instances without end, in
// the one transaction that also files the inquiry.
const deepest = 10

// StartRequest asks for a new instance about a subject.
type StartRequest struct {
	Process string // key; the latest version is started
	Subject int64
	// Case is the subject as it stands, from a caller that has just made it, so
	// that nobody else can know it yet. Nil: it is locked and read.
	Case   *Subject
	Values map[string]any // variables, over their declared values
	Actor  staff.Actor    // who caused it; the zero value is the system
	// Single: not beside another run of the same process about the same subject.
	Single bool
}

// Started is what became of a StartRequest.
type Started struct {
	Instance int64
	Running  bool  // a Single one ran already: Instance is that one
	Err      error // why it could not start; an incident tells people
}

// start is an instance that shall begin in this turn, called by another one or not.
type start struct {
	StartRequest
	parent *instance // nil: a process of its own
	token  int       // of the parent that waits
	place  *Started  // where to tell what became of it
	depth  int       // as of the instance it will be
}

// failure is a start that did not come about.
type failure struct {
	subject int64
	process string
	reason  string
}

// Start begins instances inside tx, any number of them with a handful of
// statements, and tells for each in the same place what became of it. A process
// that cannot start is an incident for people to see, never an error for its
// subject: what its first steps have done to the database is taken back alone.
// An error means that tx is lost.
func (s *Service) Start(ctx context.Context, tx pgx.Tx, requests []StartRequest) ([]Started, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	started, err := s.startTogether(ctx, tx, requests)
	if err == nil || !ours(ctx, err) {
		return started, err
	}
	return s.startEach(ctx, tx, requests)
}

// startTogether starts all or, by a savepoint, none.
func (s *Service) startTogether(ctx context.Context, tx pgx.Tx, requests []StartRequest) ([]Started, error) {
	var started []Started
	err := pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
		t := s.newTurn(inner, s.now())
		if err := t.lock(ctx, unread(requests)); err != nil {
			return err
		}
		started = make([]Started, len(requests))
		for i, r := range requests {
			if r.Actor.ID == 0 {
				r.Actor = staff.System()
			}
			if _, read := t.subjects[r.Subject]; r.Case != nil && !read {
				t.subjects[r.Subject] = *r.Case
			}
			t.starting = append(t.starting, start{StartRequest: r, place: &started[i]})
		}
		return t.run(ctx)
	})
	return started, err
}

// single leaves out what shall not run beside another run of the same process
// about the same subject, and tells where it asks that there is one.
func (t *turn) single(ctx context.Context, starting []start) ([]start, error) {
	var subjects []int64
	var keys []string
	for _, st := range starting {
		if st.Single {
			subjects, keys = append(subjects, st.Subject), append(keys, st.Process)
		}
	}
	if len(subjects) == 0 {
		return starting, nil
	}
	running, err := t.runs(ctx, subjects, keys)
	if err != nil {
		return nil, err
	}
	var rest []start
	first := map[run]*Started{} // of this batch
	for _, st := range starting {
		this := run{st.Subject, st.Process}
		id, runs := running[this]
		earlier, again := first[this]
		switch {
		case !st.Single:
			rest = append(rest, st)
		case runs:
			*st.place = Started{Instance: id, Running: true}
		case again:
			t.twins = append(t.twins, twin{st.place, earlier})
		default:
			first[this] = st.place
			rest = append(rest, st)
		}
	}
	return rest, nil
}

// twin is a request of a batch that an earlier one of it answers.
type twin struct{ place, first *Started }

// run is a process about a subject.
type run struct {
	subject int64
	process string
}

// runs finds which of some processes run about which of some subjects.
func (t *turn) runs(ctx context.Context, subjects []int64, keys []string) (map[run]int64, error) {
	rows, err := t.tx.Query(ctx, runningSQL, pgx.NamedArgs{"subjects": subjects, "keys": keys})
	if err != nil {
		return nil, fmt.Errorf("look for running processes: %w", err)
	}
	found := map[run]int64{}
	var r run
	var id int64
	if _, err := pgx.ForEachRow(rows, []any{&r.subject, &r.process, &id}, func() error { found[r] = id; return nil }); err != nil {
		return nil, fmt.Errorf("look for running processes: %w", err)
	}
	return found, nil
}

// startEach starts one by one, and leaves an incident where it fails.
func (s *Service) startEach(ctx context.Context, tx pgx.Tx, requests []StartRequest) ([]Started, error) {
	started := make([]Started, len(requests))
	for i, r := range requests {
		one, err := s.startTogether(ctx, tx, []StartRequest{r})
		if err == nil {
			started[i] = one[0]
			continue
		}
		if !ours(ctx, err) {
			return nil, err
		}
		started[i].Err = err
		s.log.WarnContext(ctx, "a process could not start", "process", r.Process, "subject", r.Subject, "error", err)
		t := s.newTurn(tx, s.now())
		t.failed = append(t.failed, failure{r.Subject, r.Process, err.Error()})
		if err := t.write(ctx); err != nil {
			return nil, err
		}
	}
	return started, nil
}

// unread are the subjects that have to be locked and read.
func unread(requests []StartRequest) (ids []int64) {
	for _, r := range requests {
		if r.Case == nil {
			ids = append(ids, r.Subject)
		}
	}
	return ids
}

// begin makes the instances that shall start, with their first orders.
func (t *turn) begin(ctx context.Context) error {
	starting := t.starting
	t.starting = nil
	starting, err := t.single(ctx, starting)
	if err != nil || len(starting) == 0 {
		return err
	}
	latest, err := t.latest(ctx, starting)
	if err != nil {
		return err
	}
	ids, err := t.s.ids.instances.take(ctx, t.tx, instanceIDs, len(starting))
	if err != nil {
		return err
	}
	for i, st := range starting {
		st.place.Instance = ids[i]
		in := &instance{id: ids[i], root: ids[i], subject: st.Subject, startedAt: t.now, fresh: true, place: st.place, depth: st.depth}
		if st.parent != nil {
			in.root, in.parent, in.parentToken = st.parent.root, st.parent.id, st.token
		}
		found := latest[st.Process]
		in.def = found.Definition
		if in.def == nil {
			in.def = &Definition{Key: st.Process}
			t.cannotStart(in, found.err)
			continue
		}
		if _, there := t.subjects[st.Subject]; !there {
			t.cannotStart(in, fmt.Errorf("дела %d нет: %w", st.Subject, ErrNotFound))
			continue
		}
		t.instances[in.id] = in
		if st.depth > deepest {
			t.cannotStart(in, endless(in.def.Name))
			continue
		}
		t.queue = append(t.queue, order{to: in, name: "start", actor: st.Actor, command: func(c engine.Context) engine.Command {
			return engine.Start{Context: c, Vars: st.Values}
		}})
	}
	return nil
}

// cannotStart leaves word of an instance that never came to be.
func (t *turn) cannotStart(in *instance, err error) {
	delete(t.instances, in.id)
	in.place.Instance, in.place.Err = 0, err
	t.s.log.Warn("a process cannot start", "process", in.def.Key, "subject", in.subject, "error", err)
	if parent := t.instances[in.parent]; parent != nil {
		t.queue = append(t.queue, order{to: parent, name: "child-ended", actor: staff.System(), tolerant: true, command: func(c engine.Context) engine.Command {
			return engine.ChildEnded{Context: c, Token: in.parentToken, State: engine.Canceled, Values: map[string]any{"error": err.Error()}}
		}})
	}
	t.failed = append(t.failed, failure{in.subject, in.def.Key, err.Error()})
}

// noMap is that no route map of that key was ever published, or that none was
// asked for because no start rule fitted; people read it on the incident.
type noMap string

func (key noMap) Error() string {
	if key == "" {
		return "Ни одно правило запуска не подошло к обращению"
	}
	return "Нет карты маршрута «" + string(key) + "»"
}

func (key noMap) Is(target error) bool { return target == ErrNotFound }

// endless is that processes begin one another without end; people read it on the incident.
type endless string

func (name endless) Error() string {
	return "Процесс «" + string(name) + "» запускает сам себя без конца: поставьте перед запуском задачу или ожидание"
}

// found is the latest version of a key, or why there is none.
type found struct {
	*Definition
	err error
}

// latest finds the versions that new instances run.
func (t *turn) latest(ctx context.Context, starting []start) (map[string]found, error) {
	versions := map[string]found{}
	for _, st := range starting {
		versions[st.Process] = found{err: noMap(st.Process)}
	}
	rows, err := t.tx.Query(ctx, latestSQL, pgx.NamedArgs{"keys": slices.Sorted(maps.Keys(versions))})
	if err != nil {
		return nil, fmt.Errorf("look for the latest route maps: %w", err)
	}
	ids := map[string]int64{}
	var key string
	var id int64
	if _, err := pgx.ForEachRow(rows, []any{&key, &id}, func() error { ids[key] = id; return nil }); err != nil {
		return nil, fmt.Errorf("look for the latest route maps: %w", err)
	}
	for key, id := range ids {
		d, err := t.s.definition(ctx, t.tx, id)
		if err != nil && !errors.Is(err, ErrInvalid) {
			return nil, err
		}
		versions[key] = found{d, err}
	}
	return versions, nil
}
