// Package email is the channel of mailboxes: letters come in by IMAP and go out by
// SMTP. It takes every letter apart that there is (other charsets than declared,
// broken headers, hostile nesting), tells people from answering machines, from
// letters that came back and from the notifications of forms, and lets an answer find its lead. What one mail service
// does its own way is a provider, in a folder of its own. The package does not know where events, positions and
// leads are kept; the supervisor calls Poll, the intake Translate, the worker of deliveries Deliver.
package email

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"time"

	"marshrut/connectors"
	"marshrut/internal/safedial"
)

// Connector is the name of the channel's folder, as configurations write it.
const Connector = "email"

// Instance is a mailbox at work: a Poller, a Tester, a Translator and a deliverer.
type Instance struct {
	connection connectors.Connection
	settings   Settings
	dial       func(ctx context.Context, network, address string) (net.Conn, error)
	now        func() time.Time
	roots      *x509.CertPool // nil: those of the system
}

// New gives the instance of a connection.
func New(c connectors.Connection, s Settings) *Instance {
	i := &Instance{connection: c, settings: s, dial: c.Dial, now: time.Now}
	if i.dial == nil {
		i.dial = safedial.Policy{}.Dialer().DialContext
	}
	return i
}

func (i *Instance) log(what string, details ...any) {
	slog.Error(what, append([]any{"connection", i.connection.Name}, details...)...)
}
