package engine

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"marshrut/processes/bpmn"
)

// company is what the shipped maps may name in a company as it is delivered.
func company() bpmn.Environment {
	return bpmn.Environment{
		Values: map[string]bpmn.Type{
			"lead.title": bpmn.String, "lead.amount": bpmn.Number, "lead.stage": bpmn.String, "lead.status": bpmn.String,
			"lead.city": bpmn.String, "lead.product": bpmn.String, "lead.repeat": bpmn.Bool, "lead.source": bpmn.String,
			"client.kind": bpmn.String, "client.name": bpmn.String, "client.inn": bpmn.String, "contact.name": bpmn.String,
			"inquiry.text": bpmn.String, "inquiry.subject": bpmn.String, "inquiry.channel": bpmn.String,
		},
		Facts: map[string]bpmn.Type{"contacts.out": bpmn.Number, "contacts.out_answered": bpmn.Number,
			"contacts.in": bpmn.Number, "contacts.last_out_at": bpmn.Time},
		Writable: map[string]bool{"lead.expected_close": true, "lead.fields.need": true, "lead.amount": true, "lead.city": true, "lead.product": true, "client.inn": true, "contact.name": true},
		Roles: map[string]string{"manager": "Менеджер", "head": "РОП", "service": "Сервис", "accounting": "Бухгалтерия",
			"delivery": "Доставка", "duty": "Дежурный"},
		Stages:    []string{"new", "qualification", "proposal", "negotiation", "contract", "won", "lost", "junk"},
		Processes: []string{"inquiry", "missed_call"},
		Messages:  []string{"client.contacted", "client.reached", "payment.received", "call.missed"},
		LossReasons: []string{"expensive", "competitor", "no_product", "timing", "terms", "no_budget", "irrelevant", "unreachable",
			"region", "refused_by_us", "other", "spam", "mistake", "duplicate", "job_seeker", "supplier", "service_request"},
	}
}

// shipped reads one of the maps that the product comes with. It must have no problem, not even a warning.
func shipped(t testing.TB, file string) *bpmn.Process {
	t.Helper()
	f, err := os.Open("../../configs/processes/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := bpmn.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range bpmn.Check(m, company()) {
		t.Errorf("%s, line %d: %s %s: %s", file, p.Line, p.Severity, p.Element, p.Message)
	}
	if t.Failed() {
		t.FailNow()
	}
	return m.Main()
}

func TestTheInquiryMapHasNoProblem(t *testing.T) {
	if p := shipped(t, "obrabotka-obrashcheniya.bpmn"); p.ID != "inquiry" {
		t.Errorf("process id %q", p.ID)
	}
}

func TestTheMissedCallMapHasNoProblem(t *testing.T) {
	if p := shipped(t, "propushchennyi-zvonok.bpmn"); p.ID != "missed_call" {
		t.Errorf("process id %q", p.ID)
	}
}

// story is one way through a map, told by a simulation.
type story struct {
	script Script
	tasks  []string // user tasks in the order in which they come
	closes string   // effects "close …"
	state  State    // "": still active
}

type told struct {
	tasks, effects []string
	other          []string // deliveries, children, reminders
	in             Instance
	end            time.Time
}

func tell(t *testing.T, p *bpmn.Process, script Script) told {
	t.Helper()
	script.Start, script.Calendar = monday, office(t)
	if script.Values == nil {
		script.Values = map[string]any{}
	}
	if script.Values["lead"] == nil {
		script.Values["lead"] = map[string]any{"title": "Окна", "stage": "new"}
	}
	var got told
	in, err := Simulate(p, script, func(a Activation) error {
		got.end = a.At
		switch e := a.Data.(type) {
		case TaskCreated:
			got.tasks = append(got.tasks, e.Element)
		case DeliveryRequested:
			got.other = append(got.other, e.Action+" "+valueText(e.Params["template"]))
		case ChildStarted:
			got.other = append(got.other, "start "+e.Process)
		case TaskEscalated:
			got.other = append(got.other, e.Action+" "+e.To)
		}
		got.effects = append(got.effects, effects([]Event{a.Data})...)
		return nil
	})
	if err != nil {
		t.Fatalf("after %v: %v", got.tasks, err)
	}
	if len(in.Incidents) > 0 {
		t.Fatalf("after %v: incidents %+v", got.tasks, in.Incidents)
	}
	got.in = in
	return got
}

