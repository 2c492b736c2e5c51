package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/postgres"
)

// Cursor reads where a part of a connection (a folder, an entity set) stands into
// position; false when it has not begun.
func (r *Registry) Cursor(ctx context.Context, db postgres.DB, connection, part string, position any) (bool, error) {
	var raw json.RawMessage
	err := db.QueryRow(ctx, "select position from connection_cursor where connection = $1 and part = $2", connection, part).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, position)
	}
	if err != nil {
		return false, fmt.Errorf("read where %s/%s stands: %w", connection, part, err)
	}
	return true, nil
}

// SaveCursor notes where a part stands, once everything before it is durable.
func (r *Registry) SaveCursor(ctx context.Context, db postgres.DB, now time.Time, connection, part string, position any) error {
	raw, err := json.Marshal(position)
	if err == nil {
		_, err = db.Exec(ctx, sql("save_cursor"), pgx.NamedArgs{"connection": connection, "part": part, "position": raw, "now": now})
	}
	if err != nil {
		return fmt.Errorf("note where %s/%s stands: %w", connection, part, err)
	}
	return nil
}

// Lead runs work in the one process that holds the connection's lock, and waits
// for the lock in the others. Losing the database ends the work: another process may have taken over.
func (r *Registry) Lead(ctx context.Context, connection string, work func(context.Context) error) error {
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("lead %s: %w", connection, err)
	}
	defer conn.Release()
	key := lockKey(connection)
	if ok, err := r.await(ctx, conn, key); err != nil || !ok {
		return err
	}
	defer conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", key)
	working, stop := context.WithCancel(ctx)
	defer stop()
	both, leading := errgroup.WithContext(working) // the lock lost ends the work
	both.Go(func() error { return watch(leading, conn) })
	both.Go(func() error {
		defer stop() // the work done ends the watch
		return work(leading)
	})
	return both.Wait()
}

const leadEvery = 3 * time.Second

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// await asks for the lock until it has it; false when ctx ends first.
func (r *Registry) await(ctx context.Context, conn querier, key int64) (bool, error) {
	tick := time.NewTicker(leadEvery)
	defer tick.Stop()
	for {
		var mine bool
		if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", key).Scan(&mine); err != nil || mine {
			return mine, err
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-tick.C:
		}
	}
}

// watch asks the session that holds the lock whether it is alive; its error is why it is not.
func watch(ctx context.Context, conn querier) error {
	tick := time.NewTicker(leadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			var one int
			if err := conn.QueryRow(ctx, "select 1").Scan(&one); err != nil {
				return fmt.Errorf("the lock is lost: %w", err)
			}
		}
	}
}

// lockKey is the advisory lock of a connection's poller; the first half marks it as ours.
func lockKey(connection string) int64 {
	h := fnv.New32a()
	h.Write([]byte(connection))
	return int64(0x6d72706f)<<32 | int64(h.Sum32())
}
