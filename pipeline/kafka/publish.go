package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"marshrut/pipeline"
)

// batchBytes keeps a produce batch under the broker's default message.max.bytes
// (1,048,588), which limits the batch and not the message.
const batchBytes = 900 << 10

// partitionsTTL is how long the number of partitions is believed.
const partitionsTTL = time.Minute

// Publisher publishes to one topic. Per partition one request is under way and
// the next batch fills meanwhile; nothing is queued behind the caller's back.
type Publisher struct {
	cluster *Cluster
	topic   string

	mu      sync.Mutex
	ids     []int // partitions
	idsAt   time.Time
	groups  map[int]*pipeline.Group
	closing bool
}

var _ pipeline.Publisher = (*Publisher)(nil)

// Publisher makes a publisher to topic. Close it after its last Publish.
func (k *Cluster) Publisher(topic string) *Publisher {
	return &Publisher{cluster: k, topic: topic, groups: map[int]*pipeline.Group{}}
}

// Publish returns nil when all in-sync replicas have every event.
func (p *Publisher) Publish(ctx context.Context, events ...pipeline.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := pipeline.CheckSize(events); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("publish to %s: %w", p.topic, context.Cause(ctx))
	}
	ids, err := p.partitions(ctx)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", p.topic, err)
	}
	if err := p.spread(ctx, ids, events); err != nil {
		return fmt.Errorf("publish to %s: %w", p.topic, err)
	}
	return nil
}

// Close waits until what was accepted is written.
func (p *Publisher) Close() {
	p.mu.Lock()
	p.closing = true
	groups := p.groups
	p.mu.Unlock()
	for _, g := range groups {
		g.Close()
	}
}

// spread hands each partition its events and waits for all of them.
func (p *Publisher) spread(ctx context.Context, ids []int, events []pipeline.Event) error {
	shares := map[int][]pipeline.Event{}
	for _, e := range events {
		id := partition(e, ids)
		shares[id] = append(shares[id], e)
	}
	if len(shares) == 1 {
		for id, share := range shares {
			return p.publish(ctx, id, share)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	for id, share := range shares {
		g.Go(func() error { return p.publish(ctx, id, share) })
	}
	return g.Wait()
}

// partition chooses as the Java client does, so that other producers agree.
func partition(e pipeline.Event, ids []int) int {
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: []byte(e.OrderKey())}, ids...)
}

// publish gives a partition its events in pieces that fit into a batch.
func (p *Publisher) publish(ctx context.Context, id int, events []pipeline.Event) error {
	group, err := p.group(id)
	if err != nil {
		return err
	}
	for len(events) > 0 {
		n, size := 0, 0
		for n < len(events) && (n == 0 || size+events[n].Size() <= batchBytes) {
			size += events[n].Size()
			n++
		}
		if err := group.Publish(ctx, events[:n]...); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

func (p *Publisher) group(id int) (*pipeline.Group, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return nil, pipeline.ErrClosed
	}
	g := p.groups[id]
	if g == nil {
		write := func(ctx context.Context, events []pipeline.Event) error { return p.write(ctx, id, events) }
		g = pipeline.NewGroup(write, pipeline.GroupOptions{MaxBytes: batchBytes, MaxWaiting: 1000, MaxPending: 8 << 20})
		p.groups[id] = g
	}
	return g, nil
}

// partitions are the topic's, asked for now and then.
func (p *Publisher) partitions(ctx context.Context) ([]int, error) {
	p.mu.Lock()
	ids, fresh := p.ids, time.Since(p.idsAt) < partitionsTTL
	if len(ids) > 0 && !fresh {
		p.idsAt = time.Now() // one caller asks, the others go by what is known
	}
	p.mu.Unlock()
	if len(ids) > 0 && fresh {
		return ids, nil
	}
	found, err := p.cluster.partitions(ctx, p.topic)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil && len(found) > 0:
		p.ids, p.idsAt = found, time.Now()
	case err == nil:
		err = kafka.UnknownTopicOrPartition
	}
	if len(p.ids) > 0 {
		// Known before: the write itself will say whether the broker is there.
		return p.ids, nil
	}
	return nil, err
}

// write is one produce request, tried again while the trouble looks passing and
// somebody waits. What a failed try left behind may arrive as well; the events'
// IDs make that harmless, and with one request under way the order stays.
func (p *Publisher) write(ctx context.Context, id int, events []pipeline.Event) error {
	pause := 20 * time.Millisecond
	for {
		err := p.produce(ctx, id, events)
		if err == nil || !passes(err) || ctx.Err() != nil {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return err
		case <-t.C:
			pause = min(2*pause, 500*time.Millisecond)
		}
	}
}

func (p *Publisher) produce(ctx context.Context, id int, events []pipeline.Event) error {
	p.cluster.c.Metrics.Flushed("kafka", len(events))
	records := make([]kafka.Record, len(events))
	for i, e := range events {
		records[i] = message(e)
	}
	res, err := p.cluster.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: p.topic, Partition: id, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err != nil {
		return err
	}
	if res.Error != nil {
		return fmt.Errorf("partition %d: %w", id, res.Error)
	}
	return nil
}
