package odata

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

var bom = []byte("\xef\xbb\xbf")

// Entity is an object of a base, by field: text, json.Number, bool, nil, or the
// rows of a tabular section as []Entity.
type Entity map[string]any

// Ref is the reference of the object.
func (e Entity) Ref() string { return strings.ToLower(e.Text("Ref_Key")) }

// Version is the data version: base64 of eight bytes that grow with every write.
func (e Entity) Version() string { return e.Text("DataVersion") }

// Deleted reports the deletion mark.
func (e Entity) Deleted() bool { return e.Text("DeletionMark") == "true" }

// Text is a field as text: blanks that fill a fixed length are taken off, the empty
// reference and the empty date are "", and references are in small letters, whichever a publication writes.
func (e Entity) Text(field string) string {
	var s string
	switch v := e[field].(type) {
	case nil:
		return ""
	case string:
		s = strings.TrimRight(v, " ")
	case json.Number:
		s = v.String()
	case bool:
		s = fmt.Sprint(v)
	default:
		return ""
	}
	switch {
	case s == EmptyRef || s == EmptyDate:
		return ""
	case IsGUID(s):
		return strings.ToLower(s)
	}
	return s
}

// Rows are those of a tabular section.
func (e Entity) Rows(section string) []Entity {
	rows, _ := e[section].([]Entity)
	return rows
}

// Newer reports whether data version a is later than b. None is the earliest. Of versions that are not written as
// eight bytes nobody knows the order: another one is news, for reading once too often harms nobody.
func Newer(a, b string) bool {
	if a == "" || b == "" || a == b {
		return a != "" && b == ""
	}
	x, known := versionBytes(a)
	y, comparable := versionBytes(b)
	return !known || !comparable || bytes.Compare(x, y) > 0
}

func versionBytes(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	return b, err == nil && len(b) == 8
}

// DecodeEntity reads one object as JSON.
func DecodeEntity(raw []byte) (Entity, error) {
	var e Entity
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, bom)))
	dec.UseNumber() // money does not survive a float
	if err := dec.Decode(&e); err != nil || e == nil {
		return nil, fmt.Errorf("no object in JSON: %w", orNothing(err))
	}
	for field, value := range e {
		e[field] = tidy(value)
	}
	return e, nil
}

func orNothing(err error) error {
	if err == nil {
		return fmt.Errorf("it is null")
	}
	return err
}

// tidy makes lists of objects rows; other nested values have no meaning here.
func tidy(v any) any {
	switch v := v.(type) {
	case []any:
		rows := make([]Entity, 0, len(v))
		for _, one := range v {
			if m, ok := one.(map[string]any); ok {
				rows = append(rows, Entity(m))
			}
		}
		return rows
	case map[string]any:
		return nil
	}
	return v
}

// decodeList takes a list apart without touching its objects. more: whoever publishes it gave less than was asked for.
func decodeList(body []byte) (rows []json.RawMessage, more bool, err error) {
	var list struct {
		Value []json.RawMessage `json:"value"`
		Next  string            `json:"odata.nextLink"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, false, err
	}
	return list.Value, list.Next != "" && len(list.Value) > 0, nil
}
