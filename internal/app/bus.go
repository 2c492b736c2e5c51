package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"marshrut/pipeline"
	"marshrut/pipeline/kafka"
	"marshrut/pipeline/spool"
)

// Topics of the bus, in Kafka and in the spool alike.
const (
	topicInquiries = "inquiries"
	topicLeads     = "lead-events"

	// partitions bound how many workers share the inquiries.
	partitions = 12
	// leadHistory is how long outsiders may be away; nothing of ours reads the topic.
	leadHistory = 7 * 24 * time.Hour
)

// bus is how events go from the edge to the intake.
type bus struct {
	publisher pipeline.Publisher
	consumer  pipeline.Consumer
	forwards  map[string]func(context.Context) error // from the spool to Kafka
	fallback  *pipeline.Fallback                     // nil without Kafka
	spool     *spool.Bus                             // of the inquiries
}

// openBus makes Kafka the bus, with the spool standing in when it is away; without Kafka the spool itself.
func (a *App) openBus(ctx context.Context) error {
	metrics := pipeline.NewMetrics(a.registry)
	spoolOptions := spool.Options{Log: a.log, Metrics: metrics}
	inquiries := spool.New(a.database.intake, topicInquiries, spoolOptions)
	a.bus = &bus{publisher: inquiries, consumer: inquiries, spool: inquiries}
	a.onStop("spool", func(context.Context) error { inquiries.Close(); return nil })
	a.registry.MustRegister(inquiries) // each scrape asks how much waits
	if len(a.config.Kafka.Brokers) == 0 {
		return nil
	}
	cluster, err := kafka.New(a.kafkaConfig(metrics))
	if err != nil {
		return err
	}
	publisher, outside := cluster.Publisher(topicInquiries), cluster.Publisher(topicLeads)
	fallback := pipeline.NewFallback(publisher, inquiries, pipeline.FallbackOptions{Log: a.log, Metrics: metrics})
	leadEvents := spool.New(a.database.work, topicLeads, spoolOptions)
	a.bus.fallback, a.bus.publisher = fallback, fallback
	consumer := cluster.Consumer(topicInquiries, a.config.Kafka.Group, kafka.ConsumerOptions{})
	a.bus.consumer = consumer
	a.registry.MustRegister(consumer)
	a.bus.forwards = map[string]func(context.Context) error{
		"forward inquiries":   pipeline.Forward(inquiries, publisher),
		"forward lead events": pipeline.Forward(leadEvents, outside),
	}
	a.onStop("Kafka", func(context.Context) error {
		publisher.Close()
		outside.Close()
		leadEvents.Close()
		cluster.Close()
		return nil
	})
	a.work.start("topics", func(ctx context.Context) error { return a.keepTopics(ctx, cluster) })
	return nil
}

func (a *App) kafkaConfig(metrics *pipeline.Metrics) kafka.Config {
	k := a.config.Kafka
	c := kafka.Config{Brokers: k.Brokers, Mechanism: k.SASL, User: k.User, Password: k.Password.Reveal(), Log: a.log, Metrics: metrics}
	if k.TLS {
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return c
}

// keepTopics makes the topics as soon as Kafka answers; until then the spool stands in.
func (a *App) keepTopics(ctx context.Context, cluster *kafka.Cluster) error {
	err := cluster.EnsureTopics(ctx, kafka.Topic{Name: topicInquiries, Partitions: partitions}, kafka.Topic{Name: topicLeads, Partitions: partitions, Retention: leadHistory})
	if err != nil {
		return fmt.Errorf("make the topics: %w", err)
	}
	<-ctx.Done()
	return nil
}

// healthy says whether events can be taken: one path of the two is enough.
func (b *bus) healthy(context.Context) error {
	if b.fallback == nil {
		return nil // the spool is PostgreSQL, which is asked by itself
	}
	if primary, secondary := b.fallback.Healthy(); !primary && !secondary {
		return errors.New("neither Kafka nor the spool takes events")
	}
	return nil
}
