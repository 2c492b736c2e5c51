package spool

import (
	"maps"
	"slices"
	"testing"
	"time"

	"marshrut/pipeline"
)

// FuzzEnvelope: no bytes make the decoder fail otherwise than by an error, and
// what it reads it also writes.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{2})
	f.Add([]byte{1, 2, 'i', 'd', 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Add(encodeEnvelope(pipeline.Event{ID: "1", Time: time.Unix(1, 2), Key: "k", Attributes: map[string]string{"": "x", "id": "\xff\x00"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEnvelope(b)
		if err != nil {
			return
		}
		again, err := decodeEnvelope(encodeEnvelope(e))
		if err != nil {
			t.Fatalf("%+v cannot be read back: %v", e, err)
		}
		if !slices.Equal(e.Context(), again.Context()) || !maps.Equal(e.Attributes, again.Attributes) {
			t.Fatalf("%+v came back as %+v", e, again)
		}
	})
}
