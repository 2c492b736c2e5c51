package registry

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// leadEvery is how often a process asks for the lock that another holds, and whether its own session is alive.
const leadEvery = 3 * time.Second

// asking bounds one question to the session that holds the locks.
const asking = 10 * time.Second

// Lead runs work in the one process that holds the connection's lock, and waits for the lock in the others. Losing the
// database ends the work: another process may have taken over.
func (r *Registry) Lead(ctx context.Context, connection string, work func(context.Context) error) error {
	key := lockKey(connection)
	r.leader.enter()
	defer r.leader.leave()
	held, err := r.leader.await(ctx, key)
	switch {
	case ctx.Err() != nil && held == nil:
		return nil
	case err != nil:
		return fmt.Errorf("lead %s: %w", connection, err)
	}
	defer r.leader.release(held, key)
	working, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(held.alive, stop)()
	err = work(working)
	if held.alive.Err() != nil && ctx.Err() == nil {
		return errors.Join(fmt.Errorf("lead %s: the lock is lost: %w", connection, context.Cause(held.alive)), err)
	}
	return err
}

// leader holds the locks of all pollers of this process in one session of PostgreSQL outside the pools: one of a pool for
// each would leave the edge none where there are many mailboxes.
type leader struct {
	open func(context.Context) (*pgx.Conn, error)

	mu      sync.Mutex
	users   int            // who hold a lock or wait for one; without any there is no session
	held    map[int64]bool // by this process: PostgreSQL would give a lock to its own session twice
	session *session
}

// session is one of PostgreSQL.
type session struct {
	conn  *pgx.Conn
	alive context.Context // until it is lost, with the cause
	end   context.CancelCauseFunc
}

func (l *leader) enter() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users++
}

func (l *leader) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users--; l.users == 0 && l.session != nil {
		l.lose(errors.New("nobody needs it"))
	}
}

// await asks for a lock until it has it, and gives the session that holds it; nil when ctx ends first.
func (l *leader) await(ctx context.Context, key int64) (*session, error) {
	tick := time.NewTicker(leadEvery)
	defer tick.Stop()
	for {
		if held, err := l.try(ctx, key); err != nil || held != nil {
			return held, err
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-tick.C:
		}
	}
}

// try asks for a lock once; nil: somebody else has it. Who stops waiting interrupts no question: that would end the session
// under all others.
func (l *leader) try(ctx context.Context, key int64) (*session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[key] || ctx.Err() != nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), asking)
	defer cancel()
	if err := l.ensure(ctx); err != nil {
		return nil, err
	}
	var mine bool
	if err := l.session.conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", key).Scan(&mine); err != nil {
		l.lose(err)
		return nil, err
	}
	if !mine {
		return nil, nil
	}
	l.held[key] = true
	return l.session, nil
}

func (l *leader) ensure(ctx context.Context) error {
	if l.session != nil {
		return nil
	}
	conn, err := l.open(ctx)
	if err != nil {
		return err
	}
	s := &session{conn: conn}
	s.alive, s.end = context.WithCancelCause(context.Background())
	l.session = s
	go l.watch(s)
	return nil
}

// watch asks a session whether it is alive until it is over.
func (l *leader) watch(s *session) {
	tick := time.NewTicker(leadEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.alive.Done():
			return
		case <-tick.C:
			l.ask(s)
		}
	}
}

func (l *leader) ask(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s != l.session {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), asking)
	defer cancel()
	if err := s.conn.Ping(ctx); err != nil {
		l.lose(err)
	}
}

// lose ends the session and with it every lock in it. Whoever works under one of them is told.
func (l *leader) lose(cause error) {
	s := l.session
	l.session = nil
	s.end(cause)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // it is of no use any more
}

// release gives a lock back. A session that is lost has none left, but only now nobody works under it any more.
func (l *leader) release(s *session, key int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, key)
	if s != l.session {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), asking)
	defer cancel()
	if _, err := s.conn.Exec(ctx, "select pg_advisory_unlock($1)", key); err != nil {
		l.lose(err)
	}
}

// lockKey is the advisory lock of a connection's poller; the first half marks it as ours.
func lockKey(connection string) int64 {
	h := fnv.New32a()
	h.Write([]byte(connection))
	return int64(0x6d72706f)<<32 | int64(h.Sum32())
}
