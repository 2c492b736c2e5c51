package oracle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/blobs"
	"marshrut/internal/localpg"
	"marshrut/internal/postgres"
)

// company is one installation: its database, its files and its processes.
type company struct {
	dir, config string
	postgres    postmaster // of newCompany only
	pool        *pgxpool.Pool
	store       blobs.Store
	processes   []*gateway
	bearer      string // an API token of the only manager
}

const settings = `
data_dir: %s
database:
  url: %q
kafka:
  brokers: [%s]
company:
  timezone: %s
log:
  level: warn
connections:
  - {name: site, connector: webform, provider: generic, token: %s, rate_limit: 1000000}
  - {name: landing, connector: webform, provider: generic, token: %s, rate_limit: 1000000}
`

// newCompany makes an installation with people in it, whose processes have the
// roles given by name, on a PostgreSQL of its own, and starts them.
func newCompany(t *testing.T, brokers string, roles ...[2]string) *company {
	t.Helper()
	c := &company{dir: t.TempDir(), postgres: newPostmaster(t)}
	if err := c.postgres.server.CreateDatabase(t.Context(), "gateway"); err != nil {
		t.Fatal(err)
	}
	url := c.postgres.server.URL("gateway")
	c.configure(t, url, brokers, roles)
	c.open(t)
	c.furnish(t, url)
	return c
}

