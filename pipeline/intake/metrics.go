package intake

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what an operator sees of the intake. A nil *Metrics counts nothing.
type Metrics struct {
	filedTotal    *prometheus.CounterVec
	batchSize     prometheus.Histogram
	batchSeconds  prometheus.Histogram
	lagSeconds    prometheus.Histogram
	bisectedTotal prometheus.Counter
	racedTotal    prometheus.Counter
	retriedTotal  *prometheus.CounterVec
}

// NewMetrics registers the metrics of the intake.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		filedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "marshrut_intake_inquiries_total",
			Help: "Inquiries by connection and what became of them: lead, joined, repeat, conflict, spam, test, contact, part (of a call), amended, dead.",
		}, []string{"connection", "outcome"}),
		batchSize: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "marshrut_intake_batch_size", Help: "Messages in a batch.", Buckets: []float64{1, 2, 5, 10, 25, 50, 100, 250, 500},
		}),
		batchSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "marshrut_intake_batch_seconds", Help: "Time to file a batch.", Buckets: prometheus.ExponentialBuckets(.002, 2, 12),
		}),
		lagSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "marshrut_intake_lag_seconds", Help: "Time from receiving a message to filing it.", Buckets: prometheus.ExponentialBuckets(.005, 2.5, 14),
		}),
		bisectedTotal: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "marshrut_intake_bisected_total", Help: "Times a batch was halved to find a message that cannot be stored.",
		}),
		racedTotal: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "marshrut_intake_races_total", Help: "Times a batch was run again because somebody else was there at the same moment.",
		}),
		retriedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "marshrut_intake_failed_batches_total", Help: "Batches given back to the bus to come again, by whose fault it was: data, race, away, other.",
		}, []string{"fault"}),
	}
	reg.MustRegister(m.filedTotal, m.batchSize, m.batchSeconds, m.lagSeconds, m.bisectedTotal, m.racedTotal, m.retriedTotal)
	return m
}

func (m *Metrics) batch(size int, took time.Duration) {
	if m != nil {
		m.batchSize.Observe(float64(size))
		m.batchSeconds.Observe(took.Seconds())
	}
}

func (m *Metrics) lag(d time.Duration) {
	if m != nil {
		m.lagSeconds.Observe(max(d, 0).Seconds())
	}
}

func (m *Metrics) filed(connection, outcome string) {
	if m != nil {
		m.filedTotal.WithLabelValues(connection, outcome).Inc()
	}
}

func (m *Metrics) bisected() {
	if m != nil {
		m.bisectedTotal.Inc()
	}
}

func (m *Metrics) raced() {
	if m != nil {
		m.racedTotal.Inc()
	}
}

func (m *Metrics) retried(fault string) {
	if m != nil {
		m.retriedTotal.WithLabelValues(fault).Inc()
	}
}
