// Package imap is a mailbox on any mail server: IMAP to read it, SMTP to send from it. All it does is in package email; what
// the mail services call their servers is in the help beside it.
package imap

import (
	_ "embed"

	"marshrut/connectors"
	"marshrut/connectors/email"
	"marshrut/leads"
)

//go:embed setup.md
var setupRU string

//go:embed setup.en.md
var setupEN string

// Provider describes the mailbox to the catalog.
func Provider() connectors.Provider {
	defaults := email.Defaults
	return connectors.Provider{
		Connector: email.Connector, Name: "imap", Channel: leads.ChannelMail,
		Title:    connectors.Text{"ru": "Почтовый ящик", "en": "Mailbox"},
		Setup:    connectors.Text{"ru": setupRU, "en": setupEN},
		Settings: &defaults,
		New: func(c connectors.Connection) (connectors.Instance, error) {
			s, err := connectors.Decode(c, email.Defaults)
			if err != nil {
				return nil, err
			}
			return email.New(c, s), nil
		},
	}
}
