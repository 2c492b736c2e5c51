package pipeline

import (
	"fmt"
	"time"
)

// SpecVersion is the version of CloudEvents the names of attributes come from.
const SpecVersion = "1.0"

// Attribute is one context attribute of CloudEvents: a name of lower-case
// letters and digits, and its value as a string.
type Attribute struct{ Name, Value string }

// fields is the one table of which Event field has which CloudEvents name.
// traceparent and tracestate are the Distributed Tracing extension, partitionkey
// is Partitioning, dataref is Dataref (the claim check); connection, connector
// and provider are ours.
func (e *Event) fields() []struct {
	name  string
	value *string
} {
	return []struct {
		name  string
		value *string
	}{
		{"id", &e.ID},
		{"source", &e.Source},
		{"type", &e.Type},
		{"subject", &e.Subject},
		{"datacontenttype", &e.DataContentType},
		{"dataref", &e.DataRef},
		{"partitionkey", &e.Key},
		{"traceparent", &e.TraceParent},
		{"tracestate", &e.TraceState},
		{"connection", &e.Connection},
		{"connector", &e.Connector},
		{"provider", &e.Provider},
	}
}

// Context lists the context attributes that have a value, specversion first.
func (e Event) Context() []Attribute {
	out := make([]Attribute, 0, 14)
	out = append(out, Attribute{"specversion", SpecVersion})
	for _, f := range e.fields() {
		if *f.value != "" {
			out = append(out, Attribute{f.name, *f.value})
		}
	}
	if !e.Time.IsZero() {
		out = append(out, Attribute{"time", e.Time.UTC().Format(time.RFC3339Nano)})
	}
	return out
}

// SetContext sets one context attribute by its CloudEvents name. A name that no
// field has goes to Attributes, so that nothing another system says is dropped.
func (e *Event) SetContext(name, value string) error {
	switch name {
	case "specversion":
		if value != SpecVersion {
			return fmt.Errorf("specversion %.20q is not %s", value, SpecVersion)
		}
		return nil
	case "time":
		t, err := time.Parse(time.RFC3339Nano, value)
		if err != nil {
			return fmt.Errorf("time %.40q is not RFC 3339: %w", value, err)
		}
		e.Time = t
		return nil
	}
	for _, f := range e.fields() {
		if f.name == name {
			*f.value = value
			return nil
		}
	}
	e.SetAttribute(name, value)
	return nil
}

// SetAttribute sets one of Attributes.
func (e *Event) SetAttribute(name, value string) {
	if e.Attributes == nil {
		e.Attributes = map[string]string{}
	}
	e.Attributes[name] = value
}

// UnreadableType is the Type of an event that stands for a message nobody could
// read. Data holds the message as it was, Attributes[UnreadableReason] says why.
// It goes the way of all events, so that it blocks nobody and a person sees it.
const (
	UnreadableType   = "ru.marshrut.unreadable"
	UnreadableReason = "unreadable"
)

// Unreadable makes the event that stands for a message no adapter can read.
// origin names the place it was found at, which is its identity.
func Unreadable(origin string, at time.Time, raw []byte, reason error) Event {
	return Event{
		ID:         ID(origin, string(raw)),
		Source:     "/unreadable/" + origin,
		Type:       UnreadableType,
		Time:       at,
		Data:       raw,
		Attributes: map[string]string{UnreadableReason: reason.Error(), "origin": origin},
	}
}
