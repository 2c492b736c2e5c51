package spool

import (
	"encoding/binary"
	"errors"
	"fmt"

	"marshrut/pipeline"
)

// The envelope of a spooled event is a version byte and then names and values,
// each preceded by its length as a uvarint: first the context attributes under
// their CloudEvents names, then an empty name, then Attributes. It is exact for
// any bytes, which JSON is not, and a field added later is just another name.
const envelopeVersion = 1

var errEnvelope = errors.New("broken envelope")

func encodeEnvelope(e pipeline.Event) []byte {
	b := make([]byte, 1, 512)
	b[0] = envelopeVersion
	for _, a := range e.Context() {
		b = appendString(appendString(b, a.Name), a.Value)
	}
	b = appendString(b, "")
	for name, value := range e.Attributes {
		b = appendString(appendString(b, name), value)
	}
	return b
}

func decodeEnvelope(b []byte) (pipeline.Event, error) {
	var e pipeline.Event
	if len(b) == 0 || b[0] != envelopeVersion {
		return e, fmt.Errorf("%w: unknown version", errEnvelope)
	}
	set, rest := e.SetContext, b[1:]
	attribute := func(name, value string) error { e.SetAttribute(name, value); return nil }
	for ours := true; len(rest) > 0; {
		name, value := "", ""
		var ok bool
		if name, rest, ok = cutString(rest); !ok {
			return e, fmt.Errorf("%w: cut short in a name", errEnvelope)
		}
		if ours && name == "" {
			ours, set = false, attribute
			continue
		}
		if value, rest, ok = cutString(rest); !ok {
			return e, fmt.Errorf("%w: cut short in %.40q", errEnvelope, name)
		}
		if err := set(name, value); err != nil {
			return e, fmt.Errorf("%w: %w", errEnvelope, err)
		}
	}
	return e, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func cutString(b []byte) (s string, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return "", nil, false
	}
	end := size + int(n)
	return string(b[size:end]), b[end:], true
}
