package pipeline_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"marshrut/pipeline"
)

func TestAnIDIsTheSameForTheSameAndDiffersForAnyOther(t *testing.T) {
	id := pipeline.ID("site", "ab", "c")
	if len(id) != 64 || id != pipeline.ID("site", "ab", "c") {
		t.Fatalf("ID gives %q, then %q", id, pipeline.ID("site", "ab", "c"))
	}
	for _, other := range []string{
		pipeline.ID("site", "a", "bc"), pipeline.ID("site", "abc"), pipeline.ID("sitea", "b", "c"),
		pipeline.ID("site", "ab", "c", ""), pipeline.ID("", "site", "ab", "c"),
	} {
		if id == other {
			t.Errorf("other parts give the same ID %s", other)
		}
	}
}

func TestLanesAreUsedEvenlyAndAKeyStaysInItsLane(t *testing.T) {
	used := make([]int, 16)
	for n := range 16000 {
		e := pipeline.Event{ID: pipeline.ID("site", time.Duration(n).String())}
		if e.Lane(16) != (pipeline.Event{ID: "x", Key: e.ID}).Lane(16) {
			t.Fatal("an event without a key does not travel by its ID")
		}
		used[e.Lane(16)]++
	}
	if slices.Min(used) < 800 || slices.Max(used) > 1200 {
		t.Errorf("16000 events went to the lanes so: %v", used)
	}
}

func TestContextAttributesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		want := pipeline.Event{
			ID: text.Draw(t, "id"), Source: text.Draw(t, "source"), Type: text.Draw(t, "type"), Subject: text.Draw(t, "subject"),
			Time: time.Unix(rapid.Int64Range(0, 1<<35).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC(),
			Key:  text.Draw(t, "key"), Connection: text.Draw(t, "connection"), Connector: text.Draw(t, "connector"),
			Provider: text.Draw(t, "provider"), DataContentType: text.Draw(t, "content type"), DataRef: text.Draw(t, "ref"),
			TraceParent: text.Draw(t, "parent"), TraceState: text.Draw(t, "state"),
		}
		var got pipeline.Event
		for _, a := range want.Context() {
			if err := got.SetContext(a.Name, a.Value); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got.Context(), want.Context()) || !got.Time.Equal(want.Time) || got.Attributes != nil {
			t.Fatalf("%+v became %+v", want, got)
		}
	})
}

func TestAContextAttributeOfOthersIsKept(t *testing.T) {
	var e pipeline.Event
	if err := e.SetContext("sequence", "7"); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(e.Attributes, map[string]string{"sequence": "7"}) {
		t.Errorf("attributes are %v", e.Attributes)
	}
	for name, value := range map[string]string{"specversion": "0.3", "time": "yesterday"} {
		if err := e.SetContext(name, value); err == nil {
			t.Errorf("%s %q was accepted", name, value)
		}
	}
}
