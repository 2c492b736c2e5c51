package app

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"marshrut/configs"
	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/leads/repository"
)

// seed gives a fresh database what the standard route maps speak of: roles, working hours, funnels, reasons, sources, the
// maps themselves and the rules that start them. What is there already is the company's, and is left alone.
func (a *App) seed(ctx context.Context) error {
	people := staff.StandardDefaults(a.config.Company.Timezone)
	err := postgres.InTx(ctx, a.database.work, func(tx pgx.Tx) error {
		if err := a.Staff.Seed(ctx, tx, people); err != nil {
			return err
		}
		fresh, err := isFresh(ctx, tx)
		if err != nil || !fresh {
			return err
		}
		return a.Leads.Seed(ctx, tx, repository.StandardDictionaries())
	})
	if err != nil {
		return fmt.Errorf("fill the dictionaries: %w", err)
	}
	if err := a.Casework.Processes().SeedDefinitions(ctx, shipped()); err != nil {
		return err
	}
	return postgres.InTx(ctx, a.database.work, func(tx pgx.Tx) error {
		if err := alone(ctx, tx); err != nil {
			return err
		}
		return a.Casework.SeedRules(ctx, tx)
	})
}

// alone keeps two processes that start at once from both filling a fresh database.
func alone(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('marshrut.seed', 0))`)
	return err
}

// isFresh tells a database that nobody has set up yet.
func isFresh(ctx context.Context, tx pgx.Tx) (fresh bool, err error) {
	if err := alone(ctx, tx); err != nil {
		return false, err
	}
	err = tx.QueryRow(ctx, `select not exists (select from funnel)`).Scan(&fresh)
	return fresh, err
}

// configured are the connections of the file as the registry takes them.
func configured(c configs.Config) []registryConnection {
	list := make([]registryConnection, len(c.Connections))
	for i, k := range c.Connections {
		list[i] = registryConnection{Name: k.Name, Connector: k.Connector, Provider: k.Provider, Title: k.Title, Source: k.Source,
			Token: k.Token.Reveal(), RateLimit: k.RateLimit, Settings: k.Raw}
	}
	return list
}
