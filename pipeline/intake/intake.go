// Package intake turns events into leads with a running process: it asks the
// event's connection what it means, files what that gives and tells casework, a
// batch in a transaction. What cannot be understood or stored is filed as dead with
// its reason in the same transaction and stops nobody. It does not know channels,
// matching or processes; the bus calls Handle, people call Replay and Discard.
package intake

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"marshrut/connectors"
	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/pipeline"
	"marshrut/pipeline/exchange"
)

// Connections are the configured connections as far as the intake needs them.
// connectors/registry implements it.
type Connections interface {
	// Find gives a connection by name; connectors.ErrUnknown, or an error when
	// nobody can tell at present.
	Find(ctx context.Context, name string) (*connectors.Connected, error)
	// Count notes what became of messages: duplicate, spam, test, failed.
	Count(connection, outcome string, n int, at time.Time)
}

// Casework does what captured inquiries cause, in the transaction that captured them.
type Casework interface {
	// Address says of inquiries that several open leads could take which one they are about.
	Address(ctx context.Context, tx pgx.Tx, inquiries []leads.Inquiry) error
	Arrive(ctx context.Context, tx pgx.Tx, now time.Time, captured []repository.Captured) error
	// Ring tells the people at extensions that a call at their telephones has changed.
	Ring(ctx context.Context, tx pgx.Tx, now time.Time, extensions []string) error
}

// Exchange knows which objects another system holds as well as we do. pipeline/exchange implements it.
type Exchange interface {
	Receive(ctx context.Context, tx pgx.Tx, now time.Time, records []exchange.Record) ([]bool, error)
	Adopts(exchange.Record) bool
	Adopt(ctx context.Context, tx pgx.Tx, now time.Time, records []exchange.Record, captured []repository.Captured) error
}

// Options of an Intake. All but Now, Log and Metrics are required.
type Options struct {
	Pool        *pgxpool.Pool
	Connections Connections
	Repository  *repository.Repository
	Casework    Casework
	// Exchange takes what mirrors tell; nil: there are none.
	Exchange Exchange
	// Fetch opens bytes that were too large to travel with their event.
	Fetch func(ctx context.Context, key string) (io.ReadCloser, error)
	// Language of the reasons people read: "ru", the default, or "en".
	Language string
	Now      func() time.Time
	Log      *slog.Logger
	Metrics  *Metrics
}

// Intake handles batches of events. It is safe for concurrent use.
type Intake struct {
	Options
	say    reasons
	tracer trace.Tracer
}

// New makes an Intake.
func New(o Options) *Intake {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	say, ok := inLanguage[o.Language]
	if !ok {
		say = inLanguage["ru"]
	}
	return &Intake{Options: o, say: say, tracer: otel.Tracer("marshrut/pipeline/intake")}
}

// Handle files a batch, in its transaction if it has one. An error means that
// nothing of it is filed and the bus has to bring it again: never because of what
// is in a message.
func (i *Intake) Handle(ctx context.Context, b pipeline.Batch) error {
	ctx, span := i.startSpan(ctx, b.Events)
	defer span.End()
	started := time.Now()
	letters, err := i.translate(ctx, b.Events)
	if err != nil {
		return err
	}
	var done filed
	if b.Tx != nil {
		done, err = i.file(ctx, b.Tx, letters)
	} else {
		err = postgres.InTx(ctx, i.Pool, func(tx pgx.Tx) error {
			done, err = i.file(ctx, tx, letters)
			return err
		})
	}
	if err != nil {
		span.RecordError(err)
		i.Metrics.retried(postgres.Classify(err).String())
		return err
	}
	i.tell(b.Events, done, time.Since(started))
	return nil
}

// startSpan links the batch to the traces its events began.
func (i *Intake) startSpan(ctx context.Context, events []pipeline.Event) (context.Context, trace.Span) {
	var links []trace.Link
	for _, e := range events {
		remote := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": e.TraceParent, "tracestate": e.TraceState})
		if sc := trace.SpanContextFromContext(remote); sc.IsValid() && sc.IsSampled() {
			links = append(links, trace.Link{SpanContext: sc})
		}
	}
	return i.tracer.Start(ctx, "intake.batch", trace.WithLinks(links...), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attribute.Int("batch.size", len(events))))
}

// filed is what became of a batch.
type filed struct {
	captured []repository.Captured
	dead     []letter
	followed map[string]bool // events that told of an object both sides hold, and made no inquiry
}

// tell counts what became of the batch, once it is certain.
func (i *Intake) tell(events []pipeline.Event, done filed, took time.Duration) {
	now := i.Now()
	i.Metrics.batch(len(events), took)
	for _, e := range events {
		i.Metrics.lag(now.Sub(e.Time))
	}
	for _, c := range done.captured {
		outcome := countedAs[c.Outcome]
		i.Metrics.filed(c.Inquiry.Connection, c.Outcome)
		if outcome != "" {
			i.Connections.Count(c.Inquiry.Connection, outcome, 1, now)
		}
	}
	for _, l := range done.dead {
		i.Metrics.filed(l.event.Connection, "dead")
		i.Connections.Count(l.event.Connection, "failed", 1, now)
		i.Log.Warn("a message is filed as unprocessed", "connection", l.event.Connection, "event", l.event.ID, "fault", l.fault)
	}
}

var countedAs = map[string]string{
	repository.OutcomeRepeat: "duplicate", repository.OutcomeConflict: "duplicate",
	repository.OutcomeSpam: "spam", repository.OutcomeTest: "test",
}

// errBlob: the bytes an event refers to cannot be had at present.
var errBlob = errors.New("bytes of an event cannot be fetched")
