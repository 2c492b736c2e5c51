package connectors

import (
	"encoding/json"
	"time"

	"marshrut/leads"
	"marshrut/pipeline"
)

// Aggregator is an instance of which several events make one inquiry: an exchange
// tells of a call when it rings, when it is answered and when it is over (the
// Aggregator of Enterprise Integration Patterns). The intake keeps the parts of one
// order key together and files the inquiry once, when its final word has come or
// nobody waits for it any longer. Both methods are pure.
type Aggregator interface {
	// Part understands one event; its error is the reason, in words for people, why it cannot.
	Part(pipeline.Event) (Part, error)
	// Aggregate says what the parts of one key amount to, whatever order they come in and however often.
	Aggregate(parts []Part) Aggregate
}

// Part is what one event contributes.
type Part struct {
	Event string    // the event's id: the same one counts once
	At    time.Time // when the event was received
	Data  json.RawMessage
}

// Aggregate is what the parts known so far amount to.
type Aggregate struct {
	Inquiry *leads.Inquiry // nil: it concerns no client, as far as is known
	Final   bool           // nothing essential is to come
	Due     time.Time      // when to file it though its final word has not come; zero: never
	Live    leads.LiveCall
}
