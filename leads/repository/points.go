package repository

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/leads"
)

// AddPoint gives a contact one more phone or e-mail; false when it is somebody else's already.
func (r *Repository) AddPoint(ctx context.Context, tx pgx.Tx, now time.Time, contact, by int64, p leads.ContactPoint) (bool, error) {
	owner, err := one(ctx, tx, pgx.RowTo[int64], sql("add_point"), pgx.NamedArgs{"now": now, "contact": contact, "kind": p.Kind, "value": p.Value, "written": text(p.Written)})
	if err != nil {
		return false, fmt.Errorf("give contact %d a point: %w", contact, err)
	}
	if owner != contact {
		return false, nil
	}
	return true, r.Journal(ctx, tx, []Entry{{At: now, Actor: by, Object: "contact:" + strconv.FormatInt(contact, 10),
		Action: "contact.changed", Data: map[string]string{string(p.Kind): p.Value}}})
}

// RenameContact gives a contact another name.
func (r *Repository) RenameContact(ctx context.Context, tx pgx.Tx, now time.Time, contact, by int64, name string) error {
	name = leads.Fold(text(name))
	old, err := one(ctx, tx, pgx.RowTo[string], sql("rename_contact"), pgx.NamedArgs{"id": contact, "name": name})
	if err != nil {
		return fmt.Errorf("rename contact %d: %w", contact, err)
	}
	return r.Journal(ctx, tx, []Entry{{At: now, Actor: by, Object: "contact:" + strconv.FormatInt(contact, 10),
		Action: "contact.changed", Data: map[string][2]string{"name": {old, name}}}})
}

// ClientChanges are new values of a client. What is nil stays.
type ClientChanges struct{ Name, INN, KPP *string }

// SetClient changes a client. A tax number that is none is leads.ErrInvalid.
func (r *Repository) SetClient(ctx context.Context, tx pgx.Tx, now time.Time, client, by int64, ch ClientChanges) error {
	if ch.INN != nil && *ch.INN != "" && !leads.INN(*ch.INN) {
		return fmt.Errorf("client %d: %q is no INN: %w", client, *ch.INN, leads.ErrInvalid)
	}
	err := exec(ctx, tx, fmt.Sprintf("change client %d", client), sql("set_client"), pgx.NamedArgs{"id": client, "name": ch.Name, "inn": ch.INN, "kpp": ch.KPP})
	if err != nil {
		return err
	}
	return r.Journal(ctx, tx, []Entry{{At: now, Actor: by, Object: "client:" + strconv.FormatInt(client, 10), Action: "client.changed", Data: ch}})
}

// ContactByID gives a contact with its points, over db.
func (r *Repository) ContactByID(ctx context.Context, db postgres.DB, id int64) (leads.Contact, error) {
	found := map[int64]leads.Contact{}
	b := &pgx.Batch{}
	queueContacts(b, found, []int64{id}, nil)
	return pick(ctx, db, b, found, id)
}

// ClientByID gives a client, over db.
func (r *Repository) ClientByID(ctx context.Context, db postgres.DB, id int64) (leads.Client, error) {
	found := map[int64]leads.Client{}
	b := &pgx.Batch{}
	queueClients(b, found, []int64{id}, nil)
	return pick(ctx, db, b, found, id)
}

func pick[T any](ctx context.Context, db postgres.DB, b *pgx.Batch, found map[int64]T, id int64) (T, error) {
	var none T
	if err := db.SendBatch(ctx, b).Close(); err != nil {
		return none, fmt.Errorf("read %T %d: %w", none, id, err)
	}
	one, ok := found[id]
	if !ok {
		return none, fmt.Errorf("%T %d: %w", none, id, leads.ErrNotFound)
	}
	return one, nil
}

// ClaimPoint gives a point to a contact, to a new one if contact is 0, and says to which. A point that is somebody
// else's already is leads.ErrConflict, unless contact is 0: then it stays whose it is.
func (r *Repository) ClaimPoint(ctx context.Context, tx pgx.Tx, now time.Time, p leads.ContactPoint, contact int64) (int64, error) {
	wanted := contact
	if contact == 0 {
		ids, err := takeIDs(ctx, tx, "contact", 1)
		if err != nil {
			return 0, err
		}
		wanted = ids[0]
	}
	var holds, client int64
	err := tx.QueryRow(ctx, sql("claim_point"), pgx.NamedArgs{"kind": p.Kind, "value": p.Value, "written": text(p.Written), "contact": wanted, "now": now}).Scan(&holds, &client)
	switch {
	case err != nil:
		return 0, fmt.Errorf("claim a contact point: %w", err)
	case client != 0, contact != 0 && holds != contact:
		return holds, fmt.Errorf("the number belongs to somebody else: %w", leads.ErrConflict)
	case holds == wanted && contact == 0:
		err = exec(ctx, tx, "open a contact", sql("open_contacts"), pgx.NamedArgs{"ids": []int64{wanted}, "names": []string{""}, "times": []time.Time{now}})
	}
	return holds, err
}

// SetLeadContact gives a lead of nobody known its person.
func (r *Repository) SetLeadContact(ctx context.Context, tx pgx.Tx, lead, contact int64) error {
	return exec(ctx, tx, "give the lead its contact", sql("set_lead_contact"), pgx.NamedArgs{"id": lead, "contact": contact})
}
