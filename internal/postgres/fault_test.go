package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
)

func TestFaultsThatTheServerTells(t *testing.T) {
	pool := postgrestest.Open(t, withTable(t))
	ctx := context.Background()
	if _, err := pool.Exec(ctx, "insert into thing (name) values ('known')"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sql  string
		args []any
		want postgres.Fault
	}{
		{"insert into thing (name) values ($1)", []any{"nul\x00byte"}, postgres.Data},
		{"insert into thing (name) values ($1)", []any{"\xff\xfe"}, postgres.Data},
		{"insert into thing (name) values ('')", nil, postgres.Data},
		{"insert into thing (name) values (null)", nil, postgres.Data},
		{"insert into thing (name, number) values ('far', 40000)", nil, postgres.Data},
		{`select '{"a": "\u0000"}'::jsonb`, nil, postgres.Data},
		{"insert into thing (name) values ('known')", nil, postgres.Race},
		{"select pg_sleep(9)", nil, postgres.Away}, // the statement timeout
		{"select pg_terminate_backend(pg_backend_pid())", nil, postgres.Away},
		{"selekt 1", nil, postgres.Other},
		{"select * from nothing_here", nil, postgres.Other},
	} {
		err := inShortTx(ctx, pool, c.sql, c.args...)
		if err == nil {
			t.Errorf("%s did not fail", c.sql)
			continue
		}
		if got := postgres.Classify(fmt.Errorf("file the batch: %w", err)); got != c.want {
			t.Errorf("%s: %v is a fault of kind %s, want %s", c.sql, err, got, c.want)
		}
	}
}

func inShortTx(ctx context.Context, pool *pgxpool.Pool, sql string, args ...any) error {
	return postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local statement_timeout = 200"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, sql, args...)
		return err
	})
}

func TestALockThatIsNotGivenIsTriedAgainLater(t *testing.T) {
	pool := postgrestest.Open(t, withTable(t))
	ctx := context.Background()
	holder, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Rollback(ctx)
	if _, err := holder.Exec(ctx, "lock table thing"); err != nil {
		t.Fatal(err)
	}

	err = postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "set local lock_timeout = 50; lock table thing")
		return err
	})

	if got := postgres.Classify(err); got != postgres.Away {
		t.Errorf("%v is a fault of kind %s, want away", err, got)
	}
}

func TestADeadlockIsARace(t *testing.T) {
	pool := postgrestest.Open(t, withTable(t))
	ctx := context.Background()
	if _, err := pool.Exec(ctx, "insert into thing (name) values ('a'), ('b')"); err != nil {
		t.Fatal(err)
	}
	lock := func(tx pgx.Tx, name string) error {
		_, err := tx.Exec(ctx, "update thing set number = 1 where name = $1", name)
		return err
	}
	held, ended := make(chan struct{}, 2), make(chan error, 2)
	both := make(chan struct{})
	for _, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
		go func() {
			ended <- postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
				err := lock(tx, order[0])
				held <- struct{}{}
				<-both
				return errors.Join(err, lock(tx, order[1]))
			})
		}()
	}
	<-held
	<-held
	close(both)

	var lost error
	for range 2 {
		if err := <-ended; err != nil {
			lost = err
		}
	}

	if got := postgres.Classify(lost); got != postgres.Race {
		t.Errorf("%v is a fault of kind %s, want race", lost, got)
	}
}

func TestFaultsOfTheWayToTheServer(t *testing.T) {
	ctx := context.Background()
	closed := postgrestest.Open(t, postgrestest.Empty(t))
	_, refused := pgx.Connect(ctx, "postgres://nobody@127.0.0.1:1/none?connect_timeout=1")
	late, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	_, tooLate := closed.Exec(late, "select 1")
	conn, err := pgx.Connect(ctx, postgrestest.Server(t))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close(ctx)
	_, gone := conn.Exec(ctx, "select 1")

	for name, c := range map[string]struct {
		err  error
		want postgres.Fault
	}{
		"nobody listens":      {refused, postgres.Away},
		"no time left":        {tooLate, postgres.Away},
		"connection closed":   {gone, postgres.Away},
		"too many clients":    {&pgconn.PgError{Code: "53300"}, postgres.Away},
		"serialization":       {&pgconn.PgError{Code: "40001"}, postgres.Race},
		"exclusion":           {&pgconn.PgError{Code: "23P01"}, postgres.Race},
		"program limit":       {&pgconn.PgError{Code: "54000"}, postgres.Data},
		"no rights":           {&pgconn.PgError{Code: "42501"}, postgres.Other},
		"told to stop":        {context.Canceled, postgres.Other},
		"an error of our own": {errors.New("no such stage"), postgres.Other},
		"no error":            {nil, postgres.Other},
	} {
		if got := postgres.Classify(c.err); got != c.want {
			t.Errorf("%s: %v is a fault of kind %s, want %s", name, c.err, got, c.want)
		}
	}
}
