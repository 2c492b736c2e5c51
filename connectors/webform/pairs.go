package webform

import (
	"slices"
	"strings"
)

// Many senders do not name a field by its key but send groups like
// {"name": "phone", "value": "+7..."} or answers[0][q]=…&answers[0][a]=….
var (
	pairValues = []string{"value", "answer", "a", "string_value", "values", "field_value"}
	pairLabels = []string{"label", "title", "question", "q", "name", "key", "column_name", "column_id", "field", "id"}
	pairExtras = []string{"type", "required", "raw_value", "id", "ref", "position", "sort", "key", "name", "title", "label", "column_id", "column_name"}
)

// collapsePairs turns each such group into one field: its key is the group's, or
// for a group in a list its label.
func (f *Form) collapsePairs() {
	groups := map[string][]int{}
	for i, field := range f.Fields {
		if n := len(field.Path); n > 1 {
			// values[0] belongs to the group one up
			if n > 2 && isNumber(field.Path[n-1]) && slices.Contains(pairValues, strings.ToLower(field.Path[n-2])) {
				n--
			}
			parent := strings.Join(field.Path[:n-1], "\x00")
			groups[parent] = append(groups[parent], i)
		}
	}
	dropped := map[int]bool{}
	for _, members := range groups {
		f.collapse(members, dropped)
	}
	if len(dropped) == 0 {
		return
	}
	kept := f.Fields[:0]
	for i, field := range f.Fields {
		if !dropped[i] {
			kept = append(kept, field)
		}
	}
	f.Fields = kept
}

func (f *Form) collapse(members []int, dropped map[int]bool) {
	value, label, name := -1, "", ""
	var values []string
	for _, i := range members {
		leaf := strings.ToLower(f.Fields[i].Name())
		if slices.Contains(pairValues, leaf) {
			if value < 0 {
				value = i
			}
			values = append(values, f.Fields[i].Value)
		}
	}
	if value < 0 {
		return
	}
	for _, want := range pairLabels {
		for _, i := range members {
			if strings.EqualFold(f.Fields[i].Name(), want) && f.Fields[i].Value != "" {
				if label == "" {
					label = f.Fields[i].Value
				}
				if name == "" && want != "label" && want != "title" && want != "question" && want != "q" {
					name = f.Fields[i].Value
				}
			}
		}
	}
	field := f.Fields[value]
	parent := field.Path[:len(field.Path)-1]
	if isNumber(field.Path[len(field.Path)-1]) {
		parent = parent[:len(parent)-1]
	}
	if len(parent) == 0 || label == "" && isNumber(parent[len(parent)-1]) {
		return
	}
	if isNumber(parent[len(parent)-1]) { // an item of a list: the group's own name says nothing
		if name == "" {
			name = label
		}
		parent = append(slices.Clone(parent[:len(parent)-1]), name)
	}
	field.Path = slices.Clone(parent)
	field.Key = strings.Join(parent, ".")
	if label != name {
		field.Label = label
	}
	field.Value = strings.Join(values, ", ")
	f.Fields[value] = field
	for _, i := range members {
		leaf := strings.ToLower(f.Fields[i].Name())
		if i != value && (slices.Contains(pairExtras, leaf) || slices.Contains(pairValues, leaf) || slices.Contains(pairLabels, leaf)) {
			dropped[i] = true
		}
	}
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
