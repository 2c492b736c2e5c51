package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/configs"
	"marshrut/connectors"
	"marshrut/connectors/catalog"
	"marshrut/connectors/registry"
	"marshrut/internal/blobs"
	"marshrut/internal/staff"
	"marshrut/leads/repository"
	"marshrut/pipeline/intake"
	"marshrut/processes/casework"
)

// Tools are the rooms without servers and background work, for an operator's errand. They work beside running gateways.
type Tools struct {
	Config      configs.Config
	Pool        *pgxpool.Pool
	Staff       *staff.Staff
	Leads       *repository.Repository
	Casework    *casework.Casework
	Connections *registry.Registry
	Intake      *intake.Intake
	Files       blobs.Store

	takeOver func(context.Context) error
	close    func()
}

// Open reaches the database of c, starting the private one for as long as the errand takes if no gateway runs on it, and
// brings it up to date.
func Open(ctx context.Context, c configs.Config) (*Tools, error) {
	a := &App{config: c, now: time.Now, log: slog.New(slog.NewTextHandler(io.Discard, nil)), registry: newMetricsRegistry("")}
	t := &Tools{Config: c, takeOver: a.takeOver, close: func() {
		if err := a.Stop(context.WithoutCancel(ctx)); err != nil {
			slog.Error("the errand's end", "error", err)
		}
	}}
	err := a.openErrand(ctx)
	if err != nil {
		t.close()
		return nil, err
	}
	t.Pool, t.Staff, t.Leads, t.Casework, t.Connections, t.Files = a.database.people, a.Staff, a.Leads, a.Casework, a.Connections, a.blobs
	t.Intake = intake.New(intake.Options{Pool: a.database.intake, Connections: a.Connections, Repository: a.Leads, Casework: a.Casework, Exchange: a.exchange, Fetch: a.blobs.Open, Language: c.Company.Language, Now: a.now, Log: a.log})
	return t, nil
}

func (a *App) openErrand(ctx context.Context) (err error) {
	if a.database, err = openDatabaseBeside(ctx, a.config, a.log); err != nil {
		return err
	}
	a.onStop("PostgreSQL", a.database.close)
	if a.blobs, err = blobs.Open(a.config.Blobs.URL.Reveal(), a.config.DataDir); err != nil {
		return fmt.Errorf("open the store of files: %w", err)
	}
	if err := a.openRooms(ctx); err != nil {
		return err
	}
	return a.openConnections(ctx)
}

// TakeOver writes the connections of the settings, as a gateway does when it starts. Only who works on connections asks for it:
// an errand of another kind, run with other settings, must not change what a gateway works with.
func (t *Tools) TakeOver(ctx context.Context) error { return t.takeOver(ctx) }

// Close ends the errand.
func (t *Tools) Close() { t.close() }

// CheckConnections tries the connections of the settings against their providers, without a database. Of name and token,
// whose mistakes configs knows itself, it is silent.
func CheckConnections(c configs.Config) error {
	var told []error
	for i, k := range configured(c) {
		err := registry.Check(catalog.All(), registryOptions(c, time.Now, slog.Default()), []registryConnection{k})
		for _, m := range connectors.Mistakes(err) {
			if m.Key != "name" && m.Key != "token" && (k.Connector != "" && k.Provider != "") {
				told = append(told, fmt.Errorf("%s: %s", c.Connections[i].Place(m.Key), m.Words.In("en")))
			}
		}
	}
	return errors.Join(told...)
}
