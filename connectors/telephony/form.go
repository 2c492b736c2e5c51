package telephony

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"marshrut/connectors"
)

// Fields are the fields of a message, in whatever clothes they came: a form, the parts of a multipart body, an object of
// JSON, or the query of a message without a body. What the vendor documents is a form; a proxy in between, or another
// edition, may post the same fields otherwise, and their values are what is signed.
func Fields(r connectors.Request) url.Values {
	body := bytes.TrimSpace(bytes.TrimPrefix(r.Body, []byte("\ufeff")))
	switch {
	case len(body) == 0:
		return pairs(r.Query)
	case body[0] == '{':
		if fields, ok := object(body); ok {
			return fields
		}
	case bytes.HasPrefix(body, []byte("--")):
		if fields, ok := parts(body, r.ContentType); ok {
			return fields
		}
	}
	return pairs(string(r.Body))
}

// object reads the fields of an object of JSON: texts as they are, everything else as it is written.
func object(body []byte) (url.Values, bool) {
	var raw map[string]json.RawMessage
	if json.Unmarshal(body, &raw) != nil {
		return nil, false
	}
	fields := url.Values{}
	for name, value := range raw {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		fields.Set(name, text)
	}
	return fields, true
}

// maxParts bounds a multipart body; no exchange has more than a dozen fields.
const maxParts = 100

// parts reads the fields of a multipart body, as far as it goes.
func parts(body []byte, contentType string) (url.Values, bool) {
	_, params, _ := mime.ParseMediaType(contentType)
	boundary := params["boundary"]
	if boundary == "" { // the body names it as well
		line, _, _ := bytes.Cut(body, []byte("\n"))
		boundary = strings.TrimPrefix(strings.TrimSpace(string(line)), "--")
	}
	fields := url.Values{}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for range maxParts {
		part, err := r.NextRawPart()
		if err != nil {
			break
		}
		value, err := io.ReadAll(part)
		if name := part.FormName(); name != "" {
			fields.Add(name, string(value))
		}
		if err != nil {
			break
		}
	}
	return fields, len(fields) > 0
}

// pairs reads the fields of a form as exchanges write them. Package url drops a pair that
// holds a semicolon or a percent sign that is none of the encoding; an event would be
// lost with it, so here such a text stays as it came.
func pairs(body string) url.Values {
	form := url.Values{}
	for pair := range strings.SplitSeq(body, "&") {
		if name, value, _ := strings.Cut(pair, "="); pair != "" {
			form.Add(unescape(name), unescape(value))
		}
	}
	return form
}

func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+3 <= len(text) {
			if c, err := url.PathUnescape(text[i : i+3]); err == nil {
				b.WriteString(c)
				i += 2
				continue
			}
		}
		if text[i] == '+' {
			b.WriteByte(' ')
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
