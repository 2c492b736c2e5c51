package leads

import "time"

// Call is what a telephone exchange says of a call.
type Call struct {
	Answered  bool          `json:"answered"`
	Ring      time.Duration `json:"ring,omitempty"`
	Talk      time.Duration `json:"talk,omitempty"`
	Dialled   string        `json:"dialled,omitempty"`   // the number of ours
	Extension string        `json:"extension,omitempty"` // who answered or called
	Recording string        `json:"recording,omitempty"` // the exchange's reference to it
}

// States of a call that is going on.
const (
	CallRinging = "ringing"
	CallTalking = "talking"
	CallOver    = "over"
)

// LiveCall is a call at this moment, for the screens of those whose telephones ring.
type LiveCall struct {
	State      string
	Direction  Direction
	Number     string   // the other side's, E.164; "" when it is hidden
	Dialled    string   // the number of ours
	Extensions []string // that ring or talk, sorted
	Since      time.Time
	Until      time.Time // from then on nobody believes it any more: its end was lost
}
