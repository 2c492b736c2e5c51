package casework

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes/bpmn"
)

// What is declared to the checker of conditions has to be there when they run,
// in the declared type, also on the emptiest of leads.
func TestEveryDeclaredFieldHasAValueOfItsType(t *testing.T) {
	own := []leads.OwnField{{Key: "area", Kind: "number"}, {Key: "visit", Kind: "date"}, {Key: "vip", Kind: "bool"}, {Key: "note", Kind: "text"}}
	env := fieldEnvironment(own)
	types := map[bpmn.Type]reflect.Type{bpmn.String: reflect.TypeFor[string](), bpmn.Number: reflect.TypeFor[float64](),
		bpmn.Bool: reflect.TypeFor[bool](), bpmn.Time: reflect.TypeFor[time.Time]()}
	for title, v := range map[string]view{"empty": {}, "full": {Lead: leads.Lead{Fields: map[string]string{"area": "12,5", "visit": "2026-03-17", "vip": "true", "note": "x"}}}} {
		values := v.values(own, time.UTC)
		for name, kind := range env.Values {
			if got := reflect.TypeOf(dig(values, name)); got != types[kind] {
				t.Errorf("%s: %s is a %v, declared as %s", title, name, got, kind)
			}
		}
	}
}

func TestWritableFieldsCanBeSet(t *testing.T) {
	own := []leads.OwnField{{Key: "area", Kind: "number"}}
	good := map[string]any{"lead.amount": "12 500,50", "lead.probability": 50.0, "lead.expected_close": "2026-11-25", "lead.priority": 2.0,
		"client.inn": "7707083893", "lead.fields.area": 12.5}
	for name := range fieldEnvironment(own).Writable {
		value, special := good[name]
		if !special {
			value = "слово"
		}
		var changes repository.Changes
		if err := setField(&changes, own, name, value); err != nil {
			t.Errorf("set %s to %v: %v", name, value, err)
		}
		if reflect.DeepEqual(changes, repository.Changes{}) {
			t.Errorf("setting %s changes nothing", name)
		}
	}
	for name, value := range map[string]any{"lead.amount": "много", "lead.probability": 120.0, "lead.expected_close": "скоро", "lead.priority": "высокая",
		"client.inn": "7707083894", "lead.fields.area": "большая", "lead.stage": "won", "lead.fields.none": "x", "nothing": "x"} {
		var changes repository.Changes
		if err := setField(&changes, own, name, value); err == nil {
			t.Errorf("%s was set to %v", name, value)
		}
	}
}

func TestShippedNamesAreDeclared(t *testing.T) {
	env := fieldEnvironment(nil)
	for _, name := range []string{"lead.title", "lead.amount", "lead.stage", "lead.status", "lead.funnel", "lead.source", "lead.channel",
		"lead.product", "lead.city", "lead.repeat", "lead.owner", "client.kind", "client.name", "client.inn", "contact.name",
		"inquiry.channel", "inquiry.text", "inquiry.subject"} {
		if _, ok := env.Values[name]; !ok {
			t.Errorf("%s is not declared", name)
		}
	}
	for _, name := range []string{"lead.amount", "lead.product", "lead.city", "lead.expected_close", "client.inn", "contact.name", "lead.source"} {
		if !env.Writable[name] {
			t.Errorf("%s cannot be set", name)
		}
	}
}

func TestDefaultRulesCompileAndCoverEveryInquiry(t *testing.T) {
	book := compile(DefaultRules())
	ring := func(d time.Duration, answered bool) leads.Inquiry {
		return leads.Inquiry{Channel: leads.ChannelCall, Call: &leads.Call{Answered: answered, Ring: d}}
	}
	for title, c := range map[string]struct {
		in           leads.Inquiry
		sale, missed string
	}{
		"a form":                  {leads.Inquiry{Channel: leads.ChannelForm}, ProcessInquiry, ""},
		"an answered call":        {ring(20*time.Second, true), ProcessInquiry, ""},
		"a missed call":           {ring(20*time.Second, false), "", ProcessMissedCall},
		"one of unknown length":   {ring(0, false), "", ProcessMissedCall},
		"one that rang too short": {ring(4*time.Second, false), ProcessInquiry, ""},
	} {
		v := view{Inquiry: c.in}
		values := v.values(nil, time.UTC)
		sale, ok, err := book.match(LaneSale, values)
		if err != nil || !ok || sale.Process != c.sale {
			t.Errorf("%s starts %q as a sale (%t, %v), want %q", title, sale.Process, ok, err, c.sale)
		}
		missed, _, err := book.match(LaneMissed, values)
		if err != nil || missed.Process != c.missed {
			t.Errorf("%s starts %q beside (%v), want %q", title, missed.Process, err, c.missed)
		}
	}
}

func dig(values map[string]any, name string) any {
	var at any = values
	for part := range strings.SplitSeq(name, ".") {
		group, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = group[part]
	}
	return at
}
