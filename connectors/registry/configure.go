package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
)

// Configured is a connection as a person or a file sets it up.
type Configured struct {
	Name, Connector, Provider string
	Title, Source             string
	// Token of the address; empty: the one there is, or a new one.
	Token string
	// RateLimit in inquiries a minute; 0 is 600.
	RateLimit int
	// Settings with the secrets among them. A secret left out keeps its value.
	Settings json.RawMessage
}

const (
	defaultRate = 600
	maxRate     = 1<<31 - 1 // an integer of PostgreSQL
)

// RateLimit reads how many inquiries a minute a person allows; nothing typed is 0, the usual limit.
func RateLimit(typed string) (int, error) {
	if typed = strings.TrimSpace(typed); typed == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(typed)
	if err != nil || n == 0 {
		n = -1
	}
	if err := checkRate(n); err != nil {
		return 0, connectors.Wrong("rate_limit", "«%s» не годится: нужно целое число обращений в минуту, от 1 до %d", "%q cannot be: a whole number of inquiries a minute is wanted, from 1 to %d", typed, maxRate)
	}
	return n, nil
}

func checkRate(n int) error {
	if n < 0 || n > maxRate {
		return connectors.Wrong("rate_limit", "%d: нужно целое число обращений в минуту, от 1 до %d", "is %d: a whole number of inquiries a minute is wanted, from 1 to %d", n, maxRate)
	}
	return nil
}

var nameShape = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// UpsertFile writes the connections of the configuration file. Every mistake is
// reported, each with its connection's name; then nothing is written.
func (r *Registry) UpsertFile(ctx context.Context, now time.Time, all []Configured) error {
	if err := r.checkAll(all); err != nil {
		return err
	}
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.Name
	}
	err := postgres.InTx(ctx, r.pool, func(tx pgx.Tx) error {
		for _, c := range all {
			if err := r.write(ctx, tx, now, c, true); err != nil {
				return fmt.Errorf("write connection %s: %w", c.Name, err)
			}
		}
		if _, err := tx.Exec(ctx, sql("release"), pgx.NamedArgs{"names": names, "now": now}); err != nil {
			return fmt.Errorf("release connections that left the file: %w", err)
		}
		return r.announce(ctx, tx)
	})
	if err != nil {
		return err
	}
	return r.Refresh(ctx)
}

// Create writes a connection that is new; ErrTaken when there is one of that name, decided by the database.
func (r *Registry) Create(ctx context.Context, now time.Time, c Configured) error {
	return r.save(ctx, now, c, func(tx pgx.Tx) error {
		if _, _, err := r.check(c, nil); err != nil {
			return err
		}
		// The row stands before it is written: of two who create the same name one waits here for the other, and is told.
		claimed, err := tx.Exec(ctx, "insert into connection (name, connector, provider, created_at, updated_at) values ($1, $2, $3, $4, $4) on conflict do nothing",
			c.Name, c.Connector, c.Provider, now)
		if err == nil && claimed.RowsAffected() == 0 {
			return ErrTaken
		}
		return err
	})
}

// Save writes a connection that is set up in the interface, over what there is of that name.
func (r *Registry) Save(ctx context.Context, now time.Time, c Configured) error {
	return r.save(ctx, now, c, func(tx pgx.Tx) error {
		fromConfig, err := lock(ctx, tx, c.Name)
		switch {
		case errors.Is(err, connectors.ErrUnknown):
			return nil
		case err == nil && fromConfig:
			return ErrReadOnly
		}
		return err
	})
}

