package email

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"marshrut/connectors/charset"
)

// word is an encoded word of RFC 2047. Blanks inside happen, so does a language behind the charset (RFC 2231).
var word = regexp.MustCompile(`=\?([^?\s]+)\?([bBqQ])\?([^?]*)\?=`)

// headerText decodes a header, once more when what was encoded had been encoded already.
func headerText(raw string) string {
	text := decodeHeader(raw)
	if text != raw && word.MatchString(text) {
		text = decodeHeader(text)
	}
	return printable(text)
}

// decodeHeader decodes encoded words, and bytes beyond ASCII in whatever charset they are. Words that follow each other are
// one text: senders cut them inside letters, and inside the groups of base64.
func decodeHeader(raw string) string {
	var out strings.Builder
	found := word.FindAllStringSubmatchIndex(raw, 500)
	end := 0
	for i := 0; i < len(found); {
		m := found[i]
		if between := raw[end:m[0]]; end == 0 || strings.TrimSpace(between) != "" {
			out.WriteString(charset.Decode([]byte(between), ""))
		}
		stated, run := raw[m[2]:m[3]], i
		for run++; run < len(found) && strings.EqualFold(raw[found[run][2]:found[run][3]], stated) &&
			strings.TrimSpace(raw[found[run-1][1]:found[run][0]]) == ""; run++ {
		}
		out.WriteString(charset.Decode(wordBytes(raw, found[i:run]), stated))
		end = found[run-1][1]
		i = run
	}
	out.WriteString(charset.Decode([]byte(raw[end:]), ""))
	return out.String()
}

// wordBytes are the bytes of encoded words of one charset.
func wordBytes(raw string, words [][]int) []byte {
	var out []byte
	groups := ""
	flush := func() {
		out = append(out, base64Bytes(groups)...)
		groups = ""
	}
	for _, m := range words {
		text := raw[m[6]:m[7]]
		if c := raw[m[4]]; c == 'q' || c == 'Q' {
			flush()
			out = append(out, qBytes(text)...)
			continue
		}
		groups += strings.TrimRight(text, "= ")
		if len(groups)%4 == 0 || strings.HasSuffix(text, "=") {
			flush()
		}
	}
	flush()
	return out
}

// base64Bytes decodes what can be decoded.
func base64Bytes(s string) []byte {
	s = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '+' || r == '/' {
			return r
		}
		return -1
	}, s)
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	out, _ := base64.RawStdEncoding.DecodeString(s)
	return out
}

// qBytes decodes the Q encoding: "=D0=9F" and "_" for a blank.
func qBytes(s string) []byte {
	var out []byte
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '_':
			out = append(out, ' ')
		case s[i] == '=' && i+2 < len(s):
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				out = append(out, s[i])
				continue
			}
			out = append(out, byte(n))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return out
}

// printable folds what a header may not hold: line ends and other controls.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r < ' ' || r == 0x7f:
			return -1
		}
		return r
	}, s))
}

// paramPart is one parameter of a header like Content-Type, with its pieces and charset of RFC 2231: name*0*=utf-8”%D0.
var paramPart = regexp.MustCompile(`(?i)[;\s]([a-z-]+)(\*\d+)?(\*)?\s*=\s*("(?:[^"\\]|\\.)*"|[^;\r\n]*)`)

// param reads a parameter from a header, also from one that is not quite valid: not quoted, in eight bits, doubled.
func param(header, name string) string {
	plain, stated, extended := "", "", []byte(nil)
	for _, m := range paramPart.FindAllStringSubmatch(" "+header, 100) {
		if !strings.EqualFold(m[1], name) {
			continue
		}
		value := unquote(m[4])
		if m[2] == "" && m[3] == "" {
			if plain == "" {
				plain = value
			}
			continue
		}
		if m[3] != "" {
			if m[2] == "" || m[2] == "*0" {
				if parts := strings.SplitN(value, "'", 3); len(parts) == 3 {
					stated, value = parts[0], parts[2]
				}
			}
			if decoded, err := url.PathUnescape(value); err == nil {
				value = decoded
			}
		}
		extended = append(extended, value...)
	}
	if len(extended) > 0 {
		return printable(charset.Decode(extended, stated))
	}
	return headerText(plain)
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		s = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s[1 : len(s)-1])
	}
	return s
}

var (
	bracketed = regexp.MustCompile(`<([^<>\s]+)>`)
	bareID    = regexp.MustCompile(`[^\s<>,;]+@[^\s<>,;]+`)
)

// messageIDs reads the ids of a header like References, without brackets. Commas, blanks and a broken one between them are
// nothing to mind. Of too many the first one counts, which names the correspondence, and the last ones, which are the nearest.
func messageIDs(header string) []string {
	var ids []string
	for _, m := range bracketed.FindAllStringSubmatch(header, -1) {
		ids = append(ids, m[1])
	}
	if len(ids) == 0 {
		ids = bareID.FindAllString(header, -1)
	}
	if len(ids) > maxIDs {
		ids = append(ids[:1], ids[len(ids)-maxIDs+1:]...)
	}
	for n, id := range ids {
		ids[n] = charset.Decode([]byte(id), "")
	}
	return ids
}
