package repository

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// setPeople changes the names behind a lead: its contact's and its client's. A tax number
// finds the client that has it, or makes one. What changed is added to diff.
func (r *Repository) setPeople(ctx context.Context, tx pgx.Tx, now time.Time, l *leads.Lead, ch Changes, diff map[string][2]any) error {
	if ch.ContactName != nil {
		if err := r.setContactName(ctx, tx, l, leads.Fold(text(*ch.ContactName)), diff); err != nil {
			return err
		}
	}
	if ch.ClientName == nil && ch.INN == nil {
		return nil
	}
	inn, name := "", ""
	if ch.INN != nil {
		inn = leads.Fold(text(*ch.INN))
	}
	if ch.ClientName != nil {
		name = leads.Fold(text(*ch.ClientName))
	}
	if inn != "" && !leads.INN(inn) {
		return leads.NotValid("«%s» — не ИНН", "%q is no INN", inn)
	}
	return r.setClient(ctx, tx, now, l, name, inn, diff)
}

func (r *Repository) setContactName(ctx context.Context, tx pgx.Tx, l *leads.Lead, name string, diff map[string][2]any) error {
	if l.ContactID == 0 {
		return fmt.Errorf("the lead has no contact to name: %w", leads.ErrConflict)
	}
	old, err := one(ctx, tx, pgx.RowTo[string], sql("rename_contact"), pgx.NamedArgs{"id": l.ContactID, "name": name})
	if err == nil && old != name {
		diff["contact.name"] = [2]any{old, name}
	}
	return err
}

// taxpayer is a client while it is being changed.
type taxpayer struct {
	ID        int64
	Name, INN string
}

// setClient names the client of the lead, or gives it the one with the tax number.
func (r *Repository) setClient(ctx context.Context, tx pgx.Tx, now time.Time, l *leads.Lead, name, inn string, diff map[string][2]any) error {
	if inn == "" && name == "" {
		return nil
	}
	found, err := all(ctx, tx, pgx.RowToStructByPos[taxpayer], sql("clients_like"), pgx.NamedArgs{"id": l.ClientID, "inn": inn})
	if err != nil {
		return fmt.Errorf("find client: %w", err)
	}
	old, next := chooseClient(found, l.ClientID, name, inn)
	if next == old {
		return nil
	}
	if next.ID == 0 {
		next.ID, err = one(ctx, tx, pgx.RowTo[int64], sql("add_client"), pgx.NamedArgs{"now": now, "kind": clientKind(inn), "name": next.Name, "inn": inn})
	} else {
		err = exec(ctx, tx, "write client", sql("update_client"), pgx.NamedArgs{"id": next.ID, "name": next.Name, "inn": next.INN})
	}
	if err != nil {
		return err
	}
	for field, pair := range map[string][2]any{"client": {old.ID, next.ID}, "client.name": {old.Name, next.Name}, "client.inn": {old.INN, next.INN}} {
		if pair[0] != pair[1] {
			diff[field] = pair
		}
	}
	l.ClientID = next.ID
	if l.ContactID == 0 {
		return nil
	}
	return exec(ctx, tx, "link client", sql("link_clients"), pgx.NamedArgs{"contacts": []int64{l.ContactID}, "clients": []int64{next.ID}})
}

// chooseClient picks, out of the lead's client and the one with the tax number, which the lead gets
// and what it is called then; an id of 0 is a new one. A client never gets another's tax number:
// another number is another client.
func chooseClient(found []taxpayer, current int64, name, inn string) (old, next taxpayer) {
	for _, c := range found {
		if c.ID == current {
			old = c
		}
	}
	next = old
	if inn != "" && old.INN != inn {
		next = taxpayer{INN: inn}
		if old.INN == "" {
			next = taxpayer{old.ID, old.Name, inn}
		}
		for _, c := range slices.Backward(found) {
			if c.INN == inn {
				next = c
			}
		}
	}
	if name != "" {
		next.Name = name
	}
	if next.Name == "" {
		next.Name = "ИНН " + inn
	}
	return old, next
}