func (g told) closing() string {
	for _, e := range g.effects {
		if strings.HasPrefix(e, "close") {
			return strings.TrimPrefix(e, "close ")
		}
	}
	return ""
}

func choose(pairs ...string) map[string][]string {
	choices := map[string][]string{}
	for i := 0; i < len(pairs); i += 2 {
		choices[pairs[i]] = strings.Fields(pairs[i+1])
	}
	return choices
}

func TestEveryWayThroughAnInquiry(t *testing.T) {
	p := shipped(t, "obrabotka-obrashcheniya.bpmn")
	sale := []string{"contact", "qualify", "offer", "send_offer", "decision", "contract", "payment"}
	with := func(more ...string) []string { return more }
	stories := map[string]story{
		"won": {tasks: sale, closes: "status=won", state: Completed},
		"won by the message of a payment": {script: Script{Choices: choose("payment", "-"), Messages: []ScriptMessage{{After: "P10D", Message: "payment.received"}}},
			tasks: sale, closes: "status=won", state: Completed},
		"junk": {script: Script{Choices: choose("contact", "junk"), Steps: map[string]any{"junk_reason": "job_seeker"}},
			tasks: with("contact"), closes: "status=junk reason=job_seeker", state: Completed},
		"lost at qualification, without asking the head": {script: Script{Choices: choose("qualify", "lost"), Steps: map[string]any{"loss_reason": "region"}},
			tasks: with("contact", "qualify"), closes: "status=lost reason=region", state: Completed},
		"no answer five times": {script: Script{Choices: choose("contact", "no_answer")},
			tasks: with("contact", "contact", "contact", "contact", "contact"), closes: "status=lost reason=unreachable", state: Completed},
		"no answer, then reached": {script: Script{Choices: choose("contact", "no_answer no_answer talked")},
			tasks: append(with("contact", "contact"), sale...), closes: "status=won", state: Completed},
		"put off three times, the head waits": {script: Script{Choices: choose("contact", "later later later talked", "decide_postponed", "wait")},
			tasks: append(with("contact", "contact", "contact", "decide_postponed"), sale...), closes: "status=won", state: Completed},
		"put off three times, the head gives up": {script: Script{Choices: choose("contact", "later", "decide_postponed", "lost"), Steps: map[string]any{"postponed_reason": "irrelevant"}},
			tasks: with("contact", "contact", "contact", "decide_postponed"), closes: "status=lost reason=irrelevant", state: Completed},
		"postponed at qualification": {script: Script{Choices: choose("qualify", "postponed target")},
			tasks: append(with("contact", "qualify"), sale...), closes: "status=won", state: Completed},
		"lost at the offer, confirmed": {script: Script{Choices: choose("offer", "lost", "head_decides", "confirm"), Steps: map[string]any{"loss_reason": "expensive"}},
			tasks: with("contact", "qualify", "offer", "head_decides"), closes: "status=lost reason=expensive", state: Completed},
		"lost at the offer, returned to the offer": {script: Script{Choices: choose("offer", "lost ready", "head_decides", "return")},
			tasks: append(with("contact", "qualify", "offer", "head_decides"), sale[2:]...), closes: "status=won", state: Completed},
		"lost when sending, confirmed": {script: Script{Choices: choose("send_offer", "lost", "head_decides", "confirm"), Steps: map[string]any{"loss_reason": "competitor"}},
			tasks: with("contact", "qualify", "offer", "send_offer", "head_decides"), closes: "status=lost reason=competitor", state: Completed},
		"lost at the decision, given to another, who wins": {script: Script{Choices: choose("decision", "lost agreed", "head_decides", "reassign")},
			tasks: append(with("contact", "qualify", "offer", "send_offer", "decision", "head_decides"), sale[4:]...), closes: "status=won", state: Completed},
		"offer reworked": {script: Script{Choices: choose("decision", "rework agreed")},
			tasks: append(sale[:5:5], sale[2:]...), closes: "status=won", state: Completed},
		"thinks twice, then agrees": {script: Script{Choices: choose("decision", "thinking thinking agreed")},
			tasks: append(with("contact", "qualify", "offer", "send_offer", "decision", "decision"), sale[4:]...), closes: "status=won", state: Completed},
		"thinks a third time, the head gives up": {script: Script{Choices: choose("decision", "thinking", "head_decides", "confirm"), Steps: map[string]any{"head_reason": "timing"}},
			tasks: with("contact", "qualify", "offer", "send_offer", "decision", "decision", "decision", "head_decides"), closes: "status=lost reason=timing", state: Completed},
		"discount within the limit": {script: Script{Steps: map[string]any{"discount": 10}}, tasks: sale, closes: "status=won", state: Completed},
		"discount approved": {script: Script{Steps: map[string]any{"discount": 15}, Choices: choose("approve", "yes")},
			tasks: with("contact", "qualify", "offer", "approve", "send_offer", "decision", "contract", "payment"), closes: "status=won", state: Completed},
		"another discount approved": {script: Script{Steps: map[string]any{"discount": 15, "approved_discount": 12}, Choices: choose("approve", "other")},
			tasks: with("contact", "qualify", "offer", "approve", "send_offer", "decision", "contract", "payment"), closes: "status=won", state: Completed},
		"discount refused, offer made again": {script: Script{Steps: map[string]any{"discount": 15}, Choices: choose("approve", "no yes")},
			tasks: with("contact", "qualify", "offer", "approve", "offer", "approve", "send_offer", "decision", "contract", "payment"), closes: "status=won", state: Completed},
		"lost at the contract": {script: Script{Choices: choose("contract", "lost", "head_decides", "confirm"), Steps: map[string]any{"loss_reason": "terms"}},
			tasks: append(sale[:6:6], "head_decides"), closes: "status=lost reason=terms", state: Completed},
		"not paid": {script: Script{Choices: choose("payment", "lost", "head_decides", "confirm"), Steps: map[string]any{"loss_reason": "no_budget"}},
			tasks: append(sale[:7:7], "head_decides"), closes: "status=lost reason=no_budget", state: Completed},
		"talked already on the telephone": {script: Script{Vars: map[string]any{"contacted": true}}, tasks: sale[1:], closes: "status=won", state: Completed},
		"a firm": {script: Script{Values: map[string]any{"client": map[string]any{"kind": "company"}}, Steps: map[string]any{"inn": "7707083893"}},
			tasks: sale, closes: "status=won", state: Completed},
	}
	for name, s := range stories {
		t.Run(name, func(t *testing.T) {
			got := tell(t, p, s.script)
			if diff := cmp.Diff(s.tasks, got.tasks); diff != "" {
				t.Errorf("tasks: %s", diff)
			}
			if got.closing() != s.closes {
				t.Errorf("closes %q, want %q", got.closing(), s.closes)
			}
			if got.in.State != s.state {
				t.Errorf("state %s, want %s", got.in.State, s.state)
			}
		})
	}
}

