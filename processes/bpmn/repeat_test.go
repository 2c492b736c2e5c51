package bpmn_test

import (
	"slices"
	"strings"
	"testing"

	"marshrut/processes/bpmn"
	"marshrut/processes/bpmn/bpmntest"
)

const (
	fork  = `<bpmn:parallelGateway id="f" name="Разделить"/>`
	merge = `<bpmn:exclusiveGateway id="m" name="Сойтись"/>`
)

func start(id, process string) string {
	return `<bpmn:serviceTask id="` + id + `" name="Ещё раз"><bpmn:extensionElements><mr:action name="start-process" process="` + process + `"/></bpmn:extensionElements></bpmn:serviceTask>`
}

func reminder(on, attributes string) string {
	return `<bpmn:boundaryEvent id="x" name="Напомнить" attachedToRef="` + on + `" ` + attributes + `><bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>`
}

func TestBranchesThatMeetWhereNothingWaitsForThemAreWarnedOf(t *testing.T) {
	for name, c := range map[string]struct {
		elements string
		flows    []string
		element  string
	}{
		"before a task":                 {manager("a") + manager("b") + manager("c") + fork + merge, []string{"s>f", "f>a", "f>b", "a>m", "b>m", "m>c", "c>e"}, "m"},
		"before what happens by itself": {manager("a") + manager("b") + start("c", "other") + fork + merge, []string{"s>f", "f>a", "f>b", "a>m", "b>m", "m>c", "c>e"}, "m"},
		"with nothing to wait for in the branches": {manager("a") + `<bpmn:manualTask id="h1"/><bpmn:manualTask id="h2"/>` + fork + merge,
			[]string{"s>f", "f>h1", "f>h2", "h1>m", "h2>m", "m>a", "a>e"}, "m"},
		"in a task itself": {manager("a") + manager("b") + manager("c") + fork, []string{"s>f", "f>a", "f>b", "a>c", "b>c", "c>e"}, "c"},
		"behind a task that splits": {manager("q") + manager("a") + manager("b") + manager("c") + merge,
			[]string{"s>q", "q>a", "q>b", "a>m", "b>m", "m>c", "c>e"}, "m"},
		"in the inner of two splits": {manager("a") + manager("b") + manager("c") + manager("d") + `<bpmn:parallelGateway id="o"/><bpmn:parallelGateway id="j"/>` + fork + merge,
			[]string{"s>o", "o>f", "o>d", "f>a", "f>b", "a>m", "b>m", "m>c", "c>j", "d>j", "j>e"}, "m"},
	} {
		t.Run(name, func(t *testing.T) {
			problems := check(t, frame+c.elements, c.flows...)
			wants(t, problems, bpmn.Warning, c.element, "не ждёт остальных")
			if n := len(slices.DeleteFunc(problems, func(p bpmn.Problem) bool { return !strings.Contains(p.Message, "не ждёт остальных") })); n != 1 {
				t.Errorf("it is said %d times", n)
			}
		})
	}
}

func TestAReminderThatLeadsBackIntoTheWayOfItsTaskIsWarnedOf(t *testing.T) {
	elements := frame + manager("a") + manager("b") + merge
	flows := []string{"s>a", "a>m", "x>m", "m>b", "b>e"}
	wants(t, check(t, elements+reminder("a", `cancelActivity="false"`), flows...), bpmn.Warning, "x", "будет выполнено ещё раз")
	if problems := check(t, elements+reminder("a", ""), flows...); len(problems) != 0 {
		t.Errorf("an interrupting event is warned of: %+v", problems)
	}
}

func TestALoopInWhichNothingWaitsIsWarnedOf(t *testing.T) {
	gate := `<bpmn:exclusiveGateway id="g" name="Готово?" default="g_h"/>`
	wants(t, check(t, frame+gate+`<bpmn:manualTask id="h"/>`, "s>h", "h>g", "g>e: lead.amount > 1", "g>h"), bpmn.Warning, "g", "ничего не ждёт")
}

