package leads

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestEmptyValuesAndProxiesAreNobodysIdentity(t *testing.T) {
	rules := MatchRules{Proxies: []string{"+78005553535"}}
	got := rules.Identity([]ContactPoint{{Kind: KindPhone, Value: "+79120000002"}, {Kind: KindPhone}, {Value: "x"}, {Kind: KindPhone, Value: "+78005553535"},
		{Kind: KindEmail, Value: "a@example.ru"}, {Kind: KindPhone, Value: "+79120000002", Written: "again"}})
	if len(got) != 2 || got[0].Kind != KindEmail || got[1].Value != "+79120000002" || got[1].Written != "" {
		t.Errorf("got %+v", got)
	}
}

func TestTheOldestCandidateWinsInAnyOrder(t *testing.T) {
	old, young, twin := Person{7, noon.AddDate(-1, 0, 0)}, Person{2, noon}, Person{3, noon}
	who, others, ok := Who([]Person{young, twin, old, young})
	if !ok || who != old || len(others) != 2 || others[0] != young {
		t.Errorf("got %v, %v, %v", who, others, ok)
	}
	if _, _, ok := Who(nil); ok {
		t.Error("nobody is somebody")
	}
}

func TestTheLeadWithTheLatestActivityTakesTheInquiry(t *testing.T) {
	open := []OpenLead{{1, "sale", noon.Add(-time.Hour)}, {2, "service", noon}, {3, "sale", noon.Add(-time.Minute)}}
	for _, c := range []struct {
		name  string
		rules MatchRules
		want  int64
	}{
		{"same funnel", MatchRules{}, 3},
		{"any funnel", MatchRules{Join: JoinAny}, 2},
		{"never", MatchRules{Join: JoinNever}, 0},
		{"window passed", MatchRules{Window: 30 * time.Second}, 0},
		{"inside the window", MatchRules{Window: time.Minute}, 3},
	} {
		got, ok := c.rules.JoinLead("sale", noon, open)
		if got.ID != c.want || ok != (c.want != 0) {
			t.Errorf("%s: got %d, %v; want %d", c.name, got.ID, ok, c.want)
		}
	}
}

func TestWhoeverIsAskedTheChosenLeadIsOneThatFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var open []OpenLead
		for i := range rapid.IntRange(0, 8).Draw(t, "n") {
			open = append(open, OpenLead{int64(i + 1), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "funnel"),
				noon.Add(-time.Duration(rapid.IntRange(0, 100).Draw(t, "ago")) * time.Hour)})
		}
		rules := MatchRules{Window: time.Duration(rapid.IntRange(0, 50).Draw(t, "window")) * time.Hour}
		got, ok := rules.JoinLead("a", noon, open)
		for _, l := range open {
			fits := l.Funnel == "a" && (rules.Window == 0 || noon.Sub(l.LastActivityAt) <= rules.Window)
			if fits && !ok || l.ID == got.ID && !fits || fits && l.LastActivityAt.After(got.LastActivityAt) {
				t.Fatalf("chose %+v of %+v", got, open)
			}
		}
	})
}

func TestATaxNumberHasRightCheckDigits(t *testing.T) {
	for s, want := range map[string]bool{
		"7707083893": true, " 7707083893 ": true, "500100732259": true, "7707083894": false, "500100732258": false, "500100732269": false,
		"0000000000": false, "": false, "770708389": false, "7707083893x": false, "٧٧٠٧٠٨٣٨٩٣": false,
	} {
		if got := INN(s); got != want {
			t.Errorf("%q: got %v", s, got)
		}
	}
}

func TestAMessengerIDHasOneForm(t *testing.T) {
	a, okA := Messenger("Telegram", " @Ivan ")
	b, okB := Messenger("telegram", "ivan")
	if !okA || !okB || a.ID() != b.ID() || a.Value != "telegram:ivan" {
		t.Errorf("got %+v and %+v", a, b)
	}
	for _, id := range []string{"", "@", "два слова"} {
		if got, ok := Messenger("telegram", id); ok {
			t.Errorf("%q: got %+v", id, got)
		}
	}
}

func TestAMaskHidesEnough(t *testing.T) {
	for raw, want := range map[string]string{
		"+79123456789": "+79•••••••89",
		"звонил 8 (912) 345-67-89, ivan@example.ru": "звонил 8 (9••) •••-••-89, i•••@example.ru",
		"почта@пример.рф":                           "п•••@пример.рф",
		"заказ 1234 от 01.02.2026":                  "заказ 1234 от 01.02.2026",
		"Поток K1763201-28, Иван":                   "Поток K1763201-28, Иван",
		"тел89123456789":                            "тел89•••••••89",
	} {
		if got := Mask(raw); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}

func TestATitleTellsWhatAndWhoAndNoNumber(t *testing.T) {
	missed := Inquiry{Channel: ChannelCall, Call: &Call{}}
	for _, c := range []struct {
		in   Inquiry
		lang string
		want string
	}{
		{Inquiry{Channel: ChannelForm, Product: "Окна ПВХ", Name: "Иван"}, "ru", "Окна ПВХ, Иван"},
		{Inquiry{Channel: ChannelForm, Company: "Ромашка"}, "en", "Web form, Ромашка"},
		{Inquiry{Channel: ChannelMail, Subject: "Перезвоните +7 912 345-67-89"}, "", "Перезвоните +7 9•• •••-••-89"},
		{missed, "ru", "Пропущенный звонок"},
		{missed, "en", "Missed call"},
		{Inquiry{Channel: ChannelForm, Items: []Item{{Name: "Дверь"}}}, "ru", "Дверь"},
	} {
		if got := Title(c.in, c.lang); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got := []rune(Title(Inquiry{Subject: string(make([]rune, 500))}, "ru")); len(got) > 200 {
		t.Errorf("a title of %d letters", len(got))
	}
}

func TestAnOwnFieldHoldsItsKind(t *testing.T) {
	for _, c := range []struct {
		kind, value string
		ok          bool
	}{
		{"text", "что угодно", true}, {"number", "12,5", true}, {"number", "много", false}, {"date", "2026-03-02", true}, {"date", "02.03.2026", false},
		{"bool", "true", true}, {"bool", "да", false}, {"choice", "белый", true}, {"choice", "красный", false}, {"choice", "", true},
	} {
		f := OwnField{Key: "f", Kind: c.kind, Choices: []string{"белый"}}
		if err := f.Check(c.value); (err == nil) != c.ok {
			t.Errorf("%s %q: %v", c.kind, c.value, err)
		}
	}
}
