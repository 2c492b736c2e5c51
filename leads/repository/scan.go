package repository

import (
	"strings"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// leadColumns are what scanLead reads, of a lead named l; statements hold {lead} in their place.
const leadColumns = `l.id, l.title, coalesce(l.client_id, 0), coalesce(l.contact_id, 0), l.funnel, l.stage, l.status, l.amount::text,
	l.currency, l.items, l.probability::float8, l.expected_close, coalesce(l.loss_reason, ''), l.loss_comment,
	coalesce(l.owner_id, 0), l.helpers, l.source, l.channel, l.connection, l.utm, l.product, l.city, l.repeat, l.test,
	l.priority, l.fields, l.created_at, l.first_response_at, l.closed_at, l.last_activity_at, l.version`

// leadSQL is sql for the statements that give whole leads.
func leadSQL(name string) string { return strings.ReplaceAll(sql(name), "{lead}", leadColumns) }

func leadFields(l *leads.Lead) []any {
	return []any{&l.ID, &l.Title, &l.ClientID, &l.ContactID, &l.Funnel, &l.Stage, &l.Status, &l.Amount,
		&l.Currency, &l.Items, &l.Probability, &l.ExpectedClose, &l.LossReason, &l.LossComment,
		&l.OwnerID, &l.Helpers, &l.Source, &l.Channel, &l.Connection, &l.UTM, &l.Product, &l.City, &l.Repeat, &l.Test,
		&l.Priority, &l.Fields, &l.CreatedAt, &l.FirstResponseAt, &l.ClosedAt, &l.LastActivityAt, &l.Version}
}

func scanLead(row pgx.CollectableRow) (leads.Lead, error) {
	var l leads.Lead
	err := row.Scan(leadFields(&l)...)
	return l, err
}

func collectFunnels(rows pgx.Rows) ([]leads.Funnel, error) {
	var out []leads.Funnel
	var f leads.Funnel
	var s leads.Stage
	_, err := pgx.ForEachRow(rows, []any{&f.Key, &f.NameRU, &f.NameEN, &f.Position,
		&s.Key, &s.NameRU, &s.NameEN, &s.Position, &s.Probability, &s.Kind, &s.NormHours}, func() error {
		if len(out) == 0 || out[len(out)-1].Key != f.Key {
			out = append(out, f)
		}
		s.Funnel = f.Key
		last := &out[len(out)-1]
		last.Stages = append(last.Stages, s)
		return nil
	})
	return out, err
}
