package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"marshrut/processes/bpmn"
	"marshrut/processes/bpmn/bpmntest"
)

// drawing is a route map in the making, block by block: whatever is drawn so is sound.
type drawing struct {
	t        *rapid.T
	n        int
	elements strings.Builder
	flows    []string
}

func (d *drawing) id(prefix string) string {
	d.n++
	return fmt.Sprintf("%s%d", prefix, d.n)
}

func (d *drawing) add(xml string, args ...any) { fmt.Fprintf(&d.elements, xml+"\n", args...) }

func (d *drawing) join(from, to string) {
	d.flows = append(d.flows, d.id("f")+" "+from+">"+to)
}

// block draws something between two elements that exist: from gets one flow more, and so does to.
func (d *drawing) block(from, to string, depth int) {
	kinds := []string{"task", "script", "timer", "message", "race"}
	if depth > 0 {
		kinds = append(kinds, "sequence", "choice", "parallel", "loop", "scope", "boundary", "beside")
	}
	switch kind := rapid.SampledFrom(kinds).Draw(d.t, "kind"); kind {
	case "task":
		id := d.id("task")
		d.add("%s", u(id))
		d.through(from, id, to)
	case "script":
		id := d.id("script")
		d.add(`<bpmn:scriptTask id="%s"><bpmn:script>n = vars.n + 1</bpmn:script></bpmn:scriptTask>`, id)
		d.through(from, id, to)
	case "timer", "message":
		d.through(from, d.catch(), to)
	case "race":
		gate, merge := d.id("race"), d.id("merge")
		d.add(`<bpmn:eventBasedGateway id="%s"/><bpmn:exclusiveGateway id="%s"/>`, gate, merge)
		d.join(from, gate)
		for range 2 {
			d.through(gate, d.catch(), merge)
		}
		d.join(merge, to)
	case "sequence":
		middle := d.id("pass")
		d.add(`<bpmn:manualTask id="%s"/>`, middle)
		d.block(from, middle, depth-1)
		d.block(middle, to, depth-1)
	case "choice", "loop":
		d.choice(from, to, depth, kind == "loop")
	case "parallel":
		fork, join := d.id("fork"), d.id("join")
		d.add(`<bpmn:parallelGateway id="%s"/><bpmn:parallelGateway id="%s"/>`, fork, join)
		d.join(from, fork)
		for range rapid.IntRange(2, 3).Draw(d.t, "branches") {
			d.block(fork, join, depth-1)
		}
		d.join(join, to)
	case "scope":
		id := d.id("scope")
		d.add(`<bpmn:subProcess id="%s">%s</bpmn:subProcess>`, id, d.inside(depth-1))
		d.through(from, id, to)
	case "boundary", "beside":
		d.border(from, to, depth, kind == "beside")
	}
}

func (d *drawing) through(from, id, to string) {
	d.join(from, id)
	d.join(id, to)
}

func (d *drawing) catch() string {
	id := d.id("catch")
	if rapid.Bool().Draw(d.t, "message") {
		d.add(`<bpmn:intermediateCatchEvent id="%s"><bpmn:messageEventDefinition mr:message="m"/></bpmn:intermediateCatchEvent>`, id)
	} else {
		d.add(`<bpmn:intermediateCatchEvent id="%s"><bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>`, id)
	}
	return id
}

// choice is a task whose buttons are the flows behind the gateway; of a loop, one leads back.
func (d *drawing) choice(from, to string, depth int, loop bool) {
	task, gate, merge := d.id("ask"), d.id("gate"), d.id("merge")
	d.add(`%s<bpmn:exclusiveGateway id="%s"/><bpmn:exclusiveGateway id="%s"/>`, u(task), gate, merge)
	back := task
	if loop {
		back = d.id("again")
		d.add(`<bpmn:exclusiveGateway id="%s"/>`, back)
		d.join(back, task)
	}
	d.join(from, back)
	d.join(task, gate)
	for i := range 2 {
		way := d.id("way")
		d.add(`<bpmn:manualTask id="%s"/>`, way)
		d.flows = append(d.flows, fmt.Sprintf("%s %s>%s = %d", d.id("f"), gate, way, i))
		if loop && i == 0 {
			d.block(way, back, depth-1)
		} else {
			d.block(way, merge, depth-1)
		}
	}
	d.join(merge, to)
}

