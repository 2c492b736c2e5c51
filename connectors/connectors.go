// Package connectors says what a connector is: how the outside world is
// received, asked, understood and answered. A connector speaks for one channel
// (webform, telephony, email, onec) and has providers, one per vendor's dialect;
// a connection is a provider with settings of its own. The package does not know
// any provider by name (package catalog lists them), where connections are kept
// (package registry) or what becomes of an event. Its callers are the edge, which
// receives, the intake, which translates, and the Supervisor here, which polls.
package connectors

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"marshrut/leads"
	"marshrut/pipeline"
)

// Provider is one vendor's dialect of a channel: everything the rest of the
// system needs to offer it, set it up and run it.
type Provider struct {
	Connector string        // the channel's folder: "webform"
	Name      string        // the vendor's folder
	Channel   leads.Channel // what its inquiries are filed as
	Title     Text
	Setup     Text // how to connect it, in Markdown
	// Settings points to a struct with the default values. Its fields carry the
	// tags json, ru, en, hint_ru, hint_en and choices; a field of type Secret is
	// sealed. With a method Validate() error it also checks itself.
	Settings any
	// New makes a connection able to work. It must not reach out.
	New func(Connection) (Instance, error)
}

// Text is a text for people by language, "ru" and "en".
type Text map[string]string

// In gives the text in a language, and in Russian where it is missing.
func (t Text) In(language string) string {
	if s, ok := t[language]; ok {
		return s
	}
	return t["ru"]
}

// Connection is one configured use of a provider.
type Connection struct {
	Name      string // also the path of its address
	Connector string
	Provider  string
	Title     string
	Source    string // key of the source its inquiries get when they name none
	Region    string // ISO 3166: how phone numbers without a country code are read
	Language  string // of texts that strangers see: "ru" or "en"
	Settings  json.RawMessage
	Secrets   map[string]string // values of the settings of type Secret, by key
	PublicURL string            // of the gateway, without a slash at the end
	CreatedAt time.Time         // what was on the other side before is history
	// Dial reaches other machines as the administrator allows; nil: public addresses only.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Instance is a connection at work. It is any of Receiver, Translator, Poller, Tester and
// Widget, or a deliverer in the sense of package delivery.
type Instance any

// Receiver takes what a vendor or a browser sends us. Receive is pure: it looks at
// raw bytes, checks who sent them, finds the vendor's id and says what to answer.
// ErrForged and Refusal refuse the request; after any other error it is kept all
// the same, under an identity made of its bytes.
type Receiver interface {
	Receive(Request) (Receipt, error)
}

// Translator understands an event. Translate is pure; its error is the reason,
// in words for people, why the event cannot become an inquiry.
type Translator interface {
	Translate(pipeline.Event) ([]leads.Inquiry, error)
}

// Poller goes and asks. Poll works until ctx ends and returns nil when told to
// stop, an error when the other side fails; the Supervisor then calls it again.
type Poller interface {
	Poll(ctx context.Context, desk Desk) error
}

// Desk is what a Poller works at: where what it found goes, and what is remembered
// for it from one run to the next, in whichever process that is.
type Desk struct {
	Sink
	Memory
	// Keep stores a file under a key, before the event that refers to it. The same key again is no error.
	Keep func(ctx context.Context, key string, r io.Reader) error
	// Well tells that the other side answers as it should, which ends a trouble that was reported.
	Well func()
}

// Memory is how far a Poller has come. A part is a folder, an entity set: whatever
// has a position of its own; what is noted of items is about those that fail.
type Memory interface {
	// Position reads where a part stands; false when it has not begun.
	Position(ctx context.Context, part string, position any) (bool, error)
	// Advance notes where a part stands, once everything before it is durable.
	Advance(ctx context.Context, part string, position any) error
	// Fail notes one more failed try at an item and gives what is known of it.
	Fail(ctx context.Context, part, item, reason string) (Failure, error)
	// SetAside notes that an item is passed over until somebody looks at it.
	SetAside(ctx context.Context, part, item string) error
	// Forget forgets the failures of an item that went well after all.
	Forget(ctx context.Context, part, item string) error
	// Again gives the items of a part that somebody wants tried once more: each is then forgotten, or fails again.
	Again(ctx context.Context, part string) ([]string, error)
}

// Failure is what is known of an item that cannot be taken.
type Failure struct {
	Part, Item string
	Attempts   int
	Since      time.Time // of the first one
	Reason     string    // of the last one
	SetAside   bool
	GivenUp    bool // somebody decided that it is passed over for good
}

// Tester goes to the other side once, as it does when it works, and changes nothing
// there. Test says in words for people what stands in the way. A connection that is
// only called by others has none: nothing but a message shows that they can.
type Tester interface {
	Test(ctx context.Context) error
}

// Sink takes what a Poller found. Only after a nil answer may a cursor move on.
type Sink interface {
	Accept(ctx context.Context, events ...pipeline.Event) error
}

// SinkFunc is a function used as a Sink.
type SinkFunc func(ctx context.Context, events ...pipeline.Event) error

// Accept calls the function.
func (f SinkFunc) Accept(ctx context.Context, events ...pipeline.Event) error {
	return f(ctx, events...)
}

// Widget is an instance that gives sites a script to show a form of ours.
type Widget interface {
	// Script gives JavaScript that posts to address, and false when the
	// connection offers none.
	Script(address string) ([]byte, bool)
}

// Request is what came over HTTP, with the part of the path that hides the token cut off.
type Request struct {
	Method      string
	Path        string // behind the token, "" or with a leading slash
	Query       string // raw, without the question mark
	ContentType string
	Header      http.Header
	Remote      netip.Addr
	Body        []byte // as it came, still encoded as Content-Encoding says
	ReceivedAt  time.Time
	Files       []File // attachments that are in the blob store; only in Translate
	// Repairs are values a person put in the place of what came, by the key of the
	// field; only in Translate, when a message nobody understood is run again.
	Repairs map[string]string
}

// File is an attachment.
type File = leads.File

// Receipt is what a Receiver makes of a Request.
type Receipt struct {
	VendorID  string // the vendor's id of what happened; empty: the bytes are the identity
	Key       string // order key; empty: the event's id
	Type      string // last part of the event's type; empty: the connector's name
	Hash      []byte // SHA-256 of what makes two bodies the same; empty: of the bytes
	Test      bool   // the vendor's own test submission
	Spam      bool
	Handshake bool // nothing happened: answer, and keep nothing
	Response  Response
	// Attributes travel with the event: what the translator needs of the transport.
	Attributes map[string]string
}

// Response is what the sender wants to hear. The zero value is 202 with {"id": ...}.
type Response struct {
	Status      int
	ContentType string
	Body        []byte
	Header      http.Header
	Redirect    string // 303 to this address, which must come from the settings
}

// Connected is a connection with its provider and its instance.
type Connected struct {
	Connection
	Channel   leads.Channel
	Instance  Instance // nil when Fault says why there is none
	Fault     error
	RateLimit int // inquiries a minute
}

// Called reports that others may call the connection. One that goes and asks by itself has no door: what was posted there
// would look as if it worked. A faulty one takes all, so that nothing is lost while it is mended.
func (c *Connected) Called() bool {
	_, receives := c.Instance.(Receiver)
	_, polls := c.Instance.(Poller)
	return receives || !polls
}
