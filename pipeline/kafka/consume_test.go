package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sync/errgroup"

	"marshrut/pipeline"
	"marshrut/pipeline/kafka"
	"marshrut/pipeline/pipelinetest"
)

// bench is an in-process Kafka with a topic of one partition.
type bench struct {
	t       *testing.T
	brokers []string
	cluster *kafka.Cluster
	raw     *kafkago.Client
}

func newBench(t *testing.T) *bench {
	t.Helper()
	f, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	b := &bench{t: t, brokers: f.ListenAddrs()}
	b.raw = &kafkago.Client{Addr: kafkago.TCP(b.brokers...)}
	if b.cluster, err = kafka.New(kafka.Config{Brokers: b.brokers}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.cluster.Close)
	if err := b.cluster.EnsureTopics(t.Context(), kafka.Topic{Name: "inquiries", Partitions: 1}); err != nil {
		t.Fatal(err)
	}
	return b
}

// consume collects events until n have come.
func (b *bench) consume(n int) []pipeline.Event {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	var mu sync.Mutex
	var got []pipeline.Event
	err := b.cluster.Consumer("inquiries", "intake", kafka.ConsumerOptions{}).Consume(ctx, func(_ context.Context, batch pipeline.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		if got = append(got, batch.Events...); len(got) >= n {
			cancel()
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if len(got) != n {
		b.t.Fatalf("%d events came, want %d", len(got), n)
	}
	return got
}

func (b *bench) publish(events ...pipeline.Event) {
	b.t.Helper()
	p := b.cluster.Publisher("inquiries")
	defer p.Close()
	if err := p.Publish(b.t.Context(), events...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) commit(offset int64) {
	b.t.Helper()
	res, err := b.raw.OffsetCommit(b.t.Context(), &kafkago.OffsetCommitRequest{
		GroupID: "intake", GenerationID: -1,
		Topics: map[string][]kafkago.OffsetCommit{"inquiries": {{Partition: 0, Offset: offset}}},
	})
	if err != nil || res.Topics["inquiries"][0].Error != nil {
		b.t.Fatal(err, res)
	}
}

func TestAnOffsetTheLogDoesNotHaveMeansStartingAtItsFirst(t *testing.T) {
	b := newBench(t)
	b.publish(pipelinetest.Events(0, 5)...)
	b.commit(1000) // the log was made anew, and is shorter than what we remember
	if got := b.consume(5); got[0].ID != pipelinetest.Event(0).ID {
		t.Errorf("the first event is %s", got[0].Subject)
	}
	if lag, err := b.cluster.Lag(t.Context(), "inquiries", "intake"); err != nil || lag != 0 {
		t.Errorf("lag is %d, %v; want 0", lag, err)
	}
}

func TestLagCountsWhatIsNotHandled(t *testing.T) {
	b := newBench(t)
	b.publish(pipelinetest.Events(0, 5)...)
	lag, err := b.cluster.Lag(t.Context(), "inquiries", "intake")
	if err != nil || lag != 5 {
		t.Errorf("lag is %d, %v; want 5", lag, err)
	}
	b.commit(3)
	if lag, err = b.cluster.Lag(t.Context(), "inquiries", "intake"); err != nil || lag != 2 {
		t.Errorf("lag is %d, %v; want 2", lag, err)
	}
}

func TestAForeignMessageBlocksNobody(t *testing.T) {
	b := newBench(t)
	b.publish(pipelinetest.Event(0))
	res, err := b.raw.Produce(t.Context(), &kafkago.ProduceRequest{
		Topic: "inquiries", RequiredAcks: kafkago.RequireAll,
		Records: kafkago.NewRecordReader(kafkago.Record{Value: kafkago.NewBytes([]byte("ping"))}),
	})
	if err != nil || res.Error != nil {
		t.Fatal(err, res.Error)
	}
	b.publish(pipelinetest.Event(1))
	got := b.consume(3)
	if got[1].Type != pipeline.UnreadableType || string(got[1].Data) != "ping" || got[2].ID != pipelinetest.Event(1).ID {
		t.Errorf("got %+v", got)
	}
}

func TestOnlyAHandledPrefixIsCommitted(t *testing.T) {
	b := newBench(t)
	b.publish(pipelinetest.Events(0, 10)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var g errgroup.Group
	tried := make(chan struct{}, 100)
	options := kafka.ConsumerOptions{MaxEvents: 4, RetryMin: time.Millisecond, RetryMax: time.Millisecond}
	g.Go(func() error {
		return b.cluster.Consumer("inquiries", "intake", options).Consume(ctx, func(_ context.Context, batch pipeline.Batch) error {
			for _, e := range batch.Events {
				if e.ID == pipelinetest.Event(5).ID {
					tried <- struct{}{}
					return errors.New("the database is away")
				}
			}
			return nil
		})
	})
	for range 3 {
		select {
		case <-tried:
		case <-time.After(30 * time.Second):
			t.Fatal("the failing batch is not tried again")
		}
	}
	lag, err := b.cluster.Lag(t.Context(), "inquiries", "intake")
	if err != nil || lag != 6 {
		t.Errorf("with the second four failing the lag is %d, %v; want 6", lag, err)
	}
	cancel()
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := b.consume(6); got[0].ID != pipelinetest.Event(4).ID {
		t.Errorf("it went on at %s", got[0].Subject)
	}
}

func TestTopicsThatAreThereStayAsTheyAre(t *testing.T) {
	b := newBench(t)
	for range 2 {
		if err := b.cluster.EnsureTopics(t.Context(), kafka.Topic{Name: "inquiries", Partitions: 12, Retention: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.cluster.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAMistakeInTheSettingsIsSaidAtOnce(t *testing.T) {
	for want, c := range map[string]kafka.Config{
		"no brokers": {},
		"host:port":  {Brokers: []string{"kafka"}},
		"kerberos":   {Brokers: []string{"kafka:9092"}, Mechanism: "kerberos"},
	} {
		if _, err := kafka.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want it to say %q", c, err, want)
		}
	}
}

func TestEventsPassOverSASL(t *testing.T) {
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		t.Run(mechanism, func(t *testing.T) {
			f, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(),
				kfake.Superuser(strings.ToUpper(mechanism), "gateway", "correct horse"), kfake.GroupMinSessionTimeout(time.Second))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			config := kafka.Config{Brokers: f.ListenAddrs(), Mechanism: mechanism, User: "gateway", Password: "correct horse"}
			b := &bench{t: t, brokers: f.ListenAddrs()}
			if b.cluster, err = kafka.New(config); err != nil {
				t.Fatal(err)
			}
			defer b.cluster.Close()
			if err := b.cluster.EnsureTopics(t.Context(), kafka.Topic{Name: "inquiries", Partitions: 1}); err != nil {
				t.Fatal(err)
			}
			b.publish(pipelinetest.Event(0))
			b.consume(1)

			config.Password = "wrong"
			wrong, err := kafka.New(config)
			if err != nil {
				t.Fatal(err)
			}
			defer wrong.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			err = wrong.Ping(ctx)
			if err == nil || strings.Contains(fmt.Sprint(err), config.Password) {
				t.Errorf("with a wrong password: %v", err)
			}
		})
	}
}

func TestAStopDoesNotWaitForAMemberThatDied(t *testing.T) {
	b := newBench(t)
	// A member that says nothing for long is to the group like one that died.
	dead, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{ID: "intake", Brokers: b.brokers, Topics: []string{"inquiries"},
		HeartbeatInterval: 15 * time.Second, SessionTimeout: 20 * time.Second, RebalanceTimeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	if _, err := dead.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Long enough to ask to join; the group lets nobody in before the silent one is given up, 20 s later.
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()
	err = b.cluster.Consumer("inquiries", "intake", kafka.ConsumerOptions{}).Consume(ctx, func(context.Context, pipeline.Batch) error { return nil })
	if err != nil {
		t.Error(err)
	}
	if deadline, _ := ctx.Deadline(); time.Since(deadline) > 5*time.Second {
		t.Errorf("the stop took %s", time.Since(deadline))
	}
}
