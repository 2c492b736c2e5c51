package processes

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"marshrut/internal/staff"
	"marshrut/pipeline/delivery"
	"marshrut/processes/bpmn"
	"marshrut/processes/engine"
)

// happened takes one event of an instance as what it is for the shell: an order
// to write a row, to tell somebody, to move the subject or another instance.
func (t *turn) happened(o order, e *entry, event engine.Event) {
	in := o.to
	switch event := event.(type) {
	case engine.TaskCreated:
		t.taskCreated(in, e, event)
	case engine.TaskAssigned:
		if row := t.task(in, event.Task); row != nil {
			if row.Assignee != event.Assignee {
				t.gone(row, o.actor.ID)
			}
			row.Assignee, row.changed = event.Assignee, true
			t.announce(row, o.actor.ID)
		}
	case engine.TaskCompleted:
		t.taskEnded(in, event.Task, TaskDone, event.Steps, ended{by: event.By, outcome: event.Outcome, comment: event.Comment})
	case engine.TaskCanceled:
		t.taskEnded(in, event.Task, TaskCanceled, event.Steps, ended{})
	case engine.TaskRevised:
		if row := t.task(in, event.Task); row != nil {
			row.Hint, row.Priority, row.changed = event.Hint, max(event.Priority, t.subjects[in.subject].Priority), true
		}
	case engine.TaskReminded:
		if row := t.task(in, event.Task); row != nil {
			t.remind(row)
		}
	case engine.TaskEscalated:
		if row := t.task(in, event.Task); row != nil {
			t.escalate(row, e, event)
		}
	case engine.TimerSet:
		t.changes.setTimer(in, event.Timer.No, event.Timer.Due)
	case engine.TimerFired:
		t.changes.dropTimer(in, event.Timer)
	case engine.TimerCanceled:
		t.changes.dropTimer(in, event.Timer)
	case engine.Subscribed:
		t.changes.subscribe(in, event.Subscription.No, event.Subscription.Message)
	case engine.Unsubscribed:
		t.changes.unsubscribe(in, event.Subscription)
	case engine.EffectRequested:
		t.effect(o, event)
	case engine.DeliveryRequested:
		t.deliver(in, e, event)
	case engine.ChildStarted:
		t.childStarted(o, event)
	case engine.ChildCanceled:
		t.childCanceled(o, event)
	case engine.IncidentRaised:
		t.incident(in, event.Incident)
	case engine.IncidentResolved:
		t.changes.resolved = append(t.changes.resolved, resolution{in.id, event.Incident, event.By})
	}
}

// task is the row of an open task; nil when it is not there, which only a
// damaged read model brings about.
func (t *turn) task(in *instance, no int) *taskRow {
	row := t.tasks[taskKey{in.id, no}]
	if row == nil {
		t.s.log.Warn("a task of an instance has no row", "instance", in.id, "task", no)
	}
	return row
}

func (t *turn) taskCreated(in *instance, e *entry, event engine.TaskCreated) {
	def := in.def.Process().Element(event.Element).Task
	row := &taskRow{Instance: in.id, No: event.Task, Subject: in.subject, Process: in.def.Key, Element: event.Element,
		Title: event.Title, TitleEn: def.TitleEn, Hint: event.Hint, HintEn: def.HintEn, Role: def.Assignment.Role,
		Priority: max(event.Priority, t.subjects[in.subject].Priority), CreatedAt: event.At, StartBy: moment(event.StartBy), WarnAt: moment(event.WarnAt), DueAt: moment(event.DueAt),
		Status: TaskOpen, Revision: 1, fresh: true}
	t.tasks[taskKey{in.id, event.Task}] = row
	t.arrived = append(t.arrived, row)
	a := def.Assignment
	t.vacant = append(t.vacant, vacancy{task: row, entry: e, want: Vacancy{Role: a.Role, Mode: a.Mode, FallbackRole: a.FallbackRole, Substitutes: a.Substitutes}})
}

