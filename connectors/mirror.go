package connectors

import (
	"context"
	"errors"
	"time"

	"marshrut/pipeline"
)

// Kinds of objects that another system can hold as well.
const (
	MirrorLead    = "lead"
	MirrorClient  = "client"
	MirrorContact = "contact"
	MirrorOutcome = "outcome" // a task that was done, and how it ended
)

// Mirror is an instance of a system that holds objects of ours as well, such as a
// CRM. Package exchange keeps the two the same: it decides who is right about a
// field, the mirror only reads and writes. Values are texts by the names of our
// fields; a field that cannot be told is missing, one that is empty is "".
type Mirror interface {
	// Terms say what both hold, and whose word counts.
	Terms() Terms
	// Understand reads an event of this connection as an object of the other
	// side. It is pure. ErrNotOurs: the event is of something that is not mirrored.
	Understand(pipeline.Event) (Mirrored, error)
	// Normal gives values as the other side would give them back after they were
	// written: shortened, or folded where it tells fewer things apart.
	Normal(ctx context.Context, kind string, values map[string]string) (map[string]string, error)
	// Ref makes the reference under which an object of ours is created there, always the same.
	Ref(kind string, id int64) string
	// Fetch reads an object as it is now; ErrGone if there is none.
	Fetch(ctx context.Context, kind, ref string) (Mirrored, error)
	// Create makes an object under a reference of ours. If it is there already it is given as it is. The other side may give it a
	// reference of its own, by which it is known from then on.
	Create(ctx context.Context, kind, ref string, values map[string]string) (Mirrored, error)
	// Write changes fields of an object as it was seen, and gives it as it is then;
	// ErrMeanwhile if somebody else has changed it since.
	Write(ctx context.Context, seen Mirrored, values map[string]string) (Mirrored, error)
	// Newer reports whether version a of an object is later than b; "" is before all.
	Newer(a, b string) bool
}

// Terms are what was agreed on with another system.
type Terms struct {
	Fields map[string]map[string]Owner // by kind and field; a kind without fields is not mirrored
	// Elsewhere: the processes of leads are led there, and none is started here.
	Elsewhere bool
	// Adopts: a new lead there becomes a lead here.
	Adopts bool
}

// Owner says whose word counts when both sides have changed a field.
type Owner string

// The owners of a field.
const (
	OwnerWe    Owner = "we"
	OwnerThey  Owner = "they"
	OwnerLater Owner = "later" // whoever changed it later, as far as can be known
)

// Mirrored is an object as the other side holds it.
type Mirrored struct {
	Kind, Ref string
	Version   string
	Values    map[string]string
	Deleted   bool // gone, or marked for deletion
	Earlier   bool // it was there before new ones were to be told of: news of it are none of a new one
	// Whole is the object in the other side's own words, for the mirror that gave it.
	Whole any
}

// What can happen to an object of the other side.
var (
	ErrGone      = errors.New("there is no such object on the other side")
	ErrMeanwhile = errors.New("the object was changed on the other side meanwhile")
	ErrNotOurs   = errors.New("the object is none that both sides hold")
)

// Trouble is a failure of the other side in words for whoever looks after it.
type Trouble struct {
	Words string
	Final bool          // trying again is in vain until a person has done something
	After time.Duration // at least so long, if it is not final; 0: as usual
	Err   error
	// Whole: it is not of one object; nothing can be carried out at present. Final is then until an administrator has done something.
	Whole bool
	// Told is Words by language, where the connector has them in more than its own.
	Told Text
}

func (t *Trouble) Error() string { return t.Words }
func (t *Trouble) Unwrap() error { return t.Err }
