// Package postgrestest gives each test a real, migrated PostgreSQL database of
// its own. The databases live on the server that MARSHRUT_TEST_POSTGRES names,
// a URL whose user may create databases, or else on a private server that all
// test processes of this user share: the first starts it, and it stops half a
// minute after the last one left. Only tests import this package.
package postgrestest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/localpg"
	"marshrut/internal/postgres"
)

// New makes a fresh database with all migrations and opens a small pool on it.
// Both are gone when the test ends.
func New(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return Open(t, URL(t))
}

// Open opens one more small pool on a database of URL, closed when the test ends.
func Open(t testing.TB, address string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(context.Background(), address, postgres.Options{MaxConns: 4, Application: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// URL makes a fresh database with all migrations and gives its address, for
// tests that start whole processes or pools of their own.
func URL(t testing.TB) string {
	t.Helper()
	server := Server(t)
	template, err := templates(server)
	if err != nil {
		t.Fatal(err)
	}
	return create(t, server, template)
}

// Empty makes a fresh database without any table and gives its address.
func Empty(t testing.TB) string {
	t.Helper()
	return create(t, Server(t), "template0")
}

// Server is the address of the maintenance database of the server under the tests.
func Server(t testing.TB) string {
	t.Helper()
	address, err := server()
	if err != nil {
		t.Fatalf("no PostgreSQL for the tests: %v", err)
	}
	return address
}

// Private starts a server for this test alone, which it may kill. dir stands
// for the data folder of a gateway.
func Private(t testing.TB, dir string) *localpg.Server {
	t.Helper()
	server, err := localpg.Start(context.Background(), localpg.Config{Dir: dir, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := localpg.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return server
}

var count atomic.Int64

// create copies a template into a database of this test.
func create(t testing.TB, server, template string) string {
	t.Helper()
	name := fmt.Sprintf("%s%d_%d", testPrefix, os.Getpid(), count.Add(1))
	err := admin(server, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "create database "+quote(name)+" template "+quote(template))
		return err
	})
	if err != nil {
		t.Fatalf("make a database for the test: %v", err)
	}
	t.Cleanup(func() {
		// By force: a test that failed may have left a connection open.
		err := admin(server, func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "drop database if exists "+quote(name)+" with (force)")
			return err
		})
		if err != nil {
			t.Logf("drop the database of the test: %v", err)
		}
	})
	return withDatabase(server, name)
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func withDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic(err) // it was used to connect
	}
	u.Path = "/" + name
	return u.String()
}

// admin runs f on a connection to the maintenance database.
func admin(server string, f func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return f(ctx, conn)
}
