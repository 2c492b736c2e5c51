package processes

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/processes/engine"
)

var (
	//go:embed sql/instances.sql
	instancesSQL string
	//go:embed sql/instance_journal.sql
	instanceJournalSQL string
	//go:embed sql/incidents.sql
	incidentsSQL string
)

// Instance is one run of a route map (бизнес-процесс).
type Instance struct {
	ID         int64
	Definition int64
	Key        string
	Version    int
	Name       string
	Root       int64 // itself, unless called
	Parent     int64
	Subject    int64
	State      string // active, incident, completed, terminated, canceled
	Revision   int
	StartedAt  time.Time
	EndedAt    *time.Time
}

// InstanceFilter chooses instances. Zero values do not restrict.
type InstanceFilter struct {
	Subject  int64
	Subjects []int64
	Key      string
	Version  int
	State    string
	Limit    int // 50 by default, 500 at most
	Cursor   string
}

// InstancePage is a page of instances. Next is empty on the last one.
type InstancePage struct {
	Items []Instance
	Next  string
}

// InstanceView is an instance with where it is, how it came there and its tasks.
type InstanceView struct {
	Instance
	Tokens    []Place
	Path      []Visit
	Tasks     []Task
	Journal   []Entry
	Incidents []Incident
	Values    map[string]any // its variables
}

// Place is where an instance stands.
type Place struct {
	Element string
	Wait    string // task, event, join, scope, child, delivery, incident
}

// Visit is one passage through an element: what a heat map is drawn from.
type Visit struct {
	Element string
	Flow    string // by which it was reached
	Entered time.Time
	Left    *time.Time // nil: still there
}

// Entry is what one command did to an instance.
type Entry struct {
	Revision  int
	At        time.Time
	Actor     int64 // 0: the system
	ActorName string
	Command   string
	Events    []engine.Event
}

// Incident is where a process stands still, or could not even start.
type Incident struct {
	ID         int64
	Instance   int64 // 0: it could not start
	No         int
	Subject    int64
	Process    string
	Element    string
	Reason     string
	At         time.Time
	ResolvedAt *time.Time
	ResolvedBy int64
}

// Instances lists runs of route maps, newest first.
func (s *Service) Instances(ctx context.Context, f InstanceFilter) (InstancePage, error) {
	at, after, err := readCursor(f.Cursor)
	if err != nil {
		return InstancePage{}, err
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	f.Limit = min(f.Limit, 500)
	list, err := instances(ctx, s.pool, pgx.NamedArgs{"id": int64(0), "subject": f.Subject, "subjects": f.Subjects, "key": f.Key,
		"version": f.Version, "state": f.State, "after_at": at, "after_id": after, "limit": f.Limit + 1})
	if err != nil {
		return InstancePage{}, err
	}
	page := InstancePage{Items: list}
	if len(list) > f.Limit {
		last := list[f.Limit-1]
		page.Items, page.Next = list[:f.Limit], encodeCursor(last.StartedAt.UTC().Format(time.RFC3339Nano), last.ID)
	}
	return page, nil
}

func instances(ctx context.Context, db postgres.DB, args pgx.NamedArgs) ([]Instance, error) {
	rows, err := db.Query(ctx, instancesSQL, args)
	if err != nil {
		return nil, fmt.Errorf("list instances: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Instance])
	if err != nil {
		return nil, fmt.Errorf("list instances: %w", err)
	}
	return list, nil
}

// Instance returns one run with its tokens, path, tasks and journal, or ErrNotFound.
func (s *Service) Instance(ctx context.Context, id int64) (InstanceView, error) {
	var view InstanceView
	err := s.read(ctx, func(tx pgx.Tx) error {
		list, err := instances(ctx, tx, pgx.NamedArgs{"id": id, "subject": int64(0), "subjects": []int64(nil), "key": "", "version": 0,
			"state": "", "after_at": "infinity", "after_id": int64(0), "limit": 1})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("instance %d: %w", id, ErrNotFound)
		}
		view.Instance = list[0]
		return s.describeInstance(ctx, tx, &view)
	})
	return view, err
}

func (s *Service) describeInstance(ctx context.Context, tx pgx.Tx, view *InstanceView) error {
	var snapshot []byte
	if err := tx.QueryRow(ctx, "select snapshot from process_instance where id = $1", view.ID).Scan(&snapshot); err != nil {
		return fmt.Errorf("read instance %d: %w", view.ID, err)
	}
	var state engine.Instance
	if err := json.Unmarshal(snapshot, &state); err != nil {
		return fmt.Errorf("read instance %d: %w", view.ID, err)
	}
	view.Values = state.Vars
	for _, t := range state.Tokens {
		view.Tokens = append(view.Tokens, Place{t.Element, string(t.Wait)})
	}
	var err error
	if view.Journal, err = s.entries(ctx, tx, view.ID); err != nil {
		return err
	}
	view.Path = visits(view.Journal)
	if view.Incidents, err = incidents(ctx, tx, IncidentFilter{Instance: view.ID, Resolved: true}); err != nil {
		return err
	}
	stored, err := s.storedTasks(ctx, tx, taskArgs(TaskFilter{Instance: view.ID, Limit: 500}))
	if err != nil {
		return err
	}
	slices.Reverse(stored) // as they came
	view.Tasks, err = s.viewTasks(ctx, tx, stored, false)
	return err
}

func (s *Service) entries(ctx context.Context, tx pgx.Tx, instance int64) ([]Entry, error) {
	people, err := s.staff.Directory(ctx, tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, instanceJournalSQL, pgx.NamedArgs{"instance": instance})
	if err != nil {
		return nil, fmt.Errorf("read the journal of instance %d: %w", instance, err)
	}
	entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Entry, err error) {
		var events []byte
		if err := row.Scan(&e.Revision, &e.At, &e.Actor, &e.Command, &events); err != nil {
			return e, err
		}
		e.ActorName = people.Name(e.Actor)
		e.Events, err = engine.Decode(events)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the journal of instance %d: %w", instance, err)
	}
	return entries, nil
}

// visits follows the tokens through the journal.
func visits(journal []Entry) []Visit {
	var list []Visit
	at := map[int]int{} // token to its current visit
	leave := func(token int, when time.Time) {
		if i, there := at[token]; there {
			list[i].Left = &when
			delete(at, token)
		}
	}
	for _, e := range journal {
		for _, event := range e.Events {
			switch event := event.(type) {
			case engine.TokenEntered:
				leave(event.Token, e.At)
				at[event.Token] = len(list)
				list = append(list, Visit{Element: event.Element, Flow: event.Flow, Entered: e.At})
			case engine.TokenLeft:
				leave(event.Token, e.At)
			}
		}
	}
	return list
}

// IncidentFilter chooses incidents. Zero values do not restrict.
type IncidentFilter struct {
	ID       int64
	Subject  int64
	Instance int64
	Resolved bool  // resolved ones too
	Before   int64 // id of the last one of the page before
	Limit    int   // 50 by default
}

// Incidents lists what stands still, newest first.
func (s *Service) Incidents(ctx context.Context, f IncidentFilter) ([]Incident, error) {
	return incidents(ctx, s.pool, f)
}

func incidents(ctx context.Context, db postgres.DB, f IncidentFilter) ([]Incident, error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	rows, err := db.Query(ctx, incidentsSQL, pgx.NamedArgs{"id": f.ID, "subject": f.Subject, "instance": f.Instance,
		"all": f.Resolved, "before": f.Before, "limit": f.Limit})
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Incident])
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	return list, nil
}

