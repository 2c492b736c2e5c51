// Package kafka carries events over Apache Kafka: a publisher that answers only
// after all in-sync replicas have the event, and a consumer that commits an
// offset only after its events were handled. It is the only importer of kafka-go
// and steers around that library's traps; it does not know what the events mean.
package kafka

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"marshrut/pipeline"
)

// Config says how to reach a cluster.
type Config struct {
	Brokers  []string // "host:port" of some brokers
	ClientID string   // shown in the broker's logs; default "marshrut"
	TLS      *tls.Config
	// Mechanism of SASL: "" for none, "plain", "scram-sha-256", "scram-sha-512".
	Mechanism, User, Password string

	Now     func() time.Time
	Log     *slog.Logger
	Metrics *pipeline.Metrics
}

// Cluster is a connection to Kafka that publishers and consumers share.
type Cluster struct {
	c         Config
	client    *kafka.Client
	transport *kafka.Transport
	dialer    *kafka.Dialer
}

// New prepares a Cluster; it does not connect yet.
func New(c Config) (*Cluster, error) {
	if len(c.Brokers) == 0 {
		return nil, errors.New(`kafka: no brokers, for example "kafka:9092"`)
	}
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			return nil, fmt.Errorf("kafka: broker %q is not host:port: %w", b, err)
		}
	}
	mechanism, err := c.mechanism()
	if err != nil {
		return nil, err
	}
	c.ClientID = cmp.Or(c.ClientID, "marshrut")
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	// TLS and SASL have to be said twice: the consumer group dials by itself.
	transport := &kafka.Transport{
		ClientID: c.ClientID, TLS: c.TLS, SASL: mechanism,
		DialTimeout: 3 * time.Second,
		MetadataTTL: 2 * time.Second, // how long a moved leader can stay unnoticed
	}
	dialer := &kafka.Dialer{
		ClientID: c.ClientID, TLS: c.TLS, SASLMechanism: mechanism,
		Timeout: 3 * time.Second, DualStack: true,
	}
	client := &kafka.Client{Addr: kafka.TCP(c.Brokers...), Transport: transport}
	return &Cluster{c: c, client: client, transport: transport, dialer: dialer}, nil
}

func (c Config) mechanism() (sasl.Mechanism, error) {
	switch strings.ToLower(c.Mechanism) {
	case "":
		return nil, nil
	case "plain":
		return plain.Mechanism{Username: c.User, Password: c.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, c.User, c.Password)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, c.User, c.Password)
	}
	return nil, fmt.Errorf("kafka: mechanism %q is none of plain, scram-sha-256, scram-sha-512", c.Mechanism)
}

// Close drops idle connections. Close publishers first.
func (k *Cluster) Close() { k.transport.CloseIdleConnections() }

// Ping asks a broker for the cluster's metadata.
func (k *Cluster) Ping(ctx context.Context) error {
	if _, err := k.client.Metadata(ctx, &kafka.MetadataRequest{}); err != nil {
		return fmt.Errorf("ask kafka at %s: %w", strings.Join(k.c.Brokers, ", "), err)
	}
	return nil
}

// Topic is a topic that must be there.
type Topic struct {
	Name       string
	Partitions int
	Retention  time.Duration // zero: the broker's own
}

// EnsureTopics creates what is missing, replicated to three brokers where there
// are as many. A topic that is there stays as it is.
func (k *Cluster) EnsureTopics(ctx context.Context, topics ...Topic) error {
	meta, err := k.client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return fmt.Errorf("look for topics: %w", err)
	}
	replicas := max(1, min(3, len(meta.Brokers)))
	var configs []kafka.TopicConfig
	for _, t := range topics {
		configs = append(configs, topicConfig(t, replicas))
	}
	res, err := k.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: configs})
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for name, err := range res.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	for _, t := range topics {
		if err := k.awaitTopic(ctx, t.Name); err != nil {
			return err
		}
	}
	return nil
}

func topicConfig(t Topic, replicas int) kafka.TopicConfig {
	config := kafka.TopicConfig{Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: replicas}
	set := func(name, value string) {
		config.ConfigEntries = append(config.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	if replicas == 3 {
		// An acknowledged event is on two brokers at least.
		set("min.insync.replicas", "2")
	}
	if t.Retention > 0 {
		set("retention.ms", strconv.FormatInt(t.Retention.Milliseconds(), 10))
	}
	return config
}

// awaitTopic waits until every partition has a leader; creating is asynchronous.
func (k *Cluster) awaitTopic(ctx context.Context, name string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ids, err := k.partitions(ctx, name)
		if err == nil && len(ids) > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for topic %s: %w", name, errors.Join(context.Cause(ctx), err))
		case <-tick.C:
		}
	}
}

// partitions lists the partitions of a topic in order, when all have a leader.
// It asks over a connection of its own: the transport answers from its cache.
func (k *Cluster) partitions(ctx context.Context, topic string) ([]int, error) {
	var errs []error
	for _, broker := range k.c.Brokers {
		found, err := k.dialer.LookupPartitions(ctx, "tcp", broker, topic)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ids := make([]int, len(found))
		for _, p := range found {
			if p.ID < 0 || p.ID >= len(ids) {
				return nil, fmt.Errorf("partitions of %s: %d of %d", topic, p.ID, len(ids))
			}
			if p.Error != nil || p.Leader.Host == "" {
				return nil, fmt.Errorf("partition %d of %s has no leader: %w", p.ID, topic, cmp.Or(p.Error, error(kafka.LeaderNotAvailable)))
			}
			ids[p.ID] = p.ID
		}
		return ids, nil
	}
	return nil, fmt.Errorf("look up the partitions of %s: %w", topic, errors.Join(errs...))
}

// Lag is how many events of the topic the group has not handled yet.
func (k *Cluster) Lag(ctx context.Context, topic, group string) (int64, error) {
	ids, err := k.partitions(ctx, topic)
	if err != nil {
		return 0, err
	}
	var ends []kafka.OffsetRequest
	for _, p := range ids {
		ends = append(ends, kafka.LastOffsetOf(p), kafka.FirstOffsetOf(p))
	}
	listed, err := k.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ends}})
	if err != nil {
		return 0, fmt.Errorf("ask for the ends of %s: %w", topic, err)
	}
	fetched, err := k.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: ids}})
	if err != nil {
		return 0, fmt.Errorf("ask for the offsets of %s: %w", group, err)
	}
	committed := map[int]int64{}
	for _, p := range fetched.Topics[topic] {
		committed[p.Partition] = p.CommittedOffset
	}
	var lag int64
	for _, p := range listed.Topics[topic] {
		lag += max(0, p.LastOffset-max(committed[p.Partition], p.FirstOffset))
	}
	return lag, nil
}

// passes says whether trying again may help: a broker that restarts, a leader
// that moved, a connection that was cut. kafka-go itself does not count a plain
// EOF, which is what every client sees when a broker is rolled.
func passes(err error) bool {
	var code kafka.Error
	if errors.As(err, &code) {
		return code.Temporary() || code == kafka.Unknown
	}
	var network net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}