func (r *Registry) save(ctx context.Context, now time.Time, c Configured, take func(pgx.Tx) error) error {
	err := postgres.InTx(ctx, r.pool, func(tx pgx.Tx) error {
		if err := take(tx); err != nil {
			return err
		}
		if err := r.write(ctx, tx, now, c, false); err != nil {
			return err
		}
		return r.announce(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("save connection %s: %w", c.Name, err)
	}
	return r.Refresh(ctx)
}

// Enable switches a connection on or off. One that is off answers like one that does not exist.
func (r *Registry) Enable(ctx context.Context, now time.Time, name string, on bool) error {
	err := postgres.InTx(ctx, r.pool, func(tx pgx.Tx) error {
		if _, err := lock(ctx, tx, name); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "update connection set enabled = $2, updated_at = $3 where name = $1", name, on, now); err != nil {
			return err
		}
		return r.announce(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("switch connection %s: %w", name, err)
	}
	return r.Refresh(ctx)
}

// lock takes the row of a connection, and tells whether the configuration file has the word on its settings.
func lock(ctx context.Context, tx pgx.Tx, name string) (fromConfig bool, err error) {
	err = tx.QueryRow(ctx, "select from_config from connection where name = $1 for update", name).Scan(&fromConfig)
	if errors.Is(err, pgx.ErrNoRows) {
		err = connectors.ErrUnknown
	}
	return fromConfig, err
}

// Check says what is wrong with connections of a configuration file, all of it, without a database.
func Check(providers []connectors.Provider, o Options, all []Configured) error {
	r := &Registry{providers: byName(providers), options: o}
	return r.checkAll(all)
}

func (r *Registry) checkAll(all []Configured) error {
	var mistakes []error
	for _, c := range all {
		if _, _, err := r.check(c, nil); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	return errors.Join(mistakes...)
}

// check says in words what is wrong with a connection, as Mistakes. kept are the secrets it has already.
func (r *Registry) check(c Configured, kept map[string]string) (json.RawMessage, map[string]string, error) {
	var wrong []error
	if !nameShape.MatchString(c.Name) {
		wrong = append(wrong, connectors.Wrong("name", "«%s»: имя стоит в адресе, в нём маленькие латинские буквы, цифры, - и _, не длиннее 63 знаков", "%q: the name is part of an address: small Latin letters, digits, - and _, no longer than 63", c.Name))
	}
	if c.Token != "" && len(c.Token) < 22 {
		wrong = append(wrong, connectors.Wrong("token", "знаков: %d, нужно не меньше 22: хороший даст `openssl rand -hex 16`", "has %d characters, fewer than 22: `openssl rand -hex 16` makes a good one", len(c.Token)))
	}
	if err := checkRate(c.RateLimit); err != nil {
		wrong = append(wrong, err)
	}
	settings, secrets, err := r.checkSettings(c, kept)
	if err != nil {
		wrong = append(wrong, err)
	}
	var told []error
	for _, m := range connectors.Mistakes(errors.Join(wrong...)) {
		told = append(told, fmt.Errorf("connection %s: %w", c.Name, m))
	}
	return settings, secrets, errors.Join(told...)
}

// checkSettings splits off the secrets and lets the provider look at both.
func (r *Registry) checkSettings(c Configured, kept map[string]string) (json.RawMessage, map[string]string, error) {
	p, ok := r.providers[c.Connector+"/"+c.Provider]
	if !ok {
		return nil, nil, connectors.Wrong("provider", "поставщика %s/%s нет, есть %s", "there is no provider %s/%s, there are %s", c.Connector, c.Provider, r.known(c.Connector))
	}
	settings, given, err := connectors.SplitSecrets(p.Settings, c.Settings)
	if err != nil {
		return nil, nil, err
	}
	secrets := maps.Clone(kept)
	if secrets == nil {
		secrets = map[string]string{}
	}
	maps.Copy(secrets, given)
	_, err = p.New(connectors.Connection{
		Name: c.Name, Connector: c.Connector, Provider: c.Provider, Source: c.Source, Region: r.options.Region,
		Language: r.options.Language, PublicURL: r.options.PublicURL, Settings: settings, Secrets: secrets,
	})
	if err != nil && len(connectors.Mistakes(err)) == 0 {
		err = connectors.Wrong("settings", "%s", "%s", err)
	}
	return settings, secrets, err
}

func (r *Registry) write(ctx context.Context, tx pgx.Tx, now time.Time, c Configured, fromFile bool) error {
	var before []byte
	err := tx.QueryRow(ctx, "select sealed from connection where name = $1", c.Name).Scan(&before)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read what there is: %w", err)
	}
	kept, sealErr := r.seal.openSecrets(c.Name, before)
	if fromFile {
		kept = nil // the file is the whole truth
	}
	settings, secrets, err := r.check(c, kept)
	if err != nil {
		return err
	}
	old, _ := r.seal.openSecrets(c.Name, before)
	changed := sealErr != nil || !maps.Equal(old, secrets)
	sealed, err := r.seal.sealSecrets(c.Name, secrets)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sql("upsert"), pgx.NamedArgs{
		"name": c.Name, "connector": c.Connector, "provider": c.Provider, "title": c.Title, "source": c.Source,
		"settings": settings, "sealed": sealed, "from_config": fromFile, "rate_limit": orRate(c.RateLimit),
		"now": now, "secrets_changed": changed,
	}); err != nil {
		return err
	}
	return r.ensureToken(ctx, tx, now, c, fromFile)
}

// ensureToken makes the token that was written the current one, or a new one for a
// connection without any. A token of the file that was replaced by Rotate stays
// replaced: it may have been given away.
func (r *Registry) ensureToken(ctx context.Context, tx pgx.Tx, now time.Time, c Configured, fromFile bool) error {
	if c.Token == "" {
		var any bool
		if err := tx.QueryRow(ctx, "select exists (select from connection_token where connection = $1)", c.Name).Scan(&any); err != nil {
			return fmt.Errorf("look for a token: %w", err)
		}
		if any {
			return nil
		}
		return r.setToken(ctx, tx, now, c.Name, newToken(), Overlap)
	}
	var expires *time.Time
	err := tx.QueryRow(ctx, "select expires_at from connection_token where connection = $1 and token_hash = $2", c.Name, hashToken(c.Token)).Scan(&expires)
	switch {
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("look for the token: %w", err)
	case err == nil && expires == nil:
		return nil
	case err == nil && fromFile:
		r.options.Log.Warn("the token in the configuration file was replaced by a newer one: write that one there", "connection", c.Name, "ends", expires)
		return nil
	}
	return r.setToken(ctx, tx, now, c.Name, c.Token, Overlap)
}

func orRate(n int) int {
	if n <= 0 {
		return defaultRate
	}
	return n
}

// known names the providers of a channel, of all channels where it has none.
func (r *Registry) known(connector string) string {
	var all, own []string
	for name := range r.providers {
		all = append(all, name)
		if strings.HasPrefix(name, connector+"/") {
			own = append(own, name)
		}
	}
	if len(own) > 0 {
		all = own
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
