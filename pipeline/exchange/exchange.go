// Package exchange keeps objects that another system holds as well (a connectors.Mirror, such
// as a 1C base) the same on both sides. What changes here is noted in the
// transaction that changes it and goes out as a delivery; what changes there is a delivery
// too, for in both cases the same is done: read both, compare with what
// was agreed on last, decide field by field who is right, write, and note it. So
// what we wrote ourselves is no news when it comes back, a repeat changes nothing, and
// whoever dies in between is done over.
//
// Who is right is Reconcile, which is pure. It knows no protocol and no
// dialect. The lead repository and processes call Changed and Done through the composition
// root, intake Receive and Adopt, the delivery worker Deliver.
package exchange

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/connectors"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/pipeline"
	"marshrut/pipeline/delivery"
	"marshrut/processes"
	"marshrut/processes/casework"
)

//go:embed sql/*.sql
var files embed.FS

func sql(name string) string {
	text, err := files.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic("pipeline/exchange: no statement " + name)
	}
	return string(text)
}

// Kind is that of the deliveries that bring an object up to date.
const Kind = "mirror"

// Connections are the configured connections; connectors/registry implements it.
type Connections interface {
	Active() []*connectors.Connected
	Get(name string) (*connectors.Connected, bool)
}

// Options of an Exchange. All but Now are required.
type Options struct {
	Pool *pgxpool.Pool
	// Connections gives nil until they were read.
	Connections func() Connections
	Leads       *repository.Repository
	Casework    *casework.Casework
	Staff       *staff.Staff
	Language    string // of what administrators read
	Now         func() time.Time
}

// Exchange is safe for concurrent use, in any number of processes.
type Exchange struct{ Options }

// New makes an Exchange.
func New(o Options) *Exchange {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Exchange{o}
}

// mirrors are the connections at work that hold objects of ours.
func (x *Exchange) mirrors() map[string]connectors.Mirror {
	known := x.Connections()
	if known == nil {
		return nil
	}
	var all map[string]connectors.Mirror
	for _, c := range known.Active() {
		if m, ok := c.Instance.(connectors.Mirror); ok {
			if all == nil {
				all = map[string]connectors.Mirror{}
			}
			all[c.Name] = m
		}
	}
	return all
}

// Listens reports whether anybody holds objects of ours: without, nothing is noted.
func (x *Exchange) Listens() bool { return len(x.mirrors()) > 0 }

// LedElsewhere tells whether another system leads the processes of leads, and which connection that is.
func (x *Exchange) LedElsewhere() (string, bool) {
	for name, m := range x.mirrors() {
		if m.Terms().Elsewhere {
			return name, true
		}
	}
	return "", false
}

// job is what a delivery is about.
type job struct {
	Kind string `json:"kind"`
	ID   int64  `json:"id,string"`
	// Values of an outcome, which is a fact and never changes.
	Values map[string]string `json:"values,omitempty"`
	Lead   int64             `json:"lead,omitempty,string"`
	// Told: the other side told of an end, which has no version, so it has to be read whatever we know.
	Told bool `json:"told,omitempty"`
}

func (j job) object() string {
	if j.Kind == connectors.MirrorOutcome {
		return connectors.MirrorLead + ":" + strconv.FormatInt(j.Lead, 10) // behind its lead, in order
	}
	return j.Kind + ":" + strconv.FormatInt(j.ID, 10)
}

// order is a job of a connection, and what caused it.
type order struct {
	connection, ref, cause string
	job
}

// Changed notes in tx that leads have changed: they and the people behind them go out to
// every system that holds them.
func (x *Exchange) Changed(ctx context.Context, tx pgx.Tx, now time.Time, events []pipeline.Event) error {
	mirrors := x.mirrors()
	if len(mirrors) == 0 || len(events) == 0 {
		return nil
	}
	causes := map[int64]pipeline.Event{}
	for _, e := range events {
		if id, err := strconv.ParseInt(e.Subject, 10, 64); err == nil {
			causes[id] = e
		}
	}
	touched, err := x.touched(ctx, tx, causes)
	if err != nil {
		return err
	}
	var orders []order
	for name, m := range mirrors {
		for _, t := range touched {
			orders = append(orders, t.orders(name, m)...)
		}
	}
	return x.place(ctx, tx, now, orders, true)
}

// touched is a lead that a change is about, with the people behind it.
type touched struct {
	Lead, Contact, Client int64
	Connection            string
	Status                leads.Status
	Created               bool
	cause                 string
}

