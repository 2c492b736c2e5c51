package repository

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
	"marshrut/pipeline"
)

// CallKey is a call: its connection and the order key of its events.
type CallKey struct{ Connection, Key string }

// InquiryID is the id of the inquiry the call becomes.
func (k CallKey) InquiryID() string { return pipeline.ID(k.Connection, "call", k.Key) }

func (k CallKey) compare(l CallKey) int {
	return cmp.Or(strings.Compare(k.Connection, l.Connection), strings.Compare(k.Key, l.Key))
}

// CallEvent is what one event tells of a call, in the words of its connector.
type CallEvent struct {
	Call CallKey
	ID   string // of the event
	At   time.Time
	Hash []byte // of what came: the same id with another hash is a conflict
	Data json.RawMessage
}

// Call is a call as it has been put together so far.
type Call struct {
	CallKey
	ID      int64
	FirstAt time.Time // when we first heard of it
	Live    leads.LiveCall
	Inquiry *leads.Inquiry // as understood so far; nil: it concerns no client
	DueAt   *time.Time     // when to file it anyway; nil: nothing to wait for
	FiledAt *time.Time
	Filed   *leads.Inquiry // what was filed of it: direction and call
	Events  []CallEvent    // from Calls: all there are
}

// callColumns are what callFields read, of a call named c; statements hold {call} in their place.
const callColumns = `c.id, c.connection, c.key, c.first_at, c.state, c.direction, c.number, c.dialled, c.extensions, c.since, c.shown_until,
	c.inquiry, c.due_at, c.filed_at, c.filed`

func callSQL(name string) string { return strings.ReplaceAll(sql(name), "{call}", callColumns) }

