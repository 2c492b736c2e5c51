package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// Event is what happened. Events are the journal of an instance, and the orders to the shell.
type Event interface{ apply(*Instance) }

type (
	// Started begins the instance, with the variables as they are at the start.
	Started struct {
		Process string         `json:"process"`
		Vars    map[string]any `json:"vars,omitempty"`
	}
	// TokenEntered puts a token on an element: a new one, or one that moved there.
	TokenEntered struct {
		Token   int    `json:"token"`
		Element string `json:"element"`
		Flow    string `json:"flow,omitempty"`
		Scope   int    `json:"scope,omitempty"`
		Outcome string `json:"outcome,omitempty"`
		Comment string `json:"comment,omitempty"`
	}
	// TokenWaits tells what the token stands still for.
	TokenWaits struct {
		Token int  `json:"token"`
		For   Wait `json:"for"`
	}
	// TokenLeft takes a token away: consumed by an end or a join, or canceled.
	TokenLeft struct {
		Token    int    `json:"token"`
		Element  string `json:"element"`
		Canceled bool   `json:"canceled,omitempty"`
	}
	// TaskCreated puts a user task before people. Assignment, escalation and steps are in the element of the process.
	TaskCreated struct {
		Task     int       `json:"task"`
		Token    int       `json:"token"`
		Element  string    `json:"element"`
		Title    string    `json:"title"`
		Hint     string    `json:"hint,omitempty"`
		Priority int       `json:"priority,omitempty"`
		At       time.Time `json:"at"`
		StartBy  time.Time `json:"start_by,omitzero"`
		WarnAt   time.Time `json:"warn_at,omitzero"`
		DueAt    time.Time `json:"due_at,omitzero"`
		Forget   []string  `json:"forget,omitempty"` // steps whose values are those of an earlier visit
	}
	// TaskAssigned tells whose the task is.
	TaskAssigned struct {
		Task     int    `json:"task"`
		Assignee int64  `json:"assignee,omitempty"`
		By       int64  `json:"by,omitempty"`
		Reason   string `json:"reason,omitempty"`
	}
	// StepDone marks a step.
	StepDone struct {
		Task  int       `json:"task"`
		Step  string    `json:"step"`
		Value any       `json:"value,omitempty"`
		At    time.Time `json:"at"`
		By    int64     `json:"by,omitempty"`
	}
	// StepCorrected gives a done step another value.
	StepCorrected struct {
		Task   int       `json:"task"`
		Step   string    `json:"step"`
		Before any       `json:"before,omitempty"`
		Value  any       `json:"value,omitempty"`
		At     time.Time `json:"at"`
		By     int64     `json:"by,omitempty"`
	}
	// StepSkipped marks a step as skipped.
	StepSkipped struct {
		Task   int       `json:"task"`
		Step   string    `json:"step"`
		Reason string    `json:"reason"`
		At     time.Time `json:"at"`
		By     int64     `json:"by,omitempty"`
	}
	// TaskCompleted ends a task, with the marks of its steps.
	TaskCompleted struct {
		Task    int        `json:"task"`
		Element string     `json:"element"`
		Outcome string     `json:"outcome"`
		Comment string     `json:"comment,omitempty"`
		At      time.Time  `json:"at"`
		By      int64      `json:"by,omitempty"`
		Steps   []StepMark `json:"steps,omitempty"`
	}
	// TaskCanceled takes a task away undone: a boundary event or the end of its scope.
	TaskCanceled struct {
		Task    int        `json:"task"`
		Element string     `json:"element"`
		Cause   string     `json:"cause,omitempty"` // the element that did it
		Steps   []StepMark `json:"steps,omitempty"`
	}
	// TaskRevised tells that an open task says something else now: a variable has changed that its words or its priority name.
	TaskRevised struct {
		Task     int    `json:"task"`
		Element  string `json:"element"`
		Hint     string `json:"hint,omitempty"`
		Priority int    `json:"priority,omitempty"`
	}
	// TaskReminded tells that the warning moment of a task has come.
	TaskReminded struct {
		Task    int    `json:"task"`
		Element string `json:"element"`
	}
	// TaskEscalated asks the shell to notify or reassign. To is as in bpmn.Escalation.
	TaskEscalated struct {
		Task    int    `json:"task"`
		Element string `json:"element"`
		Level   int    `json:"level"`
		Action  string `json:"action"`
		To      string `json:"to"`
	}
	// TimerSet, with its absolute due time.
	TimerSet struct {
		Timer Timer `json:"timer"`
	}
	// TimerFired takes the timer away (or, of a cycle, is followed by TimerSet with the same number).
	TimerFired struct {
		Timer   int    `json:"timer"`
		Element string `json:"element"`
	}
	// TimerCanceled takes the timer away.
	TimerCanceled struct {
		Timer int `json:"timer"`
	}
	// Subscribed waits for a message.
	Subscribed struct {
		Subscription Subscription `json:"subscription"`
	}
	// Correlated tells that a message came; the subscription stays until Unsubscribed.
	Correlated struct {
		Subscription int            `json:"subscription"`
		Element      string         `json:"element"`
		Message      string         `json:"message"`
		Payload      map[string]any `json:"payload,omitempty"`
	}
	// Unsubscribed takes the subscription away.
	Unsubscribed struct {
		Subscription int `json:"subscription"`
	}
	// ValuesSet changes variables of the process.
	ValuesSet struct {
		Vars map[string]any `json:"vars"`
	}
	// EffectRequested asks for an effect on the subject in the same transaction: set-stage, assign, close, set-field,
	// notify. Task is the task it came from, or 0.
	EffectRequested struct {
		Element string         `json:"element"`
		Task    int            `json:"task,omitempty"`
		Action  string         `json:"action"`
		Params  map[string]any `json:"params,omitempty"`
	}
	// DeliveryRequested asks for a row of delivery. With Wait the token waits for DeliveryDone or DeliveryFailed.
	DeliveryRequested struct {
		Token   int            `json:"token"`
		Element string         `json:"element"`
		Action  string         `json:"action"`
		Params  map[string]any `json:"params,omitempty"`
		Wait    bool           `json:"wait,omitempty"`
	}
	// ChildStarted asks to start another process about the same subject. With Wait the token waits for ChildEnded.
	ChildStarted struct {
		Token   int            `json:"token"`
		Element string         `json:"element"`
		Process string         `json:"process"`
		Vars    map[string]any `json:"vars,omitempty"`
		Wait    bool           `json:"wait,omitempty"`
	}
	// ChildCanceled asks to cancel the instance that Token had called.
	ChildCanceled struct {
		Token   int    `json:"token"`
		Element string `json:"element"`
	}
	// IncidentRaised stops a token until somebody repairs.
	IncidentRaised struct {
		Incident Incident `json:"incident"`
	}
	// IncidentResolved ends an incident: retried, or canceled with its token.
	IncidentResolved struct {
		Incident int   `json:"incident"`
		By       int64 `json:"by,omitempty"`
	}
	// InstanceEnded ends everything.
	InstanceEnded struct {
		State  State  `json:"state"`
		Reason string `json:"reason,omitempty"`
	}
)

