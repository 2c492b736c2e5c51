package oracle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"marshrut/connectors/onec/odata"
	"marshrut/connectors/onec/onectest"
)

const basePassword = "a-password-of-the-oracle"

const baseSettings = `
  - name: base
    connector: onec
    provider: infobase
    settings:
      url: http://%s/unf
      user: gateway
      password: %s
      every: 1s
      history: true
      plan: Маршрут
      node: %s
      owners: {lead.title: later, lead.name: they, lead.company: we}
outgoing: {allow: ["127.0.0.0/8"]}
`

// infobase is a simulated base in a process of its own, which may die and come back.
type infobase struct {
	listen, binary, data string
	mu                   sync.Mutex
	cmd                  *exec.Cmd
	done                 chan struct{}
}

func (b *infobase) String() string { return "the base" }

func (b *infobase) start(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	// As real ones, but that it looks at data versions: what two write in the same instant is otherwise lost by the base.
	cmd := exec.Command(b.binary, "onec", "simulate", "--listen", b.listen, "--password", basePassword, "--data", b.data,
		"--truncates", "--ignores-unknown", "--loses-answers", "0.03", "--loses-calls", "0.03", "--locks", "0.03", "--bad-gateway", "0.03")
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	b.cmd, b.done = cmd, done
	go func() { // whoever ends the process waits for done
		_ = cmd.Wait()
		close(done)
	}()
	return nil
}

func (b *infobase) kill(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd == nil {
		return nil
	}
	err := b.cmd.Process.Kill()
	<-b.done
	return err
}

func (b *infobase) terminate(ctx context.Context) error { return b.kill(ctx) }

// wire is the link between gateway and base, which can be cut.
type wire struct {
	listen, to string
	mu         sync.Mutex
	listener   net.Listener
	open       map[net.Conn]bool
	copies     sync.WaitGroup
}

func (w *wire) String() string { return "the link" }

func (w *wire) start(context.Context) error {
	listener, err := net.Listen("tcp", w.listen)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.listener, w.open = listener, map[net.Conn]bool{}
	w.mu.Unlock()
	w.copies.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			w.join(conn)
		}
	})
	return nil
}

func (w *wire) join(from net.Conn) {
	to, err := net.Dial("tcp", w.to)
	if err != nil {
		from.Close()
		return
	}
	w.mu.Lock()
	w.open[from], w.open[to] = true, true
	w.mu.Unlock()
	for _, pair := range [][2]net.Conn{{from, to}, {to, from}} {
		w.copies.Go(func() {
			_, _ = io.Copy(pair[0], pair[1]) // until either is cut
			pair[0].Close()
			pair[1].Close()
		})
	}
}

func (w *wire) kill(context.Context) error {
	w.mu.Lock()
	err := w.listener.Close()
	for conn := range w.open {
		conn.Close()
	}
	w.mu.Unlock()
	w.copies.Wait()
	return err
}

func (w *wire) terminate(ctx context.Context) error { return w.kill(ctx) }

// edit is a value that somebody wrote over another one, knowing it.
type edit struct{ side, field, was, is string }

// editors change leads on both sides, and remember what they were told was saved.
type editors struct {
	mu    sync.Mutex
	saved []edit // answered
	maybe []edit // not answered: they may have been saved
	next  int
}

func (e *editors) value(side string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next++
	return fmt.Sprintf("%s %d", side, e.next)
}

func (e *editors) note(answered bool, one edit) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if answered {
		e.saved = append(e.saved, one)
	} else {
		e.maybe = append(e.maybe, one)
	}
}

// attributes are the fields in the words of the base.
var attributes = map[string]string{"title": "Комментарий", "name": "Description", "company": "НаименованиеКомпании"}

// here edits leads over the API of the gateway.
func (e *editors) here(ctx context.Context, m *manager, rng *rand.Rand) {
	for pause(ctx, time.Duration(20+rng.IntN(150))*time.Millisecond) {
		var page struct {
			Items []struct {
				ID, Title string
				Version   int
				Contact   *struct{ Name string }
				Client    *struct{ Name string }
			}
		}
		if _, err := m.call(ctx, http.MethodGet, "/api/v1/leads?limit=100", nil, &page); err != nil || len(page.Items) == 0 {
			continue
		}
		l := page.Items[rng.IntN(len(page.Items))]
		field, key, was := "title", "title", l.Title
		switch rng.IntN(3) {
		case 0:
			if l.Contact != nil {
				field, key, was = "name", "contact_name", l.Contact.Name
			}
		case 1:
			field, key, was = "company", "client_name", ""
			if l.Client != nil {
				was = l.Client.Name
			}
		}
		one := edit{"here", field, was, e.value("здесь")}
		status, err := m.call(ctx, http.MethodPatch, "/api/v1/leads/"+l.ID, map[string]any{"version": l.Version, key: one.is}, nil)
		switch {
		case err == nil:
			e.note(true, one)
		case status == 0 || status >= 500:
			e.note(false, one)
		}
	}
}

