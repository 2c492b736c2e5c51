package webform

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/json"
	"io"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"marshrut/connectors"
)

// Decode takes a request apart. It never fails: what a body says of itself is only
// a hint, and what cannot be read as a form becomes Text.
func Decode(r connectors.Request) Form {
	var f Form
	media, params, _ := mime.ParseMediaType(r.ContentType)
	body := withoutNUL(f.decompress(r.Body, r.Header.Get("Content-Encoding")))
	chars := newCharset(params["charset"])
	body = unquoted(body)
	switch sniff(media, body) {
	case "", "binary":
	case "json":
		if !f.decodeJSON(chars.body(body)) {
			f.salvageJSON(string(chars.body(body)))
		}
	case "multipart":
		f.decodeMultipart(body, params["boundary"], chars)
	case "urlencoded":
		f.decodeURLEncoded(string(body), chars, false)
	default:
		f.decodeLines(string(chars.body(body)))
	}
	if r.Query != "" {
		f.decodeURLEncoded(r.Query, charset{}, true)
	}
	f.collapsePairs()
	return f
}

// unquoted is what a body says that is one JSON text: a form or a letter, packed once more.
func unquoted(body []byte) []byte {
	if head := bytes.TrimSpace(body); len(head) == 0 || head[0] != '"' {
		return body
	}
	var text string
	if json.Unmarshal(body, &text) != nil {
		return body
	}
	return []byte(text)
}

// sniff says what a body is by its look, and by its Content-Type where the look does not tell.
func sniff(media string, body []byte) string {
	head := bytes.TrimSpace(bytes.TrimPrefix(body, []byte{0xef, 0xbb, 0xbf}))
	switch {
	case len(head) == 0:
		return ""
	case isUTF16(body):
		return "json"
	case multipartHead.Match(head[:min(len(head), 1024)]): // before "binary": the photographs in it are
		return "multipart"
	case looksBinary(head):
		return "binary"
	case (head[0] == '{' || head[0] == '[') && (json.Valid(head) || strings.Contains(media, "json") || looksLikeJSON(head)):
		return "json"
	case media == "text/plain" && bytes.ContainsRune(head, '\n'):
		return "lines" // enctype="text/plain", or somebody's letter
	case urlencodedShape(head):
		return "urlencoded"
	default:
		return "lines"
	}
}

// withoutNUL drops the character NUL from a body that is text: senders written in C leave it at the end of values and
// between letters, no text means it, and PostgreSQL does not keep it. The raw copy of the inquiry has it still. Files in a
// form and UTF-16, where it is half of a letter, stay as they are.
func withoutNUL(body []byte) []byte {
	if bytes.IndexByte(body, 0) < 0 || isUTF16(body) || multipartHead.Match(bytes.TrimSpace(body[:min(len(body), 1024)])) {
		return body
	}
	return bytes.ReplaceAll(body, []byte{0}, nil)
}

func isUTF16(body []byte) bool {
	return bytes.HasPrefix(body, []byte{0xff, 0xfe}) || bytes.HasPrefix(body, []byte{0xfe, 0xff})
}

var multipartHead = regexp.MustCompile(`(?is)^--[^\r\n]{1,200}\r?\n\s*content-`)

var jsonHead = regexp.MustCompile(`^[\[{]\s*(?:[\[{]\s*)*"[^"\n]{0,200}"\s*[:,\]]`)

func looksLikeJSON(head []byte) bool { return jsonHead.Match(head[:min(len(head), 512)]) }

// urlencodedShape reports key=value&key=value: an equals sign, and no space or line
// break before it that a browser would have encoded.
func urlencodedShape(b []byte) bool {
	key, _, found := bytes.Cut(b, []byte("="))
	return found && len(key) <= maxKey*3 && !bytes.ContainsAny(key, "\n<{")
}