// prototypes are all events, for the codec.
var prototypes = func() map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for _, e := range []Event{Started{}, TokenEntered{}, TokenWaits{}, TokenLeft{}, TaskCreated{}, TaskAssigned{}, StepDone{},
		StepCorrected{}, StepSkipped{}, TaskCompleted{}, TaskCanceled{}, TaskRevised{}, TaskReminded{}, TaskEscalated{}, TimerSet{},
		TimerFired{}, TimerCanceled{}, Subscribed{}, Correlated{}, Unsubscribed{}, ValuesSet{}, EffectRequested{},
		DeliveryRequested{}, ChildStarted{}, ChildCanceled{}, IncidentRaised{}, IncidentResolved{}, InstanceEnded{}} {
		types[Name(e)] = reflect.TypeOf(e)
	}
	return types
}()

// Name is the name of an event, TaskCreated.
func Name(e Event) string { return reflect.TypeOf(e).Name() }

// record is an event in the journal: {"TaskCreated": {"task": 3, ...}}.
type record map[string]json.RawMessage

// Encode writes events as JSON for the journal: a list of records, each event
// written once and not copied through a record, for every start and click pays it.
func Encode(events []Event) ([]byte, error) {
	var out bytes.Buffer
	write := json.NewEncoder(&out)
	for i, e := range events {
		out.WriteByte("[,"[min(i, 1)])
		fmt.Fprintf(&out, "{%q:", Name(e))
		if err := write.Encode(e); err != nil {
			return nil, fmt.Errorf("encode event %s: %w", Name(e), err)
		}
		out.WriteByte('}')
	}
	if len(events) == 0 {
		out.WriteByte('[')
	}
	out.WriteByte(']')
	return out.Bytes(), nil
}

// Decode reads what Encode wrote.
func Decode(data []byte) ([]Event, error) {
	var records []record
	if err := json.Unmarshal(data, &records); err != nil {
		return nil, fmt.Errorf("decode events: %w", err)
	}
	events := make([]Event, 0, len(records))
	for _, r := range records {
		for name, body := range r {
			t, ok := prototypes[name]
			if !ok {
				return nil, fmt.Errorf("decode events: unknown event %q", name)
			}
			e := reflect.New(t)
			if err := json.Unmarshal(body, e.Interface()); err != nil {
				return nil, fmt.Errorf("decode event %s: %w", name, err)
			}
			events = append(events, e.Elem().Interface().(Event))
		}
	}
	return events, nil
}

// element is the element of the model that an event is about, "" for those about none.
func (e TokenEntered) element() string      { return e.Element }
func (e TokenLeft) element() string         { return e.Element }
func (e TaskCreated) element() string       { return e.Element }
func (e TaskCompleted) element() string     { return e.Element }
func (e TaskCanceled) element() string      { return e.Element }
func (e TaskRevised) element() string       { return e.Element }
func (e TaskReminded) element() string      { return e.Element }
func (e TaskEscalated) element() string     { return e.Element }
func (e TimerSet) element() string          { return e.Timer.Element }
func (e TimerFired) element() string        { return e.Element }
func (e Subscribed) element() string        { return e.Subscription.Element }
func (e Correlated) element() string        { return e.Element }
func (e EffectRequested) element() string   { return e.Element }
func (e DeliveryRequested) element() string { return e.Element }
func (e ChildStarted) element() string      { return e.Element }
func (e ChildCanceled) element() string     { return e.Element }
func (e IncidentRaised) element() string    { return e.Incident.Element }
