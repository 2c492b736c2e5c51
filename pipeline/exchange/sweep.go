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
// moment in which a process had not heard of the connection. Where it leads the processes, what runs here about its leads ends, and where
// it does so no more they start. It ends with ctx.
func (x *Exchange) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	takenBack := map[string]connectors.Mirror{}
	for {
		if err := x.sweep(ctx, takenBack); err != nil && ctx.Err() == nil && postgres.Classify(err) != postgres.Away {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sweep sends out open leads that are not linked, ends what runs here about those led elsewhere, so that nobody has two lists of tasks for
// one lead, and starts what a system leads no more, so that nobody has none: a part of them at a time. takenBack are the systems of which
// nothing is left to be taken back.
func (x *Exchange) sweep(ctx context.Context, takenBack map[string]connectors.Mirror) error {
	for name, m := range x.mirrors() {
		if len(m.Terms().Fields[connectors.MirrorLead]) == 0 {
			continue
		}
		err := postgres.InTx(ctx, x.Pool, func(tx pgx.Tx) error { return x.sendMissing(ctx, tx, name, m) })
		if err != nil {
			return fmt.Errorf("look for leads that %s does not hold: %w", name, err)
		}
		if m.Terms().Elsewhere {
			delete(takenBack, name)
			if _, err := x.each(ctx, "led_here", name, func(tx pgx.Tx, lead int64) error { return x.Casework.HandOver(ctx, tx, x.Now(), lead, name) }); err != nil {
				return fmt.Errorf("hand processes over to %s: %w", name, err)
			}
			continue
		}
		if takenBack[name] == m {
			continue
		}
		n, err := x.each(ctx, "led_nowhere", name, func(tx pgx.Tx, lead int64) error { return x.Casework.TakeBack(ctx, tx, lead) })
		if err != nil {
			return fmt.Errorf("take processes back from %s: %w", name, err)
		}
		if n < sweepLimit {
			takenBack[name] = m
		}
	}
	return nil
}

// each does something about each lead that a statement finds of a connection, sweepLimit of them at most, and tells how many there were.
func (x *Exchange) each(ctx context.Context, statement, connection string, do func(tx pgx.Tx, lead int64) error) (int, error) {
	rows, _ := x.Pool.Query(ctx, sql(statement), pgx.NamedArgs{"connection": connection, "limit": sweepLimit})
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return 0, err
	}
	for _, lead := range ids {
		if err := postgres.InTx(ctx, x.Pool, func(tx pgx.Tx) error { return do(tx, lead) }); err != nil {
			return 0, fmt.Errorf("lead %d: %w", lead, err)
		}
	}
	return len(ids), nil
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
