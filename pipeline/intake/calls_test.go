package intake_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"marshrut/connectors/registry"
	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/pipeline"
	"marshrut/processes"
)

const (
	client = "79120000001"
	ours   = "74950000001"
)

// exchange is a company with a Mango exchange called pbx and the shipped route maps.
type exchange struct {
	*company
	clock time.Time
	held  []pipeline.Event // sent and not yet handled, in their order
}

func newExchange(t *testing.T) *exchange {
	x := &exchange{clock: morning}
	x.company = makeCompany(t, func() time.Time { return x.clock })
	x.must(x.casework.Processes().SeedDefinitions(t.Context(), os.DirFS("../../configs/processes")))
	x.must(x.registry.Save(t.Context(), morning, registry.Configured{Name: "pbx", Connector: "telephony", Provider: "mango", Source: "phone", Token: token,
		RateLimit: 1_000_000, Settings: []byte(`{"api_key":"demo-key-0001","api_salt":"demo-salt-0001","sources":{"+7 495 000-00-01":"ads"}}`)}))
	return x
}

// send posts a signed event to the door, where it is kept until take.
func (x *exchange) send(path, json string) {
	x.t.Helper()
	sum := sha256.Sum256([]byte("demo-key-0001" + json + "demo-salt-0001"))
	body := url.Values{"vpbx_api_key": {"demo-key-0001"}, "sign": {hex.EncodeToString(sum[:])}, "json": {json}}.Encode()
	r := httptest.NewRequest(http.MethodPost, "/in/pbx/"+token+path, strings.NewReader(body))
	r.Header.Set("Content-Type", form)
	w := httptest.NewRecorder()
	x.door.Publisher = publisher(func(events ...pipeline.Event) { x.held = append(x.held, events...) })
	x.door.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		x.t.Fatalf("status %d: %s", w.Code, w.Body)
	}
}

// part is an event of Anna's telephone.
func (x *exchange) part(call, state string, seq int) {
	x.t.Helper()
	x.send("/events/call", fmt.Sprintf(`{"entry_id":%q,"call_id":"leg","timestamp":%d,"seq":%d,"call_state":%q,"location":"abonent","from":{"number":%q},"to":{"extension":"101","line_number":%q}}`,
		call, x.clock.Unix(), seq, state, client, ours))
}

// summary is the final word; talk is how many seconds ago the talk began, 0 for none.
func (x *exchange) summary(call string, direction, lasted, talk int) {
	x.t.Helper()
	from, to := fmt.Sprintf(`{"number":%q}`, client), `{"extension":"101"}`
	if direction == 2 {
		from, to = to, from
	}
	end := x.clock.Unix()
	talked := int64(0)
	if talk > 0 {
		talked = end - int64(talk)
	}
	x.send("/events/summary", fmt.Sprintf(`{"entry_id":%q,"call_direction":%d,"from":%s,"to":%s,"line_number":%q,"create_time":%d,"forward_time":0,"talk_time":%d,"end_time":%d,"entry_result":1}`,
		call, direction, from, to, ours, end-int64(lasted), talked, end))
}

// take handles what was sent, one event a batch.
func (x *exchange) take() {
	x.t.Helper()
	held := x.held
	x.held = nil
	for _, e := range held {
		x.handle(e)
	}
}

func (x *exchange) pass(d time.Duration) { x.clock = x.clock.Add(d) }

func (x *exchange) running(key string) int {
	x.t.Helper()
	return x.count(`select count(*) from process_instance i join process_definition d on d.id = i.definition_id where d.key = $1 and i.state = 'active'`, key)
}

func (x *exchange) task() processes.Task {
	x.t.Helper()
	page, err := x.casework.Processes().Tasks(x.t.Context(), processes.TaskFilter{Status: processes.TaskOpen})
	x.must(err)
	if len(page.Items) != 1 {
		x.t.Fatalf("%d open tasks, want one", len(page.Items))
	}
	return page.Items[0]
}

// missed is a call of the client that nobody answers.
func (x *exchange) missed(call string) {
	x.t.Helper()
	x.part(call, "Appeared", 1)
	x.pass(20 * time.Second)
	x.part(call, "Disconnected", 2)
	x.summary(call, 1, 20, 0)
}

