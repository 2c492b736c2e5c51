package postgrestest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
)

const (
	testPrefix     = "marshrut_test_"
	templatePrefix = "marshrut_template_"
	templateLock   = 7_223_101 // advisory lock: one process makes a template, the others wait
	templatesKept  = 6         // other working copies have templates of their own
)

var (
	templateOnce sync.Once
	templateName string
	templateErr  error
)

// templates gives the name of the database that tests copy: migrated once for
// each state of the migrations, and kept.
func templates(server string) (string, error) {
	templateOnce.Do(func() {
		templateName, templateErr = template(server)
	})
	return templateName, templateErr
}

func template(server string) (string, error) {
	sum, err := hash(postgres.Migrations())
	if err != nil {
		return "", err
	}
	name := templatePrefix + sum
	err = admin(server, func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", templateLock); err != nil {
			return err
		}
		if err := sweep(ctx, conn); err != nil {
			return err
		}
		var there bool
		if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&there); err != nil || there {
			return err
		}
		return makeTemplate(ctx, conn, server, name)
	})
	if err != nil {
		return "", fmt.Errorf("make the template database: %w", err)
	}
	return name, nil
}

// makeTemplate migrates under another name, so that a template that exists is whole.
func makeTemplate(ctx context.Context, conn *pgx.Conn, server, name string) error {
	draft := testPrefix + strconv.Itoa(os.Getpid()) + "_template"
	if _, err := conn.Exec(ctx, "create database "+quote(draft)+" template template0 encoding 'UTF8'"); err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, withDatabase(server, draft)); err != nil {
		_, _ = conn.Exec(ctx, "drop database "+quote(draft)+" with (force)") // the migration's error is the one to tell
		return err
	}
	for _, statement := range []string{
		"alter database " + quote(draft) + " allow_connections false",
		"alter database " + quote(draft) + " rename to " + quote(name),
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// sweep drops what killed test processes and older migrations left behind.
func sweep(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, "select datname from pg_database where datname like $1 or datname like $2 order by oid desc",
		testPrefix+"%", templatePrefix+"%")
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	kept := 0
	for _, name := range names {
		if strings.HasPrefix(name, templatePrefix) {
			if kept++; kept <= templatesKept {
				continue
			}
		} else if ownerLives(name) {
			continue
		}
		// A template that another process copies this very moment is left for next time.
		if _, err := conn.Exec(ctx, "drop database if exists "+quote(name)); err != nil {
			continue
		}
	}
	return nil
}

// ownerLives reads the process id out of the name of a test database.
func ownerLives(name string) bool {
	digits, _, _ := strings.Cut(strings.TrimPrefix(name, testPrefix), "_")
	pid, err := strconv.Atoi(digits)
	return err == nil && syscall.Kill(pid, 0) != syscall.ESRCH
}

func hash(files fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		fmt.Fprintf(sum, "%d %s %d ", len(path), path, len(text))
		sum.Write(text)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the migrations: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}
