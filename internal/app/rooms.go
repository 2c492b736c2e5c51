package app

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/staff"
	"marshrut/leads/repository"
	"marshrut/pipeline"
	"marshrut/pipeline/exchange"
	"marshrut/pipeline/spool"
	"marshrut/processes"
	"marshrut/processes/casework"
)

// openRooms makes the rooms that stand on the database alone, and fills a fresh one.
func (a *App) openRooms(ctx context.Context) error {
	a.Staff = staff.New(a.database.people, staff.Options{})
	rules := casework.NewRules(a.database.work)
	a.Leads = repository.New(a.database.people, repository.Options{
		Funnel: rules.Funnel, Language: a.config.Company.Language, Outbox: a.outbox, Listens: a.listens})
	a.Casework = casework.New(a.database.work, a.Leads, rules, a.Staff, casework.Options{Now: a.now, Log: a.log, LedElsewhere: a.ledElsewhere,
		Processes: processes.Options{Metrics: processes.NewMetrics(a.registry), Deliver: a.enqueue, Done: a.done}})
	a.exchange = exchange.New(exchange.Options{Pool: a.database.work, Language: a.config.Company.Language, Leads: a.Leads, Casework: a.Casework, Staff: a.Staff, Now: a.now,
		Connections: a.connections})
	return patiently(ctx, a.log, func() error {
		if err := a.seed(ctx); err != nil {
			return err
		}
		return rules.Load(ctx)
	})
}

// outbox tells of changes of leads: systems that hold them as well, and outsiders where there is a bus they can listen to.
func (a *App) outbox(ctx context.Context, tx pgx.Tx, events []pipeline.Event) error {
	if err := a.exchange.Changed(ctx, tx, events[0].Time, events); err != nil {
		return err
	}
	if len(a.config.Kafka.Brokers) == 0 {
		return nil
	}
	return spool.Append(ctx, tx, topicLeads, a.now(), events...)
}

// listens says whether anybody wants to be told.
func (a *App) listens() bool { return len(a.config.Kafka.Brokers) > 0 || a.exchange.Listens() }

func (a *App) ledElsewhere() (string, bool) { return a.exchange.LedElsewhere() }

func (a *App) done(ctx context.Context, tx pgx.Tx, now time.Time, done []processes.DoneTask) error {
	return a.exchange.Done(ctx, tx, now, done)
}

// connections are known only once they were read, after the rooms were made.
func (a *App) connections() exchange.Connections {
	if a.Connections == nil {
		return nil
	}
	return a.Connections
}

// Beside runs work of the caller under the supervisor: it is started again when it fails, and ended with the gateway's own.
func (a *App) Beside(name string, work func(context.Context) error) { a.work.start(name, work) }

// Pool is the database as people use it: for the demo company, which sets itself up.
func (a *App) Pool() *pgxpool.Pool { return a.database.people }
