package registry

import (
	"errors"

	"marshrut/connectors"
)

// Check says what is wrong with connections as a person or a file sets them up, without a database: nil, or every mistake
// with its connection's name. It is what `marshrut config check` asks.
func Check(providers []connectors.Provider, o Options, all []Configured) error {
	r, err := New(nil, providers, o)
	if err != nil {
		return err
	}
	var mistakes []error
	for _, c := range all {
		if _, _, err := r.check(c, nil); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	return errors.Join(mistakes...)
}
