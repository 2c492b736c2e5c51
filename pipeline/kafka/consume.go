package kafka

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"marshrut/pipeline"
)

// ConsumerOptions are the settings of a Consumer; the zero value is usable.
type ConsumerOptions struct {
	Workers   int           // batches handled at a time by one Consume; default 2
	MaxEvents int           // in a batch; default 500
	MaxBytes  int           // in a batch; default 4 MiB
	RetryMin  time.Duration // pause after a failed batch, doubling; default 100 ms
	RetryMax  time.Duration // default 30 s
	Grace     time.Duration // time a batch has to finish when its partition goes to another; default 10 s
	Silence   time.Duration // watchdog: a partition that answers nothing for so long makes the member join anew; default 30 s
	Session   time.Duration // after so long without a heartbeat a member is dead; default 10 s
}

func (o ConsumerOptions) withDefaults() ConsumerOptions {
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
	duration(&o.RetryMin, 100*time.Millisecond)
	duration(&o.RetryMax, 30*time.Second)
	duration(&o.Grace, 10*time.Second)
	duration(&o.Silence, 30*time.Second)
	duration(&o.Session, 10*time.Second)
	return o
}

// Consumer consumes one topic as a member of a group.
type Consumer struct {
	cluster      *Cluster
	topic, group string
	o            ConsumerOptions
}

var _ pipeline.Consumer = (*Consumer)(nil)

// Consumer makes a consumer of topic in group. Members of one group must all be
// of this package: kafka-go cannot share a group with other clients.
func (k *Cluster) Consumer(topic, group string, o ConsumerOptions) *Consumer {
	return &Consumer{cluster: k, topic: topic, group: group, o: o.withDefaults()}
}

// Consume joins the group and hands events to h until ctx ends, then finishes the
// batch at hand, leaves and returns nil. Offsets are committed after h succeeded.
func (c *Consumer) Consume(ctx context.Context, h pipeline.Handler) error {
	log := c.cluster.c.Log
	var connections lines
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: c.group, Brokers: c.cluster.c.Brokers, Dialer: connections.dialer(c.cluster.dialer), Topics: []string{c.topic},
		StartOffset:           kafka.FirstOffset, // a group without offsets has read nothing yet
		WatchPartitionChanges: true,
		HeartbeatInterval:     time.Second,
		SessionTimeout:        c.o.Session,
		RebalanceTimeout:      c.o.Grace + 10*time.Second,
		JoinGroupBackoff:      time.Second,
		ErrorLogger: kafka.LoggerFunc(func(format string, args ...any) {
			log.Debug("kafka group: "+fmt.Sprintf(format, args...), "topic", c.topic)
		}),
	})
	if err != nil {
		return fmt.Errorf("consume %s as %s: %w", c.topic, c.group, err)
	}
	var atHand sync.WaitGroup
	defer func() {
		if err := leave(group, &connections, &atHand); err != nil {
			log.Debug("the group was not left in order", "topic", c.topic, "error", err)
		}
	}()
	for away := false; ; {
		gen, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			// The group joins again by itself, JoinGroupBackoff later.
			if !away && !errors.Is(err, kafka.RebalanceInProgress) {
				log.Warn("kafka does not let us join the group; trying on", "topic", c.topic, "group", c.group, "error", err)
				away = true
			}
			continue
		case away:
			log.Info("joined the kafka group again", "topic", c.topic, "group", c.group)
			away = false
		}
		atHand.Add(1)
		gen.Start(func(gctx context.Context) {
			defer atHand.Done()
			c.generation(gctx, gen, h)
		})
	}
}

// generation works on the partitions assigned until they are taken away.
func (c *Consumer) generation(ctx context.Context, gen *kafka.Generation, h pipeline.Handler) {
	// A context of the standard kind: kafka-go's own is only a channel.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	long, stop := pipeline.Outlive(ctx, c.o.Grace)
	defer stop()
	assigned := gen.Assignments[c.topic]
	g := &generation{c: c, gen: gen, handle: h, ready: make(chan *chunk, len(assigned))}
	var parts, workers errgroup.Group
	for _, a := range assigned {
		parts.Go(func() error {
			defer cancel() // one that gave up ends the generation: all join anew
			g.partition(ctx, a.ID, a.Offset)
			return nil
		})
	}
	for range c.o.Workers {
		workers.Go(func() error { g.work(long); return nil })
	}
	if len(assigned) == 0 {
		<-ctx.Done()
	}
	parts.Wait()
	close(g.ready)
	workers.Wait()
}

