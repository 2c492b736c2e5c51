package leads

import (
	"slices"
	"strconv"
	"time"
)

// Lead is what somebody wants, in a stage of a funnel. Zero ids mean none.
type Lead struct {
	ID                  int64
	Title               string
	ClientID, ContactID int64
	Funnel, Stage       string
	Status              Status
	Amount              *Amount
	Currency            string // ISO 4217
	Items               []Item
	Probability         float64    // per cent
	ExpectedClose       *time.Time // a date, UTC midnight
	LossReason          string     // key; "" while not lost
	LossComment         string
	OwnerID             int64 // 0: unassigned
	Helpers             []int64
	Source              string
	Channel             Channel
	Connection          string
	UTM                 UTM
	Product, City       string
	Repeat              bool // the client was known before
	Test                bool // in no report
	Priority            int
	Fields              map[string]string // own fields
	CreatedAt           time.Time         // when the first inquiry was received
	FirstResponseAt     *time.Time        // the first human outgoing contact
	ClosedAt            *time.Time
	LastActivityAt      time.Time
	Version             int // counts changes; who writes says which one they saw
}

// Client is a firm or a private person.
type Client struct {
	ID        int64
	Kind      string // "company" or "person"
	Name      string
	INN, KPP  string
	OwnerID   int64
	Fields    map[string]string
	CreatedAt time.Time
	Version   int
}

// Contact is a person, of any number of clients.
type Contact struct {
	ID         int64
	Name       string // as written
	NotClient  bool   // calls and letters of this person open no lead
	MergedInto int64
	Points     []ContactPoint
	Clients    []Client
	CreatedAt  time.Time
	Version    int
}

// Values are the contact's normal forms of one kind, in their order.
func (c Contact) Values(kind PointKind) []string {
	var out []string
	for _, p := range c.Points {
		if p.Kind == kind {
			out = append(out, p.Value)
		}
	}
	return out
}

// Interaction is one contact with the client, incoming or outgoing.
type Interaction struct {
	ID                          int64
	LeadID, ContactID, ClientID int64
	Direction                   Direction
	Kind                        Kind
	At                          time.Time
	EmployeeID                  int64 // who made or answered it; 0: nobody or a machine
	Automatic                   bool  // an automatic reply, a robot: never a response
	Missed                      bool  // nobody answered
	Talk                        time.Duration
	Subject, Text               string
	InquiryID                   string // the inquiry it was, "" if typed in by a person
}

// Response reports whether the interaction is a human reaching out to the client; a call nobody took is none.
func (i Interaction) Response() bool {
	return i.Direction == DirectionOut && !i.Automatic && !i.Missed && i.Kind != KindNote
}

// Funnel is an order of stages.
type Funnel struct {
	Key            string
	NameRU, NameEN string
	Position       int
	Stages         []Stage // in their order
}

// First is the stage a new lead opens in; false when no stage is open.
func (f Funnel) First() (Stage, bool) {
	i := slices.IndexFunc(f.Stages, func(s Stage) bool { return s.Kind == "open" })
	if i < 0 {
		return Stage{}, false
	}
	return f.Stages[i], true
}

// Stage is one step of a funnel.
type Stage struct {
	Funnel, Key    string
	NameRU, NameEN string
	Position       int
	Probability    float64 // per cent that such a lead is won
	Kind           string  // "open", "won", "lost" or "junk"
	NormHours      int     // working hours a lead should stay at most; 0: no norm
}

// LossReason is why a lead was lost or junk.
type LossReason struct {
	Key            string
	NameRU, NameEN string
	Kind           Status // StatusLost or StatusJunk
	NeedsComment   bool
	Position       int
}

// Source is where clients come from.
type Source struct{ Key, NameRU, NameEN string }

// OwnField is a field the company added to its leads.
type OwnField struct {
	Key            string
	NameRU, NameEN string
	Kind           string // "text", "number", "date", "choice", "bool"
	Choices        []string
	Position       int
}

// Check says in words why value cannot stand in the field; "" always can, it empties it.
func (f OwnField) Check(value string) error {
	if value == "" {
		return nil
	}
	ok := true
	switch f.Kind {
	case "number":
		_, ok = ParseAmount(value)
	case "date":
		_, err := time.Parse(time.DateOnly, value)
		ok = err == nil
	case "choice":
		ok = slices.Contains(f.Choices, value)
	case "bool":
		_, err := strconv.ParseBool(value)
		ok = err == nil
	}
	if !ok {
		return NotValid("Поле «%[1]s» вида %[2]s не может быть «%[3]s»", "Field %[1]s holds a %[2]s, not %[3]q", f.Key, f.Kind, value)
	}
	return nil
}
