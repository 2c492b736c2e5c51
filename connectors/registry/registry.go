// Package registry keeps the configured connections: what they are, the tokens of
// their addresses, their sealed secrets, where their pollers stand, what state they
// are in and what has happened on them. It holds them in memory, so that the edge
// goes on receiving while PostgreSQL is away. It does not know any provider: those
// come from package catalog. The edge opens connections, the intake finds them, the
// web and the commands list and change them.
package registry

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"marshrut/connectors"
	"marshrut/internal/postgres"
)

//go:embed sql/*.sql
var files embed.FS

func sql(name string) string {
	text, err := files.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic("connectors/registry: no statement " + name)
	}
	return string(text)
}

// Options are what all connections share.
type Options struct {
	Key       string // secret_key: seals secrets and tokens
	Region    string // phones without a country code
	Language  string // of texts that strangers see
	PublicURL string // of the gateway, without a slash at the end
	Zone      *time.Location
	Now       func() time.Time
	Log       *slog.Logger
	Roles     []string // of this process: edge, worker, web; none: it is a command that does its errand and ends
	// Dial reaches other machines as the administrator allows; nil: public addresses only.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Registry is the connections of one process. It is safe for concurrent use.
type Registry struct {
	pool      *pgxpool.Pool
	providers map[string]connectors.Provider // by connector/name
	seal      sealer
	options   Options
	entries   atomic.Pointer[map[string]*entry]
	refreshed atomic.Int64 // unix nanoseconds of the last load, for Find
	loading   sync.Mutex
	counts    counter
	process   string // what this process is called among those that run
	leader    *leader
}

// entry is a connection in memory.
type entry struct {
	row       row
	connected *connectors.Connected
	tokens    []token
}

// New makes a registry. It knows no connection before Refresh or Run has read them.
func New(pool *pgxpool.Pool, providers []connectors.Provider, o Options) (*Registry, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	seal, err := newSealer(o.Key)
	if err != nil {
		return nil, err
	}
	lead := &leader{held: map[int64]bool{}, open: func(ctx context.Context) (*pgx.Conn, error) { return pgx.ConnectConfig(ctx, pool.Config().ConnConfig) }}
	return &Registry{pool: pool, providers: byName(providers), seal: seal, options: o, process: processID(), leader: lead}, nil
}

func byName(providers []connectors.Provider) map[string]connectors.Provider {
	all := make(map[string]connectors.Provider, len(providers))
	for _, p := range providers {
		all[p.Connector+"/"+p.Name] = p
	}
	return all
}

// row is a connection as it is stored.
type row struct {
	Name, Connector, Provider, Title, Source string
	Settings                                 json.RawMessage
	Sealed                                   []byte
	FromConfig, Enabled                      bool
	RateLimit                                int
	CreatedAt, UpdatedAt                     time.Time
	Trouble                                  string
	TroubleAt, ConfirmedAt                   *time.Time
	Hashes, Tokens                           [][]byte
	Made                                     []time.Time
	Expires                                  []maybeTime
}

// sameInstance reports that nothing changed of what an instance is made of. Times do
// not tell: two changes may share one.
func (r row) sameInstance(s row) bool {
	return r.Connector == s.Connector && r.Provider == s.Provider && r.Title == s.Title && r.Source == s.Source &&
		r.RateLimit == s.RateLimit && r.UpdatedAt.Equal(s.UpdatedAt) && bytes.Equal(r.Settings, s.Settings) && bytes.Equal(r.Sealed, s.Sealed)
}

// Refresh reads the connections. One that has not changed keeps its instance.
func (r *Registry) Refresh(ctx context.Context) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	rows, err := r.pool.Query(ctx, sql("load"))
	if err != nil {
		return fmt.Errorf("load connections: %w", err)
	}
	stored, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return fmt.Errorf("load connections: %w", err)
	}
	before := r.all()
	next := make(map[string]*entry, len(stored))
	for _, s := range stored {
		next[s.Name] = r.entry(s, before[s.Name])
	}
	r.entries.Store(&next)
	r.refreshed.Store(time.Now().UnixNano())
	return nil
}

func (r *Registry) entry(s row, before *entry) *entry {
	e := &entry{row: s, tokens: r.tokens(s)}
	if before != nil && before.row.sameInstance(s) {
		e.connected = before.connected
		return e
	}
	secrets, err := r.seal.openSecrets(s.Name, s.Sealed)
	e.connected = r.connect(s, secrets)
	if err != nil {
		e.connected.Instance, e.connected.Fault = nil, err
	}
	if e.connected.Fault != nil {
		r.options.Log.Error("connection cannot be understood; what comes is kept", "connection", s.Name, "error", e.connected.Fault)
	}
	return e
}