func TestAMissedCallOfSomebodyUnknownIsALeadWithATaskToCallBack(t *testing.T) {
	x := newExchange(t)
	x.missed("call-1")
	x.take()
	x.want(1, "select count(*) from lead where source = 'ads' and channel = 'call' and connection = 'pbx'")
	x.want(1, "select count(*) from inquiry where channel = 'call'")
	x.want(1, "select count(*) from interaction where kind = 'call' and direction = 'in' and not answered")
	if x.running("missed_call") != 1 || x.task().Element != "call_back" {
		t.Errorf("%d processes call back", x.running("missed_call"))
	}
	x.want(0, "select count(*) from incident")
	x.want(0, "select count(*) from inquiry where state = 'dead'")
}

func TestACallBackThatIsAnsweredEndsTheProcessByItself(t *testing.T) {
	x := newExchange(t)
	x.missed("call-1")
	x.take()
	x.pass(3 * time.Minute)
	x.summary("call-2", 2, 70, 60)
	x.take()
	if x.running("missed_call") != 0 {
		t.Error("somebody still has to call back")
	}
	x.want(1, "select count(*) from lead where first_response_at is not null")
	x.want(1, "select count(*) from interaction i join employee e on e.id = i.employee_id where e.login = 'anna' and direction = 'out' and seconds = 60")
	if task := x.task(); task.Element != "qualify" {
		t.Errorf("then comes %s, want the sale to begin at qualifying", task.Element)
	}
}

func TestWhoReachedTheClientAfterAMissAndHowLongAfterIsWrittenDown(t *testing.T) {
	x := newExchange(t)
	x.missed("call-1")
	x.pass(time.Minute)
	x.missed("call-2")
	x.pass(3 * time.Minute)
	x.summary("call-3", 2, 15, 5) // too short to be a conversation
	x.pass(time.Minute)
	x.summary("call-4", 2, 70, 60)
	x.pass(time.Minute)
	x.summary("call-5", 2, 70, 60)
	x.take()
	x.take()
	x.want(1, "select count(*) from journal where action = 'call.returned'")
	x.want(1, "select count(*) from journal j join employee e on e.id = j.actor_id where action = 'call.returned' and e.login = 'anna' and lead_id is not null")
	if got := x.count("select (data ->> 'seconds')::int from journal where action = 'call.returned'"); got != 280 {
		t.Errorf("reached after %d seconds", got)
	}
}

func TestACallOfAKnownClientIsAnInteractionOfTheOpenLead(t *testing.T) {
	x := newExchange(t)
	x.handle(x.event("site", form, "name=A&phone=%2B"+client))
	x.part("call-1", "Appeared", 1)
	x.part("call-1", "Connected", 2)
	x.pass(time.Minute)
	x.summary("call-1", 1, 60, 50)
	x.take()
	x.want(1, "select count(*) from lead")
	x.want(2, "select count(*) from interaction where lead_id is not null")
	x.want(1, "select count(*) from interaction where kind = 'call' and answered and seconds = 50")
}

func TestAnOutgoingCallIsTheFirstResponseAndEvidenceOfTheStep(t *testing.T) {
	x := newExchange(t)
	x.handle(x.event("site", form, "name=A&phone=%2B"+client))
	x.pass(2 * time.Minute)
	x.summary("call-1", 2, 30, 0) // nobody answers: an attempt, and no response
	x.take()
	x.want(0, "select count(*) from lead where first_response_at is not null")
	x.pass(time.Minute)
	x.summary("call-2", 2, 40, 30)
	x.take()
	x.want(1, "select count(*) from lead where first_response_at is not null")
	x.want(2, "select count(*) from interaction where direction = 'out' and employee_id is not null")
	x.want(1, "select count(*) from lead")
}

func TestACallToAClientWithSeveralOpenLeadsIsAboutTheOneTheCallerHasToCallFor(t *testing.T) {
	x := newExchange(t)
	x.missed("call-1")
	x.take()
	first := x.count("select id from lead")
	x.pass(time.Minute)
	x.handle(x.event("site", form, "name=Ivan&phone=%2B79120000002"))
	for _, statement := range []string{
		"update lead set contact_id = (select min(contact_id) from lead)", // one client with two leads
		"update lead set last_activity_at = last_activity_at + interval '1 day' where id <> (select min(id) from lead)",
		"update task set assignee_id = null where subject <> (select min(id) from lead)",
	} {
		_, err := x.pool.Exec(t.Context(), statement)
		x.must(err)
	}
	for n, c := range []struct {
		name, change string
		first        bool
	}{
		{"there is a task to call", "select 1", true},
		{"she answers for it", "with t as (update task set assignee_id = null) update lead set owner_id = case when id = (select min(id) from lead) then (select id from employee where login = 'anna') end", true},
		{"nothing is hers", "update lead set owner_id = null", false},
	} {
		_, err := x.pool.Exec(t.Context(), c.change)
		x.must(err)
		x.pass(time.Minute)
		x.summary(fmt.Sprint("out-", n), 2, 6, 5)
		x.take()
		if got := x.count("select lead_id from interaction where direction = 'out' order by id desc limit 1"); (got == first) != c.first {
			t.Errorf("%s: the call is in lead %d", c.name, got)
		}
	}
}

