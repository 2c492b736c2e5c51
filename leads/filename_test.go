package leads

import (
	"strings"
	"testing"
)

func TestOfTheNameOfAFileOnlyWhatIsSafeIsKept(t *testing.T) {
	for name, want := range map[string]string{
		`C:\a\b.pdf`: "b.pdf", "../../x": "x", "/": "", "": "", "..": "", "a\u202efdp.exe": "afdp.exe", "a\r\nb": "ab", "\xff.txt": "_.txt",
		"Смета на монтаж.xlsx":            "Смета на монтаж.xlsx",
		strings.Repeat("я", 400) + ".pdf": strings.Repeat("я", maxFileName-4) + ".pdf",
		"a." + strings.Repeat("b", 400):   "a." + strings.Repeat("b", 98) + "." + strings.Repeat("b", 19),
	} {
		if got := FileName(name); got != want || len([]rune(got)) > maxFileName {
			t.Errorf("%.40q became %q, want %q", name, got, want)
		}
	}
}
