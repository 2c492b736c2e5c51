package registry

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
)

// ErrOff: a connection that is switched off takes nothing.
var ErrOff = errors.New("the connection is switched off")

// testing bounds how long a person waits for the other side.
const testing = 30 * time.Second

// Test goes to the other side of a connection once. asked is false where there is nobody to ask: others call it. What
// stands in the way is an error, of the connection's own where it is faulty or off, without secrets.
func (r *Registry) Test(ctx context.Context, name string) (asked bool, err error) {
	if err := r.Refresh(ctx); err != nil {
		return false, err
	}
	e, ok := r.all()[name]
	switch {
	case !ok:
		return false, fmt.Errorf("connection %q: %w", name, connectors.ErrUnknown)
	case !e.row.Enabled:
		return false, ErrOff
	case e.connected.Fault != nil:
		return false, errors.New(e.connected.RedactText(e.connected.Fault.Error()))
	}
	tester, asked := e.connected.Instance.(connectors.Tester)
	if !asked {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, testing)
	defer cancel()
	if err := safeTest(ctx, tester); err != nil {
		return true, errors.New(e.connected.RedactText(err.Error()))
	}
	if e.row.Trouble == "" {
		return true, nil
	}
	return true, r.anew(ctx, name)
}

// anew lets a connection begin at once, in every process: what stood in its way was a moment ago, and the pauses after it have grown.
func (r *Registry) anew(ctx context.Context, name string) error {
	err := postgres.InTx(ctx, r.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "update connection set updated_at = $2 where name = $1", name, r.options.Now()); err != nil {
			return err
		}
		return r.announce(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("let connection %s begin anew: %w", name, err)
	}
	return nil
}

func safeTest(ctx context.Context, t connectors.Tester) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("connector panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return t.Test(ctx)
}
