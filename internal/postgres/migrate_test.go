package postgres_test

import (
	"context"
	"io/fs"
	"regexp"
	"testing"

	"golang.org/x/sync/errgroup"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
)

func TestSeveralProcessesMayMigrateAtOnce(t *testing.T) {
	ctx := context.Background()
	address := postgrestest.Empty(t)
	var processes errgroup.Group
	for range 4 {
		processes.Go(func() error { return postgres.Migrate(ctx, address) })
	}

	if err := processes.Wait(); err != nil {
		t.Fatal(err)
	}

	files, err := fs.Glob(postgres.Migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var applied int
	err = postgrestest.Open(t, address).QueryRow(ctx, "select count(*) from goose_db_version where version_id > 0").Scan(&applied)
	if err != nil {
		t.Fatal(err)
	}
	if applied != len(files) {
		t.Errorf("%d migrations applied, there are %d files", applied, len(files))
	}
}

func TestMigratingAgainChangesNothing(t *testing.T) {
	if err := postgres.Migrate(context.Background(), postgrestest.URL(t)); err != nil {
		t.Error(err)
	}
}

func TestMigrationsReadNoClock(t *testing.T) {
	clock := regexp.MustCompile(`(?i)\b(now\(\)|current_timestamp|clock_timestamp|localtimestamp|current_date)`)
	files, err := fs.Glob(postgres.Migrations(), "*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no migrations", err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(postgres.Migrations(), file)
		if err != nil {
			t.Fatal(err)
		}
		if found := clock.Find(text); found != nil {
			t.Errorf("%s calls %s: time is a parameter", file, found)
		}
	}
}
