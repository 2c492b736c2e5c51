package staff

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	//go:embed sql/credentials.sql
	credentialsSQL string
	//go:embed sql/open_session.sql
	openSessionSQL string
	//go:embed sql/use_session.sql
	useSessionSQL string
	//go:embed sql/end_sessions.sql
	endSessionsSQL string
)

// SignIn checks the password and opens a session. The token, 256 random bits,
// is new at every sign-in and kept only as its hash. A wrong login and a wrong
// password answer alike, ErrCredentials, after the same work; too many attempts
// answer TooManyAttempts. ip is the address of the client.
func (s *Staff) SignIn(ctx context.Context, login, password, ip string, now time.Time) (string, Actor, error) {
	login = normalLogin(login)
	if err := s.attempts.take(now, login, ip); err != nil {
		return "", Actor{}, err
	}
	var (
		id         int64
		hash       string
		mustChange bool
	)
	err := s.pool.QueryRow(ctx, credentialsSQL, pgx.NamedArgs{"login": login}).Scan(&id, &hash, &mustChange)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", Actor{}, fmt.Errorf("look up the login: %w", err)
	}
	right, err := s.checkPassword(ctx, hash, password)
	if err != nil {
		return "", Actor{}, fmt.Errorf("check the password: %w", err)
	}
	if !right {
		return "", Actor{}, ErrCredentials
	}
	s.attempts.forgive(login, ip)
	token, err := s.openSession(ctx, id, now)
	if err != nil {
		return "", Actor{}, err
	}
	actor, err := s.actor(ctx, id)
	if err != nil {
		return "", Actor{}, err
	}
	actor.MustChangePassword = mustChange
	return token, actor, nil
}

func (s *Staff) openSession(ctx context.Context, employee int64, now time.Time) (string, error) {
	token := secretToken()
	_, err := s.pool.Exec(ctx, openSessionSQL, pgx.NamedArgs{
		"token": hashToken(token), "employee": employee, "now": now, "expires": now.Add(s.options.Lifetime)})
	if err != nil {
		return "", fmt.Errorf("open a session: %w", err)
	}
	return token, nil
}

// Session is who holds the session token, or ErrNoSession when it is unknown,
// unused for too long, past its lifetime, or its employee is disabled.
func (s *Staff) Session(ctx context.Context, token string, now time.Time) (Actor, error) {
	var (
		id         int64
		mustChange bool
	)
	err := s.pool.QueryRow(ctx, useSessionSQL, pgx.NamedArgs{
		"token": hashToken(token), "now": now, "idle": now.Add(-s.options.Idle)}).Scan(&id, &mustChange)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Actor{}, ErrNoSession
	case err != nil:
		return Actor{}, fmt.Errorf("look up the session: %w", err)
	}
	actor, err := s.actor(ctx, id)
	actor.MustChangePassword = mustChange
	return actor, err
}

// SignOut ends the session. An unknown token is no error.
func (s *Staff) SignOut(ctx context.Context, token string) error {
	_, err := s.pool.Exec(ctx, `delete from session where token_hash = $1`, hashToken(token))
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// SweepSessions forgets sessions that have ended by themselves and says how many.
func (s *Staff) SweepSessions(ctx context.Context, now time.Time) (int64, error) {
	tag, err := s.pool.Exec(ctx, `delete from session where expires_at <= $1 or seen_at <= $2`, now, now.Add(-s.options.Idle))
	if err != nil {
		return 0, fmt.Errorf("sweep sessions: %w", err)
	}
	return tag.RowsAffected(), nil
}

// actor is the employee as an actor, from the directory.
func (s *Staff) actor(ctx context.Context, id int64) (Actor, error) {
	d, err := s.Directory(ctx, s.pool)
	if err != nil {
		return Actor{}, err
	}
	if a, ok := d.Actor(id); ok {
		return a, nil
	}
	// Added a moment ago by another process.
	s.cache.forget()
	if d, err = s.Directory(ctx, s.pool); err != nil {
		return Actor{}, err
	}
	a, ok := d.Actor(id)
	if !ok {
		return Actor{}, ErrNoSession
	}
	return a, nil
}

func normalLogin(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

// hashToken is how a token of 256 random bits is kept: no salt and no slow hash
// are needed against guessing (ASVS 5.0, 11.4.1).
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