func TestASaleGoesThroughTheStagesInOrder(t *testing.T) {
	got := tell(t, shipped(t, "obrabotka-obrashcheniya.bpmn"), Script{})
	var stages []string
	for _, e := range got.effects {
		if stage, ok := strings.CutPrefix(e, "set-stage stage="); ok {
			stages = append(stages, stage)
		}
	}
	if want := []string{"qualification", "proposal", "negotiation", "contract"}; !slices.Equal(stages, want) {
		t.Errorf("stages %v, want %v", stages, want)
	}
}

func TestPausesAfterNoAnswerAreThoseOfTheCompany(t *testing.T) {
	p := shipped(t, "obrabotka-obrashcheniya.bpmn")
	r := newRun(t, p)
	r.facts = map[string]any{"contacts": map[string]any{"out": 1}}
	r.do(Start{Context: r.ctx()})
	var pauses []string
	for range 4 {
		r.step("contact", "read", nil)
		r.step("contact", "reach", nil)
		r.complete("contact", "no_answer")
		r.fire("time_to_call")
		pauses = append(pauses, r.at.Format("Mon 15:04"))
	}
	// A quarter of an hour, two hours, the next working day at ten, two working days.
	if want := []string{"Mon 10:15", "Mon 12:15", "Tue 10:00", "Thu 10:00"}; !slices.Equal(pauses, want) {
		t.Errorf("called again at %v, want %v", pauses, want)
	}
}

