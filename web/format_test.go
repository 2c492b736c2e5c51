package web

import (
	"testing"
	"time"
)

func formats(t *testing.T) map[string]format {
	t.Helper()
	texts, err := loadCatalogues()
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]format{"ru": {"ru", zone, texts["ru"]}, "en": {"en", zone, texts["en"]}}
}

func TestBothLanguagesSayTheSameThings(t *testing.T) {
	texts, err := loadCatalogues()
	if err != nil {
		t.Fatal(err)
	}
	for key := range texts["ru"] {
		if _, ok := texts["en"][key]; !ok {
			t.Errorf("%s has no English text", key)
		}
	}
	for key := range texts["en"] {
		if _, ok := texts["ru"][key]; !ok {
			t.Errorf("%s has no Russian text", key)
		}
	}
}

func TestNumbersAndMoneyAreWrittenAsTheLanguageDoes(t *testing.T) {
	f := formats(t)
	for _, c := range []struct{ language, amount, want string }{
		{"ru", "1234567.5", "1\u202f234\u202f567,50\u00a0₽"},
		{"ru", "999.00", "999\u00a0₽"},
		{"en", "1234567.5", "1,234,567.50\u00a0₽"},
		{"ru", "", "—"},
	} {
		if got := f[c.language].money(c.amount, "RUB"); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.language, c.amount, got, c.want)
		}
	}
}

func TestMomentsAreSaidFromWhereThePersonStands(t *testing.T) {
	f := formats(t)["ru"]
	now := time.Date(2026, 3, 5, 21, 30, 0, 0, time.UTC) // 00:30 on the sixth in Moscow
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{now.Add(-time.Hour), "вчера 23:30"},
		{now.Add(time.Hour), "сегодня 01:30"},
		{now.AddDate(0, 0, 1), "завтра 00:30"},
		{now.AddDate(-1, 0, 0), "6\u00a0марта\u00a02025, 00:30"},
	} {
		if got := f.moment(c.at, now); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestCountsTakeTheRightForm(t *testing.T) {
	texts := catalogue{"leads": "лид|лида|лидов"}
	for n, want := range map[int]string{1: "1 лид", 3: "3 лида", 5: "5 лидов", 11: "11 лидов", 21: "21 лид", 112: "112 лидов"} {
		if got := texts.counted("leads", n, "ru"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
