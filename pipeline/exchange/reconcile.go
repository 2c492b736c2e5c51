package exchange

import (
	"maps"
	"slices"

	"marshrut/connectors"
)

// Decision is what has to be done so that both sides hold the same.
type Decision struct {
	Send      map[string]string // to the other side
	Take      map[string]string // from it
	Agreed    map[string]string // what both hold then
	Conflicts []Conflict
}

// Conflict is a field that both sides changed, or one side although it is the other's.
type Conflict struct {
	Field, Ours, Theirs string
	Kept                string // "ours" or "theirs"
	Rule                connectors.Owner
}

// The sides of a conflict.
const (
	keptOurs   = "ours"
	keptTheirs = "theirs"
)

// lasting are fields that are never emptied by the other side: nobody forgets a name or a phone on purpose by leaving a form.
var lasting = []string{"name", "title", "company", "phone", "email", "inn"}

// Reconcile decides field by field. agreed is what both held when they were compared last; a
// field that is missing on a side cannot be told and is left alone. oursLater says who changed the object later.
func Reconcile(terms map[string]connectors.Owner, agreed, ours, theirs map[string]string, oursLater bool) Decision {
	d := Decision{Send: map[string]string{}, Take: map[string]string{}, Agreed: maps.Clone(agreed)}
	if d.Agreed == nil {
		d.Agreed = map[string]string{}
	}
	for _, field := range slices.Sorted(maps.Keys(terms)) {
		o, told := ours[field]
		t, heard := theirs[field]
		if !told || !heard {
			continue
		}
		base, known := agreed[field]
		if o != t {
			d.settle(field, terms[field], side{o, known && o != base}, side{t, known && t != base}, known, oursLater)
		}
		d.Agreed[field] = o
		if taken, ok := d.Take[field]; ok {
			d.Agreed[field] = taken
		}
	}
	return d
}

// side is what one side holds, and whether it has changed it since both agreed.
type side struct {
	value   string
	changed bool
}

func (d *Decision) settle(field string, owner connectors.Owner, ours, theirs side, known, oursLater bool) {
	// Without a base nobody knows who has changed it: what is written over is told.
	keepOurs, conflict := oursLater, ours.changed && theirs.changed || !known && ours.value != "" && theirs.value != ""
	switch {
	case theirs.value == "" && slices.Contains(lasting, field):
		keepOurs, conflict = true, theirs.changed
	case ours.value == "" && !known:
		keepOurs = false
	case theirs.value == "" && !known:
		keepOurs = true
	case owner == connectors.OwnerWe:
		keepOurs, conflict = true, conflict || theirs.changed
	case owner == connectors.OwnerThey:
		keepOurs, conflict = false, conflict || ours.changed
	case known && !theirs.changed:
		keepOurs = true
	case known && !ours.changed:
		keepOurs = false
	}
	kept := keptTheirs
	if keepOurs {
		kept = keptOurs
		d.Send[field] = ours.value
	} else {
		d.Take[field] = theirs.value
	}
	if conflict {
		d.Conflicts = append(d.Conflicts, Conflict{field, ours.value, theirs.value, kept, owner})
	}
}
