package charset

import (
	"encoding/base64"
	"encoding/binary"
	"regexp"
	"strings"
	"unicode/utf16"
)

var utf7Name = regexp.MustCompile(`(?i)^[\s"']*(?:unicode-1-1-|csunicode11)?utf-?7\b`)

// shifted is a run of UTF-7: base64 of UTF-16 between a plus and what is no base64; a minus behind it belongs to it (RFC 2152).
var shifted = regexp.MustCompile(`\+([A-Za-z0-9+/]*)-?`)

// fromUTF7 decodes what old Exchange servers send. What is no UTF-7 stays as it is.
func fromUTF7(s string) string {
	return shifted.ReplaceAllStringFunc(s, func(run string) string {
		if run == "+-" {
			return "+"
		}
		raw, err := base64.RawStdEncoding.DecodeString(padless(strings.Trim(run, "-")[1:]))
		if err != nil || len(raw) < 2 {
			return run
		}
		units := make([]uint16, len(raw)/2)
		for n := range units {
			units[n] = binary.BigEndian.Uint16(raw[2*n:])
		}
		return string(utf16.Decode(units))
	})
}

// padless cuts a group of base64 that holds no whole byte.
func padless(s string) string {
	if len(s)%4 == 1 {
		return s[:len(s)-1]
	}
	return s
}
