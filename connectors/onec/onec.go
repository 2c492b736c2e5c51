// Package onec is the channel of 1C: an infobase whose leads, clients and contacts
// are those of the gateway too. It watches what people do there, turns new leads
// into inquiries, and reads and writes objects for package exchange, which decides
// who is right. What of ours is which attribute of which object is data: a Profile.
// It knows neither where leads are kept nor who is right about them. The protocol is
// package odata.
package onec

import (
	"net/http"
	"sync"
	"time"

	"marshrut/connectors"
	"marshrut/connectors/onec/odata"
)

// Connector is the name of the channel's folder, as configurations write it.
const Connector = "onec"

// Instance is an infobase at work: a Poller, a Translator and a Mirror.
type Instance struct {
	connection connectors.Connection
	settings   Settings
	profile    Profile
	client     *odata.Client
	say        texts
	zone       *time.Location

	feed rest // of the exchange plan; the one poller's

	mu      sync.Mutex
	words   map[string]*dictionary // of the base, by set
	checked time.Time              // when the base was last seen to be as the profile says
	refused refusal                // of the user, by the base
	refs    refs                   // of new objects
}

// New gives the instance of a connection. It does not call the base.
func New(c connectors.Connection, s Settings, p Profile) (*Instance, error) {
	i := &Instance{connection: c, settings: s, profile: p, say: textsIn(c.Language), zone: s.zone(), words: map[string]*dictionary{}}
	if s.URL == "" {
		return i, nil // not set up yet: it says so when it is to work
	}
	client, err := odata.New(odata.Options{URL: s.URL, User: s.User, Password: s.Password.Reveal(), Timeout: callTimeout, HTTP: httpClient(c), UserAgent: "Marshrut"})
	if err != nil {
		return nil, err
	}
	i.client = client
	return i, nil
}

// callTimeout bears the first call after a pause, which takes half a minute, and stays
// below what a delivery may take.
const callTimeout = 25 * time.Second

// httpClient dials as the administrator allows.
func httpClient(c connectors.Connection) *http.Client {
	transport := &http.Transport{ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2, IdleConnTimeout: 90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10}
	if c.Dial != nil {
		transport.DialContext = c.Dial
	}
	return &http.Client{Transport: transport}
}

var (
	_ connectors.Poller     = (*Instance)(nil)
	_ connectors.Tester     = (*Instance)(nil)
	_ connectors.Translator = (*Instance)(nil)
	_ connectors.Mirror     = (*Instance)(nil)
)
