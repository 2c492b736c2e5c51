package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
)

// telephones gives Anna 101 and Boris 102.
func (s *stack) telephones() {
	s.t.Helper()
	for login, extension := range map[string]string{"anna": "101", "boris": "102"} {
		e, err := s.Staff.Directory(s.t.Context(), s.pool)
		s.must(err)
		person, _ := e.Login(login)
		person.Extension = extension
		s.must(s.Staff.UpdateEmployee(s.t.Context(), s.who("root"), person, s.now()))
	}
}

// rings puts a call at a telephone, as the intake does, and gives its id.
func (s *stack) rings(key, phone, extension, state string) int64 {
	s.t.Helper()
	point, ok := leads.Phone(phone, "RU")
	if !ok {
		s.t.Fatalf("%q is no phone", phone)
	}
	var id int64
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		event := repository.CallEvent{Call: repository.CallKey{Connection: "pbx", Key: key}, ID: key + state, At: s.now(), Hash: []byte{1}, Data: json.RawMessage("{}")}
		calls, _, err := s.Leads.Calls(ctx, tx, s.now(), []repository.CallEvent{event}, nil)
		if err != nil {
			return err
		}
		c := calls[0]
		id = c.ID
		c.Live = leads.LiveCall{State: state, Direction: leads.DirectionIn, Number: point.Value, Dialled: "+74950000001", Extensions: []string{extension}, Since: s.now(), Until: s.now().Add(time.Minute)}
		c.Inquiry = &leads.Inquiry{ID: c.InquiryID(), Connection: "pbx", Channel: leads.ChannelCall, Source: "ads", ReceivedAt: s.now(), Points: []leads.ContactPoint{point},
			Direction: leads.DirectionIn, Call: &leads.Call{Dialled: "+74950000001", Extension: extension}}
		if err := s.Leads.SaveCalls(ctx, tx, calls); err != nil {
			return err
		}
		return s.Casework.Ring(ctx, tx, s.now(), c.Live.Extensions)
	})
	return id
}

func TestARingingCallShowsTheClientTheLeadItsStepAndWhoIsResponsible(t *testing.T) {
	s := newStack(t)
	s.telephones()
	made := s.arrive(s.form("Иван Петров", "+7 912 000-00-01", "Хочу теплицу"))[0]
	owner := s.task(made.LeadID).AssigneeName
	s.rings("call-1", "+79120000001", "101", leads.CallRinging)
	s.as("anna").get("/calls").says(t, http.StatusOK, "Звонит", "Иван Петров", "000-00-01", owner, "Связаться с клиентом: Прочитать историю", "Новый")
	for _, other := range []string{"boris", "olga"} {
		if a := s.as(other).get("/calls"); strings.Contains(a.body, "Иван Петров") {
			t.Errorf("%s sees a call at another's telephone", other)
		}
	}
}

func TestWhoIsToldOfACallThatIsOverSeesNothing(t *testing.T) {
	s := newStack(t)
	s.telephones()
	s.rings("call-1", "+79120000001", "101", leads.CallRinging)
	s.rings("call-1", "+79120000001", "101", leads.CallOver)
	s.as("anna").get("/calls").says(t, http.StatusOK, "Сейчас никто не звонит", "101")
	s.rings("call-2", "+79120000001", "101", leads.CallRinging)
	s.pass(2 * time.Minute) // and its end is lost
	s.as("anna").get("/calls").says(t, http.StatusOK, "Сейчас никто не звонит")
}

func TestACallOfAnUnknownNumberBecomesANewLeadOfWhoTakesIt(t *testing.T) {
	s := newStack(t)
	s.telephones()
	call := s.rings("call-1", "+79120000001", "101", leads.CallRinging)
	anna := s.as("anna")
	anna.get("/calls").says(t, http.StatusOK, "Неизвестный номер", "Новый лид", "К существующему", "Не клиент")
	path := fmt.Sprintf("/calls/%d/lead", call)
	if a := s.as("boris").post(path); a.status != http.StatusForbidden {
		t.Errorf("somebody else takes it: %d", a.status)
	}
	a := anna.post(path)
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/leads/") {
		t.Fatalf("%d to %s: %s", a.status, a.header.Get("Location"), a.body)
	}
	if again := anna.post(path); again.header.Get("Location") != a.header.Get("Location") {
		t.Errorf("a second click leads to %s", again.header.Get("Location"))
	}
	list, err := s.Leads.Leads(t.Context(), repository.LeadFilter{})
	s.must(err)
	if len(list.Items) != 1 || list.Items[0].OwnerLogin != "anna" || list.Items[0].Source != "ads" {
		t.Errorf("the leads are %+v", list.Items)
	}
	if a := anna.get("/calls"); strings.Contains(a.body, "К существующему") || !strings.Contains(a.body, list.Items[0].Title) {
		t.Error("the card still asks who it is")
	}
}

