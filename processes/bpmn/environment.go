package bpmn

// Type is the type of a value that conditions may name.
type Type string

const (
	String Type = "string"
	Number Type = "number"
	Bool   Type = "bool"
	Time   Type = "date"
	List   Type = "list" // of texts
	Any    Type = "any"
)

// Environment is what a route map may refer to. An empty map or slice of roles, stages and so on means: not checked.
type Environment struct {
	// Values are the fields of the subject, by their dotted names: "lead.amount": Number. A field absent at run time has
	// the zero value of its type ("", 0, false, the zero time); empty(lead.amount) asks for that.
	Values map[string]Type
	// Facts are what evidence may name beside: "contacts.out": Number. They are counted since the task was created.
	Facts map[string]Type
	// Writable are the fields that steps and assignments may set; nil: all of Values.
	Writable map[string]bool
	// Titles are Russian names of fields, for messages: "lead.amount": "Сумма".
	Titles map[string]string

	Roles       map[string]string // key to name; a lane of that name has the role
	Stages      []string
	Processes   []string            // that can be called
	Begins      map[string][]string // what each of them starts before it waits for anything; see Process.StartsAtOnce
	Messages    []string            // that somebody sends
	LossReasons []string
	Actions     map[string]ActionSpec // nil: StandardActions
}

// ActionSpec says what an action of a service task takes.
type ActionSpec struct {
	Required, Optional []string
	Delivery           bool // goes out through the delivery table, and can be waited for
}

// StandardActions are the actions of service and send tasks.
//
//	set-stage      stage                      the subject enters a stage
//	assign         role | mode | employee     who is responsible for the subject
//	close          status [reason] [comment]  won, lost or junk
//	set-field      field value
//	notify         text [role] [to]           a notice for a role, or to="owner"
//	start-process  process                    another process about the same subject, beside this one
//	send-letter    template [to] [text]       a delivery
//	webhook        connection [body]          a delivery
func StandardActions() map[string]ActionSpec {
	return map[string]ActionSpec{
		"set-stage":     {Required: []string{"stage"}},
		"assign":        {Optional: []string{"role", "mode", "employee", "reason"}},
		"close":         {Required: []string{"status"}, Optional: []string{"reason", "comment"}},
		"set-field":     {Required: []string{"field", "value"}},
		"notify":        {Required: []string{"text"}, Optional: []string{"role", "to"}},
		"start-process": {Required: []string{"process"}},
		"send-letter":   {Required: []string{"template"}, Optional: []string{"to", "text", "subject"}, Delivery: true},
		"webhook":       {Required: []string{"connection"}, Optional: []string{"body", "event"}, Delivery: true},
	}
}

func (env Environment) actions() map[string]ActionSpec {
	if env.Actions != nil {
		return env.Actions
	}
	return StandardActions()
}

// Severity tells whether a model may be published.
type Severity string

const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is one thing wrong with a model, in a sentence for the person who drew it.
type Problem struct {
	Element   string   `json:"element"` // id of the element, "" for the file
	Name      string   `json:"name"`    // its name on the diagram
	Message   string   `json:"message"`
	MessageEn string   `json:"message_en"`
	Severity  Severity `json:"severity"`
	Line      int      `json:"line,omitempty"`
}

// Errors returns the problems that forbid to publish.
func Errors(problems []Problem) []Problem {
	var found []Problem
	for _, p := range problems {
		if p.Severity == Error {
			found = append(found, p)
		}
	}
	return found
}
