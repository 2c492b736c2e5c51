package web

import (
	"context"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"

	"marshrut/leads/repository"
)

func TestTheHistoryOfALeadShowsAConflictWithItsValues(t *testing.T) {
	s := newStack(t)
	lead, _ := s.lead("anna")
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		return s.Leads.Journal(ctx, tx, []repository.Entry{{At: s.now(), Lead: lead, Object: "lead:1", Action: "exchange.conflict", Data: map[string]string{
			"field": "title", "ours": "Два окна", "theirs": "Три окна", "kept": "theirs", "rule": "later", "connection": "base"}}})
	})
	s.as("olga").get("/journal").says(t, http.StatusOK, "Расхождение с другой системой (base): осталось их", "наше: Два окна; их: Три окна")
}
