package engine

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// call is a task with every kind of rule.
const call = `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>
<bpmn:userTask id="call" name="Позвонить {{client.name}}"><bpmn:extensionElements>
<mr:assignment role="manager"/>
<mr:deadline startBy="PT5M" due="PT15M" warnAt="PT10M"/>
<mr:escalation level="1" after="PT0S" action="notify" to="role:head"/>
<mr:escalation level="2" after="PT15M" action="reassign" to="mode:leastLoaded"/>
<mr:hint>Клиент из города {{lead.city}}, сумма {{lead.amount}}.</mr:hint>
<mr:checklist order="strict">
  <mr:step id="read" kind="confirm" title="Прочитать историю" required="true"/>
  <mr:step id="dial" kind="call" title="Позвонить" required="true" evidence="contacts.out &gt;= 1" evidenceText="сначала позвоните"/>
  <mr:step id="note" kind="input" title="Заметка"/>
  <mr:step id="budget" kind="input" type="number" title="Бюджет" field="lead.amount" requiredFor="talked" validate="value &gt; 0" message="сумма больше нуля"/>
  <mr:step id="why" kind="choice" title="Почему" requiredFor="lost"><mr:value id="price" label="Дорого"/><mr:value id="other" label="Другое"/></mr:step>
  <mr:step id="comment" kind="input" title="Пояснение" when="steps.why == 'other'" requiredFor="lost"/>
  <mr:step id="next" kind="date" title="Следующий звонок" requiredFor="later" validate="value &gt;= today and value &lt;= today + days(180)"/>
  <mr:step id="inn" kind="input" title="ИНН" when="client.kind == 'company'" requiredWhen="lead.amount &gt; 100" validate="inn(value)"/>
</mr:checklist>
<mr:outcome id="talked" label="Поговорили"/>
<mr:outcome id="later" label="Перезвонить"/>
<mr:outcome id="lost" label="Отказ" closes="lost" reason="=steps.why"/>
<mr:outcome id="big" label="Крупный" when="lead.amount &gt; 1000"/>
<mr:skip role="head"/>
</bpmn:extensionElements></bpmn:userTask>`

func startCall(t *testing.T) *run {
	t.Helper()
	r := newRun(t, start(t, call, "s>call", "call>e").p)
	r.values = map[string]any{"client": map[string]any{"name": "Иванов", "kind": "person"}, "lead": map[string]any{"city": "Тверь", "amount": "50.00"}}
	r.do(Start{Context: r.ctx()})
	return r
}

func (r *run) tryStep(step string, value any) error {
	_, err := r.try(DoStep{Context: r.ctx(), Task: r.task("call").No, Step: step, Value: value})
	return err
}

func (r *run) tryComplete(outcome string) error {
	_, err := r.try(CompleteTask{Context: r.ctx(), Task: r.task("call").No, Outcome: outcome})
	return err
}

// dialled lets the evidence of a call be there.
func (r *run) dialled() { r.facts = map[string]any{"contacts": map[string]any{"out": 1}} }

func TestATaskTellsItsDeadlinesAndItsHint(t *testing.T) {
	r := startCall(t)
	for _, e := range r.all {
		c, ok := e.(TaskCreated)
		if !ok {
			continue
		}
		if c.Title != "Позвонить Иванов" || c.Hint != "Клиент из города Тверь, сумма 50." {
			t.Errorf("title %q, hint %q", c.Title, c.Hint)
		}
		if !c.StartBy.Equal(monday.Add(5*time.Minute)) || !c.WarnAt.Equal(monday.Add(10*time.Minute)) || !c.DueAt.Equal(monday.Add(15*time.Minute)) {
			t.Errorf("deadlines %s %s %s", c.StartBy, c.WarnAt, c.DueAt)
		}
	}
}

