package leads

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAPhoneIsTheSameHoweverItIsWritten(t *testing.T) {
	for _, raw := range []string{
		"8 (912) 345-67-89", "+7 912 345-67-89", "79123456789", "9123456789", "8-912-345-67-89", "+7(912)3456789", "8.912.345.67.89",
		"+7\u00a0912\u202f345\u201167\u201389", "  8 912 345 67 89  ", "тел. 8 912 345 67 89", "Позвоните 89123456789 после 18", "(8912)3456789",
		"+7 [912] 345 67 89", "٨٩١٢٣٤٥٦٧٨٩", "８９１２３４５６７８９", "whatsapp:+79123456789", "+7 912 3456789 Иван",
	} {
		got, ok := Phone(raw, "RU")
		if !ok || got.Value != "+79123456789" || got.Extension != "" {
			t.Errorf("%q: got %+v, %v", raw, got, ok)
		}
	}
}

func TestAnExtensionIsKeptApart(t *testing.T) {
	for raw, want := range map[string]string{
		"8 (495) 123-45-67 доб. 12":        "12",
		"8 (495) 123-45-67, доб 12":        "12",
		"+7 495 123-45-67 ext. 12":         "12",
		"+7 495 123-45-67 x12":             "12",
		"+7 495 123-45-67 #12":             "12",
		"+7 495 123-45-67 (вн. 012)":       "012",
		"+7 495 123-45-67 добавочный № 12": "12",
		"+7 495 123-45-67; 12":             "",
	} {
		got, ok := Phone(raw, "RU")
		if !ok || got.Value != "+74951234567" || got.Extension != want {
			t.Errorf("%q: got %+v, %v; want extension %q", raw, got, ok, want)
		}
	}
}

func TestWhatCannotBeCalledIsNoPhone(t *testing.T) {
	for _, raw := range []string{"", " ", "нет", "-", "112", "12345", "0000000000", "+7 000 000-00-00", "1234567890", "+71111111111", "test@example.ru",
		"01.02.2026 10:30", "12 000,50", "4111 1111 1111 1111", "+", "()", "7707083893", strings.Repeat("9", 2000), "\x00\xff"} {
		if got, ok := Phone(raw, "RU"); ok {
			t.Errorf("%q: got %+v", raw, got)
		}
	}
}

func TestEveryPhoneOfAFieldIsFoundOnce(t *testing.T) {
	for raw, want := range map[string]string{
		"8 912 345-67-89, 8 495 123-45-67 доб. 5": "+79123456789 +74951234567",
		"89123456789 89161112233":                 "+79123456789 +79161112233",
		"89123456789/+7 912 345 67 89":            "+79123456789",
		"+79123456789 +79161112233":               "+79123456789 +79161112233",
		"8(912)345-67-89 или 8(916)111-22-33":     "+79123456789 +79161112233",
	} {
		var got []string
		for _, p := range Phones(raw, "RU") {
			got = append(got, p.Value)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %v, want %s", raw, got, want)
		}
	}
}

func TestTheRegionOfTheConnectionCompletesANumber(t *testing.T) {
	for _, c := range []struct{ raw, region, want string }{
		{"8 701 123 45 67", "KZ", "+77011234567"}, {"(029) 123-45-67", "BY", "+375291234567"}, {"+375 29 123-45-67", "RU", "+375291234567"},
		{"8 029 123-45-67", "BY", "+375291234567"}, {"+49 30 901820", "RU", "+4930901820"}, {"00 49 30 901820", "RU", "+4930901820"}, {"810 49 30 901820", "RU", "+4930901820"}, {"8 912 345-67-89", "ru", "+79123456789"},
	} {
		if got, ok := Phone(c.raw, c.region); !ok || got.Value != c.want {
			t.Errorf("%q in %s: got %+v, %v", c.raw, c.region, got, ok)
		}
	}
}

func TestANormalPhoneStaysAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.StringMatching(`(\+7|8|7|)[ -]?\(?9\d{2}\)?[ -]?\d{3}[ -]?\d{2}[ -]?\d{2}`).Draw(t, "raw")
		once, ok := Phone(raw, "RU")
		if !ok {
			return
		}
		again, ok := Phone(once.Value, "RU")
		if !ok || again.Value != once.Value {
			t.Fatalf("%q became %q became %q", raw, once.Value, again.Value)
		}
	})
}

func FuzzPhone(f *testing.F) {
	for _, s := range []string{"8 (912) 345-67-89 доб. 12", "+7912", "٨٩", "", "89123456789 89161112233", "\xd0\xff", "+٠0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, p := range Phones(raw, "RU") {
			if len(p.Value) < 8 || len(p.Value) > 17 || p.Value[0] != '+' || countDigits(p.Value) != len(p.Value)-1 {
				t.Errorf("%q became %q", raw, p.Value)
			}
			if countDigits(p.Extension) != len(p.Extension) {
				t.Errorf("%q has extension %q", raw, p.Extension)
			}
		}
	})
}
