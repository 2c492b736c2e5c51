package registry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Collector is a prometheus.Collector of how the connections are: each scrape asks the database, for a second at most. While it is
// away the gauges are absent.
type Collector struct {
	Registry *Registry
}

var (
	stateDesc = prometheus.NewDesc("marshrut_connection_well",
		"1: what comes through the connection arrives, as far as can be known. state says how it is: off, error, unattended, unhandled, refused, waiting, working, silent.",
		[]string{"connection", "state"}, nil)
	runningDesc = prometheus.NewDesc("marshrut_running_processes",
		"Processes of the gateway that said within the last 90 s that they run, by role.", []string{"role"}, nil)
)

// Describe tells which metrics there are.
func (c Collector) Describe(to chan<- *prometheus.Desc) {
	to <- stateDesc
	to <- runningDesc
}

// Collect measures.
func (c Collector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	now := c.Registry.options.Now()
	views, err := c.Registry.List(ctx, now)
	if err != nil {
		c.Registry.options.Log.Debug("the states of connections could not be measured", "error", err)
		return
	}
	for _, v := range views {
		well := 0.0
		if v.State.Well() {
			well = 1
		}
		to <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, well, v.Name, v.State.Code)
	}
	for _, role := range []string{"edge", "worker", "web"} {
		var n int
		err := c.Registry.pool.QueryRow(ctx, "select count(*) from gateway_process where $1 = any(roles) and seen_at > $2", role, now.Add(-absent)).Scan(&n)
		if err == nil {
			to <- prometheus.MustNewConstMetric(runningDesc, prometheus.GaugeValue, float64(n), role)
		}
	}
}
