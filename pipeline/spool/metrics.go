package spool

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	depthDesc = prometheus.NewDesc("marshrut_spool_events",
		"Events that wait in the spool, counted up to 100,000.", []string{"topic"}, nil)
	ageDesc = prometheus.NewDesc("marshrut_spool_oldest_seconds",
		"How long the oldest event has waited in the spool.", []string{"topic"}, nil)
)

// Describe and Collect make a Bus a prometheus.Collector: each scrape asks the
// database, for a second at most. While it is away the two gauges are absent.
func (b *Bus) Describe(c chan<- *prometheus.Desc) {
	c <- depthDesc
	c <- ageDesc
}

func (b *Bus) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	events, oldest, err := b.Depth(ctx)
	if err != nil {
		b.o.Log.Debug("the spool could not be measured", "topic", b.topic, "error", err)
		return
	}
	c <- prometheus.MustNewConstMetric(depthDesc, prometheus.GaugeValue, float64(events), b.topic)
	c <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, oldest.Seconds(), b.topic)
}