func moment(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// ended is how a task was completed; zero for one that was taken away.
type ended struct {
	by               int64
	outcome, comment string
}

func (t *turn) taskEnded(in *instance, no int, status TaskStatus, steps []engine.StepMark, how ended) {
	row := t.task(in, no)
	if row == nil {
		return
	}
	t.gone(row, how.by)
	row.Status, row.DoneAt, row.DoneBy, row.Outcome, row.Comment = status, &t.now, how.by, how.outcome, how.comment
	row.Marks, _ = json.Marshal(steps) // values of steps came as JSON
	row.Revision++
	row.changed = true
}

// escalate tells people of late work, or takes it from who has it.
func (t *turn) escalate(row *taskRow, e *entry, event engine.TaskEscalated) {
	if bpmn.EscalationAction(event.Action) == bpmn.EscalateNotify {
		t.notifyAll(t.addressees(event.To, row), staff.TaskOverdue, row, overdueText)
		return
	}
	def := e.in.def.Process().Element(row.Element).Task
	want := Vacancy{Role: row.Role, Mode: def.Assignment.Mode, FallbackRole: def.Assignment.FallbackRole,
		Substitutes: def.Assignment.Substitutes, Except: row.Assignee}
	switch kind, name, _ := strings.Cut(event.To, ":"); kind {
	case "role":
		want.Role, want.Mode, want.FallbackRole = name, bpmn.Anybody, ""
	case "mode":
		want.Mode = bpmn.Mode(name)
	}
	if want.Mode == bpmn.Owner || want.Mode == bpmn.Familiar || want.Mode == bpmn.Called {
		want.Mode = bpmn.RoundRobin // or it would come back to the same person
	}
	t.notify(row.Assignee, staff.TaskOverdue, row, takenText)
	t.vacant = append(t.vacant, vacancy{task: row, entry: e, want: want, reason: "escalation " + strconv.Itoa(event.Level)})
}

// addressees are the people behind role:head, owner or assignee; nobody there
// means the heads of sales.
func (t *turn) addressees(to string, row *taskRow) []int64 {
	kind, role, _ := strings.Cut(to, ":")
	var ids []int64
	switch kind {
	case "role":
		ids = t.people.Members(role)
	case "owner":
		ids = []int64{t.subjects[row.Subject].Owner}
	case "assignee":
		ids = []int64{row.Assignee}
	}
	if ids = slices.DeleteFunc(ids, func(id int64) bool { return id == 0 }); len(ids) > 0 {
		return ids
	}
	return t.people.Heads()
}

// effect does what concerns people and other processes here, and leaves the rest
// to Effects.
func (t *turn) effect(o order, event engine.EffectRequested) {
	if event.Action == "notify" {
		t.notice(o.to, event.Params)
		return
	}
	t.effects = append(t.effects, Effect{Subject: o.to.subject, Instance: o.to.id, Element: event.Element,
		Action: event.Action, Params: event.Params, Actor: o.actor})
}

// outgoing is what a delivery that a process asks for is about: the payload of
// its row, and the body of a web hook.
type outgoing struct {
	Action   string         `json:"action"`
	Params   map[string]any `json:"params"`
	Process  string         `json:"process"`
	Element  string         `json:"element"`
	Instance string         `json:"instance"`
	Subject  string         `json:"subject"`
	Values   map[string]any `json:"values"` // of the subject, as they were
}

// deliver makes a row of what has to go out. What goes out about one subject by
// one connection keeps its order. The key differs for every token and command.
func (t *turn) deliver(in *instance, e *entry, event engine.DeliveryRequested) {
	connection, _ := event.Params["connection"].(string)
	connection = cmp.Or(connection, event.Action)
	payload, err := payload(connection, outgoing{event.Action, event.Params, in.def.Key, event.Element,
		strconv.FormatInt(in.id, 10), strconv.FormatInt(in.subject, 10), t.subjects[in.subject].Values})
	if err != nil {
		t.s.log.Error("a delivery cannot be written", "instance", in.id, "element", event.Element, "error", err)
		return
	}
	r := delivery.Request{Connection: connection, Kind: event.Action, Object: "case:" + strconv.FormatInt(in.subject, 10) + ":" + connection,
		Payload: payload, Lead: in.subject, Due: t.now,
		IdempotencyKey: fmt.Sprintf("process-%d-%d-%d-%d", in.id, e.revision, event.Token, len(t.changes.deliveries))}
	if event.Wait {
		r.Instance, r.Token = in.id, event.Token
	}
	t.changes.deliveries = append(t.changes.deliveries, r)
}

// payload is the row's content. A web hook names its address as the connection.
func payload(connection string, o outgoing) (json.RawMessage, error) {
	body, err := json.Marshal(o)
	if err != nil || o.Action != "webhook" {
		return body, err
	}
	return json.Marshal(delivery.WebhookCall{URL: connection, Body: body})
}

func (t *turn) childStarted(o order, event engine.ChildStarted) {
	st := start{place: &Started{}, StartRequest: StartRequest{Process: event.Process, Subject: o.to.subject, Values: event.Vars,
		Actor: o.actor, Single: !event.Wait}, depth: o.to.depth + 1}
	if event.Wait {
		st.parent, st.token = o.to, event.Token
	}
	t.starting = append(t.starting, st)
}

func (t *turn) childCanceled(o order, event engine.ChildCanceled) {
	for _, child := range t.instances {
		if child.parent == o.to.id && child.parentToken == event.Token && !child.state.State.Ended() {
			t.queue = append(t.queue, order{to: child, name: "cancel", actor: o.actor, tolerant: true, command: func(c engine.Context) engine.Command {
				return engine.Cancel{Context: c, Reason: "canceled by the calling process at " + event.Element}
			}})
		}
	}
}

func (t *turn) incident(in *instance, i engine.Incident) {
	t.changes.incidents = append(t.changes.incidents, incidentRow{in.id, i.No, in.subject, in.def.Key, i.Element, i.Reason})
	t.trouble(in.subject, cmp.Or(in.def.Name, in.def.Key), i.Reason)
}