// there edits leads in the base, as its people do, and enters new ones.
func (e *editors) there(ctx context.Context, c *odata.Client, rng *rand.Rand) {
	for n := 0; pause(ctx, time.Duration(20+rng.IntN(150))*time.Millisecond); n++ {
		if n%12 == 0 {
			e.enter(ctx, c, n)
		}
		list, err := c.Find(ctx, onectest.Leads, "", 100)
		if err != nil || len(list) == 0 {
			continue
		}
		o := list[rng.IntN(len(list))]
		field := []string{"title", "name", "company"}[rng.IntN(3)]
		one := edit{"there", field, o.Text(attributes[field]), e.value("там")}
		_, err = c.Patch(ctx, onectest.Leads, o.Ref(), o.Version(), odata.Entity{attributes[field]: one.is})
		switch {
		case err == nil:
			e.note(true, one)
		case odata.Is(err, odata.Ambiguous):
			e.note(false, one)
		}
	}
}

// enter makes a new lead in the base, if it can: the next try makes another.
func (e *editors) enter(ctx context.Context, c *odata.Client, n int) {
	_, _, _ = c.Create(ctx, onectest.Leads, odata.NewRef("entered", fmt.Sprint(n)), odata.Entity{"Description": fmt.Sprintf("Вошёл в 1С %d", n),
		"КонтактнаяИнформация": []odata.Entity{{"LineNumber": "1", "Тип": "Телефон", "НомерТелефона": fmt.Sprintf("7912000%04d", 5000+n)}}})
}

// forms come to the site.
func forms(ctx context.Context, address string) {
	for n := 0; pause(ctx, 700*time.Millisecond); n++ {
		answer, err := http.PostForm(address+"/in/site/"+token, url.Values{"name": {fmt.Sprintf("Клиент %d", n)}, "phone": {fmt.Sprintf("+7912000%04d", n)}})
		if err == nil {
			answer.Body.Close()
		}
	}
}

