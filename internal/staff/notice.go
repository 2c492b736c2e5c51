package staff

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
)

var (
	//go:embed sql/add_notices.sql
	addNoticesSQL string
	//go:embed sql/notices.sql
	noticesSQL string
	//go:embed sql/new_notices.sql
	newNoticesSQL string
)

// Kinds of notices.
const (
	TaskArrived = "task"     // a task was given to the person
	TaskOverdue = "overdue"  // work is late, one's own or that of one's people
	TaskHung    = "hung"     // nobody can do a task
	LeadArrived = "lead"     // a lead without an owner, or news on one's own
	Attention   = "message"  // a route map says something
	Trouble     = "incident" // a process stands still
	TaskGone    = "gone"     // a task is not the person's any more: for the count on the screen, never unread
	CallRings   = "call"     // the call at the person's telephone has changed: for the screen of the moment, never unread
)

// Notice is what the system tells a person.
type Notice struct {
	ID       int64
	Employee int64
	At       time.Time
	Kind     string
	Lead     *int64
	Task     *int64
	Text     string // in the language of the person
	ReadAt   *time.Time
}

// Notify leaves notices, inside tx: they are seen when it commits. A notice to
// nobody (Employee 0) is dropped. The bell rings by way of Listen, which tails
// the table: NOTIFY inside the transaction would make all commits of the system
// queue behind one lock, each with its own fsync.
func (s *Staff) Notify(ctx context.Context, tx pgx.Tx, now time.Time, notices []Notice) error {
	var (
		employees []int64
		kinds     []string
		leads     []*int64
		tasks     []*int64
		texts     []string
	)
	for _, n := range notices {
		if n.Employee == 0 {
			continue
		}
		employees, kinds, texts = append(employees, n.Employee), append(kinds, n.Kind), append(texts, n.Text)
		leads, tasks = append(leads, n.Lead), append(tasks, n.Task)
	}
	if len(employees) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, addNoticesSQL, pgx.NamedArgs{
		"employees": employees, "at": now, "kinds": kinds, "leads": leads, "tasks": tasks, "texts": texts})
	if err != nil {
		return fmt.Errorf("leave %d notices: %w", len(employees), err)
	}
	return nil
}

// Listen calls ring with the id of every employee who got notices, soon after
// their transaction committed, until ctx ends; it then returns nil. It returns an
// error when PostgreSQL fails; call it again. ring must not block.
func (s *Staff) Listen(ctx context.Context, ring func(employee int64)) error {
	var t tail
	if err := s.pool.QueryRow(ctx, `select pg_snapshot_xmin(pg_current_snapshot())::text`).Scan(&t.mark); err != nil {
		return ended(ctx, fmt.Errorf("listen for notices: %w", err))
	}
	ticker := time.NewTicker(200 * time.Millisecond) // a person does not notice the difference
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		employees, err := t.next(ctx, s.pool)
		if err != nil {
			return ended(ctx, fmt.Errorf("listen for notices: %w", err))
		}
		for _, id := range employees {
			ring(id)
		}
	}
}

// tail follows the table of notices. Transactions commit in another order than
// they begin: mark is the oldest one that was running at the last look, and seen
// are the notices from there on that were visible then.
type tail struct {
	mark string // a transaction id
	seen map[int64]bool
}

// next are the employees with notices that have become visible since the last look.
func (t *tail) next(ctx context.Context, db postgres.DB) ([]int64, error) {
	var mark string
	var ids, employees []int64
	err := db.QueryRow(ctx, newNoticesSQL, pgx.NamedArgs{"mark": t.mark}).Scan(&mark, &ids, &employees)
	if err != nil {
		return nil, err
	}
	visible := make(map[int64]bool, len(ids))
	var news []int64
	for i, id := range ids {
		visible[id] = true
		if !t.seen[id] && !slices.Contains(news, employees[i]) {
			news = append(news, employees[i])
		}
	}
	t.mark, t.seen = mark, visible
	return news, nil
}

func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Unread counts the notices the person has not read.
func (s *Staff) Unread(ctx context.Context, employee int64) (int, error) {
	var n int
	err := s.pool.QueryRow(ctx, `select count(*) from notice where employee_id = $1 and read_at is null`, employee).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the notices of %d: %w", employee, err)
	}
	return n, nil
}

// Notices are the person's latest notices, newest first, read ones too.
func (s *Staff) Notices(ctx context.Context, employee int64, limit int) ([]Notice, error) {
	rows, err := s.pool.Query(ctx, noticesSQL, pgx.NamedArgs{"employee": employee, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("list the notices of %d: %w", employee, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Notice])
	if err != nil {
		return nil, fmt.Errorf("list the notices of %d: %w", employee, err)
	}
	return list, nil
}

// MarkRead marks the person's notices up to the id as read.
func (s *Staff) MarkRead(ctx context.Context, employee, upTo int64, now time.Time) error {
	_, err := s.pool.Exec(ctx, `update notice set read_at = $3 where employee_id = $1 and id <= $2 and read_at is null`,
		employee, upTo, now)
	if err != nil {
		return fmt.Errorf("mark the notices of %d as read: %w", employee, err)
	}
	return nil
}

// ForgetRings deletes the notices of telephones that rang and tasks that went before a moment: they were for the screens of
// that moment.
func (s *Staff) ForgetRings(ctx context.Context, before time.Time) error {
	if _, err := s.pool.Exec(ctx, `delete from notice where kind = any ($1) and at < $2`, []string{CallRings, TaskGone}, before); err != nil {
		return fmt.Errorf("forget telephones that rang: %w", err)
	}
	return nil
}
