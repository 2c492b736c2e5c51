package spool_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/pipeline"
	"marshrut/pipeline/pipelinetest"
	"marshrut/pipeline/spool"
)

// The oracle: an acknowledgement is an obligation, whatever dies in between.
func TestNothingAcknowledgedIsLostWhenPostgreSQLIsKilled(t *testing.T) {
	server := postgrestest.Private(t, t.TempDir())
	if err := server.CreateDatabase(t.Context(), "gateway"); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Migrate(t.Context(), server.URL("gateway")); err != nil {
		t.Fatal(err)
	}
	// The tests' servers answer before they have written; this one must not.
	safe(t, server.URL("gateway"))
	pool, err := postgres.Open(t.Context(), server.URL("gateway"), postgres.Options{MaxConns: 12})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), `create table filed (id text primary key, times integer not null)`); err != nil {
		t.Fatal(err)
	}
	bus := spool.New(pool, "inquiries", spool.Options{RetryMax: 200 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	defer bus.Close()

	ctx, stop := context.WithCancel(t.Context())
	var running errgroup.Group
	running.Go(func() error { return server.Keep(ctx) }) // starts it again
	running.Go(func() error { return bus.Consume(ctx, file) })
	defer func() {
		stop()
		if err := running.Wait(); err != nil {
			t.Error(err)
		}
	}()

	acked := map[string]bool{}
	for round := range 3 {
		publishWhile(t, bus, acked, round, func(after int) {
			if after == 10 {
				syscall.Kill(server.PID(), syscall.SIGKILL)
			}
		})
	}
	var filed, twice int
	eventually(t, "all that was acknowledged is filed", func() bool {
		rows, _ := pool.Query(t.Context(), `select id, times from filed`)
		var id string
		var times int
		missing := len(acked)
		filed, twice = 0, 0
		_, err := pgx.ForEachRow(rows, []any{&id, &times}, func() error {
			filed++
			if acked[id] {
				missing--
			}
			if times > 1 {
				twice++
			}
			return nil
		})
		return err == nil && missing == 0
	})
	t.Logf("%d acknowledged, %d filed", len(acked), filed)
	if twice > 0 {
		t.Errorf("%d events were handled twice and both committed", twice)
	}
}

func safe(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `alter database gateway set synchronous_commit = on`); err != nil {
		t.Fatal(err)
	}
}

// file is a handler that counts how often an event was handled for good.
func file(ctx context.Context, b pipeline.Batch) error {
	for _, e := range b.Events {
		_, err := b.Tx.Exec(ctx, `insert into filed values ($1, 1) on conflict (id) do update set times = filed.times + 1`, e.ID)
		if err != nil {
			return err
		}
	}
	return nil
}

// publishWhile publishes bursts around a kill, and then until one passes again.
func publishWhile(t *testing.T, bus *spool.Bus, acked map[string]bool, round int, after func(burst int)) {
	t.Helper()
	var mu sync.Mutex
	deadline := time.Now().Add(time.Minute)
	for burst := 0; ; burst++ {
		var g errgroup.Group
		for i := range 20 {
			e := pipelinetest.Event(0)
			e.ID = fmt.Sprintf("%d-%d-%d", round, burst, i) // never the same again: a refused one is not repeated here
			e.Key = ""
			g.Go(func() error {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err := bus.Publish(ctx, e)
				if err == nil {
					mu.Lock()
					acked[e.ID] = true
					mu.Unlock()
				}
				return err
			})
		}
		err := g.Wait()
		after(burst)
		if burst > 20 && err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("PostgreSQL does not come back: %v", err)
		}
	}
}
