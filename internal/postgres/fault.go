package postgres

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
)

// Fault is whose fault an error is, which decides what may be done about it.
type Fault int

const (
	Other Fault = iota // a mistake of ours (syntax, rights), or not of the database at all: retry whole, and report
	Data               // the rows cannot be stored as they are: isolate them, retrying is in vain
	Race               // somebody else was there at the same time: run the whole transaction again
	Away               // the server or the way to it is gone, or overloaded: run again with backoff
)

func (f Fault) String() string {
	switch f {
	case Data:
		return "data"
	case Race:
		return "race"
	case Away:
		return "away"
	}
	return "other"
}

// Classify says whose fault err is, by its SQLSTATE (PostgreSQL documentation,
// appendix A) where it has one. A unique or exclusion violation counts as a
// race: whoever retried it in vain may then treat it as Data.
func Classify(err error) Fault {
	if err == nil {
		return Other
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return classify(refused.Code)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.As(err, &network), pgconn.Timeout(err), pgconn.SafeToRetry(err),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.DeadlineExceeded):
		return Away
	}
	return Other
}

func classify(state string) Fault {
	switch state {
	case "23505", // unique_violation
		"23P01", // exclusion_violation
		"40001", // serialization_failure
		"40P01": // deadlock_detected
		return Race
	case "55P03": // lock_not_available: lock_timeout
		return Away
	}
	if len(state) < 2 {
		return Other
	}
	switch state[:2] {
	case "22", "23", "54": // data exception, integrity constraint, program limit
		return Data
	case "08", "53", "57", "58": // connection, resources, operator intervention and timeouts, system error
		return Away
	}
	return Other
}
