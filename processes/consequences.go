package processes

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/processes/bpmn"
	"marshrut/processes/engine"
)

// Consequence is what choosing one outcome of an open task would bring, as if no
// step were missing.
type Consequence struct {
	Outcome, Label, LabelEn string
	Toward                  string               // how the map says the subject will end by it, when others agree
	Missing                 []engine.MissingStep // what it still takes
	Effects                 []engine.EffectRequested
	Next                    []NextTask // tasks that would come
	Ends                    bool       // the process would end
}

// NextTask is a task that would come.
type NextTask struct {
	Element string
	Role    string
	Closes  []string // how its outcomes can close the subject: "won", "lost", "junk"
}

// Consequences foresees each outcome of an open task, as if the steps with values
// were done; nothing is changed. Who wants to close or move a subject finds the
// outcome that does so. A task that is not open any more is ErrNotFound.
func (s *Service) Consequences(ctx context.Context, task int64, values map[string]any) ([]Consequence, error) {
	var found []Consequence
	err := s.read(ctx, func(tx pgx.Tx) error {
		args := taskArgs(TaskFilter{Status: TaskOpen, Limit: 1})
		args["id"] = task
		list, err := s.storedTasks(ctx, tx, args)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("open task %d: %w", task, ErrNotFound)
		}
		list[0].state = withSteps(list[0].state, list[0].row.No, values)
		found, err = s.foresee(ctx, tx, list[0])
		return err
	})
	return found, err
}

// withSteps is the state with further steps of a task done.
func withSteps(in engine.Instance, no int, values map[string]any) engine.Instance {
	var done []engine.Event
	for _, id := range slices.Sorted(maps.Keys(values)) {
		done = append(done, engine.StepDone{Task: no, Step: id, Value: values[id]})
	}
	return engine.Evolve(in, done...)
}

func (s *Service) foresee(ctx context.Context, tx pgx.Tx, stored storedTask) ([]Consequence, error) {
	d, err := s.definition(ctx, tx, stored.definition)
	if err != nil {
		return nil, err
	}
	people, err := s.staff.Directory(ctx, tx)
	if err != nil {
		return nil, err
	}
	c, err := s.asNow(ctx, tx, stored, people)
	if err != nil {
		return nil, err
	}
	view, err := engine.View(d.Process(), stored.state, stored.row.No, c)
	if err != nil {
		return nil, err
	}
	found := make([]Consequence, 0, len(view.Outcomes))
	for _, o := range view.Outcomes {
		would, err := engine.Consequences(d.Process(), stored.state, stored.row.No, o.Outcome.ID, c)
		if err != nil {
			return nil, fmt.Errorf("foresee outcome %s of task %d: %w", o.Outcome.ID, stored.row.ID, err)
		}
		one := Consequence{Outcome: o.Outcome.ID, Label: o.Outcome.Label, LabelEn: o.Outcome.LabelEn,
			Toward: o.Outcome.Toward, Missing: o.Missing, Effects: would.Effects, Ends: would.Ends}
		for _, element := range would.Next {
			one.Next = append(one.Next, nextTask(d.Process().Element(element)))
		}
		found = append(found, one)
	}
	return found, nil
}

// asNow is what the engine needs to know to judge a stored task at this moment.
func (s *Service) asNow(ctx context.Context, tx pgx.Tx, stored storedTask, people *staff.Directory) (engine.Context, error) {
	subjects, err := s.readSubjects(ctx, tx, []storedTask{stored})
	if err != nil {
		return engine.Context{}, err
	}
	subject := subjects[stored.row.Subject]
	facts, err := s.subjects.Facts(ctx, tx, stored.row.Subject, stored.row.CreatedAt)
	if err != nil {
		return engine.Context{}, fmt.Errorf("read the facts of case %d: %w", stored.row.Subject, err)
	}
	return engine.Context{At: s.now(), Values: subject.Values, Facts: facts, Calendar: people.Calendar(subject.CalendarKey)}, nil
}

func nextTask(e *bpmn.Element) NextTask {
	next := NextTask{Element: e.ID}
	if e.Task == nil {
		return next
	}
	next.Role = e.Task.Assignment.Role
	for _, o := range e.Task.Outcomes {
		if o.Closes != "" {
			next.Closes = append(next.Closes, o.Closes)
		}
	}
	return next
}
