package repository

import (
	"time"

	"marshrut/leads"
)

// By in the changes below is the employee who does it; 0 is the system.

// StageMove puts a lead into a stage of its funnel or, with Funnel, of another one.
type StageMove struct {
	Lead   int64
	Funnel string // "" is the lead's own
	Stage  string
	By     int64
}

// Closing ends a lead. Lost and junk need a reason of the dictionary.
type Closing struct {
	Lead    int64
	Kind    leads.Status
	Reason  string
	Comment string
	By      int64
}

// Reopening takes back a closing.
type Reopening struct {
	Lead    int64
	Stage   string // "" is the stage it was closed from
	Comment string
	By      int64
}

// Assignment makes somebody responsible for a lead; Owner 0 takes it away from everybody.
type Assignment struct {
	Lead  int64
	Owner int64
	By    int64
	Why   string
}

// Changes are new values of a lead's fields. What is nil stays.
type Changes struct {
	Version       int // the version the person saw; 0: whatever it is (a process, not a person, changes it)
	Title         *string
	Amount        *leads.Amount
	NoAmount      bool // takes the amount away
	Currency      *string
	Items         *[]leads.Item
	Probability   *float64 // per cent
	ExpectedClose *time.Time
	NoExpected    bool // takes the date away
	Source        *string
	Product, City *string
	Priority      *int
	Helpers       *[]int64
	Fields        map[string]string // own fields; an empty value removes one
	// Of the people behind the lead.
	ContactName     *string
	ClientName, INN *string // finds or makes the client when the lead has none
}

// Entry is a line of the journal.
type Entry struct {
	ID     int64
	At     time.Time
	Actor  int64 // 0: the system
	Lead   int64 // 0: about no lead
	Object string
	Action string
	Data   any
}
