package webform

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	cyrillic "marshrut/connectors/charset"
)

// charset turns bytes into text. Bytes that are valid UTF-8 are UTF-8 whatever was
// declared, for by chance that happens to nothing longer than a word; other bytes
// are what was declared. Without a declaration they are the Cyrillic charset they read
// like, and windows-1251 when too short to tell: old Russian pages post it and say nothing.
type charset struct{ declared encoding.Encoding }

func newCharset(name string) charset {
	name = strings.ToLower(strings.Trim(name, ` "'`))
	switch name {
	case "", "utf-8", "utf8":
		return charset{}
	case "cp1251", "cp-1251", "win-1251", "windows1251", "1251":
		return charset{charmap.Windows1251}
	case "koi8":
		return charset{charmap.KOI8R}
	}
	enc, err := htmlindex.Get(name)
	if err != nil {
		return charset{}
	}
	return charset{enc}
}

// read tells by a whole message, for a word alone is too short, which charset nobody declared.
func (c charset) read(message []byte) charset {
	if c.declared != nil || utf8.Valid(message) {
		return c
	}
	found, _ := cyrillic.Russian(message, charmap.Windows1251)
	return charset{found}
}

func (c charset) text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	enc := c.declared
	if enc == nil {
		enc = charmap.Windows1251
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil || !utf8.Valid(out) {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// body turns a whole body into UTF-8, honouring the byte order marks of UTF-8 and UTF-16.
func (c charset) body(b []byte) []byte {
	switch {
	case bytes.HasPrefix(b, []byte{0xef, 0xbb, 0xbf}):
		b = b[3:]
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		if out, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(b); err == nil {
			return out
		}
	}
	if utf8.Valid(b) {
		return b
	}
	return []byte(c.read(b).text(b))
}
