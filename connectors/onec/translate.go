package onec

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"marshrut/connectors"
	"marshrut/connectors/onec/odata"
	"marshrut/leads"
	"marshrut/pipeline"
)

// Translate makes an inquiry of a new lead in the base.
func (i *Instance) Translate(e pipeline.Event) ([]leads.Inquiry, error) {
	m, err := i.Understand(e)
	if err != nil {
		return nil, err
	}
	in := leads.Inquiry{VendorID: m.Ref, Channel: leads.ChannelOneC, Name: m.Values["name"], Company: m.Values["company"], INN: m.Values["inn"],
		Subject: i.say.newLead, Text: i.said(m), Source: m.Values["source"]}
	if p, ok := leads.Phone(m.Values["phone"], i.connection.Region); ok {
		in.Points = append(in.Points, p)
	}
	if p, ok := leads.Email(m.Values["email"]); ok {
		in.Points = append(in.Points, p)
	}
	if in.Name == "" && in.Company == "" && len(in.Points) == 0 {
		return nil, fmt.Errorf("%s", i.say.empty)
	}
	in.Fields = i.shown(m)
	if hash, err := hex.DecodeString(e.Attributes[connectors.AttrHash]); err == nil {
		in.BodyHash = hash
	}
	return []leads.Inquiry{in}, nil
}

// said is all that stands where the title is the first line of.
func (i *Instance) said(m connectors.Mirrored) string {
	e, _ := m.Whole.(odata.Entity)
	return strings.TrimSpace(bearable(e.Text(i.profile.Objects[m.Kind].Fields["title"].To)))
}

// shown lists the attributes of the record for people.
func (i *Instance) shown(m connectors.Mirrored) []leads.Field {
	e, _ := m.Whole.(odata.Entity)
	var fields []leads.Field
	for name, f := range i.profile.Objects[m.Kind].Fields {
		if text := e.Text(f.To); text != "" && f.Of == "" {
			fields = append(fields, leads.Field{Key: f.To, Value: text, Known: name})
		}
	}
	if code := e.Text("Code"); code != "" {
		fields = append(fields, leads.Field{Key: "Code", Value: code})
	}
	slices.SortFunc(fields, func(a, b leads.Field) int { return strings.Compare(a.Key, b.Key) })
	return fields
}
