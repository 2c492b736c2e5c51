package exchange

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"marshrut/connectors"
)

type values = map[string]string

func TestWhoIsRightAboutAField(t *testing.T) {
	for name, c := range map[string]struct {
		owner               connectors.Owner
		agreed              values // nil: never compared
		ours, theirs        string
		later               bool // ours
		send, take, decided string
	}{
		"nobody changed it":                   {connectors.OwnerLater, values{"f": "a"}, "a", "a", true, "", "", ""},
		"we changed it":                       {connectors.OwnerLater, values{"f": "a"}, "b", "a", false, "b", "", ""},
		"they changed it":                     {connectors.OwnerLater, values{"f": "a"}, "a", "b", true, "", "b", ""},
		"both, to the same":                   {connectors.OwnerLater, values{"f": "a"}, "b", "b", true, "", "", ""},
		"both, we later":                      {connectors.OwnerLater, values{"f": "a"}, "b", "c", true, "b", "", "ours"},
		"both, they later":                    {connectors.OwnerLater, values{"f": "a"}, "b", "c", false, "", "c", "theirs"},
		"they emptied it":                     {connectors.OwnerLater, values{"f": "a"}, "a", "", true, "", "", "take empty"},
		"ours, they changed it":               {connectors.OwnerWe, values{"f": "a"}, "a", "b", false, "a", "", "ours"},
		"ours, we changed it":                 {connectors.OwnerWe, values{"f": "a"}, "b", "a", false, "b", "", ""},
		"ours, both":                          {connectors.OwnerWe, values{"f": "a"}, "b", "c", false, "b", "", "ours"},
		"theirs, we changed it":               {connectors.OwnerThey, values{"f": "a"}, "b", "a", true, "", "a", "theirs"},
		"theirs, they changed it":             {connectors.OwnerThey, values{"f": "a"}, "a", "b", true, "", "b", ""},
		"theirs, both":                        {connectors.OwnerThey, values{"f": "a"}, "b", "c", true, "", "c", "theirs"},
		"never compared, only we have it":     {connectors.OwnerLater, nil, "a", "", false, "a", "", ""},
		"never compared, only they have it":   {connectors.OwnerLater, nil, "", "b", true, "", "b", ""},
		"never compared, both have their own": {connectors.OwnerLater, nil, "a", "b", true, "a", "", "ours"},
	} {
		t.Run(name, func(t *testing.T) {
			d := Reconcile(map[string]connectors.Owner{"f": c.owner}, c.agreed, values{"f": c.ours}, values{"f": c.theirs}, c.later)
			if c.decided == "take empty" {
				if v, ok := d.Take["f"]; !ok || v != "" || len(d.Conflicts) != 0 {
					t.Errorf("%+v", d)
				}
				return
			}
			if d.Send["f"] != c.send || d.Take["f"] != c.take {
				t.Errorf("send %q, take %q", d.Send, d.Take)
			}
			kept := ""
			if len(d.Conflicts) > 0 {
				kept = d.Conflicts[0].Kept
			}
			if kept != c.decided {
				t.Errorf("conflicts %+v, want %q", d.Conflicts, c.decided)
			}
		})
	}
}

func TestANameIsNotForgottenBecauseAFormWasLeftEmpty(t *testing.T) {
	d := Reconcile(map[string]connectors.Owner{"name": connectors.OwnerThey}, values{"name": "Анна"}, values{"name": "Анна"}, values{"name": ""}, false)
	if d.Send["name"] != "Анна" || len(d.Take) != 0 || len(d.Conflicts) != 1 {
		t.Errorf("%+v", d)
	}
}

func TestAFieldThatCannotBeToldIsLeftAlone(t *testing.T) {
	d := Reconcile(map[string]connectors.Owner{"stage": connectors.OwnerWe}, values{"stage": "new"}, values{"stage": "new"}, values{}, true)
	if len(d.Send)+len(d.Take)+len(d.Conflicts) != 0 || !cmp.Equal(d.Agreed, values{"stage": "new"}) {
		t.Errorf("%+v", d)
	}
}

// After what was decided is done both sides hold what was agreed on, whoever changed what; nothing that a side
// changed is written over without a conflict that tells of it; and comparing once more finds nothing to do.
func TestAfterADecisionBothSidesAgree(t *testing.T) {
	owners := []connectors.Owner{connectors.OwnerWe, connectors.OwnerThey, connectors.OwnerLater}
	rapid.Check(t, func(t *rapid.T) {
		terms, agreed, ours, theirs := map[string]connectors.Owner{}, values{}, values{}, values{}
		for _, field := range []string{"name", "title", "source", "owner"} {
			terms[field] = rapid.SampledFrom(owners).Draw(t, "owner")
			value := rapid.SampledFrom([]string{"", "a", "b", "c"})
			if rapid.Bool().Draw(t, "known") {
				agreed[field] = value.Draw(t, "agreed")
			}
			ours[field], theirs[field] = value.Draw(t, "ours"), value.Draw(t, "theirs")
		}
		d := Reconcile(terms, agreed, ours, theirs, rapid.Bool().Draw(t, "ours later"))
		told := map[string]bool{}
		for _, c := range d.Conflicts {
			told[c.Field] = true
		}
		for field := range terms {
			base, known := agreed[field]
			if !known {
				base = "" // whatever stands there may be somebody's edit
			}
			if sent, ok := d.Send[field]; ok && theirs[field] != base && sent != theirs[field] && !told[field] {
				t.Fatalf("%s of theirs was lost in silence: %+v", field, d)
			}
			if taken, ok := d.Take[field]; ok && ours[field] != base && taken != ours[field] && !told[field] {
				t.Fatalf("%s of ours was lost in silence: %+v", field, d)
			}
		}
		maps.Copy(theirs, d.Send)
		maps.Copy(ours, d.Take)
		if !maps.Equal(ours, theirs) {
			t.Fatalf("ours %v, theirs %v", ours, theirs)
		}
		if again := Reconcile(terms, d.Agreed, ours, theirs, true); len(again.Send)+len(again.Take)+len(again.Conflicts) != 0 {
			t.Fatalf("once more: %+v", again)
		}
	})
}
