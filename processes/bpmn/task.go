package bpmn

import "slices"

// Task is what a user task asks of a person.
type Task struct {
	Title       *Text // the element's name, with places to fill in
	TitleEn     string
	Hint        *Text // the recommendation
	HintEn      string
	Assignment  Assignment
	Deadline    Deadline
	Escalations []Escalation // by Level
	Order       Order
	Steps       []Step
	Outcomes    []Outcome // the buttons, never empty after Check: a task without any has "done"
	Priority    *Expr     // nil: 0
	Skip        Skip
}

// Assignment is to whom the task is addressed.
type Assignment struct {
	Role         string // a performer role; empty in the file: the lane's
	Mode         Mode
	FallbackRole string // when the role has nobody
	Substitutes  bool   // an absent performer's substitute gets the task
}

// Mode is how a performer is chosen among the members of a role.
type Mode string

const (
	RoundRobin  Mode = "roundRobin"
	LeastLoaded Mode = "leastLoaded"
	Owner       Mode = "owner"    // who is responsible for the subject, else roundRobin
	Familiar    Mode = "familiar" // who worked with the client last, else roundRobin
	Called      Mode = "called"   // the first on shift of owner, familiar and whose telephone rang in vain, else roundRobin
	Anybody     Mode = "role"     // nobody in particular: any member of the role takes it
)

var modes = []Mode{RoundRobin, LeastLoaded, Owner, Familiar, Called, Anybody}

// Deadline says when a task is late. StartBy, Due and WarnAt are ISO 8601 durations counted from the creation of the task
// in working time (P1D is one working day), or with Calendar "always" in plain time. They may be expressions that give a
// duration. DueFrom gives the due moment itself, and wins over Due.
type Deadline struct {
	StartBy, Due, WarnAt *Expr // nil: none
	DueFrom              *Expr
	At                   string // time of day the due moment moves to, "10:00"
	Calendar             string // "" the working calendar of the subject; "always" every hour of every day
}

// None tells that there is no deadline.
func (d Deadline) None() bool { return d.Due == nil && d.DueFrom == nil }

// EscalationAction is what happens when a task stays undone.
type EscalationAction string

const (
	EscalateNotify   EscalationAction = "notify"
	EscalateReassign EscalationAction = "reassign"
)

// Escalation is one level: After the due moment (ISO 8601, of the task's calendar).
type Escalation struct {
	Level  int
	After  string
	Action EscalationAction
	// To: "role:head" the members of a role; for reassign also "mode:roundRobin" or "mode:leastLoaded", another member of
	// the task's role. A task reassigned to "role:manager" belongs to the whole role until somebody takes it.
	To string
}

// Order is in which order steps are done.
type Order string

const (
	Strict   Order = "strict"
	AnyOrder Order = "any"
)

// StepKind is what doing a step means.
type StepKind string

const (
	Confirm StepKind = "confirm" // value true, or none
	Input   StepKind = "input"   // value a text, or a number where type="number"
	CallOut StepKind = "call"    // a call; usually with evidence
	Message StepKind = "message" // a letter or message; usually with evidence
	FileRef StepKind = "file"    // value a file reference or number of a document
	Date    StepKind = "date"    // value a date "2026-11-25" or a moment "2026-11-25T10:00:00+03:00"
	Choice  StepKind = "choice"  // value one of Values
)

var stepKinds = []StepKind{Confirm, Input, CallOut, Message, FileRef, Date, Choice}

// Step is one action of the checklist.
type Step struct {
	ID           string
	Kind         StepKind
	Title        string
	TitleEn      string
	Hint         string
	Required     bool     // for every outcome
	RequiredFor  []string // for these outcomes only
	RequiredWhen *Expr    // additionally required while this is true
	Field        string   // where the value goes: lead.amount
	Number       bool     // type="number": the value of an input is a number
	Evidence     *Expr    // over the facts: contacts.out >= 1
	EvidenceText string   // what is missing when the evidence is not there
	Validate     *Expr    // value is the new value
	ValidateText string
	When         *Expr    // the step exists only while this is true
	Values       []Option // of a choice
}

// Option is one value of a choice.
type Option struct {
	Value, Label, LabelEn string
}

// ForOutcome tells whether the step is required for an outcome by its static attributes.
func (s *Step) ForOutcome(outcome string) bool {
	return s.Required || slices.Contains(s.RequiredFor, outcome)
}

// Outcome is a button that ends the task.
type Outcome struct {
	ID, Label, LabelEn string
	When               *Expr  // the button is there only while this is true
	Closes             string // "won", "lost" or "junk": the subject is closed so, in the same transaction
	Reason             *Text  // of the closing: a literal, or "=steps.reason"
	Comment            *Text  // of the closing, where the person gives none
	// Toward is the closing that the outcome leads to after somebody else has agreed. It does nothing by itself: who wants
	// to close a subject finds the outcome by it.
	Toward string
	Stage  string // the subject enters this stage
	Sets   []Set
}

// Skip is who may skip a step, giving a reason.
type Skip struct {
	Roles []string
}

// Step returns the step with an id, or nil.
func (t *Task) Step(id string) *Step {
	i := slices.IndexFunc(t.Steps, func(s Step) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &t.Steps[i]
}

// Outcome returns the outcome with an id, or nil.
func (t *Task) Outcome(id string) *Outcome {
	i := slices.IndexFunc(t.Outcomes, func(o Outcome) bool { return o.ID == id })
	if i < 0 {
		return nil
	}
	return &t.Outcomes[i]
}