// generation is what the partitions and workers of one generation share.
type generation struct {
	c      *Consumer
	gen    *kafka.Generation
	handle pipeline.Handler
	ready  chan *chunk // at most one of each partition
}

// chunk is some events of one partition, in order.
type chunk struct {
	partition int
	next      int64 // the offset to commit once it is handled
	events    []pipeline.Event
	bytes     int
	alone     bool // it failed before: it must not take others with it
	done      chan error
}

// partition fetches one partition and passes it on chunk by chunk, the next only
// when the last has been handled, so that what is committed is a prefix.
func (g *generation) partition(ctx context.Context, id int, offset int64) {
	log := g.c.cluster.c.Log.With("topic", g.c.topic, "partition", id)
	heard, pause := time.Now(), g.c.o.RetryMin
	for ctx.Err() == nil {
		chunks, err := g.fetch(ctx, id, &offset)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if time.Since(heard) > g.c.o.Silence {
				log.Error("kafka answers nothing for this partition; joining the group anew", "error", err)
				g.c.cluster.transport.CloseIdleConnections()
				return
			}
			log.Debug("fetch failed", "error", err)
			sleep(ctx, jitter(pause))
			pause = min(2*pause, 2*time.Second)
			continue
		}
		heard, pause = time.Now(), g.c.o.RetryMin
		for _, chunk := range chunks {
			if !g.pass(ctx, chunk) {
				return
			}
			offset = chunk.next
			heard = time.Now()
		}
	}
}

// pass hands a chunk to the workers until they have handled it. It returns false
// when the generation ended first.
func (g *generation) pass(ctx context.Context, c *chunk) bool {
	for failures := 0; ; failures++ {
		select {
		case g.ready <- c:
		case <-ctx.Done():
			return false
		}
		// Not cut short by ctx: a worker has it, and the worker's time is bounded.
		err := <-c.done
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.alone = true
		sleep(ctx, jitter(min(g.c.o.RetryMin<<min(failures, 20), g.c.o.RetryMax)))
	}
}

// work is one worker: it joins what several partitions have ready into a batch.
func (g *generation) work(ctx context.Context) {
	var carried *chunk
	for {
		batch := carried
		carried = nil
		if batch == nil {
			if batch = <-g.ready; batch == nil {
				return
			}
		}
		var chunks []*chunk
		chunks, carried = g.collect(batch)
		g.settle(ctx, chunks)
	}
}

// collect adds to the first chunk what else is ready and fits. What must be
// handled alone, or does not fit, is carried over.
func (g *generation) collect(first *chunk) (chunks []*chunk, carried *chunk) {
	chunks = []*chunk{first}
	events, bytes := len(first.events), first.bytes
	for !first.alone {
		select {
		case c := <-g.ready:
			if c == nil {
				return chunks, nil
			}
			if c.alone || events+len(c.events) > g.c.o.MaxEvents || bytes+c.bytes > g.c.o.MaxBytes {
				return chunks, c
			}
			chunks = append(chunks, c)
			events, bytes = events+len(c.events), bytes+c.bytes
		default:
			return chunks, nil
		}
	}
	return chunks, nil
}

// settle handles the chunks as one batch, commits their offsets and answers.
func (g *generation) settle(ctx context.Context, chunks []*chunk) {
	k := g.c.cluster.c
	var events []pipeline.Event
	offsets := map[int]int64{}
	for _, c := range chunks {
		events = append(events, c.events...)
		offsets[c.partition] = c.next
	}
	err := g.safely(ctx, events)
	if err != nil {
		k.Metrics.Failed("kafka")
		k.Log.Warn("a batch of events failed and will be tried again", "topic", g.c.topic, "events", len(events), "error", err)
	} else {
		k.Metrics.Handled("kafka", len(events))
		if err := g.gen.CommitOffsets(map[string]map[int]int64{g.c.topic: offsets}); err != nil {
			// Handled they are: at worst they come again and change nothing.
			k.Log.Debug("could not commit offsets", "topic", g.c.topic, "error", err)
		}
	}
	for _, c := range chunks {
		c.done <- err
	}
}

func (g *generation) safely(ctx context.Context, events []pipeline.Event) error {
	if len(events) == 0 {
		return nil
	}
	return g.handle(ctx, pipeline.Batch{Events: events})
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
