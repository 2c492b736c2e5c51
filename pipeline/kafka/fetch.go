package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// fetch asks for what comes at *offset, waiting up to half a second for it. An
// offset the log does not have (retention was faster than we, or the log is
// younger than the offset) is answered by starting at the first there is.
func (g *generation) fetch(ctx context.Context, id int, offset *int64) ([]*chunk, error) {
	const wait = 500 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, wait+10*time.Second)
	defer cancel()
	if *offset < 0 { // kafka-go's FirstOffset: nothing was committed yet
		if err := g.restart(ctx, id, offset); err != nil {
			return nil, err
		}
	}
	res, err := g.c.cluster.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: g.c.topic, Partition: id, Offset: *offset, MinBytes: 1, MaxBytes: int64(g.c.o.MaxBytes), MaxWait: wait,
	})
	if err != nil {
		return nil, err
	}
	if errors.Is(res.Error, kafka.OffsetOutOfRange) {
		was := *offset
		if err := g.restart(ctx, id, offset); err != nil {
			return nil, err
		}
		g.c.cluster.c.Log.Error("the log does not have the offset we stopped at; starting at its first",
			"topic", g.c.topic, "partition", id, "stopped_at", was, "first", *offset)
		return nil, nil
	}
	if res.Error != nil {
		return nil, res.Error
	}
	return g.chunks(id, offset, res)
}

func (g *generation) restart(ctx context.Context, id int, offset *int64) error {
	res, err := g.c.cluster.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{g.c.topic: {kafka.FirstOffsetOf(id)}},
	})
	if err != nil {
		return fmt.Errorf("ask for the first offset: %w", err)
	}
	for _, p := range res.Topics[g.c.topic] {
		if p.Partition == id {
			if p.Error != nil {
				return fmt.Errorf("ask for the first offset: %w", p.Error)
			}
			*offset = p.FirstOffset
			return nil
		}
	}
	return fmt.Errorf("ask for the first offset: %w", kafka.UnknownTopicOrPartition)
}

// chunks reads a fetched record set. Markers of transactions, which another
// system's producer may write, are stepped over.
func (g *generation) chunks(id int, offset *int64, res *kafka.FetchResponse) ([]*chunk, error) {
	var out []*chunk
	sets := []kafka.RecordReader{res.Records}
	if stream, ok := res.Records.(*protocol.RecordStream); ok {
		sets = stream.Records
	}
	for _, set := range sets {
		_, marker := set.(*protocol.ControlBatch)
		for {
			r, err := set.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read records: %w", err)
			}
			key, keyErr := bytesOf(r.Key)
			value, valueErr := bytesOf(r.Value)
			if err := errors.Join(keyErr, valueErr); err != nil {
				return nil, fmt.Errorf("read record %d: %w", r.Offset, err)
			}
			if r.Offset < *offset {
				continue // a batch comes whole, also when we asked for its middle
			}
			if len(out) == 0 || !g.fits(out[len(out)-1], len(value)) {
				out = append(out, &chunk{partition: id, done: make(chan error, 1)})
			}
			last := out[len(out)-1]
			last.next = r.Offset + 1
			if !marker {
				origin := fmt.Sprintf("kafka/%s/%d/%d", g.c.topic, id, r.Offset)
				e := event(origin, r.Time, key, value, r.Headers)
				last.events = append(last.events, e)
				last.bytes += e.Size()
			}
		}
	}
	return out, nil
}

func (g *generation) fits(c *chunk, bytes int) bool {
	return len(c.events) < g.c.o.MaxEvents && (len(c.events) == 0 || c.bytes+bytes <= g.c.o.MaxBytes)
}
