package processes

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	_ "embed"
)

//go:embed sql/task_ages.sql
var taskAgesSQL string

// Metrics count what processes do. A nil *Metrics counts nothing.
type Metrics struct {
	started   *prometheus.CounterVec   // by process
	tasks     *prometheus.CounterVec   // by process and what happened to them
	refusals  *prometheus.CounterVec   // by kind
	incidents *prometheus.CounterVec   // by process
	timers    prometheus.Counter       // fired
	lateness  prometheus.Histogram     // of timers, seconds
	commands  *prometheus.HistogramVec // seconds by command
	open      *prometheus.GaugeVec     // open tasks by role and state
	oldest    *prometheus.GaugeVec     // age of the oldest open task by role, seconds
}

// NewMetrics registers the metrics of processes.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "marshrut", Subsystem: "processes", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "marshrut", Subsystem: "processes", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		started:   counter("started_total", "Process instances started.", "process"),
		tasks:     counter("tasks_total", "Tasks created, done and canceled.", "process", "what"),
		refusals:  counter("refusals_total", "Clicks that were refused.", "kind"),
		incidents: counter("incidents_total", "Incidents raised.", "process"),
		timers:    prometheus.NewCounter(prometheus.CounterOpts{Namespace: "marshrut", Subsystem: "processes", Name: "timers_fired_total", Help: "Timers fired."}),
		lateness: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "marshrut", Subsystem: "processes", Name: "timer_lateness_seconds",
			Help: "How late timers fire.", Buckets: []float64{.01, .05, .1, .25, .5, 1, 5, 30, 300}}),
		commands: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "marshrut", Subsystem: "processes", Name: "command_seconds",
			Help: "How long a command takes, committed.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1}}, []string{"command"}),
		open:   gauge("tasks_open", "Open tasks; state is waiting, overdue or hung.", "role", "state"),
		oldest: gauge("task_oldest_seconds", "Age of the oldest open task.", "role"),
	}
	reg.MustRegister(m.started, m.tasks, m.refusals, m.incidents, m.timers, m.lateness, m.commands, m.open, m.oldest)
	return m
}

func (m *Metrics) refused(kind string) {
	if m != nil {
		m.refusals.WithLabelValues(kind).Inc()
	}
}

func (m *Metrics) fired(late time.Duration) {
	if m != nil {
		m.timers.Inc()
		m.lateness.Observe(max(0, late.Seconds()))
	}
}

func (m *Metrics) took(command string, d time.Duration) {
	if m != nil {
		m.commands.WithLabelValues(command).Observe(d.Seconds())
	}
}

// observeTasks sets the gauges of open tasks.
func (s *Service) observeTasks(ctx context.Context) error {
	if s.metrics == nil {
		return nil
	}
	now := s.now()
	rows, err := s.pool.Query(ctx, taskAgesSQL, pgx.NamedArgs{"now": now})
	if err != nil {
		return fmt.Errorf("measure the ages of tasks: %w", err)
	}
	defer rows.Close()
	s.metrics.open.Reset()
	s.metrics.oldest.Reset()
	for rows.Next() {
		var role string
		var waiting, overdue, hung float64
		var oldest time.Time
		if err := rows.Scan(&role, &waiting, &overdue, &hung, &oldest); err != nil {
			return fmt.Errorf("measure the ages of tasks: %w", err)
		}
		s.metrics.open.WithLabelValues(role, "waiting").Set(waiting)
		s.metrics.open.WithLabelValues(role, "overdue").Set(overdue)
		s.metrics.open.WithLabelValues(role, "hung").Set(hung)
		s.metrics.oldest.WithLabelValues(role).Set(now.Sub(oldest).Seconds())
	}
	return rows.Err()
}
