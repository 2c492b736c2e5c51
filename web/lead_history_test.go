package web

import (
	"testing"
	"time"
)

func TestWhatOnePersonChangesOnTheCardInARowIsOneEntry(t *testing.T) {
	at := time.Date(2026, 3, 17, 10, 0, 0, 0, time.UTC)
	edit := func(minutes int, actor, name string) entry {
		return entry{At: at.Add(time.Duration(minutes) * time.Minute), Actor: actor, edit: true, Detail: []detail{{Name: name}}}
	}
	call := entry{At: at.Add(3 * time.Minute)}

	got := joinEdits([]entry{edit(40, "Анна", "city"), edit(5, "Анна", "need"), edit(4, "Анна", "amount"), call, edit(2, "Анна", "product"), edit(1, "Борис", "title")})

	if len(got) != 5 {
		t.Fatalf("%d entries, want 5: %+v", len(got), got)
	}
	if d := got[1].Detail; len(d) != 2 || d[0].Name != "amount" || d[1].Name != "need" {
		t.Errorf("the joined entry tells %+v", d)
	}
}
