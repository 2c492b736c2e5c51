package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/pipeline"
)

// RawInquiry is the event an inquiry was made from, as it came.
type RawInquiry struct {
	InquiryID string
	Event     pipeline.Event
}

// envelope is an event without its data as JSON. Values are bytes (base64), since the outside world need not speak UTF-8.
type envelope struct {
	Context    map[string][]byte `json:"context"`
	Attributes map[string][]byte `json:"attributes,omitempty"`
}

func seal(e pipeline.Event) []byte {
	env := envelope{Context: map[string][]byte{}, Attributes: map[string][]byte{}}
	for _, a := range e.Context() {
		env.Context[a.Name] = []byte(a.Value)
	}
	for name, value := range e.Attributes {
		env.Attributes[name] = []byte(value)
	}
	b, _ := json.Marshal(env) // maps of bytes: cannot fail
	return b
}

func unseal(sealed, data []byte) (pipeline.Event, error) {
	var env envelope
	if err := json.Unmarshal(sealed, &env); err != nil {
		return pipeline.Event{}, fmt.Errorf("read the stored event: %w", err)
	}
	e := pipeline.Event{Data: data}
	for name, value := range env.Context {
		if err := e.SetContext(name, string(value)); err != nil {
			return e, fmt.Errorf("read the stored event: %w", err)
		}
	}
	for name, value := range env.Attributes {
		e.SetAttribute(name, string(value))
	}
	return e, nil
}

// FileRaw keeps events as they came, beside their inquiries, for replay and proof. What is kept already stays.
func (r *Repository) FileRaw(ctx context.Context, tx pgx.Tx, raw []RawInquiry) error {
	if len(raw) == 0 {
		return nil
	}
	raw = slices.SortedFunc(slices.Values(raw), func(a, b RawInquiry) int { return strings.Compare(a.InquiryID, b.InquiryID) })
	return exec(ctx, tx, "keep raw events", sql("file_raw"), pgx.NamedArgs{
		"ids":    col(raw, func(r RawInquiry) string { return r.InquiryID }),
		"events": col(raw, func(r RawInquiry) []byte { return seal(r.Event) }),
		"data":   col(raw, func(r RawInquiry) []byte { return append([]byte{}, r.Event.Data...) }),
		"refs":   col(raw, func(r RawInquiry) string { return text(r.Event.DataRef) }),
	})
}

// Raw gives the event an inquiry was made from, as long as it is kept.
func (r *Repository) Raw(ctx context.Context, id string) (pipeline.Event, error) {
	return r.raw(ctx, r.pool, id)
}

func (r *Repository) raw(ctx context.Context, db postgres.DB, id string) (pipeline.Event, error) {
	type row struct{ Event, Data []byte }
	found, err := one(ctx, db, pgx.RowToStructByPos[row], sql("raw"), pgx.NamedArgs{"id": id})
	if err != nil {
		return pipeline.Event{}, fmt.Errorf("the raw event of inquiry %s: %w", id, err)
	}
	return unseal(found.Event, found.Data)
}

// InquiryView is one inquiry and what became of it.
type InquiryView struct {
	leads.Inquiry
	Filed             Filed
	LeadID, ContactID int64
	Conflicts         int  // how often the same id came with other content
	HasRaw            bool // the event as it came is still kept
}

// Inquiry tells what became of an inquiry; id may be that of an event of a call. One that is still on its way is leads.ErrNotFound.
func (r *Repository) Inquiry(ctx context.Context, id string) (InquiryView, error) {
	view, err := r.inquiry(ctx, id)
	if !errors.Is(err, leads.ErrNotFound) {
		return view, err
	}
	if call, callErr := r.inquiryOfEvent(ctx, id); callErr == nil {
		return r.inquiry(ctx, call)
	}
	return view, err
}

func (r *Repository) inquiry(ctx context.Context, id string) (InquiryView, error) {
	view, err := one(ctx, r.pool, func(row pgx.CollectableRow) (InquiryView, error) {
		var s stored
		var v InquiryView
		f := &v.Filed
		err := row.Scan(append(s.fields(), &f.At, &v.LeadID, &v.ContactID, &f.Repeats, &f.Reason, &f.Fault, &f.Attempts, &v.Conflicts, &v.HasRaw)...)
		f.State, v.Inquiry = s.State, s.inquiry()
		return v, err
	}, inquirySQL("inquiry"), pgx.NamedArgs{"id": id})
	if err != nil {
		return view, fmt.Errorf("inquiry %s: %w", id, err)
	}
	return view, nil
}
