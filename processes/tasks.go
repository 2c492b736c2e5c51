package processes

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/processes/engine"
)

//go:embed sql/tasks.sql
var tasksSQL string

// TaskStatus is where a task is in its life.
type TaskStatus string

// Statuses of a task.
const (
	TaskOpen     TaskStatus = "open"
	TaskDone     TaskStatus = "done"
	TaskCanceled TaskStatus = "canceled" // taken away undone: a message, a deadline or another branch made it needless
)

// taskRow is a row of table task, the read model of the user tasks in the snapshots.
type taskRow struct {
	ID        int64
	Instance  int64
	No        int
	Subject   int64
	Process   string
	Element   string
	Title     string
	TitleEn   string
	Hint      string
	HintEn    string
	Role      string
	Assignee  int64
	Hung      bool
	Priority  int
	CreatedAt time.Time
	StartBy   *time.Time
	WarnAt    *time.Time
	DueAt     *time.Time
	Status    TaskStatus
	DoneAt    *time.Time
	DoneBy    int64
	Outcome   string
	Comment   string
	Revision  int
	Marks     []byte // of an ended task: its steps, []engine.StepMark as JSON

	fresh, changed bool
}

func (r *taskRow) targets() []any {
	return []any{&r.ID, &r.Instance, &r.No, &r.Subject, &r.Process, &r.Element, &r.Title, &r.TitleEn, &r.Hint, &r.HintEn, &r.Role,
		&r.Assignee, &r.Hung, &r.Priority, &r.CreatedAt, &r.StartBy, &r.WarnAt, &r.DueAt, &r.Status, &r.DoneAt, &r.DoneBy,
		&r.Outcome, &r.Comment, &r.Revision, &r.Marks}
}

// TaskFilter chooses tasks. Zero values do not restrict.
type TaskFilter struct {
	Status     TaskStatus
	Assignee   int64
	Unassigned bool     // of nobody; with Roles: which these performers may take
	Roles      []string // addressed to one of these roles
	Subject    int64
	Instance   int64
	Process    string
	Element    string
	Hung       bool
	Overdue    bool
	Limit      int    // 50 by default, 500 at most
	Cursor     string // Next of the page before
}

// TaskPage is a page of tasks. Next is empty on the last one.
type TaskPage struct {
	Items []Task
	Next  string
}

// ErrCursor: the cursor is none that a list has given.
var ErrCursor = errors.New("no such place in the list")

// Tasks lists tasks: open ones by when they are due, ended ones newest first.
// What outcomes still take is left out; Task says it.
func (s *Service) Tasks(ctx context.Context, f TaskFilter) (TaskPage, error) {
	at, after, err := readCursor(f.Cursor)
	if err != nil {
		return TaskPage{}, err
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	f.Limit = min(f.Limit, 500)
	args := taskArgs(f)
	args["after_at"], args["after_id"], args["limit"] = at, after, f.Limit+1
	if f.Overdue {
		args["overdue"] = s.now()
	}
	var page TaskPage
	err = s.read(ctx, func(tx pgx.Tx) error {
		list, err := s.storedTasks(ctx, tx, args)
		if err != nil {
			return err
		}
		if len(list) > f.Limit {
			list = list[:f.Limit]
			page.Next = writeCursor(f.Status, list[f.Limit-1].row)
		}
		page.Items, err = s.viewTasks(ctx, tx, list, false)
		return err
	})
	return page, err
}

// Task returns one task with what its steps and outcomes still take, or ErrNotFound.
func (s *Service) Task(ctx context.Context, id int64) (Task, error) {
	var task Task
	err := s.read(ctx, func(tx pgx.Tx) (err error) {
		task, err = s.taskIn(ctx, tx, id)
		return err
	})
	return task, err
}

func (s *Service) taskIn(ctx context.Context, tx pgx.Tx, id int64) (Task, error) {
	args := taskArgs(TaskFilter{Limit: 1})
	args["id"] = id
	list, err := s.storedTasks(ctx, tx, args)
	if err != nil {
		return Task{}, err
	}
	if len(list) == 0 {
		return Task{}, fmt.Errorf("task %d: %w", id, ErrNotFound)
	}
	tasks, err := s.viewTasks(ctx, tx, list, true)
	if err != nil {
		return Task{}, err
	}
	return tasks[0], nil
}

// read runs f in a transaction that sees one state of everything.
func (s *Service) read(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, f)
}

// taskArgs are the arguments of tasks.sql, from the first page on.
func taskArgs(f TaskFilter) pgx.NamedArgs {
	return pgx.NamedArgs{"id": int64(0), "status": string(f.Status), "assignee": f.Assignee, "unassigned": f.Unassigned, "roles": f.Roles,
		"subject": f.Subject, "instance": f.Instance, "process": f.Process, "element": f.Element, "hung": f.Hung,
		"overdue": (*time.Time)(nil), "after_at": "infinity", "after_id": int64(0), "limit": f.Limit}
}

