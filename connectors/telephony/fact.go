package telephony

import (
	"time"

	"marshrut/leads"
)

// Kind is what a fact is about.
type Kind string

// The kinds of facts. Leg facts are about one telephone, Over about the whole call.
const (
	Begun    Kind = "begun"    // the call is there; nobody's telephone rings yet (a menu, a queue)
	Rings    Kind = "rings"    // a telephone rings
	Answered Kind = "answered" // somebody talks
	LegOver  Kind = "leg-over" // this telephone is out of it
	Over     Kind = "over"     // the final word on the whole call
	Recorded Kind = "recorded" // there is a recording
)

// Fact is what one event says of a call. Zero values say nothing.
type Fact struct {
	Kind Kind `json:"kind"`
	// Leg names the telephone's part of the call, Seq orders the facts of one leg.
	Leg string `json:"leg,omitempty"`
	Seq int    `json:"seq,omitempty"`
	// At is when it happened, by the exchange's clock; of Over, when the call ended.
	At time.Time `json:"at,omitzero"`
	// Began is when the call began, by the exchange's clock.
	Began time.Time `json:"began,omitzero"`

	Direction leads.Direction `json:"direction,omitempty"` // DirectionNone: between our own people
	Callback  bool            `json:"callback,omitempty"`  // the exchange rings us first, then the client: we called
	Client    string          `json:"client,omitempty"`    // the other side's number as written
	Dialled   string          `json:"dialled,omitempty"`   // the number of ours
	Extension string          `json:"extension,omitempty"` // of our employee

	// Of Over.
	Answered bool          `json:"answered,omitempty"`
	Ring     time.Duration `json:"ring,omitempty"`
	Talk     time.Duration `json:"talk,omitempty"`
	Reason   string        `json:"reason,omitempty"` // why it ended, in the exchange's words

	Recording string `json:"recording,omitempty"`
}

// Heard is a fact with the event that told it.
type Heard struct {
	Fact
	ID string    // of the event
	At time.Time // when we received it
}

// longest is more than any call lasts; what a broken clock says beyond it is not believed.
const longest = 24 * time.Hour

// plain is the fact with texts that every store takes and durations that can be.
func (f Fact) plain() Fact {
	f.Leg, f.Client, f.Dialled = plain(f.Leg), plain(f.Client), plain(f.Dialled)
	f.Extension, f.Reason, f.Recording = plain(f.Extension), plain(f.Reason), plain(f.Recording)
	f.Ring, f.Talk = within(f.Ring), within(f.Talk)
	f.At, f.Began = believable(f.At), believable(f.Began)
	return f
}

func within(d time.Duration) time.Duration { return min(max(d, 0), longest) }

// believable drops moments that no calendar has: JSON knows years up to 9999 only.
func believable(t time.Time) time.Time {
	if t.Year() < 2000 || t.Year() > 9000 {
		return time.Time{}
	}
	return t.UTC()
}
