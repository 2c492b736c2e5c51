package processes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/processes/bpmn"
	"marshrut/processes/engine"
)

// Task is work for a person, as pages and the API show it.
type Task struct {
	ID            int64
	Instance      int64
	Subject       int64
	SubjectTitle  string // empty in a list whose caller knows the subjects
	Process       string // key of the route map
	ProcessName   string
	Version       int
	Element       string
	Title         string
	TitleEn       string // empty: as Title
	Hint          string
	HintEn        string
	Role          string
	Assignee      int64 // 0: any performer of the role may take it
	AssigneeName  string
	AssigneeLogin string
	Status        TaskStatus
	Hung          bool // nobody can do it
	Priority      int
	CreatedAt     time.Time
	StartBy       *time.Time
	WarnAt        *time.Time
	DueAt         *time.Time
	Overdue       bool
	DoneAt        *time.Time
	DoneBy        int64
	DoneByName    string
	Outcome       string
	OutcomeLabel  string
	Comment       string
	Revision      int // to be sent back with the completion
	Steps         []Step
	Outcomes      []Outcome
	// SkipRoles are the performer roles that may skip a step of it, with a reason.
	SkipRoles []string
}

// Step is one action of a task's list, in order.
type Step struct {
	ID          string
	Kind        string
	Title       string
	TitleEn     string
	Hint        string
	Field       string // of the subject, where the value goes
	Number      bool   // the value of an input is a number
	Choices     []Choice
	Required    bool     // for every outcome
	RequiredFor []string // for these outcomes
	Done        bool     // or skipped
	Skipped     bool
	SkipReason  string
	// Blocked are the earlier steps that have to be done first.
	Blocked    []engine.MissingStep
	Value      any
	DoneAt     *time.Time
	DoneBy     int64
	DoneByName string
}

// Choice is one value a step may have.
type Choice struct{ Value, Label, LabelEn string }

// Outcome is a button that ends a task.
type Outcome struct {
	ID, Label, LabelEn string
	Closes             string // "won", "lost" or "junk": the subject is closed so
	Stage              string // the subject enters this stage
	// Missing are the steps it still takes, in their order. Only Task fills it.
	Missing []engine.MissingStep
}

// MaySkip reports whether the actor may skip steps of the task, with a reason.
func (t Task) MaySkip(actor staff.Actor) bool {
	if len(t.SkipRoles) == 0 {
		return false
	}
	return actor.Can(staff.SkipAnyStep) || slices.ContainsFunc(t.SkipRoles, actor.HasRole)
}

// viewTasks makes of stored tasks what people see. With judge the history of
// their subjects is asked too, and the outcomes say what they still take.
func (s *Service) viewTasks(ctx context.Context, tx pgx.Tx, list []storedTask, judge bool) ([]Task, error) {
	people, err := s.staff.Directory(ctx, tx)
	if err != nil {
		return nil, err
	}
	subjects, err := s.readSubjects(ctx, tx, list)
	if err != nil {
		return nil, err
	}
	v := viewer{now: s.now(), people: people, subjects: subjects}
	tasks := make([]Task, 0, len(list))
	for _, stored := range list {
		if stored.def, err = s.definition(ctx, tx, stored.definition); err != nil {
			return nil, err
		}
		var facts map[string]any
		if judge && stored.row.Status == TaskOpen {
			if facts, err = s.subjects.Facts(ctx, tx, stored.row.Subject, stored.row.CreatedAt); err != nil {
				return nil, fmt.Errorf("read the facts of case %d: %w", stored.row.Subject, err)
			}
		}
		task, err := v.task(stored, facts)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, task)
	}
	return tasks, nil
}

// viewer shows tasks as of one moment.
type viewer struct {
	now      time.Time
	people   *staff.Directory
	subjects map[int64]Subject
}

// task shows one task; with facts its outcomes say what they still take.
func (v viewer) task(stored storedTask, facts map[string]any) (Task, error) {
	subject := v.subjects[stored.row.Subject]
	task := describe(stored.row, stored.def, subject, v.people, v.now)
	c := engine.Context{At: v.now, Values: subject.Values, Facts: facts, Calendar: v.people.Calendar(subject.CalendarKey)}
	return task, task.list(stored, c, v.people)
}

func (s *Service) readSubjects(ctx context.Context, tx pgx.Tx, list []storedTask) (map[int64]Subject, error) {
	ids := make([]int64, len(list))
	for i, stored := range list {
		ids[i] = stored.row.Subject
	}
	slices.Sort(ids)
	subjects, err := s.subjects.Read(ctx, tx, slices.Compact(ids))
	if err != nil {
		return nil, fmt.Errorf("read the cases of %d tasks: %w", len(list), err)
	}
	return subjects, nil
}

