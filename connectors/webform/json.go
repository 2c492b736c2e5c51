package webform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// decodeJSON flattens a JSON body, keeping the order of its keys; false when it is none.
func (f *Form) decodeJSON(body []byte) bool {
	body = bytes.TrimSpace(body)
	if !json.Valid(body) {
		body = repairJSON(body)
		if !json.Valid(body) {
			return false
		}
		f.note(noteRepairedJSON)
	}
	f.decodeJSONUnder(nil, body, false)
	return true
}

// decodeJSONUnder flattens valid JSON below a path.
func (f *Form) decodeJSONUnder(path []string, body []byte, query bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // ids of 19 digits are no floats
	f.jsonValue(dec, path, query)
}

// jsonValue reads one value; the decoder is known to hold valid JSON.
func (f *Form) jsonValue(dec *json.Decoder, path []string, query bool) {
	token, err := dec.Token()
	if err != nil {
		return
	}
	switch v := token.(type) {
	case json.Delim:
		f.jsonGroup(dec, v, path, query)
	case string:
		f.jsonText(path, v, query)
	case json.Number:
		f.addPath(path, v.String(), query)
	case bool:
		f.addPath(path, strconv.FormatBool(v), query)
	case nil:
		f.addPath(path, "", query)
	}
}

func (f *Form) jsonGroup(dec *json.Decoder, open json.Delim, path []string, query bool) {
	for i := 0; dec.More(); i++ {
		name := strconv.Itoa(i)
		if open == '{' {
			token, err := dec.Token()
			if err != nil {
				return
			}
			name, _ = token.(string)
		}
		if len(path) >= maxDepth || len(f.Fields) >= maxFields {
			f.note(noteDeep)
			var skipped json.RawMessage
			if dec.Decode(&skipped) != nil {
				return
			}
			continue
		}
		f.jsonValue(dec, append(path[:len(path):len(path)], name), query)
	}
	_, _ = dec.Token() // the closing bracket
}

// jsonText opens JSON that was packed into a text: several senders do that.
func (f *Form) jsonText(path []string, text string, query bool) {
	inner := strings.TrimSpace(text)
	if len(inner) > 1 && inner[0] == '{' && len(path) < maxDepth && json.Valid([]byte(inner)) {
		f.decodeJSONUnder(path, []byte(inner), query)
		return
	}
	f.addPath(path, text, query)
}

func (f *Form) addPath(path []string, value string, query bool) {
	parts := make([]string, len(path))
	for i, p := range path {
		parts[i] = cut(clean(p), maxKey)
	}
	if len(parts) == 0 {
		f.Text = cut(clean(value), maxValue) // a bare text or number
		return
	}
	f.add(Field{Key: strings.Join(parts, "."), Path: parts, Value: value, Query: query})
}

// repairJSON escapes the raw control characters that templates put into texts.
func repairJSON(body []byte) []byte {
	out := make([]byte, 0, len(body)+16)
	inText := false
	for i, c := range body {
		switch {
		case c == '"' && !escaped(body, i):
			inText = !inText
			out = append(out, c)
		case inText && c < ' ':
			out = fmt.Appendf(out, `\u%04x`, c)
		default:
			out = append(out, c)
		}
	}
	return out
}

// escaped reports an odd number of backslashes before position i.
func escaped(b []byte, i int) bool {
	n := 0
	for i--; i >= 0 && b[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

var jsonKey = regexp.MustCompile(`"([^"\\\n]{1,100})"\s*:\s*`)

// salvageJSON picks the pairs out of JSON that is broken: a quote in a name, a cut
// end. A value goes on until the next key.
func (f *Form) salvageJSON(body string) {
	f.note(noteBrokenJSON)
	keys := jsonKey.FindAllStringSubmatchIndex(body, maxFields)
	for n, at := range keys {
		end := len(body)
		if n+1 < len(keys) {
			end = keys[n+1][0]
		}
		value := strings.TrimRight(strings.TrimSpace(body[at[1]:end]), ",}] \n\r\t")
		if text, ok := strings.CutPrefix(value, `"`); ok {
			value = unquote(strings.TrimSuffix(text, `"`))
		}
		key := body[at[2]:at[3]]
		if strings.Trim(value, "{[") != "" {
			f.add(Field{Key: key, Path: []string{key}, Value: value})
		}
	}
	if len(f.Fields) == 0 {
		f.Text = cut(strings.TrimSpace(clean(body)), maxValue)
	}
}

// unquote undoes the escapes of a JSON text, if they are right.
func unquote(s string) string {
	var plain string
	if json.Unmarshal([]byte(`"`+strings.ReplaceAll(strings.ReplaceAll(s, `\"`, `"`), `"`, `\"`)+`"`), &plain) != nil {
		return s
	}
	return plain
}
