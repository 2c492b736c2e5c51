package engine

import (
	"maps"
	"slices"
	"time"
)

// Instance is the whole state of one run: plain data, compact as JSON. Elements are named by their ids in the model, so
// that a state can be read by people and moved to another version. The zero Instance has not been started.
type Instance struct {
	Process       string            `json:"process,omitempty"`
	State         State             `json:"state,omitempty"`
	Last          int               `json:"last,omitempty"` // the last number given to a token, task, timer, ...
	Tokens        []Token           `json:"tokens,omitempty"`
	Tasks         []Task            `json:"tasks,omitempty"` // open ones
	Timers        []Timer           `json:"timers,omitempty"`
	Subscriptions []Subscription    `json:"subscriptions,omitempty"`
	Incidents     []Incident        `json:"incidents,omitempty"`
	Vars          map[string]any    `json:"vars,omitempty"`
	Steps         map[string]any    `json:"steps,omitempty"`    // newest value of each step
	Outcomes      map[string]string `json:"outcomes,omitempty"` // newest outcome of each user task, by element
}

// State is where an instance is in its life.
type State string

const (
	Active     State = "active"
	Completed  State = "completed"
	Terminated State = "terminated"
	Canceled   State = "canceled"
)

// Ended tells whether nothing can happen any more.
func (s State) Ended() bool { return s == Completed || s == Terminated || s == Canceled }

// Status is State, or "incident" while an active instance has one.
func (in Instance) Status() string {
	if in.State == Active && len(in.Incidents) > 0 {
		return "incident"
	}
	return string(in.State)
}

// Wait is what a token waits for.
type Wait string

const (
	Moving       Wait = ""         // only inside Decide
	WaitTask     Wait = "task"     // a person
	WaitEvent    Wait = "event"    // a timer or message: an intermediate event, a receive task, an event-based gateway
	WaitJoin     Wait = "join"     // the other branches
	WaitScope    Wait = "scope"    // the tokens inside an embedded sub-process
	WaitChild    Wait = "child"    // a called process
	WaitDelivery Wait = "delivery" // something that goes out
	WaitIncident Wait = "incident" // somebody who repairs
)

// Token is one place where the instance is. Scope is the number of the token that stands on the embedded sub-process
// around it, or 0.
type Token struct {
	No      int    `json:"no"`
	Element string `json:"element"`
	Scope   int    `json:"scope,omitempty"`
	Flow    string `json:"flow,omitempty"` // by which it came
	Wait    Wait   `json:"wait,omitempty"`
	Outcome string `json:"outcome,omitempty"` // of the user task passed last
	Comment string `json:"comment,omitempty"` // what was said with it
}

// Task is an open user task.
type Task struct {
	No        int        `json:"no"`
	Token     int        `json:"token"`
	Element   string     `json:"element"`
	CreatedAt time.Time  `json:"created_at"`
	DueAt     time.Time  `json:"due_at,omitzero"`
	Assignee  int64      `json:"assignee,omitempty"` // 0: the shell has not told, or nobody
	Revision  int        `json:"revision"`
	Steps     []StepMark `json:"steps,omitempty"` // done or skipped, in that order
}

// Step returns the mark of a step, or nil.
func (t *Task) Step(id string) *StepMark {
	for i := range t.Steps {
		if t.Steps[i].ID == id {
			return &t.Steps[i]
		}
	}
	return nil
}

// StepMark tells that a step was done or skipped.
type StepMark struct {
	ID      string    `json:"id"`
	Value   any       `json:"value,omitempty"`
	At      time.Time `json:"at"`
	By      int64     `json:"by,omitempty"`
	Skipped bool      `json:"skipped,omitempty"`
	Reason  string    `json:"reason,omitempty"` // of the skip
}

// TimerKind is what happens when a timer fires.
type TimerKind string

const (
	CatchTimer      TimerKind = "catch"      // an intermediate event, or one behind an event-based gateway
	BoundaryTimer   TimerKind = "boundary"   // an event on the border of Token's activity
	WarnTimer       TimerKind = "warn"       // a reminder of a task
	EscalationTimer TimerKind = "escalation" // level Level of a task's escalation
)

// Timer waits for a moment.
type Timer struct {
	No      int       `json:"no"`
	Kind    TimerKind `json:"kind"`
	Token   int       `json:"token"`
	Element string    `json:"element"` // the event; of warnings and escalations the user task
	Task    int       `json:"task,omitempty"`
	Level   int       `json:"level,omitempty"`
	Due     time.Time `json:"due"`
	Every   string    `json:"every,omitempty"` // interval of a cycle
	Left    int       `json:"left,omitempty"`  // further times of a cycle; -1: without end
}

// Subscription waits for a message.
type Subscription struct {
	No       int    `json:"no"`
	Token    int    `json:"token"`
	Element  string `json:"element"`
	Message  string `json:"message"`
	Boundary bool   `json:"boundary,omitempty"`
}

// Incident is where the process cannot go on by itself.
type Incident struct {
	No      int       `json:"no"`
	Token   int       `json:"token"`
	Element string    `json:"element"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
	Leaving bool      `json:"leaving,omitempty"` // the element is done; only the way on was not found
	// Delivery: it stands because of a delivery that failed, and is over when that went out after all or was given up.
	Delivery bool `json:"delivery,omitempty"`
}

func (in Instance) clone() Instance {
	in.Tokens = slices.Clone(in.Tokens)
	in.Tasks = slices.Clone(in.Tasks)
	for i := range in.Tasks {
		in.Tasks[i].Steps = slices.Clone(in.Tasks[i].Steps)
	}
	in.Timers = slices.Clone(in.Timers)
	in.Subscriptions = slices.Clone(in.Subscriptions)
	in.Incidents = slices.Clone(in.Incidents)
	in.Vars = maps.Clone(in.Vars)
	in.Steps = maps.Clone(in.Steps)
	in.Outcomes = maps.Clone(in.Outcomes)
	return in
}

// Token returns the token with a number, or nil.
func (in *Instance) Token(no int) *Token {
	for i := range in.Tokens {
		if in.Tokens[i].No == no {
			return &in.Tokens[i]
		}
	}
	return nil
}

// Task returns the open task with a number, or nil.
func (in *Instance) Task(no int) *Task {
	for i := range in.Tasks {
		if in.Tasks[i].No == no {
			return &in.Tasks[i]
		}
	}
	return nil
}

// Timer returns the timer with a number, or nil.
func (in *Instance) Timer(no int) *Timer {
	for i := range in.Timers {
		if in.Timers[i].No == no {
			return &in.Timers[i]
		}
	}
	return nil
}
