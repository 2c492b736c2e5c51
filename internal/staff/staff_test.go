package staff_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/postgres/postgrestest"
	"marshrut/internal/staff"
)

// Tuesday, ten in the morning in Moscow: everybody is at work.
var morning = time.Date(2026, 3, 17, 10, 0, 0, 0, time.FixedZone("MSK", 3*3600))

// house is a company of people in a database of its own.
type house struct {
	*staff.Staff
	pool *pgxpool.Pool
	t    *testing.T
}

func newHouse(t *testing.T) house {
	t.Helper()
	pool := postgrestest.New(t)
	h := house{Staff: staff.New(pool, staff.Options{}), pool: pool, t: t}
	for _, r := range []staff.Role{{Key: "manager", NameRu: "Менеджер", NameEn: "Manager"}, {Key: "duty", NameRu: "Дежурный", NameEn: "On duty"}} {
		must(t, h.SaveRole(t.Context(), staff.System(), r, morning))
	}
	return h
}

// hire adds a person whose password is "correct horse".
func (h house) hire(login string, p staff.Permission, roles ...string) staff.Actor {
	h.t.Helper()
	_, _, err := h.AddEmployee(h.t.Context(), staff.System(),
		staff.Employee{Login: login, Name: strings.ToUpper(login), Permission: p, Roles: roles}, morning)
	must(h.t, err)
	must(h.t, h.SetPassword(h.t.Context(), staff.System(), login, "correct horse", morning))
	e, ok := h.directory().Login(login)
	if !ok {
		h.t.Fatalf("%s is not in the directory", login)
	}
	return staff.ActorOf(e)
}

func (h house) directory() *staff.Directory {
	h.t.Helper()
	d, err := h.Directory(h.t.Context(), h.pool)
	must(h.t, err)
	return d
}

