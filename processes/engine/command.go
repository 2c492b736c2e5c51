package engine

import (
	"time"

	"marshrut/internal/workcal"
)

// Command is what somebody wants an instance to do.
type Command interface{ context() *Context }

// Context is what every command brings along from outside.
type Context struct {
	At       time.Time
	By       Actor
	Values   map[string]any    // of the subject, nested: {"lead": {"amount": 100.0}}
	Facts    map[string]any    // since the task was created, nested: {"contacts": {"out": 1}}; for commands about a task
	Calendar *workcal.Calendar // of working time; nil: every hour counts, in UTC
}

func (c Context) context() *Context { return &c }

// Actor is who does it. The zero Actor is the system.
type Actor struct {
	ID    int64
	Name  string
	Roles []string // performer roles, and those it stands in for
}

// Start begins a new instance at the none start event.
type Start struct {
	Context
	Vars map[string]any // over the declared values of the process's variables
}

// DoStep marks a step of a task as done. Value is what its kind asks for; nil or true for confirm, call and message.
//
// A done step is final, with one exception: the value of an input, choice, date or file step may be corrected while the
// task is open. The correction is an event of its own, with the value before. The same value again changes nothing.
type DoStep struct {
	Context
	Task  int
	Step  string
	Value any
}

// SkipStep skips a step, for a role that may, with a reason.
type SkipStep struct {
	Context
	Task   int
	Step   string
	Reason string
}

// CompleteTask ends a task with an outcome. Revision is what the person saw, 0: not checked.
type CompleteTask struct {
	Context
	Task     int
	Outcome  string // "" chooses the only one there is
	Comment  string
	Revision int
}

// AssignTask tells who has the task now. Whether the actor may is the shell's matter.
type AssignTask struct {
	Context
	Task     int
	Assignee int64 // 0: the whole role
	Reason   string
}

// FireTimer tells that a timer's moment has come. The shell looks at the due time.
type FireTimer struct {
	Context
	Timer int
}

// Correlate delivers a message to the oldest subscription with its name, or to the one given.
type Correlate struct {
	Context
	Message      string
	Subscription int            // 0: the oldest
	Payload      map[string]any // expressions of the catching event see it as message
}

// ChildEnded tells that the instance called by a token has ended. Completed and terminated ones let the caller go on; a
// canceled one, or any with a text in Values["error"], is an incident whose retry starts the child once more.
type ChildEnded struct {
	Context
	Token  int
	State  State
	Values map[string]any // its variables; expressions of the call activity see them as child
}

// DeliveryDone and DeliveryFailed tell what became of a delivery that a token waits for.
type DeliveryDone struct {
	Context
	Token int
}

// DeliveryFailed turns the waiting into an incident.
type DeliveryFailed struct {
	Context
	Token  int
	Reason string
}

// Retry runs the element of an incident once more. Incident 0: all of them.
type Retry struct {
	Context
	Incident int
}

// SetValues changes variables, to repair an incident.
type SetValues struct {
	Context
	Vars map[string]any
}

// Cancel ends the instance with everything in it.
type Cancel struct {
	Context
	Reason string
}
