package registry

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// sealer keeps secrets unreadable at rest: AES-256-GCM under a key derived from
// secret_key, bound to the connection they belong to.
type sealer struct {
	aead cipher.AEAD
	mac  []byte
}

var errSealed = errors.New("secrets cannot be opened: secret_key is not the one they were sealed with; put it back or enter the secrets again")

func newSealer(key string) (sealer, error) {
	if len(key) < 16 {
		return sealer{}, errors.New("secret_key has fewer than 16 characters: `openssl rand -hex 32` makes a good one")
	}
	enc, err := hkdf.Key(sha256.New, []byte(key), nil, "marshrut connection secrets", 32)
	if err != nil {
		return sealer{}, fmt.Errorf("derive the sealing key: %w", err)
	}
	mac, err := hkdf.Key(sha256.New, []byte(key), nil, "marshrut widget addresses", 32)
	if err != nil {
		return sealer{}, fmt.Errorf("derive the address key: %w", err)
	}
	block, err := aes.NewCipher(enc)
	if err != nil {
		return sealer{}, fmt.Errorf("make the sealing cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead, mac}, err
}

func (s sealer) seal(connection string, plain []byte) []byte {
	return s.aead.Seal(nil, nil, plain, []byte(connection))
}

func (s sealer) open(connection string, sealed []byte) ([]byte, error) {
	plain, err := s.aead.Open(nil, nil, sealed, []byte(connection))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

func (s sealer) sealSecrets(connection string, secrets map[string]string) ([]byte, error) {
	if len(secrets) == 0 {
		return nil, nil
	}
	plain, err := json.Marshal(secrets)
	if err != nil {
		return nil, err
	}
	return s.seal(connection, plain), nil
}

func (s sealer) openSecrets(connection string, sealed []byte) (map[string]string, error) {
	secrets := map[string]string{}
	if len(sealed) == 0 {
		return secrets, nil
	}
	plain, err := s.open(connection, sealed)
	if err != nil {
		return secrets, err
	}
	return secrets, json.Unmarshal(plain, &secrets)
}

// widgetToken is the token of the address that a connection's widget posts to. It
// follows from the connection's own token without giving it away: the widget is on a public page.
func (s sealer) widgetToken(connection string, tokenHash []byte) string {
	h := hmac.New(sha256.New, s.mac)
	fmt.Fprintf(h, "%d:%s", len(connection), connection)
	h.Write(tokenHash)
	return "w" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// newToken makes 128 bits of an address that nobody guesses.
func newToken() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hashToken(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}
