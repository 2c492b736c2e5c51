package staff

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonKey     = 32
	argonSalt    = 16
)

// MinPassword is the length a person's own password must have, in characters
// (NIST SP 800-63B asks for 8 at least, ASVS 5.0 6.2.1 recommends 12).
const MinPassword = 10

// ErrWeakPassword refuses a password that is too short or too long to hash.
var ErrWeakPassword = errors.New("the password is too short")

// CheckPassword refuses what nobody should choose.
func CheckPassword(password string) error {
	if n := utf8.RuneCountInString(password); n < MinPassword || len(password) > 1024 {
		return fmt.Errorf("%w: %d characters, needs %d or more", ErrWeakPassword, n, MinPassword)
	}
	return nil
}

// hashPassword is the PHC string of the password under a fresh salt.
func (s *Staff) hashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	if err := s.enterHashing(ctx); err != nil {
		return "", err
	}
	defer s.leaveHashing()
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// checkPassword compares in constant time. A malformed hash matches nothing, but
// costs as much, so that an unknown login cannot be told by the clock.
func (s *Staff) checkPassword(ctx context.Context, hash, password string) (bool, error) {
	if err := s.enterHashing(ctx); err != nil {
		return false, err
	}
	defer s.leaveHashing()
	p, err := parsePHC(hash)
	if err != nil {
		argon2.IDKey([]byte(password), make([]byte, argonSalt), argonTime, argonMemory, argonThreads, argonKey)
		return false, nil
	}
	key := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(len(p.key)))
	return subtle.ConstantTimeCompare(key, p.key) == 1, nil
}

func (s *Staff) enterHashing(ctx context.Context) error {
	select {
	case s.hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Staff) leaveHashing() { <-s.hashing }

type phc struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

// parsePHC reads $argon2id$v=19$m=19456,t=2,p=1$SALT$KEY.
func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, errors.New("not an argon2id hash")
	}
	var p phc
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return phc{}, fmt.Errorf("parameters of the hash: %w", err)
	}
	// The hash comes from our own table, but a zero here would panic in argon2
	// and a huge one would take the machine's memory.
	if p.memory == 0 || p.memory > 1<<20 || p.time == 0 || p.time > 100 || p.threads == 0 {
		return phc{}, errors.New("parameters of the hash are out of range")
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return phc{}, fmt.Errorf("salt of the hash: %w", err)
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return phc{}, fmt.Errorf("key of the hash: %w", err)
	}
	if len(p.key) < 16 {
		return phc{}, errors.New("key of the hash is too short")
	}
	return p, nil
}

// oneTimePassword is easy to dictate: 16 letters and digits without look-alikes,
// in groups (80 bits).
func oneTimePassword() string {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789" // 32: five bits each
	raw := make([]byte, 16)
	rand.Read(raw)
	var b strings.Builder
	for i, c := range raw {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(letters[c&31])
	}
	return b.String()
}

// secretToken is 256 bits in a form fit for cookies and headers.
func secretToken() string {
	raw := make([]byte, 32)
	rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}
