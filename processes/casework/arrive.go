package casework

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
)

// reached is how long a conversation has to last to count as one: shorter ones
// are answering machines and wrong connections.
const reached = 10 * time.Second

// Arrive does what captured inquiries cause, inside the transaction that captured
// them: new leads start the route maps their rules choose, running ones hear that
// the client turned to us or was reached, a missed call is called back beside the
// sale. A route map that cannot start is an incident and costs no lead; an error
// is the database's. However many inquiries come, it takes a handful of
// statements.
func (c *Casework) Arrive(ctx context.Context, tx pgx.Tx, now time.Time, captured []repository.Captured) error {
	ctx, span := c.tracer.Start(ctx, "casework.arrive")
	defer span.End()
	book, err := c.rules.book(ctx, tx)
	if err != nil {
		return err
	}
	if err := c.answerers(ctx, tx, now, captured); err != nil {
		return err
	}
	if err := c.returned(ctx, tx, captured); err != nil {
		return err
	}
	reached, err := c.reachedSince(ctx, tx, captured)
	if err != nil {
		return err
	}
	outdated, err := c.outdated(ctx, tx, captured)
	if err != nil {
		return err
	}
	a := arrival{book: book, started: map[startKey]bool{}, reached: reached, outdated: outdated}
	_, a.elsewhere = c.ledElsewhere()
	for _, one := range captured {
		a.add(one)
	}
	for _, trouble := range a.troubles {
		c.log.WarnContext(ctx, "a start rule cannot be evaluated and was passed over", "error", trouble)
	}
	// Running processes first: what starts below must not hear the message that starts it.
	if err := c.correlate(ctx, tx, a.messages); err != nil {
		return err
	}
	if err := c.describe(ctx, tx, captured, a.starts); err != nil {
		return err
	}
	return c.start(ctx, tx, a)
}

// describe tells the starts of new leads how these stand, as far as the capture
// has said it: reading five hundred of them again would cost as much as writing.
func (c *Casework) describe(ctx context.Context, tx pgx.Tx, captured []repository.Captured, starts []processes.StartRequest) error {
	around := map[int64]repository.Context{}
	for _, one := range captured {
		if one.Around != nil {
			around[one.LeadID] = *one.Around
		}
	}
	subjects, err := c.subjects(ctx, tx, around)
	if err != nil {
		return err
	}
	for i := range starts {
		if s, ok := subjects[starts[i].Subject]; ok {
			starts[i].Case = &s
		}
	}
	return nil
}

// arrival collects what a batch causes.
type arrival struct {
	book     *ruleBook
	messages []processes.Message
	starts   []processes.StartRequest
	started  map[startKey]bool
	reached  map[string]bool     // missed calls after which somebody has talked with the client, by inquiry
	outdated map[string]bool     // conversations after which the client has called in vain, by inquiry
	again    []processes.Message // for route maps that were running already
	further  []processes.Message // for route maps that this batch starts
	troubles []error
	// elsewhere: another system leads the processes, none starts here.
	elsewhere bool
}

// startKey is one route map about one lead.
type startKey struct {
	lead    int64
	process string
}

func (a *arrival) add(one repository.Captured) {
	switch one.Outcome {
	case repository.OutcomeLead, repository.OutcomeJoined, repository.OutcomeTest:
	case repository.OutcomeAmended:
		if !turned(one) {
			return
		}
	default:
		return
	}
	if one.LeadID == 0 {
		return
	}
	if !one.LeadNew {
		a.messages = append(a.messages, heard(one, a.outdated[one.InquiryID])...)
	}
	if a.elsewhere || one.Inquiry.Outgoing() && !one.LeadNew {
		return
	}
	v := view{Lead: one.Lead, Inquiry: one.Inquiry, ClientKnown: one.ClientKnown, Reached: a.reached[one.InquiryID]}
	values := v.values(nil, time.UTC)
	asked := a.book.lanes()
	if one.LeadNew && len(asked) == 0 {
		asked = []string{LaneSale}
	}
	for _, lane := range asked {
		if lane == LaneSale && !one.LeadNew {
			continue
		}
		found, ok, trouble := a.book.match(lane, values)
		if trouble != nil {
			a.troubles = append(a.troubles, trouble)
		}
		if !ok && lane == LaneSale {
			// Nothing begins by itself on this lead: an incident, which the heads see.
			a.starts = append(a.starts, processes.StartRequest{Subject: one.LeadID})
		}
		if ok && found.Process != "" {
			a.request(one, found)
		}
	}
}

