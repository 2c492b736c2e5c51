package onectest

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Behaviour is what a base does against expectation. The zero value is a base as the
// vendor's guide describes it; AsSeen is one as they were seen to be.
type Behaviour struct {
	Truncates        bool // cuts strings longer than their attribute, and answers 200
	IgnoresUnknown   bool // passes over fields it does not know; otherwise code 10
	IgnoresIfMatch   bool // looks at no data version
	IgnoresSessions  bool // gives no ibsession
	NamesSessions    bool // says that a session is over as an error of OData, 404 with code -1, and not 400 without a word
	PadsStrings      bool // fills fields of fixed length with blanks
	BOM              bool // begins JSON with a byte order mark
	EchoesInput      bool // repeats what was sent in the words of its errors
	OwnRefs          bool // gives new objects references of its own, whatever was sent
	AtomErrors       bool // says errors in XML
	Login            bool // a web page to sign in, with status 200
	ForbidsSessions  bool // 403 in the application server's own format
	FailsMetadata    bool // 503 instead of metadata
	RefusesPostings  bool // Post fails as in a closed period
	RefusesDuplicate bool // objects of the same Description are refused by the configuration

	MaxSessions int           // more calls or sessions than that get 406: no licence
	SlowFirst   time.Duration // the first call after Idle takes that long
	Idle        time.Duration

	// Business refuses writes of a set by code of the configuration, with these words.
	Business map[string]string
	// Unpublished sets answer 404.
	Unpublished map[string]bool

	// Chances out of 1, of each call.
	LosesAnswers float64 // it does what was asked, and cuts the connection
	LosesCalls   float64 // it cuts the connection and does nothing
	Locks        float64 // 500 with a conflict of locks
	BadGateway   float64 // 502 with a page of the web server
	Seed         uint64
}

// AsSeen is a base as two independent projects met them: it protects nobody from anything.
func AsSeen() Behaviour {
	return Behaviour{Truncates: true, IgnoresUnknown: true, IgnoresIfMatch: true, PadsStrings: true, BOM: true, EchoesInput: true}
}

// chance is a source of bad luck.
type chance struct {
	mu sync.Mutex
	r  *rand.Rand
}

func newChance(seed uint64) *chance { return &chance{r: rand.New(rand.NewPCG(seed, 1))} }

func (c *chance) hits(p float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return p > 0 && c.r.Float64() < p
}
