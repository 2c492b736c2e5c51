package intake

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/pipeline"
)

// An exchange tells of one call in many events. Each is kept under the lock of its call's row, in the transaction
// that takes it off the bus, and the call is put together anew from all there are, so that their order does not
// matter. The inquiry is filed once: by the event that brings the final word, or, when that got lost, by FileDueCalls.
// What is learnt after that amends it.

// dueType is an event of our own: the final word of a call has not come in time.
const dueType = "ru.marshrut.call.due"

// callPart is an event of a call, or the reminder that one is due.
type callPart struct {
	connected  *connectors.Connected
	aggregator connectors.Aggregator
	told       *connectors.Part // nil: a reminder
}

// gathered is what the letters of a batch make of their calls.
type gathered struct {
	ripe    []leads.Inquiry // to be filed
	amended []repository.Amendment
	parts   []repository.Captured
	rings   []string // extensions at which something changed
}

// gather keeps the parts of calls and says what becomes of these.
func (i *Intake) gather(ctx context.Context, tx pgx.Tx, now time.Time, letters []letter) (gathered, error) {
	var g gathered
	var events []repository.CallEvent
	var keys []repository.CallKey
	var ids []string
	about := map[repository.CallKey]*callPart{}
	reminded := map[repository.CallKey]bool{}
	for _, l := range letters {
		if l.part == nil {
			continue
		}
		key := repository.CallKey{Connection: l.event.Connection, Key: l.event.OrderKey()}
		about[key] = l.part
		if l.part.told == nil {
			reminded[key] = true
			keys = append(keys, key)
			continue
		}
		hash, _ := hex.DecodeString(l.event.Attributes[connectors.AttrHash]) // our own writing
		events = append(events, repository.CallEvent{Call: key, ID: l.event.ID, At: l.event.Time, Hash: hash, Data: l.part.told.Data})
		ids = append(ids, l.event.ID)
	}
	if len(about) == 0 {
		return g, nil
	}
	calls, news, err := i.Repository.Calls(ctx, tx, now, events, keys)
	if err != nil {
		return g, err
	}
	slices.Sort(ids)
	if err := i.Repository.ClearDead(ctx, tx, ids); err != nil {
		return g, err
	}
	for _, c := range calls {
		g.judge(c, about[c.CallKey], reminded[c.CallKey], now)
	}
	g.parts = partsOf(events, news)
	return g, i.Repository.SaveCalls(ctx, tx, calls)
}

// partsOf says of each event whether it was new. A second copy in the batch is a repeat as well.
func partsOf(events []repository.CallEvent, news map[string]bool) []repository.Captured {
	var parts []repository.Captured
	for _, e := range events {
		outcome := repository.OutcomeRepeat
		if news[e.ID] {
			outcome = repository.OutcomePart
			delete(news, e.ID)
		}
		parts = append(parts, repository.Captured{InquiryID: e.Call.InquiryID(), Outcome: outcome,
			Inquiry: leads.Inquiry{ID: e.Call.InquiryID(), Connection: e.Call.Connection, Channel: leads.ChannelCall}})
	}
	return parts
}

// judge puts a call together and says whether its time has come.
func (g *gathered) judge(c *repository.Call, p *callPart, reminded bool, now time.Time) {
	a := p.aggregator.Aggregate(partsToAggregate(c.Events))
	g.rings = append(g.rings, changed(c.Live, a.Live, now)...)
	c.Live, c.DueAt = a.Live, nil
	if c.Inquiry = a.Inquiry; a.Inquiry == nil {
		return // between our own people; or nothing is known yet, and the next event decides
	}
	in := complete([]leads.Inquiry{*a.Inquiry}, pipeline.Event{ID: c.InquiryID(), Connection: c.Connection, Key: c.Key, Subject: c.Key, Time: c.FirstAt}, p.connected)[0]
	c.Inquiry = &in
	settled := a.Final || reminded && !now.Before(a.Due)
	switch {
	case settled && c.FiledAt == nil:
		g.ripe = append(g.ripe, in)
		c.FiledAt, c.Filed = &now, essence(in)
	case settled && !same(c.Filed, essence(in)):
		g.amended = append(g.amended, repository.Amendment{Before: *c.Filed, Now: in})
		c.Filed = essence(in)
	case !settled:
		c.DueAt = &a.Due
	}
}

func partsToAggregate(events []repository.CallEvent) []connectors.Part {
	parts := make([]connectors.Part, len(events))
	for i, e := range events {
		parts[i] = connectors.Part{Event: e.ID, At: e.At, Data: e.Data}
	}
	return parts
}

// changed are the extensions whose screens show something else now. What is told late of a call that is long over shows nowhere.
func changed(before, after leads.LiveCall, now time.Time) []string {
	was, is := shown(before, now), shown(after, now)
	if before.State == after.State && slices.Equal(was, is) {
		return nil
	}
	return append(was, is...)
}

func shown(c leads.LiveCall, now time.Time) []string {
	if c.State == "" || c.State == leads.CallOver || !c.Until.After(now) {
		return nil
	}
	return slices.Clone(c.Extensions)
}

// essence is what of a call may still change after it was filed.
func essence(in leads.Inquiry) *leads.Inquiry {
	return &leads.Inquiry{Direction: in.Direction, Call: in.Call}
}

func same(a, b *leads.Inquiry) bool {
	one, _ := json.Marshal(a) // of plain values: cannot fail
	two, _ := json.Marshal(b)
	return bytes.Equal(one, two)
}

const (
	dueEvery = 5 * time.Second
	dueBatch = 100
)

// RunCalls files the calls whose final word was lost, until ctx ends. Any number of processes may do it at once.
func (i *Intake) RunCalls(ctx context.Context) error {
	tick := time.NewTicker(dueEvery)
	defer tick.Stop()
	for {
		if err := i.FileDueCalls(ctx); err != nil && ctx.Err() == nil && postgres.Classify(err) != postgres.Away {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// FileDueCalls files by what is known the calls for whose final word nobody waits any longer.
func (i *Intake) FileDueCalls(ctx context.Context) error {
	for {
		due, err := i.Repository.DueCalls(ctx, i.Now(), dueBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		events := make([]pipeline.Event, len(due))
		for n, d := range due {
			events[n] = pipeline.Event{ID: d.InquiryID, Source: "/connections/" + d.Connection, Type: dueType, Time: d.DueAt, Key: d.Key,
				Connection: d.Connection, Connector: "telephony"}
		}
		if err := i.Handle(ctx, pipeline.Batch{Events: events}); err != nil {
			return fmt.Errorf("file %d calls without their final word: %w", len(due), err)
		}
		if len(due) < dueBatch {
			return nil
		}
	}
}
