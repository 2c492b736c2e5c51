package repository

import "marshrut/leads"

// What became of an inquiry.
const (
	OutcomeLead     = "lead"     // a new lead opened
	OutcomeJoined   = "joined"   // an open lead of the client took it
	OutcomeRepeat   = "repeat"   // filed before: counted, nothing else
	OutcomeConflict = "conflict" // filed before with other content: kept to be shown
	OutcomeSpam     = "spam"     // kept, no lead
	OutcomeTest     = "test"     // a lead that no report counts
	OutcomeContact  = "contact"  // filed with its contact, without a lead: not a client, or we called somebody
	OutcomePart     = "part"     // an event of a call, kept; the call becomes an inquiry in its own time
	OutcomeAmended  = "amended"  // a filed call of which more is known now
)

// Captured is what became of one inquiry of a batch.
type Captured struct {
	InquiryID string
	Outcome   string
	// LeadID, ContactID and ClientID are 0 where there is none.
	LeadID, ContactID, ClientID int64
	LeadNew                     bool // the lead opened with this inquiry
	ClientKnown                 bool // the contact or client was there before this inquiry
	Copy                        bool // it came before by another way: a form's submission as a letter
	Talking                     bool // somebody of ours has the client on the line: who decides about a call that goes on
	Inquiry                     leads.Inquiry
	Lead                        leads.Lead // as it stands after the inquiry; zero without a lead
	// Around is what LockContexts would give of a lead that somebody new opened with
	// this inquiry alone; nil of any other.
	Around *Context
	// Before is, of OutcomeAmended, what had been filed of the call: its direction and Call.
	Before leads.Inquiry
}
