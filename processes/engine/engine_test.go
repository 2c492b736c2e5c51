package engine

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"marshrut/internal/workcal"
	"marshrut/processes/bpmn"
	"marshrut/processes/bpmn/bpmntest"
)

var (
	moscow = time.FixedZone("MSK", 3*3600)
	monday = time.Date(2026, 11, 23, 10, 0, 0, 0, moscow)
)

// office is open Monday to Friday, nine to six.
func office(t testing.TB) *workcal.Calendar {
	t.Helper()
	nine, _ := workcal.ParseTimeOfDay("09:00")
	six, _ := workcal.ParseTimeOfDay("18:00")
	c, err := workcal.New(moscow, workcal.FiveDays(workcal.Span{From: nine, To: six}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// run is one instance being driven by a test. Each command is checked for what must always hold.
type run struct {
	t      testing.TB
	p      *bpmn.Process
	in     Instance
	at     time.Time
	by     Actor
	values map[string]any
	facts  map[string]any
	cal    *workcal.Calendar
	all    []Event
}

func newRun(t testing.TB, p *bpmn.Process) *run {
	return &run{t: t, p: p, at: monday, by: Actor{ID: 7, Roles: []string{"manager"}}, cal: office(t)}
}

// start begins an instance of a process written in the shorthand.
func start(t testing.TB, elements string, flows ...string) *run {
	t.Helper()
	r := newRun(t, bpmntest.Process(t, "p", elements, flows...))
	r.do(Start{Context: r.ctx()})
	return r
}

// startUnsound starts a process that Check would refuse.
func startUnsound(t testing.TB, elements string, flows ...string) *run {
	t.Helper()
	m, err := bpmn.Parse(strings.NewReader(bpmntest.XML("p", elements, flows...)))
	if err != nil {
		t.Fatal(err)
	}
	if len(bpmn.Errors(bpmn.Check(m, bpmntest.Environment()))) == 0 {
		t.Fatal("Check finds nothing wrong with a model that is unsound")
	}
	r := newRun(t, m.Main())
	r.do(Start{Context: r.ctx()})
	return r
}

func (r *run) ctx() Context {
	return Context{At: r.at, By: r.by, Values: r.values, Facts: r.facts, Calendar: r.cal}
}

func (r *run) do(cmd Command) []Event {
	r.t.Helper()
	events, err := r.try(cmd)
	if err != nil {
		r.t.Fatalf("%T: %v", cmd, err)
	}
	return events
}

// try runs a command; the state moves on if it is accepted.
func (r *run) try(cmd Command) ([]Event, error) {
	r.t.Helper()
	before, _ := json.Marshal(r.in)
	events, err := Decide(r.p, r.in, cmd)
	if after, _ := json.Marshal(r.in); string(after) != string(before) {
		r.t.Fatalf("%T changed the instance it was given", cmd)
	}
	if err != nil {
		return nil, err
	}
	r.in = Evolve(r.in, events...)
	r.all = append(r.all, events...)
	sound(r.t, r.p, r.in)
	return events, nil
}

// sound checks what holds for every instance between two commands.
func sound(t fataler, p *bpmn.Process, in Instance) {
	t.Helper()
	if in.State.Ended() {
		if n := len(in.Tokens) + len(in.Tasks) + len(in.Timers) + len(in.Subscriptions) + len(in.Incidents); n > 0 {
			t.Fatalf("the instance has ended and still holds %d things: %+v", n, in)
		}
		return
	}
	if len(in.Tokens) == 0 {
		t.Fatal("an active instance without a token")
	}
	seen := map[int]bool{}
	for _, tok := range in.Tokens {
		if seen[tok.No] {
			t.Fatalf("two tokens have number %d", tok.No)
		}
		seen[tok.No] = true
		if tok.Wait == Moving {
			t.Fatalf("token %d at %s stands without waiting for anything", tok.No, tok.Element)
		}
		if tok.Scope != 0 && in.Token(tok.Scope) == nil {
			t.Fatalf("token %d lies in scope %d, which is gone", tok.No, tok.Scope)
		}
		waitsForSomething(t, in, tok)
	}
	for _, task := range in.Tasks {
		if tok := in.Token(task.Token); tok == nil || tok.Wait != WaitTask {
			t.Fatalf("task %d has no waiting token", task.No)
		}
	}
	for _, timer := range in.Timers {
		if in.Token(timer.Token) == nil || p.Element(timer.Element) == nil {
			t.Fatalf("timer %d belongs to nothing", timer.No)
		}
	}
	for _, s := range in.Subscriptions {
		if in.Token(s.Token) == nil {
			t.Fatalf("subscription %d belongs to nothing", s.No)
		}
	}
}

func waitsForSomething(t fataler, in Instance, tok Token) {
	t.Helper()
	found := false
	switch tok.Wait {
	case WaitTask:
		found = slices.ContainsFunc(in.Tasks, func(x Task) bool { return x.Token == tok.No })
	case WaitEvent:
		found = slices.ContainsFunc(in.Timers, func(x Timer) bool { return x.Token == tok.No }) ||
			slices.ContainsFunc(in.Subscriptions, func(x Subscription) bool { return x.Token == tok.No })
	case WaitIncident:
		found = slices.ContainsFunc(in.Incidents, func(x Incident) bool { return x.Token == tok.No })
	case WaitScope:
		found = slices.ContainsFunc(in.Tokens, func(x Token) bool { return x.Scope == tok.No })
	case WaitJoin:
		found = slices.ContainsFunc(in.Tokens, func(x Token) bool { return x.Scope == tok.Scope && x.Wait != WaitJoin })
	default:
		found = true
	}
	if !found {
		t.Fatalf("token %d at %s waits for a %s that is not there", tok.No, tok.Element, tok.Wait)
	}
}

// task is the open task of an element.
func (r *run) task(element string) Task {
	r.t.Helper()
	for _, task := range r.in.Tasks {
		if task.Element == element {
			return task
		}
	}
	r.t.Fatalf("no open task %s; open are %v, incidents %v", element, r.open(), r.in.Incidents)
	return Task{}
}

func (r *run) open() []string {
	var ids []string
	for _, task := range r.in.Tasks {
		ids = append(ids, task.Element)
	}
	slices.Sort(ids)
	return ids
}

func (r *run) opens(elements ...string) {
	r.t.Helper()
	slices.Sort(elements)
	if got := r.open(); !slices.Equal(got, elements) {
		r.t.Fatalf("open tasks are %v, want %v; incidents %v", got, elements, r.in.Incidents)
	}
}

func (r *run) ended(state State) {
	r.t.Helper()
	if r.in.State != state {
		r.t.Fatalf("the instance is %s, want %s; tasks %v, incidents %v", r.in.Status(), state, r.open(), r.in.Incidents)
	}
}

func (r *run) complete(element, outcome string) []Event {
	r.t.Helper()
	return r.do(CompleteTask{Context: r.ctx(), Task: r.task(element).No, Outcome: outcome})
}

func (r *run) step(element, step string, value any) []Event {
	r.t.Helper()
	return r.do(DoStep{Context: r.ctx(), Task: r.task(element).No, Step: step, Value: value})
}

// fire lets the timer of an element fire at its moment.
func (r *run) fire(element string) []Event {
	r.t.Helper()
	timer := r.timer(element)
	r.at = timer.Due
	return r.do(FireTimer{Context: r.ctx(), Timer: timer.No})
}

func (r *run) timer(element string) Timer {
	r.t.Helper()
	for _, timer := range r.in.Timers {
		if timer.Element == element {
			return timer
		}
	}
	r.t.Fatalf("no timer %s in %+v", element, r.in.Timers)
	return Timer{}
}

func (r *run) message(name string, payload map[string]any) []Event {
	r.t.Helper()
	return r.do(Correlate{Context: r.ctx(), Message: name, Payload: payload})
}

// effects lists "action key=value" of the effects among events.
func effects(events []Event) []string {
	var found []string
	for _, e := range events {
		if effect, ok := e.(EffectRequested); ok {
			text := effect.Action
			for _, key := range []string{"stage", "status", "reason", "field", "value", "role", "to"} {
				if v, ok := effect.Params[key]; ok {
					text += " " + key + "=" + valueText(v)
				}
			}
			found = append(found, text)
		}
	}
	return found
}

func refused(t testing.TB, err, kind error, words ...string) *Refusal {
	t.Helper()
	var r *Refusal
	if !errors.As(err, &r) || !errors.Is(err, kind) {
		t.Fatalf("got %v, want a refusal: %v", err, kind)
	}
	text := r.Message
	for _, s := range r.Steps {
		text += " " + s.ID + " " + s.Title + " " + s.Reason
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the refusal %q does not mention %q", text, w)
		}
	}
	return r
}

const user = `<bpmn:startEvent id="s"/><bpmn:userTask id="a" name="А"><bpmn:extensionElements><mr:assignment role="manager"/></bpmn:extensionElements></bpmn:userTask><bpmn:endEvent id="e"/>`

// u is a user task of the manager with extensions.
func u(id string, extensions ...string) string {
	return `<bpmn:userTask id="` + id + `" name="` + strings.ToUpper(id) + `"><bpmn:extensionElements><mr:assignment role="manager"/>` +
		strings.Join(extensions, "") + `</bpmn:extensionElements></bpmn:userTask>`
}

func TestATaskIsCreatedAndItsCompletionEndsTheInstance(t *testing.T) {
	r := start(t, user, "s>a", "a>e")
	r.opens("a")
	r.complete("a", "")
	r.ended(Completed)
}

func TestSecondCompletionOfATaskIsRefused(t *testing.T) {
	r := start(t, `<bpmn:startEvent id="s"/>`+u("a")+u("b")+`<bpmn:endEvent id="e"/>`, "s>a", "a>b", "b>e")
	no := r.task("a").No
	r.complete("a", "")
	_, err := r.try(CompleteTask{Context: r.ctx(), Task: no})
	refused(t, err, ErrNotWaiting)
}

func TestAnEndedOrUnstartedInstanceRefusesEverything(t *testing.T) {
	r := start(t, user, "s>a", "a>e")
	_, err := r.try(Start{Context: r.ctx()})
	refused(t, err, ErrAlreadyDone)
	r.complete("a", "")
	_, err = r.try(Cancel{Context: r.ctx()})
	refused(t, err, ErrNotWaiting)
	fresh := newRun(t, r.p)
	_, err = fresh.try(CompleteTask{Context: fresh.ctx(), Task: 1})
	refused(t, err, ErrNotWaiting)
}

func TestAProcessThatWasNotCheckedIsRefused(t *testing.T) {
	m, err := bpmn.Parse(strings.NewReader(bpmntest.XML("p", user, "s>a", "a>e")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decide(m.Main(), Instance{}, Start{}); !errors.Is(err, ErrNotCompiled) {
		t.Errorf("got %v, want ErrNotCompiled", err)
	}
}

func TestAnInstanceSurvivesJSON(t *testing.T) {
	r := start(t, `<bpmn:extensionElements><mr:var name="n" type="number" value="2"/></bpmn:extensionElements><bpmn:startEvent id="s"/>`+
		u("a", `<mr:deadline due="PT2H" warnAt="PT1H"/><mr:checklist><mr:step id="x" kind="input" title="X" type="number"/></mr:checklist>`)+
		`<bpmn:endEvent id="e"/>`, "s>a", "a>e")
	r.step("a", "x", "12,5")
	data, err := json.Marshal(r.in)
	if err != nil {
		t.Fatal(err)
	}
	var back Instance
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.in, back); diff != "" {
		t.Error(diff)
	}
}

func TestEventsSurviveTheJournal(t *testing.T) {
	r := start(t, `<bpmn:startEvent id="s"/>`+u("a", `<mr:deadline due="PT2H"/>`)+`<bpmn:endEvent id="e"/>`, "s>a", "a>e")
	r.complete("a", "")
	data, err := Encode(r.all)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.in, Evolve(Instance{}, back...)); diff != "" {
		t.Error(diff)
	}
}

// fataler is what tests and property tests have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}
