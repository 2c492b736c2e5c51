package connectors

import (
	"bytes"
	"net/url"
	"strings"
)

// Redact blanks a connection's secrets in raw bytes, as they are and
// percent-encoded, leaving the length as it is: some vendors send the shared secret in the body,
// and what is kept for replay must not give it away. Bytes without a secret
// come back as they are, not copied.
func (c Connection) Redact(raw []byte) []byte {
	for _, secret := range c.Secrets {
		if len(secret) < minSecret {
			continue
		}
		for _, form := range []string{secret, url.QueryEscape(secret)} {
			if bytes.Contains(raw, []byte(form)) {
				raw = bytes.ReplaceAll(raw, []byte(form), bytes.Repeat([]byte("*"), len(form)))
			}
		}
	}
	return raw
}

// RedactText is Redact for texts.
func (c Connection) RedactText(s string) string {
	for _, secret := range c.Secrets {
		if len(secret) >= minSecret {
			s = strings.ReplaceAll(s, secret, "********")
			s = strings.ReplaceAll(s, url.QueryEscape(secret), "********")
		}
	}
	return s
}
