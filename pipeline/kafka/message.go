package kafka

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"marshrut/pipeline"
)

// The binary content mode of "Kafka Protocol Binding for CloudEvents 1.0": the
// data is the message's value, context attributes are headers "ce_NAME", and
// datacontenttype is the header "content-type". What the transport knew
// (Event.Attributes) has names CloudEvents forbids and travels beside them.
const (
	contextPrefix   = "ce_"
	attributePrefix = "marshrut-"
	contentType     = "content-type"
)

// message makes the record of an event. It has no time of its own: retention
// works by it, and the broker's clock is the one to trust.
func message(e pipeline.Event) kafka.Record {
	var headers []kafka.Header
	add := func(name, value string) {
		headers = append(headers, kafka.Header{Key: name, Value: []byte(value)})
	}
	for _, a := range e.Context() {
		if a.Name == "datacontenttype" {
			add(contentType, a.Value)
		} else {
			add(contextPrefix+a.Name, a.Value)
		}
	}
	for name, value := range e.Attributes {
		add(attributePrefix+name, value)
	}
	return kafka.Record{Key: kafka.NewBytes([]byte(e.OrderKey())), Value: kafka.NewBytes(e.Data), Headers: headers}
}

// event reads a record. One that is not a CloudEvent becomes an event that says
// so and holds the record as it was.
func event(origin string, at time.Time, key, value []byte, headers []kafka.Header) pipeline.Event {
	e, err := decode(key, value, headers)
	if err != nil {
		e = pipeline.Unreadable(origin, at, value, err)
		for _, h := range headers {
			e.SetAttribute("kafka-"+h.Key, string(h.Value))
		}
	}
	return e
}

func decode(key, value []byte, headers []kafka.Header) (pipeline.Event, error) {
	e := pipeline.Event{Data: value}
	if !slices.ContainsFunc(headers, func(h kafka.Header) bool { return h.Key == contextPrefix+"specversion" }) {
		return e, errors.New("the message is not a CloudEvent in binary mode: it has no header ce_specversion")
	}
	for _, h := range headers {
		if err := setHeader(&e, h.Key, string(h.Value)); err != nil {
			return e, fmt.Errorf("header %.40q: %w", h.Key, err)
		}
	}
	if e.ID == "" {
		return e, errors.New("the message has no ce_id")
	}
	if e.Key == "" && string(key) != e.ID {
		e.Key = string(key) // others' producers may leave partitionkey out
	}
	return e, nil
}

func setHeader(e *pipeline.Event, name, value string) error {
	if name == contentType {
		e.DataContentType = value
		return nil
	}
	if attribute, ok := strings.CutPrefix(name, attributePrefix); ok {
		e.SetAttribute(attribute, value)
		return nil
	}
	if context, ok := strings.CutPrefix(name, contextPrefix); ok {
		return e.SetContext(context, value)
	}
	e.SetAttribute("kafka-"+name, value)
	return nil
}

// bytesOf reads a part of a record that kafka-go hands over as a stream.
func bytesOf(b kafka.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	defer b.Close()
	return io.ReadAll(b)
}
