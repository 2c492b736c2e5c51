package charset

import (
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

func TestRussianIsToldByHowItReads(t *testing.T) {
	const text = "Здравствуйте, нужен кондиционер в спальню"
	for _, e := range []encoding.Encoding{charmap.Windows1251, charmap.KOI8R, charmap.CodePage866, charmap.ISO8859_5} {
		raw, err := e.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		if found, _ := Russian([]byte(raw), charmap.Windows1251); found != e {
			t.Errorf("%s is taken for %v", e, found)
		}
		if got := Decode([]byte(raw), ""); got != text {
			t.Errorf("%s reads %q", e, got)
		}
	}
	if found, _ := Russian([]byte("Gr\xfc\xdfe aus M\xfcnchen"), nil); found != nil {
		t.Errorf("German is taken for Russian in %v", found)
	}
}

func TestUTF7IsReadWhereItIsDeclared(t *testing.T) {
	for raw, want := range map[string]string{
		"+BBQEPgQxBEAESwQ5 +BDQENQQ9BEw-!": "Добрый день!",
		"2 +- 2, a+b":                      "2 + 2, a+b",
		"+AD4-":                            ">",
	} {
		if got := Decode([]byte(raw), "UTF-7"); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
		if got := Decode([]byte(raw), "us-ascii"); got != raw {
			t.Errorf("%q, not declared: %q", raw, got)
		}
	}
}