// notify leaves a notice in a transaction of its own.
func (h house) notify(n staff.Notice) {
	h.t.Helper()
	must(h.t, pgx.BeginFunc(h.t.Context(), h.pool, func(tx pgx.Tx) error {
		return h.Notify(h.t.Context(), tx, morning, []staff.Notice{n})
	}))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSignInOpensASessionThatKnowsThePerson(t *testing.T) {
	h := newHouse(t)
	anna := h.hire("anna", staff.Manager, "manager")

	token, actor, err := h.SignIn(t.Context(), " Anna ", "correct horse", "10.0.0.1", morning)
	must(t, err)
	if actor.ID != anna.ID || !actor.HasRole("manager") || actor.MustChangePassword {
		t.Errorf("signed in as %+v", actor)
	}
	again, err := h.Session(t.Context(), token, morning.Add(time.Hour))
	must(t, err)
	if again.Login != "anna" {
		t.Errorf("the session is of %+v", again)
	}

	must(t, h.SignOut(t.Context(), token))
	if _, err := h.Session(t.Context(), token, morning.Add(time.Hour)); !errors.Is(err, staff.ErrNoSession) {
		t.Errorf("after signing out: %v, want ErrNoSession", err)
	}
}

func TestEverySignInMakesANewToken(t *testing.T) {
	h := newHouse(t)
	h.hire("anna", staff.Manager)
	first, _, err := h.SignIn(t.Context(), "anna", "correct horse", "10.0.0.1", morning)
	must(t, err)
	second, _, err := h.SignIn(t.Context(), "anna", "correct horse", "10.0.0.1", morning)
	must(t, err)
	if first == second || len(first) < 43 {
		t.Errorf("tokens %q and %q", first, second)
	}
	var stored int
	must(t, h.pool.QueryRow(t.Context(), `select count(*) from session where token_hash = $1::bytea`, []byte(first)).Scan(&stored))
	if stored != 0 {
		t.Error("the token itself is in the database")
	}
}

func TestWrongPasswordAndUnknownLoginAnswerAlike(t *testing.T) {
	h := newHouse(t)
	h.hire("anna", staff.Manager)
	_, _, wrong := h.SignIn(t.Context(), "anna", "correct hors", "10.0.0.1", morning)
	_, _, unknown := h.SignIn(t.Context(), "boris", "correct horse", "10.0.0.1", morning)
	if !errors.Is(wrong, staff.ErrCredentials) || !errors.Is(unknown, staff.ErrCredentials) {
		t.Errorf("got %v and %v, want ErrCredentials for both", wrong, unknown)
	}
}

func TestSixthAttemptInARowIsRefusedEvenWithTheRightPassword(t *testing.T) {
	h := newHouse(t)
	h.hire("anna", staff.Manager)
	for range 5 {
		if _, _, err := h.SignIn(t.Context(), "anna", "guess", "10.0.0.1", morning); !errors.Is(err, staff.ErrCredentials) {
			t.Fatal(err)
		}
	}
	_, _, err := h.SignIn(t.Context(), "anna", "correct horse", "10.0.0.1", morning)
	var wait staff.TooManyAttempts
	if !errors.As(err, &wait) || wait.RetryAfter <= 0 {
		t.Fatalf("got %v, want TooManyAttempts", err)
	}
	if _, _, err := h.SignIn(t.Context(), "anna", "correct horse", "10.0.0.2", morning); err != nil {
		t.Errorf("from her own address she is kept out too: %v", err)
	}
	if _, _, err := h.SignIn(t.Context(), "anna", "correct horse", "10.0.0.1", morning.Add(wait.RetryAfter)); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestSessionEndsWhenIdleAndAtTheEndOfItsLife(t *testing.T) {
	h := newHouse(t)
	h.hire("anna", staff.Manager)
	token, _, err := h.SignIn(t.Context(), "anna", "correct horse", "10.0.0.1", morning)
	must(t, err)

	if _, err := h.Session(t.Context(), token, morning.Add(12*time.Hour+time.Second)); !errors.Is(err, staff.ErrNoSession) {
		t.Errorf("idle for more than twelve hours: %v, want ErrNoSession", err)
	}
	for at := morning; at.Before(morning.Add(7 * 24 * time.Hour)); at = at.Add(11 * time.Hour) {
		if _, err := h.Session(t.Context(), token, at); err != nil {
			t.Fatalf("in use, %s after sign-in: %v", at.Sub(morning), err)
		}
	}
	if _, err := h.Session(t.Context(), token, morning.Add(7*24*time.Hour)); !errors.Is(err, staff.ErrNoSession) {
		t.Errorf("after seven days: %v, want ErrNoSession", err)
	}
	swept, err := h.SweepSessions(t.Context(), morning.Add(7*24*time.Hour))
	must(t, err)
	if swept != 1 {
		t.Errorf("%d sessions swept, want 1", swept)
	}
}

func TestDisabledEmployeeLosesSessionTokenAndWork(t *testing.T) {
	h := newHouse(t)
	anna := h.hire("anna", staff.Manager, "manager")
	h.hire("boris", staff.Manager, "manager")
	h.hire("root", staff.Admin)
	session, _, err := h.SignIn(t.Context(), "anna", "correct horse", "10.0.0.1", morning)
	must(t, err)
	token, err := h.AddToken(t.Context(), staff.System(), "anna", "script", morning)
	must(t, err)

	must(t, h.Disable(t.Context(), staff.System(), "anna", morning))

	if _, err := h.Session(t.Context(), session, morning); !errors.Is(err, staff.ErrNoSession) {
		t.Errorf("session: %v, want ErrNoSession", err)
	}
	if _, err := h.TokenActor(t.Context(), token, morning); !errors.Is(err, staff.ErrNoSession) {
		t.Errorf("token: %v, want ErrNoSession", err)
	}
	if _, _, err := h.SignIn(t.Context(), "anna", "correct horse", "10.0.0.1", morning); !errors.Is(err, staff.ErrCredentials) {
		t.Errorf("sign-in: %v, want ErrCredentials", err)
	}
	if slices.Contains(h.directory().Members("manager"), anna.ID) {
		t.Error("she still gets work")
	}
	must(t, h.Enable(t.Context(), staff.System(), "anna", morning))
	if _, _, err := h.SignIn(t.Context(), "anna", "correct horse", "10.0.0.1", morning); err != nil {
		t.Errorf("after coming back: %v", err)
	}
}

func TestOneTimePasswordHasToBeChangedAndTheChangeEndsOtherSessions(t *testing.T) {
	h := newHouse(t)
	_, once, err := h.AddEmployee(t.Context(), staff.System(), staff.Employee{Login: "vera", Name: "Вера", Permission: staff.Manager}, morning)
	must(t, err)
	other, _, err := h.SignIn(t.Context(), "vera", once, "10.0.0.1", morning)
	must(t, err)
	mine, actor, err := h.SignIn(t.Context(), "vera", once, "10.0.0.1", morning)
	must(t, err)
	if !actor.MustChangePassword {
		t.Error("a one-time password may stay")
	}

	if err := h.ChangePassword(t.Context(), actor, once, "short", mine, morning); !errors.Is(err, staff.ErrWeakPassword) {
		t.Errorf("got %v, want ErrWeakPassword", err)
	}
	if err := h.ChangePassword(t.Context(), actor, "not it", "a long new password", mine, morning); !errors.Is(err, staff.ErrCredentials) {
		t.Errorf("got %v, want ErrCredentials", err)
	}
	must(t, h.ChangePassword(t.Context(), actor, once, "a long new password", mine, morning))

	now, err := h.Session(t.Context(), mine, morning)
	must(t, err)
	if now.MustChangePassword {
		t.Error("it still has to be changed")
	}
	if _, err := h.Session(t.Context(), other, morning); !errors.Is(err, staff.ErrNoSession) {
		t.Errorf("the other session: %v, want ErrNoSession", err)
	}
}

func TestTokenIsShownOnceAndWorksUntilRevoked(t *testing.T) {
	h := newHouse(t)
	anna := h.hire("anna", staff.Manager)
	token, err := h.AddToken(t.Context(), staff.System(), "anna", "отчёты", morning)
	must(t, err)
	if !strings.HasPrefix(token, "mrt_") {
		t.Errorf("token %q", token)
	}
	actor, err := h.TokenActor(t.Context(), token, morning)
	must(t, err)
	if actor.ID != anna.ID {
		t.Errorf("token of %+v", actor)
	}
	list, err := h.Tokens(t.Context(), "anna")
	must(t, err)
	if len(list) != 1 || list[0].Name != "отчёты" || list[0].UsedAt == nil {
		t.Fatalf("listed as %+v", list)
	}
	must(t, h.RevokeToken(t.Context(), staff.System(), list[0].ID, morning))
	if _, err := h.TokenActor(t.Context(), token, morning); !errors.Is(err, staff.ErrNoSession) {
		t.Errorf("after revoking: %v, want ErrNoSession", err)
	}
	if err := h.RevokeToken(t.Context(), staff.System(), 99999, morning); !errors.Is(err, staff.ErrNoToken) {
		t.Errorf("a token there is not: %v, want ErrNoToken", err)
	}
	if _, err := h.Tokens(t.Context(), "nobody"); !errors.Is(err, staff.ErrNotFound) {
		t.Errorf("tokens of nobody: %v, want ErrNotFound", err)
	}
	h.hire("root", staff.Admin)
	h.hire("vera", staff.Manager)
	if list, err := h.Tokens(t.Context(), "vera"); err != nil || len(list) != 0 {
		t.Errorf("tokens of one without any: %v, %v", list, err)
	}
	must(t, h.Disable(t.Context(), staff.System(), "vera", morning))
	if _, err := h.AddToken(t.Context(), staff.System(), "vera", "x", morning); !errors.Is(err, staff.ErrDisabled) {
		t.Errorf("token for one who left: %v, want ErrDisabled", err)
	}
	if _, err := h.AddToken(t.Context(), staff.System(), "nobody", "x", morning); !errors.Is(err, staff.ErrNotFound) {
		t.Errorf("token for nobody: %v, want ErrNotFound", err)
	}
}

func TestOnlyAdministratorsManagePeople(t *testing.T) {
	h := newHouse(t)
	head := h.hire("head", staff.Head)
	if _, _, err := h.AddEmployee(t.Context(), head, staff.Employee{Login: "x", Name: "X", Permission: staff.Admin}, morning); !errors.Is(err, staff.ErrNotAllowed) {
		t.Errorf("add: %v, want ErrNotAllowed", err)
	}
	if err := h.SetPassword(t.Context(), head, "root", "another password", morning); !errors.Is(err, staff.ErrNotAllowed) {
		t.Errorf("set the password of another: %v, want ErrNotAllowed", err)
	}
	h.hire("root", staff.Admin)
	if _, _, err := h.AddEmployee(t.Context(), staff.System(), staff.Employee{Login: "ROOT", Name: "Y", Permission: staff.Admin}, morning); !errors.Is(err, staff.ErrTaken) {
		t.Errorf("same login: %v, want ErrTaken", err)
	}
	if err := h.Disable(t.Context(), staff.System(), "root", morning); !errors.Is(err, staff.ErrLastAdmin) {
		t.Errorf("disable the last administrator: %v, want ErrLastAdmin", err)
	}
	if _, _, err := h.AddEmployee(t.Context(), staff.System(), staff.Employee{Login: "y", Name: "Y", Permission: staff.Manager, Roles: []string{"nosuch"}}, morning); !errors.Is(err, staff.ErrUnknownRole) {
		t.Errorf("unknown role: %v, want ErrUnknownRole", err)
	}
}

func TestChangesToPeopleAreInTheJournal(t *testing.T) {
	h := newHouse(t)
	root := h.hire("root", staff.Admin)
	_, _, err := h.AddEmployee(t.Context(), root, staff.Employee{Login: "vera", Name: "Вера", Permission: staff.Manager}, morning)
	must(t, err)
	var actor int64
	var data string
	must(t, h.pool.QueryRow(t.Context(), `select actor_id, data::text from journal where action = 'employee.added' order by id desc limit 1`).Scan(&actor, &data))
	if actor != root.ID || !strings.Contains(data, "vera") || strings.Contains(data, "argon2") {
		t.Errorf("journal: by %d, %s", actor, data)
	}
}

func TestTurnsOfARoleAreNeverGivenTwice(t *testing.T) {
	h := newHouse(t)
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		seen = map[int64]bool{}
	)
	for range 8 {
		wg.Go(func() {
			err := pgx.BeginFunc(t.Context(), h.pool, func(tx pgx.Tx) error {
				turns, err := h.Turns(t.Context(), tx, "manager", 50)
				mu.Lock()
				defer mu.Unlock()
				for _, n := range turns {
					if seen[n] {
						t.Errorf("turn %d given twice", n)
					}
					seen[n] = true
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(seen) != 400 {
		t.Errorf("%d turns, want 400", len(seen))
	}
	err := pgx.BeginFunc(t.Context(), h.pool, func(tx pgx.Tx) error {
		_, err := h.Turns(t.Context(), tx, "nosuch", 1)
		return err
	})
	if !errors.Is(err, staff.ErrUnknownRole) {
		t.Errorf("turns of no role: %v, want ErrUnknownRole", err)
	}
}

func TestAdministratorsStandInForAnEmptyRole(t *testing.T) {
	h := newHouse(t)
	root := h.hire("root", staff.Admin)
	anna := h.hire("anna", staff.Manager, "manager")
	d := h.directory()
	if got := d.Members("duty"); !slices.Equal(got, []int64{root.ID}) {
		t.Errorf("on duty are %v, want the administrator %d", got, root.ID)
	}
	if got := d.Members("manager"); !slices.Equal(got, []int64{anna.ID}) {
		t.Errorf("managers are %v, want %d", got, anna.ID)
	}
	if got := d.Members("nosuch"); len(got) != 0 {
		t.Errorf("an unknown role has %v", got)
	}
}

func TestOnShiftLeavesOutTheAbsentAndEverybodyAtNight(t *testing.T) {
	h := newHouse(t)
	anna, boris := h.hire("anna", staff.Manager, "manager"), h.hire("boris", staff.Manager, "manager")
	_, err := h.AddAbsence(t.Context(), staff.System(), staff.Absence{Employee: anna.ID, From: morning.Add(-time.Hour), To: morning.Add(time.Hour)}, morning)
	must(t, err)
	d := h.directory()
	for _, c := range []struct {
		at   time.Time
		want []int64
	}{
		{morning, []int64{boris.ID}},
		{morning.Add(time.Hour), []int64{anna.ID, boris.ID}}, // the absence ends at this very moment
		{morning.Add(12 * time.Hour), nil},
		{morning.AddDate(0, 0, 4), nil}, // Saturday
	} {
		if got := d.OnShift(c.at, "manager"); !slices.Equal(got, c.want) {
			t.Errorf("at %s on shift are %v, want %v", c.at, got, c.want)
		}
	}
}

func TestSubstitutesOfSubstitutesStandInAndCirclesEndWithNobody(t *testing.T) {
	h := newHouse(t)
	a, b, c := h.hire("a", staff.Manager), h.hire("b", staff.Manager), h.hire("c", staff.Manager)
	away := func(who, instead int64) int64 {
		id, err := h.AddAbsence(t.Context(), staff.System(), staff.Absence{Employee: who, Substitute: &instead,
			From: morning, To: morning.Add(time.Hour)}, morning)
		must(t, err)
		return id
	}
	away(a.ID, b.ID)
	away(b.ID, c.ID)
	if got, ok := h.directory().Substitute(morning, a.ID); !ok || got != c.ID {
		t.Errorf("%d stands in for a, want c (%d)", got, c.ID)
	}
	if got := h.directory().StandsInFor(morning, c.ID); !slices.Equal(got, []int64{a.ID, b.ID}) {
		t.Errorf("c stands in for %v, want a and b", got)
	}
	last := away(c.ID, a.ID)
	if got, ok := h.directory().Substitute(morning, a.ID); ok {
		t.Errorf("in a circle %d stands in", got)
	}
	must(t, h.RemoveAbsence(t.Context(), staff.System(), last, morning))
	if got, ok := h.directory().Substitute(morning.Add(2*time.Hour), a.ID); !ok || got != a.ID {
		t.Errorf("back at work a is done by %d", got)
	}
}

func TestCalendarOfThePersonDecidesTheShift(t *testing.T) {
	h := newHouse(t)
	must(t, h.SaveCalendar(t.Context(), staff.System(), staff.Calendar{Key: "evening", Name: "Вечер", Timezone: "Europe/Moscow",
		Week: map[string][]string{"tue": {"18:00-23:00"}}, Days: map[string][]string{"2026-03-24": {}}}, morning))
	_, _, err := h.AddEmployee(t.Context(), staff.System(), staff.Employee{Login: "eva", Name: "Ева", Permission: staff.Manager,
		Roles: []string{"manager"}, Calendar: "evening"}, morning)
	must(t, err)
	d := h.directory()
	if got := d.OnShift(morning, "manager"); len(got) != 0 {
		t.Errorf("in the morning on shift are %v", got)
	}
	if got := d.OnShift(morning.Add(9*time.Hour), "manager"); len(got) != 1 {
		t.Errorf("in the evening on shift are %v, want one", got)
	}
	if got := d.OnShift(morning.Add(9*time.Hour).AddDate(0, 0, 7), "manager"); len(got) != 0 {
		t.Errorf("on the day off on shift are %v", got)
	}
	bad := staff.Calendar{Key: "bad", Name: "x", Timezone: "Europe/Moscow", Week: map[string][]string{"mon": {"25:00-26:00"}}}
	if err := h.SaveCalendar(t.Context(), staff.System(), bad, morning); err == nil {
		t.Error("a calendar with 25 o'clock was saved")
	}
}

func TestDirectoryIsReadInsideTheCallersTransactionWithoutASecondConnection(t *testing.T) {
	h := newHouse(t)
	h.hire("anna", staff.Manager, "manager")
	config := h.pool.Config()
	config.MaxConns, config.MinConns = 1, 0
	one, err := pgxpool.NewWithConfig(t.Context(), config)
	must(t, err)
	defer one.Close()
	s := staff.New(one, staff.Options{})
	err = pgx.BeginFunc(t.Context(), one, func(tx pgx.Tx) error {
		d, err := s.Directory(t.Context(), tx)
		if err == nil && len(d.Members("manager")) != 1 {
			t.Error("the manager is missing")
		}
		return err
	})
	must(t, err)
}

func TestDirectoryShowsChangesOfOtherProcessesWhenItIsNoLongerFresh(t *testing.T) {
	h := newHouse(t)
	clock := morning
	other := staff.New(h.pool, staff.Options{Clock: func() time.Time { return clock }})
	if d, err := other.Directory(t.Context(), h.pool); err != nil || len(d.Employees()) != 0 {
		t.Fatalf("%v, %v", d, err)
	}
	h.hire("anna", staff.Manager)
	clock = clock.Add(time.Second)
	if d, err := other.Directory(t.Context(), h.pool); err != nil || len(d.Employees()) != 0 {
		t.Errorf("a fresh snapshot was read again: %v, %v", d, err)
	}
	clock = clock.Add(time.Second)
	if d, err := other.Directory(t.Context(), h.pool); err != nil || len(d.Employees()) != 1 {
		t.Errorf("a stale snapshot stayed: %v, %v", d, err)
	}
}

func TestNoticeRingsAfterItsTransactionCommitsEvenBehindALaterOne(t *testing.T) {
	h := newHouse(t)
	anna, boris, vera := h.hire("anna", staff.Manager), h.hire("boris", staff.Manager), h.hire("vera", staff.Manager)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	rung := make(chan int64, 1000)
	listening := make(chan error, 1)
	go func() { listening <- h.Listen(ctx, func(id int64) { rung <- id }) }()

	// It listens once a first notice rings.
	for ready := false; !ready; {
		h.notify(staff.Notice{Employee: boris.ID, Text: "first"})
		select {
		case <-rung:
			ready = true
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("nothing rings")
		}
	}

	// Anna's transaction starts first and commits last.
	slow, err := h.pool.Begin(ctx)
	must(t, err)
	defer func() { _ = slow.Rollback(context.WithoutCancel(ctx)) }()
	lead := int64(5)
	must(t, h.Notify(ctx, slow, morning, []staff.Notice{{Employee: anna.ID, Kind: staff.TaskArrived, Lead: &lead, Text: "Новая задача"}, {Employee: 0, Text: "to nobody"}}))
	h.notify(staff.Notice{Employee: vera.ID, Kind: staff.TaskArrived, Text: "Новая задача"})
	waitFor(t, ctx, rung, vera.ID) // long before Anna's
	must(t, slow.Commit(ctx))
	waitFor(t, ctx, rung, anna.ID)
	cancel()
	if err := <-listening; err != nil {
		t.Errorf("told to stop, Listen returned %v", err)
	}
}

// waitFor waits until the person rings; others may.
func waitFor(t *testing.T, ctx context.Context, rung <-chan int64, who int64) {
	t.Helper()
	for {
		select {
		case id := <-rung:
			if id == who {
				return
			}
		case <-ctx.Done():
			t.Fatalf("%d does not ring", who)
		}
	}
}

func TestNoticesAreUnreadUntilMarked(t *testing.T) {
	h := newHouse(t)
	anna := h.hire("anna", staff.Manager)
	for _, text := range []string{"one", "two", "three"} {
		h.notify(staff.Notice{Employee: anna.ID, Kind: staff.Attention, Text: text})
	}
	list, err := h.Notices(t.Context(), anna.ID, 10)
	must(t, err)
	if len(list) != 3 || list[0].Text != "three" {
		t.Fatalf("notices are %+v", list)
	}
	must(t, h.MarkRead(t.Context(), anna.ID, list[1].ID, morning))
	if n, err := h.Unread(t.Context(), anna.ID); err != nil || n != 1 {
		t.Errorf("%d unread (%v), want 1", n, err)
	}
}
