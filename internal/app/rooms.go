package app

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/staff"
	"marshrut/leads/repository"
	"marshrut/pipeline"
	"marshrut/pipeline/spool"
	"marshrut/processes"
	"marshrut/processes/casework"
)

// openRooms makes the rooms that stand on the database alone, and fills a fresh one.
func (a *App) openRooms(ctx context.Context) error {
	a.Staff = staff.New(a.database.people, staff.Options{})
	rules := casework.NewRules(a.database.work)
	a.Leads = repository.New(a.database.people, repository.Options{
		Funnel: rules.Funnel, Language: a.config.Company.Language, Outbox: a.outbox()})
	a.Casework = casework.New(a.database.work, a.Leads, rules, a.Staff, casework.Options{Now: a.now, Log: a.log,
		Processes: processes.Options{Metrics: processes.NewMetrics(a.registry), Deliver: a.enqueue}})
	if err := a.seed(ctx); err != nil {
		return err
	}
	return rules.Load(ctx)
}

// outbox tells outsiders about changes of leads, where there is a bus they can listen to.
func (a *App) outbox() func(context.Context, pgx.Tx, []pipeline.Event) error {
	if len(a.config.Kafka.Brokers) == 0 {
		return nil
	}
	return func(ctx context.Context, tx pgx.Tx, events []pipeline.Event) error {
		return spool.Append(ctx, tx, topicLeads, a.now(), events...)
	}
}

// Pool is the database as people use it: for the demo company, which sets itself up.
func (a *App) Pool() *pgxpool.Pool { return a.database.people }
