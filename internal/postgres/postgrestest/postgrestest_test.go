package postgrestest

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
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

func TestTheServerStaysWhileAnybodyUsesItAndAWhileLonger(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "users.lock")
	user, err := flock(lock, syscall.LOCK_SH)
	if err != nil {
		t.Fatal(err)
	}
	unused := make(chan error, 1)
	go func() {
		alone, err := untilUnused(t.Context(), lock, 50*time.Millisecond)
		if err == nil {
			alone.Close()
		}
		unused <- err
	}()
	select {
	case <-unused:
		t.Fatal("the server would be stopped under its user")
	case <-time.After(200 * time.Millisecond):
	}

	user.Close()

	if err := <-unused; err != nil {
		t.Error(err)
	}
}

func TestProcessIDsInNamesTellWhoseDatabasesAreLeftBehind(t *testing.T) {
	for name, want := range map[string]bool{
		testPrefix + strconv.Itoa(os.Getpid()) + "_1": true,
		testPrefix + "999999999_1":                    false,
		testPrefix + "what_is_this":                   false,
	} {
		if got := ownerLives(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestAChangedMigrationMakesAnotherTemplate(t *testing.T) {
	before := fstest.MapFS{"1_a.sql": {Data: []byte("create")}, "2_b.sql": {Data: []byte("insert")}}
	after := fstest.MapFS{"1_a.sql": {Data: []byte("create2")}, "_b.sql": {Data: []byte("insert")}}
	first, err1 := hash(before)
	second, err2 := hash(after)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if first == second {
		t.Error("both have the same name")
	}
}

func BenchmarkNew(b *testing.B) {
	New(b)
	for b.Loop() {
		pool := New(b)
		pool.Close()
	}
}
