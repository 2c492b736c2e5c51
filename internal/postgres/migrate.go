package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the files that Migrate applies, in the order of their names.
func Migrations() fs.FS {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return files
}

// Migrate brings the database at url up to date. Several processes may do it at
// once: one works, the others wait for it and find nothing left to do.
func Migrate(ctx context.Context, url string) error {
	db, err := openForMigration(url)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := migrate(ctx, db, Migrations()); err != nil {
		return fmt.Errorf("bring the database up to date: %w", err)
	}
	return nil
}

func migrate(ctx context.Context, db *sql.DB, files fs.FS) error {
	// Asked every second for ten minutes: a migration of a large table takes that long.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// openForMigration goes through database/sql, which goose speaks. A migration
// may run for long, but must not queue behind a long transaction and block
// everybody behind itself.
func openForMigration(url string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the address of the database: %w", err)
	}
	config.RuntimeParams["application_name"] = "marshrut migrate"
	config.RuntimeParams["lock_timeout"] = "10s"
	config.RuntimeParams["statement_timeout"] = "0"
	return stdlib.OpenDB(*config), nil
}