func TestAMapThatStartsItselfBeforeAnythingWaitsIsWarnedOf(t *testing.T) {
	call := `<bpmn:callActivity id="again" name="Ещё раз" calledElement="p"/>`
	for name, again := range map[string]string{"by a call": call, "by a start": start("again", "p")} {
		t.Run(name, func(t *testing.T) {
			wants(t, check(t, frame+again, "s>again", "again>e"), bpmn.Warning, "again", "запускает сама себя")
			wants(t, check(t, frame+manager("a")+again+`<bpmn:exclusiveGateway id="g" default="g_a"/>`, "s>g", "g>again: lead.amount > 1", "g>a", "a>e", "again>e"), bpmn.Warning, "again", "запускает сама себя")
			if problems := check(t, frame+manager("a")+again, "s>a", "a>again", "again>e"); len(problems) != 0 {
				t.Errorf("a task stands before it: %+v", problems)
			}
		})
	}
	inside := `<bpmn:subProcess id="in"><bpmn:startEvent id="is"/><bpmn:endEvent id="ie"/><bpmn:manualTask id="ih"/></bpmn:subProcess>`
	wants(t, check(t, frame+inside+call, "s>in", "is>ih", "ih>ie", "in>again", "again>e"), bpmn.Warning, "again", "запускает сама себя")
	joined := frame + fork + `<bpmn:parallelGateway id="j"/>` + manager("a") + `<bpmn:manualTask id="h"/>` + call
	if problems := check(t, joined, "s>f", "f>a", "f>h", "a>j", "h>j", "j>again", "again>e"); len(problems) != 0 {
		t.Errorf("a join waits for a task before it: %+v", problems)
	}
}

func TestMapsThatStartEachOtherInACircleAreWarnedOf(t *testing.T) {
	env := bpmntest.Environment()
	env.Processes = []string{"p", "q", "r"}
	env.Begins = map[string][]string{"q": {"r"}, "r": {"p"}}
	problems := bpmn.Check(parse(t, bpmntest.XML("p", frame+start("x", "q"), "s>x", "x>e")), env)
	wants(t, problems, bpmn.Warning, "x", "«q»")
	env.Begins = map[string][]string{"q": {"r"}, "r": {"q"}}
	if problems := bpmn.Check(parse(t, bpmntest.XML("p", frame+start("x", "q"), "s>x", "x>e")), env); len(problems) != 0 {
		t.Errorf("a circle of others is not this map's: %+v", problems)
	}
}

func TestWhatMayRunSeveralTimesIsNotWarnedOf(t *testing.T) {
	two := frame + manager("a") + manager("b") + fork + merge
	for name, c := range map[string]struct {
		elements string
		flows    []string
	}{
		"branches that meet before the end alone": {two, []string{"s>f", "f>a", "f>b", "a>m", "b>m", "m>e"}},
		"the first of two branches ends all": {frame + manager("a") + manager("b") + fork + merge + `<bpmn:endEvent id="t"><bpmn:terminateEventDefinition/></bpmn:endEvent>` +
			`<bpmn:exclusiveGateway id="g" default="g_e"/>`, []string{"s>f", "f>a", "f>b", "a>m", "b>m", "m>g", "g>t: lead.amount > 1", "g>e"}},
		"a merge of ways of which one is taken": {frame + manager("a") + manager("b") + manager("c") + merge + `<bpmn:exclusiveGateway id="g" default="g_b"/>`,
			[]string{"s>g", "g>a: lead.amount > 1", "g>b", "a>m", "b>m", "m>c", "c>e"}},
		"a merge inside one branch": {frame + manager("a") + manager("b") + manager("c") + fork + merge + `<bpmn:exclusiveGateway id="g" default="g_j"/><bpmn:parallelGateway id="j"/>`,
			[]string{"s>f", "f>m", "m>a", "a>g", "g>m: lead.amount > 1", "g>j", "f>b", "b>j", "j>c", "c>e"}},
		"reminders of two tasks that share what they do": {frame + manager("a") + manager("b") + `<bpmn:endEvent id="e2"/>` + start("n", "other") + reminder("a", `cancelActivity="false"`) +
			`<bpmn:boundaryEvent id="y" attachedToRef="b" cancelActivity="false"><bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>`,
			[]string{"s>a", "a>b", "b>e", "x>n", "y>n", "n>e2"}},
	} {
		t.Run(name, func(t *testing.T) {
			if problems := check(t, c.elements, c.flows...); len(problems) != 0 {
				t.Errorf("got %+v", problems)
			}
		})
	}
}