// border attaches an event to a task or a sub-process; its way leads to the same place, or beside to an end of its own.
func (d *drawing) border(from, to string, depth int, beside bool) {
	host, event, merge := d.id("host"), d.id("event"), d.id("merge")
	if rapid.Bool().Draw(d.t, "scope") {
		d.add(`<bpmn:subProcess id="%s">%s</bpmn:subProcess>`, host, d.inside(depth-1))
	} else {
		d.add("%s", u(host))
	}
	d.add(`<bpmn:boundaryEvent id="%s" attachedToRef="%s" cancelActivity="%t"><bpmn:timerEventDefinition><bpmn:timeDuration>PT2H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent><bpmn:exclusiveGateway id="%s"/>`,
		event, host, !beside, merge)
	d.join(from, host)
	d.join(host, merge)
	d.join(merge, to)
	if beside {
		end := d.id("end")
		d.add(`<bpmn:endEvent id="%s"/>`, end)
		d.block(event, end, depth-1)
		return
	}
	d.block(event, merge, depth-1)
}

// inside draws the contents of a sub-process.
func (d *drawing) inside(depth int) string {
	inner := &drawing{t: d.t, n: d.n}
	start, end := inner.id("start"), inner.id("end")
	inner.add(`<bpmn:startEvent id="%s"/><bpmn:endEvent id="%s"/>`, start, end)
	inner.block(start, end, depth)
	d.n = inner.n
	return inner.elements.String() + bpmntest.Flows(inner.flows...)
}

func draw(t *rapid.T) *bpmn.Process {
	d := &drawing{t: t}
	xml := bpmntest.XML("p", `<bpmn:extensionElements><mr:var name="n" type="number" value="0"/></bpmn:extensionElements>`+d.inside(3))
	m, err := bpmn.Parse(strings.NewReader(xml))
	if err != nil {
		t.Fatal(err)
	}
	if errs := bpmn.Errors(bpmn.Check(m, bpmntest.Environment())); len(errs) > 0 {
		t.Fatalf("a model that is sound by construction is refused: %+v\n%s", errs, xml)
	}
	return m.Main()
}

// possible are the commands that something in the instance waits for.
func possible(p *bpmn.Process, in Instance, c Context) []Command {
	var commands []Command
	for _, task := range in.Tasks {
		for _, o := range p.Element(task.Element).Task.Outcomes {
			commands = append(commands, CompleteTask{Context: c, Task: task.No, Outcome: o.ID})
		}
	}
	for _, timer := range in.Timers {
		commands = append(commands, FireTimer{Context: c, Timer: timer.No})
	}
	for _, s := range in.Subscriptions {
		commands = append(commands, Correlate{Context: c, Message: s.Message, Subscription: s.No})
	}
	return commands
}

func TestAnySoundModelUnderAnyCommands(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := draw(rt)
		var in Instance
		var journal []Event
		at := monday
		do := func(cmd Command) {
			events, err := Decide(p, in, cmd)
			if err != nil {
				rt.Fatalf("%+v: %v", cmd, err)
			}
			again, _ := Decide(p, in, cmd)
			if diff := cmp.Diff(events, again); diff != "" {
				rt.Fatalf("the same command on the same state decides otherwise: %s", diff)
			}
			in = Evolve(in, events...)
			journal = append(journal, events...)
			sound(rt, p, in)
			if len(in.Incidents) > 0 {
				rt.Fatalf("incident in a sound model: %+v", in.Incidents)
			}
		}
		do(Start{Context: Context{At: at}})
		for range 60 {
			c := Context{At: at}
			commands := possible(p, in, c)
			if in.State.Ended() {
				break
			}
			if len(commands) == 0 {
				rt.Fatalf("the instance is stuck: %+v", in)
			}
			if rapid.IntRange(0, 9).Draw(rt, "wrong") == 0 {
				refusedWithoutChange(rt, p, in, c)
			}
			do(rapid.SampledFrom(commands).Draw(rt, "command"))
			at = at.Add(time.Minute)
		}
		if !in.State.Ended() {
			do(Cancel{Context: Context{At: at}})
		}
		replayed(rt, in, journal)
	})
}

// refusedWithoutChange tries what nothing waits for.
func refusedWithoutChange(t *rapid.T, p *bpmn.Process, in Instance, c Context) {
	for _, cmd := range []Command{CompleteTask{Context: c, Task: 1 << 20}, FireTimer{Context: c, Timer: 1 << 20}, Correlate{Context: c, Message: "nobody"}, Start{Context: c}} {
		events, err := Decide(p, in, cmd)
		var r *Refusal
		if !errors.As(err, &r) || events != nil {
			t.Fatalf("%T: got %v, %v, want a refusal", cmd, events, err)
		}
	}
}

// replayed checks that the journal alone, through JSON, gives the same state.
func replayed(t *rapid.T, in Instance, journal []Event) {
	data, err := Encode(journal)
	if err != nil {
		t.Fatal(err)
	}
	events, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, Evolve(Instance{}, events...), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the replay differs: %s", diff)
	}
	stored, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var back Instance
	if err := json.Unmarshal(stored, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, back, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the stored state differs: %s", diff)
	}
}