func scanCall(row pgx.CollectableRow) (*Call, error) {
	var c Call
	var since, until *time.Time
	err := row.Scan(&c.ID, &c.Connection, &c.Key, &c.FirstAt, &c.Live.State, &c.Live.Direction, &c.Live.Number, &c.Live.Dialled,
		&c.Live.Extensions, &since, &until, &c.Inquiry, &c.DueAt, &c.FiledAt, &c.Filed)
	c.Live.Since, c.Live.Until = orZero(since), orZero(until)
	return &c, err
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// Calls locks calls, adds what events tell of them and gives each with all that is known. keys are further calls to lock.
// news says which events were not known before; one that is known with other content is kept as a conflict.
func (r *Repository) Calls(ctx context.Context, tx pgx.Tx, now time.Time, events []CallEvent, keys []CallKey) (calls []*Call, news map[string]bool, err error) {
	byKey, err := r.lockCalls(ctx, tx, now, events, keys)
	if err != nil {
		return nil, nil, fmt.Errorf("lock calls: %w", err)
	}
	if news, err = r.addCallEvents(ctx, tx, byKey, events); err != nil {
		return nil, nil, fmt.Errorf("add events of calls: %w", err)
	}
	byID := map[int64]*Call{}
	for _, c := range byKey {
		byID[c.ID] = c
		calls = append(calls, c)
	}
	slices.SortFunc(calls, func(a, b *Call) int { return a.compare(b.CallKey) })
	rows, err := tx.Query(ctx, sql("call_events"), pgx.NamedArgs{"calls": col(calls, func(c *Call) int64 { return c.ID }), "most": mostEvents})
	if err != nil {
		return nil, nil, fmt.Errorf("read events of calls: %w", err)
	}
	var id int64
	var e CallEvent
	_, err = pgx.ForEachRow(rows, []any{&id, &e.ID, &e.At, &e.Hash, &e.Data}, func() error {
		e.Call = byID[id].CallKey
		one := e
		one.Data, one.Hash = slices.Clone(e.Data), slices.Clone(e.Hash)
		byID[id].Events = append(byID[id].Events, one)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read events of calls: %w", err)
	}
	return calls, news, r.callConflicts(ctx, tx, events, news, calls)
}

// mostEvents bounds what one call is put together from; a conference of an hour has some hundred.
const mostEvents = 1000

func (r *Repository) lockCalls(ctx context.Context, tx pgx.Tx, now time.Time, events []CallEvent, keys []CallKey) (map[CallKey]*Call, error) {
	first := map[CallKey]time.Time{}
	for _, k := range keys {
		first[k] = now
	}
	for _, e := range events {
		if at, ok := first[e.Call]; !ok || e.At.Before(at) {
			first[e.Call] = e.At
		}
	}
	var all []CallKey
	for k := range first {
		all = append(all, k)
	}
	slices.SortFunc(all, CallKey.compare)
	rows, err := tx.Query(ctx, callSQL("lock_calls"), pgx.NamedArgs{
		"connections": col(all, func(k CallKey) string { return k.Connection }),
		"keys":        col(all, func(k CallKey) string { return k.Key }),
		"inquiries":   col(all, CallKey.InquiryID),
		"times":       col(all, func(k CallKey) time.Time { return first[k] }),
	})
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, scanCall)
	byKey := map[CallKey]*Call{}
	for _, c := range found {
		byKey[c.CallKey] = c
	}
	return byKey, err
}

func (r *Repository) addCallEvents(ctx context.Context, tx pgx.Tx, calls map[CallKey]*Call, events []CallEvent) (map[string]bool, error) {
	news := map[string]bool{}
	if len(events) == 0 {
		return news, nil
	}
	sorted := slices.SortedStableFunc(slices.Values(events), func(a, b CallEvent) int { return strings.Compare(a.ID, b.ID) })
	ids, err := all(ctx, tx, pgx.RowTo[string], sql("add_call_events"), pgx.NamedArgs{
		"ids":    col(sorted, func(e CallEvent) string { return e.ID }),
		"calls":  col(sorted, func(e CallEvent) int64 { return calls[e.Call].ID }),
		"times":  col(sorted, func(e CallEvent) time.Time { return e.At }),
		"hashes": col(sorted, func(e CallEvent) []byte { return append([]byte{}, e.Hash...) }),
		"data":   col(sorted, func(e CallEvent) string { return string(e.Data) }),
	})
	for _, id := range ids {
		news[id] = true
	}
	return news, err
}

// callConflicts keeps what came under a known id with other content.
func (r *Repository) callConflicts(ctx context.Context, tx pgx.Tx, events []CallEvent, news map[string]bool, calls []*Call) error {
	known := map[string][]byte{}
	for _, c := range calls {
		for _, e := range c.Events {
			known[e.ID] = e.Hash
		}
	}
	conflicts := slices.DeleteFunc(slices.Clone(events), func(e CallEvent) bool {
		hash, ok := known[e.ID]
		return !ok || slices.Equal(hash, e.Hash)
	})
	if len(conflicts) == 0 {
		return nil
	}
	return exec(ctx, tx, "keep conflicts of calls", sql("file_conflicts"), pgx.NamedArgs{
		"ids":    col(conflicts, func(e CallEvent) string { return e.Call.InquiryID() }),
		"times":  col(conflicts, func(e CallEvent) time.Time { return e.At }),
		"hashes": col(conflicts, func(e CallEvent) []byte { return append([]byte{}, e.Hash...) }),
		"data":   col(conflicts, func(e CallEvent) []byte { return e.Data }),
	})
}

// LockCall locks one call; it comes without its events.
func (r *Repository) LockCall(ctx context.Context, tx pgx.Tx, id int64) (*Call, error) {
	c, err := one(ctx, tx, scanCall, callSQL("lock_call"), pgx.NamedArgs{"id": id})
	if err != nil {
		return nil, fmt.Errorf("lock call %d: %w", id, err)
	}
	return c, nil
}

// SaveCalls writes how calls stand. The caller holds their locks.
func (r *Repository) SaveCalls(ctx context.Context, tx pgx.Tx, calls []*Call) error {
	if len(calls) == 0 {
		return nil
	}
	return exec(ctx, tx, "save calls", sql("save_calls"), pgx.NamedArgs{
		"ids":        col(calls, func(c *Call) int64 { return c.ID }),
		"states":     col(calls, func(c *Call) string { return cmp.Or(c.Live.State, leads.CallOver) }),
		"directions": col(calls, func(c *Call) string { return string(cmp.Or(c.Live.Direction, leads.DirectionIn)) }),
		"numbers":    col(calls, func(c *Call) string { return text(c.Live.Number) }),
		"dialled":    col(calls, func(c *Call) string { return text(c.Live.Dialled) }),
		"extensions": col(calls, func(c *Call) string { return text(strings.Join(c.Live.Extensions, "\n")) }),
		"since":      col(calls, func(c *Call) *time.Time { return orNil(c.Live.Since) }),
		"until":      col(calls, func(c *Call) *time.Time { return orNil(c.Live.Until) }),
		"inquiries":  col(calls, func(c *Call) string { return document(c.Inquiry) }),
		"due":        col(calls, func(c *Call) *time.Time { return c.DueAt }),
		"filed_at":   col(calls, func(c *Call) *time.Time { return c.FiledAt }),
		"filed":      col(calls, func(c *Call) string { return document(c.Filed) }),
	})
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// document is an inquiry as JSON, "" for none.
func document(in *leads.Inquiry) string {
	if in == nil {
		return ""
	}
	return object(clean(*in))
}

// DueCall is a call whose final word has not come in time.
type DueCall struct {
	CallKey
	InquiryID string
	DueAt     time.Time
}

// DueCalls lists the calls that are to be filed by what is known of them.
func (r *Repository) DueCalls(ctx context.Context, now time.Time, limit int) ([]DueCall, error) {
	due, err := all(ctx, r.pool, func(row pgx.CollectableRow) (d DueCall, err error) {
		return d, row.Scan(&d.Connection, &d.Key, &d.InquiryID, &d.DueAt)
	}, sql("due_calls"), pgx.NamedArgs{"now": now, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("list calls that are due: %w", err)
	}
	return due, nil
}

// GiveUpCalls says that no inquiry could be made of calls; their dead letters stand for them from now on.
func (r *Repository) GiveUpCalls(ctx context.Context, tx pgx.Tx, inquiries []string) error {
	if len(inquiries) == 0 {
		return nil
	}
	slices.Sort(inquiries)
	return exec(ctx, tx, "give up calls", sql("give_up_calls"), pgx.NamedArgs{"inquiries": inquiries})
}

// Amendment is a filed call of which more is known now.
type Amendment struct {
	Before leads.Inquiry // what was filed of it: direction and Call
	Now    leads.Inquiry
}

// AmendCalls corrects filed calls, and gives each as it stands with its lead.
func (r *Repository) AmendCalls(ctx context.Context, tx pgx.Tx, in []Amendment) ([]Captured, error) {
	if len(in) == 0 {
		return nil, nil
	}
	sorted := slices.SortedFunc(slices.Values(in), func(a, b Amendment) int { return strings.Compare(a.Now.ID, b.Now.ID) })
	items := col(sorted, func(a Amendment) *item { return &item{in: clean(a.Now)} })
	rows, err := tx.Query(ctx, sql("amend_calls"), pgx.NamedArgs{
		"ids":        col(items, func(it *item) string { return it.in.ID }),
		"directions": col(items, func(it *item) string { return string(interaction(it.in).Direction) }),
		"answered":   col(items, func(it *item) bool { return !interaction(it.in).Missed }),
		"seconds":    col(items, func(it *item) int32 { return seconds(interaction(it.in).Talk) }),
		"extensions": col(items, (*item).extension),
		"calls":      col(items, func(it *item) string { return object(it.in.Call) }),
	})
	if err != nil {
		return nil, fmt.Errorf("amend calls: %w", err)
	}
	amended := map[string]*Captured{}
	out := make([]Captured, len(sorted))
	for i, a := range sorted {
		out[i] = Captured{InquiryID: a.Now.ID, Outcome: OutcomeAmended, Inquiry: items[i].in, ClientKnown: true, Before: a.Before}
		amended[a.Now.ID] = &out[i]
	}
	var id string
	var lead, contact int64
	if _, err = pgx.ForEachRow(rows, []any{&id, &lead, &contact}, func() error {
		amended[id].LeadID, amended[id].ContactID = lead, contact
		return nil
	}); err != nil {
		return nil, fmt.Errorf("amend calls: %w", err)
	}
	return out, r.withLeads(ctx, tx, out)
}

// withLeads locks the leads of captured inquiries and puts them in.
func (r *Repository) withLeads(ctx context.Context, tx pgx.Tx, captured []Captured) error {
	var ids []int64
	for _, c := range captured {
		if c.LeadID != 0 {
			ids = append(ids, c.LeadID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	locked, err := r.LockLeads(ctx, tx, ids)
	for i := range captured {
		captured[i].Lead = locked[captured[i].LeadID]
	}
	return err
}

// OpenLead is an open lead and who answers for it, 0: nobody.
type OpenLead struct{ Lead, Owner int64 }

// OpenLeadsAt are the open leads of whoever has a number, by number, the one something happened to last first.
func (r *Repository) OpenLeadsAt(ctx context.Context, tx pgx.Tx, phones []string) (map[string][]OpenLead, error) {
	rows, err := tx.Query(ctx, sql("open_leads_at"), pgx.NamedArgs{"phones": phones})
	if err != nil {
		return nil, fmt.Errorf("find the open leads at %d numbers: %w", len(phones), err)
	}
	found := map[string][]OpenLead{}
	var phone string
	var one OpenLead
	if _, err := pgx.ForEachRow(rows, []any{&phone, &one.Lead, &one.Owner}, func() error {
		found[phone] = append(found[phone], one)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("find the open leads at %d numbers: %w", len(phones), err)
	}
	return found, nil
}

// ForgetCalls deletes what calls first heard of before a moment were put together from, once their raw copies are gone.
func (r *Repository) ForgetCalls(ctx context.Context, before time.Time) error {
	return exec(ctx, r.pool, "forget calls", sql("forget_calls"), pgx.NamedArgs{"before": before})
}

// PendingCall is a call that is no inquiry, not yet or for good.
type PendingCall struct {
	Connection string
	Since      time.Time // when we first heard of it
	Client     bool      // it is with somebody outside, as far as it is known
}

// CallOfEvent is the call that an event, or the id of an inquiry to come, is about; false if it is of none.
func (r *Repository) CallOfEvent(ctx context.Context, id string) (PendingCall, bool, error) {
	call, err := one(ctx, r.pool, pgx.RowToStructByPos[PendingCall], sql("call_of_event"), pgx.NamedArgs{"id": id})
	if errors.Is(err, leads.ErrNotFound) {
		return PendingCall{}, false, nil
	}
	if err != nil {
		return PendingCall{}, false, fmt.Errorf("find the call of event %s: %w", id, err)
	}
	return call, true, nil
}

// inquiryOfEvent is the inquiry that the call of an event became; leads.ErrNotFound if it is of none.
func (r *Repository) inquiryOfEvent(ctx context.Context, id string) (string, error) {
	inquiry, err := one(ctx, r.pool, pgx.RowTo[string], sql("inquiry_of_event"), pgx.NamedArgs{"id": id})
	if err != nil && !errors.Is(err, leads.ErrNotFound) {
		return "", fmt.Errorf("find the call of event %s: %w", id, err)
	}
	return inquiry, err
}
