package infobase_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"marshrut/connectors/onec"
	"marshrut/connectors/onec/infobase"
	"marshrut/connectors/onec/onectest"
	"marshrut/internal/corpustest"
)

// attribute is one of an object of a configuration, as a dump of it says.
type attribute struct {
	typ    string // of several for a composite one; "section" of a tabular section
	length int    // of a string; 0: any
	day    bool   // a date without a time of day
}

// dump is what a configuration holds, by object and attribute: Catalog.Лиды, Комментарий.
type dump map[string]map[string]attribute

var (
	objectLine    = regexp.MustCompile(`^### (\S+) `)
	standardLine  = regexp.MustCompile(`^   (Code|Description|Number)Length=(\d+)`)
	attributeLine = regexp.MustCompile(`^  - (?:\[(TS|EnumValue)\] )?(\S+)(?: : ([^(«]*)(?:\(len (\d+)\))?\s*(\(Date\))?)?`)
)

func readDump(text string) dump {
	d, object := dump{}, ""
	for line := range strings.Lines(text) {
		if m := objectLine.FindStringSubmatch(line); m != nil {
			object = m[1]
			d[object] = map[string]attribute{"Date": {typ: "dateTime"}}
		}
		if m := standardLine.FindStringSubmatch(line); m != nil {
			length, _ := strconv.Atoi(m[2])
			d[object][m[1]] = attribute{typ: "string", length: length}
		}
		if m := attributeLine.FindStringSubmatch(line); m != nil {
			length, _ := strconv.Atoi(m[4])
			d[object][m[2]] = attribute{typ: strings.TrimSpace(m[3]), length: length, day: m[5] != ""}
			if m[1] == "TS" {
				d[object][m[2]] = attribute{typ: "section"}
			}
		}
	}
	return d
}

// unf is the dump of 1С:УНФ 3.0, on machines that have it; the tests of it are complete without.
func unf() (dump, bool) {
	text, err := os.ReadFile(filepath.Join(corpustest.Folder("onec"), "metadata", "unf_3.0.8.txt"))
	return readDump(string(text)), err == nil
}

// named is an attribute by its name over OData, of an object by its set.
func (d dump) named(set, field string) (attribute, bool) {
	a, ok := d[strings.Replace(set, "_", ".", 1)][strings.TrimSuffix(field, "_Key")]
	return a, ok
}

// holds reports whether an enumeration, or whatever is none, can hold a value.
func (d dump) holds(typ, value string) bool {
	enum, is := strings.CutPrefix(typ, "EnumRef.")
	_, ok := d["Enum."+enum][value]
	return !is || ok || value == ""
}

func TestTheProfileIsTrueOfTheConfiguration(t *testing.T) {
	d, ok := unf()
	if !ok {
		return
	}
	p, err := infobase.Profile("unf-3")
	if err != nil {
		t.Fatal(err)
	}
	for kind, o := range p.Objects {
		for name, f := range o.Fields {
			if wrong := d.disagrees(o.Set, f); wrong != "" {
				t.Errorf("%s.%s: %s", kind, name, wrong)
			}
		}
		for field, value := range o.Constants {
			a, ok := d.named(o.Set, field)
			if text, is := value.(string); !ok || is && !d.holds(a.typ, text) {
				t.Errorf("%s: %s cannot be %v", kind, field, value)
			}
		}
		for field := range o.Stamps {
			if a, ok := d.named(o.Set, field); !ok || a.typ != "dateTime" || a.day != slices.Contains(o.Days, field) {
				t.Errorf("%s: %s is %+v, of days %v", kind, field, a, o.Days)
			}
		}
		if _, ok := d.named(o.Set, o.Watch); !ok && o.Watch != "" {
			t.Errorf("%s: there is no %s", kind, o.Watch)
		}
	}
}

// disagrees says what is not true of a field, "" if all is.
func (d dump) disagrees(set string, f onec.Field) string {
	section := f.Participant
	if f.Contact != "" {
		section = "КонтактнаяИнформация"
	}
	if a, _ := d.named(set, section); section != "" && a.typ != "section" {
		return "there is no section " + section
	}
	if a, ok := d.named(set, f.Search); f.Search != "" && (!ok || a.length != f.Length) {
		return f.Search + " is of another length, or not there"
	}
	if f.To == "" {
		return ""
	}
	a, ok := d.named(set, f.To)
	switch {
	case !ok:
		return "there is no " + f.To
	case f.Of != "" && a.typ != "CatalogRef."+strings.TrimPrefix(f.Of, "Catalog_"):
		return f.To + " is a " + a.typ
	case f.Of == "" && f.Values == nil && (!strings.HasPrefix(a.typ, "string") || a.length != f.Length):
		return f.To + " is a " + a.typ + " of " + strconv.Itoa(a.length)
	}
	for _, theirs := range f.Values {
		if !d.holds(a.typ, theirs) {
			return f.To + " cannot be " + theirs
		}
	}
	return ""
}

func TestTheSimulatedBaseIsTrueOfTheConfiguration(t *testing.T) {
	d, ok := unf()
	if !ok {
		return
	}
	for _, set := range onectest.UNF().Sets {
		if d[strings.Replace(set.Name, "_", ".", 1)] == nil {
			continue // not in the dump: employees, and the plan that is made for us
		}
		for _, f := range set.Fields {
			if f.Name == "IsFolder" || strings.HasSuffix(f.Name, "_Type") {
				continue
			}
			a, ok := d.named(set.Name, f.Name)
			if !ok || a.length != f.Length || a.day != f.Day || (a.typ == "section") != (f.Rows != nil) ||
				(f.Type == "Edm.Guid") != strings.HasPrefix(a.typ, "CatalogRef.") {
				t.Errorf("%s.%s is %+v there", set.Name, f.Name, a)
			}
		}
		if a, _ := d.named(set.Name, "Description"); a.length != set.Description {
			t.Errorf("names of %s have %d characters there", set.Name, a.length)
		}
	}
}