func TestACallBeforeTheLeadIsNoResponseToIt(t *testing.T) {
	x := newExchange(t)
	x.missed("call-1")
	x.take()
	x.pass(5 * time.Minute)
	x.summary("call-2", 2, 5*60+300, 5*60+200) // it began before the client's, and its news comes after
	x.take()
	x.want(1, "select count(*) from interaction where direction = 'out' and lead_id is not null")
	x.want(0, "select count(*) from lead where first_response_at is not null")
}

func TestWhoCalledAndWasAnsweredHasHadTheFirstResponse(t *testing.T) {
	x := newExchange(t)
	x.summary("call-1", 1, 60, 50)
	x.take()
	x.want(1, "select count(*) from lead where first_response_at = created_at + interval '10 seconds'")
}

func TestAnOutgoingCallToSomebodyUnknownOpensNoLead(t *testing.T) {
	x := newExchange(t)
	x.summary("call-1", 2, 40, 30)
	x.take()
	x.want(0, "select count(*) from lead")
	x.want(1, "select count(*) from interaction where direction = 'out' and contact_id is not null")
}

func TestWhoAnswersACallOfSomebodyUnknownGetsTheLeadAndNeedNotGetInTouchFirst(t *testing.T) {
	x := newExchange(t)
	x.part("call-1", "Appeared", 1)
	x.part("call-1", "Connected", 2)
	x.take()
	x.want(0, "select count(*) from lead") // the call goes on
	x.pass(2 * time.Minute)
	x.summary("call-1", 1, 120, 110)
	x.take()
	x.want(1, "select count(*) from lead l join employee e on e.id = l.owner_id where e.login = 'anna'")
	if task := x.task(); task.Process != "inquiry" || task.Element != "qualify" {
		t.Errorf("the task is %s of %s", task.Element, task.Process)
	}
}

func TestEventsReversedAndRepeatedMakeOneInquiry(t *testing.T) {
	x := newExchange(t)
	x.part("call-1", "Appeared", 1)
	x.part("call-1", "Connected", 2)
	x.pass(time.Minute)
	x.part("call-1", "Disconnected", 3)
	x.summary("call-1", 1, 60, 50)
	events := x.held
	for n := len(events) - 1; n >= 0; n-- {
		x.handle(events[n], events[n])
	}
	x.handle(events...)
	x.want(1, "select count(*) from inquiry")
	x.want(1, "select count(*) from lead")
	x.want(1, "select count(*) from interaction where answered and seconds = 50")
	x.want(len(events), "select count(*) from call_event")
	x.want(0, "select count(*) from call where due_at is not null")
	x.want(0, "select count(*) from inquiry_conflict")
}

func TestManyWorkersAtTheEventsOfOneCallMakeOneInquiry(t *testing.T) {
	x := newExchange(t)
	for seq := range 12 {
		x.part("call-1", []string{"Appeared", "Connected", "OnHold"}[seq%3], seq+1)
	}
	x.pass(time.Minute)
	x.summary("call-1", 1, 60, 50)
	x.send("/events/record/added", `{"entry_id":"call-1","recording_id":"rec-1"}`)
	var group errgroup.Group
	for n := range 3 * len(x.held) {
		group.Go(func() error {
			for try := 0; ; try++ {
				err := x.Handle(context.Background(), pipeline.Batch{Events: x.held[n%len(x.held) : n%len(x.held)+1]})
				if err == nil || postgres.Classify(err) != postgres.Race || try == 20 {
					return err // the bus brings a batch again that lost a race
				}
			}
		})
	}
	x.must(group.Wait())
	x.pass(5 * time.Minute)
	x.must(x.FileDueCalls(t.Context()))
	x.want(1, "select count(*) from inquiry")
	x.want(1, "select count(*) from lead")
	x.want(1, "select count(*) from interaction where answered and seconds = 50")
	x.want(1, "select count(*) from inquiry where details -> 'call' ->> 'recording' = 'rec-1'")
	x.want(len(x.held), "select count(*) from call_event")
}

