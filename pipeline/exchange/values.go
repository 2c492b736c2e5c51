package exchange

import (
	"context"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes/casework"
)

// ours reads an object as values. Beside the fields there is "phone=NUMBER" for every phone, and likewise for e-mails.
func (w work) ours(ctx context.Context, db postgres.DB) (map[string]string, error) {
	switch w.Kind {
	case connectors.MirrorLead:
		found, err := w.Leads.LeadContexts(ctx, db, []int64{w.ID})
		if err != nil {
			return nil, err
		}
		of, ok := found[w.ID]
		if !ok {
			return nil, fmt.Errorf("lead %d: %w", w.ID, leads.ErrNotFound)
		}
		people, err := w.Staff.Directory(ctx, db)
		if err != nil {
			return nil, err
		}
		owner, _ := people.Employee(of.Lead.OwnerID)
		return leadValues(of, owner.Login), nil
	case connectors.MirrorClient:
		c, err := w.Leads.ClientByID(ctx, db, w.ID)
		return map[string]string{"name": c.Name, "full_name": c.Name, "inn": c.INN, "kpp": c.KPP, "created": rfc3339(c.CreatedAt)}, err
	}
	c, err := w.Leads.ContactByID(ctx, db, w.ID)
	values := map[string]string{"name": c.Name, "created": rfc3339(c.CreatedAt)}
	addPoints(values, c)
	if values["name"] == "" {
		values["name"] = values["phone"] + values["email"]
	}
	return values, err
}

func leadValues(of repository.Context, owner string) map[string]string {
	l := of.Lead
	values := map[string]string{"name": of.Contact.Name, "title": l.Title, "company": of.Client.Name, "stage": l.Stage, "status": string(l.Status),
		"reason": l.LossReason, "source": l.Source, "owner": owner, "created": rfc3339(l.CreatedAt)}
	if values["name"] == "" {
		values["name"] = l.Title // their lists show nothing else
	}
	addPoints(values, of.Contact)
	if l.Status.Closed() {
		delete(values, "stage") // it shows an end there, which is the status's to say
	}
	return values
}

func addPoints(values map[string]string, c leads.Contact) {
	for field, kind := range map[string]leads.PointKind{"phone": leads.KindPhone, "email": leads.KindEmail} {
		values[field] = ""
		for _, v := range c.Values(kind) {
			if values[field] == "" {
				values[field] = v
			}
			values[field+"="+v] = "known"
		}
	}
}

// take gives our object values of theirs, if it still is as it was when they were compared.
func (w work) take(ctx context.Context, tx pgx.Tx, l link, seen, values map[string]string) error {
	if w.Kind == connectors.MirrorLead {
		if _, err := w.Leads.LockLeads(ctx, tx, []int64{w.ID}); err != nil {
			return err
		}
	}
	if _, err := readLink(ctx, tx, "lock", w.connection, w.Kind, l.Ref); err != nil {
		return fmt.Errorf("lock the link of %s %d: %w", w.Kind, w.ID, err)
	}
	now, err := w.ours(ctx, tx)
	if err != nil {
		return err
	}
	if !maps.Equal(now, seen) {
		return errAgain
	}
	switch w.Kind {
	case connectors.MirrorLead:
		return w.takeLead(ctx, tx, values)
	case connectors.MirrorClient:
		return w.Leads.SetClient(ctx, tx, w.Now(), w.ID, 0, repository.ClientChanges{Name: told(values, "name"), INN: told(values, "inn"), KPP: told(values, "kpp")})
	}
	return w.takeContact(ctx, tx, w.ID, values)
}

func told(values map[string]string, field string) *string {
	if v, ok := values[field]; ok {
		return &v
	}
	return nil
}

func (w work) takeLead(ctx context.Context, tx pgx.Tx, values map[string]string) error {
	f := casework.Followed{Lead: w.ID, From: w.connection, Owner: told(values, "owner"),
		Stage: values["stage"], Status: leads.Status(values["status"]), Reason: values["reason"],
		Changes: repository.Changes{Title: told(values, "title"), ContactName: told(values, "name"), ClientName: told(values, "company"), Source: told(values, "source")}}
	if err := w.Casework.Follow(ctx, tx, w.Now(), f); err != nil {
		return err
	}
	locked, err := w.Leads.LockLeads(ctx, tx, []int64{w.ID})
	if err != nil {
		return err
	}
	if contact := locked[w.ID].ContactID; contact != 0 {
		return w.takePoints(ctx, tx, contact, values)
	}
	return nil
}

func (w work) takeContact(ctx context.Context, tx pgx.Tx, contact int64, values map[string]string) error {
	if name := told(values, "name"); name != nil {
		if err := w.Leads.RenameContact(ctx, tx, w.Now(), contact, 0, *name); err != nil {
			return err
		}
	}
	return w.takePoints(ctx, tx, contact, values)
}

// takePoints adds a phone or an e-mail to a contact. One that is somebody else's stays there: whose it is, is for people to say.
func (w work) takePoints(ctx context.Context, tx pgx.Tx, contact int64, values map[string]string) error {
	for field, kind := range map[string]leads.PointKind{"phone": leads.KindPhone, "email": leads.KindEmail} {
		value := values[field]
		if value == "" {
			continue
		}
		added, err := w.Leads.AddPoint(ctx, tx, w.Now(), contact, 0, leads.ContactPoint{Kind: kind, Value: value, Written: value})
		if err != nil {
			return err
		}
		if !added {
			return &taken{field}
		}
	}
	return nil
}
