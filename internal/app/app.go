// Package app puts the gateway together: it opens what the configuration names, gives every room what it needs, runs the
// work of the chosen roles under a supervisor, and takes everything down in reverse order. It is the only package that
// knows all others; it holds no rule of its own. cmd/marshrut and the demo company call it.
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"marshrut/configs"
	"marshrut/connectors/catalog"
	"marshrut/connectors/registry"
	"marshrut/internal/blobs"
	"marshrut/internal/staff"
	"marshrut/leads/repository"
	"marshrut/pipeline/edge"
	"marshrut/pipeline/exchange"
	"marshrut/pipeline/intake"
	"marshrut/processes/casework"
)

// Options of an App. Config and Log are required.
type Options struct {
	Config  configs.Config
	Roles   Roles            // none: All
	Now     func() time.Time // the clock of the business; time.Now if nil
	Log     *slog.Logger
	Version string
}

// App is one process of the gateway.
type App struct {
	config   configs.Config
	roles    Roles
	now      func() time.Time
	log      *slog.Logger
	version  string
	registry *prometheus.Registry

	listener net.Listener
	server   *http.Server
	front    front
	health   health
	work     *supervisor
	failed   chan error

	database *database
	blobs    blobs.Store
	bus      *bus

	// The rooms, for the demo company and the operator's errands.
	Staff       *staff.Staff
	Leads       *repository.Repository
	Casework    *casework.Casework
	Connections *registry.Registry
	Intake      *intake.Intake
	exchange    *exchange.Exchange
	edge        *edge.Handler

	mu       sync.Mutex
	teardown []step
}

// step is something to take down, named for the error it may give.
type step struct {
	name string
	down func(context.Context) error
}

// registryConnection is a connection of the file in the registry's words.
type registryConnection = registry.Configured

// New takes the address and answers the probes from then on. Start does the rest.
func New(ctx context.Context, o Options) (*App, error) {
	if o.Roles == (Roles{}) {
		o.Roles = All
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &App{config: o.Config, roles: o.Roles, now: o.Now, log: o.Log, version: o.Version,
		registry: newMetricsRegistry(o.Version), failed: make(chan error, 1)}
	listener, err := net.Listen("tcp", o.Config.HTTP.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; another program may be using the address: choose another with http.listen", o.Config.HTTP.Listen, err)
	}
	a.listener = listener
	a.work = newSupervisor(o.Log)
	a.serve()
	return a, nil
}

// Addr is the address it listens on, host:port.
func (a *App) Addr() string { return a.listener.Addr().String() }

// Failed tells of a failure that the process cannot outlive.
func (a *App) Failed() <-chan error { return a.failed }

// Start opens everything and starts the work. When it returns nil the gateway is ready. After an error only Stop may be called.
func (a *App) Start(ctx context.Context) error {
	for _, open := range []func(context.Context) error{a.openTracing, a.openStores, a.openRooms, a.openBus, a.openConnections, a.takeOver, a.startWork} {
		if err := open(ctx); err != nil {
			return err
		}
	}
	pages, err := a.pages()
	if err != nil {
		return err
	}
	a.front.open(pages)
	a.health.started.Store(true)
	return nil
}

// OnStop has Stop end something that the gateway stands on, once nothing uses it any more.
func (a *App) OnStop(name string, down func(context.Context) error) { a.onStop(name, down) }

// onStop pushes a step that Stop takes down, last first.
func (a *App) onStop(name string, down func(context.Context) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.teardown = append(a.teardown, step{name, down})
}

// Stop ends the process in order: not ready, no new requests, the work at hand is finished, then what it stood on is closed
// in reverse order. It may be called after a failed Start, and more than once.
func (a *App) Stop(ctx context.Context) error {
	a.health.stopping.Store(true)
	if a.edge != nil {
		a.edge.Drain()
	}
	problems := a.stopServing(ctx)
	a.mu.Lock()
	steps := a.teardown
	a.teardown = nil
	a.mu.Unlock()
	for i := len(steps) - 1; i >= 0; i-- {
		if err := steps[i].down(ctx); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", steps[i].name, err))
		}
	}
	return errors.Join(problems...)
}

// stopServing lets requests and work at hand finish. An errand has neither.
func (a *App) stopServing(ctx context.Context) (problems []error) {
	if a.server != nil {
		if err := a.server.Shutdown(ctx); err != nil {
			problems = append(problems, fmt.Errorf("http: %w", err), a.server.Close())
		}
	}
	if a.work != nil {
		if err := a.work.close(ctx); err != nil {
			problems = append(problems, fmt.Errorf("work: %w", err))
		}
	}
	return problems
}

func (a *App) openTracing(ctx context.Context) error {
	stop, err := startTracing(ctx, a.config.Tracing.Endpoint, a.version)
	if err != nil {
		return err
	}
	a.onStop("tracing", stop)
	return nil
}

func (a *App) openStores(ctx context.Context) (err error) {
	if a.database, err = openDatabase(ctx, a.config, a.log); err != nil {
		return err
	}
	a.onStop("PostgreSQL", a.database.close)
	a.health.checks = append(a.health.checks, check{"PostgreSQL", a.database.ping})
	if a.blobs, err = blobs.Open(a.config.Blobs.URL.Reveal(), a.config.DataDir); err != nil {
		return fmt.Errorf("open the store of files: %w", err)
	}
	a.tryBlobs(ctx)
	return nil
}

// tryBlobs says in the log at the start that files cannot be kept. Nothing is refused for it: what travels with its event
// needs no store.
func (a *App) tryBlobs(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := blobs.Check(ctx, a.blobs); err != nil {
		a.log.Error("the store of files cannot be used; forms with files are refused until it can", "error", err)
	}
}

// shipped are the route maps in the binary.
func shipped() fs.FS {
	files, err := fs.Sub(configs.Processes, "processes")
	if err != nil {
		panic(err) // the folder is embedded under that very name
	}
	return files
}

func (a *App) openConnections(ctx context.Context) (err error) {
	options := registryOptions(a.config, a.now, a.log)
	options.Roles = a.roles.names()
	a.Connections, err = registry.New(a.database.intake, catalog.All(), options)
	if err != nil {
		return err
	}
	if err := patiently(ctx, a.log, func() error { return a.Connections.Refresh(ctx) }); err != nil {
		return err
	}
	a.onStop("counts of connections", a.flushCounts)
	return nil
}

// takeOver writes the connections of the settings, and lets go of those that have left them.
func (a *App) takeOver(ctx context.Context) error {
	return patiently(ctx, a.log, func() error {
		if err := a.Connections.UpsertFile(ctx, a.now(), configured(a.config)); err != nil {
			return fmt.Errorf("take over the connections of the settings: %w", err)
		}
		return nil
	})
}

// flushCounts writes the last counts. With PostgreSQL away they are lost, which nobody stops less orderly for.
func (a *App) flushCounts(ctx context.Context) error {
	if err := a.Connections.Flush(ctx); err != nil {
		a.log.Warn("the last counts of connections were not written", "error", err)
	}
	return nil
}

func registryOptions(c configs.Config, now func() time.Time, log *slog.Logger) registry.Options {
	return registry.Options{Key: c.SecretKey.Reveal(), Region: c.Company.Region, Language: c.Company.Language,
		PublicURL: c.HTTP.PublicURL, Zone: c.Company.Location(), Now: now, Log: log, Dial: outgoing(c).Dialer().DialContext}
}
