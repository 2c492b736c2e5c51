package repository

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// write puts down what was decided, in one go.
func (c *capture) write(ctx context.Context) error {
	if err := c.clearDead(ctx); err != nil {
		return err
	}
	b := &pgx.Batch{}
	c.writePeople(b)
	c.writeLinks(b)
	if len(c.news) > 0 {
		b.Queue(sql("open_leads"), openLeadArgs(c.now, 0, col(c.news, func(it *item) leads.Lead { return *it.lead })))
	}
	c.touchLeads(b)
	c.writeRefs(b)
	c.fileInquiries(b)
	if err := c.tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	inquiries := map[int64]int{} // of the batch, by lead
	for _, it := range c.items {
		inquiries[it.leadID()]++
	}
	for _, it := range c.items {
		out := &c.out[c.at[it.in.ID]]
		if it.leadNew && it.somebodyNew() && inquiries[it.lead.ID] == 1 {
			out.Around = it.around()
		}
		out.Outcome, out.LeadNew, out.ClientKnown = it.outcome, it.leadNew, it.clientKnown
		out.Copy = it.copy
		out.ContactID, out.ClientID = it.party().contact, it.clientID()
		if it.lead != nil {
			out.LeadID, out.Lead = it.lead.ID, *it.lead
		}
	}
	c.tellCopies()
	return nil
}

// somebodyNew reports that we had not met whoever is behind it, a firm least of all.
func (it *item) somebodyNew() bool {
	return it.client == nil && !it.clientKnown
}

// around is the context of a lead that somebody new opened.
func (it *item) around() *Context {
	out := &Context{Lead: *it.lead, Inquiry: it.in, ClientKnown: it.lead.Repeat}
	if p := it.person; p != nil {
		out.Contact = leads.Contact{ID: p.ID, Name: p.name, Points: it.points, CreatedAt: p.CreatedAt, Version: 1}
	}
	return out
}

// tellCopies gives the copies inside the batch the lead of the one that was filed.
func (c *capture) tellCopies() {
	for i := range c.out {
		at, ok := c.at[c.out[i].InquiryID]
		if filed := c.out[at]; ok && at != i && c.out[i].LeadID == 0 {
			c.out[i].LeadID, c.out[i].ContactID, c.out[i].ClientKnown = filed.LeadID, filed.ContactID, true
		}
	}
}

func (it *item) clientID() int64 {
	if it.client == nil {
		return 0
	}
	return it.client.id
}

// clearDead takes dead inquiries out of the place in which they are filed now.
func (c *capture) clearDead(ctx context.Context) error {
	dead := map[string]*item{}
	for _, it := range c.items {
		if it.dead {
			dead[it.in.ID] = it
		}
	}
	if len(dead) == 0 {
		return nil
	}
	rows, err := c.tx.Query(ctx, sql("clear_dead"), pgx.NamedArgs{"ids": slices.Sorted(maps.Keys(dead))})
	if err != nil {
		return err
	}
	var id string
	var repeats int
	_, err = pgx.ForEachRow(rows, []any{&id, &repeats}, func() error {
		dead[id].repeats += repeats
		return nil
	})
	return err
}

func (c *capture) writePeople(b *pgx.Batch) {
	if opened := c.match.opened; len(opened) > 0 {
		b.Queue(sql("open_contacts"), pgx.NamedArgs{
			"ids":   col(opened, func(p *person) int64 { return p.ID }),
			"names": col(opened, func(p *person) string { return p.name }),
			"times": col(opened, func(p *person) time.Time { return p.CreatedAt }),
		})
	}
	if named := c.named(); len(named) > 0 {
		b.Queue(sql("name_contacts"), pgx.NamedArgs{
			"ids":   col(named, func(p *person) int64 { return p.ID }),
			"names": col(named, func(p *person) string { return p.name }),
		})
	}
	if moved := slices.SortedFunc(maps.Keys(c.match.moved), leads.PointID.Compare); len(moved) > 0 {
		b.Queue(sql("own_points"), pgx.NamedArgs{
			"kinds":    col(moved, func(p leads.PointID) string { return string(p.Kind) }),
			"values":   col(moved, func(p leads.PointID) string { return p.Value }),
			"contacts": col(moved, func(p leads.PointID) int64 { return c.match.moved[p] }),
		})
	}
}

