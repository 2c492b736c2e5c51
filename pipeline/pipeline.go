package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	// ErrOverloaded: more is in flight than the bound allows; try later or elsewhere.
	ErrOverloaded = errors.New("too many events in flight")
	// ErrTooLarge: the event is over MaxEventSize and no path will ever take it.
	ErrTooLarge = fmt.Errorf("event is larger than %d bytes", MaxEventSize)
	// ErrClosed: the publisher has been closed.
	ErrClosed = errors.New("publisher is closed")
)

// Batch is what a Handler gets: events in the order of their keys.
type Batch struct {
	Events []Event
	// Tx is the transaction the events were taken in, when the bus lives in the
	// same database. The handler works in it and must not commit or roll back.
	// It is nil when the bus is elsewhere.
	Tx pgx.Tx
}

// Handler takes a batch. A nil answer means handled and durable (with a Tx: will
// be when it commits). After an error the same events come again, perhaps in
// other batches.
type Handler func(ctx context.Context, b Batch) error

// Publisher takes events on. A nil answer means that every event is durable. An
// error means that any of them may or may not arrive; the ID makes a repeat
// harmless.
type Publisher interface {
	Publish(ctx context.Context, events ...Event) error
}

// Consumer hands events to h until ctx ends, then lets the batch at hand finish
// and returns nil. A failing handler is called again with backoff; events of one
// key keep their order. Each call is a consumer of its own: several share the work.
type Consumer interface {
	Consume(ctx context.Context, h Handler) error
}

// Forward takes what waits in one place on to another, until ctx ends: from the
// spool to Kafka when Kafka is back. An event leaves from only when to has it.
func Forward(from Consumer, to Publisher) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		return from.Consume(ctx, func(ctx context.Context, b Batch) error {
			if err := to.Publish(ctx, b.Events...); err != nil {
				return fmt.Errorf("forward %d events: %w", len(b.Events), err)
			}
			return nil
		})
	}
}

// Outlive gives work at hand its time to finish: a context that ends grace after
// ctx does, or when cancel is called.
func Outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	long, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(long, func() { timer.Stop() })
	})
	return long, func() { stop(); cancel() }
}

// CheckSize refuses events that no path takes.
func CheckSize(events []Event) error {
	for _, e := range events {
		if size := e.Size(); size > MaxEventSize {
			return fmt.Errorf("event %.64q of %d bytes: %w", e.ID, size, ErrTooLarge)
		}
	}
	return nil
}
