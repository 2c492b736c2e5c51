package processes

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/processes/engine"
)

var (
	//go:embed sql/take_timers.sql
	takeTimersSQL string
	//go:embed sql/take_timer.sql
	takeTimerSQL string
	//go:embed sql/postpone_timer.sql
	postponeTimerSQL string
)

const (
	// timerBatch is how many timers fire in one transaction. All their subjects
	// are locked meanwhile, so it is kept to what takes some tens of milliseconds.
	timerBatch = 100
	// timerPoll is how long a timer set by another process may go unnoticed.
	timerPoll = 500 * time.Millisecond
	// observeEvery is how often the gauges of open tasks are set.
	observeEvery = 15 * time.Second
	// timerTries is after how many failures a timer becomes an incident. It goes
	// on being tried.
	timerTries = 5
)

// RunTimers fires timers as they fall due until ctx ends, and then returns nil.
// Any number may run, in any number of processes. After an error, call it again.
func (s *Service) RunTimers(ctx context.Context) error {
	var observed time.Time
	for ctx.Err() == nil {
		s.wake.take()
		fired, err := s.TakeDue(ctx, s.now(), timerBatch)
		if err != nil {
			return stopped(ctx, err)
		}
		if time.Since(observed) > observeEvery {
			observed = time.Now()
			if err := s.observeTasks(ctx); err != nil {
				return stopped(ctx, err)
			}
		}
		if fired == timerBatch {
			continue
		}
		if err := s.sleep(ctx); err != nil {
			return stopped(ctx, err)
		}
	}
	return nil
}

func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// sleep waits until the next timer is due, an earlier one is set in this
// process, or it is time to look whether another process has set one.
func (s *Service) sleep(ctx context.Context) error {
	// The look is jittered, or all processes would look at once.
	wait := timerPoll/2 + rand.N(timerPoll/2)
	var next *time.Time
	if err := s.pool.QueryRow(ctx, "select min(due_at) from timer").Scan(&next); err != nil {
		return fmt.Errorf("look for the next timer: %w", err)
	}
	if next != nil {
		wait = min(wait, max(next.Sub(s.now()), 0))
	}
	until := time.Now().Add(wait)
	for {
		timer := time.NewTimer(time.Until(until))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
			return nil
		case <-s.wake.channel():
			timer.Stop()
			// Its transaction may still be about to commit: it is looked for when it is due.
			if due := time.Now().Add(max(s.wake.take().Sub(s.now()), time.Millisecond)); due.Before(until) {
				until = due
			}
		}
	}
}

// TakeDue fires up to limit timers that are due at now, the longest overdue
// first, in one transaction, and returns how many it took. A timer that another
// worker holds is skipped. If the batch fails for what lies in a row or a route
// map, its timers are fired one by one, and the ones that fail are postponed.
func (s *Service) TakeDue(ctx context.Context, now time.Time, limit int) (int, error) {
	taken, err := s.fireTogether(ctx, now, limit)
	if err == nil {
		for _, timer := range taken {
			s.metrics.fired(now.Sub(timer.due))
		}
		return len(taken), nil
	}
	if len(taken) == 0 || ctx.Err() != nil || postgres.Classify(err) == postgres.Away && !lockTimeout(err) {
		return 0, fmt.Errorf("fire %d timers: %w", len(taken), err)
	}
	return s.fireEach(ctx, now, taken)
}

func (s *Service) fireTogether(ctx context.Context, now time.Time, limit int) (taken []dueTimer, err error) {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // does nothing after the commit
	if taken, err = takeTimers(ctx, tx, now, limit); err != nil || len(taken) == 0 {
		return taken, err
	}
	if err := s.fire(ctx, tx, now, taken); err != nil {
		return taken, err
	}
	if err := tx.Commit(ctx); err != nil {
		return taken, fmt.Errorf("commit: %w", err)
	}
	return taken, nil
}

// dueTimer is a row of table timer.
type dueTimer struct {
	key      taskKey
	subject  int64
	due      time.Time
	attempts int
}