// touched reads the leads of the events, and the open leads of the same people: they show the same names.
func (x *Exchange) touched(ctx context.Context, tx pgx.Tx, causes map[int64]pipeline.Event) ([]touched, error) {
	ids := slices.Sorted(maps.Keys(causes))
	rows, err := tx.Query(ctx, sql("touched"), pgx.NamedArgs{"leads": ids})
	if err != nil {
		return nil, fmt.Errorf("read %d changed leads: %w", len(ids), err)
	}
	var list []touched
	var t touched
	_, err = pgx.ForEachRow(rows, []any{&t.Lead, &t.Contact, &t.Client, &t.Connection, &t.Status}, func() error {
		one := t
		e, own := causes[t.Lead]
		one.Created = own && isCreated(e)
		if one.cause = e.ID; !own {
			one.cause = causes[ids[0]].ID // whichever of them
		}
		list = append(list, one)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %d changed leads: %w", len(ids), err)
	}
	return list, nil
}

func isCreated(e pipeline.Event) bool {
	var told struct{ Change string }
	return json.Unmarshal(e.Data, &told) == nil && told.Change == "created"
}

// orders are what a connection has to bring up to date. A lead that has just come from there is linked by Adopt. Clients and
// contacts go out when there is a sale, or when they are there already.
func (t touched) orders(connection string, m connectors.Mirror) []order {
	fields := m.Terms().Fields
	var out []order
	add := func(kind string, id int64) {
		if id != 0 && len(fields[kind]) > 0 {
			out = append(out, order{connection: connection, ref: m.Ref(kind, id), cause: t.cause, job: job{Kind: kind, ID: id, Lead: t.Lead}})
		}
	}
	if !t.Created || t.Connection != connection {
		add(connectors.MirrorLead, t.Lead)
	}
	if t.Status == leads.StatusWon {
		add(connectors.MirrorClient, t.Client)
		add(connectors.MirrorContact, t.Contact)
	}
	return out
}

// place writes deliveries in tx, and links where it is ours that has changed. Links are written in one order everywhere, so that
// two who change the leads of one person do not wait for each other in a circle.
func (x *Exchange) place(ctx context.Context, tx pgx.Tx, now time.Time, orders []order, ours bool) error {
	if len(orders) == 0 {
		return nil
	}
	slices.SortFunc(orders, func(a, b order) int {
		return strings.Compare(a.connection+a.Kind+a.ref, b.connection+b.Kind+b.ref)
	})
	orders = slices.CompactFunc(orders, func(a, b order) bool { return a.connection == b.connection && a.Kind == b.Kind && a.ID == b.ID })
	if ours {
		if err := x.link(ctx, tx, now, orders); err != nil {
			return err
		}
	}
	requests := make([]delivery.Request, len(orders))
	for n, o := range orders {
		payload, err := json.Marshal(o.job)
		if err != nil {
			return err
		}
		requests[n] = delivery.Request{Connection: o.connection, Kind: Kind, Object: o.object(), Payload: payload, Lead: o.Lead,
			IdempotencyKey: fmt.Sprintf("mirror:%s:%s:%d:%s", o.connection, o.Kind, o.ID, o.cause)}
	}
	return delivery.Enqueue(ctx, tx, now, requests)
}

func (x *Exchange) link(ctx context.Context, tx pgx.Tx, now time.Time, orders []order) error {
	col := func(f func(order) string) []string {
		out := make([]string, len(orders))
		for i, o := range orders {
			out[i] = f(o)
		}
		return out
	}
	ids := make([]int64, len(orders))
	for i, o := range orders {
		ids[i] = o.ID
	}
	_, err := tx.Exec(ctx, sql("link"), pgx.NamedArgs{"now": now, "ids": ids, "connections": col(func(o order) string { return o.connection }),
		"kinds": col(func(o order) string { return o.Kind }), "refs": col(func(o order) string { return o.ref })})
	if err != nil {
		return fmt.Errorf("link %d objects: %w", len(orders), err)
	}
	return nil
}

// Done notes in tx that tasks were done: how they ended goes out behind their leads.
func (x *Exchange) Done(ctx context.Context, tx pgx.Tx, now time.Time, done []processes.DoneTask) error {
	mirrors := x.mirrors()
	if len(mirrors) == 0 || len(done) == 0 {
		return nil
	}
	people, err := x.Staff.Directory(ctx, tx)
	if err != nil {
		return err
	}
	held, err := readHeld(ctx, tx, slices.Collect(maps.Keys(mirrors)), done)
	if err != nil {
		return err
	}
	var orders []order
	for name, m := range mirrors {
		if len(m.Terms().Fields[connectors.MirrorOutcome]) == 0 {
			continue
		}
		for _, d := range done {
			if held[holder{name, d.Subject}] {
				orders = append(orders, order{connection: name, ref: m.Ref(connectors.MirrorOutcome, d.ID), cause: "done",
					job: job{Kind: connectors.MirrorOutcome, ID: d.ID, Lead: d.Subject, Values: outcomeValues(d, people)}})
			}
		}
	}
	return x.place(ctx, tx, now, orders, true)
}

// holder is a connection and a lead that it holds.
type holder struct {
	connection string
	lead       int64
}

func readHeld(ctx context.Context, tx pgx.Tx, connections []string, done []processes.DoneTask) (map[holder]bool, error) {
	subjects := make([]int64, len(done))
	for i, d := range done {
		subjects[i] = d.Subject
	}
	rows, _ := tx.Query(ctx, sql("held"), pgx.NamedArgs{"connections": connections, "leads": subjects})
	held := map[holder]bool{}
	var one holder
	_, err := pgx.ForEachRow(rows, []any{&one.connection, &one.lead}, func() error {
		held[one] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find who holds the leads of done tasks: %w", err)
	}
	return held, nil
}

func outcomeValues(d processes.DoneTask, people *staff.Directory) map[string]string {
	values := map[string]string{"title": d.Title + ": " + d.Outcome, "text": d.Comment, "at": rfc3339(d.At)}
	if e, ok := people.Employee(d.By); ok {
		values["owner"] = e.Login
	}
	return values
}

// Record is an object of the other side that an event told of.
type Record struct {
	Connection string
	connectors.Mirrored
	At time.Time // when we heard of it
}

// Receive notes in tx what the other side told of objects that both hold. It gives
// true for those; the others are new.
func (x *Exchange) Receive(ctx context.Context, tx pgx.Tx, now time.Time, records []Record) ([]bool, error) {
	known := make([]bool, len(records))
	var orders []order
	for i, r := range records {
		m, ok := x.mirror(r.Connection)
		if !ok {
			return nil, fmt.Errorf("connection %s holds nothing of ours: %w", r.Connection, connectors.ErrUnknown)
		}
		l, err := readLink(ctx, tx, "ref", r.Connection, r.Kind, r.Ref)
		if errors.Is(err, pgx.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find the link of a record: %w", err)
		}
		known[i] = true
		if !l.Main || !r.Deleted && (!m.Newer(r.Version, l.Version) || !m.Newer(r.Version, l.Heard)) {
			continue // an echo of what we wrote, or told before
		}
		if _, err := tx.Exec(ctx, sql("hear"), pgx.NamedArgs{"connection": r.Connection, "kind": r.Kind, "ref": r.Ref, "version": r.Version, "at": r.At}); err != nil {
			return nil, fmt.Errorf("note a change on the other side: %w", err)
		}
		o := order{connection: r.Connection, ref: r.Ref, cause: "v:" + r.Version, job: job{Kind: r.Kind, ID: l.Object, Told: r.Deleted}}
		if r.Kind == connectors.MirrorLead {
			o.Lead = l.Object
		}
		orders = append(orders, o)
	}
	return known, x.place(ctx, tx, now, orders, false)
}

// Adopts reports whether a record of which nobody knows becomes a lead here.
func (x *Exchange) Adopts(r Record) bool {
	m, ok := x.mirror(r.Connection)
	if !ok || r.Kind != connectors.MirrorLead || r.Deleted || r.Earlier || !m.Terms().Adopts {
		return false
	}
	status, told := r.Values["status"]
	return !told || status == string(leads.StatusOpen) // what ended there is history
}

// Adopt links leads that were captured out of records. A second record of a person joins the lead that is open, and is not
// followed.
func (x *Exchange) Adopt(ctx context.Context, tx pgx.Tx, now time.Time, records []Record, captured []repository.Captured) error {
	for i, r := range records {
		c := captured[i]
		if c.LeadID == 0 {
			continue
		}
		if _, err := tx.Exec(ctx, sql("adopt"), pgx.NamedArgs{"connection": r.Connection, "kind": r.Kind, "ref": r.Ref, "id": c.LeadID,
			"version": r.Version, "now": now}); err != nil {
			return fmt.Errorf("link an adopted lead: %w", err)
		}
		if title := r.Values["title"]; c.LeadNew && title != "" {
			if err := x.Leads.SetFields(ctx, tx, now, c.LeadID, 0, repository.Changes{Title: &title}); err != nil {
				return err
			}
		}
		o := order{connection: r.Connection, ref: r.Ref, cause: "v:" + r.Version, job: job{Kind: r.Kind, ID: c.LeadID, Lead: c.LeadID}}
		if err := x.place(ctx, tx, now, []order{o}, false); err != nil {
			return err
		}
	}
	return nil
}

func (x *Exchange) mirror(name string) (connectors.Mirror, bool) {
	known := x.Connections()
	if known == nil {
		return nil, false
	}
	c, ok := known.Get(name)
	if !ok {
		return nil, false
	}
	m, ok := c.Instance.(connectors.Mirror)
	return m, ok
}

// Mirrors reports whether a connection holds objects of ours.
func (x *Exchange) Mirrors(name string) bool {
	_, ok := x.mirror(name)
	return ok
}
