package webform

import (
	"slices"
	"strings"
)

// Bounds on what one body may make us do. What is over them is cut and noted; the raw bytes are kept whole.
const (
	maxFields = 500      // the longest real quiz seen has 60
	maxKey    = 300      // bytes of a key
	maxValue  = 64 << 10 // bytes of a value: a long letter typed into a form
	maxDepth  = 12       // of brackets, dots and nested JSON
	maxPlain  = 8 << 20  // bytes of a body after decompression
)

// note is something people should know of how a form was read; texts has its words.
type note string

const (
	noteManyFields   note = "many fields"
	noteLongKey      note = "long key"
	noteLongValue    note = "long value"
	noteBrokenJSON   note = "broken JSON"
	noteRepairedJSON note = "repaired JSON"
	noteDeep         note = "deep"
	noteCutOff       note = "cut off"
	noteUnpacksLarge note = "unpacks large"
)

// Form is a submission taken apart: its fields in the order they came.
type Form struct {
	Fields []Field
	Text   string // a body that is no form at all
	Notes  []note // what was cut or guessed
}

// Field is one field as it came.
type Field struct {
	Key   string // as written: "contacts[email]", "Ваше имя"
	Path  []string
	Label string // what the visitor saw, when the sender says it
	Value string
	Query bool // came in the address, not in the body
}

// Name is the last part of the key that is not a mere number.
func (f Field) Name() string {
	for i := len(f.Path) - 1; i >= 0; i-- {
		if f.Path[i] != "" && strings.Trim(f.Path[i], "0123456789") != "" {
			return f.Path[i]
		}
	}
	return f.Key
}

// under reports whether the field lies below the path given, in any letter case.
func (f Field) under(path ...string) bool {
	if len(f.Path) < len(path) {
		return false
	}
	for i, p := range path {
		if !strings.EqualFold(f.Path[i], p) {
			return false
		}
	}
	return true
}

// Get gives the first non-empty value under a key, in any letter case and way of
// writing: "contacts[email]" is "contacts.email".
func (f Form) Get(key string) string {
	path := parsePath(key)
	for _, field := range f.Fields {
		if len(field.Path) == len(path) && field.under(path...) && field.Value != "" {
			return field.Value
		}
	}
	return ""
}

// Has reports whether the key came, empty or not.
func (f Form) Has(key string) bool {
	path := parsePath(key)
	for _, field := range f.Fields {
		if len(field.Path) == len(path) && field.under(path...) {
			return true
		}
	}
	return false
}

// Add puts a field at the end.
func (f *Form) Add(key, value string) { f.add(Field{Key: key, Value: value}) }

// Remove takes out all fields at and below a key and gives them back.
func (f *Form) Remove(key string) []Field {
	path := parsePath(key)
	var out, kept []Field
	for _, field := range f.Fields {
		if field.under(path...) {
			out = append(out, field)
		} else {
			kept = append(kept, field)
		}
	}
	f.Fields = kept
	return out
}

// add takes a field within the bounds.
func (f *Form) add(field Field) {
	if len(f.Fields) >= maxFields {
		f.note(noteManyFields)
		return
	}
	field.Key = clean(field.Key)
	if len(field.Key) > maxKey {
		field.Key = cut(field.Key, maxKey)
		f.note(noteLongKey)
	}
	field.Value = strings.TrimSpace(clean(field.Value))
	if len(field.Value) > maxValue {
		field.Value = cut(field.Value, maxValue)
		f.note(noteLongValue)
	}
	if field.Path == nil {
		field.Path = parsePath(field.Key)
	}
	f.Fields = append(f.Fields, field)
}

func (f *Form) note(n note) {
	if !slices.Contains(f.Notes, n) {
		f.Notes = append(f.Notes, n)
	}
}

// parsePath takes a key apart at brackets and dots: a[b][c], a.b.c, a[] and "fields[0][value]".
// A dot counts only between parts without spaces, so that «Тел. рабочий» stays whole.
func parsePath(key string) []string {
	head, rest, bracketed := strings.Cut(key, "[")
	var path []string
	if strings.ContainsRune(head, ' ') {
		path = append(path, head)
	} else {
		path = append(path, strings.Split(strings.Trim(head, "."), ".")...)
	}
	for bracketed && len(path) < maxDepth {
		inner, after, closed := strings.Cut(rest, "]")
		if !closed {
			break
		}
		path = append(path, strings.TrimSpace(inner))
		after = strings.TrimPrefix(after, ".")
		if after != "" && !strings.HasPrefix(after, "[") {
			name, next, more := strings.Cut(after, "[")
			path = append(path, name)
			rest, bracketed = next, more
			continue
		}
		_, rest, bracketed = strings.Cut(after, "[")
	}
	if len(path) > maxDepth {
		path = path[:maxDepth]
	}
	return path
}

// clean drops what no field can mean: NUL and other control characters except
// line breaks and tabs, and the marks that turn the direction of writing.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case r < ' ' || r == 0x7f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// cut shortens s to at most n bytes without breaking a letter.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
