package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
	"marshrut/processes/casework"
)

var moscow = time.FixedZone("MSK", 3*3600)

// Tuesday, ten in the morning in Moscow: everybody is at work.
var morning = time.Date(2026, 3, 17, 10, 0, 0, 0, moscow)

// password of everybody in the tests.
const password = "correct horse battery"

// stack is a small company in a database of its own behind a real server: two managers, their head, an administrator, a
// marketer, an observer; one funnel, two route maps, the first start rules.
type stack struct {
	*Server
	t    *testing.T
	pool *pgxpool.Pool
	http *httptest.Server

	mu    sync.Mutex
	clock time.Time
	count int
}

func newStack(t *testing.T) *stack {
	t.Helper()
	return newStackOn(t, postgrestest.New(t))
}

func newStackOn(t *testing.T, pool *pgxpool.Pool) *stack {
	t.Helper()
	s := &stack{t: t, pool: pool, clock: morning}
	people := staff.New(s.pool, staff.Options{})
	rules := casework.NewRules(s.pool)
	repo := repository.New(s.pool, repository.Options{Funnel: rules.Funnel})
	cases := casework.New(s.pool, repo, rules, people, casework.Options{Now: s.now})
	deps := Deps{Pool: s.pool, Staff: people, Leads: repo, Casework: cases, Processes: cases.Processes(), Now: s.now,
		Log:     slog.New(slog.NewTextHandler(t.Output(), nil)),
		Company: Company{Name: "Ромашка", Region: "RU", Language: "ru", Location: moscow, PublicURL: "http://localhost:8080"}}
	s.extend(&deps)
	var err error
	s.Server, err = New(deps)
	s.must(err)
	s.furnish()
	s.hire("anna", "Анна Кузнецова", staff.Manager, "manager")
	s.hire("boris", "Борис Орлов", staff.Manager, "manager")
	s.hire("olga", "Ольга Белова", staff.Head, "head")
	s.hire("root", "Администратор", staff.Admin)
	s.hire("mark", "Марк Лисин", staff.Marketer)
	s.hire("oleg", "Олег Серов", staff.Observer)
	s.http = httptest.NewServer(s.Handler())
	t.Cleanup(s.http.Close)
	return s
}

// shippedMaps are the route maps of the tests.
func shippedMaps() fs.FS { return os.DirFS("../configs/processes") }

func (s *stack) furnish() {
	s.t.Helper()
	words := repository.StandardDictionaries()
	words.OwnFields = append(words.OwnFields, leads.OwnField{Key: "area", NameRU: "Площадь, м²", NameEN: "Area, m²", Kind: "number"})
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		if err := s.Leads.Seed(ctx, tx, words); err != nil {
			return err
		}
		if err := s.Staff.Seed(ctx, tx, staff.StandardDefaults("Europe/Moscow")); err != nil {
			return err
		}
		return s.Casework.SeedRules(ctx, tx)
	})
	s.must(s.Processes.SeedDefinitions(s.t.Context(), shippedMaps()))
}

func (s *stack) hire(login, name string, p staff.Permission, roles ...string) {
	s.t.Helper()
	_, _, err := s.Staff.AddEmployee(s.t.Context(), staff.System(), staff.Employee{Login: login, Name: name, Permission: p, Roles: roles}, morning)
	s.must(err)
	s.must(s.Staff.SetPassword(s.t.Context(), staff.System(), login, password, morning))
}

// who is the person with the login, as an actor.
func (s *stack) who(login string) staff.Actor {
	s.t.Helper()
	d, err := s.Staff.Directory(s.t.Context(), s.pool)
	s.must(err)
	e, ok := d.Login(login)
	if !ok {
		s.t.Fatalf("nobody is called %s", login)
	}
	return staff.ActorOf(e)
}

func (s *stack) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

// pass lets time go by.
func (s *stack) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(d)
}

func (s *stack) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stack) tx(f func(context.Context, pgx.Tx) error) {
	s.t.Helper()
	s.must(postgres.InTx(s.t.Context(), s.pool, func(tx pgx.Tx) error { return f(s.t.Context(), tx) }))
}

