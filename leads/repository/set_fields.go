package repository

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// SetFields gives fields of a lead and of the people behind it new values. Changes.Version
// that is not 0 must be the lead's, else it is leads.ErrStale and nothing changes. The
// journal keeps what each field was and what it became. The caller holds the lock.
func (r *Repository) SetFields(ctx context.Context, tx pgx.Tx, now time.Time, lead, by int64, ch Changes) error {
	if err := r.setFields(ctx, tx, now, lead, by, ch); err != nil {
		return fmt.Errorf("change lead %d: %w", lead, err)
	}
	return nil
}

func (r *Repository) setFields(ctx context.Context, tx pgx.Tx, now time.Time, id, by int64, ch Changes) error {
	locked, err := r.LockLeads(ctx, tx, []int64{id})
	if err != nil {
		return err
	}
	old, ok := locked[id]
	if !ok {
		return leads.ErrNotFound
	}
	if ch.Version != 0 && ch.Version != old.Version {
		return fmt.Errorf("version %d, now %d: %w", ch.Version, old.Version, leads.ErrStale)
	}
	if err := r.checkFields(ctx, tx, ch.Fields); err != nil {
		return err
	}
	l := ch.apply(old)
	if l.Amount != nil && !l.Amount.Money() {
		return leads.NotValid("В сумме %s есть доли копейки", "Amount %s has fractions of a kopeck", l.Amount)
	}
	diff := difference(old, l)
	if err := r.setPeople(ctx, tx, now, &l, ch, diff); err != nil {
		return err
	}
	if len(diff) == 0 {
		return nil
	}
	if err := r.writeFields(ctx, tx, now, by, l, diff); err != nil {
		return err
	}
	l.Version++
	return r.publish(ctx, tx, now, "fields", []leads.Lead{l})
}

func (r *Repository) writeFields(ctx context.Context, tx pgx.Tx, now time.Time, by int64, l leads.Lead, diff map[string][2]any) error {
	b := &pgx.Batch{}
	b.Queue(sql("set_lead"), pgx.NamedArgs{"id": l.ID, "now": now, "title": l.Title, "amount": amountText(l.Amount), "currency": l.Currency,
		"items": list(l.Items), "probability": l.Probability, "expected_close": l.ExpectedClose, "source": l.Source, "product": l.Product,
		"city": l.City, "priority": l.Priority, "helpers": append([]int64{}, l.Helpers...), "fields": dictionary(l.Fields), "client": l.ClientID})
	if _, changed := diff["amount"]; changed {
		b.Queue(sql("add_amount"), pgx.NamedArgs{"lead": l.ID, "now": now, "amount": amountText(l.Amount), "by": by})
	}
	b.Queue(sql("add_journal"), journalArgs([]Entry{leadEntry(now, by, l.ID, "lead.changed", diff)}))
	return tx.SendBatch(ctx, b).Close()
}

// checkFields says which own field does not exist or cannot hold its value.
func (r *Repository) checkFields(ctx context.Context, tx pgx.Tx, fields map[string]string) error {
	if len(fields) == 0 {
		return nil
	}
	known, err := ownFields(ctx, tx)
	if err != nil {
		return err
	}
	byKey := map[string]leads.OwnField{}
	for _, f := range known {
		byKey[f.Key] = f
	}
	for key, value := range fields {
		f, ok := byKey[key]
		if !ok {
			return leads.NotValid("Поля «%s» нет", "There is no own field %q", key)
		}
		if err := f.Check(value); err != nil {
			return err
		}
	}
	return nil
}

// apply gives the lead with its new values.
func (ch Changes) apply(l leads.Lead) leads.Lead {
	for field, value := range map[*string]*string{&l.Title: ch.Title, &l.Currency: ch.Currency, &l.Source: ch.Source,
		&l.Product: ch.Product, &l.City: ch.City} {
		if value != nil {
			*field = strings.TrimSpace(text(*value))
		}
	}
	set(&l.Items, ch.Items)
	set(&l.Probability, ch.Probability)
	set(&l.Priority, ch.Priority)
	set(&l.Helpers, ch.Helpers)
	if ch.Amount != nil || ch.NoAmount {
		l.Amount = ch.Amount
	}
	if ch.ExpectedClose != nil || ch.NoExpected {
		l.ExpectedClose = ch.ExpectedClose
	}
	l.Fields = maps.Clone(l.Fields)
	for key, value := range ch.Fields {
		if l.Fields == nil {
			l.Fields = map[string]string{}
		}
		l.Fields[key] = text(value)
		if value == "" {
			delete(l.Fields, key)
		}
	}
	return l
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// difference tells, per field, what was and what is.
func difference(old, now leads.Lead) map[string][2]any {
	out := map[string][2]any{}
	for field, pair := range map[string][2]any{
		"title": {old.Title, now.Title}, "currency": {old.Currency, now.Currency}, "source": {old.Source, now.Source},
		"product": {old.Product, now.Product}, "city": {old.City, now.City}, "items": {old.Items, now.Items},
		"probability": {old.Probability, now.Probability}, "priority": {old.Priority, now.Priority}, "helpers": {old.Helpers, now.Helpers},
		"amount": {amountText(old.Amount), amountText(now.Amount)}, "expected_close": {date(old.ExpectedClose), date(now.ExpectedClose)},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			out[field] = pair
		}
	}
	for key := range now.Fields {
		if old.Fields[key] != now.Fields[key] {
			out["fields."+key] = [2]any{old.Fields[key], now.Fields[key]}
		}
	}
	for key := range old.Fields {
		if _, stays := now.Fields[key]; !stays {
			out["fields."+key] = [2]any{old.Fields[key], ""}
		}
	}
	return out
}

func date(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.DateOnly)
}
