package kafka_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"marshrut/pipeline"
	"marshrut/pipeline/kafka"
	"marshrut/pipeline/pipelinetest"
)

func TestContractOnTheInProcessKafka(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	contract(t, cluster.ListenAddrs())
}

// bus is a publisher and a consumer of one topic.
type bus struct {
	*kafka.Publisher
	*kafka.Consumer
}

var topics int

// open makes an empty topic and a bus on it.
func open(t *testing.T, brokers []string) bus {
	t.Helper()
	k, err := kafka.New(kafka.Config{Brokers: brokers})
	if err != nil {
		t.Fatal(err)
	}
	topics++
	topic := fmt.Sprintf("inquiries-%d-%d", time.Now().UnixNano(), topics)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := k.EnsureTopics(ctx, kafka.Topic{Name: topic, Partitions: 6}); err != nil {
		t.Fatal(err)
	}
	b := bus{k.Publisher(topic), k.Consumer(topic, topic+"-intake", kafka.ConsumerOptions{RetryMax: time.Second})}
	t.Cleanup(func() { b.Close(); k.Close() })
	return b
}

func contract(t *testing.T, brokers []string) {
	pipelinetest.Broker(t, func(t *testing.T) pipelinetest.Bus { return open(t, brokers) })
}

var _ pipeline.Publisher = bus{}
