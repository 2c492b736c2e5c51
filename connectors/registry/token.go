package registry

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"marshrut/connectors"
	"marshrut/internal/postgres"
)

// Overlap is how long an old address goes on working after a new one is made,
// unless the caller says otherwise: time enough to change it on every page.
const Overlap = 7 * 24 * time.Hour

// token is one valid token of an address, by its hash.
type token struct {
	hash    []byte
	widget  string // hash of the token of the widget's address that follows from it
	sealed  []byte
	made    time.Time
	expires time.Time // zero: not on its way out
}

func (t token) valid(now time.Time) bool { return t.expires.IsZero() || now.Before(t.expires) }

// maybeTime reads a time that may be infinity, which is the zero time.
type maybeTime struct{ time.Time }

// ScanTimestamptz takes what PostgreSQL gave.
func (m *maybeTime) ScanTimestamptz(v pgtype.Timestamptz) error {
	m.Time = time.Time{}
	if v.InfinityModifier == pgtype.Finite {
		m.Time = v.Time
	}
	return nil
}

func (r *Registry) tokens(s row) []token {
	all := make([]token, len(s.Hashes))
	for i, hash := range s.Hashes {
		widget := hashToken(r.seal.widgetToken(s.Name, hash))
		all[i] = token{hash: hash, widget: string(widget), sealed: s.Tokens[i], made: s.Made[i], expires: s.Expires[i].Time}
	}
	return all
}

// newest is the token that new addresses are written with.
func newest(tokens []token, now time.Time) (token, bool) {
	best := -1
	for i, t := range tokens {
		if t.valid(now) && (best < 0 || t.expires.IsZero() || !tokens[best].expires.IsZero()) {
			best = i
		}
	}
	if best < 0 {
		return token{}, false
	}
	return tokens[best], true
}

var nobody = token{hash: make([]byte, 32), widget: string(make([]byte, 32))}

// Open gives the connection an address belongs to. An unknown name and a wrong token
// are told apart neither by the answer nor by the time it takes.
func (r *Registry) Open(name, given string, now time.Time) (*connectors.Connected, bool) {
	hash := hashToken(given)
	e := r.all()[name]
	tokens := []token{nobody}
	if e != nil && len(e.tokens) > 0 {
		tokens = e.tokens
	}
	match := 0
	for _, t := range tokens {
		same := subtle.ConstantTimeCompare(hash, t.hash) | subtle.ConstantTimeCompare(hash, []byte(t.widget))
		if t.valid(now) {
			match |= same
		}
	}
	if match != 1 || e == nil || !e.row.Enabled {
		return nil, false
	}
	return e.connected, true
}

// Address is one address of a connection. URL is empty when the token can no longer be shown.
type Address struct {
	URL       string
	CreatedAt time.Time
	ExpiresAt time.Time // zero: it stays
}

// Addresses lists the valid addresses of a connection, the current one first.
func (r *Registry) Addresses(name string, now time.Time) []Address {
	e := r.all()[name]
	if e == nil {
		return nil
	}
	var all []Address
	current, _ := newest(e.tokens, now)
	for _, t := range e.tokens {
		if !t.valid(now) {
			continue
		}
		a := Address{CreatedAt: t.made, ExpiresAt: t.expires}
		if plain, err := r.seal.open(name, t.sealed); err == nil {
			a.URL = r.options.PublicURL + "/in/" + name + "/" + string(plain)
		}
		if string(t.hash) == string(current.hash) {
			all = append([]Address{a}, all...)
		} else {
			all = append(all, a)
		}
	}
	return all
}

// Rotate gives a connection a new address and lets the old ones go on for the
// overlap; 0 means Overlap, a negative one ends them at once. It returns the new token.
func (r *Registry) Rotate(ctx context.Context, now time.Time, name string, overlap time.Duration) (string, error) {
	if overlap == 0 {
		overlap = Overlap
	}
	fresh := newToken()
	err := postgres.InTx(ctx, r.pool, func(tx pgx.Tx) error {
		if _, err := lock(ctx, tx, name); err != nil {
			return err
		}
		if err := r.setToken(ctx, tx, now, name, fresh, overlap); err != nil {
			return err
		}
		return r.announce(ctx, tx)
	})
	if err != nil {
		return "", fmt.Errorf("make a new address for %s: %w", name, err)
	}
	return fresh, r.Refresh(ctx)
}

// setToken makes a token the current one.
func (r *Registry) setToken(ctx context.Context, tx pgx.Tx, now time.Time, name, fresh string, overlap time.Duration) error {
	hash := hashToken(fresh)
	if _, err := tx.Exec(ctx, sql("add_token"), pgx.NamedArgs{
		"connection": name, "hash": hash, "sealed": r.seal.seal(name, []byte(fresh)), "now": now,
	}); err != nil {
		return fmt.Errorf("add a token: %w", err)
	}
	if _, err := tx.Exec(ctx, sql("retire_tokens"), pgx.NamedArgs{
		"connection": name, "hash": hash, "until": now.Add(overlap),
	}); err != nil {
		return fmt.Errorf("retire old tokens: %w", err)
	}
	return nil
}
