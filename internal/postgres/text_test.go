package postgres

import (
	"strings"
	"testing"
)

func TestWhatOthersSayFitsAColumnOfText(t *testing.T) {
	for said, want := range map[string]string{
		"as it is":                      "as it is",
		"a\x00b":                        "ab",
		"\xcd\xe5\xf2 places":           "\uFFFD places",
		strings.Repeat("я", longest):    strings.Repeat("я", longest),
		strings.Repeat("я", longest+50): strings.Repeat("я", longest) + "...",
	} {
		if got := Words(said); got != want {
			t.Errorf("%.30q became %.30q, want %.30q", said, got, want)
		}
	}
}
