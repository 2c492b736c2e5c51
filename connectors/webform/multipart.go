package webform

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"regexp"
	"strings"
	"unicode/utf8"
)

// decodeMultipart reads the fields of multipart/form-data. Attachments were stored
// at the door; here they only are passed over. A body that breaks off gives what
// came before, one without a declared boundary is read by its first line.
func (f *Form) decodeMultipart(body []byte, boundary string, chars charset) {
	body = bytes.TrimLeft(body, "\r\n \t")
	if first, _, ok := bytes.Cut(body, []byte("\n")); ok && (boundary == "" || !bytes.HasPrefix(first, []byte("--"+boundary))) {
		boundary = strings.TrimSpace(strings.TrimPrefix(string(first), "--"))
	}
	if boundary == "" {
		return
	}
	type part struct {
		name  string
		value []byte
	}
	var parts []part
	for r := multipart.NewReader(bytes.NewReader(body), boundary); len(parts) < maxFields; {
		p, err := r.NextRawPart()
		if err != nil {
			if err != io.EOF {
				f.note(noteCutOff)
			}
			break
		}
		name, file := partName(p.Header.Get("Content-Disposition"))
		if file || name == "" {
			continue
		}
		value, _ := io.ReadAll(io.LimitReader(p, maxValue+1))
		if name == "_charset_" {
			chars = newCharset(string(value))
			continue
		}
		parts = append(parts, part{name, value})
	}
	var odd []byte
	for _, p := range parts {
		odd = withOdd(odd, p.value)
	}
	chars = chars.read(odd)
	for _, p := range parts {
		f.add(Field{Key: chars.text([]byte(p.name)), Value: chars.text(p.value)})
	}
}

// withOdd adds a value that is no UTF-8 to those whose charset is to be read.
func withOdd(odd, value []byte) []byte {
	if utf8.Valid(value) {
		return odd
	}
	return append(append(odd, value...), '\n')
}

var (
	rawName     = regexp.MustCompile(`(?i)[;\s]name="?([^";\r\n]*)"?`)
	rawFilename = regexp.MustCompile(`(?i)[;\s]filename\*?=`)
)

// partName reads the name of a part, also from headers that are not quite valid.
func partName(disposition string) (name string, file bool) {
	if _, params, err := mime.ParseMediaType(disposition); err == nil {
		_, file = params["filename"]
		return params["name"], file
	}
	if m := rawName.FindStringSubmatch(disposition); m != nil {
		name = m[1]
	}
	return name, rawFilename.MatchString(disposition)
}
