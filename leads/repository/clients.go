package repository

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// findClients decides for which client each inquiry is: by its INN, by a switchboard it
// came from, by a firm of that name its person works for; else the only client of the
// person. A firm that is named and not known is filed. Test inquiries make no clients.
func (c *capture) findClients(ctx context.Context) error {
	byINN, err := c.clientsByINN(ctx)
	if err != nil {
		return err
	}
	var unnamed []*item
	for _, it := range c.items {
		if it.in.State != leads.StateNew {
			continue
		}
		switch client, ok := c.clientOf(it, byINN); {
		case ok:
			it.client = client
			it.person.worksFor(client)
		case it.in.Company != "":
			it.client = &firm{name: it.in.Company}
			it.person.worksFor(it.client)
			unnamed = append(unnamed, it)
		case it.person != nil && len(it.person.clients) == 1:
			it.client = it.person.clients[0]
		}
	}
	return c.openUnnamed(ctx, unnamed)
}

func (c *capture) clientOf(it *item, byINN map[string]*firm) (*firm, bool) {
	if client, ok := byINN[it.in.INN]; ok {
		return client, true
	}
	for _, p := range it.points {
		if h := c.match.holders[p.ID()]; h.client != 0 {
			return &firm{id: h.client, known: true}, true
		}
	}
	if it.person != nil && it.in.Company != "" {
		return it.person.firmNamed(it.in.Company)
	}
	return nil, false
}

// worksFor notes a link between person and client, once.
func (p *person) worksFor(client *firm) {
	if p != nil && !slices.ContainsFunc(p.clients, func(f *firm) bool { return f == client || f.id != 0 && f.id == client.id }) {
		p.clients = append(p.clients, client)
	}
}

// clientsByINN finds the clients with the tax numbers of the batch, and files those that are new.
func (c *capture) clientsByINN(ctx context.Context) (map[string]*firm, error) {
	wanted := map[string]*item{}
	for _, it := range c.items {
		if it.in.State == leads.StateNew && leads.INN(it.in.INN) && wanted[it.in.INN] == nil {
			wanted[it.in.INN] = it
		}
	}
	found := make(map[string]*firm, len(wanted))
	if len(wanted) == 0 {
		return found, nil
	}
	inns := make([]string, 0, len(wanted))
	for inn := range wanted {
		inns = append(inns, inn)
	}
	slices.Sort(inns)
	if err := c.readFirms(ctx, found, true, sql("clients_by_inn"), pgx.NamedArgs{"inns": inns}); err != nil {
		return nil, err
	}
	inns = slices.DeleteFunc(inns, func(inn string) bool { return found[inn] != nil })
	if len(inns) == 0 {
		return found, nil
	}
	return found, c.readFirms(ctx, found, false, sql("open_clients"), pgx.NamedArgs{
		"kinds": col(inns, clientKind),
		"names": col(inns, func(inn string) string { return clientName(wanted[inn].in) }),
		"inns":  inns,
		"times": col(inns, func(inn string) time.Time { return wanted[inn].in.ReceivedAt }),
	})
}

func (c *capture) readFirms(ctx context.Context, into map[string]*firm, known bool, query string, args pgx.NamedArgs) error {
	rows, err := c.tx.Query(ctx, query, args)
	if err != nil {
		return err
	}
	var inn string
	f := firm{known: known}
	_, err = pgx.ForEachRow(rows, []any{&inn, &f.id, &f.name}, func() error {
		client := f
		into[inn] = &client
		return nil
	})
	return err
}

// clientKind goes by the length of the tax number: twelve digits are a person's.
func clientKind(inn string) string {
	if len(inn) == 12 {
		return "person"
	}
	return "company"
}

func clientName(in leads.Inquiry) string {
	if in.Company != "" {
		return in.Company
	}
	return "ИНН " + in.INN
}

// openUnnamed files the firms of which only the name is known.
func (c *capture) openUnnamed(ctx context.Context, items []*item) error {
	if len(items) == 0 {
		return nil
	}
	ids, err := takeIDs(ctx, c.tx, "client", len(items))
	if err != nil {
		return err
	}
	for i, it := range items {
		it.client.id = ids[i]
	}
	return exec(ctx, c.tx, "open clients", sql("open_unnamed_clients"), pgx.NamedArgs{
		"ids":   ids,
		"names": col(items, func(it *item) string { return it.client.name }),
		"times": col(items, func(it *item) time.Time { return it.in.ReceivedAt }),
	})
}

func takeIDs(ctx context.Context, tx pgx.Tx, of string, n int) ([]int64, error) {
	return all(ctx, tx, pgx.RowTo[int64], sql("take_ids"), pgx.NamedArgs{"of": of, "n": n})
}
