package app

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// health answers the probes of whoever watches the process.
type health struct {
	stopping atomic.Bool
	started  atomic.Bool
	checks   []check
}

// check is one thing the process cannot work without.
type check struct {
	name string
	ask  func(ctx context.Context) error
}

// probeBudget bounds a readiness probe; orchestrators ask with a second's patience.
const probeBudget = 800 * time.Millisecond

// live answers as long as the process can answer at all.
func (h *health) live(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// ready answers 200 when inquiries, people or events can be served now, and else says in words what is missing.
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	if reason := h.reason(r.Context()); reason != "" {
		w.Header().Set("Retry-After", "2")
		http.Error(w, reason, http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

func (h *health) reason(ctx context.Context) string {
	switch {
	case h.stopping.Load():
		return "stopping"
	case !h.started.Load():
		return "starting"
	}
	ctx, cancel := context.WithTimeout(ctx, probeBudget)
	defer cancel()
	for _, c := range h.checks {
		if err := c.ask(ctx); err != nil {
			return c.name + " does not answer"
		}
	}
	return ""
}