// form is an inquiry from the site.
func (s *stack) form(name, phone, text string) leads.Inquiry {
	s.t.Helper()
	point, ok := leads.Phone(phone, "RU")
	if !ok {
		s.t.Fatalf("%q is no phone", phone)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	return leads.Inquiry{ID: fmt.Sprintf("inquiry-%d", s.count), Connection: "site", Channel: leads.ChannelForm, Source: "site", ReceivedAt: s.clock,
		BodyHash: []byte{byte(s.count), byte(s.count >> 8)}, Name: name, Points: []leads.ContactPoint{point}, Text: text,
		Fields: []leads.Field{{Key: "name", Label: "Имя", Value: name}, {Key: "phone", Label: "Телефон", Value: phone}}}
}

// arrive captures inquiries and lets them have their effect, as the intake does.
func (s *stack) arrive(in ...leads.Inquiry) []repository.Captured {
	s.t.Helper()
	var captured []repository.Captured
	s.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		if captured, err = s.Leads.Capture(ctx, tx, s.now(), in); err != nil {
			return err
		}
		return s.Casework.Arrive(ctx, tx, s.now(), captured)
	})
	return captured
}

// lead is a new lead from the site whose first task is the manager's of that login.
func (s *stack) lead(login string) (int64, processes.Task) {
	s.t.Helper()
	for range 4 {
		s.mu.Lock()
		s.count++
		phone := fmt.Sprintf("+7912%07d", 1000000+s.count)
		s.mu.Unlock()
		id := s.arrive(s.form("Иван Петров", phone, "Хочу теплицу 3×6 с доставкой"))[0].LeadID
		if task := s.task(id); task.AssigneeLogin == login {
			return id, task
		}
	}
	s.t.Fatalf("no lead came to %s", login)
	return 0, processes.Task{}
}

// task is the first open task of the lead.
func (s *stack) task(lead int64) processes.Task {
	s.t.Helper()
	page, err := s.Processes.Tasks(s.t.Context(), processes.TaskFilter{Subject: lead, Status: processes.TaskOpen})
	s.must(err)
	if len(page.Items) == 0 {
		s.t.Fatalf("lead %d has no open task", lead)
	}
	return page.Items[0]
}

// visitor is somebody with a browser that keeps cookies and does not follow redirects by itself.
type visitor struct {
	s      *stack
	client *http.Client
}

// answer is what the server said.
type answer struct {
	status int
	body   string
	header http.Header
}

func (s *stack) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	s.must(err)
	return &visitor{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as signs somebody in.
func (s *stack) as(login string) *visitor {
	s.t.Helper()
	v := s.visitor()
	if a := v.post("/sign-in", "login", login, "password", password); a.status != http.StatusSeeOther {
		s.t.Fatalf("%s cannot sign in: %d %s", login, a.status, a.body)
	}
	return v
}

func (v *visitor) get(path string) answer {
	v.s.t.Helper()
	request, err := http.NewRequestWithContext(v.s.t.Context(), http.MethodGet, v.s.http.URL+path, nil)
	v.s.must(err)
	return v.do(request)
}

// post sends a form of names and values.
func (v *visitor) post(path string, pairs ...string) answer {
	v.s.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	request, err := http.NewRequestWithContext(v.s.t.Context(), http.MethodPost, v.s.http.URL+path, strings.NewReader(form.Encode()))
	v.s.must(err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(request)
}

func (v *visitor) do(request *http.Request) answer {
	v.s.t.Helper()
	response, err := v.client.Do(request)
	v.s.must(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	v.s.must(err)
	return answer{response.StatusCode, string(body), response.Header}
}

// upload sends a file in a form.
func (v *visitor) upload(path, name, body string, pairs ...string) answer {
	v.s.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	file, err := w.CreateFormFile("file", name)
	v.s.must(err)
	_, err = io.WriteString(file, body)
	v.s.must(err)
	for i := 0; i+1 < len(pairs); i += 2 {
		v.s.must(w.WriteField(pairs[i], pairs[i+1]))
	}
	v.s.must(w.Close())
	request, err := http.NewRequestWithContext(v.s.t.Context(), http.MethodPost, v.s.http.URL+path, &form)
	v.s.must(err)
	request.Header.Set("Content-Type", w.FormDataContentType())
	return v.do(request)
}