func TestBothSidesAgreeWithOneCWhoeverIsKilled(t *testing.T) {
	number := seed(t)
	base := &infobase{listen: freeAddress(t), binary: program(t), data: filepath.Join(t.TempDir(), "base.jsonl")}
	link := &wire{listen: freeAddress(t), to: base.listen}
	for _, v := range []victim{base, link} {
		if err := v.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = v.kill(context.Background()) }) // it may be gone
	}
	c := &company{dir: t.TempDir(), postgres: newPostmaster(t)}
	if err := c.postgres.server.CreateDatabase(t.Context(), "gateway"); err != nil {
		t.Fatal(err)
	}
	address := c.postgres.server.URL("gateway")
	c.configure(t, address, "", [][2]string{{"gateway", "edge,worker,web"}})
	appendTo(t, c.config, fmt.Sprintf(baseSettings, link.listen, basePassword, onectest.PlanNode))
	c.open(t)
	c.furnish(t, address)

	people, err := odata.New(odata.Options{URL: "http://" + base.listen + "/unf", User: "gateway", Password: basePassword, Timeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	all, end := context.WithTimeout(t.Context(), 4*time.Minute)
	defer end()
	busy, stop := context.WithCancel(all)
	var e editors
	var group errgroup.Group
	group.Go(func() error { forms(busy, c.edge()); return nil })
	group.Go(func() error {
		e.here(busy, newManager(c.web(), c.bearer), rand.New(rand.NewPCG(number, 3)))
		return nil
	})
	group.Go(func() error { e.there(busy, people, rand.New(rand.NewPCG(number, 4))); return nil })
	suffer(all, t, plan(rand.New(rand.NewPCG(number, 5)), []victim{c.processes[0], base, link}, span(t, 15*time.Second)))
	stop()
	_ = group.Wait()
	// A fresh start forgets the pauses that grew while the base was away; what the killed ones had in hand need not wait a minute.
	err = c.processes[0].kill(all)
	if err == nil {
		_, err = c.pool.Exec(all, `update delivery set due_at = created_at where state = 'leased'`)
	}
	if err := errors.Join(err, c.processes[0].start(all)); err != nil {
		t.Fatal(err)
	}
	c.ready(t)
	agree(all, t, c, people)
	e.audit(all, t, c, people)
}

func appendTo(t *testing.T, file, text string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// held is a lead as one side holds it, by field.
type held map[string]string

// agree waits until nothing is under way and both sides hold the same leads with the same values, each once.
func agree(ctx context.Context, t *testing.T, c *company, people *odata.Client) {
	t.Helper()
	began, finding := time.Now(), ""
	for pause(ctx, 250*time.Millisecond) {
		if time.Since(began) > 100*time.Second {
			break
		}
		// Those that failed meanwhile wait for their time; a person would press Replay, or wait as well.
		if _, err := c.pool.Exec(ctx, `update delivery set due_at = created_at where state = 'waiting' and kind = 'mirror'`); err != nil {
			t.Fatal(err)
		}
		var busy int
		if err := c.pool.QueryRow(ctx, `select (select count(*) from delivery where kind = 'mirror' and state in ('waiting', 'leased', 'parked')) + (select count(*) from spool)`).Scan(&busy); err != nil {
			t.Fatal(err)
		}
		if finding = fmt.Sprintf("%d are under way", busy); busy > 0 {
			continue
		}
		if finding = compare(ctx, t, c, people); finding == "" {
			t.Logf("both agree %s after the last fault", time.Since(began).Round(time.Millisecond))
			return
		}
	}
	rows, _ := c.pool.Query(context.Background(), `select state || ' ' || object || ' ' || attempts || ' ' || last_error from delivery where kind = 'mirror' and state <> 'done'`)
	open, _ := pgx.CollectRows(rows, pgx.RowTo[string])
	t.Fatalf("they never agreed: %s\n%v", finding, open)
}

func compare(ctx context.Context, t *testing.T, c *company, people *odata.Client) string {
	t.Helper()
	ours, linked := here(ctx, t, c)
	theirs, err := people.Find(ctx, onectest.Leads, "", 1000)
	if err != nil {
		return err.Error()
	}
	if len(theirs) != len(ours) {
		return fmt.Sprintf("%d leads here, %d there", len(ours), len(theirs))
	}
	for _, o := range theirs {
		id, ok := linked[o.Ref()]
		if !ok {
			return "a lead there is linked to none here: " + o.Text("Description")
		}
		for field, attribute := range attributes {
			if got := o.Text(attribute); got != ours[id][field] {
				return fmt.Sprintf("lead %d: %s is %q here and %q there", id, field, ours[id][field], got)
			}
		}
	}
	return ""
}

// here reads our leads, and which of theirs they are.
func here(ctx context.Context, t *testing.T, c *company) (map[int64]held, map[string]int64) {
	t.Helper()
	ours, linked := map[int64]held{}, map[string]int64{}
	rows, err := c.pool.Query(ctx, `select l.id, l.title, coalesce(nullif(p.name, ''), l.title), coalesce(k.name, ''), coalesce(x.ref, '')
		from lead l left join contact p on p.id = l.contact_id left join client k on k.id = l.client_id
		left join exchange_link x on x.kind = 'lead' and x.object_id = l.id and x.main`)
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	var title, name, company, ref string
	if _, err := pgx.ForEachRow(rows, []any{&id, &title, &name, &company, &ref}, func() error {
		ours[id], linked[ref] = held{"title": title, "name": name, "company": company}, id
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return ours, linked
}

// audit wants every value that somebody was told was saved to be there still, or to have been written over by somebody who saw
// it, or to stand in a conflict as the one that was not kept.
func (e *editors) audit(ctx context.Context, t *testing.T, c *company, people *odata.Client) {
	t.Helper()
	accounted := map[string]bool{}
	ours, _ := here(ctx, t, c)
	for _, l := range ours {
		for _, v := range l {
			accounted[v] = true
		}
	}
	for _, list := range [][]edit{e.saved, e.maybe} {
		for _, one := range list {
			accounted[one.was] = true
		}
	}
	rows, err := c.pool.Query(ctx, `select field, ours, theirs, kept, rule from exchange_conflict where kind = 'lead'`)
	if err != nil {
		t.Fatal(err)
	}
	conflicts := 0
	rules := map[string]string{"title": "later", "name": "they", "company": "we"}
	keeps := map[string]string{"they": "theirs", "we": "ours"}
	var field, mine, other, kept, rule string
	if _, err := pgx.ForEachRow(rows, []any{&field, &mine, &other, &kept, &rule}, func() error {
		conflicts++
		loser := mine
		if kept == "ours" {
			loser = other
		}
		accounted[loser] = true
		if want := rules[field]; want != "" && (rule != want || keeps[rule] != "" && keeps[rule] != kept && mine != "" && other != "") {
			t.Errorf("a conflict about %s was settled by %q for %s", field, rule, kept)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, one := range e.saved {
		if !accounted[one.is] {
			lost++
			t.Errorf("%s: %s %q (over %q) was saved and is nowhere", one.side, one.field, one.is, one.was)
		}
	}
	t.Logf("%d edits were saved, %d perhaps; %d conflicts, %d leads", len(e.saved), len(e.maybe), conflicts, len(ours))
	if conflicts == 0 || len(e.saved) < 20 || len(ours) < 3 {
		t.Error("too little happened to show anything")
	}
}
