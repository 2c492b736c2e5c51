package connectors

import (
	"errors"
	"fmt"
)

// Mistake is a setting that cannot stand, in words for whoever wrote it: on a page in the reader's language, in the check
// of a file beside the line.
type Mistake struct {
	Key   string // "rate_limit" of a connection, "settings.mapping" of its provider's
	Words Text
}

// Wrong makes a Mistake. Both sentences get the same arguments; they say what is wrong and what it may be.
func Wrong(key, ru, en string, args ...any) error {
	return &Mistake{key, Text{"ru": fmt.Sprintf(ru, args...), "en": fmt.Sprintf(en, args...)}}
}

func (m *Mistake) Error() string { return m.Key + ": " + m.Words.In("en") }

// Mistakes gives every Mistake that an error joins or wraps.
func Mistakes(err error) []*Mistake {
	var one *Mistake
	switch e := err.(type) {
	case nil:
	case *Mistake:
		return []*Mistake{e}
	case interface{ Unwrap() []error }:
		var all []*Mistake
		for _, inner := range e.Unwrap() {
			all = append(all, Mistakes(inner)...)
		}
		return all
	default:
		if errors.As(err, &one) {
			return Mistakes(errors.Unwrap(err))
		}
	}
	return nil
}

// settingsGroup is where a provider's settings stand in a connection.
const settingsGroup = "settings."
