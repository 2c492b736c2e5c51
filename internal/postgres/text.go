package postgres

import (
	"strings"
	"unicode/utf8"
)

// Text is what a column of text takes: PostgreSQL keeps no NUL, and U+FFFD stands for bytes that are no UTF-8.
func Text(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s
}

// longest is how much is kept of what others say, in characters.
const longest = 2000

// Words is Text of what another side said, which may be of any length.
func Words(s string) string {
	s = Text(s)
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest]) + "..."
	}
	return s
}
