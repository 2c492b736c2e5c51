package leads

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestAnAddressIsTheSameHoweverItIsWritten(t *testing.T) {
	for raw, want := range map[string]string{
		"Ivan@Example.RU":                     "ivan@example.ru",
		"  ivan@example.ru. ":                 "ivan@example.ru",
		"Иван Петров <Ivan@example.ru>":       "ivan@example.ru",
		`"Петров, Иван" <ivan@example.ru>`:    "ivan@example.ru",
		"mailto:ivan@example.ru?subject=Окна": "ivan@example.ru",
		"почта@Пример.РФ":                     "почта@xn--e1afmkfd.xn--p1ai",
		"ivan@пример.рф":                      "ivan@xn--e1afmkfd.xn--p1ai",
		"ivan@xn--e1afmkfd.xn--p1ai":          "ivan@xn--e1afmkfd.xn--p1ai",
		"ivan+окна@example.ru":                "ivan+окна@example.ru",
		"пишите на ivan@example.ru, спасибо":  "ivan@example.ru",
	} {
		if got, ok := Email(raw); !ok || got.Value != want {
			t.Errorf("%q: got %+v, %v; want %s", raw, got, ok, want)
		}
	}
}

func TestWhatNobodyCanWriteToIsNoAddress(t *testing.T) {
	for _, raw := range []string{"", "@", "ivan", "ivan@", "@example.ru", "ivan@localhost", "ivan@192.0.2.1", "ivan@@", "ivan at example.ru",
		"ivan@example.1", "ivan@-.ru", "a@b c.ru", strings.Repeat("a", 65) + "@example.ru", "\x00@example.ru", "\xff@example.ru", "ivan@exa_mple.ru"} {
		if got, ok := Email(raw); ok {
			t.Errorf("%q: got %+v", raw, got)
		}
	}
}

func TestEveryAddressOfAFieldIsFoundOnce(t *testing.T) {
	got := Emails("a@example.ru; B@example.ru, A@EXAMPLE.RU")
	if len(got) != 2 || got[0].Value != "a@example.ru" || got[1].Value != "b@example.ru" {
		t.Errorf("got %+v", got)
	}
}

func TestANormalAddressStaysAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.StringMatching(`[A-Za-zА-Яа-я0-9._+]{1,20}@[A-Za-zА-Яа-я0-9-]{1,20}\.(ru|РФ|com)`).Draw(t, "raw")
		once, ok := Email(raw)
		if !ok {
			return
		}
		again, ok := Email(once.Value)
		if !ok || again.Value != once.Value {
			t.Fatalf("%q became %q became %q", raw, once.Value, again.Value)
		}
	})
}

func FuzzEmail(f *testing.F) {
	for _, s := range []string{"Иван <ivan@пример.рф>", "a@b.ru,c@d.ru", "", "@", "mailto:x@y.com", "\xff@\xff.ru", "İ@example.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, p := range Emails(raw) {
			local, domain, ok := strings.Cut(p.Value, "@")
			if !ok || local == "" || !strings.Contains(domain, ".") || strings.ContainsAny(p.Value, " \x00<>") || !utf8.ValidString(p.Value) {
				t.Errorf("%q became %q", raw, p.Value)
			}
		}
	})
}
