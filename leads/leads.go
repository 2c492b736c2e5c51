// Package leads holds the words of the lead business as types, and the rules
// that need no database: what the normal form of a phone, an address or a sum
// is, who an inquiry is from, and which open lead takes it.
//
// It knows no SQL, no clock and no channel. Connectors give it inquiries,
// package leads/repository files them, casework and the pages read the rest.
package leads

import "errors"

// What can go wrong with a lead, whatever the store. Adapters wrap these.
var (
	// ErrNotFound says that there is no such lead, contact, inquiry or entry.
	ErrNotFound = errors.New("not found")
	// ErrStale says that somebody changed the lead since it was read.
	ErrStale = errors.New("changed by somebody else meanwhile")
	// ErrConflict says that the change does not fit the state of the lead, like closing a closed one.
	ErrConflict = errors.New("does not fit the present state")
	// ErrInvalid says that a value is not what its field may hold.
	ErrInvalid = errors.New("invalid value")
)

// Channel is how an inquiry reached us.
type Channel string

// The channels.
const (
	ChannelForm    Channel = "form"
	ChannelCall    Channel = "call"
	ChannelMail    Channel = "mail"
	ChannelMessage Channel = "message"
	ChannelOneC    Channel = "onec"
	ChannelManual  Channel = "manual" // typed in by an employee
)

// Status is how a lead stands: open, or how it ended.
type Status string

// The statuses. Junk is «некачественный»: never was a chance, so it is no loss.
const (
	StatusOpen Status = "open"
	StatusWon  Status = "won"
	StatusLost Status = "lost"
	StatusJunk Status = "junk"
)

// Closed reports whether s is an end.
func (s Status) Closed() bool { return s == StatusWon || s == StatusLost || s == StatusJunk }

// Direction tells who turned to whom.
type Direction string

// The directions. A note turns to nobody.
const (
	DirectionIn   Direction = "in"
	DirectionOut  Direction = "out"
	DirectionNone Direction = "none"
)

// Kind is what an interaction was.
type Kind string

// The kinds of interactions.
const (
	KindForm    Kind = "form"
	KindCall    Kind = "call"
	KindLetter  Kind = "letter"
	KindMessage Kind = "message"
	KindMeeting Kind = "meeting"
	KindNote    Kind = "note"
	KindOneC    Kind = "onec"
)

// Kind is the interaction an inquiry of this channel counts as.
func (c Channel) Kind() Kind {
	switch c {
	case ChannelForm:
		return KindForm
	case ChannelCall:
		return KindCall
	case ChannelMail:
		return KindLetter
	case ChannelMessage:
		return KindMessage
	case ChannelOneC:
		return KindOneC
	}
	return KindNote
}