// named are the people known before who gave their name only now.
func (c *capture) named() []*person {
	var out []*person
	for _, id := range slices.Sorted(maps.Keys(c.match.people)) {
		if p := c.match.people[id]; p.known && p.nameless && p.name != "" {
			out = append(out, p)
		}
	}
	return out
}

func (c *capture) writeLinks(b *pgx.Batch) {
	type link struct{ contact, client int64 }
	var links []link
	for _, id := range slices.Sorted(maps.Keys(c.match.people)) {
		for _, f := range c.match.people[id].clients {
			if !c.match.people[id].linked[f.id] {
				links = append(links, link{id, f.id})
			}
		}
	}
	if len(links) > 0 {
		b.Queue(sql("link_clients"), pgx.NamedArgs{
			"contacts": col(links, func(l link) int64 { return l.contact }),
			"clients":  col(links, func(l link) int64 { return l.client }),
		})
	}
	if found := c.match.proposals; len(found) > 0 {
		b.Queue(sql("propose_merges"), pgx.NamedArgs{
			"older":     col(found, func(p proposal) int64 { return p.older }),
			"newer":     col(found, func(p proposal) int64 { return p.newer }),
			"inquiries": col(found, func(p proposal) string { return p.item.in.ID }),
			"times":     col(found, func(p proposal) time.Time { return p.item.in.ReceivedAt }),
		})
	}
}

// openLeadArgs are the input of open_leads.
func openLeadArgs(now time.Time, by int64, opened []leads.Lead) pgx.NamedArgs {
	return pgx.NamedArgs{
		"now": now, "by": by,
		"ids":           col(opened, func(l leads.Lead) int64 { return l.ID }),
		"titles":        col(opened, func(l leads.Lead) string { return l.Title }),
		"clients":       col(opened, func(l leads.Lead) int64 { return l.ClientID }),
		"contacts":      col(opened, func(l leads.Lead) int64 { return l.ContactID }),
		"funnels":       col(opened, func(l leads.Lead) string { return l.Funnel }),
		"stages":        col(opened, func(l leads.Lead) string { return l.Stage }),
		"amounts":       col(opened, func(l leads.Lead) string { return amountText(l.Amount) }),
		"currencies":    col(opened, func(l leads.Lead) string { return l.Currency }),
		"items":         col(opened, func(l leads.Lead) string { return list(l.Items) }),
		"probabilities": col(opened, func(l leads.Lead) float64 { return l.Probability }),
		"owners":        col(opened, func(l leads.Lead) int64 { return l.OwnerID }),
		"sources":       col(opened, func(l leads.Lead) string { return l.Source }),
		"channels":      col(opened, func(l leads.Lead) string { return string(l.Channel) }),
		"connections":   col(opened, func(l leads.Lead) string { return l.Connection }),
		"utms":          col(opened, func(l leads.Lead) string { return object(l.UTM) }),
		"repeats":       col(opened, func(l leads.Lead) bool { return l.Repeat }),
		"tests":         col(opened, func(l leads.Lead) bool { return l.Test }),
		"products":      col(opened, func(l leads.Lead) string { return l.Product }),
		"cities":        col(opened, func(l leads.Lead) string { return l.City }),
		"fields":        col(opened, func(l leads.Lead) string { return dictionary(l.Fields) }),
		"times":         col(opened, func(l leads.Lead) time.Time { return l.CreatedAt }),
		"responses":     col(opened, func(l leads.Lead) *time.Time { return l.FirstResponseAt }),
	}
}

func amountText(a *leads.Amount) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// touchLeads marks the leads that took an inquiry; a lead of the batch itself is written already.
func (c *capture) touchLeads(b *pgx.Batch) {
	touched := map[int64]*leads.Lead{}
	for _, l := range c.joined {
		touched[l.ID] = l
	}
	if len(touched) == 0 {
		return
	}
	ids := slices.Sorted(maps.Keys(touched))
	b.Queue(sql("touch_leads"), pgx.NamedArgs{
		"ids":       ids,
		"times":     col(ids, func(id int64) time.Time { return touched[id].LastActivityAt }),
		"clients":   col(ids, func(id int64) int64 { return touched[id].ClientID }),
		"responses": col(ids, func(id int64) *time.Time { return touched[id].FirstResponseAt }),
	})
}

