package delivery

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count attempts. A nil *Metrics counts nothing.
type Metrics struct {
	attempts *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewMetrics makes the metrics of a worker and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "marshrut_delivery_attempts_total",
			Help: "Attempts to deliver, by connection, kind and outcome: done, failed, refused.",
		}, []string{"connection", "kind", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "marshrut_delivery_attempt_seconds", Buckets: prometheus.ExponentialBuckets(0.01, 3, 9),
			Help: "How long attempts took.",
		}, []string{"kind"}),
	}
	reg.MustRegister(m.attempts, m.seconds)
	return m
}

func (m *Metrics) attempted(d Delivery, err error, took time.Duration) {
	if m == nil {
		return
	}
	outcome := "done"
	if errors.As(err, new(Permanent)) {
		outcome = "refused"
	} else if err != nil {
		outcome = "failed"
	}
	m.attempts.WithLabelValues(d.Connection, d.Kind, outcome).Inc()
	m.seconds.WithLabelValues(d.Kind).Observe(took.Seconds())
}
