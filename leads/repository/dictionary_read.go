package repository

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/leads"
)

// Dictionary gives all dictionaries in one round trip over the connection of the caller, who may stand in a transaction.
func (r *Repository) Dictionary(ctx context.Context, db postgres.DB) (Dictionaries, error) {
	var d Dictionaries
	b := &pgx.Batch{}
	b.Queue(sql("stages")).Query(func(rows pgx.Rows) (err error) {
		d.Funnels, err = collectFunnels(rows)
		return err
	})
	b.Queue(sql("loss_reasons")).Query(func(rows pgx.Rows) (err error) {
		d.Reasons, err = pgx.CollectRows(rows, pgx.RowToStructByPos[leads.LossReason])
		return err
	})
	b.Queue(sql("sources")).Query(func(rows pgx.Rows) (err error) {
		d.Sources, err = pgx.CollectRows(rows, pgx.RowToStructByPos[leads.Source])
		return err
	})
	b.Queue(sql("own_fields")).Query(func(rows pgx.Rows) (err error) {
		d.OwnFields, err = pgx.CollectRows(rows, pgx.RowToStructByPos[leads.OwnField])
		return err
	})
	if err := db.SendBatch(ctx, b).Close(); err != nil {
		return d, fmt.Errorf("read the dictionaries: %w", err)
	}
	return d, nil
}
