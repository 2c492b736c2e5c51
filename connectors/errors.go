package connectors

import (
	"errors"
	"fmt"
	"net/http"
)

// ErrForged: the sender could not prove who it is. Nothing is stored, the answer is 403.
var ErrForged = errors.New("sender is not who it should be")

// ErrUnknown: there is no connection or provider of that name.
var ErrUnknown = errors.New("unknown connection")

// Refusal is an answer other than 403 that a vendor documents for a request we refuse.
type Refusal struct {
	Status int
	Reason string
}

// Error says why, without anything of what was sent.
func (r *Refusal) Error() string {
	return fmt.Sprintf("refused with %d %s: %s", r.Status, http.StatusText(r.Status), r.Reason)
}
