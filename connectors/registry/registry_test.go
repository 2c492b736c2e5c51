package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/connectors"
	"marshrut/connectors/registry"
	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
)

// echo is a provider of the tests' own: it has a secret and offers a widget.
type echoSettings struct {
	Folder string            `json:"folder"`
	Key    connectors.Secret `json:"key"`
}

type echo struct {
	connectors.Connection
	settings echoSettings
}

func (e echo) Script(address string) ([]byte, bool) { return []byte("post to " + address), true }

var echoProvider = connectors.Provider{
	Connector: "webform", Name: "echo", Channel: "form", Settings: &echoSettings{},
	New: func(c connectors.Connection) (connectors.Instance, error) {
		s, err := connectors.Decode(c, echoSettings{Folder: "INBOX"})
		return echo{c, s}, err
	},
}

const key = "a secret key of the installation"

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func given(t *testing.T, pool *pgxpool.Pool, secretKey string) *registry.Registry {
	t.Helper()
	r, err := registry.New(pool, []connectors.Provider{echoProvider}, registry.Options{
		Key: secretKey, Region: "RU", PublicURL: "https://gw.example", Zone: time.UTC, Now: func() time.Time { return now },
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	running(t, pool, "all", now.AddDate(1, 0, 0), "edge", "worker", "web")
	return r
}

// running is a process that was seen last at a moment.
func running(t *testing.T, pool *pgxpool.Pool, id string, seen time.Time, roles ...string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `insert into gateway_process values ($1, 'test', $2, $3, $3) on conflict (id) do update set roles = $2, seen_at = $3`, id, roles, seen)
	if err != nil {
		t.Fatal(err)
	}
}

func configured(name, settings string) registry.Configured {
	return registry.Configured{Name: name, Connector: "webform", Provider: "echo", Title: "Сайт", Settings: json.RawMessage(settings), Token: name + "-token-0123456789abcdef"}
}

func TestAConnectionOfTheFileIsOpenedByItsToken(t *testing.T) {
	r := given(t, postgrestest.New(t), key)
	if err := r.UpsertFile(t.Context(), now, []registry.Configured{configured("site", `{"folder":"x"}`)}); err != nil {
		t.Fatal(err)
	}
	c, ok := r.Open("site", "site-token-0123456789abcdef", now)
	if !ok || c.Name != "site" || c.Region != "RU" || c.RateLimit != 600 || c.Instance.(echo).settings.Folder != "x" {
		t.Errorf("got %+v, %v", c, ok)
	}
	for name, token := range map[string]string{"site": "site-token-0123456789abcdeX", "other": "site-token-0123456789abcdef", "": ""} {
		if _, ok := r.Open(name, token, now); ok {
			t.Errorf("%q opens with %q", name, token)
		}
	}
}

func TestMistakesOfTheFileAreAllNamedAndNothingIsWritten(t *testing.T) {
	r := given(t, postgrestest.New(t), key)
	bad := configured("site", `{"foldr":"x"}`)
	short := configured("land", `{}`)
	short.Token = "short"
	err := r.UpsertFile(t.Context(), now, []registry.Configured{bad, short, configured("good", `{}`), {Name: "Плохое", Connector: "webform", Provider: "echo"}, {Name: "who", Connector: "fax", Provider: "x"}})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"site", "settings.foldr", "land", "22", "Плохое", "fax/x"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if _, ok := r.Get("good"); ok {
		t.Error("half of the file was written")
	}
}

func TestARotatedAddressOverlapsWithTheOldOne(t *testing.T) {
	r := given(t, postgrestest.New(t), key)
	if err := r.UpsertFile(t.Context(), now, []registry.Configured{configured("site", `{}`)}); err != nil {
		t.Fatal(err)
	}
	fresh, err := r.Rotate(t.Context(), now, "site", 0)
	if err != nil {
		t.Fatal(err)
	}
	old := "site-token-0123456789abcdef"
	for _, token := range []string{old, fresh} {
		if _, ok := r.Open("site", token, now.Add(6*24*time.Hour)); !ok {
			t.Errorf("%s does not open during the overlap", token)
		}
	}
	later := now.Add(8 * 24 * time.Hour)
	if _, ok := r.Open("site", old, later); ok {
		t.Error("the old address works after the overlap")
	}
	if _, ok := r.Open("site", fresh, later); !ok {
		t.Error("the new address does not work after the overlap")
	}
	if all := r.Addresses("site", now); len(all) != 2 || all[0].URL != "https://gw.example/in/site/"+fresh || all[1].ExpiresAt.IsZero() {
		t.Errorf("addresses %+v", all)
	}
}

func TestAReplacedTokenDoesNotComeBackFromTheFile(t *testing.T) {
	r := given(t, postgrestest.New(t), key)
	file := []registry.Configured{configured("site", `{}`)}
	if err := r.UpsertFile(t.Context(), now, file); err != nil {
		t.Fatal(err)
	}
	fresh, err := r.Rotate(t.Context(), now, "site", -time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.UpsertFile(t.Context(), now.Add(time.Hour), file); err != nil { // the next start
		t.Fatal(err)
	}
	if _, ok := r.Open("site", file[0].Token, now.Add(time.Hour)); ok {
		t.Error("the replaced token works again")
	}
	if _, ok := r.Open("site", fresh, now.Add(time.Hour)); !ok {
		t.Error("the new token does not work")
	}
	file[0].Token = "another-token-0123456789"
	if err := r.UpsertFile(t.Context(), now.Add(2*time.Hour), file); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Open("site", file[0].Token, now.Add(2*time.Hour)); !ok {
		t.Error("a new token of the file does not work")
	}
}

func TestSecretsAreSealedAndOnlyTheirKeyOpensThem(t *testing.T) {
	pool := postgrestest.New(t)
	r := given(t, pool, key)
	if err := r.UpsertFile(t.Context(), now, []registry.Configured{configured("site", `{"key":"the vendor's secret"}`)}); err != nil {
		t.Fatal(err)
	}
	var dump string
	if err := pool.QueryRow(t.Context(), "select c::text || t::text from connection c join connection_token t on t.connection = c.name").Scan(&dump); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(dump, "vendor") || strings.Contains(dump, "site-token") {
		t.Errorf("a secret can be read in the database: %s", dump)
	}
	if c, _ := r.Get("site"); c.Secrets["key"] != "the vendor's secret" || c.Instance.(echo).settings.Key.Reveal() != "the vendor's secret" {
		t.Errorf("got %+v", c)
	}
	other := given(t, pool, "another key of the installation")
	c, ok := other.Open("site", "site-token-0123456789abcdef", now)
	if !ok || c.Instance != nil || c.Fault == nil || !strings.Contains(c.Fault.Error(), "secret_key") {
		t.Errorf("with another key: %+v, %v; what comes has to be kept all the same", c, ok)
	}
	view, err := other.View(t.Context(), "site", now)
	if err != nil || view.State.Code != "error" {
		t.Errorf("state %+v, %v", view.State, err)
	}
}

func TestWhatTheFileNamesIsReadOnlyInTheInterface(t *testing.T) {
	r := given(t, postgrestest.New(t), key)
	if err := r.UpsertFile(t.Context(), now, []registry.Configured{configured("site", `{}`)}); err != nil {
		t.Fatal(err)
	}
	if err := r.Save(t.Context(), now, configured("site", `{}`)); !errors.Is(err, registry.ErrReadOnly) {
		t.Errorf("got %v", err)
	}
	if err := r.UpsertFile(t.Context(), now, nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Save(t.Context(), now, configured("site", `{"folder":"y"}`)); err != nil {
		t.Errorf("after it left the file: %v", err)
	}
}

func TestASecretLeftOutKeepsItsValue(t *testing.T) {
	r := given(t, postgrestest.New(t), key)
	for _, settings := range []string{`{"key":"the vendor's secret"}`, `{"folder":"y"}`} {
		if err := r.Save(t.Context(), now, configured("site", settings)); err != nil {
			t.Fatal(err)
		}
	}
	c, _ := r.Get("site")
	if s := c.Instance.(echo).settings; s.Folder != "y" || s.Key.Reveal() != "the vendor's secret" {
		t.Errorf("got %+v", s)
	}
}

func TestTheWidgetHasAnAddressOfItsOwnThatFollowsTheToken(t *testing.T) {
	r := given(t, postgrestest.New(t), key)
	if err := r.Save(t.Context(), now, configured("site", `{}`)); err != nil {
		t.Fatal(err)
	}
	script, ok := r.Widget("site")
	token := string(script[strings.LastIndexByte(string(script), '/')+1:])
	if !ok || strings.Contains(string(script), "site-token") {
		t.Fatalf("script %s, %v: the token of the connection has no place on a public page", script, ok)
	}
	if _, ok := r.Open("site", token, now); !ok {
		t.Error("the widget's address does not open")
	}
	if _, err := r.Rotate(t.Context(), now, "site", -time.Second); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Open("site", token, now); ok {
		t.Error("the widget's address outlives its token")
	}
	if _, ok := r.Widget("nobody"); ok {
		t.Error("an unknown connection has a widget")
	}
}

func TestAConnectionIsNeverGreenWhileNothingCanArrive(t *testing.T) {
	r := given(t, postgrestest.New(t), key)
	if err := r.Save(t.Context(), now, configured("site", `{}`)); err != nil {
		t.Fatal(err)
	}
	state := func(at time.Time) string {
		view, err := r.View(t.Context(), "site", at)
		if err != nil {
			t.Fatal(err)
		}
		return view.State.Code
	}
	check := func(at time.Time, want, when string) {
		t.Helper()
		if got := state(at); got != want {
			t.Errorf("%s it is %s, want %s", when, got, want)
		}
	}
	check(now, "waiting", "in the beginning")
	r.Count("site", registry.CountRefused, 1, now)
	check(now, "refused", "when all was refused")
	r.Count("site", registry.CountAccepted, 3, now)
	check(now, "working", "after a message")
	r.Count("site", registry.CountRefused, 1, now.Add(time.Minute))
	check(now.Add(time.Minute), "refused", "when the key was changed meanwhile")
	r.Count("site", registry.CountAccepted, 1, now.Add(2*time.Minute))
	check(now.Add(2*time.Minute), "working", "after the next message")
	check(now.AddDate(0, 1, 0), "silent", "after a month")
	if err := r.Report(t.Context(), now, "site", errors.New("login refused")); err != nil {
		t.Fatal(err)
	}
	check(now, "error", "when its poller fails")
	if err := r.Report(t.Context(), now, "site", nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Enable(t.Context(), now, "site", false); err != nil {
		t.Fatal(err)
	}
	check(now, "off", "switched off")
	if _, ok := r.Open("site", "site-token-0123456789abcdef", now); ok {
		t.Error("one that is off opens")
	}
	view, _ := r.View(t.Context(), "site", now)
	if view.Today["accepted"] != 4 || view.Month["refused"] != 2 || view.LastAt == nil {
		t.Errorf("counts %v %v", view.Today, view.Month)
	}
}

// pollingProvider is one whose connections go and ask.
var pollingProvider = connectors.Provider{
	Connector: "email", Name: "poll", Channel: "email", Settings: &echoSettings{},
	New: func(connectors.Connection) (connectors.Instance, error) { return patient{}, nil },
}

type patient struct{}

func (patient) Poll(ctx context.Context, _ connectors.Desk) error { <-ctx.Done(); return nil }
func (patient) Rhythm() time.Duration                             { return 5 * time.Minute }

func TestATroubleIsShownWhateverBytesTheOtherSideSpeaks(t *testing.T) {
	r := given(t, postgrestest.New(t), key)
	if err := r.UpsertFile(t.Context(), now, []registry.Configured{configured("site", `{}`)}); err != nil {
		t.Fatal(err)
	}
	if err := r.Report(t.Context(), now, "site", errors.New("NO \xee\xf2\xea\xe0\xe7\x00 "+strings.Repeat("я", 5000))); err != nil {
		t.Fatal(err)
	}
	v, err := r.View(t.Context(), "site", now)
	if said := v.State.Detail.In("ru"); err != nil || v.State.Code != "error" || !strings.HasPrefix(said, "NO \uFFFD") || len(said) > 5000 {
		t.Errorf("%s: %.60q, %v", v.State.Code, said, err)
	}
}

func TestAConnectionThatNoProcessSeesToSaysSo(t *testing.T) {
	pool := postgrestest.New(t)
	r, err := registry.New(pool, []connectors.Provider{echoProvider, pollingProvider}, registry.Options{Key: key, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	box := registry.Configured{Name: "box", Connector: "email", Provider: "poll"}
	if err := errors.Join(r.Save(t.Context(), now, configured("site", `{}`)), r.Save(t.Context(), now, box)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"site", "box"} {
		r.Count(name, registry.CountAccepted, 1, now)
		if err := r.Report(t.Context(), now, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	check := func(at time.Time, site, box, when string) {
		t.Helper()
		for name, want := range map[string]string{"site": site, "box": box} {
			v, err := r.View(t.Context(), name, at)
			if err != nil || v.State.Code != want || v.State.Well() != (want == "working") || !v.State.Well() && v.State.Detail.In("en") == "" {
				t.Errorf("%s, %s is %+v, %v; want %s", when, name, v.State, err, want)
			}
		}
	}
	check(now, "unattended", "unattended", "nothing runs")
	running(t, pool, "e", now, "edge")
	check(now, "unhandled", "unattended", "only an edge runs")
	running(t, pool, "w", now, "worker")
	check(now, "working", "working", "both run")
	check(now.Add(2*time.Minute), "unattended", "unattended", "both were killed")
	later := now.Add(20 * time.Minute)
	running(t, pool, "e", later, "edge")
	running(t, pool, "w", later, "worker")
	check(later, "working", "unattended", "the worker does not get to the mailbox")
	running(t, pool, "w2", later, "worker")
	check(later, "working", "working", "another worker has just begun")
	later = later.Add(20 * time.Minute)
	running(t, pool, "e", later, "edge")
	running(t, pool, "w2", later, "worker")
	check(later, "working", "unattended", "that one does not get to it either")
	if err := r.Report(t.Context(), later, "box", nil); err != nil {
		t.Fatal(err)
	}
	check(later, "working", "working", "the mailbox has answered")
	if err := r.Report(t.Context(), later, "box", errors.New("login refused")); err != nil {
		t.Fatal(err)
	}
	check(later, "working", "error", "the mailbox fails")
	check(later.Add(2*time.Minute), "unattended", "unattended", "its trouble is of a process that is gone")
}

func TestAProcessSaysThatItRunsUntilItStops(t *testing.T) {
	pool := postgrestest.New(t)
	running(t, pool, "long gone", now.AddDate(0, 0, -2), "worker")
	r, err := registry.New(pool, nil, registry.Options{Key: key, Roles: []string{"edge", "web"}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	seen := func() (roles []string) {
		rows, _ := pool.Query(t.Context(), `select unnest(roles) from gateway_process where seen_at >= $1 order by 1`, now)
		roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return roles
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	for tick := time.NewTicker(5 * time.Millisecond); len(seen()) == 0; <-tick.C {
		if t.Context().Err() != nil {
			t.Fatal("it never said so")
		}
	}
	if got := seen(); !slices.Equal(got, []string{"edge", "web"}) {
		t.Errorf("it says that it runs as %v", got)
	}
	stop()
	if err := <-ended; err != nil || len(seen()) > 0 {
		t.Errorf("after it stopped: %v, %v", seen(), err)
	}
	var gone int
	if err := pool.QueryRow(t.Context(), `select count(*) from gateway_process`).Scan(&gone); err != nil || gone > 0 {
		t.Errorf("%d processes are remembered, %v", gone, err)
	}
}

func TestWhatStandsAmongTheUnprocessedIsCountedThoughTheProcessDied(t *testing.T) {
	pool := postgrestest.New(t)
	r := given(t, pool, key)
	if err := r.Save(t.Context(), now, configured("site", `{}`)); err != nil {
		t.Fatal(err)
	}
	_, err := pool.Exec(t.Context(), `insert into inquiry (id, connection, channel, state, received_at, filed_at, body_hash, reason)
		values ('a', 'site', 'form', 'dead', $1, $1, '', 'no phone'), ('b', 'site', 'form', 'dead', $2, $2, '', 'no phone')`, now, now.AddDate(0, 0, -10))
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.View(t.Context(), "site", now)
	if err != nil || v.Today["failed"] != 1 || v.Month["failed"] != 2 || v.LastAt == nil || !v.LastAt.Equal(now) || v.State.Code != "working" {
		t.Errorf("%+v, %v", v, err)
	}
}

// asked is a provider whose connections can be tested: the other side says what the settings tell it to.
var askedProvider = connectors.Provider{
	Connector: "webform", Name: "asked", Channel: "form", Settings: &echoSettings{},
	New: func(c connectors.Connection) (connectors.Instance, error) {
		s, err := connectors.Decode(c, echoSettings{})
		return otherSide(s), err
	},
}

type otherSide echoSettings

func (o otherSide) Test(context.Context) error {
	switch o.Folder {
	case "well":
		return nil
	case "panic":
		panic(o.Key.Reveal())
	}
	return fmt.Errorf("no folder %s for %s", o.Folder, o.Key.Reveal())
}

func TestATestThatSucceedsLetsAConnectionInTroubleBeginAtOnce(t *testing.T) {
	r, err := registry.New(postgrestest.New(t), []connectors.Provider{askedProvider}, registry.Options{Key: key, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	well := registry.Configured{Name: "well", Connector: "webform", Provider: "asked", Settings: json.RawMessage(`{"folder":"well"}`)}
	if err := r.Save(t.Context(), now, well); err != nil {
		t.Fatal(err)
	}
	instance := func() *connectors.Connected {
		if err := r.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		c, _ := r.Get("well")
		return c
	}
	before := instance()
	if _, err := r.Test(t.Context(), "well"); err != nil || instance() != before {
		t.Errorf("one that works began anew, %v", err)
	}
	if err := r.Report(t.Context(), now, "well", errors.New("no answer")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Test(t.Context(), "well"); err != nil || instance() == before {
		t.Errorf("one in trouble goes on waiting, %v", err)
	}
}

func TestATestAsksTheOtherSideAndTellsNoSecret(t *testing.T) {
	r, err := registry.New(postgrestest.New(t), []connectors.Provider{echoProvider, askedProvider}, registry.Options{Key: key, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		provider, settings string
		asked              bool
		want               string
	}{
		"called": {"echo", `{}`, false, ""},
		"well":   {"asked", `{"folder":"well","key":"the vendor's secret"}`, true, ""},
		"wrong":  {"asked", `{"folder":"spam","key":"the vendor's secret"}`, true, "no folder spam"},
		"broken": {"asked", `{"folder":"panic","key":"the vendor's secret"}`, true, "panicked"},
	} {
		given := configured(name, c.settings)
		given.Provider = c.provider
		if err := r.Save(t.Context(), now, given); err != nil {
			t.Fatal(err)
		}
		asked, err := r.Test(t.Context(), name)
		if asked != c.asked || c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: asked %v, says %v; want %v and %q", name, asked, err, c.asked, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "the vendor's secret") {
			t.Errorf("%s: the secret is told: %v", name, err)
		}
	}
	if err := r.Enable(t.Context(), now, "well", false); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Test(t.Context(), "well"); !errors.Is(err, registry.ErrOff) {
		t.Errorf("one that is off says %v", err)
	}
	if _, err := r.Test(t.Context(), "nobody"); !errors.Is(err, connectors.ErrUnknown) {
		t.Errorf("an unknown one says %v", err)
	}
}

func TestTwoProcessesAddTheirCountsUp(t *testing.T) {
	pool := postgrestest.New(t)
	first, second := given(t, pool, key), given(t, pool, key)
	if err := first.Save(t.Context(), now, configured("site", `{}`)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		first.Count("site", registry.CountAccepted, 1, now)
		second.Count("site", registry.CountAccepted, 1, now)
	}
	for _, r := range []*registry.Registry{first, second} {
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if view, err := first.View(t.Context(), "site", now); err != nil || view.Today["accepted"] != 6 {
		t.Errorf("counted %v, %v", view.Today, err)
	}
}

func TestAChangeReachesTheOtherProcesses(t *testing.T) {
	pool := postgrestest.New(t)
	here, there := given(t, pool, key), given(t, pool, key)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- there.Run(ctx) }()
	if err := here.Save(t.Context(), now, configured("site", `{}`)); err != nil {
		t.Fatal(err)
	}
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		if _, ok := there.Get("site"); ok {
			break
		}
		select {
		case <-tick.C:
		case <-time.After(10 * time.Second):
			t.Fatal("the other process has not heard of the connection in 10 s")
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestFindLooksForAConnectionAnotherProcessMadeAMomentAgo(t *testing.T) {
	pool := postgrestest.New(t)
	here, there := given(t, pool, key), given(t, pool, key)
	if err := here.Save(t.Context(), now, configured("site", `{}`)); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for tick := time.NewTicker(100 * time.Millisecond); ; <-tick.C {
		c, err := there.Find(t.Context(), "site")
		if err == nil && c.Name == "site" {
			break
		}
		if !errors.Is(err, connectors.ErrUnknown) || time.Now().After(deadline) {
			t.Fatalf("got %v", err)
		}
	}
	if _, err := there.Find(t.Context(), "nobody"); !errors.Is(err, connectors.ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestTheMemoryServesWhilePostgreSQLIsAway(t *testing.T) {
	pool := postgrestest.New(t)
	r := given(t, pool, key)
	if err := r.Save(t.Context(), now, configured("site", `{}`)); err != nil {
		t.Fatal(err)
	}
	r.Count("site", registry.CountAccepted, 1, now)
	pool.Close()
	if err := r.Refresh(t.Context()); err == nil {
		t.Fatal("a closed pool answers")
	}
	if err := r.Flush(t.Context()); err == nil {
		t.Fatal("a closed pool takes counts")
	}
	if _, ok := r.Open("site", "site-token-0123456789abcdef", now); !ok || !r.Ready() {
		t.Error("the connection is forgotten")
	}
}

func TestAnUnchangedConnectionKeepsItsInstance(t *testing.T) {
	r := given(t, postgrestest.New(t), key)
	file := []registry.Configured{configured("site", `{}`), configured("land", `{}`)}
	if err := r.UpsertFile(t.Context(), now, file); err != nil {
		t.Fatal(err)
	}
	site, _ := r.Get("site")
	land, _ := r.Get("land")
	file[1].Title = "Лендинг"
	if err := r.UpsertFile(t.Context(), now.Add(time.Minute), file); err != nil {
		t.Fatal(err)
	}
	if again, _ := r.Get("site"); again != site {
		t.Error("site was made anew")
	}
	if changed, _ := r.Get("land"); changed == land || changed.Title != "Лендинг" {
		t.Error("land was not made anew")
	}
}

func TestACursorIsWhereItWasLeft(t *testing.T) {
	pool := postgrestest.New(t)
	r := given(t, pool, key)
	var at struct{ UID int }
	if ok, err := r.Cursor(t.Context(), pool, "box", "INBOX", &at); ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
	for uid := range 3 {
		if err := r.SaveCursor(t.Context(), pool, now, "box", "INBOX", struct{ UID int }{uid}); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := r.Cursor(t.Context(), pool, "box", "INBOX", &at); !ok || err != nil || at.UID != 2 {
		t.Errorf("%v, %v, %+v", ok, err, at)
	}
}

func TestAPollerThatStandsWhereItStoodWritesNothing(t *testing.T) {
	pool := postgrestest.New(t)
	r := given(t, pool, key)
	written := func(at time.Time, position map[string]int) (last time.Time) {
		if err := r.SaveCursor(t.Context(), pool, at, "box", "INBOX", position); err != nil {
			t.Fatal(err)
		}
		if err := pool.QueryRow(t.Context(), "select updated_at from connection_cursor").Scan(&last); err != nil {
			t.Fatal(err)
		}
		return last
	}
	first := written(now, map[string]int{"uid": 1})
	if again := written(now.Add(time.Second), map[string]int{"uid": 1}); !again.Equal(first) {
		t.Error("the same position is written again")
	}
	if moved := written(now.Add(time.Second), map[string]int{"uid": 2}); moved.Equal(first) {
		t.Error("a position that has moved is not written")
	}
}

func TestOnlyOneProcessLeads(t *testing.T) {
	pool := postgrestest.New(t)
	first, second := given(t, pool, key), given(t, pool, key)
	var leading, both atomic.Int32
	started, release := make(chan struct{}), make(chan struct{})
	work := func(started chan struct{}) func(context.Context) error {
		return func(ctx context.Context) error {
			if leading.Add(1) > 1 {
				both.Add(1)
			}
			defer leading.Add(-1)
			close(started)
			<-release
			return nil
		}
	}
	ended := make(chan error, 2)
	go func() { ended <- first.Lead(t.Context(), "box", work(started)) }()
	<-started
	taken := make(chan struct{})
	go func() { ended <- second.Lead(t.Context(), "box", work(taken)) }()
	select {
	case <-taken:
		t.Fatal("two processes lead")
	case <-time.After(50 * time.Millisecond): // the second has asked once by now
	}
	close(release)
	<-taken
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if both.Load() > 0 {
		t.Error("two processes led at once")
	}
}

func TestManyPollersTakeNoConnectionOfThePoolAndNoneTwice(t *testing.T) {
	pool := postgrestest.New(t)
	r := given(t, pool, key)
	before := pool.Stat().AcquiredConns()
	const boxes = 40
	ctx, stop := context.WithCancel(t.Context())
	var started sync.WaitGroup
	started.Add(boxes)
	ended := make(chan error, boxes+1)
	for n := range boxes {
		go func() {
			ended <- r.Lead(ctx, fmt.Sprintf("box%d", n), func(ctx context.Context) error {
				started.Done()
				<-ctx.Done()
				return nil
			})
		}()
	}
	started.Wait()
	if now := pool.Stat().AcquiredConns(); now > before {
		t.Errorf("%d connections of the pool are taken by %d pollers", now-before, boxes)
	}
	again, end := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer end()
	if err := r.Lead(again, "box1", func(context.Context) error { return errors.New("it leads twice") }); err != nil {
		t.Error(err)
	}
	stop()
	for range boxes {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	var left int
	if err := pool.QueryRow(t.Context(), "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d locks are left, %v", left, err)
	}
}

func TestALostSessionEndsTheWorkUnderIt(t *testing.T) {
	pool := postgrestest.New(t)
	r := given(t, pool, key)
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- r.Lead(t.Context(), "box", func(ctx context.Context) error {
			close(started)
			<-ctx.Done()
			return nil
		})
	}()
	<-started
	if _, err := pool.Exec(t.Context(), "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "the lock is lost") {
		t.Errorf("it ended with %v", err)
	}
	if err := r.Lead(t.Context(), "box", func(context.Context) error { return nil }); err != nil {
		t.Errorf("then nobody can lead: %v", err)
	}
}

func TestAPollerRemembersFromOneProcessToTheNext(t *testing.T) {
	pool := postgrestest.New(t)
	r := given(t, pool, "key of the tests, long enough")
	box := r.Memory("box")
	var uid int
	if begun, err := box.Position(t.Context(), "INBOX", &uid); begun || err != nil {
		t.Fatalf("before the beginning: %v, %v", begun, err)
	}
	if err := box.Advance(t.Context(), "INBOX", 7); err != nil {
		t.Fatal(err)
	}
	if begun, err := r.Memory("box").Position(t.Context(), "INBOX", &uid); !begun || err != nil || uid != 7 {
		t.Errorf("it stands at %d, %v, %v", uid, begun, err)
	}
	for attempt := 1; attempt < 3; attempt++ {
		failure, err := box.Fail(t.Context(), "INBOX", "8", "broken \x00 off")
		if err != nil || failure.Attempts != attempt || failure.SetAside || failure.Reason != "broken  off" {
			t.Errorf("try %d: %+v, %v", attempt, failure, err)
		}
	}
	if err := box.SetAside(t.Context(), "INBOX", "8"); err != nil {
		t.Fatal(err)
	}
	if found, err := r.Failures(t.Context(), "box"); err != nil || len(found) != 1 || !found[0].SetAside || found[0].Attempts != 2 {
		t.Errorf("shown: %+v, %v", found, err)
	}
	decide := func(how func(pgx.Tx) error) {
		t.Helper()
		if err := postgres.InTx(t.Context(), pool, how); err != nil {
			t.Fatal(err)
		}
	}
	decide(func(tx pgx.Tx) error {
		return r.Leave(t.Context(), tx, now, "box", "INBOX", "8", "Ольга", "спам")
	})
	if found, err := r.Failures(t.Context(), "box"); err != nil || found[0].LeftBy != "Ольга" || found[0].LeftWhy != "спам" || !found[0].GivenUp {
		t.Errorf("given up: %+v, %v", found, err)
	}
	if err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error { return r.Leave(t.Context(), tx, now, "box", "INBOX", "8", "Пётр", "-") }); !errors.Is(err, registry.ErrNoFailure) {
		t.Errorf("given up twice: %v", err)
	}
	decide(func(tx pgx.Tx) error { return r.Retry(t.Context(), tx, now, "box", "INBOX", "8") })
	if again, err := box.Again(t.Context(), "INBOX"); err != nil || !slices.Equal(again, []string{"8"}) {
		t.Errorf("wanted again: %v, %v", again, err)
	}
	if failure, err := box.Fail(t.Context(), "INBOX", "8", "still"); err != nil || failure.Attempts != 1 || failure.GivenUp {
		t.Errorf("tried once more: %+v, %v", failure, err)
	}
	if again, err := box.Again(t.Context(), "INBOX"); err != nil || len(again) > 0 {
		t.Errorf("wanted again though it was tried: %v, %v", again, err)
	}
	if err := box.Forget(t.Context(), "INBOX", "8"); err != nil {
		t.Fatal(err)
	}
	if found, err := r.Failures(t.Context(), "box"); err != nil || len(found) != 0 {
		t.Errorf("after it went well: %+v, %v", found, err)
	}
}

func TestHoweverMuchCouldNotBeTakenAllOfItButWhatWasGivenUpIsTriedOnceMore(t *testing.T) {
	pool := postgrestest.New(t)
	r := given(t, pool, "key of the tests, long enough")
	_, err := pool.Exec(t.Context(), `insert into connection_failure (connection, part, item, attempts, reason, since, last_at, left_at)
		select name, 'INBOX', n, 5, 'broken off', $1, $1, case when n = 1 then $1::timestamptz end from unnest(array['box', 'other']) as name, generate_series(1, 301) as n`, now)
	if err != nil {
		t.Fatal(err)
	}
	err = postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		if n, err := r.RetryAll(t.Context(), tx, now, "box"); n != 300 || err != nil {
			t.Errorf("%d are tried once more, %v; want 300", n, err)
		}
		return nil
	})
	var wanted int
	if err == nil {
		err = pool.QueryRow(t.Context(), "select count(*) from connection_failure where retry_at is not null and attempts = 0 and connection = 'box' and left_at is null").Scan(&wanted)
	}
	if err != nil || wanted != 300 {
		t.Errorf("%d wait for another try, %v", wanted, err)
	}
	if again, err := r.Memory("other").Again(t.Context(), "INBOX"); err != nil || len(again) > 0 {
		t.Errorf("of another connection %v are tried, %v", again, err)
	}
}

func TestOfManyWhoCreateOneNameOneSucceeds(t *testing.T) {
	pool := postgrestest.New(t)
	r := given(t, pool, key)
	var made, taken atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			switch err := r.Create(t.Context(), now, configured("site", fmt.Sprintf(`{"folder":"%d"}`, i))); {
			case err == nil:
				made.Add(1)
			case errors.Is(err, registry.ErrTaken):
				taken.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 || taken.Load() != 7 {
		t.Errorf("%d made it and %d were refused, want 1 and 7", made.Load(), taken.Load())
	}
}