func takeTimers(ctx context.Context, tx pgx.Tx, now time.Time, limit int) (taken []dueTimer, err error) {
	var batch pgx.Batch
	// A click that holds one of a hundred cases for long must not hold up the
	// other ninety-nine: they are then fired one by one.
	batch.Queue("set local lock_timeout = '1s'")
	batch.Queue(takeTimersSQL, pgx.NamedArgs{"now": now, "limit": limit}).Query(func(rows pgx.Rows) (err error) {
		taken, err = pgx.CollectRows(rows, scanTimer)
		return err
	})
	// Only now: the plan of the statement above depends on how many are due.
	batch.Queue("set local plan_cache_mode = force_generic_plan")
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("take due timers: %w", err)
	}
	return taken, nil
}

func scanTimer(row pgx.CollectableRow) (t dueTimer, err error) {
	err = row.Scan(&t.key.instance, &t.key.no, &t.subject, &t.due, &t.attempts)
	return t, err
}

// fire lets the instances of some timers go on. A timer that its instance does
// not know any more was canceled while its row was in our hands, and goes.
func (s *Service) fire(ctx context.Context, tx pgx.Tx, now time.Time, taken []dueTimer) error {
	t := s.newTurn(tx, now)
	subjects := make([]int64, len(taken))
	for i, timer := range taken {
		subjects[i] = timer.subject
	}
	if err := t.lock(ctx, subjects); err != nil {
		return err
	}
	if err := t.load(ctx, subjects, 0); err != nil {
		return err
	}
	for _, timer := range taken {
		in := t.instances[timer.key.instance]
		if in == nil || in.endedAt != nil || in.state.Timer(timer.key.no) == nil {
			t.changes.noTimers = append(t.changes.noTimers, timer.key)
			continue
		}
		t.queue = append(t.queue, order{to: in, name: "timer", actor: staff.System(), tolerant: true, command: func(c engine.Context) engine.Command {
			return engine.FireTimer{Context: c, Timer: timer.key.no}
		}})
	}
	return t.run(ctx)
}

// fireEach fires timers one by one. One that cannot be fired comes again later.
func (s *Service) fireEach(ctx context.Context, now time.Time, taken []dueTimer) (int, error) {
	for _, timer := range taken {
		err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, takeTimerSQL, pgx.NamedArgs{"instance": timer.key.instance, "no": timer.key.no, "now": now})
			if err != nil {
				return fmt.Errorf("take timer %d of instance %d: %w", timer.key.no, timer.key.instance, err)
			}
			again, err := pgx.CollectRows(rows, scanTimer)
			if err != nil || len(again) == 0 {
				return err
			}
			return s.fire(ctx, tx, now, again)
		})
		if err == nil {
			s.metrics.fired(now.Sub(timer.due))
			continue
		}
		if ctx.Err() != nil {
			return 0, err
		}
		if err := s.postpone(ctx, now, timer, err); err != nil {
			return 0, err
		}
	}
	return len(taken), nil
}

// postpone puts a timer off that cannot be fired, longer each time, and after
// some tries tells people.
func (s *Service) postpone(ctx context.Context, now time.Time, timer dueTimer, cause error) error {
	s.log.WarnContext(ctx, "a timer could not fire", "instance", timer.key.instance, "timer", timer.key.no, "attempts", timer.attempts+1, "error", cause)
	later := now.Add(min(time.Second<<min(timer.attempts, 12), time.Hour))
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, postponeTimerSQL, pgx.NamedArgs{"instance": timer.key.instance, "no": timer.key.no, "due": later})
		if err != nil {
			return fmt.Errorf("put off timer %d of instance %d: %w", timer.key.no, timer.key.instance, err)
		}
		if timer.attempts+1 != timerTries {
			return nil
		}
		t := s.newTurn(tx, now)
		if t.people, err = s.staff.Directory(ctx, tx); err != nil {
			return err
		}
		reason := "таймер " + strconv.Itoa(timer.key.no) + " не срабатывает: " + cause.Error()
		t.incident(&instance{id: timer.key.instance, subject: timer.subject, def: &Definition{}}, engine.Incident{Reason: reason})
		return t.write(ctx)
	})
}

// lockTimeout reports whether a lock was waited for in vain: somebody holds one
// of the cases.
func lockTimeout(err error) bool {
	var state interface{ SQLState() string }
	return errors.As(err, &state) && state.SQLState() == "55P03"
}
