// Package catalog is the list of everything that can be connected: one line per
// provider. Whoever needs providers gets them here and knows none by name.
package catalog

import (
	"fmt"

	"marshrut/connectors"
	"marshrut/connectors/email/imap"
	"marshrut/connectors/onec/infobase"
	"marshrut/connectors/telephony/mango"
	"marshrut/connectors/telephony/zadarma"
	"marshrut/connectors/webform/generic"
	"marshrut/connectors/webform/tilda"
)

// All lists the providers in the order in which people are offered them.
func All() []connectors.Provider {
	return []connectors.Provider{
		generic.Provider(),
		tilda.Provider(),
		imap.Provider(),
		mango.Provider(),
		zadarma.Provider(),
		infobase.Provider(),
	}
}

// Find gives one provider; connectors.ErrUnknown tells which there are.
func Find(connector, name string) (connectors.Provider, error) {
	var known []string
	for _, p := range All() {
		if p.Connector == connector && p.Name == name {
			return p, nil
		}
		known = append(known, p.Connector+"/"+p.Name)
	}
	return connectors.Provider{}, fmt.Errorf("there is no provider %s/%s, only %v: %w", connector, name, known, connectors.ErrUnknown)
}
