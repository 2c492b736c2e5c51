package webform

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"marshrut/connectors"
	"marshrut/leads"
	"marshrut/pipeline"
)

// maxRecords bounds how many inquiries one body may hold.
const maxRecords = 200

// Translate understands an event of this connection. A list of records at the top
// of a JSON body is as many inquiries. Its error says that there is nothing in it.
func (i *Instance) Translate(e pipeline.Event) ([]leads.Inquiry, error) {
	say := texts[i.language()]
	r := connectors.RequestOf(e)
	whole := Decode(r)
	whole.repair(r.Repairs)
	forms := whole.records()
	if len(forms) > maxRecords {
		return nil, fmt.Errorf(say.tooMany, len(forms), maxRecords)
	}
	var all []leads.Inquiry
	nothing := say.empty
	if len(r.Body) > 0 {
		nothing = say.unknown
	}
	for _, f := range forms {
		i.dialect.Prepare(&f)
		if len(f.Fields) == 0 && f.Text == "" && len(r.Files) == 0 {
			continue
		}
		if in := i.inquiry(f, r, e); understood(in, f) {
			all = append(all, in)
		} else {
			nothing = say.unknown
		}
	}
	if slices.Contains(whole.Notes, noteUnpacksLarge) {
		nothing = say.unpacksLarge
	}
	if len(all) == 0 {
		return nil, errors.New(nothing)
	}
	return all, nil
}

// understood reports that there is something a person can work with. Text that is
// no form at all counts only with a way to answer it.
func understood(in leads.Inquiry, f Form) bool {
	return in.State != leads.StateNew || len(in.Points) > 0 || in.Name != "" || in.Company != "" || in.Text != f.Text ||
		len(in.Items) > 0 || len(in.Files) > 0
}

func (i *Instance) inquiry(f Form, r connectors.Request, e pipeline.Event) leads.Inquiry {
	in := understand(f, r, i.connection, i.settings)
	i.dialect.Complete(f, &in)
	in.VendorID = e.Subject
	if e.Attributes[connectors.AttrTest] != "" {
		in.State = leads.StateTest
	}
	if e.Attributes[connectors.AttrSpam] != "" {
		in.State = leads.StateSpam
	}
	if hash, err := hex.DecodeString(e.Attributes[connectors.AttrHash]); err == nil {
		in.BodyHash = hash
	}
	say := texts[i.language()]
	for _, n := range f.Notes {
		in.Fields = append(in.Fields, leads.Field{Key: "_note", Label: say.note, Value: say.notes[n]})
	}
	return in
}

// records takes a list at the top apart: [{...}, {...}] is several inquiries. A list
// of name and value pairs has been made one form by then.
func (f Form) records() []Form {
	var order []string
	byFirst := map[string]*Form{}
	for _, field := range f.Fields {
		if field.Query {
			continue
		}
		if len(field.Path) < 2 || !isNumber(field.Path[0]) {
			return []Form{f}
		}
		first := field.Path[0]
		if byFirst[first] == nil {
			byFirst[first] = &Form{Notes: f.Notes}
			order = append(order, first)
		}
		field.Path = field.Path[1:]
		field.Key = pathText(field.Path)
		byFirst[first].Fields = append(byFirst[first].Fields, field)
	}
	if len(order) == 0 {
		return []Form{f}
	}
	var all []Form
	for _, first := range order {
		one := byFirst[first]
		for _, field := range f.Fields {
			if field.Query {
				one.Fields = append(one.Fields, field)
			}
		}
		all = append(all, *one)
	}
	return all
}

// repair puts what a person wrote in the place of what came.
func (f *Form) repair(values map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		f.Remove(key)
		f.Add(key, values[key])
	}
}
