package staff

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	//go:embed sql/add_token.sql
	addTokenSQL string
	//go:embed sql/use_token.sql
	useTokenSQL string
	//go:embed sql/tokens.sql
	tokensSQL string
	//go:embed sql/revoke_token.sql
	revokeTokenSQL string
)

// TokenPrefix starts every API token, so that people and secret scanners
// recognise one.
const TokenPrefix = "mrt_"

// Token is an API token as listed; the token itself is shown once, when made.
type Token struct {
	ID        int64
	Employee  int64
	Login     string
	Name      string // what it is for
	CreatedAt time.Time
	UsedAt    *time.Time
	RevokedAt *time.Time
}

// AddToken makes an API token of the employee with the login. It acts with that
// employee's permission. Only its SHA-256 is kept.
func (s *Staff) AddToken(ctx context.Context, by Actor, login, name string, now time.Time) (string, error) {
	if strings.TrimSpace(name) == "" {
		return "", errors.New("a token needs a name that says what it is for")
	}
	token := TokenPrefix + secretToken()
	err := s.change(ctx, by, func(tx pgx.Tx) (entry, error) {
		var id, employee int64
		err := tx.QueryRow(ctx, addTokenSQL, pgx.NamedArgs{
			"token": hashToken(token), "login": normalLogin(login), "name": name, "now": now}).Scan(&id, &employee)
		if errors.Is(err, pgx.ErrNoRows) && s.known(ctx, tx, login) == nil {
			err = ErrDisabled
		}
		return entry{now, object("employee", employee), "token.added", map[string]any{"token": id, "name": name}}, err
	})
	if err != nil {
		return "", fmt.Errorf("add a token of %s: %w", login, err)
	}
	return token, nil
}

// TokenActor is who holds the API token, or ErrNoSession.
func (s *Staff) TokenActor(ctx context.Context, token string, now time.Time) (Actor, error) {
	if !strings.HasPrefix(token, TokenPrefix) {
		return Actor{}, ErrNoSession
	}
	var id int64
	err := s.pool.QueryRow(ctx, useTokenSQL, pgx.NamedArgs{"token": hashToken(token), "now": now}).Scan(&id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Actor{}, ErrNoSession
	case err != nil:
		return Actor{}, fmt.Errorf("look up the token: %w", err)
	}
	return s.actor(ctx, id)
}

// Tokens lists the API tokens of the employee with the login, of all if empty; ErrNotFound when nobody has it.
func (s *Staff) Tokens(ctx context.Context, login string) ([]Token, error) {
	rows, err := s.pool.Query(ctx, tokensSQL, pgx.NamedArgs{"login": normalLogin(login)})
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	tokens, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Token])
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	if login != "" && len(tokens) == 0 {
		if err := s.known(ctx, s.pool, login); err != nil {
			return nil, fmt.Errorf("list tokens of %s: %w", login, err)
		}
	}
	return tokens, nil
}

// known is ErrNotFound when nobody has the login; who left counts as known.
func (s *Staff) known(ctx context.Context, on interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}, login string) error {
	var there bool
	return ours(on.QueryRow(ctx, "select true from employee where login = $1", normalLogin(login)).Scan(&there))
}

// RevokeToken makes the token worthless at once.
func (s *Staff) RevokeToken(ctx context.Context, by Actor, id int64, now time.Time) error {
	err := s.change(ctx, by, func(tx pgx.Tx) (entry, error) {
		var employee int64
		err := tx.QueryRow(ctx, revokeTokenSQL, pgx.NamedArgs{"id": id, "now": now}).Scan(&employee)
		if errors.Is(err, pgx.ErrNoRows) {
			err = ErrNoToken
		}
		return entry{now, object("employee", employee), "token.revoked", map[string]any{"token": id}}, err
	})
	if err != nil {
		return fmt.Errorf("revoke token %d: %w", id, err)
	}
	return nil
}
