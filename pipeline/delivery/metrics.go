package delivery

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

//go:embed sql/depth.sql
var depthSQL string

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
			Help: "Attempts to deliver, by connection, kind and outcome: done, failed, refused, halted.",
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
	switch {
	case errors.As(err, new(Halted)):
		outcome = "halted"
	case errors.As(err, new(Permanent)):
		outcome = "refused"
	case err != nil:
		outcome = "failed"
	}
	m.attempts.WithLabelValues(Label(d.Connection), d.Kind, outcome).Inc()
	m.seconds.WithLabelValues(d.Kind).Observe(took.Seconds())
}

// Label is a connection as it may be shown to everybody: the address of a web hook holds its token, and is cut to the host.
func Label(connection string) string {
	if u, err := url.Parse(connection); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	return connection
}

// Backlog is a prometheus.Collector of what is open: each scrape asks the
// database, for a second at most. While it is away the gauges are absent.
type Backlog struct {
	Pool *pgxpool.Pool
	Now  func() time.Time
}

var (
	openDesc = prometheus.NewDesc("marshrut_delivery_open",
		"Deliveries that have not gone out, by state: waiting, leased, parked.", []string{"state"}, nil)
	overdueDesc = prometheus.NewDesc("marshrut_delivery_oldest_due_seconds",
		"For how long the oldest delivery that waits has been due.", nil, nil)
	pausedDesc = prometheus.NewDesc("marshrut_delivery_paused",
		"Deliveries held up because nothing can go out through their connection at present.", []string{"connection", "needs"}, nil)
)

func (b Backlog) Describe(c chan<- *prometheus.Desc) {
	c <- openDesc
	c <- overdueDesc
	c <- pausedDesc
}

func (b Backlog) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	open := map[State]int{Waiting: 0, Leased: 0, Parked: 0}
	var overdue time.Duration
	var state State
	var count int
	var due *time.Time
	rows, _ := b.Pool.Query(ctx, depthSQL)
	_, err := pgx.ForEachRow(rows, []any{&state, &count, &due}, func() error {
		open[state] = count
		if state == Waiting && due != nil {
			overdue = max(0, b.Now().Sub(*due))
		}
		return nil
	})
	if err != nil {
		slog.Debug("the deliveries could not be counted", "error", err)
		return
	}
	for state, count := range open {
		c <- prometheus.MustNewConstMetric(openDesc, prometheus.GaugeValue, float64(count), string(state))
	}
	c <- prometheus.MustNewConstMetric(overdueDesc, prometheus.GaugeValue, overdue.Seconds())
	b.collectPauses(ctx, c)
}

// collectPauses tells what is held up, and whether time or an administrator mends it.
func (b Backlog) collectPauses(ctx context.Context, c chan<- prometheus.Metric) {
	pauses, err := Pauses(ctx, b.Pool)
	if err != nil {
		slog.Debug("the paused connections could not be counted", "error", err)
		return
	}
	type labels struct{ connection, needs string }
	held := map[labels]int{} // web hooks of one host are one
	for _, p := range pauses {
		needs := "time"
		if p.Person {
			needs = "administrator"
		}
		held[labels{Label(p.Via), needs}] += p.Waiting
	}
	for l, n := range held {
		c <- prometheus.MustNewConstMetric(pausedDesc, prometheus.GaugeValue, float64(n), l.connection, l.needs)
	}
}
