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
	s.as("olga").get("/journal").says(t, http.StatusOK, "Расхождение с другой системой (base): осталось их", "наше: Два окна; их: Три окна", "Остаётся то, что изменили позже")
}

func TestAConflictIsToldInWordsOfPeople(t *testing.T) {
	s := newStack(t)
	lead, _ := s.lead("anna")
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		for _, data := range []map[string]string{
			{"field": "stage", "ours": "new", "theirs": "proposal", "kept": "ours", "rule": "we", "connection": "base"},
			{"field": "status", "ours": "open", "theirs": "won", "kept": "theirs", "rule": "they", "connection": "base"},
			{"field": "phone", "ours": "+79120000011", "theirs": "", "kept": "ours", "rule": "later", "connection": "base"},
		} {
			if err := s.Leads.Journal(ctx, tx, []repository.Entry{{At: s.now(), Lead: lead, Object: "lead:1", Action: "exchange.conflict", Data: data}}); err != nil {
				return err
			}
		}
		return nil
	})
	s.as("olga").get("/journal").says(t, http.StatusOK, "Этап", "наше: Новый; их: Предложение", "Здесь это поле главное",
		"наше: В работе; их: Успех", "В другой системе это поле главное", "Телефон", "Пустым значением ничего не заменяется")
}
