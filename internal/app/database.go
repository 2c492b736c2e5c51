package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/configs"
	"marshrut/internal/localpg"
	"marshrut/internal/postgres"
)

// databaseName is that of the private cluster.
const databaseName = "marshrut"

// database is PostgreSQL as the parts of the gateway use it: pools apart, so that a report cannot starve the intake.
type database struct {
	url     string
	private *localpg.Server // nil: it is somebody else's
	intake  *pgxpool.Pool   // edge and intake
	work    *pgxpool.Pool   // processes, timers, deliveries
	people  *pgxpool.Pool   // pages, API, reports
}

// openDatabase reaches PostgreSQL, starting the private one if none is configured, and brings it up to date. It goes on
// trying until ctx ends: at the start of a whole installation the database may come last.
func openDatabase(ctx context.Context, c configs.Config, log *slog.Logger) (*database, error) {
	d := &database{url: c.Database.URL.Reveal()}
	if d.url == "" {
		if err := d.startPrivate(ctx, c.DataDir, log); err != nil {
			return nil, err
		}
	}
	return d, d.open(ctx, c, log)
}

// openDatabaseBeside is openDatabase for an errand: a private server that a running gateway holds is shared.
func openDatabaseBeside(ctx context.Context, c configs.Config, log *slog.Logger) (*database, error) {
	d, err := openDatabase(ctx, c, log)
	if !errors.Is(err, localpg.ErrInUse) {
		return d, err
	}
	d = &database{}
	if d.url, err = localpg.Address(c.DataDir, databaseName); err != nil {
		return nil, err
	}
	return d, d.open(ctx, c, log)
}

func (d *database) open(ctx context.Context, c configs.Config, log *slog.Logger) error {
	if err := patiently(ctx, log, func() error { return d.connect(ctx, c.Database.MaxConns) }); err != nil {
		return errors.Join(err, d.close(context.WithoutCancel(ctx)))
	}
	return nil
}

func (d *database) startPrivate(ctx context.Context, dir string, log *slog.Logger) error {
	server, err := localpg.Start(ctx, localpg.Config{Dir: dir, Log: log})
	if err != nil {
		return err
	}
	d.private = server
	if err := server.CreateDatabase(ctx, databaseName); err != nil {
		return errors.Join(err, server.Stop(context.WithoutCancel(ctx)))
	}
	d.url = server.URL(databaseName)
	return nil
}

func (d *database) connect(ctx context.Context, maxConns int) (err error) {
	if err := postgres.Migrate(ctx, d.url); err != nil {
		return err
	}
	open := func(share int, o postgres.Options) (*pgxpool.Pool, error) {
		o.MaxConns = int32(max(2, maxConns*share/10))
		return postgres.Open(ctx, d.url, o)
	}
	if d.intake, err = open(4, postgres.Options{Application: "marshrut-intake", ByKey: true}); err != nil {
		return err
	}
	if d.work, err = open(3, postgres.Options{Application: "marshrut-work", ByKey: true}); err == nil {
		d.people, err = open(3, postgres.Options{Application: "marshrut-people", StatementTimeout: 2 * time.Minute})
	}
	if err != nil {
		d.closePools()
	}
	return err
}

// patiently repeats what fails because the other side is away; any other error is final.
func patiently(ctx context.Context, log *slog.Logger, try func() error) error {
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := try()
		if err == nil || postgres.Classify(err) != postgres.Away {
			return err
		}
		log.Warn("PostgreSQL does not answer, trying again", "error", err, "pause", pause.String())
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("reach PostgreSQL: %w", err)
		}
	}
}

func (d *database) closePools() {
	for _, pool := range []*pgxpool.Pool{d.people, d.work, d.intake} {
		if pool != nil {
			pool.Close()
		}
	}
}

func (d *database) close(ctx context.Context) error {
	d.closePools()
	if d.private != nil {
		return d.private.Stop(ctx)
	}
	return nil
}

func (d *database) ping(ctx context.Context) error { return d.intake.Ping(ctx) }