// decompress undoes gzip and deflate, declared or seen, up to maxPlain.
func (f *Form) decompress(body []byte, declared string) []byte {
	var r io.Reader
	switch {
	case bytes.HasPrefix(body, []byte{0x1f, 0x8b}):
		gz, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return body
		}
		r = gz
	case strings.EqualFold(declared, "deflate"):
		r = flate.NewReader(bytes.NewReader(body))
	default:
		return body
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxPlain+1))
	if len(plain) == 0 && err != nil {
		return body
	}
	if err != nil {
		f.note(noteCutOff)
	}
	if len(plain) > maxPlain {
		f.note(noteUnpacksLarge)
		plain = plain[:maxPlain]
	}
	return plain
}

// decodeURLEncoded reads key=value pairs. The percent signs are undone to bytes
// first and the bytes turned into letters then, for they may be of any charset.
func (f *Form) decodeURLEncoded(s string, chars charset, query bool) {
	s = strings.TrimSpace(s)
	if chars.declared == nil && strings.Contains(s, "_charset_=") { // seldom, and the search for it is slow
		if m := charsetField.FindStringSubmatch(s); m != nil {
			chars = newCharset(m[1])
		}
	}
	if chars.declared == nil && !utf8.Valid(unescape(s)) {
		var odd []byte
		for pair := range strings.SplitSeq(s, "&") {
			odd = withOdd(odd, unescape(pair))
		}
		chars = chars.read(odd)
	}
	for pair := range strings.SplitSeq(s, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		name, text := chars.text(unescape(key)), chars.text(unescape(value))
		if name == "_charset_" {
			continue
		}
		if isObject(text) {
			f.decodeJSONUnder(parsePath(name), []byte(text), query)
			continue
		}
		if text == "" && isObject(name) { // JSON sent as if it were a form: all of it is the key
			f.decodeJSONUnder(nil, []byte(name), query)
			continue
		}
		f.add(Field{Key: name, Value: text, Query: query})
	}
}

func isObject(s string) bool {
	s = strings.TrimSpace(s)
	return len(s) > 1 && s[0] == '{' && json.Valid([]byte(s))
}

// charsetField is the hidden field by which a form tells the charset it was sent in.
var charsetField = regexp.MustCompile(`(?:^|&)_charset_=([\w-]+)`)

// unescape undoes %XX, + and the %uXXXX of old scripts; what is no escape stays.
func unescape(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			out = append(out, ' ')
		case c == '%' && i+5 < len(s) && (s[i+1] == 'u' || s[i+1] == 'U') && isHex(s[i+2:i+6]):
			out = utf8.AppendRune(out, rune(hexValue(s[i+2:i+6])))
			i += 5
		case c == '%' && i+2 < len(s) && isHex(s[i+1:i+3]):
			out = append(out, byte(hexValue(s[i+1:i+3])))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out
}

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

func hexValue(s string) int {
	n := 0
	for _, c := range []byte(s) {
		d := int(c - '0')
		if c > '9' {
			d = int(c|0x20-'a') + 10
		}
		n = n<<4 | d
	}
	return n
}

var labelLine = regexp.MustCompile(`^\s*([\p{L}][\p{L}\d _./()-]{0,60}?)\s*[:=]\s*(.*)$`)

// decodeLines reads "Имя: Анна" or "name=Анна" line by line; the rest is text.
func (f *Form) decodeLines(s string) {
	var rest []string
	for line := range strings.SplitSeq(s, "\n") {
		m := labelLine.FindStringSubmatch(strings.TrimRight(line, "\r"))
		if m == nil || strings.HasPrefix(m[2], "//") {
			rest = append(rest, line)
			continue
		}
		f.add(Field{Key: m[1], Path: []string{m[1]}, Value: m[2]})
	}
	f.Text = cut(strings.TrimSpace(clean(strings.Join(rest, "\n"))), maxValue)
}

// looksBinary tells noise from a text: more than one byte in fifty is a control
// character that no text has. NUL is none of them here: see withoutNUL.
func looksBinary(b []byte) bool {
	b = b[:min(len(b), 4096)]
	odd := 0
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			odd++
		}
	}
	return odd*50 > len(b) && odd > 1
}
