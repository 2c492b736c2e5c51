// Package pipeline is the vocabulary of the way in: the Event that travels, who
// can publish one, who consumes them, and how one path stands in for another.
// It does not know what an event means, where it is kept (packages kafka and
// spool do) or who sent it. Edge and connectors publish, intake consumes.
package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"time"
)

// MaxEventSize bounds Event.Size, in bytes. Raw bodies over 256 KiB are kept
// elsewhere (DataRef) before their event exists, so only an event with absurd
// attributes comes near it; the limit keeps any single event inside a produce
// batch of 900 KiB, which is what a broker with default settings takes.
const MaxEventSize = 800 << 10

// Event is the envelope of what travels: what came, as it came, and what was
// known about it at the door. Names are those of CloudEvents 1.0.
type Event struct {
	ID      string    // unique for what happened, the same at every repeat; see ID
	Source  string    // "/connections/NAME"
	Type    string    // like "ru.marshrut.inquiry.webform"
	Subject string    // the vendor's id of it, if any
	Time    time.Time // when we received it
	Key     string    // events of one key keep their order; empty: the ID

	Connection string // name of the connection it came through
	Connector  string
	Provider   string

	DataContentType string
	Data            []byte // raw bytes as they came; empty when DataRef is set
	DataRef         string // claim check: key of the raw bytes in the blob store

	TraceParent string // W3C trace context
	TraceState  string

	// Attributes hold what the transport knew: method, path, query, remote
	// address, user agent, kept headers ("header-referer"), references to files.
	// Values are bytes of the outside world and need not be UTF-8.
	Attributes map[string]string
}

// ID makes the identity of something that happened on a connection from the parts
// that name it (a vendor's event id, a Message-ID, a body): hex SHA-256 over the
// fields, each preceded by its length, so that "ab","c" and "a","bc" differ.
func ID(connection string, parts ...string) string {
	h := sha256.New()
	write := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	write(connection)
	for _, p := range parts {
		write(p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// OrderKey is what the order of events is kept by: Key, or the ID without one.
func (e Event) OrderKey() string {
	if e.Key != "" {
		return e.Key
	}
	return e.ID
}

// Lane gives the lane, from 0 to n-1, that events with this order key travel in.
func (e Event) Lane(n int) int {
	h := fnv.New32a()
	h.Write([]byte(e.OrderKey()))
	return int(h.Sum32() % uint32(n))
}

// Size is what the event takes up on the way, in bytes, within a few per cent.
func (e Event) Size() int {
	const names = 300 // of the context attributes, their lengths, and the time
	size := names + len(e.Data)
	for _, s := range [...]string{
		e.ID, e.Source, e.Type, e.Subject, e.Key, e.Connection, e.Connector, e.Provider,
		e.DataContentType, e.DataRef, e.TraceParent, e.TraceState,
	} {
		size += len(s)
	}
	for name, value := range e.Attributes {
		size += len(name) + len(value) + 16
	}
	return size
}
