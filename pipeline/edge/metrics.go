package edge

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what an operator sees of the door. A nil *Metrics counts nothing.
type Metrics struct {
	acceptedTotal *prometheus.CounterVec
	refusedTotal  *prometheus.CounterVec
	seconds       prometheus.Histogram
	inFlight      prometheus.Gauge
}

// NewMetrics registers the metrics of the edge.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		acceptedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "marshrut_edge_accepted_total", Help: "Inquiries made durable and answered, by connection.",
		}, []string{"connection"}),
		refusedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "marshrut_edge_refused_total",
			Help: "Requests that kept nothing, by connection and reason: unknown, forged, too_large, rate, busy, draining, unavailable, aborted.",
		}, []string{"connection", "reason"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "marshrut_edge_seconds", Help: "Time from a request to its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "marshrut_edge_in_flight", Help: "Requests being received.",
		}),
	}
	reg.MustRegister(m.acceptedTotal, m.refusedTotal, m.seconds, m.inFlight)
	return m
}

func (m *Metrics) begin() (end func(time.Duration)) {
	if m == nil {
		return func(time.Duration) {}
	}
	m.inFlight.Inc()
	return func(d time.Duration) {
		m.inFlight.Dec()
		m.seconds.Observe(d.Seconds())
	}
}

func (m *Metrics) accepted(connection string) {
	if m != nil {
		m.acceptedTotal.WithLabelValues(connection).Inc()
	}
}

func (m *Metrics) refused(connection, reason string) {
	if m != nil {
		m.refusedTotal.WithLabelValues(connection, reason).Inc()
	}
}