// storedTask is a task with the instance it belongs to.
type storedTask struct {
	row        *taskRow
	definition int64
	def        *Definition
	state      engine.Instance
}

func (s *Service) storedTasks(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) ([]storedTask, error) {
	rows, err := tx.Query(ctx, tasksSQL, args)
	if err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (storedTask, error) {
		t := storedTask{row: &taskRow{}}
		var snapshot []byte
		if err := row.Scan(append(t.row.targets(), &t.definition, &snapshot)...); err != nil {
			return t, err
		}
		return t, json.Unmarshal(snapshot, &t.state)
	})
	if err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	return list, nil
}

// A cursor is the last row of a page: when it is due or was done, and its id.
func writeCursor(status TaskStatus, row *taskRow) string {
	at := "infinity"
	switch {
	case status == TaskOpen && row.DueAt != nil:
		at = row.DueAt.UTC().Format(time.RFC3339Nano)
	case status != TaskOpen && row.DoneAt != nil:
		at = row.DoneAt.UTC().Format(time.RFC3339Nano)
	case status != TaskOpen:
		at = row.CreatedAt.UTC().Format(time.RFC3339Nano)
	}
	return encodeCursor(at, row.ID)
}

func encodeCursor(at string, id int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(at + " " + strconv.FormatInt(id, 10)))
}

// readCursor gives the moment as the text PostgreSQL reads.
func readCursor(cursor string) (at string, id int64, err error) {
	if cursor == "" {
		return "infinity", 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return "", 0, ErrCursor
	}
	at, number, _ := strings.Cut(string(text), " ")
	id, err = strconv.ParseInt(number, 10, 64)
	if err != nil || id <= 0 {
		return "", 0, ErrCursor
	}
	if _, err := time.Parse(time.RFC3339Nano, at); err != nil && at != "infinity" {
		return "", 0, ErrCursor
	}
	return at, id, nil
}

type taskColumns struct {
	ids, instances, subjects, assignees, doneBy                                                []int64
	nos, priorities, revisions                                                                 []int
	processes, elements, titles, titlesEn, hints, hintsEn, roles, statuses, outcomes, comments []string
	hung                                                                                       []bool
	created                                                                                    []time.Time
	marks                                                                                      []*string
	startBy, warnAt, dueAt, doneAt                                                             []*time.Time
}

func (c *taskColumns) append(r *taskRow) {
	c.ids, c.instances, c.subjects = append(c.ids, r.ID), append(c.instances, r.Instance), append(c.subjects, r.Subject)
	c.assignees, c.doneBy, c.nos = append(c.assignees, r.Assignee), append(c.doneBy, r.DoneBy), append(c.nos, r.No)
	c.priorities, c.revisions = append(c.priorities, r.Priority), append(c.revisions, r.Revision)
	c.processes, c.elements = append(c.processes, r.Process), append(c.elements, r.Element)
	c.titles, c.titlesEn = append(c.titles, r.Title), append(c.titlesEn, r.TitleEn)
	c.hints, c.hintsEn = append(c.hints, r.Hint), append(c.hintsEn, r.HintEn)
	c.roles, c.statuses = append(c.roles, r.Role), append(c.statuses, string(r.Status))
	c.outcomes, c.comments = append(c.outcomes, r.Outcome), append(c.comments, r.Comment)
	c.hung, c.created = append(c.hung, r.Hung), append(c.created, r.CreatedAt)
	c.startBy, c.warnAt = append(c.startBy, r.StartBy), append(c.warnAt, r.WarnAt)
	c.dueAt, c.doneAt = append(c.dueAt, r.DueAt), append(c.doneAt, r.DoneAt)
	var marks *string
	if r.Marks != nil {
		text := string(r.Marks)
		marks = &text
	}
	c.marks = append(c.marks, marks)
}

func (c *taskColumns) args() pgx.NamedArgs {
	return pgx.NamedArgs{"ids": c.ids, "instances": c.instances, "nos": c.nos, "subjects": c.subjects, "processes": c.processes,
		"elements": c.elements, "titles": c.titles, "titles_en": c.titlesEn, "hints": c.hints, "hints_en": c.hintsEn, "roles": c.roles,
		"assignees": c.assignees, "hung": c.hung, "priorities": c.priorities, "created": c.created, "start_by": c.startBy,
		"warn_at": c.warnAt, "due_at": c.dueAt, "statuses": c.statuses, "done_at": c.doneAt, "done_by": c.doneBy,
		"outcomes": c.outcomes, "comments": c.comments, "revisions": c.revisions, "marks": c.marks}
}

func (t *turn) queueTasks(batch *pgx.Batch) {
	var add, change taskColumns
	for _, row := range t.arrived {
		add.append(row)
	}
	for _, row := range t.tasks {
		if row.changed && !row.fresh {
			change.append(row)
		}
	}
	if len(add.ids) > 0 {
		batch.Queue(addTasksSQL, add.args())
	}
	if len(change.ids) > 0 {
		batch.Queue(changeTasksSQL, change.args())
	}
}
