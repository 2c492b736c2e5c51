package pipeline

import "github.com/prometheus/client_golang/prometheus"

// Metrics count what passes. A nil *Metrics counts nothing.
type Metrics struct {
	published *prometheus.CounterVec
	open      prometheus.Gauge
	batches   *prometheus.HistogramVec
	failures  *prometheus.CounterVec
	flushes   *prometheus.HistogramVec
}

// NewMetrics makes the metrics of a process's pipeline and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	sizes := []float64{1, 2, 5, 10, 20, 50, 100, 200, 500}
	m := &Metrics{
		published: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "marshrut_published_events_total",
			Help: "Events by the path that took them: primary, secondary, or none.",
		}, []string{"path"}),
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "marshrut_breaker_open",
			Help: "1 while events avoid the first path.",
		}),
		batches: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "marshrut_consumed_batch_events", Buckets: sizes,
			Help: "Events in a batch that a consumer handled.",
		}, []string{"bus"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "marshrut_consumed_batch_failures_total",
			Help: "Batches whose handling failed and will be tried again.",
		}, []string{"bus"}),
		flushes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "marshrut_group_commit_events", Buckets: sizes,
			Help: "Events written by one group commit.",
		}, []string{"bus"}),
	}
	reg.MustRegister(m.published, m.open, m.batches, m.failures, m.flushes)
	return m
}

func (m *Metrics) path(name string, n int) {
	if m != nil {
		m.published.WithLabelValues(name).Add(float64(n))
	}
}

func (m *Metrics) breaker(open bool) {
	if m == nil {
		return
	}
	m.open.Set(0)
	if open {
		m.open.Set(1)
	}
}

// Handled counts one handled batch of n events on a bus ("spool", "kafka").
func (m *Metrics) Handled(bus string, n int) {
	if m != nil {
		m.batches.WithLabelValues(bus).Observe(float64(n))
	}
}

// Failed counts a batch whose handler failed.
func (m *Metrics) Failed(bus string) {
	if m != nil {
		m.failures.WithLabelValues(bus).Inc()
	}
}

// Flushed counts one group commit of n events.
func (m *Metrics) Flushed(bus string, n int) {
	if m != nil {
		m.flushes.WithLabelValues(bus).Observe(float64(n))
	}
}
