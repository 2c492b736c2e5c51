package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/connectors"
	"marshrut/connectors/catalog"
	"marshrut/connectors/registry"
	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/pipeline"
	"marshrut/pipeline/edge"
	"marshrut/pipeline/intake"
	"marshrut/pipeline/spool"
	"marshrut/processes/casework"
)

// Tuesday morning in Moscow: everybody is at work.
var morning = time.Date(2026, 3, 17, 7, 0, 0, 0, time.UTC)

const token = "0123456789abcdefghijkl"

// company is a gateway in a test's own database: a door, the spool, the intake and
// casework with one manager, around a form connection called site.
type company struct {
	t        testing.TB
	pool     *pgxpool.Pool
	registry *registry.Registry
	repo     *repository.Repository
	casework *casework.Casework
	bus      *spool.Bus
	door     *edge.Handler
	*intake.Intake

	mu    sync.Mutex
	blobs map[string][]byte
	fetch error // of every blob, when set
	// arrive goes before casework, when set: where a test breaks things.
	arrive func(ctx context.Context, tx pgx.Tx, captured []repository.Captured) error
}

func newCompany(t testing.TB) *company {
	t.Helper()
	c := makeCompany(t, func() time.Time { return morning })
	c.must(c.casework.Processes().SeedDefinitions(t.Context(), os.DirFS("testdata")))
	return c
}

// makeCompany is a company with a clock and without a route map. Anna's telephone is 101.
func makeCompany(t testing.TB, now func() time.Time) *company {
	t.Helper()
	c := &company{t: t, pool: postgrestest.New(t), blobs: map[string][]byte{}}
	people, rules := staff.New(c.pool, staff.Options{}), casework.NewRules(c.pool)
	c.repo = repository.New(c.pool, repository.Options{Funnel: rules.Funnel})
	c.casework = casework.New(c.pool, c.repo, rules, people, casework.Options{Now: now, Log: slog.New(slog.DiscardHandler)})
	c.furnish(people)
	c.must(rules.Load(t.Context()))

	var err error
	c.registry, err = registry.New(c.pool, catalog.All(), registry.Options{Key: "key of the tests, long enough", Region: "RU", Now: now, Log: slog.New(slog.DiscardHandler)})
	c.must(err)
	c.configure("site", `{}`)
	c.bus = spool.New(c.pool, "inquiries", spool.Options{})
	t.Cleanup(c.bus.Close)
	c.door = edge.New(edge.Options{Connections: c.registry, Publisher: c.bus, Store: c.store, Now: now, Log: slog.New(slog.DiscardHandler), Budget: 10 * time.Second})
	c.Intake = intake.New(intake.Options{Pool: c.pool, Connections: c.registry, Repository: c.repo, Casework: c, Fetch: c.open, Now: now, Log: slog.New(slog.DiscardHandler)})
	return c
}

func (c *company) configure(name, settings string) {
	c.t.Helper()
	c.must(c.registry.Save(c.t.Context(), morning, registry.Configured{Name: name, Connector: "webform", Provider: "generic", Source: "site",
		Token: token, RateLimit: 1_000_000, Settings: json.RawMessage(settings)}))
}

// furnish fills dictionaries, rules and people.
func (c *company) furnish(people *staff.Staff) {
	c.must(postgres.InTx(c.t.Context(), c.pool, func(tx pgx.Tx) error {
		ctx := c.t.Context()
		if err := c.repo.Seed(ctx, tx, repository.StandardDictionaries()); err != nil {
			return err
		}
		if err := people.Seed(ctx, tx, staff.StandardDefaults("Europe/Moscow")); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `with anna as (insert into employee (login, name, permission, extension, created_at) values ('anna', 'Анна', 'manager', '101', $1) returning id)
			insert into role_member (role, employee_id) select 'manager', id from anna`, morning); err != nil {
			return err
		}
		return c.casework.SeedRules(ctx, tx)
	}))
}

