package repository

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// party is whom a lead is with, as far as joining cares: a person or, where none is known, a client.
type party struct{ contact, client int64 }

func (it *item) party() party {
	switch {
	case it.person != nil:
		return party{contact: it.person.ID}
	case it.client != nil:
		return party{client: it.client.id}
	}
	return party{}
}

// findLeads locks the open leads of the people of the batch and decides for each
// inquiry whether one of them takes it or a new one opens, in the order they came.
func (c *capture) findLeads(ctx context.Context) error {
	open, err := c.lockOpenLeads(ctx)
	if err != nil {
		return err
	}
	for _, it := range c.items {
		c.place(it, open)
	}
	if len(c.news) == 0 {
		return nil
	}
	ids, err := takeIDs(ctx, c.tx, "lead", len(c.news))
	if err != nil {
		return err
	}
	for i, it := range c.news {
		it.lead.ID = ids[i]
	}
	return nil
}

func (c *capture) lockOpenLeads(ctx context.Context) (map[party][]*leads.Lead, error) {
	contacts, clients := []int64{}, []int64{}
	for _, it := range c.items {
		switch {
		case it.person != nil && it.person.known:
			contacts = append(contacts, it.person.ID)
		case it.person == nil && it.client != nil && it.client.known:
			clients = append(clients, it.client.id)
		}
	}
	open := map[party][]*leads.Lead{}
	named := c.namedLeads()
	if len(contacts)+len(clients)+len(named) == 0 {
		return open, nil
	}
	found, err := all(ctx, c.tx, scanLead, leadSQL("lock_open_leads"), pgx.NamedArgs{"contacts": contacts, "clients": clients, "named": named})
	c.learn(found)
	for i := range found {
		l := &found[i]
		who := party{contact: l.ContactID}
		if l.ContactID == 0 {
			who.client = l.ClientID
		}
		open[who] = append(open[who], l)
	}
	return open, err
}

// place decides what becomes of one inquiry.
func (c *capture) place(it *item, open map[party][]*leads.Lead) {
	who := it.party()
	funnel := c.funnelOf(it.in)
	it.clientKnown = it.known()
	switch {
	case it.in.State == leads.StateSpam:
		it.outcome = OutcomeSpam
	case it.in.State == leads.StateTest:
		it.outcome = OutcomeTest
		c.open(it, funnel)
	case it.person != nil && it.person.notClient:
		it.outcome = OutcomeContact
	case c.joinNamed(it), who != party{} && c.join(it, funnel, open[who]):
		it.outcome = OutcomeJoined
	case it.in.Outgoing(), it.in.Automatic:
		it.outcome = OutcomeContact // somebody of ours called or wrote to somebody, or nobody to anybody
	case it.in.MissedCall() && who == party{}:
		it.outcome = OutcomeContact // a hidden number: there is nobody to call back
	default:
		it.outcome = OutcomeLead
		c.open(it, funnel)
		if who != (party{}) {
			open[who] = append(open[who], it.lead)
		}
	}
	c.name(it)
	if it.person != nil && it.person.name == "" {
		it.person.name = it.in.Name
	}
}

func (c *capture) funnelOf(in leads.Inquiry) leads.Funnel {
	if c.Funnel != nil {
		if f, ok := c.funnel[c.Funnel(in)]; ok {
			return f
		}
	}
	return c.funnel[c.first]
}

// join lets an open lead take the inquiry, if the rules find one.
func (c *capture) join(it *item, funnel leads.Funnel, open []*leads.Lead) bool {
	candidates := make([]leads.OpenLead, len(open))
	for i, l := range open {
		candidates[i] = leads.OpenLead{ID: int64(i + 1), Funnel: l.Funnel, LastActivityAt: l.LastActivityAt}
	}
	chosen, ok := c.rulesFor(it.in).JoinLead(funnel.Key, it.in.ReceivedAt, candidates)
	if under := slices.IndexFunc(open, func(l *leads.Lead) bool { return l.ID == it.in.Under }); it.in.Under != 0 && under >= 0 {
		chosen, ok = candidates[under], true
	}
	if !ok {
		return false
	}
	c.joinTo(it, open[chosen.ID-1])
	return true
}