func TestACallWhoseSummaryIsLostIsFiledByWhatIsKnown(t *testing.T) {
	x := newExchange(t)
	x.part("call-1", "Appeared", 1)
	x.pass(18 * time.Second)
	x.part("call-1", "Disconnected", 2)
	x.take()
	x.must(x.FileDueCalls(t.Context()))
	x.want(0, "select count(*) from inquiry")
	x.pass(2*time.Minute + time.Second)
	x.must(x.FileDueCalls(t.Context()))
	x.must(x.FileDueCalls(t.Context()))
	x.want(1, "select count(*) from inquiry where details -> 'call' ->> 'answered' = 'false'")
	if x.running("missed_call") != 1 {
		t.Error("nobody calls back")
	}
}

func TestASummaryThatComesAfterAllCorrectsWhatWasFiledWithoutIt(t *testing.T) {
	x := newExchange(t)
	x.part("call-1", "Appeared", 1) // and then everything is lost
	x.take()
	x.pass(11 * time.Minute)
	x.must(x.FileDueCalls(t.Context()))
	if x.running("missed_call") != 1 {
		t.Fatal("nobody calls back")
	}
	x.summary("call-1", 1, 660, 600) // it was a long talk
	x.take()
	x.want(1, "select count(*) from interaction where answered and seconds = 600 and employee_id is not null")
	x.want(1, "select count(*) from inquiry where details -> 'call' ->> 'answered' = 'true'")
	if x.running("missed_call") != 0 {
		t.Error("somebody still has to call back")
	}
}

func TestTheRecordingIsAddedToTheFiledCallAndChangesNothingElse(t *testing.T) {
	x := newExchange(t)
	x.missed("call-1")
	x.take()
	tasks := x.count("select count(*) from task")
	x.pass(time.Minute)
	x.send("/events/record/added", `{"entry_id":"call-1","recording_id":"rec-1"}`)
	x.take()
	x.want(1, "select count(*) from inquiry where details -> 'call' ->> 'recording' = 'rec-1'")
	x.want(tasks, "select count(*) from task")
}

func TestNobodyIsCalledBackWhoWasReachedBeforeTheNewsOfTheMiss(t *testing.T) {
	x := newExchange(t)
	x.part("call-1", "Appeared", 1)
	x.pass(20 * time.Second)
	x.part("call-1", "Disconnected", 2) // the summary is lost
	x.pass(30 * time.Second)
	x.summary("call-2", 2, 25, 20) // and Anna calls back meanwhile
	x.take()
	x.pass(10 * time.Minute)
	x.must(x.FileDueCalls(t.Context()))
	x.want(1, "select count(*) from lead")
	if x.running("missed_call") != 0 || x.task().Element != "qualify" {
		t.Errorf("%d processes call back somebody who was reached", x.running("missed_call"))
	}
}

func TestALateWordOfAnEarlierConversationDoesNotCallBackWhoCalledInVainSince(t *testing.T) {
	x := newExchange(t)
	x.missed("call-2")
	x.take()
	x.pass(time.Minute)
	over := x.clock.Unix() - 300 // minutes before the miss
	x.send("/events/summary", fmt.Sprintf(`{"entry_id":"call-1","call_direction":2,"from":{"extension":"101"},"to":{"number":%q},"line_number":%q,"create_time":%d,"talk_time":%d,"end_time":%d}`,
		client, ours, over-70, over-60, over))
	x.take()
	if x.running("missed_call") != 1 {
		t.Error("nobody calls back any longer")
	}
	x.pass(time.Minute)
	x.summary("call-3", 2, 40, 30)
	x.take()
	if x.running("missed_call") != 0 {
		t.Error("somebody still has to call back")
	}
}

func TestAHiddenNumberThatNobodyAnsweredIsKeptWithoutALead(t *testing.T) {
	x := newExchange(t)
	x.send("/events/summary", fmt.Sprintf(`{"entry_id":"call-1","call_direction":1,"from":{},"to":{"extension":"101"},"line_number":%q,"create_time":1,"talk_time":0,"end_time":20}`, ours))
	x.take()
	x.want(0, "select count(*) from lead")
	x.want(1, "select count(*) from inquiry where state = 'filed' and channel = 'call'")
}

func TestACallBetweenEmployeesIsNoInquiry(t *testing.T) {
	x := newExchange(t)
	x.send("/events/summary", `{"entry_id":"call-1","call_direction":0,"from":{"extension":"101"},"to":{"extension":"102"},"create_time":1,"talk_time":2,"end_time":20}`)
	x.take()
	x.want(0, "select count(*) from inquiry")
	x.want(0, "select count(*) from call where due_at is not null")
}

