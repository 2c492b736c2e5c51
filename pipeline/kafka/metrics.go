package kafka

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var lagDesc = prometheus.NewDesc("marshrut_kafka_lag_events",
	"Events of a topic that a consumer group has not handled yet.", []string{"topic", "group"}, nil)

// Describe and Collect make a Consumer a prometheus.Collector of its group's lag:
// each scrape asks the cluster, for a second at most. While it is away the gauge
// is absent.
func (c *Consumer) Describe(d chan<- *prometheus.Desc) { d <- lagDesc }

func (c *Consumer) Collect(m chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	lag, err := c.cluster.Lag(ctx, c.topic, c.group)
	if err != nil {
		c.cluster.c.Log.Debug("the lag could not be measured", "topic", c.topic, "error", err)
		return
	}
	m <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(lag), c.topic, c.group)
}