// joinTo lets a lead take the inquiry.
func (c *capture) joinTo(it *item, l *leads.Lead) {
	it.lead = l
	if it.in.ReceivedAt.After(it.lead.LastActivityAt) {
		it.lead.LastActivityAt = it.in.ReceivedAt
	}
	if at := response(it.in); it.lead.FirstResponseAt == nil && at != nil && answers(*at, it.lead.CreatedAt) {
		it.lead.FirstResponseAt = at
	}
	if it.lead.ClientID == 0 && it.client != nil {
		it.lead.ClientID = it.client.id
	}
	c.joined = append(c.joined, it.lead)
}

// rulesFor are the rules of joining. A call says nothing of what it is about: unless a rule sends it to a funnel, and when
// we called, it belongs to the open lead whatever its funnel is.
func (c *capture) rulesFor(in leads.Inquiry) leads.MatchRules {
	rules := c.Rules
	named := c.Funnel != nil && c.Funnel(in) != ""
	if in.Channel == leads.ChannelCall && (in.Outgoing() || !named) && rules.Join != leads.JoinNever {
		rules.Join = leads.JoinAny
	}
	return rules
}

// response is when the inquiry was our answer to the client, or a call of the client when we picked up: nil when it was
// neither.
func response(in leads.Inquiry) *time.Time {
	at := in.ReceivedAt
	switch i := interaction(in); {
	case i.Response():
	case i.Direction == leads.DirectionIn && in.Call != nil && in.Call.Answered && in.Call.Extension != "":
		at = at.Add(in.Call.Ring)
	default:
		return nil
	}
	return &at
}

// answers tells whether a contact can be the answer to a lead: what went before it was about something else. Clocks differ
// by a little.
func answers(at, opened time.Time) bool { return !at.Before(opened.Add(-time.Minute)) }

// interaction is what the inquiry counts as.
func interaction(in leads.Inquiry) leads.Interaction {
	out := leads.Interaction{Kind: in.Channel.Kind(), Direction: leads.DirectionIn, At: in.ReceivedAt, InquiryID: in.ID, Automatic: in.Automatic}
	if in.Outgoing() {
		out.Direction = leads.DirectionOut
	}
	if in.Channel == leads.ChannelManual {
		out.Direction = leads.DirectionNone
	}
	if in.Call != nil {
		out.Missed, out.Talk = !in.Call.Answered, in.Call.Talk
	}
	return out
}

// open makes the new lead of an inquiry.
func (c *capture) open(it *item, funnel leads.Funnel) {
	stage, _ := funnel.First()
	in := it.in
	it.leadNew = true
	it.lead = &leads.Lead{Title: leads.Title(in, c.Language), Funnel: funnel.Key, Stage: stage.Key, Status: leads.StatusOpen,
		Amount: in.Amount, Currency: in.Currency, Items: in.Items, Probability: stage.Probability,
		Source: in.Source, Channel: in.Channel, Connection: in.Connection, UTM: in.Attribution.UTM, Product: in.Product, City: in.City,
		Fields: in.LeadFields, Test: in.State == leads.StateTest, CreatedAt: in.ReceivedAt, LastActivityAt: in.ReceivedAt,
		FirstResponseAt: response(in), Version: 1}
	if it.lead.Currency == "" {
		it.lead.Currency = c.Currency
	}
	if it.person != nil {
		it.lead.ContactID = it.person.ID
	}
	if it.client != nil {
		it.lead.ClientID = it.client.id
	}
	it.lead.Repeat = it.clientKnown && !it.lead.Test
	if it.person != nil {
		it.person.met = true
	}
	c.news = append(c.news, it)
}

// known reports whether we have met the client before: in the base, or with an earlier lead of the batch.
func (it *item) known() bool {
	return it.person != nil && (it.person.known || it.person.met) || it.client != nil && it.client.known
}
