package repository

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/leads"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

var words0 = Dictionaries{
	Funnels: []leads.Funnel{
		{Key: "sale", NameRU: "Продажа", NameEN: "Sale", Stages: []leads.Stage{
			{Key: "new", NameRU: "Новый", NameEN: "New", Probability: 10},
			{Key: "talk", NameRU: "Переговоры", NameEN: "Talks", Probability: 40},
			{Key: "offer", NameRU: "Предложение", NameEN: "Offer", Probability: 70},
			{Key: "won", NameRU: "Успех", NameEN: "Won", Probability: 100, Kind: "won"},
			{Key: "lost", NameRU: "Отказ", NameEN: "Lost", Kind: "lost"},
		}},
		{Key: "service", NameRU: "Сервис", NameEN: "Service", Stages: []leads.Stage{
			{Key: "new", NameRU: "Новый", NameEN: "New", Probability: 30},
			{Key: "visit", NameRU: "Выезд", NameEN: "Visit", Probability: 60},
		}},
	},
	Reasons: []leads.LossReason{
		{Key: "expensive", NameRU: "Дорого", NameEN: "Too expensive", Kind: leads.StatusLost},
		{Key: "other", NameRU: "Другое", NameEN: "Other", Kind: leads.StatusLost, NeedsComment: true},
		{Key: "spam", NameRU: "Спам", NameEN: "Spam", Kind: leads.StatusJunk},
	},
	Sources: []leads.Source{{Key: "site", NameRU: "Сайт", NameEN: "Site"}},
	OwnFields: []leads.OwnField{
		{Key: "area", NameRU: "Площадь", NameEN: "Area", Kind: "number"},
		{Key: "colour", NameRU: "Цвет", NameEN: "Colour", Kind: "choice", Choices: []string{"белый", "серый"}},
	},
}

// house is a repository on a database of its own, with dictionaries and three employees: 1 anna, 2 boris, 3 vera.
type house struct {
	*Repository
	t    testing.TB
	pool *pgxpool.Pool
}

func newHouse(t testing.TB, o Options) house {
	t.Helper()
	pool := postgrestest.New(t)
	h := house{New(pool, o), t, pool}
	h.tx(func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into employee (login, name, permission, extension, created_at)
			values ('anna', 'Анна', 'manager', '101', $1), ('boris', 'Борис', 'manager', '102', $1), ('vera', 'Вера', 'head', '', $1)`, noon)
		return errors.Join(err, h.Seed(t.Context(), tx, words0))
	})
	return h
}

// tx runs f in a transaction that must succeed.
func (h house) tx(f func(pgx.Tx) error) {
	h.t.Helper()
	if err := postgres.InTx(context.Background(), h.pool, f); err != nil {
		h.t.Fatal(err)
	}
}

func (h house) capture(in ...leads.Inquiry) []Captured {
	h.t.Helper()
	var out []Captured
	h.tx(func(tx pgx.Tx) (err error) {
		out, err = h.Capture(context.Background(), tx, noon, in)
		return err
	})
	return out
}

// count gives the single number a question answers with.
func (h house) count(query string, args ...any) int {
	h.t.Helper()
	var n int
	if err := h.pool.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h house) want(n int, query string, args ...any) {
	h.t.Helper()
	if got := h.count(query, args...); got != n {
		h.t.Errorf("got %d, want %d: %s", got, n, query)
	}
}

func phone(s string) leads.ContactPoint {
	return leads.ContactPoint{Kind: leads.KindPhone, Value: s, Written: s}
}
func email(s string) leads.ContactPoint {
	return leads.ContactPoint{Kind: leads.KindEmail, Value: s, Written: s}
}

var serial int

// form is an inquiry by web form with an id of its own.
func form(points ...leads.ContactPoint) leads.Inquiry {
	serial++
	id := fmt.Sprintf("inquiry-%d", serial)
	return leads.Inquiry{ID: id, Connection: "site", Channel: leads.ChannelForm, ReceivedAt: noon.Add(time.Duration(serial) * time.Second),
		BodyHash: []byte(id), Points: points, Source: "site"}
}
