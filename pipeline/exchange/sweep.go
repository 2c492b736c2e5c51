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
// moment in which a process had not heard of the connection. Where it leads the processes, what runs here about its leads ends. It
// ends with ctx.
func (x *Exchange) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := x.sweep(ctx); err != nil && ctx.Err() == nil && postgres.Classify(err) != postgres.Away {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sweep sends out open leads that are not linked, and hands over what runs here about those led elsewhere, a part of them at a time.
func (x *Exchange) sweep(ctx context.Context) error {
	for name, m := range x.mirrors() {
		if len(m.Terms().Fields[connectors.MirrorLead]) == 0 {
			continue
		}
		err := postgres.InTx(ctx, x.Pool, func(tx pgx.Tx) error { return x.sendMissing(ctx, tx, name, m) })
		if err != nil {
			return fmt.Errorf("look for leads that %s does not hold: %w", name, err)
		}
		if !m.Terms().Elsewhere {
			continue
		}
		if err := x.handOver(ctx, name); err != nil {
			return fmt.Errorf("hand processes over to %s: %w", name, err)
		}
	}
	return nil
}

// handOver ends the processes of leads that a system holds and leads: they began here before it did, and nobody shall have two lists of
// tasks for one lead.
func (x *Exchange) handOver(ctx context.Context, name string) error {
	rows, _ := x.Pool.Query(ctx, sql("led_here"), pgx.NamedArgs{"connection": name, "limit": sweepLimit})
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	for _, lead := range ids {
		err := postgres.InTx(ctx, x.Pool, func(tx pgx.Tx) error { return x.Casework.HandOver(ctx, tx, x.Now(), lead, name) })
		if err != nil {
			return fmt.Errorf("lead %d: %w", lead, err)
		}
	}
	return nil
}

func (x *Exchange) sendMissing(ctx context.Context, tx pgx.Tx, name string, m connectors.Mirror) error {
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
