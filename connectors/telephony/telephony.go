// Package telephony is the channel of calls. An exchange tells of one call in many
// events (it rings here, it rings there, it was answered, it is over, it was
// recorded), which may come in any order, more than once, or never: each is a Fact,
// and a Call is assembled from whatever facts there are. What one vendor does its own
// way is a Dialect, in a folder of its own. The package does not know where facts,
// calls and leads are kept or whose telephone an extension is; the edge calls
// Receive, the intake Part and Aggregate.
package telephony

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unicode"

	"marshrut/connectors"
	"marshrut/pipeline"
)

// Connector is the name of the channel's folder, as configurations write it.
const Connector = "telephony"

// Dialect is what one vendor does its own way. Both methods are pure functions of bytes.
type Dialect interface {
	// Identify looks at a request that is about to be kept: who sent it
	// (connectors.ErrForged if another), the vendor's id of the event, the call as
	// its key, handshakes and what the vendor wants to hear.
	Identify(connectors.Request) (connectors.Receipt, error)
	// Fact understands an event. Its error says, in words for people, why it cannot.
	Fact(connectors.Request) (Fact, error)
}

// Instance is an exchange at work. It is a Receiver and an Aggregator.
type Instance struct {
	connection connectors.Connection
	settings   Settings
	dialect    Dialect
	internal   *regexp.Regexp
	sources    map[string]string // by number in normal form
	senders    []netip.Prefix
}

// New gives the instance of a connection that speaks the dialect.
func New(c connectors.Connection, s Settings, d Dialect) (*Instance, error) {
	if d == nil {
		return nil, fmt.Errorf("connection %s: a dialect is missing", c.Name)
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("settings of connection %s: %w", c.Name, err)
	}
	if s.Region == "" {
		s.Region = c.Region
	}
	i := &Instance{connection: c, settings: s, dialect: d, internal: regexp.MustCompile(s.Internal), sources: map[string]string{}}
	for number, source := range s.Sources {
		i.sources[i.dialled(number)] = source
	}
	for _, text := range s.Senders {
		prefix, _ := prefixOf(text) // Validate has read it
		i.senders = append(i.senders, prefix)
	}
	return i, nil
}

// Receive looks at an event without understanding it.
func (i *Instance) Receive(r connectors.Request) (connectors.Receipt, error) {
	if !i.sender(r.Remote) {
		return connectors.Receipt{}, connectors.ErrForged
	}
	receipt, err := i.dialect.Identify(r)
	receipt.VendorID, receipt.Key = plain(receipt.VendorID), plain(receipt.Key)
	return receipt, err
}

func (i *Instance) sender(remote netip.Addr) bool {
	if len(i.senders) == 0 {
		return true
	}
	for _, prefix := range i.senders {
		if prefix.Contains(remote.Unmap()) {
			return true
		}
	}
	return false
}

// plain makes an id of the outside world one that every store takes.
func plain(id string) string {
	id = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == unicode.ReplacementChar {
			return '_'
		}
		return c
	}, strings.ToValidUTF8(id, "_"))
	if runes := []rune(id); len(runes) > 300 {
		return string(runes[:300])
	}
	return id
}

// Part understands one event.
func (i *Instance) Part(e pipeline.Event) (connectors.Part, error) {
	fact, err := i.dialect.Fact(connectors.RequestOf(e))
	switch {
	case err != nil:
		return connectors.Part{}, err
	case e.Key == "":
		return connectors.Part{}, errors.New(texts[i.language()].noCall)
	}
	data, err := json.Marshal(fact.plain())
	if err != nil {
		return connectors.Part{}, fmt.Errorf("write down a fact: %w", err)
	}
	return connectors.Part{Event: e.ID, At: e.Time, Data: data}, nil
}

// Aggregate says what is known of a call from the facts there are.
func (i *Instance) Aggregate(parts []connectors.Part) connectors.Aggregate {
	facts := make([]Heard, 0, len(parts))
	for _, p := range parts {
		h := Heard{ID: p.Event, At: p.At}
		if json.Unmarshal(p.Data, &h.Fact) == nil { // our own writing
			facts = append(facts, h)
		}
	}
	call := Assemble(facts)
	a := connectors.Aggregate{Final: call.Final, Due: call.Due, Live: i.live(call)}
	if in, ok := i.inquiry(call); ok {
		a.Inquiry = &in
	}
	return a
}

func (i *Instance) language() string {
	if i.connection.Language == "en" {
		return "en"
	}
	return "ru"
}
