package spool_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"marshrut/internal/postgres/postgrestest"
	"marshrut/pipeline/pipelinetest"
	"marshrut/pipeline/spool"
)

func TestWhatWaitsIsMeasured(t *testing.T) {
	pool := postgrestest.New(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	bus := spool.New(pool, "inquiries", spool.Options{Now: func() time.Time { return now }})
	defer bus.Close()
	if err := bus.Publish(t.Context(), pipelinetest.Events(0, 3)...); err != nil {
		t.Fatal(err)
	}
	now = now.Add(90 * time.Second)
	registry := prometheus.NewRegistry()
	registry.MustRegister(bus)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		got[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
	}
	if got["marshrut_spool_events"] != 3 || got["marshrut_spool_oldest_seconds"] != 90 {
		t.Errorf("measured %v", got)
	}
}
