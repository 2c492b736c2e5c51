// Package spool keeps events that wait in PostgreSQL to go on. It is the bus
// itself when there is no Kafka, the store the edge writes to while Kafka does
// not answer, and the outbox for what must be published with the data it tells
// about. The intake, or with Kafka the forwarder, consumes it. It does not know
// what the events mean.
package spool

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/postgres"
	"marshrut/pipeline"
)

// Lanes is how many lanes a topic has. It is part of what is stored: changing it
// needs an empty spool.
const Lanes = 16

// channel is what NOTIFY carries the topic of new events on.
const channel = "spool"

// notifyEvery bounds how often a process notifies: NOTIFY takes a lock that all
// committing notifiers share. What comes in between is found because a consumer
// looks once more, notifyEvery after it ran dry.
const notifyEvery = 5 * time.Millisecond

var (
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/take_lanes.sql
	takeLanesSQL string
	//go:embed sql/read.sql
	readSQL string
	//go:embed sql/delete.sql
	deleteSQL string
	//go:embed sql/depth.sql
	depthSQL string
	//go:embed sql/waiting.sql
	waitingSQL string
)

// Options are the settings of a Bus; the zero value is usable.
type Options struct {
	Workers   int           // batches handled at a time by one Consume; default 2
	MaxEvents int           // in a batch; default 500
	MaxBytes  int           // in a batch; default 4 MiB
	Linger    time.Duration // wait after a wake-up for company; default 1 ms
	Poll      time.Duration // longest time between two looks, if no wake-up arrives; default 1 s
	RetryMin  time.Duration // pause after a failed batch, doubling; default 100 ms
	RetryMax  time.Duration // default 30 s
	Grace     time.Duration // time a batch has to finish after Consume was told to stop; default 20 s
	Now       func() time.Time
	Log       *slog.Logger
	Metrics   *pipeline.Metrics
}

func (o Options) withDefaults() Options {
	number := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	number(&o.Workers, 2)
	number(&o.MaxEvents, 500)
	number(&o.MaxBytes, 4<<20)
	duration := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	duration(&o.Linger, time.Millisecond)
	duration(&o.Poll, time.Second)
	duration(&o.RetryMin, 100*time.Millisecond)
	duration(&o.RetryMax, 30*time.Second)
	duration(&o.Grace, 20*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Bus is one topic of the spool: a pipeline.Publisher and a pipeline.Consumer
// whose batches carry the transaction they were taken in.
type Bus struct {
	pool  *pgxpool.Pool
	topic string
	o     Options
	group *pipeline.Group

	mu       sync.Mutex
	notified time.Time
	alarms   map[*alarm]bool // the consumers of this process
}

var (
	_ pipeline.Publisher = (*Bus)(nil)
	_ pipeline.Consumer  = (*Bus)(nil)
)

// New makes the bus of a topic. Close it after its last Publish.
func New(pool *pgxpool.Pool, topic string, o Options) *Bus {
	b := &Bus{pool: pool, topic: topic, o: o.withDefaults(), alarms: map[*alarm]bool{}}
	// Two writes at a time: one fills the time the other waits for its fsync.
	b.group = pipeline.NewGroup(b.write, pipeline.GroupOptions{MaxBytes: 4 << 20, Concurrency: 2})
	return b
}

// Publish makes events durable; concurrent calls share a commit.
func (b *Bus) Publish(ctx context.Context, events ...pipeline.Event) error {
	if err := b.group.Publish(ctx, events...); err != nil {
		return fmt.Errorf("spool for %s: %w", b.topic, err)
	}
	return nil
}

// Close waits until what Publish accepted is written.
func (b *Bus) Close() { b.group.Close() }

// Append spools events inside tx: they go on when, and only if, it commits.
func Append(ctx context.Context, tx pgx.Tx, topic string, now time.Time, events ...pipeline.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := pipeline.CheckSize(events); err != nil {
		return err
	}
	if err := send(ctx, tx, topic, now, events, true); err != nil {
		return fmt.Errorf("append to %s: %w", topic, err)
	}
	return nil
}

// Depth says how many events wait, counted up to 100,000, and how long the oldest
// has waited; zero when none does.
func (b *Bus) Depth(ctx context.Context) (events int, oldest time.Duration, err error) {
	var since *time.Time
	if err := b.pool.QueryRow(ctx, depthSQL, b.topic, 100_000).Scan(&events, &since); err != nil {
		return 0, 0, fmt.Errorf("measure the spool of %s: %w", b.topic, err)
	}
	if since != nil {
		oldest = max(0, b.o.Now().Sub(*since))
	}
	return events, oldest, nil
}

// lookAt bounds how many waiting events Waiting looks through: 100,000 envelopes take a few tens of milliseconds.
const lookAt = 100_000

// Waiting tells whether the event with the id still waits here, and through which connection and when it came.
func (b *Bus) Waiting(ctx context.Context, id string) (connection string, since time.Time, found bool, err error) {
	rows, err := b.pool.Query(ctx, waitingSQL, b.topic, []byte(id), lookAt)
	if err != nil {
		return "", since, false, fmt.Errorf("look for %.64q in the spool of %s: %w", id, b.topic, err)
	}
	envelopes, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return "", since, false, fmt.Errorf("look for %.64q in the spool of %s: %w", id, b.topic, err)
	}
	for _, envelope := range envelopes {
		// One that cannot be read is not the one: its consumer says what is wrong with it.
		if e, err := decodeEnvelope(envelope); err == nil && e.ID == id {
			return e.Connection, e.Time, true, nil
		}
	}
	return "", since, false, nil
}

// write is one group commit.
func (b *Bus) write(ctx context.Context, events []pipeline.Event) error {
	b.o.Metrics.Flushed("spool", len(events))
	err := send(ctx, b.pool, b.topic, b.o.Now(), events, b.mayNotify())
	if err != nil {
		if postgres.Classify(err) == postgres.Data {
			err = errors.Join(pipeline.ErrUnacceptable, err)
		}
		return err
	}
	b.wake()
	return nil
}

// sender is what a pool and a transaction share.
type sender interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// send inserts events and notifies, in one round trip. On a pool the two
// statements are one implicit transaction.
func send(ctx context.Context, db sender, topic string, now time.Time, events []pipeline.Event, notify bool) error {
	lanes := make([]int16, len(events))
	envelopes, data := make([][]byte, len(events)), make([][]byte, len(events))
	for i, e := range events {
		lanes[i] = int16(e.Lane(Lanes))
		envelopes[i] = encodeEnvelope(e)
		if data[i] = e.Data; e.Data == nil {
			data[i] = []byte{}
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(insertSQL, topic, now, lanes, envelopes, data)
	if notify {
		batch.Queue(`select pg_notify($1, $2)`, channel, topic)
	}
	return db.SendBatch(ctx, batch).Close()
}

func (b *Bus) mayNotify() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if now.Sub(b.notified) < notifyEvery {
		return false
	}
	b.notified = now
	return true
}

// lockClass tells the advisory locks of one topic's lanes from others'.
func lockClass(topic string) int32 {
	h := fnv.New32a()
	h.Write([]byte("marshrut spool " + topic))
	return int32(h.Sum32())
}
