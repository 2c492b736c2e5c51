package leads

import (
	"strings"
	"time"
)

// State of an inquiry before it is filed: what its connector made of it.
const (
	StateNew  = ""     // file it
	StateSpam = "spam" // keep it, open no lead
	StateTest = "test" // shown end to end, in no report
)

// Inquiry is one message from a client through a channel, as understood by its
// connector. It carries no ids of ours but the event's, which makes a repeat
// change nothing.
type Inquiry struct {
	ID         string    // the Event's ID
	Connection string    // name of the connection
	Key        string    // order key of the event
	VendorID   string    // the sender's own id, "" if it has none
	Channel    Channel   //
	ReceivedAt time.Time // when we took it
	BodyHash   []byte    // of the raw bytes: the same id with another hash is a conflict
	State      string    // StateNew, StateSpam or StateTest

	Name   string         // as written
	Points []ContactPoint // in normal form; empty ones and proxies are ignored
	// Company, INN and City are as the client gave them; an INN that fails its checksum is only shown.
	Company, INN, City string

	Subject, Text string
	Product       string
	Amount        *Amount // nil: not named
	Currency      string  // ISO 4217; "" is the company's
	Items         []Item
	Source        string // key of the source; "" is the connection's

	Fields      []Field // everything that came, in its order, recognised or not
	Files       []File
	Attribution Attribution
	Consent     Consent
	Direction   Direction // "" means in
	Call        *Call     // of channel call
	// Automatic says that no person turned to anybody: an answering machine of mail, a letter that came back. It opens no lead.
	Automatic bool
	// Refs are names by which others speak of it: its Message-ID and those of the letters it answers, the number a form gave
	// its submission (SubmissionRef). What names the same as a lead's inquiry or letter belongs to that lead.
	Refs  []string
	Under int64 `json:",omitzero"` // the open lead that a person chose for it; 0: the rules choose
	// LeadFields are own fields of the lead, by the connection's mapping.
	LeadFields map[string]string
	Trace      string // W3C traceparent
}

// MaxRefs is how many names an inquiry is looked up by; a long correspondence repeats all of its own in each letter.
const MaxRefs = 50

// LetterRef is the name of a letter: its Message-ID without brackets.
func LetterRef(messageID string) string { return "letter:" + messageID }

// submission begins the names that forms give.
const submission = "submission:"

// SubmissionRef is the name of a form's submission by the number that the site gave it: the same by whatever way it comes.
func SubmissionRef(number string) string { return submission + number }

// Submission reports whether the name is one that a form gave: what comes under it again is a copy, not a further contact.
func Submission(ref string) bool { return strings.HasPrefix(ref, submission) }

// Outgoing reports whether we turned to the client.
func (in Inquiry) Outgoing() bool { return in.Direction == DirectionOut }

// MissedCall reports a call from outside that nobody answered.
func (in Inquiry) MissedCall() bool {
	return in.Channel == ChannelCall && !in.Outgoing() && in.Call != nil && !in.Call.Answered
}

// Field is one field of a form as it came.
type Field struct {
	Key   string `json:"key"`
	Label string `json:"label,omitempty"`
	Value string `json:"value"`
	Known string `json:"known,omitempty"` // what it was recognised as, "" if not
}

// File is an attachment. Ref is its key in the blob store; URL where the sender keeps it.
type File struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
	Size int64  `json:"size,omitempty"` // bytes
	Ref  string `json:"ref,omitempty"`
	URL  string `json:"url,omitempty"`
}

// Item is one line of an order.
type Item struct {
	Name     string  `json:"name"`
	SKU      string  `json:"sku,omitempty"`
	Quantity Amount  `json:"quantity"`
	Price    *Amount `json:"price,omitempty"`
	Sum      *Amount `json:"sum,omitempty"`
}

// UTM are the marks of a campaign, kept as they came.
type UTM struct {
	Source   string `json:"source,omitempty"`
	Medium   string `json:"medium,omitempty"`
	Campaign string `json:"campaign,omitempty"`
	Content  string `json:"content,omitempty"`
	Term     string `json:"term,omitempty"`
}

// Attribution is what is known of the way the client came.
type Attribution struct {
	UTM       UTM               `json:"utm,omitzero"`
	FirstUTM  *UTM              `json:"first_utm,omitempty"` // of the first visit, where the site remembers it
	ClickIDs  map[string]string `json:"click_ids,omitempty"` // yclid, gclid, _ym_uid: strings, they do not fit a number
	Landing   string            `json:"landing,omitempty"`
	Page      string            `json:"page,omitempty"`
	Referrer  string            `json:"referrer,omitempty"`
	IP        string            `json:"ip,omitempty"`
	UserAgent string            `json:"user_agent,omitempty"`
}

// Consent to the processing of personal data. Absent is neither yes nor no.
type Consent struct {
	State string        `json:"state,omitempty"` // "yes", "no", "absent"
	Items []ConsentItem `json:"items,omitempty"`
}

// ConsentItem is one box of a form and the text beside it.
type ConsentItem struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Text  string `json:"text,omitempty"`
}
