package exchange

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
)

const (
	sweepEvery = 15 * time.Second
	sweepLimit = 200
)

// Run looks now and then for open leads that a system does not hold yet: those that were there before it was connected, and those of a
// moment in which a process had not heard of the connection. It ends with ctx.
func (x *Exchange) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := x.Sweep(ctx); err != nil && ctx.Err() == nil && postgres.Classify(err) != postgres.Away {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep sends out open leads that are not linked, a part of them at a time.
func (x *Exchange) Sweep(ctx context.Context) error {
	for name, m := range x.mirrors() {
		if len(m.Terms().Fields[connectors.MirrorLead]) == 0 {
			continue
		}
		err := postgres.InTx(ctx, x.Pool, func(tx pgx.Tx) error { return x.sweep(ctx, tx, name, m) })
		if err != nil {
			return fmt.Errorf("look for leads that %s does not hold: %w", name, err)
		}
	}
	return nil
}

func (x *Exchange) sweep(ctx context.Context, tx pgx.Tx, name string, m connectors.Mirror) error {
	rows, err := tx.Query(ctx, sql("unlinked"), pgx.NamedArgs{"connection": name, "limit": sweepLimit})
	if err != nil {
		return err
	}
	var orders []order
	var t touched
	if _, err := pgx.ForEachRow(rows, []any{&t.Lead, &t.Contact, &t.Client, &t.Connection, &t.Status}, func() error {
		t.cause = "sweep"
		orders = append(orders, t.orders(name, m)...)
		return nil
	}); err != nil {
		return err
	}
	return x.place(ctx, tx, x.Now(), orders, true)
}