func TestAnUndoneTaskRemindsThenEscalatesLevelByLevel(t *testing.T) {
	r := startCall(t)
	var got []string
	for len(r.in.Timers) > 0 {
		timer := slices.MinFunc(r.in.Timers, func(a, b Timer) int { return a.Due.Compare(b.Due) })
		r.at = timer.Due
		for _, e := range r.do(FireTimer{Context: r.ctx(), Timer: timer.No}) {
			switch e := e.(type) {
			case TaskReminded:
				got = append(got, r.at.Format("15:04")+" reminder")
			case TaskEscalated:
				got = append(got, r.at.Format("15:04")+" "+e.Action+" "+e.To)
			}
		}
	}
	want := []string{"10:10 reminder", "10:15 notify role:head", "10:30 reassign mode:leastLoaded"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r.opens("call")
}

func TestAMissingStepIsNamed(t *testing.T) {
	r := startCall(t)
	refusal := refused(t, r.tryComplete("later"), ErrStepsMissing, "Прочитать историю", "Позвонить", "Следующий звонок")
	if len(refusal.Steps) != 3 || refusal.Word() != "steps_missing" {
		t.Errorf("%s: %+v", refusal.Word(), refusal.Steps)
	}
}

func TestAStepOutOfOrderIsRefusedWithWhatComesFirst(t *testing.T) {
	r := startCall(t)
	r.dialled()
	refused(t, r.tryStep("dial", nil), ErrOutOfOrder, "Прочитать историю")
	r.step("call", "read", nil)
	r.step("call", "dial", nil)
	r.step("call", "next", "2026-12-01") // optional steps and those of other outcomes do not stand in the way
}

func TestAStepWithoutItsEvidenceIsRefused(t *testing.T) {
	r := startCall(t)
	r.step("call", "read", true)
	refused(t, r.tryStep("dial", nil), ErrStepsMissing, "сначала позвоните")
	r.dialled()
	r.step("call", "dial", nil)
}

func TestEvidenceIsLookedAtAgainWhenTheTaskIsCompleted(t *testing.T) {
	r := startCall(t)
	r.dialled()
	r.step("call", "read", nil)
	r.step("call", "dial", nil)
	r.facts = nil // the recorded call turned out to be another client's
	r.step("call", "budget", 10)
	refused(t, r.tryComplete("talked"), ErrStepsMissing, "сначала позвоните")
}

func TestValuesAreCheckedByKindAndByRule(t *testing.T) {
	r := startCall(t)
	r.dialled()
	r.step("call", "read", nil)
	r.step("call", "dial", nil)
	refused(t, r.tryStep("budget", "много"), ErrInvalidValue, "число")
	refused(t, r.tryStep("budget", "-5"), ErrInvalidValue, "сумма больше нуля")
	refused(t, r.tryStep("why", "weather"), ErrInvalidValue, "Дорого, Другое")
	refused(t, r.tryStep("next", "скоро"), ErrInvalidValue, "дата")
	refused(t, r.tryStep("next", "2026-11-22"), ErrInvalidValue, "не подходит")
	refused(t, r.tryStep("next", "2028-01-01"), ErrInvalidValue)
	refused(t, r.tryStep("note", "  "), ErrInvalidValue, "Заполните")
	refused(t, r.tryStep("note", strings.Repeat("я", maxValue+1)), ErrInvalidValue)
	refused(t, r.tryStep("nothing", 1), ErrUnknownStep)
	refused(t, r.tryStep("read", false), ErrInvalidValue)
}

func TestAStepsValueGoesToItsField(t *testing.T) {
	r := startCall(t)
	r.dialled()
	r.step("call", "read", nil)
	r.step("call", "dial", nil)
	events := r.step("call", "budget", "1 250 000,50")
	if got := effects(events); len(got) != 1 || got[0] != "set-field field=lead.amount value=1.2500005e+06" {
		t.Errorf("effects: %q", got)
	}
}

func TestStepsRequiredForAnotherOutcomeAreNotAskedFor(t *testing.T) {
	r := startCall(t)
	r.dialled()
	r.step("call", "read", nil)
	r.step("call", "dial", nil)
	r.step("call", "why", "price")
	events := r.complete("call", "lost")
	if got := effects(events); !slices.Equal(got, []string{"close status=lost reason=price"}) {
		t.Errorf("effects: %q", got)
	}
	r.ended(Completed)
}

func TestAStepExistsOnlyWhileItsConditionHolds(t *testing.T) {
	r := startCall(t)
	r.dialled()
	r.step("call", "read", nil)
	r.step("call", "dial", nil)
	refused(t, r.tryStep("comment", "x"), ErrNotAllowed)
	r.step("call", "why", "other")
	refused(t, r.tryComplete("lost"), ErrStepsMissing, "Пояснение")
	r.step("call", "comment", "переехали")
	r.complete("call", "lost")
}

func TestAStepMayBecomeRequiredByAValue(t *testing.T) {
	r := startCall(t)
	r.values["client"] = map[string]any{"kind": "company"}
	r.values["lead"] = map[string]any{"amount": 500}
	r.dialled()
	r.step("call", "read", nil)
	r.step("call", "dial", nil)
	r.step("call", "budget", 500)
	refused(t, r.tryComplete("talked"), ErrStepsMissing, "ИНН")
	refused(t, r.tryStep("inn", "7707083894"), ErrInvalidValue)
	r.step("call", "inn", "7707083893")
	r.complete("call", "talked")
}

func TestAnOutcomeIsThereOnlyWhileItsConditionHolds(t *testing.T) {
	r := startCall(t)
	refused(t, r.tryComplete("big"), ErrNotAllowed, "Крупный")
	v, err := View(r.p, r.in, r.task("call").No, r.ctx())
	if err != nil || len(v.Outcomes) != 3 {
		t.Errorf("%v, outcomes %+v", err, v.Outcomes)
	}
	refused(t, r.tryComplete("nonsense"), ErrUnknownOutcome)
}

func TestADoneStepIsFinalButAMistypedValueIsCorrectedInTheOpen(t *testing.T) {
	r := startCall(t)
	r.dialled()
	r.step("call", "read", nil)
	if again := r.step("call", "read", true); len(again) != 0 {
		t.Errorf("a repeated click did %v", again)
	}
	r.step("call", "dial", nil)
	refused(t, r.tryStep("dial", "another call"), ErrAlreadyDone)
	r.step("call", "budget", 10)
	events := r.step("call", "budget", 20)
	if c, ok := events[0].(StepCorrected); !ok || c.Before != 10.0 || c.Value != 20.0 {
		t.Errorf("got %+v", events[0])
	}
}

func TestOnlyARoleThatMaySkipsAndOnlyWithAReason(t *testing.T) {
	r := startCall(t)
	skip := func(reason string) error {
		_, err := r.try(SkipStep{Context: r.ctx(), Task: r.task("call").No, Step: "read", Reason: reason})
		return err
	}
	refused(t, skip("некогда"), ErrNotAllowed)
	r.by = Actor{ID: 1, Roles: []string{"head"}}
	refused(t, skip(" "), ErrInvalidValue)
	if err := skip("история пуста"); err != nil {
		t.Fatal(err)
	}
	refused(t, skip("ещё раз"), ErrAlreadyDone)
	if m := r.in.Tasks[0].Step("read"); !m.Skipped || m.By != 1 || m.Reason != "история пуста" {
		t.Errorf("mark: %+v", m)
	}
	r.dialled()
	r.step("call", "dial", nil) // a skipped step does not block the next
	r.step("call", "budget", 5)
	events := r.complete("call", "talked")
	if c := events[0].(TaskCompleted); len(c.Steps) != 3 || !c.Steps[0].Skipped {
		t.Errorf("steps: %+v", c.Steps)
	}
}

func TestASkippedStepCanStillBeDone(t *testing.T) {
	r := startCall(t)
	r.by = Actor{ID: 1, Roles: []string{"head"}}
	r.do(SkipStep{Context: r.ctx(), Task: r.task("call").No, Step: "read", Reason: "потом"})
	r.step("call", "read", nil)
	if m := r.in.Tasks[0].Step("read"); m.Skipped {
		t.Errorf("mark: %+v", m)
	}
}

func TestAStaleRevisionIsRefused(t *testing.T) {
	r := startCall(t)
	task := r.task("call")
	r.dialled()
	r.step("call", "read", nil)
	_, err := r.try(CompleteTask{Context: r.ctx(), Task: task.No, Outcome: "talked", Revision: task.Revision})
	refused(t, err, ErrStale)
	if now := r.task("call").Revision; now != task.Revision+1 {
		t.Errorf("revision %d, want %d", now, task.Revision+1)
	}
}

func TestTwoPeopleFinishingParallelBranchesBothSucceed(t *testing.T) {
	// Both saw the same state; the second command is decided on the state after the first, as the lock makes it.
	r := start(t, se+u("a")+u("b")+`<bpmn:parallelGateway id="f"/><bpmn:parallelGateway id="j"/>`, "s>f", "f>a", "f>b", "a>j", "b>j", "j>e")
	a, b := r.task("a"), r.task("b")
	r.do(CompleteTask{Context: r.ctx(), Task: a.No, Revision: a.Revision})
	r.do(CompleteTask{Context: r.ctx(), Task: b.No, Revision: b.Revision})
	r.ended(Completed)
}

func TestASecondVisitDoesNotSeeTheValuesOfTheFirst(t *testing.T) {
	r := start(t, se+u("a", `<mr:checklist><mr:step id="x" kind="input" title="X"/></mr:checklist><mr:outcome id="again" label="Ещё"/><mr:outcome id="ok" label="Готово"/>`)+
		`<bpmn:exclusiveGateway id="g"/>`, "s>a", "a>g", "g>a = Ещё", "g>e = Готово")
	r.step("a", "x", "first")
	r.complete("a", "again")
	if v, there := r.in.Steps["x"]; there {
		t.Errorf("steps.x is still %v", v)
	}
}

func TestReassignmentIsAnEventAndMakesOldFormsStale(t *testing.T) {
	r := startCall(t)
	no := r.task("call").No
	r.do(AssignTask{Context: r.ctx(), Task: no, Assignee: 9, Reason: "отпуск"})
	if task := r.task("call"); task.Assignee != 9 || task.Revision != 2 {
		t.Errorf("task: %+v", task)
	}
	if again := r.do(AssignTask{Context: r.ctx(), Task: no, Assignee: 9}); len(again) != 0 {
		t.Errorf("assigning the same again did %v", again)
	}
}

func TestViewTellsWhatIsMissingForEachOutcome(t *testing.T) {
	r := startCall(t)
	r.dialled()
	r.step("call", "read", nil)
	v, err := View(r.p, r.in, r.task("call").No, r.ctx())
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Steps) != 6 { // without comment and inn, which do not exist now
		t.Fatalf("steps: %+v", v.Steps)
	}
	if !v.Steps[0].Done() || v.Steps[1].Done() || len(v.Steps[1].Blocked) != 0 || len(v.Steps[2].Blocked) != 1 {
		t.Errorf("steps: %+v", v.Steps)
	}
	if missing := v.Outcomes[1].Missing; len(missing) != 2 || missing[0].ID != "dial" || missing[1].ID != "next" {
		t.Errorf("missing for later: %+v", missing)
	}
	if v.MaySkip {
		t.Error("a manager may skip")
	}
}

func TestConsequencesTellWhatAnOutcomeWouldBring(t *testing.T) {
	r := startCall(t)
	c, err := Consequences(r.p, r.in, r.task("call").No, "lost", r.ctx())
	if err != nil {
		t.Fatal(err)
	}
	if !c.Ends || len(c.Effects) != 1 || c.Effects[0].Params["status"] != "lost" {
		t.Errorf("got %+v", c)
	}
	r.opens("call") // and nothing has happened
}