// newSingle makes an installation of one process that keeps its PostgreSQL itself.
func newSingle(t *testing.T) *company {
	t.Helper()
	c := &company{dir: t.TempDir()}
	t.Cleanup(func() { // a gateway that was killed leaves its PostgreSQL behind
		server, err := localpg.Start(context.Background(), localpg.Config{Dir: c.data(), Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = errors.Join(server.Stop(context.Background()), localpg.Remove(c.data()))
		}
		if err != nil {
			t.Error(err)
		}
	})
	c.configure(t, "", "", [][2]string{{"gateway", "edge,worker,web"}})
	c.open(t)
	url, err := localpg.Address(c.data(), "marshrut")
	if err != nil {
		t.Fatal(err)
	}
	c.furnish(t, url)
	return c
}

func (c *company) data() string { return filepath.Join(c.dir, "data") }

// configure writes the settings that all processes share.
func (c *company) configure(t *testing.T, url, brokers string, roles [][2]string) {
	t.Helper()
	c.config = filepath.Join(c.dir, "marshrut.yaml")
	if err := os.WriteFile(c.config, fmt.Appendf(nil, settings, c.data(), url, brokers, farFromMidnight(time.Now()), token, token), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, r := range roles {
		c.processes = append(c.processes, newGateway(t, c.dir, c.config, r[0], r[1]))
	}
}

// furnish gives the test its own eyes on the database and the files, and the company its manager.
func (c *company) furnish(t *testing.T, url string) {
	t.Helper()
	var err error
	if c.pool, err = postgres.Open(t.Context(), url, postgres.Options{MaxConns: 2, Application: "oracle"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.pool.Close)
	if c.store, err = blobs.Open("", c.data()); err != nil {
		t.Fatal(err)
	}
	run(t, "user", "add", "-c", c.config, "--login", "manager", "--name", "Менеджер", "--role", "manager", "--works", "manager,duty")
	printed := run(t, "token", "add", "-c", c.config, "--login", "manager", "--name", "oracle")
	_, bearer, ok := strings.Cut(strings.TrimSpace(printed), "token: ")
	if !ok {
		t.Fatalf("token add printed %q", printed)
	}
	c.bearer = bearer
}

// open starts all processes at once, as an operator's orchestrator does on a fresh
// database, and waits until they are ready.
func (c *company) open(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		for _, g := range c.processes {
			g.discard()
			if t.Failed() {
				t.Logf("the end of what %s said:\n%s", g.name, g.tail(3000))
			}
		}
	})
	for _, g := range c.processes {
		if err := g.start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c.ready(t)
}

func (c *company) ready(t *testing.T) {
	t.Helper()
	for _, g := range c.processes {
		if err := g.ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// edge is where inquiries are posted; the first process has that role.
func (c *company) edge() string { return "http://" + c.processes[0].listen }

// web is where people work; the last process with that role.
func (c *company) web() string {
	for i := len(c.processes) - 1; i > 0; i-- {
		if strings.Contains(c.processes[i].roles, "web") {
			return "http://" + c.processes[i].listen
		}
	}
	return c.edge()
}

// farFromMidnight is a time zone in which it is noon: the same bytes count as a
// repeat within one day.
func farFromMidnight(now time.Time) string {
	ahead := 12 - now.UTC().Hour()           // -11 to 12
	return fmt.Sprintf("Etc/GMT%+d", -ahead) // POSIX counts westwards
}

// passes wants a fresh inquiry to become a lead with a task within 5 seconds, as
// somebody sees it who asks the API.
func (c *company) passes(t *testing.T) {
	t.Helper()
	fresh, m := newSender(c.edge(), "fresh", 1), newManager(c.web(), c.bearer)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	q := inquiry{mark: "fresh-00001", connection: "site", contentType: "application/x-www-form-urlencoded", body: []byte("name=Fresh&phone=%2B79130000000&no=fresh-00001")}
	if err := fresh.insist(ctx, q); err != nil {
		t.Fatalf("a fresh inquiry is not taken: %v", err)
	}
	_, promised, _, broken := fresh.result()
	if len(broken) > 0 {
		t.Fatal(broken)
	}
	for {
		var inquiry struct{ Lead *string }
		var tasks struct{ Items []todo }
		_, err := m.call(ctx, http.MethodGet, "/api/v1/inquiries/"+promised[q.mark], nil, &inquiry)
		if err == nil && inquiry.Lead != nil {
			_, err = m.call(ctx, http.MethodGet, "/api/v1/tasks?status=open&lead="+*inquiry.Lead, nil, &tasks)
		}
		if len(tasks.Items) > 0 {
			return
		}
		if !pause(ctx, 20*time.Millisecond) {
			t.Fatalf("a fresh inquiry has no task after 5 s (%v)", err)
		}
	}
}

// drain is how long obligations may take when all is well again.
const drain = 30 * time.Second

// load is what people do meanwhile: some fill in forms, one works on them.
type load struct {
	sender  *sender
	manager *manager
	end     func() // stops it and waits until everybody has their answer
}

// load lets people come, until end is called or all ends.
func (c *company) load(all context.Context, name string, number uint64, rate int) load {
	l := load{sender: newSender(c.edge(), name, number), manager: newManager(c.web(), c.bearer)}
	posting, stop := context.WithCancel(all)
	var people errgroup.Group
	people.Go(func() error { l.sender.post(posting, all, rate); return nil })
	people.Go(func() error { l.manager.work(posting); return nil })
	l.end = func() {
		stop()
		_ = people.Wait() // they complain in words of their own
	}
	return l
}

// ordeal posts while the faults happen, and then looks for what was promised.
func (c *company) ordeal(t *testing.T, number uint64, span time.Duration, rate int, victims ...victim) {
	t.Helper()
	all, end := context.WithTimeout(t.Context(), 2*span+2*time.Minute)
	defer end()
	l := c.load(all, fmt.Sprintf("oracle%d", number), number, rate)
	defer l.end()
	suffer(all, t, plan(rand.New(rand.NewPCG(number, 2)), victims, span))
	back := time.Now()
	c.ready(t)
	l.end()
	answered := time.Now()
	c.settle(all, t, l.sender, drain)
	sent, promised, refusals, _ := l.sender.result()
	t.Logf("%d inquiries sent, %d acknowledged, %d attempts refused or broken; all answered %s after the last fault, all filed %s later; %d tasks completed",
		len(sent), len(promised), refusals, answered.Sub(back).Round(time.Millisecond), time.Since(answered).Round(time.Millisecond), len(l.manager.clicked))
	if len(promised) < len(sent)/2 {
		t.Errorf("only %d of %d inquiries were ever acknowledged", len(promised), len(sent))
	}
	if len(l.manager.clicked) == 0 {
		t.Error("no task was ever completed")
	}
	c.inspect(all, t, l.sender, l.manager)
}

func TestNothingAcknowledgedIsLostWhoeverIsKilled(t *testing.T) {
	number := seed(t)
	c := newCompany(t, "", [2]string{"edge", "edge,web"}, [2]string{"worker", "worker"})
	c.ordeal(t, number, span(t, 12*time.Second), 60, c.processes[0], c.processes[1], c.postgres)
	c.passes(t)
}

func TestAGatewayThatKeepsItsOwnPostgreSQLLosesNothingEither(t *testing.T) {
	number := seed(t)
	c := newSingle(t)
	c.ordeal(t, number, 5*time.Second, 60, c.processes[0])
	c.passes(t)
	c.pool.Close()
	if err := c.processes[0].terminate(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAnOrderlyStopUnderLoadLosesNothing(t *testing.T) {
	number := seed(t)
	c := newCompany(t, "", [2]string{"gateway", "edge,worker,web"})
	all, end := context.WithTimeout(t.Context(), 2*time.Minute)
	defer end()
	l := c.load(all, fmt.Sprintf("stop%d", number), number, 150)
	defer l.end()
	for range 2 {
		pause(all, 1500*time.Millisecond)
		began := time.Now()
		if err := c.processes[0].terminate(all); err != nil {
			t.Error(err)
		}
		t.Logf("stopped in %s", time.Since(began).Round(time.Millisecond))
		if err := c.processes[0].start(all); err != nil {
			t.Fatal(err)
		}
		c.ready(t)
	}
	l.end()
	c.settle(all, t, l.sender, drain)
	c.inspect(all, t, l.sender, l.manager)
}

func TestWithoutPostgreSQLTheEdgeRefusesAndThenGoesOn(t *testing.T) {
	c := newCompany(t, "", [2]string{"gateway", "edge,worker,web"})
	s := newSender(c.edge(), "away", 1)
	if err := c.postgres.kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.refused(t)
	if err := c.postgres.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.settle(t.Context(), t, s, drain)
	c.inspect(t.Context(), t, s, newManager(c.web(), c.bearer))
	c.passes(t)
}

// refused wants the edge to say 503 soon. Until then it may say 202: what a dying
// PostgreSQL still commits is durable.
func (s *sender) refused(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		switch status, err := s.once(ctx); {
		case status == http.StatusServiceUnavailable:
			return
		case err != nil || status != http.StatusAccepted || !pause(ctx, 50*time.Millisecond):
			t.Fatalf("the edge answers %d (%v), want 503", status, err)
		}
	}
}