func (c *capture) fileInquiries(b *pgx.Batch) {
	rows := slices.SortedFunc(slices.Values(c.items), func(a, b *item) int { return strings.Compare(a.in.ID, b.in.ID) })
	if len(rows) == 0 {
		return
	}
	b.Queue(sql("file_inquiries"), pgx.NamedArgs{
		"now":         c.now,
		"ids":         col(rows, func(it *item) string { return it.in.ID }),
		"connections": col(rows, func(it *item) string { return it.in.Connection }),
		"channels":    col(rows, func(it *item) string { return string(it.in.Channel) }),
		"states":      col(rows, (*item).state),
		"times":       col(rows, func(it *item) time.Time { return it.in.ReceivedAt }),
		"leads":       col(rows, (*item).leadID),
		"contacts":    col(rows, func(it *item) int64 { return it.party().contact }),
		"clients":     col(rows, (*item).clientID),
		"vendor_ids":  col(rows, func(it *item) string { return it.in.VendorID }),
		"hashes":      col(rows, func(it *item) []byte { return hash(it.in) }),
		"subjects":    col(rows, func(it *item) string { return it.in.Subject }),
		"texts":       col(rows, func(it *item) string { return it.in.Text }),
		"fields":      col(rows, func(it *item) string { return list(it.in.Fields) }),
		"details":     col(rows, func(it *item) string { return object(detailsOf(it.in)) }),
		"files":       col(rows, func(it *item) string { return list(it.in.Files) }),
		"traces":      col(rows, func(it *item) string { return it.in.Trace }),
		"repeats":     col(rows, func(it *item) int { return it.repeats }),
		"kinds":       col(rows, (*item).kind),
		"directions":  col(rows, func(it *item) string { return string(interaction(it.in).Direction) }),
		"humans":      col(rows, func(it *item) bool { return !it.in.Automatic }),
		"answered":    col(rows, func(it *item) bool { return !interaction(it.in).Missed }),
		"seconds":     col(rows, func(it *item) int32 { return seconds(interaction(it.in).Talk) }),
		"extensions":  col(rows, (*item).extension),
	})
}

func (it *item) state() string {
	if it.in.State == leads.StateNew {
		return "filed"
	}
	return it.in.State
}

func (it *item) leadID() int64 {
	if it.lead == nil {
		return 0
	}
	return it.lead.ID
}

// kind of the interaction the inquiry was; "": spam is none.
func (it *item) kind() string {
	if it.outcome == OutcomeSpam {
		return ""
	}
	return string(interaction(it.in).Kind)
}

// extension of the employee who spoke, or called in vain; a missed call was nobody's.
func (it *item) extension() string {
	if it.in.Call == nil || !it.in.Call.Answered && !it.in.Outgoing() {
		return ""
	}
	return it.in.Call.Extension
}

// details are what an inquiry tells beside its text and its fields.
type details struct {
	Name        string               `json:"name,omitempty"`
	Points      []leads.ContactPoint `json:"points,omitempty"`
	Company     string               `json:"company,omitempty"`
	INN         string               `json:"inn,omitempty"`
	City        string               `json:"city,omitempty"`
	Product     string               `json:"product,omitempty"`
	Amount      *leads.Amount        `json:"amount,omitempty"`
	Currency    string               `json:"currency,omitempty"`
	Items       []leads.Item         `json:"items,omitempty"`
	Source      string               `json:"source,omitempty"`
	Attribution leads.Attribution    `json:"attribution,omitzero"`
	Consent     leads.Consent        `json:"consent,omitzero"`
	Direction   leads.Direction      `json:"direction,omitempty"`
	Call        *leads.Call          `json:"call,omitempty"`
	LeadFields  map[string]string    `json:"lead_fields,omitempty"`
	Automatic   bool                 `json:"automatic,omitempty"`
}

func detailsOf(in leads.Inquiry) details {
	return details{in.Name, in.Points, in.Company, in.INN, in.City, in.Product, in.Amount, in.Currency, in.Items, in.Source,
		in.Attribution, in.Consent, in.Direction, in.Call, in.LeadFields, in.Automatic}
}
