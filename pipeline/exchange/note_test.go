package exchange

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/leads/repository"
)

// An attempt notes a conflict and dies before it writes. The next one has heard more and decides otherwise: what is noted is
// what was done, or the value that was written over would be in no conflict.
func TestAConflictThatIsSettledOtherwiseTheNextTimeIsNotedSo(t *testing.T) {
	pool := postgrestest.New(t)
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	w := work{Exchange: New(Options{Pool: pool, Leads: repository.New(pool, repository.Options{}), Now: func() time.Time { return at }}),
		connection: "base", job: job{Kind: connectors.MirrorLead, ID: 17}}
	note := func(kept string) {
		t.Helper()
		err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			return w.note(t.Context(), tx, link{Ref: "r"}, "v1", []Conflict{{"title", "наше", "их", kept, connectors.OwnerLater}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	note(keptOurs)
	note(keptOurs)
	note(keptTheirs)
	var rows, shown int
	var kept string
	err := pool.QueryRow(t.Context(), `select count(*), max(kept), (select count(*) from journal where action = 'exchange.conflict') from exchange_conflict`).Scan(&rows, &kept, &shown)
	if err != nil || rows != 1 || kept != keptTheirs || shown != 2 {
		t.Errorf("%d conflicts, kept %s, shown %d times, %v", rows, kept, shown, err)
	}
}
