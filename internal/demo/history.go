package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"marshrut/internal/app"
	"marshrut/internal/staff"
)

// step is how far the clock goes at a time: inquiries come at their own moments in between, timers fire and people look at
// their tasks at its end.
const step = 20 * time.Minute

// history makes the past of the company.
type history struct {
	gateway *app.App
	office  *PostOffice
	reading bool // the gateway reads the mailbox
	clock   *clock
	api     *client
	phone   *exchange
	players map[string]*player   // by login
	plans   map[string]time.Time // when who has a task will do it, by task
	open    []task               // as last listed
	stale   bool                 // something has happened since then
}

// makeHistory lets the company work from where the clock stands until now. The same seed makes the same company.
func makeHistory(ctx context.Context, gateway *app.App, office *PostOffice, clock *clock, o Options) error {
	if err := hire(ctx, gateway, clock); err != nil {
		return err
	}
	r := seeded()
	h := &history{gateway: gateway, office: office, clock: clock, players: map[string]*player{}, plans: map[string]time.Time{}}
	var err error
	if h.phone, err = newExchange(gateway, clock.now()); err != nil {
		return err
	}
	if err := h.giveTokens(ctx); err != nil {
		return err
	}
	zone := time.FixedZone("Europe/Moscow", 3*60*60)
	from, to := clock.now().In(zone), time.Now().In(zone)
	waiting := append(letters(r, from, to, o.Inquiries), phoneCalls(from, to, o.Inquiries/8)...)
	slices.SortStableFunc(waiting, func(a, b letter) int { return a.at.Compare(b.at) })
	show := newProgress(o.Err, from, to)
	for at := from.Add(step); at.Before(to); at = at.Add(h.pause(at)) {
		for len(waiting) > 0 && !waiting[0].at.After(at) {
			if err := h.post(ctx, waiting[0]); err != nil {
				return err
			}
			waiting = waiting[1:]
		}
		clock.set(at)
		if err := h.fireTimers(ctx); err != nil {
			return err
		}
		if err := h.work(ctx, at); err != nil {
			return err
		}
		show.reached(at)
	}
	for _, last := range waiting {
		if err := h.post(ctx, last); err != nil {
			return err
		}
	}
	show.done()
	return revokeTokens(ctx, gateway.Staff, historyToken, time.Now())
}

// seeded is the chance of the demo company: the same at every making.
func seeded() *rand.Rand { return rand.New(rand.NewPCG(2026, 11)) }

// pause is longer at night, when only inquiries come.
func (h *history) pause(at time.Time) time.Duration {
	if hour := at.Hour(); hour < 8 || hour >= 19 || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		return 3 * step
	}
	return step
}

const historyToken = "making the history"

func (h *history) giveTokens(ctx context.Context) error {
	address := "http://" + h.gateway.Addr()
	for i, e := range employees {
		token, err := h.gateway.Staff.AddToken(ctx, staff.System(), e.login, historyToken, h.clock.now())
		if err != nil {
			return err
		}
		h.players[e.login] = &player{employee: e, api: newClient(address, token), random: rand.New(rand.NewPCG(uint64(len(h.players)), 7)),
			phone: h.phone, extension: extensionOf(i)}
	}
	h.api = h.players["admin"].api
	return nil
}

// post sends a letter to the real edge at its moment and waits until it is filed, so that the clock stands still for it.
func (h *history) post(ctx context.Context, l letter) error {
	h.clock.set(l.at)
	if l.call != nil {
		h.stale = true
		return h.phone.place(ctx, h.api, *l.call, l.at)
	}
	if l.connection == "mail" {
		return h.postMail(ctx, l)
	}
	address, err := h.address(l.connection)
	if err != nil {
		return err
	}
	id, err := h.api.postLetter(ctx, address, l)
	if err == nil && l.again {
		_, err = h.api.postLetter(ctx, address, l)
	}
	if err != nil {
		return err
	}
	h.stale = true
	return h.api.awaitFiled(ctx, id)
}

func (h *history) address(connection string) (string, error) {
	for _, a := range h.gateway.Connections.Addresses(connection, h.clock.now()) {
		return a.URL, nil
	}
	return "", fmt.Errorf("connection %s has no address", connection)
}

// fireTimers takes all that are due, and what they set due at once.
func (h *history) fireTimers(ctx context.Context) error {
	for {
		fired, err := h.gateway.Casework.Processes().TakeDue(ctx, h.clock.now(), 200)
		if err != nil || fired == 0 {
			return err
		}
		h.stale = true
	}
}

// work lets everybody whose plan says so do a task. Two work at a time, as many as the machine has hands.
func (h *history) work(ctx context.Context, at time.Time) (err error) {
	if !working(at) {
		return nil
	}
	if h.stale {
		if h.open, err = h.api.openTasks(ctx); err != nil {
			return err
		}
		h.stale = false
	}
	byPerson := map[string][]task{}
	for _, t := range h.open {
		p := h.who(t)
		if p == nil {
			continue // nobody's yet
		}
		due, known := h.plans[t.ID]
		if !known {
			due = p.plan(t, at)
			h.plans[t.ID] = due
		}
		if !due.After(at) && len(byPerson[p.login]) < 4 {
			byPerson[p.login] = append(byPerson[p.login], t)
			delete(h.plans, t.ID)
			h.stale = true
		}
	}
	var group errgroup.Group
	group.SetLimit(2)
	for login, list := range byPerson {
		group.Go(func() error {
			for _, t := range list {
				if err := h.players[login].do(ctx, t, at); err != nil && !errors.Is(err, errMoved) {
					return fmt.Errorf("%s does %q of lead %s: %w", login, t.Title, t.Lead, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// who comes to a task: its assignee, and to one that is shown to the whole shift one of the managers.
func (h *history) who(t task) *player {
	if t.Assignee != "" || t.Role != "manager" {
		return h.players[t.Assignee]
	}
	var shift []string
	for _, e := range employees {
		if e.permission == staff.Manager {
			shift = append(shift, e.login)
		}
	}
	n, _ := strconv.Atoi(t.Lead) // its own number
	return h.players[shift[n%len(shift)]]
}

// working is when people are at their desks.
func working(at time.Time) bool {
	return at.Weekday() != time.Saturday && at.Weekday() != time.Sunday && at.Hour() >= 9 && at.Hour() < 18
}

// progress tells how far the history is: on a terminal one line that moves, else a line every ten days.
type progress struct {
	w        io.Writer
	from     time.Time
	terminal bool
	said     int
}

func newProgress(w io.Writer, from, to time.Time) *progress {
	p := &progress{w: w, from: from}
	if file, ok := w.(*os.File); ok {
		if info, err := file.Stat(); err == nil {
			p.terminal = info.Mode()&os.ModeCharDevice != 0
		}
	}
	fmt.Fprintf(w, "«Ромашка» проживает %d дней …\n", int(to.Sub(from).Hours()/24))
	return p
}

func (p *progress) reached(at time.Time) {
	day := int(at.Sub(p.from).Hours() / 24)
	if p.terminal {
		fmt.Fprintf(p.w, "\r  день %d ", day)
	} else if day >= p.said+10 {
		fmt.Fprintf(p.w, "  день %d\n", day)
		p.said = day
	}
}

func (p *progress) done() {
	if p.terminal {
		fmt.Fprint(p.w, "\r                \r")
	}
}