// connect makes the instance. Without one, what comes is still kept, and nothing of it understood.
func (r *Registry) connect(s row, secrets map[string]string) *connectors.Connected {
	c := &connectors.Connected{RateLimit: s.RateLimit, Connection: connectors.Connection{
		Name: s.Name, Connector: s.Connector, Provider: s.Provider, Title: s.Title, Source: s.Source,
		Region: r.options.Region, Language: r.options.Language, PublicURL: r.options.PublicURL,
		Settings: s.Settings, Secrets: secrets, CreatedAt: s.CreatedAt, Dial: r.options.Dial,
	}}
	p, ok := r.providers[s.Connector+"/"+s.Provider]
	if !ok {
		c.Fault = fmt.Errorf("there is no provider %s/%s in this version: %w", s.Connector, s.Provider, connectors.ErrUnknown)
		return c
	}
	c.Channel = p.Channel
	c.Instance, c.Fault = p.New(c.Connection)
	return c
}

func (r *Registry) all() map[string]*entry {
	if m := r.entries.Load(); m != nil {
		return *m
	}
	return nil
}

// Ready reports whether the connections have been read at least once.
func (r *Registry) Ready() bool { return r.entries.Load() != nil }

// Get gives a connection by name, enabled or not.
func (r *Registry) Get(name string) (*connectors.Connected, bool) {
	e, ok := r.all()[name]
	if !ok {
		return nil, false
	}
	return e.connected, true
}

// Find is Get that looks into the database for a name it does not know yet: another
// process may have made the connection a moment ago.
func (r *Registry) Find(ctx context.Context, name string) (*connectors.Connected, error) {
	if c, ok := r.Get(name); ok {
		return c, nil
	}
	if time.Since(time.Unix(0, r.refreshed.Load())) > time.Second {
		// The caller may hold a transaction: waiting long for a second connection starves everybody.
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if err := r.Refresh(ctx); err != nil {
			return nil, err
		}
	}
	if c, ok := r.Get(name); ok {
		return c, nil
	}
	return nil, fmt.Errorf("connection %q: %w", name, connectors.ErrUnknown)
}

// Active lists the enabled connections that can work, for the Supervisor.
func (r *Registry) Active() []*connectors.Connected {
	var active []*connectors.Connected
	for _, e := range r.all() {
		if e.row.Enabled && e.connected.Instance != nil {
			active = append(active, e.connected)
		}
	}
	return active
}

// Widget gives the script of a connection's widget, which posts to an address of its own.
func (r *Registry) Widget(name string) ([]byte, bool) {
	e, ok := r.all()[name]
	if !ok || !e.row.Enabled {
		return nil, false
	}
	widget, ok := e.connected.Instance.(connectors.Widget)
	if !ok {
		return nil, false
	}
	newest, ok := newest(e.tokens, r.options.Now())
	if !ok {
		return nil, false
	}
	return widget.Script(r.options.PublicURL + "/in/" + name + "/" + r.seal.widgetToken(name, newest.hash))
}

// Run keeps the memory and the database together until ctx ends: changes of
// connections come in, counts go out.
func (r *Registry) Run(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	var both errgroup.Group
	both.Go(func() error {
		return postgres.Listen(ctx, r.pool, channel, func(string) {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	})
	both.Go(func() error { return r.keep(ctx, changed) })
	return both.Wait()
}

// keep refreshes when something changed, and now and then in case nobody said so.
func (r *Registry) keep(ctx context.Context, changed <-chan struct{}) error {
	refresh, flush, attend := time.NewTicker(30*time.Second), time.NewTicker(time.Second), time.NewTicker(attendEvery)
	defer refresh.Stop()
	defer flush.Stop()
	defer attend.Stop()
	err := r.Attend(ctx)
	for {
		if err != nil && ctx.Err() == nil {
			r.options.Log.Warn("connections in memory may be out of date", "error", err)
		}
		select {
		case <-ctx.Done():
			final, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return errors.Join(r.Flush(final), r.leave(final))
		case <-changed:
			err = r.Refresh(ctx)
		case <-refresh.C:
			err = r.Refresh(ctx)
		case <-flush.C:
			err = r.Flush(ctx)
		case <-attend.C:
			err = r.Attend(ctx)
		}
	}
}

// channel tells other processes that connections have changed.
const channel = "connections"

func (r *Registry) announce(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "select pg_notify($1, '')", channel); err != nil {
		return fmt.Errorf("announce changed connections: %w", err)
	}
	return nil
}

// ErrReadOnly: the connection comes from the configuration file and is changed there.
var ErrReadOnly = errors.New("connection comes from the configuration file: change it there")

// ErrTaken: there is a connection of that name already.
var ErrTaken = errors.New("there is a connection of that name already")