func TestAClientWhoReturnsEndsThePauseAtOnce(t *testing.T) {
	got := tell(t, shipped(t, "obrabotka-obrashcheniya.bpmn"), Script{Choices: choose("contact", "no_answer talked", "qualify", "-"),
		Messages: []ScriptMessage{{After: "PT12M", Message: "client.contacted"}}})
	if want := monday.Add(12 * time.Minute); len(got.in.Tasks) != 1 || got.in.Tasks[0].CreatedAt.Sub(want) != 10*time.Minute {
		t.Errorf("tasks %+v; want qualify ten minutes of work after %s", got.in.Tasks, want)
	}
}

func TestAFirstContactLeftUndoneGoesToTheHeadAndThenToAnother(t *testing.T) {
	got := tell(t, shipped(t, "obrabotka-obrashcheniya.bpmn"), Script{Choices: choose("contact", "-")})
	if want := []string{"notify role:head", "reassign mode:roundRobin"}; !slices.Equal(got.other, want) {
		t.Errorf("got %v, want %v", got.other, want)
	}
	if want := monday.Add(30 * time.Minute); !got.end.Equal(want) {
		t.Errorf("the last escalation came at %s, want %s", got.end, want)
	}
}

func TestAnUnpaidInvoiceIsRemindedEverySecondWorkingDay(t *testing.T) {
	got := tell(t, shipped(t, "obrabotka-obrashcheniya.bpmn"), Script{Choices: choose("payment", "-"),
		Messages: []ScriptMessage{{After: "P16D", Message: "payment.received"}}})
	reminders := 0
	for _, e := range got.effects {
		if e == "notify to=owner" {
			reminders++
		}
	}
	if reminders < 3 || got.closing() != "status=won" {
		t.Errorf("%d reminders, closing %q", reminders, got.closing())
	}
}

func TestAtNightTheClientIsToldWhenWeCall(t *testing.T) {
	p := shipped(t, "obrabotka-obrashcheniya.bpmn")
	r := newRun(t, p)
	r.at = monday.Add(12 * time.Hour) // ten in the evening
	events := r.do(Start{Context: r.ctx()})
	told := slices.ContainsFunc(events, func(e Event) bool {
		d, ok := e.(DeliveryRequested)
		return ok && d.Params["template"] == "off_hours"
	})
	if !told {
		t.Error("no letter")
	}
	if due, want := r.task("contact").DueAt, time.Date(2026, 11, 24, 9, 15, 0, 0, moscow); !due.Equal(want) {
		t.Errorf("due %s, want a quarter of an hour after opening, %s", due, want)
	}
}