func TestWhoMakesALeadOfACallHasTheClientOnTheLineAndNeedNotGetInTouchFirst(t *testing.T) {
	s := newStack(t)
	s.telephones()
	call := s.rings("call-1", "+79120000001", "101", leads.CallTalking)
	// The head may decide as well; the client talks with Anna all the same.
	a := s.as("olga").post(fmt.Sprintf("/calls/%d/lead", call))
	if a.status != http.StatusSeeOther {
		t.Fatalf("%d: %s", a.status, a.body)
	}
	list, err := s.Leads.Leads(t.Context(), repository.LeadFilter{})
	s.must(err)
	if len(list.Items) != 1 || list.Items[0].OwnerLogin != "anna" {
		t.Fatalf("the leads are %+v", list.Items)
	}
	if task := s.task(list.Items[0].ID); task.Element != "qualify" || task.Assignee != s.who("anna").ID {
		t.Errorf("the task is %s with %s", task.Element, task.AssigneeName)
	}
}

func TestAnEventOfACallIsReceivedUntilTheCallIsFiled(t *testing.T) {
	s := newStack(t)
	s.telephones()
	s.rings("call-1", "+79120000001", "101", leads.CallRinging)
	p := s.program("olga")
	if v := p.get("/inquiries/call-1ringing").want(http.StatusOK).object(); v["state"] != "received" || v["connection"] != "pbx" || v["channel"] != "call" || v["reason"] != "" {
		t.Errorf("of a call that goes on: %v", v)
	}
	_, err := s.pool.Exec(t.Context(), "update call set inquiry = null")
	s.must(err)
	if v := p.get("/inquiries/call-1ringing").want(http.StatusOK).object(); v["state"] != "received" || !strings.Contains(fmt.Sprint(v["reason"]), "между своими") {
		t.Errorf("of a call between colleagues: %v", v)
	}
	s.program("anna").get("/inquiries/call-1ringing").problem(http.StatusNotFound)
}

func TestACallOfAnUnknownNumberGoesToTheLeadThatIsChosen(t *testing.T) {
	s := newStack(t)
	s.telephones()
	lead, _ := s.lead("anna")
	call := s.rings("call-1", "+79990000001", "101", leads.CallTalking)
	anna := s.as("anna")
	anna.get(fmt.Sprintf("/calls?call=%d&q=Петров", call)).says(t, http.StatusOK, "Иван Петров", fmt.Sprintf(`action="/calls/%d/attach"`, call))
	anna.get(fmt.Sprintf("/calls?call=%d&q=Никто", call)).says(t, http.StatusOK, "Открытых лидов не нашлось")
	if a := anna.post(fmt.Sprintf("/calls/%d/attach", call), "lead", fmt.Sprint(lead)); a.header.Get("Location") != leadAddress(lead) {
		t.Fatalf("%d to %s", a.status, a.header.Get("Location"))
	}
	view, err := s.Leads.Lead(t.Context(), lead)
	s.must(err)
	if view.Inquiries != 2 || len(view.Points) != 2 {
		t.Errorf("%d inquiries, points %+v", view.Inquiries, view.Points)
	}
	// From now on the number is the client's.
	s.rings("call-2", "+79990000001", "101", leads.CallRinging)
	anna.get("/calls").says(t, http.StatusOK, "Иван Петров", view.Title)
}

func TestANumberOfAnotherContactIsNotTakenAway(t *testing.T) {
	s := newStack(t)
	s.telephones()
	lead, _ := s.lead("anna")
	s.arrive(s.form("Другой", "+7 912 000-00-09", "Хочу забор"))
	call := s.rings("call-1", "+79120000009", "101", leads.CallTalking)
	s.as("anna").post(fmt.Sprintf("/calls/%d/attach", call), "lead", fmt.Sprint(lead)).says(t, http.StatusUnprocessableEntity, "записан за другим контактом")
}

func TestWhoIsNoClientOpensNoLeadNowAndLater(t *testing.T) {
	s := newStack(t)
	s.telephones()
	call := s.rings("call-1", "+79120000001", "101", leads.CallRinging)
	if a := s.as("anna").post(fmt.Sprintf("/calls/%d/not-client", call)); a.header.Get("Location") != "/calls" {
		t.Fatalf("%d to %s: %s", a.status, a.header.Get("Location"), a.body)
	}
	point, _ := leads.Phone("+79120000001", "RU")
	later := s.arrive(leads.Inquiry{ID: "later", Connection: "pbx", Channel: leads.ChannelCall, ReceivedAt: s.now(), Points: []leads.ContactPoint{point}, Call: &leads.Call{}})
	list, err := s.Leads.Leads(t.Context(), repository.LeadFilter{})
	s.must(err)
	if len(list.Items) != 0 || later[0].Outcome != repository.OutcomeContact {
		t.Errorf("%d leads, the later call is %s", len(list.Items), later[0].Outcome)
	}
}

