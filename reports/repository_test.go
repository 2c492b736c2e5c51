package reports_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/reports"
)

var dictionaries = repository.Dictionaries{
	Funnels: []leads.Funnel{{Key: "sale", NameRU: "Продажа", NameEN: "Sale", Stages: []leads.Stage{
		{Key: "new", NameRU: "Новый", NameEN: "New", Probability: 10},
		{Key: "talk", NameRU: "Переговоры", NameEN: "Talks", Probability: 40},
		{Key: "offer", NameRU: "Предложение", NameEN: "Offer", Probability: 70},
		{Key: "won", NameRU: "Успех", NameEN: "Won", Probability: 100, Kind: "won"},
		{Key: "lost", NameRU: "Отказ", NameEN: "Lost", Kind: "lost"},
		{Key: "junk", NameRU: "Некачественный", NameEN: "Junk", Kind: "junk"},
	}}},
	Reasons: []leads.LossReason{
		{Key: "expensive", NameRU: "Дорого", NameEN: "Too expensive", Kind: leads.StatusLost},
		{Key: "duplicate", NameRU: "Дубль", NameEN: "Duplicate", Kind: leads.StatusJunk},
		{Key: "mistake", NameRU: "Ошибка", NameEN: "Mistake", Kind: leads.StatusJunk},
	},
}

// TestFactsOfTheRepositoryTie lives through the leads with the repository itself:
// what it leaves behind is what the reports read.
func TestFactsOfTheRepositoryTie(t *testing.T) {
	ctx, db := context.Background(), postgrestest.New(t)
	repo := repository.New(db, repository.Options{})
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	at := func(day int) time.Time { return noon.AddDate(0, 0, day) }
	do := func(f func(tx pgx.Tx) error) {
		t.Helper()
		if err := postgres.InTx(ctx, db, f); err != nil {
			t.Fatal(err)
		}
	}
	var ids []int64
	do(func(tx pgx.Tx) error {
		if err := repo.Seed(ctx, tx, dictionaries); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "insert into employee (login, name, permission, created_at) values ('anna', 'Анна', 'manager', $1)", noon)
		return err
	})
	do(func(tx pgx.Tx) error {
		var in []leads.Inquiry
		for _, n := range []string{"1", "2", "3", "4", "5", "6"} {
			in = append(in, leads.Inquiry{ID: n, Connection: "site", Channel: leads.ChannelForm, ReceivedAt: noon, BodyHash: []byte(n),
				Points: []leads.ContactPoint{{Kind: leads.KindPhone, Value: "+7900000000" + n, Written: n}}})
		}
		in[4].State, in[5].State = "test", "spam"
		captured, err := repo.Capture(ctx, tx, noon, in)
		for _, c := range captured {
			ids = append(ids, c.LeadID)
		}
		return err
	})
	amount, err := leads.NewAmount("150000.50")
	if err != nil {
		t.Fatal(err)
	}
	do(func(tx pgx.Tx) error {
		return repo.Assign(ctx, tx, at(1), []repository.Assignment{{Lead: ids[0], Owner: 1}, {Lead: ids[1], Owner: 1}})
	})
	do(func(tx pgx.Tx) error {
		return repo.SetFields(ctx, tx, at(2), ids[0], 1, repository.Changes{Amount: &amount})
	})
	do(func(tx pgx.Tx) error {
		return repo.EnterStage(ctx, tx, at(3), []repository.StageMove{{Lead: ids[0], Stage: "offer"}, {Lead: ids[1], Stage: "talk"}})
	})
	do(func(tx pgx.Tx) error {
		return repo.Close(ctx, tx, at(4), []repository.Closing{{Lead: ids[0], Kind: leads.StatusWon}, {Lead: ids[1], Kind: leads.StatusLost, Reason: "expensive"},
			{Lead: ids[2], Kind: leads.StatusJunk, Reason: "duplicate"}, {Lead: ids[3], Kind: leads.StatusJunk, Reason: "mistake"}})
	})
	do(func(tx pgx.Tx) error { return repo.Reopen(ctx, tx, at(5), []repository.Reopening{{Lead: ids[1]}}) })

	q := reports.Query{From: noon.AddDate(0, 0, -1), To: at(30), Now: at(30), Zone: time.UTC, Language: "ru"}
	figures := map[string]string{}
	for _, report := range reports.All() {
		for _, clock := range report.Clocks {
			q.Clock = clock
			results, err := reports.RunAll(ctx, db, report.Key, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				for _, c := range r.Checks {
					if !c.OK {
						t.Errorf("%s, %s: %s: %s is %s, %s is %s", report.Key, clock, c.Title, c.LeftTitle, c.Left.Format("ru"), c.RightTitle, c.Right.Format("ru"))
					}
				}
				for _, f := range append(r.Figures, r.Excluded...) {
					figures[string(clock)+" "+f.Key] = f.Value.Format("en")
				}
			}
		}
	}
	want := map[string]string{
		"cohort leads": "3", "cohort won": "1", "cohort lost": "0", "cohort junk": "1", "cohort open": "1", "cohort won_amount": "₽150,000.50",
		"cohort tests": "1", "cohort duplicates": "1", "cohort spam_inquiries": "1",
		"flow closed_won": "1", "flow closed_lost": "0", "flow reopened": "1", "flow win_rate": "100.0%",
		"snapshot standing": "1", "snapshot unclosed": "1",
	}
	for key, value := range want {
		if diff := cmp.Diff(value, figures[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
}
