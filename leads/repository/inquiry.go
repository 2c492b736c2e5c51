package repository

import (
	"strings"

	"marshrut/leads"
)

// inquiryColumns are what inquiryFields read, of an inquiry named i; statements hold {inquiry} in their place.
const inquiryColumns = `i.id, i.connection, i.channel, i.state, i.received_at, i.vendor_id, i.body_hash, i.subject, i.text,
	i.fields, i.details, i.files, i.trace`

func inquirySQL(name string) string {
	return strings.ReplaceAll(sql(name), "{inquiry}", inquiryColumns)
}

// stored is an inquiry as its row holds it.
type stored struct {
	leads.Inquiry
	details details
}

func (s *stored) fields() []any {
	return []any{&s.ID, &s.Connection, &s.Channel, &s.State, &s.ReceivedAt, &s.VendorID, &s.BodyHash, &s.Subject, &s.Text,
		&s.Fields, &s.details, &s.Files, &s.Trace}
}

// inquiry gives back what the connector understood.
func (s *stored) inquiry() leads.Inquiry {
	in, d := s.Inquiry, s.details
	in.Name, in.Points, in.Company, in.INN, in.City, in.Product = d.Name, d.Points, d.Company, d.INN, d.City, d.Product
	in.Amount, in.Currency, in.Items, in.Source = d.Amount, d.Currency, d.Items, d.Source
	in.Attribution, in.Consent, in.Direction, in.Call, in.LeadFields, in.Automatic = d.Attribution, d.Consent, d.Direction, d.Call, d.LeadFields, d.Automatic
	if in.State == "filed" {
		in.State = leads.StateNew
	}
	return in
}
