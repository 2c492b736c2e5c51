package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"marshrut/connectors/catalog"
	"marshrut/web"
)

// front answers from the moment the address is taken: the probes at once, everything else when the rooms are open.
type front struct {
	handler atomic.Pointer[http.Handler]
}

func (f *front) open(h http.Handler) { f.handler.Store(&h) }

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := f.handler.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Retry-After", "2")
	http.Error(w, "starting", http.StatusServiceUnavailable)
}

// serve starts the server on the address that New took.
func (a *App) serve() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", a.health.live)
	mux.HandleFunc("GET /readyz", a.health.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{Registry: a.registry}))
	mux.Handle("/", &a.front)
	a.server = &http.Server{
		Handler:           a.measured(mux),
		ReadHeaderTimeout: 5 * time.Second, // slow loris
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      5 * time.Minute, // the download of a large workbook
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug), // strangers' broken connections
	}
	stopping, cancel := context.WithCancel(context.Background())
	a.server.RegisterOnShutdown(cancel) // ends the connections of events, which would never end by themselves
	a.server.Handler = endingWith(stopping, a.server.Handler)
	a.work.start("http", func(ctx context.Context) error {
		if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
			a.fail(fmt.Errorf("serve on %s: %w", a.Addr(), err))
		}
		<-ctx.Done()
		return nil
	})
}

// endingWith lets long answers end when the server is told to stop.
func endingWith(stopping context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "text/event-stream" {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(stopping, cancel)()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (a *App) fail(err error) {
	select {
	case a.failed <- err:
	default:
	}
}

// pages is what the roles of this process answer with.
func (a *App) pages() (http.Handler, error) {
	mux := http.NewServeMux()
	if a.roles.Web {
		company := a.config.Company
		site, err := web.New(web.Deps{Pool: a.database.people, Staff: a.Staff, Leads: a.Leads, Casework: a.Casework, Processes: a.Casework.Processes(),
			Connections: a.Connections, Providers: catalog.All(), Intake: a.Intake, Spool: a.bus.spool, Files: a.blobs,
			Company: web.Company{Name: company.Name, Region: company.Region, Language: company.Language, Location: company.Location(), PublicURL: a.config.HTTP.PublicURL},
			Now:     a.now, Log: a.log})
		if err != nil {
			return nil, err
		}
		a.work.start("bell", site.RunBell)
		mux.Handle("/", site.Handler())
	}
	if a.edge != nil {
		return door(a.edge, mux), nil
	}
	return mux, nil
}

// door gives the edge its addresses as they are written. A mux would first redirect one with two slashes, which is what a
// vendor makes of an address that was typed with a slash at its end, and vendors follow no redirect.
func door(edge, inside http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/in/") || strings.HasPrefix(r.URL.Path, "/widget/") {
			edge.ServeHTTP(w, r)
			return
		}
		inside.ServeHTTP(w, r)
	})
}
