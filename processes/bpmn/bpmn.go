// Package bpmn turns a BPMN 2.0 file into a checked graph, and back. It knows the elements of the standard, the
// attributes of the mr: namespace (and what means the same in Camunda's, Zeebe's and Flowable's) and the language of
// conditions; it does not know leads, employees or the clock: what conditions may name and who may work comes in an
// Environment. The shell calls Parse and Check when a route map is published or loaded; package engine walks the graph.
//
// A Model is changed only by Parse and Check. Afterwards it may be read from any number of goroutines.
package bpmn

import "slices"

// Namespaces of what is read. Everything else in a file is kept and not looked at.
const (
	Namespace = "http://www.omg.org/spec/BPMN/20100524/MODEL"
	Extension = "http://marshrut/bpmn/1.0"
)

// Model is one BPMN file: its processes, and the file itself as it came.
type Model struct {
	Processes []*Process
	Messages  map[string]string // id of a message element to its name

	source   []byte // UTF-8
	problems []Problem
}

// Process returns the process with an id, or nil.
func (m *Model) Process(id string) *Process {
	for _, p := range m.Processes {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// Main returns the process that a file is about: the first executable one that has elements, else the one that has most,
// else nil.
func (m *Model) Main() *Process {
	var largest *Process
	for _, p := range m.Processes {
		switch {
		case len(p.Elements) == 0:
		case p.Executable:
			return p
		case largest == nil || len(p.Elements) > len(largest.Elements):
			largest = p
		}
	}
	return largest
}

// Process is the graph. Elements of embedded sub-processes lie in the same slice, and refer to their Parent. All
// references between elements and flows are indexes, so that the engine never searches.
type Process struct {
	ID, Name   string
	Doc        string // documentation of the process
	Executable bool
	Elements   []Element
	Flows      []Flow
	Lanes      []Lane
	Vars       []Var

	byID     map[string]int
	flowByID map[string]int
	names    names
	compiled bool
}

// Element returns the element with an id, or nil.
func (p *Process) Element(id string) *Element {
	if i, ok := p.byID[id]; ok {
		return &p.Elements[i]
	}
	return nil
}

// Flow returns the sequence flow with an id, or nil.
func (p *Process) Flow(id string) *Flow {
	if i, ok := p.flowByID[id]; ok {
		return &p.Flows[i]
	}
	return nil
}

// Starts lists the indexes of the none start events of a scope: parent is the index of a sub-process, or -1.
func (p *Process) Starts(parent int) []int {
	var found []int
	for i := range p.Elements {
		if e := &p.Elements[i]; e.Parent == parent && e.Kind == StartEvent && e.Trigger == NoTrigger {
			found = append(found, i)
		}
	}
	return found
}

// Compiled tells whether Check has compiled the conditions; the engine refuses a process that is not.
func (p *Process) Compiled() bool { return p.compiled }

// Kind is the sort of an element, under its name in the standard.
type Kind string

const (
	StartEvent        Kind = "startEvent"
	EndEvent          Kind = "endEvent"
	CatchEvent        Kind = "intermediateCatchEvent"
	ThrowEvent        Kind = "intermediateThrowEvent"
	BoundaryEvent     Kind = "boundaryEvent"
	PlainTask         Kind = "task"
	UserTask          Kind = "userTask"
	ServiceTask       Kind = "serviceTask"
	SendTask          Kind = "sendTask"
	ReceiveTask       Kind = "receiveTask"
	ScriptTask        Kind = "scriptTask"
	ManualTask        Kind = "manualTask"
	BusinessRuleTask  Kind = "businessRuleTask"
	CallActivity      Kind = "callActivity"
	SubProcess        Kind = "subProcess"
	Transaction       Kind = "transaction"
	AdHocSubProcess   Kind = "adHocSubProcess"
	ExclusiveGateway  Kind = "exclusiveGateway"
	ParallelGateway   Kind = "parallelGateway"
	InclusiveGateway  Kind = "inclusiveGateway"
	EventBasedGateway Kind = "eventBasedGateway"
	ComplexGateway    Kind = "complexGateway"
)

var kinds = []Kind{StartEvent, EndEvent, CatchEvent, ThrowEvent, BoundaryEvent, PlainTask, UserTask, ServiceTask,
	SendTask, ReceiveTask, ScriptTask, ManualTask, BusinessRuleTask, CallActivity, SubProcess, Transaction,
	AdHocSubProcess, ExclusiveGateway, ParallelGateway, InclusiveGateway, EventBasedGateway, ComplexGateway}

// Activity tells whether boundary events may be attached.
func (k Kind) Activity() bool {
	return slices.Contains([]Kind{PlainTask, UserTask, ServiceTask, SendTask, ReceiveTask, ScriptTask, ManualTask,
		BusinessRuleTask, CallActivity, SubProcess, Transaction, AdHocSubProcess}, k)
}

// Gateway tells whether the element only routes.
func (k Kind) Gateway() bool {
	return slices.Contains([]Kind{ExclusiveGateway, ParallelGateway, InclusiveGateway, EventBasedGateway, ComplexGateway}, k)
}

// Trigger is the event definition of an event.
type Trigger string

const (
	NoTrigger        Trigger = ""
	TimerTrigger     Trigger = "timerEventDefinition"
	MessageTrigger   Trigger = "messageEventDefinition"
	SignalTrigger    Trigger = "signalEventDefinition"
	ErrorTrigger     Trigger = "errorEventDefinition"
	EscalateTrigger  Trigger = "escalationEventDefinition"
	ConditionTrigger Trigger = "conditionalEventDefinition"
	LinkTrigger      Trigger = "linkEventDefinition"
	CompensateTrig   Trigger = "compensateEventDefinition"
	CancelTrigger    Trigger = "cancelEventDefinition"
	TerminateTrigger Trigger = "terminateEventDefinition"
)

var triggers = []Trigger{TimerTrigger, MessageTrigger, SignalTrigger, ErrorTrigger, EscalateTrigger, ConditionTrigger,
	LinkTrigger, CompensateTrig, CancelTrigger, TerminateTrigger}

// Element is one flow node.
type Element struct {
	Index    int
	ID, Name string
	Doc      string
	Kind     Kind
	Parent   int // index of the sub-process it lies in; -1: the process itself
	Lane     int // index in Process.Lanes; -1: none
	In, Out  []int
	Default  int // index of the default flow; -1: none

	Trigger        Trigger
	Timer          *Timer
	Message        string // name of the message waited for
	AttachedTo     int    // of a boundary event; -1: none
	Boundary       []int  // boundary events of an activity
	NonInterrupted bool   // of a boundary event: the activity goes on

	Task   *Task   // of a user task, never nil there
	Action *Action // of a service or send task
	Call   *Call   // of a call activity
	Sets   []Set   // assignments made when the element is done
	Stage  string  // the subject enters this stage when a token enters

	extras []string // what stands on the element and is not executed: loop, multi-instance, several triggers, ...
	line   int
}

// Flow is a sequence flow. Source and Target are indexes in Process.Elements.
type Flow struct {
	Index          int
	ID, Name       string
	Source, Target int
	Condition      *Expr  // nil: none
	Outcome        string // taken when the task before ended with this outcome; see outcomes.go
	outcomeGiven   bool
	line           int
}

// Lane is a swimlane. Role is the key of the performer role, by mr:role or by the lane's name.
type Lane struct {
	ID, Name, Role string
}

// Var is a variable of the process, declared with <mr:var name="attempts" type="number" value="0"/>.
type Var struct {
	Name  string
	Type  Type
	Value any // the value at the start
}

// Set is an assignment, <mr:set name="attempts" value="vars.attempts + 1"/>. Name is a variable, or a field of the
// subject in the form lead.amount.
type Set struct {
	Name  string
	Value *Expr
}

// Timer is when a timer event fires; exactly one of Duration, Date, Cycle is given.
type Timer struct {
	Duration *Expr // gives an ISO 8601 duration, or a moment
	Date     *Expr // gives a date or a moment
	Cycle    *Expr // gives an ISO 8601 repeating interval, R3/PT1H
	Working  bool  // durations count working time, mr:working="true"; dates move to the next working moment
	At       *Expr // gives a time of day "10:00" that the result moves to, or "" for none; mr:at
}

// Call is what a call activity starts.
type Call struct {
	Process string
	Inputs  []Set // variables of the child
}

// Action is what a service or send task does: an effect on the subject in the same transaction, or a delivery.
type Action struct {
	Name   string
	Params []Param // in document order
	Wait   bool    // of a delivery: the process waits until it is done
	Inputs []Set   // of start-process: variables of the new instance

	Delivery bool // filled in by Check from the ActionSpec
}

// Param is a named parameter. Text with {{lead.title}} in it is filled in; text that begins with "=" is an expression.
type Param struct {
	Name string
	Text *Text
}

// Param returns the parameter's text as written, or "".
func (a *Action) Param(name string) string {
	for _, p := range a.Params {
		if p.Name == name {
			return p.Text.Source
		}
	}
	return ""
}
