package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
	"marshrut/internal/postgres"
)

// View is a connection as people see it.
type View struct {
	Name, Connector, Provider string
	Title, Source             string
	Settings                  json.RawMessage // without secrets
	SecretsSet                []string        // keys of the secrets that have a value
	FromConfig, Enabled       bool
	RateLimit                 int
	State                     State
	LastAt                    *time.Time // when something was accepted last
	ConfirmedAt               *time.Time // when the other side last answered as it should; nil for what is only called
	Today, Month              map[string]int64
	Addresses                 []Address
	CreatedAt                 time.Time
}

// State says in words how a connection is. It is never "working" while nothing can arrive.
type State struct {
	Code   string // off, error, unattended, unhandled, refused, waiting, working, silent
	Title  connectors.Text
	Detail connectors.Text // what is wrong, for whoever repairs it
}

// Well reports that what comes through the connection arrives, as far as can be known.
func (s State) Well() bool { return s.Code == "working" || s.Code == "waiting" || s.Code == "silent" }

var titles = map[string]connectors.Text{
	"unattended": {"ru": "никто не слушает", "en": "nobody is listening"},
	"unhandled":  {"ru": "принимается, но не разбирается", "en": "taken, but not handled"},
	"off":        {"ru": "выключено", "en": "off"},
	"error":      {"ru": "ошибка", "en": "error"},
	"waiting":    {"ru": "ждёт первого сообщения", "en": "waiting for the first message"},
	"refused":    {"ru": "сообщения отклоняются", "en": "messages are refused"},
	"working":    {"ru": "работает", "en": "working"},
	"silent":     {"ru": "давно молчит", "en": "silent for long"},
}

// silence is how long a connection may be still before people should look.
const silence = 14 * 24 * time.Hour

type happened struct {
	Connection, Outcome string
	Today, Recent       int64
	LastAt              time.Time
}

// List gives all connections with what happened on them.
func (r *Registry) List(ctx context.Context, now time.Time) ([]View, error) {
	if err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	if err := r.Flush(ctx); err != nil { // what this process has counted since the last time
		return nil, err
	}
	year, month, day := now.In(r.options.Zone).Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	seen, err := r.attendance(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := r.pool.Query(ctx, sql("counts"), pgx.NamedArgs{"today": today, "since": today.AddDate(0, 0, -29),
		"midnight": time.Date(year, month, day, 0, 0, 0, 0, r.options.Zone)})
	if err != nil {
		return nil, fmt.Errorf("count what happened on connections: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[happened])
	if err != nil {
		return nil, fmt.Errorf("count what happened on connections: %w", err)
	}
	byName := map[string][]happened{}
	for _, h := range all {
		byName[h.Connection] = append(byName[h.Connection], h)
	}
	var views []View
	for _, e := range sorted(r.all()) {
		views = append(views, r.view(e, byName[e.row.Name], seen, now))
	}
	return views, nil
}

func sorted(m map[string]*entry) []*entry {
	var all []*entry
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[name])
	}
	return all
}

// View gives one connection with what happened on it.
func (r *Registry) View(ctx context.Context, name string, now time.Time) (View, error) {
	all, err := r.List(ctx, now)
	if err != nil {
		return View{}, err
	}
	for _, v := range all {
		if v.Name == name {
			return v, nil
		}
	}
	return View{}, fmt.Errorf("connection %q: %w", name, connectors.ErrUnknown)
}

func (r *Registry) view(e *entry, what []happened, seen attendance, now time.Time) View {
	s := e.row
	v := View{
		Name: s.Name, Connector: s.Connector, Provider: s.Provider, Title: s.Title, Source: s.Source, Settings: s.Settings,
		FromConfig: s.FromConfig, Enabled: s.Enabled, RateLimit: s.RateLimit, CreatedAt: s.CreatedAt,
		ConfirmedAt: s.ConfirmedAt, Today: map[string]int64{}, Month: map[string]int64{},
	}
	if e.connected.Called() {
		v.Addresses = r.Addresses(s.Name, now)
	}
	for key, value := range e.connected.Secrets {
		if value != "" {
			v.SecretsSet = append(v.SecretsSet, key)
		}
	}
	var refusedAt time.Time
	for _, h := range what {
		switch h.Outcome {
		case CountAccepted, "filed":
			if v.LastAt == nil || h.LastAt.After(*v.LastAt) {
				v.LastAt = &h.LastAt
			}
		case CountRefused:
			refusedAt = h.LastAt
		}
		if h.Outcome != "filed" {
			v.Today[h.Outcome], v.Month[h.Outcome] = h.Today, h.Recent
		}
	}
	v.State = stateOf(e, v, seen, refusedAt, now)
	return v
}

func stateOf(e *entry, v View, seen attendance, refusedAt, now time.Time) State {
	switch {
	case !e.row.Enabled:
		return told("off", nil)
	case e.connected.Fault != nil:
		return told("error", plain(e.connected.RedactText(e.connected.Fault.Error())))
	}
	// Its trouble, as any other word on it, is as it was left when nobody is there to say a later one.
	if s, ok := unattended(e.connected, seen, latest(e.row.UpdatedAt, v.ConfirmedAt, v.LastAt, e.row.TroubleAt), now); ok && (e.row.Trouble == "" || seen.absent("worker", now)) {
		return s
	}
	switch {
	case e.row.Trouble != "":
		return told("error", plain(e.row.Trouble))
	case len(v.Addresses) == 0 && e.connected.Called():
		return told("error", noAddress)
	case v.LastAt == nil && !refusedAt.IsZero(), v.LastAt != nil && refusedAt.After(*v.LastAt):
		return told("refused", nil) // the next one that is accepted proves the contrary
	case v.LastAt == nil:
		return told("waiting", nil)
	case now.Sub(*v.LastAt) > silence:
		return told("silent", nil)
	}
	return told("working", nil)
}

var noAddress = connectors.Text{"ru": "Нет действующего адреса: выпустите новый.", "en": "There is no valid address: make a new one."}

// Report keeps what a poller said when it ended, so that every process shows it.
func (r *Registry) Report(ctx context.Context, now time.Time, name string, trouble error) error {
	text := ""
	if trouble != nil {
		text = trouble.Error()
		if c, ok := r.Get(name); ok {
			text = c.RedactText(text)
		}
	}
	if _, err := r.pool.Exec(ctx, sql("trouble"), pgx.NamedArgs{"name": name, "trouble": postgres.Words(text), "now": now}); err != nil {
		return fmt.Errorf("report the state of %s: %w", name, err)
	}
	return nil
}
