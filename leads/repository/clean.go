package repository

import (
	"maps"
	"slices"
	"strings"

	"marshrut/internal/postgres"
	"marshrut/leads"
)

// clean gives the inquiry without what PostgreSQL cannot hold in a text: NUL and bytes
// that are no UTF-8. The raw event keeps them. Nothing of the caller's is changed.
func clean(in leads.Inquiry) leads.Inquiry {
	for _, s := range []*string{&in.ID, &in.Connection, &in.VendorID, &in.Company, &in.City, &in.Subject, &in.Text,
		&in.Product, &in.Currency, &in.Source, &in.Trace} {
		*s = text(*s)
	}
	in.Name = leads.Fold(text(in.Name))
	in.Company = leads.Fold(in.Company)
	in.INN = strings.TrimSpace(text(in.INN))
	in.Points = each(in.Points, func(p *leads.ContactPoint) {
		p.Value, p.Written, p.Extension = text(p.Value), text(p.Written), text(p.Extension)
	})
	in.Items = each(in.Items, func(i *leads.Item) { i.Name, i.SKU = text(i.Name), text(i.SKU) })
	in.Fields = each(in.Fields, func(f *leads.Field) {
		f.Key, f.Label, f.Value, f.Known = text(f.Key), text(f.Label), text(f.Value), text(f.Known)
	})
	in.Files = each(in.Files, func(f *leads.File) {
		f.Name, f.Type, f.Ref, f.URL = text(f.Name), text(f.Type), text(f.Ref), text(f.URL)
	})
	in.Consent.Items = each(in.Consent.Items, func(c *leads.ConsentItem) { c.Key, c.Value, c.Text = text(c.Key), text(c.Value), text(c.Text) })
	in.LeadFields = texts(in.LeadFields)
	in.Refs = refs(in.Refs)
	in.Attribution = cleanAttribution(in.Attribution)
	if in.Call != nil {
		call := *in.Call
		call.Dialled, call.Extension, call.Recording = text(call.Dialled), text(call.Extension), text(call.Recording)
		in.Call = &call
	}
	return in
}

// refs bounds the names: the first ones count, each once. One longer than any index takes is nobody's.
func refs(names []string) []string {
	var out []string
	for _, name := range names {
		if name = text(name); name != "" && len(name) <= 1000 && !slices.Contains(out, name) && len(out) < leads.MaxRefs {
			out = append(out, name)
		}
	}
	return out
}

func cleanAttribution(a leads.Attribution) leads.Attribution {
	a.UTM = cleanUTM(a.UTM)
	if a.FirstUTM != nil {
		first := cleanUTM(*a.FirstUTM)
		a.FirstUTM = &first
	}
	a.ClickIDs = texts(a.ClickIDs)
	for _, s := range []*string{&a.Landing, &a.Page, &a.Referrer, &a.IP, &a.UserAgent} {
		*s = text(*s)
	}
	return a
}

func cleanUTM(u leads.UTM) leads.UTM {
	return leads.UTM{Source: text(u.Source), Medium: text(u.Medium), Campaign: text(u.Campaign), Content: text(u.Content), Term: text(u.Term)}
}

func text(s string) string { return postgres.Text(s) }

func texts(m map[string]string) map[string]string {
	for k, v := range m {
		if text(k) != k || text(v) != v {
			out := make(map[string]string, len(m))
			for _, k := range slices.Sorted(maps.Keys(m)) {
				out[text(k)] = text(m[k])
			}
			return out
		}
	}
	return m
}

// each changes a copy of the list.
func each[T any](list []T, f func(*T)) []T {
	list = slices.Clone(list)
	for i := range list {
		f(&list[i])
	}
	return list
}