// RetryIncident lets a process that stands still try again: the element it
// stands at, or its start, with the route map as it is published now.
func (s *Service) RetryIncident(ctx context.Context, actor staff.Actor, id int64) error {
	if !actor.Can(staff.ManageInstances) {
		return fmt.Errorf("retry incident %d: %w", id, staff.ErrNotAllowed)
	}
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		list, err := incidents(ctx, tx, IncidentFilter{ID: id})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("incident %d: %w", id, ErrNotFound)
		}
		if err := s.retry(ctx, tx, actor, list[0]); err != nil {
			return fmt.Errorf("retry incident %d: %w", id, err)
		}
		return journal(ctx, tx, s.now(), actor, list[0].Subject, fmt.Sprintf("incident:%d", id), "incident.retried", map[string]any{"reason": list[0].Reason})
	})
}

func (s *Service) retry(ctx context.Context, tx pgx.Tx, actor staff.Actor, i Incident) error {
	switch {
	case i.Instance == 0:
		return s.startAgain(ctx, tx, actor, i)
	case i.No == 0:
		_, err := tx.Exec(ctx, "update timer set due_at = $2, attempts = 0 where instance_id = $1 and attempts > 0", i.Instance, s.now())
		return errors.Join(err, s.resolve(ctx, tx, actor, i.ID))
	}
	t := s.newTurn(tx, s.now())
	if err := t.lock(ctx, []int64{i.Subject}); err != nil {
		return err
	}
	if err := t.load(ctx, []int64{i.Subject}, 0); err != nil {
		return err
	}
	in := t.instances[i.Instance]
	if in == nil || in.endedAt != nil {
		return s.resolve(ctx, tx, actor, i.ID)
	}
	o := order{to: in, name: "retry", actor: actor, command: func(c engine.Context) engine.Command {
		return engine.Retry{Context: c, Incident: i.No}
	}}
	if err := t.decide(o); err != nil {
		return err
	}
	return t.run(ctx)
}

// startAgain starts the process that could not; the old incident is over either
// way, for a new failure leaves a new one.
func (s *Service) startAgain(ctx context.Context, tx pgx.Tx, actor staff.Actor, i Incident) error {
	if i.Process != "" {
		if _, err := s.Start(ctx, tx, []StartRequest{{Process: i.Process, Subject: i.Subject, Actor: actor, Single: true}}); err != nil {
			return err
		}
	}
	return s.resolve(ctx, tx, actor, i.ID)
}

func (s *Service) resolve(ctx context.Context, tx pgx.Tx, actor staff.Actor, incident int64) error {
	_, err := tx.Exec(ctx, "update incident set resolved_at = $2, resolved_by = $3 where id = $1 and resolved_at is null",
		incident, s.now(), actor.Ref())
	return err
}

// CancelInstance ends a run with everything in it. A process that called it
// becomes an incident for somebody to decide.
func (s *Service) CancelInstance(ctx context.Context, actor staff.Actor, id int64, reason string) error {
	if !actor.Can(staff.ManageInstances) {
		return fmt.Errorf("cancel instance %d: %w", id, staff.ErrNotAllowed)
	}
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		subject, err := s.subjectOf(ctx, tx, id)
		if err != nil {
			return err
		}
		t := s.newTurn(tx, s.now())
		if err := t.lock(ctx, []int64{subject}); err != nil {
			return err
		}
		if err := t.load(ctx, []int64{subject}, 0); err != nil {
			return err
		}
		in := t.instances[id]
		if in == nil || in.endedAt != nil {
			return refusal(engine.ErrNotWaiting, "Процесс уже завершён", "The process has ended")
		}
		o := order{to: in, name: "cancel", actor: actor, command: func(c engine.Context) engine.Command {
			return engine.Cancel{Context: c, Reason: reason}
		}}
		if err := t.decide(o); err != nil {
			return err
		}
		return t.run(ctx)
	})
}