func TestEveryWayThroughAMissedCall(t *testing.T) {
	p := shipped(t, "propushchennyi-zvonok.bpmn")
	known := map[string]any{"lead": map[string]any{"title": "Окна", "stage": "proposal", "repeat": true}}
	stories := map[string]struct {
		story
		other []string
	}{
		"a new interest begins a sale": {story{tasks: []string{"call_back"}}, []string{"start inquiry"}},
		"about the current lead":       {story{script: Script{Values: known, Choices: choose("call_back", "current")}, tasks: []string{"call_back"}}, nil},
		"not about sales, the lead is new": {story{script: Script{Choices: choose("call_back", "not_sales"), Steps: map[string]any{"department": "accounting"}},
			tasks: []string{"call_back", "for_accounting"}, closes: "status=junk reason=service_request"}, nil},
		"not about sales, the lead goes on": {story{script: Script{Values: known, Choices: choose("call_back", "not_sales"), Steps: map[string]any{"department": "service"}},
			tasks: []string{"call_back", "for_service"}}, nil},
		"about a delivery": {story{script: Script{Values: known, Choices: choose("call_back", "not_sales"), Steps: map[string]any{"department": "delivery"}},
			tasks: []string{"call_back", "for_delivery"}}, nil},
		"spam": {story{script: Script{Choices: choose("call_back", "spam")}, tasks: []string{"call_back"}, closes: "status=junk reason=spam"}, nil},
		"never reached, the lead is new": {story{script: Script{Choices: choose("call_back", "no_answer")},
			tasks: slices.Repeat([]string{"call_back"}, 5), closes: "status=lost reason=unreachable"}, []string{"send-letter missed_call"}},
		"never reached, the lead goes on": {story{script: Script{Values: known, Choices: choose("call_back", "no_answer")},
			tasks: slices.Repeat([]string{"call_back"}, 5)}, []string{"send-letter missed_call"}},
		"a colleague has talked to the client": {story{script: Script{Values: known, Choices: choose("call_back", "-"), Messages: []ScriptMessage{{After: "PT2M", Message: "client.reached"}}},
			tasks: []string{"call_back"}}, nil},
		"a colleague has talked to a new client while we waited": {story{script: Script{Choices: choose("call_back", "no_answer"), Messages: []ScriptMessage{{After: "PT8M", Message: "client.reached"}}},
			tasks: []string{"call_back"}}, []string{"send-letter missed_call", "start inquiry"}},
	}
	for name, s := range stories {
		t.Run(name, func(t *testing.T) {
			s.script.Work = "PT2M" // sooner than the escalation
			got := tell(t, p, s.script)
			if diff := cmp.Diff(s.tasks, got.tasks); diff != "" {
				t.Errorf("tasks: %s", diff)
			}
			if got.closing() != s.closes {
				t.Errorf("closes %q, want %q", got.closing(), s.closes)
			}
			if diff := cmp.Diff(s.other, got.other); diff != "" {
				t.Errorf("beside: %s", diff)
			}
			if got.in.State != Completed {
				t.Errorf("state %s", got.in.State)
			}
		})
	}
}

func TestAMissedCallLeftUndoneIsShownToTheShiftAndThenToTheHead(t *testing.T) {
	got := tell(t, shipped(t, "propushchennyi-zvonok.bpmn"), Script{Choices: choose("call_back", "-")})
	if want := []string{"reassign role:manager", "notify role:head"}; !slices.Equal(got.other, want) {
		t.Errorf("got %v, want %v", got.other, want)
	}
}

func TestTheThirdMissWithinAnHourReachesTheHead(t *testing.T) {
	p := shipped(t, "propushchennyi-zvonok.bpmn")
	for name, c := range map[string]struct {
		minutes []time.Duration
		told    bool
	}{"three within an hour": {[]time.Duration{20, 50}, true}, "three in two hours": {[]time.Duration{50, 110}, false}} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, p)
			r.do(Start{Context: r.ctx()})
			var told []string
			for _, m := range c.minutes {
				r.at = monday.Add(m * time.Minute)
				told = append(told, effects(r.message("call.missed", nil))...)
			}
			if (len(told) == 1) != c.told {
				t.Errorf("effects: %v", told)
			}
			r.opens("call_back")
		})
	}
}

func TestAFurtherMissRaisesTheCounterAndThePriorityOfTheTask(t *testing.T) {
	r := newRun(t, shipped(t, "propushchennyi-zvonok.bpmn"))
	r.do(Start{Context: r.ctx()})
	for _, want := range []struct {
		misses   string
		priority int
	}{{"пропущено: 2", 1}, {"пропущено: 3", 2}} {
		r.at = r.at.Add(10 * time.Minute)
		var revised []TaskRevised
		for _, e := range r.message("call.missed", nil) {
			if e, ok := e.(TaskRevised); ok {
				revised = append(revised, e)
			}
		}
		if len(revised) != 1 || !strings.Contains(revised[0].Hint, want.misses) || revised[0].Priority != want.priority {
			t.Errorf("want %s of priority %d, got %+v", want.misses, want.priority, revised)
		}
	}
}

func TestAMissedCallOfALargeDealReachesTheHeadAtOnce(t *testing.T) {
	r := newRun(t, shipped(t, "propushchennyi-zvonok.bpmn"))
	r.values = map[string]any{"lead": map[string]any{"amount": 900000}}
	if got := effects(r.do(Start{Context: r.ctx()})); !slices.Equal(got, []string{"notify role=head"}) {
		t.Errorf("effects: %v", got)
	}
}