// request asks to start the route map, once for a lead.
func (a *arrival) request(one repository.Captured, r Rule) {
	key := startKey{one.LeadID, r.Process}
	if a.started[key] {
		a.further = append(a.further, missedAgain(one)...)
		return
	}
	a.started[key] = true
	request := processes.StartRequest{Process: r.Process, Subject: one.LeadID, Single: r.Lane != LaneSale}
	if one.Talking || conversation(one.Inquiry) || a.reached[one.InquiryID] {
		request.Values = map[string]any{"contacted": true} // nobody has to get in touch first
	}
	a.starts = append(a.starts, request)
	if one.LeadNew {
		return
	}
	a.again = append(a.again, missedAgain(one)...)
}

// heard are the messages an inquiry of an open lead is to its processes. An outdated conversation reached nobody who has called
// in vain since.
func heard(one repository.Captured, outdated bool) []processes.Message {
	in := one.Inquiry
	if in.Automatic || one.Copy {
		return nil // no person turned to us again
	}
	values := map[string]any{"channel": string(in.Channel), "inquiry": in.ID, "subject": in.Subject, "missed": in.MissedCall()}
	var out []processes.Message
	if !in.Outgoing() && one.Outcome != repository.OutcomeAmended {
		out = append(out, processes.Message{Subject: one.LeadID, Name: ClientContacted, Values: values})
	}
	if conversation(in) && !outdated {
		out = append(out, processes.Message{Subject: one.LeadID, Name: ClientReached, Values: values})
	}
	return out
}

// conversation is a call in which people talked, long enough to be one.
func conversation(in leads.Inquiry) bool {
	return in.Call != nil && in.Call.Answered && in.Call.Talk >= reached
}

// turned reports that what was learnt late of a call changes what it was.
func turned(one repository.Captured) bool {
	before, now := one.Before, one.Inquiry
	before.Channel = now.Channel
	return before.MissedCall() != now.MissedCall() || conversation(before) != conversation(now)
}

func missedAgain(one repository.Captured) []processes.Message {
	if !one.Inquiry.MissedCall() {
		return nil
	}
	return []processes.Message{{Subject: one.LeadID, Name: CallMissed, Values: map[string]any{"inquiry": one.InquiryID}}}
}

func (c *Casework) correlate(ctx context.Context, tx pgx.Tx, messages []processes.Message) error {
	if len(messages) == 0 {
		return nil
	}
	if err := c.processes.Correlate(ctx, tx, messages); err != nil {
		return fmt.Errorf("tell processes what the client did: %w", err)
	}
	return nil
}

// start starts the route maps. One that is running on its lead already, or has just
// been started by the same batch, hears of the further call instead.
func (c *Casework) start(ctx context.Context, tx pgx.Tx, a arrival) error {
	if len(a.starts) == 0 {
		return nil
	}
	started, err := c.processes.Start(ctx, tx, a.starts)
	if err != nil {
		return fmt.Errorf("start %d processes: %w", len(a.starts), err)
	}
	running := map[int64]bool{}
	for i, s := range started {
		if s.Running {
			running[a.starts[i].Subject] = true
		}
	}
	messages := a.further
	for _, m := range a.again {
		if running[m.Subject] {
			messages = append(messages, m)
		}
	}
	return c.correlate(ctx, tx, messages)
}

// interactionMessages are what an interaction that a person noted is to the lead's processes.
func interactionMessages(lead int64, i leads.Interaction) []processes.Message {
	values := map[string]any{"kind": string(i.Kind), "subject": i.Subject}
	var out []processes.Message
	if i.Direction == leads.DirectionIn && !i.Automatic {
		out = append(out, processes.Message{Subject: lead, Name: ClientContacted, Values: values})
	}
	if i.Kind == leads.KindCall && !i.Missed && i.Talk >= reached {
		out = append(out, processes.Message{Subject: lead, Name: ClientReached, Values: values})
	}
	return out
}