// Arrive is casework, unless the test breaks it.
func (c *company) Arrive(ctx context.Context, tx pgx.Tx, now time.Time, captured []repository.Captured) error {
	if c.arrive != nil {
		if err := c.arrive(ctx, tx, captured); err != nil {
			return err
		}
	}
	return c.casework.Arrive(ctx, tx, now, captured)
}

// Address is casework.
func (c *company) Address(ctx context.Context, tx pgx.Tx, inquiries []leads.Inquiry) error {
	return c.casework.Address(ctx, tx, inquiries)
}

// Ring is casework.
func (c *company) Ring(ctx context.Context, tx pgx.Tx, now time.Time, extensions []string) error {
	return c.casework.Ring(ctx, tx, now, extensions)
}

func (c *company) store(_ context.Context, key string, r io.Reader) error {
	data, err := io.ReadAll(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blobs[key] = data
	return err
}

func (c *company) open(_ context.Context, key string) (io.ReadCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fetch != nil {
		return nil, c.fetch
	}
	data, ok := c.blobs[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (c *company) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// event is what the door makes of a body posted to a connection.
func (c *company) event(connection, contentType, body string) pipeline.Event {
	c.t.Helper()
	at, ok := c.registry.Get(connection)
	if !ok {
		c.t.Fatalf("no connection %s", connection)
	}
	r := connectors.Request{Method: http.MethodPost, ContentType: contentType, Header: http.Header{}, Body: []byte(body), ReceivedAt: morning}
	return connectors.NewEvent(at, r, connectors.Receipt{}, time.UTC)
}

const form = "application/x-www-form-urlencoded"

// forms are n events of as many people.
func (c *company) forms(n int) []pipeline.Event {
	events := make([]pipeline.Event, n)
	for i := range events {
		events[i] = c.event("site", form, fmt.Sprintf("name=N%d&phone=%%2B7912%07d", i, i))
	}
	return events
}

func (c *company) handle(events ...pipeline.Event) {
	c.t.Helper()
	c.must(c.Handle(c.t.Context(), pipeline.Batch{Events: events}))
}

// post sends a body through the door and gives the id of the answer.
func (c *company) post(contentType string, body io.Reader) string {
	c.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/in/site/"+token, body)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	c.door.ServeHTTP(w, r)
	var answer struct{ ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusAccepted {
		c.t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return answer.ID
}

func (c *company) count(query string, args ...any) int {
	c.t.Helper()
	var n int
	c.must(c.pool.QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

// want compares a count with what it should be.
func (c *company) want(n int, query string, args ...any) {
	c.t.Helper()
	if got := c.count(query, args...); got != n {
		c.t.Errorf("%d of %s, want %d", got, query, n)
	}
}

func (c *company) firstText(query string, args ...any) (text string) {
	c.t.Helper()
	c.must(c.pool.QueryRow(context.Background(), query, args...).Scan(&text))
	return text
}

// publisher is a bus of a function.
type publisher func(events ...pipeline.Event)

func (p publisher) Publish(_ context.Context, events ...pipeline.Event) error {
	p(events...)
	return nil
}

func (c *company) inquiry(id string) repository.InquiryView {
	c.t.Helper()
	view, err := c.repo.Inquiry(c.t.Context(), id)
	c.must(err)
	return view
}

// eventually waits until the question is answered with n.
func (c *company) eventually(n int, query string, args ...any) {
	c.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for c.count(query, args...) != n {
		select {
		case <-tick.C:
		case <-deadline:
			c.t.Fatalf("%d of %s after 30 s, want %d", c.count(query, args...), query, n)
		}
	}
}

// consume lets the intake work on the spool until the test ends.
func (c *company) consume() {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.bus.Consume(ctx, c.Handle) }()
	c.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			c.t.Error(err)
		}
	})
}

func (c *company) poison(phone string, fail func(ctx context.Context, tx pgx.Tx) error) {
	c.arrive = func(ctx context.Context, tx pgx.Tx, captured []repository.Captured) error {
		for _, one := range captured {
			if len(one.Inquiry.Points) > 0 && strings.HasSuffix(one.Inquiry.Points[0].Value, phone) {
				return fail(ctx, tx)
			}
		}
		return nil
	}
}