func TestARingingCallIsOnTheScreenOfItsTelephoneUntilItIsOver(t *testing.T) {
	x := newExchange(t)
	x.handle(x.event("site", form, "name=Анна Клёнова&phone=%2B"+client))
	rings := func() int {
		return x.count("select count(*) from notice n join employee e on e.id = n.employee_id where n.kind = 'call' and e.login = 'anna' and n.read_at is not null")
	}
	x.part("call-1", "Appeared", 1)
	x.take()
	calls, err := x.repo.LiveCalls(t.Context(), "101", x.clock)
	x.must(err)
	if len(calls) != 1 || calls[0].State != leads.CallRinging || calls[0].Contact != "Анна Клёнова" || calls[0].LeadID == 0 || calls[0].Number != "+"+client || rings() != 1 {
		t.Fatalf("on the screen: %+v, after %d rings", calls, rings())
	}
	x.part("call-1", "Connected", 2)
	x.take()
	if calls, _ = x.repo.LiveCalls(t.Context(), "101", x.clock); len(calls) != 1 || calls[0].State != leads.CallTalking || rings() != 2 {
		t.Errorf("while they talk: %+v, after %d rings", calls, rings())
	}
	x.pass(time.Minute)
	x.summary("call-1", 1, 60, 55)
	x.take()
	if calls, _ = x.repo.LiveCalls(t.Context(), "101", x.clock); len(calls) != 0 || rings() != 3 {
		t.Errorf("after it is over: %+v, after %d rings", calls, rings())
	}
	if other, _ := x.repo.LiveCalls(t.Context(), "102", x.clock); len(other) != 0 {
		t.Errorf("at another telephone: %+v", other)
	}
}

func TestWhatIsToldHoursLateRingsNowhere(t *testing.T) {
	x := newExchange(t)
	x.part("call-1", "Appeared", 1)
	x.pass(3 * time.Hour)
	x.take()
	x.want(0, "select count(*) from notice where kind = 'call'")
	if calls, _ := x.repo.LiveCalls(t.Context(), "101", x.clock); len(calls) != 0 {
		t.Errorf("it rings: %+v", calls)
	}
}

func TestAnEventNobodyUnderstandsIsDeadAloneAndRunsAgainInItsPlace(t *testing.T) {
	x := newExchange(t)
	x.send("/events/summary", `{"entry_id":"call-1"`)
	broken := x.held[0]
	x.missed("call-2")
	x.take()
	x.want(1, "select count(*) from lead")
	if in := x.inquiry(broken.ID); in.Filed.State != "dead" || in.Channel != leads.ChannelCall {
		t.Errorf("filed as %+v", in.Filed)
	}
}

func TestACallThatCannotBeStoredIsADeadLetterOnceAndCanBeRunAgain(t *testing.T) {
	x := newExchange(t)
	x.part("call-1", "Appeared", 1)
	x.take()
	x.poison("0000001", func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "select 1 / 0")
		return err
	})
	x.pass(11 * time.Minute)
	x.must(x.FileDueCalls(t.Context()))
	x.must(x.FileDueCalls(t.Context()))
	id := x.firstText("select inquiry_id from call")
	if in := x.inquiry(id); in.Filed.State != "dead" || in.Filed.Attempts != 1 {
		t.Fatalf("filed as %+v", in.Filed)
	}
	x.arrive = nil
	if _, err := x.Replay(t.Context(), 0, id, nil); err != nil {
		t.Fatal(err)
	}
	x.want(1, "select count(*) from inquiry where state = 'filed' and id = $1", id)
	x.want(1, "select count(*) from lead")
}

func TestTheIDInTheAnswerToAnEventLeadsToTheInquiryOfItsCall(t *testing.T) {
	x := newExchange(t)
	x.part("call-1", "Appeared", 1)
	first := x.held[0].ID
	x.pass(20 * time.Second)
	x.summary("call-1", 1, 20, 0)
	x.take()
	if in := x.inquiry(first); in.Filed.State != "filed" || in.LeadID == 0 {
		t.Errorf("filed as %+v", in.Filed)
	}
}

func TestRetentionForgetsWhatACallWasPutTogetherFromAndKeepsItsInquiry(t *testing.T) {
	x := newExchange(t)
	x.missed("call-1")
	x.take()
	x.want(3, "select count(*) from inquiry_raw")
	later := x.clock.AddDate(0, 0, 1)
	_, err := x.repo.ForgetRaw(t.Context(), later)
	x.must(err)
	x.must(x.repo.ForgetCalls(t.Context(), later))
	x.want(0, "select count(*) from inquiry_raw")
	x.want(0, "select count(*) from call_event")
	x.want(0, "select count(*) from call")
	x.want(1, "select count(*) from inquiry")
}