func TestTheScreenIsToldWithoutBeingAsked(t *testing.T) {
	s := newStack(t)
	s.telephones()
	s.ringingBell()
	events := s.listen(s.as("anna"))
	if got := <-events; got != "[]" {
		t.Fatalf("at first: %s", got)
	}
	call := s.rings("call-1", "+79120000001", "101", leads.CallRinging)
	if got := s.next(events); got != fmt.Sprintf(`[{"id":%d,"state":"ringing","filed":false}]`, call) {
		t.Errorf("when it rings: %s", got)
	}
	s.rings("call-1", "+79120000001", "101", leads.CallTalking)
	if got := s.next(events); !strings.Contains(got, "talking") {
		t.Errorf("when it is answered: %s", got)
	}
	if unread, err := s.Staff.Unread(t.Context(), s.who("anna").ID); err != nil || unread != 0 {
		t.Errorf("a telephone that rang is unread news: %d, %v", unread, err)
	}
	list, err := s.Staff.Notices(t.Context(), s.who("anna").ID, 10)
	s.must(err)
	for _, n := range list {
		if n.Kind == staff.CallRings {
			t.Error("a telephone that rang is among the news")
		}
	}
}

func TestTheCountGoesDownWhenATaskIsTakenAway(t *testing.T) {
	s := newStack(t)
	_, task := s.lead("anna")
	s.ringingBell()
	counts := s.heard(s.as("anna"), "tasks")
	if got := <-counts; !strings.Contains(got, `"open":1`) {
		t.Fatalf("at first: %s", got)
	}
	_, err := s.Casework.ReassignTask(t.Context(), s.who("olga"), task.ID, "boris", "болеет")
	s.must(err)
	if got := s.next(counts); !strings.Contains(got, `"open":0`) {
		t.Errorf("when it is taken away: %s", got)
	}
	list, err := s.Staff.Notices(t.Context(), s.who("anna").ID, 10)
	s.must(err)
	for _, n := range list {
		if n.Kind == staff.TaskGone {
			t.Error("that a task is gone is among the news")
		}
	}
}

func TestTheCountGoesDownInTheOtherWindowOfWhoDidTheTask(t *testing.T) {
	s := newStack(t)
	_, task := s.lead("anna")
	anna := s.as("anna")
	counts := s.heard(anna, "tasks")
	if got := <-counts; !strings.Contains(got, `"open":1`) {
		t.Fatalf("at first: %s", got)
	}
	s.as("anna").post(fmt.Sprintf("/tasks/%d/work", task.ID), "revision", "1", "do", "read")
	if got := s.next(counts); !strings.Contains(got, `"open":1`) { // counted anew, at once
		t.Errorf("after a step in another window: %s", got)
	}
}

// ringingBell lets the bell run until the test ends.
func (s *stack) ringingBell() {
	bell := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() { bell <- s.RunBell(ctx) }()
	s.t.Cleanup(func() { stop(); <-bell })
}

// listen gives what the page is told of calls.
func (s *stack) listen(v *visitor) <-chan string { return s.heard(v, "calls") }

// heard gives what the page is told under a name.
func (s *stack) heard(v *visitor, name string) <-chan string {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	s.t.Cleanup(stop)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.http.URL+"/events", nil)
	s.must(err)
	response, err := v.client.Do(request)
	s.must(err)
	events := make(chan string, 100)
	go func() {
		defer response.Body.Close()
		defer close(events)
		lines := bufio.NewScanner(response.Body)
		for ours := false; lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && ours {
				events <- data
			}
			ours = lines.Text() == "event: "+name
		}
	}()
	return events
}

// next is the next thing the page is told that differs from nothing going on.
func (s *stack) next(events <-chan string) string {
	s.t.Helper()
	late := time.After(15 * time.Second) // sooner than the heartbeat, which would tell as well
	for {
		select {
		case got := <-events:
			if got != "[]" {
				return got
			}
		case <-late:
			s.t.Fatal("the page was not told")
		}
	}
}

func TestACallAppearsOnWhateverPageIsOpenAndIsTakenByAClick(t *testing.T) {
	s := newStack(t)
	s.telephones()
	s.ringingBell()
	view := s.browser(1440, 900)
	s.enter(view, "anna")
	s.run(view, chromedp.Navigate(s.http.URL+"/leads"), chromedp.WaitVisible(chromedp.CSS("main#main h1")))
	s.rings("call-1", "+79120000001", "101", leads.CallRinging)
	s.run(view, chromedp.WaitVisible(chromedp.CSS(".calls .call.ringing")))
	if got := s.text(view, ".calls"); !strings.Contains(got, "Неизвестный номер") || !strings.Contains(got, "000-00-01") {
		t.Errorf("the card says %q", got)
	}
	s.clicked(view, ".call-asks button.primary")
	if got := s.text(view, ".notice.good"); !strings.Contains(got, "Звонок записан в лид") {
		t.Errorf("then the page says %q", got)
	}
	s.run(view, chromedp.WaitVisible(chromedp.CSS(".calls .call")))
	s.rings("call-1", "+79120000001", "101", leads.CallOver)
	s.run(view, chromedp.WaitNotPresent(chromedp.CSS(".calls .call")))
}
