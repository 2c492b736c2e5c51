package postgrestest

import (
	"context"
	"testing"
)

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	ctx := context.Background()
	one, two := New(t), New(t)

	if _, err := one.Exec(ctx, "create table only_here (id int)"); err != nil {
		t.Fatal(err)
	}

	var there bool
	err := two.QueryRow(ctx, "select to_regclass('only_here') is not null").Scan(&there)
	if err != nil {
		t.Fatal(err)
	}
	if there {
		t.Error("a table made in one database is in the other")
	}
}

func TestTheDatabaseIsMigrated(t *testing.T) {
	var version int64
	err := New(t).QueryRow(context.Background(), "select max(version_id) from goose_db_version").Scan(&version)
	if err != nil {
		t.Fatal(err)
	}
	if version == 0 {
		t.Error("no migration was applied")
	}
}

func TestTheDatabaseIsGoneAfterItsTest(t *testing.T) {
	var address string
	t.Run("a test", func(t *testing.T) { address = URL(t) })
	if answers(address) {
		t.Errorf("the database %s is still there", address)
	}
}

func BenchmarkNew(b *testing.B) {
	New(b)
	for b.Loop() {
		pool := New(b)
		pool.Close()
	}
}
