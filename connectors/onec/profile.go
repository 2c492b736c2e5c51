package onec

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"marshrut/connectors/onec/odata"
)

// Profile says which objects of a configuration hold what of ours. It is data
// (configs/onec), so that another configuration, or one that a company has changed, is a file.
type Profile struct {
	Name          string             `yaml:"profile"`
	Configuration string             `yaml:"configuration"`
	Objects       map[string]Objects `yaml:"objects"` // by kind
	ContactKinds  string             `yaml:"contact_kinds"`
}

// Objects are those of one kind.
type Objects struct {
	Set        string            `yaml:"set"`
	PassesOver map[string]string `yaml:"passes_over"` // objects with these values are none
	Watch      string            `yaml:"watch"`       // scalar field that grows with every new object
	Fields     map[string]Field  `yaml:"fields"`      // by the name of ours
	Constants  map[string]any    `yaml:"constants"`   // written when an object is created
	Stamps     map[string]string `yaml:"stamps"`      // dates written then, by the name of ours
	Days       []string          `yaml:"days"`        // stamps that keep no time of day: the platform takes it off
}

// Field says where a value of ours is kept: in an attribute, in the contact
// information, or as a participant.
type Field struct {
	To       string            `yaml:"to"`
	Length   int               `yaml:"length"` // in characters; 0: any
	Cut      bool              `yaml:"cut"`    // a longer text is shortened where people see it; otherwise it is refused
	Required bool              `yaml:"required"`
	Heading  int               `yaml:"heading"` // only the first line is ours, so many characters of it; 0: all of the text
	Type     string            `yaml:"type"`    // of a composite attribute
	Values   map[string]string `yaml:"values"`  // ours to the name of theirs, of an enumeration
	Of       string            `yaml:"of"`      // set of a reference, found by its name
	Words    string            `yaml:"words"`   // which map of the settings has its names

	Contact string   `yaml:"contact"` // type of contact information
	Kinds   []string `yaml:"kinds"`   // predefined names of its kind: the first that the base has
	Search  string   `yaml:"search"`  // attribute by which the configuration searches

	Participant string `yaml:"participant"` // tabular section
	As          string `yaml:"as"`          // set the participant is of
}

const (
	information = "КонтактнаяИнформация"
	participant = "Контакт"
)

// ReadProfile reads a profile strictly.
func ReadProfile(text []byte) (Profile, error) {
	var p Profile
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&p); err != nil {
		return p, fmt.Errorf("profile: %w", err)
	}
	for kind, o := range p.Objects {
		for name, f := range o.Fields {
			places := 0
			for _, place := range []string{f.To, f.Contact, f.Participant} {
				if place != "" {
					places++
				}
			}
			if places != 1 || o.Set == "" {
				return p, fmt.Errorf("profile %s: %s.%s needs exactly one place: to, contact or participant", p.Name, kind, name)
			}
		}
	}
	if p.Name == "" || len(p.Objects) == 0 {
		return p, errors.New("profile: it has no name or no objects")
	}
	return p, nil
}

// kindOf is the kind of objects of a set.
func (p Profile) kindOf(set string) (string, bool) {
	for kind, o := range p.Objects {
		if o.Set == set {
			return kind, true
		}
	}
	return "", false
}

// needs are the sets and fields that a profile uses, sorted.
func (p Profile) needs() map[string][]string {
	needs := map[string][]string{}
	add := func(set string, fields ...string) {
		for _, f := range fields {
			if f != "" && !slices.Contains(needs[set], f) {
				needs[set] = append(needs[set], f)
			}
		}
		if needs[set] == nil {
			needs[set] = []string{}
		}
	}
	for _, o := range p.Objects {
		add(o.Set, slices.Sorted(maps.Keys(o.PassesOver))...)
		add(o.Set, slices.Sorted(maps.Keys(o.Constants))...)
		add(o.Set, slices.Sorted(maps.Keys(o.Stamps))...)
		add(o.Set, o.Watch)
		for _, f := range o.Fields {
			add(o.Set, f.To, f.Search, f.Participant)
			if f.Contact != "" {
				add(o.Set, information)
				add(p.ContactKinds, "Description")
			}
			if f.Of != "" {
				add(f.Of, "Description")
			}
		}
	}
	for set := range needs {
		slices.Sort(needs[set])
	}
	return needs
}

// lacks are what a base does not publish of what the profile needs.
type lacks struct{ sets, fields []string }

func (p Profile) check(m *odata.Metadata, s Settings) (l lacks) {
	needs := p.needs()
	if s.Plan != "" {
		needs[s.planSet()] = []string{"ReceivedNo"}
	}
	for _, set := range slices.Sorted(maps.Keys(needs)) {
		have, published := m.Sets[set]
		if !published {
			l.sets = append(l.sets, human(set))
			continue
		}
		for _, field := range needs[set] {
			if _, there := have[field]; !there {
				l.fields = append(l.fields, human(set)+"."+field)
			}
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(p.Objects)) {
		o := p.Objects[kind]
		rows, there := m.Section(o.Set, information)
		for _, column := range []string{"Вид_Key", "Тип", "Представление", "НомерТелефона", "АдресЭП", "Значение"} {
			if _, ok := rows[column]; there && !ok && o.usesContacts() {
				l.fields = append(l.fields, human(o.Set)+"."+information+"."+column)
			}
		}
	}
	return l
}

func (l lacks) any() bool { return len(l.sets)+len(l.fields) > 0 }

// in says what is missing, and how to publish it.
func (l lacks) in(say texts, configuration string) string {
	var words []string
	if len(l.sets) > 0 {
		words = append(words, fmt.Sprintf(say.unpublished, strings.Join(l.sets, ", ")))
	}
	if len(l.fields) > 0 {
		words = append(words, fmt.Sprintf(say.noFields, configuration, strings.Join(l.fields, ", ")))
	}
	return strings.Join(words, " ")
}

func (o Objects) usesContacts() bool {
	for _, f := range o.Fields {
		if f.Contact != "" {
			return true
		}
	}
	return false
}

var prefixes = map[string]string{"Catalog": "Справочник", "Document": "Документ", "ExchangePlan": "ПланОбмена",
	"InformationRegister": "РегистрСведений", "Task": "Задача", "BusinessProcess": "БизнесПроцесс"}

// human is a set as people of 1C call it: Справочник.Лиды.
func human(set string) string {
	prefix, name, ok := strings.Cut(set, "_")
	if ru, known := prefixes[prefix]; ok && known {
		return ru + "." + name
	}
	return set
}
