// Package webform is the channel of forms: sites, landing pages, quizzes, anything
// that sends fields over HTTP. It reads whatever body comes (JSON, urlencoded,
// multipart, plain text; UTF-8, windows-1251, koi8-r), recognises fields by name
// and by shape, and keeps what it does not recognise. What one vendor does its own
// way is a Dialect, in a folder of its own. The package does not know where events
// and leads are kept; the edge calls Receive and the intake calls Translate.
package webform

import (
	"fmt"

	"marshrut/connectors"
	"marshrut/leads"
)

// Connector is the name of the channel's folder, as configurations write it.
const Connector = "webform"

// Dialect is what one vendor does its own way. Embed Plain for the rest.
type Dialect interface {
	// Identify looks at a request that is about to be kept: who sent it
	// (connectors.ErrForged if another), the vendor's id of it, handshakes and what
	// the vendor wants to hear.
	Identify(connectors.Request, Form) (connectors.Receipt, error)
	// Prepare turns what the vendor packs its own way into fields that everybody
	// understands, before they are recognised.
	Prepare(*Form)
	// Complete adds what only this dialect can read out of the form.
	Complete(Form, *leads.Inquiry)
}

// Plain is the dialect of a form that has none.
type Plain struct{}

// Identify accepts everybody who knows the address.
func (Plain) Identify(connectors.Request, Form) (connectors.Receipt, error) {
	return connectors.Receipt{}, nil
}

// Prepare leaves the form as it is.
func (Plain) Prepare(*Form) {}

// Complete adds nothing.
func (Plain) Complete(Form, *leads.Inquiry) {}

// New gives the instance of a connection that speaks the dialect.
func New(c connectors.Connection, s Settings, d Dialect) (*Instance, error) {
	if d == nil {
		return nil, fmt.Errorf("connection %s: a dialect is missing", c.Name)
	}
	return &Instance{connection: c, settings: s, dialect: d}, nil
}

// Instance is a form connection at work. It is a Receiver and a Translator.
type Instance struct {
	connection connectors.Connection
	settings   Settings
	dialect    Dialect
}