// describe fills in everything but the checklist.
func describe(r *taskRow, d *Definition, subject Subject, people *staff.Directory, now time.Time) Task {
	assignee, _ := people.Employee(r.Assignee)
	return Task{ID: r.ID, Instance: r.Instance, Subject: r.Subject, SubjectTitle: subject.Title,
		Process: r.Process, ProcessName: d.Name, Version: d.Version, Element: r.Element,
		Title: r.Title, TitleEn: r.TitleEn, Hint: r.Hint, HintEn: r.HintEn,
		Role: r.Role, Assignee: r.Assignee, AssigneeName: assignee.Name, AssigneeLogin: assignee.Login,
		Status: r.Status, Hung: r.Hung, Priority: r.Priority, CreatedAt: r.CreatedAt, StartBy: r.StartBy, WarnAt: r.WarnAt, DueAt: r.DueAt,
		Overdue: r.DueAt != nil && r.Status == TaskOpen && r.DueAt.Before(now),
		DoneAt:  r.DoneAt, DoneBy: r.DoneBy, DoneByName: people.Name(r.DoneBy), Outcome: r.Outcome, Comment: r.Comment, Revision: r.Revision}
}

// list fills in steps and outcomes: of an open task as the engine judges it now,
// of an ended one as it was left.
func (t *Task) list(stored storedTask, c engine.Context, people *staff.Directory) error {
	d := stored.def
	element := d.Process().Element(t.Element)
	if element == nil || element.Task == nil {
		return fmt.Errorf("task %d: route map %s version %d has no task %s", t.ID, d.Key, d.Version, t.Element)
	}
	t.SkipRoles = element.Task.Skip.Roles
	if o := element.Task.Outcome(t.Outcome); o != nil {
		t.OutcomeLabel = o.Label
	}
	if t.Status != TaskOpen {
		return t.listEnded(element.Task, stored.row.Marks, people)
	}
	view, err := engine.View(d.Process(), stored.state, stored.row.No, c)
	if err != nil {
		return fmt.Errorf("judge task %d: %w", t.ID, err)
	}
	for _, line := range view.Steps {
		step := describeStep(line.Step, line.Mark, people)
		step.Required, step.Blocked = line.Required, line.Blocked
		t.Steps = append(t.Steps, step)
	}
	for _, o := range view.Outcomes {
		button := describeOutcome(o.Outcome)
		if c.Facts != nil {
			button.Missing = o.Missing
		}
		t.Outcomes = append(t.Outcomes, button)
	}
	return nil
}

func (t *Task) listEnded(def *bpmn.Task, stored []byte, people *staff.Directory) error {
	var marks []engine.StepMark
	if len(stored) > 0 {
		if err := json.Unmarshal(stored, &marks); err != nil {
			return fmt.Errorf("read the steps of task %d: %w", t.ID, err)
		}
	}
	for i := range def.Steps {
		step := &def.Steps[i]
		at := slices.IndexFunc(marks, func(m engine.StepMark) bool { return m.ID == step.ID })
		if at < 0 {
			t.Steps = append(t.Steps, describeStep(step, nil, people))
			continue
		}
		t.Steps = append(t.Steps, describeStep(step, &marks[at], people))
	}
	for i := range def.Outcomes {
		t.Outcomes = append(t.Outcomes, describeOutcome(&def.Outcomes[i]))
	}
	return nil
}

func describeStep(s *bpmn.Step, mark *engine.StepMark, people *staff.Directory) Step {
	out := Step{ID: s.ID, Kind: string(s.Kind), Title: s.Title, TitleEn: s.TitleEn, Hint: s.Hint, Field: s.Field, Number: s.Number,
		Required: s.Required, RequiredFor: s.RequiredFor}
	for _, v := range s.Values {
		out.Choices = append(out.Choices, Choice{v.Value, v.Label, v.LabelEn})
	}
	if mark != nil {
		out.Done, out.Skipped, out.SkipReason, out.Value = true, mark.Skipped, mark.Reason, mark.Value
		out.DoneAt, out.DoneBy, out.DoneByName = moment(mark.At), mark.By, people.Name(mark.By)
	}
	return out
}

func describeOutcome(o *bpmn.Outcome) Outcome {
	return Outcome{ID: o.ID, Label: o.Label, LabelEn: o.LabelEn, Closes: o.Closes, Stage: o.Stage}
}
