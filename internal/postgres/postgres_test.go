package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
)

func TestAPoolHasItsNameAndItsTimeouts(t *testing.T) {
	ctx := context.Background()
	pool, err := postgres.Open(ctx, postgrestest.Empty(t), postgres.Options{
		Application: "intake", StatementTimeout: 7 * time.Second, LockTimeout: 3 * time.Second, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()

	for setting, want := range map[string]string{
		"application_name": "intake", "statement_timeout": "7s", "lock_timeout": "3s",
		"idle_in_transaction_session_timeout": "1min", "timezone": "UTC",
	} {
		var got string
		if err := pool.QueryRow(ctx, "select current_setting($1)", setting).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", setting, got, want)
		}
	}
	if got := pool.Config().MaxConns; got != 2 {
		t.Errorf("the pool takes %d connections, want 2", got)
	}
}

func TestADatabaseThatCannotLowerCyrillicIsRefusedWithTheCure(t *testing.T) {
	ctx := context.Background()
	address := withLocaleC(t)

	pool, err := postgres.Open(ctx, address, postgres.Options{})

	if err == nil {
		pool.Close()
		t.Fatal("a database with locale C was accepted")
	}
	if !strings.Contains(err.Error(), "C.UTF-8") {
		t.Errorf("the error does not say what to do: %v", err)
	}
}

// withLocaleC makes a database as a careless administrator does.
func withLocaleC(t *testing.T) string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, postgrestest.Server(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	if _, err := conn.Exec(ctx, "drop database if exists marshrut_locale_c"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "create database marshrut_locale_c template template0 encoding 'UTF8' locale 'C'"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Exec(ctx, "drop database marshrut_locale_c with (force)") })
	address, err := url.Parse(postgrestest.Server(t))
	if err != nil {
		t.Fatal(err)
	}
	address.Path = "/marshrut_locale_c"
	return address.String()
}

func TestAWrongAddressIsToldWithoutItsPassword(t *testing.T) {
	for _, address := range []string{"postgres://u:s3cret@localhost:port/db", "postgres://u:s3cret@127.0.0.1:1/db?connect_timeout=1"} {
		_, err := postgres.Open(context.Background(), address, postgres.Options{})
		if err == nil {
			t.Fatalf("%s was opened", address)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the password is in the error: %v", err)
		}
	}
}

func TestATransactionIsCommittedWhenItsWorkIsDone(t *testing.T) {
	pool := postgrestest.Open(t, withTable(t))
	ctx := context.Background()

	err := postgres.InTx(ctx, pool, insert(ctx, "one"))

	if err != nil {
		t.Fatal(err)
	}
	if got := rows(t, pool); got != 1 {
		t.Errorf("%d rows, want 1", got)
	}
}

func TestATransactionIsRolledBackWhenItsWorkFailsOrPanics(t *testing.T) {
	pool := postgrestest.Open(t, withTable(t))
	ctx := context.Background()
	sour := errors.New("sour")

	err := postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		return errors.Join(insert(ctx, "one")(tx), sour)
	})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
			_ = insert(ctx, "two")(tx)
			panic("sour")
		})
	}()

	if !errors.Is(err, sour) {
		t.Errorf("got %v, want the error of the work", err)
	}
	if got := rows(t, pool); got != 0 {
		t.Errorf("%d rows were kept", got)
	}
	if busy := pool.Stat().AcquiredConns(); busy != 0 {
		t.Errorf("%d connections were not given back", busy)
	}
}

func TestATransactionWhoseContextEndsGivesItsConnectionBack(t *testing.T) {
	pool := postgrestest.Open(t, withTable(t))
	ctx, cancel := context.WithCancel(context.Background())

	err := postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		cancel()
		return insert(ctx, "one")(tx)
	})

	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if busy := pool.Stat().AcquiredConns(); busy != 0 {
		t.Errorf("%d connections were not given back", busy)
	}
	if got := rows(t, pool); got != 0 {
		t.Errorf("%d rows were kept", got)
	}
}

func withTable(t *testing.T) string {
	t.Helper()
	address := postgrestest.Empty(t)
	pool := postgrestest.Open(t, address)
	if _, err := pool.Exec(context.Background(), "create table thing (name text primary key check (name <> ''), number smallint)"); err != nil {
		t.Fatal(err)
	}
	return address
}

func insert(ctx context.Context, name string) func(pgx.Tx) error {
	return func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into thing (name) values ($1)", name)
		return err
	}
}

func rows(t *testing.T, db postgres.DB) (count int) {
	t.Helper()
	if err := db.QueryRow(context.Background(), "select count(*) from thing").Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}
