package onec

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"marshrut/connectors"
	"marshrut/connectors/onec/odata"
	"marshrut/leads"
)

// codec turns values of ours into attributes of one kind of objects and back. It is pure: names of the base come as dictionaries.
type codec struct {
	objects  Objects
	settings Settings
	region   string
	words    map[string]*dictionary // by set; of contact kinds by predefined name
	kinds    string                 // set of contact kinds
	say      texts
}

// dictionary is a small set of the base by name.
type dictionary struct {
	refs  map[string]string // by name, folded
	names map[string]string // by reference
	types map[string]string // of contact kinds: the first one of each type
}

// newDictionary reads objects of a set that are known by the fields names. What is marked for deletion is not taken.
func newDictionary(list []odata.Entity, names []string) *dictionary {
	d := &dictionary{refs: map[string]string{}, names: map[string]string{}, types: map[string]string{}}
	for _, e := range list {
		if e.Deleted() {
			continue
		}
		if kind := e.Text("Тип"); kind != "" && d.types[kind] == "" && e.Text("IsFolder") != "true" {
			d.types[kind] = e.Ref()
		}
		for _, field := range names {
			if name := e.Text(field); name != "" {
				d.refs[fold(name)] = e.Ref()
				d.names[e.Ref()] = name
			}
		}
	}
	return d
}

func (d *dictionary) ref(name string) (string, bool) {
	if d == nil {
		return "", false
	}
	ref, ok := d.refs[fold(name)]
	return ref, ok
}

func fold(name string) string { return strings.ToLower(leads.Fold(name)) }

// decode reads an object. What cannot be told is missing.
func (c codec) decode(e odata.Entity) map[string]string {
	values := map[string]string{}
	for name, f := range c.objects.Fields {
		if value, ok := c.value(f, e); ok {
			values[name] = value
		}
	}
	return values
}

func (c codec) value(f Field, e odata.Entity) (string, bool) {
	switch {
	case f.Contact != "":
		return c.contactOf(f, e)
	case f.Participant != "":
		return "", false // written only
	case f.Of != "":
		return c.nameOf(f, e.Text(f.To))
	}
	if _, there := e[f.To]; !there {
		return "", false
	}
	text := e.Text(f.To)
	if f.Values == nil {
		return f.heading(strings.TrimRight(bearable(text), " ")), true
	}
	return known(f.Values, text)
}

// known is our word for one of theirs. Where several of ours are one of theirs it is the first.
func known(ours map[string]string, theirs string) (string, bool) {
	for _, word := range slices.Sorted(maps.Keys(ours)) {
		if fold(ours[word]) == fold(theirs) {
			return word, true
		}
	}
	return "", false
}

// nameOf is our word for a reference. One that nobody has given a word is not told.
func (c codec) nameOf(f Field, ref string) (string, bool) {
	if ref == "" {
		return "", true
	}
	d := c.words[f.Of]
	if d == nil {
		return "", false
	}
	name, ok := d.names[ref]
	if !ok {
		return "", false
	}
	return known(c.settings.dictionaryOf(f.Words), name)
}

// contactOf finds the phone or e-mail of the kind, else the first one of its type.
func (c codec) contactOf(f Field, e odata.Entity) (string, bool) {
	if _, there := e[information]; !there {
		return "", false
	}
	kind, _ := c.kindOf(f)
	var first string
	for _, row := range e.Rows(information) {
		if row.Text("Тип") != f.Contact {
			continue
		}
		value := c.contact(f, row)
		if kind != "" && strings.EqualFold(row.Text("Вид_Key"), kind) && value != "" {
			return value, true
		}
		if first == "" {
			first = value
		}
	}
	return first, true
}

// kindOf is the contact kind a field is kept under. Releases name it differently, and a number under another
// kind of its type is better than a lead that does not arrive.
func (c codec) kindOf(f Field) (string, bool) {
	d := c.words[c.kinds]
	for _, name := range f.Kinds {
		if ref, ok := d.ref(name); ok {
			return ref, true
		}
	}
	if d == nil {
		return "", false
	}
	ref, ok := d.types[f.Contact]
	return ref, ok
}

func (c codec) contact(f Field, row odata.Entity) string {
	if f.Contact == phoneType {
		for _, text := range []string{row.Text("Представление"), "+" + row.Text("НомерТелефона")} {
			if p, ok := leads.Phone(text, c.region); ok {
				return p.Value
			}
		}
		return ""
	}
	for _, text := range []string{row.Text("АдресЭП"), row.Text("Представление")} {
		if p, ok := leads.Email(text); ok {
			return p.Value
		}
	}
	return ""
}

// phoneType is the type of contact information that is a phone; the other one we write is an e-mail.
const phoneType = "Телефон"

// encode makes the attributes of values. seen is the object as it is, so that rows of others in
// its tabular sections stay: they are written whole.
func (c codec) encode(values map[string]string, seen odata.Entity) (odata.Entity, error) {
	e := odata.Entity{}
	rows, touched := cloneRows(seen.Rows(information)), false
	for _, name := range slices.Sorted(maps.Keys(values)) {
		f, ok := c.objects.Fields[name]
		if !ok {
			continue
		}
		switch {
		case f.Contact != "":
			var changed bool
			var err error
			if rows, changed, err = c.setContact(rows, f, values[name]); err != nil {
				return nil, err
			}
			touched = touched || changed
			if changed && f.Search != "" {
				e[f.Search] = searchable(f, values[name])
			}
		case f.Participant != "":
			if values[name] != "" {
				e[f.Participant] = []odata.Entity{{"LineNumber": "1", participant: values[name], participant + "_Type": "StandardODATA." + f.As}}
			}
		default:
			if err := c.set(e, f, values[name], seen); err != nil {
				return nil, err
			}
		}
	}
	if touched {
		e[information] = numbered(rows)
	}
	return e, nil
}

func (c codec) set(e odata.Entity, f Field, value string, seen odata.Entity) error {
	switch {
	case f.Of != "":
		if ref, ok := c.refOf(f, value); ok {
			e[f.To] = ref
		}
		return nil
	case f.Values != nil:
		if theirs, ok := f.Values[value]; ok {
			e[f.To] = theirs
		}
		return nil
	}
	text, err := c.fit(f, value)
	if err != nil {
		return err
	}
	e[f.To] = text
	if f.Heading > 0 {
		e[f.To] = f.under(bearable(seen.Text(f.To)), text)
	}
	if f.Type != "" {
		e[f.To+"_Type"] = f.Type
	}
	return nil
}

func (c codec) refOf(f Field, value string) (string, bool) {
	if value == "" {
		return odata.EmptyRef, true
	}
	return c.words[f.Of].ref(c.settings.dictionaryOf(f.Words)[value])
}

// fit makes a text fit its attribute.
func (c codec) fit(f Field, value string) (string, error) {
	value = strings.TrimRight(bearable(value), " ")
	if value == "" && f.Required {
		return "", &connectors.Trouble{Words: fmt.Sprintf(c.say.required, c.place(f)), Final: true}
	}
	if f.Length == 0 || units(value) <= f.Length {
		return value, nil
	}
	if !f.Cut {
		return "", &connectors.Trouble{Words: fmt.Sprintf(c.say.tooLong, c.place(f), f.Length), Final: true}
	}
	return shortened(value, f.Length), nil
}

func shortened(text string, length int) string {
	cut := []rune(text)
	cut = cut[:min(len(cut), length-1)]
	for units(string(cut)) > length-1 {
		cut = cut[:len(cut)-1]
	}
	return strings.TrimRight(string(cut), " ") + "…"
}

// units are what 1C counts as characters: its strings are UTF-16, and most emoji are two.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// bearable is a text without the characters that XML does not know, which bases refuse to keep
// or choke on in a change feed, and with the line ends of 1C.
func bearable(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r < ' ' && r != '\n' && r != '\t', r == 0xFFFE, r == 0xFFFF:
			return -1
		}
		return r
	}, s)
}

func (c codec) place(f Field) string { return human(c.objects.Set) + "." + f.To }

// normal gives values as decode would give them after encode.
func (c codec) normal(values map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for name, value := range values {
		f, ok := c.objects.Fields[name]
		switch {
		case !ok || f.Participant != "":
		case f.Contact != "":
			out[name] = value
		case f.Of != "":
			if ref, ok := c.refOf(f, value); ok {
				if back, ok := c.nameOf(f, strings.Replace(ref, odata.EmptyRef, "", 1)); ok {
					out[name] = back
				}
			}
		case f.Values != nil:
			if theirs, ok := f.Values[value]; ok {
				out[name], _ = known(f.Values, theirs)
			}
		default:
			text, err := c.fit(f, value)
			if err != nil {
				return nil, err
			}
			out[name] = f.heading(text)
		}
	}
	return out, nil
}

// heading is the part of a text that is ours.
func (f Field) heading(text string) string {
	if f.Heading == 0 {
		return text
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.TrimSpace(line)
	if units(line) <= f.Heading {
		return line
	}
	return shortened(line, f.Heading)
}

// under puts a new heading over what stands under the old one. A line that was too long to be shown whole stays there whole.
func (f Field) under(text, heading string) string {
	rest := strings.TrimSpace(text)
	switch old := f.heading(text); {
	case old == heading:
		return text
	case strings.HasPrefix(rest, old):
		rest = strings.TrimSpace(strings.TrimPrefix(rest, old))
	}
	return strings.TrimSpace(heading + "\n" + rest)
}

// sameAs reports that an object of the same moment is the one that was sent: by what tells people and firms apart, for the rest may have
// been edited on either side since; without any of that, by all of it.
func (c codec) sameAs(values map[string]string, sent, there odata.Entity) bool {
	theirs, told := c.decode(there), false
	for _, field := range []string{"phone", "email", "inn"} {
		if values[field] == "" {
			continue
		}
		if told = true; theirs[field] == values[field] {
			return true
		}
	}
	return !told && odata.Verify(c.objects.Set, sent, there) == nil
}

func cloneRows(rows []odata.Entity) []odata.Entity {
	out := make([]odata.Entity, len(rows))
	for i, row := range rows {
		out[i] = maps.Clone(row)
		delete(out[i], "Ref_Key")
	}
	return out
}

func numbered(rows []odata.Entity) []odata.Entity {
	for i := range rows {
		rows[i]["LineNumber"] = strconv.Itoa(i + 1)
	}
	return rows
}

// setContact puts a phone or an e-mail into the row of its kind. An empty value takes nothing away: people lose no number
// because a machine knows none.
func (c codec) setContact(rows []odata.Entity, f Field, value string) ([]odata.Entity, bool, error) {
	if value == "" {
		return rows, false, nil
	}
	kind, ok := c.kindOf(f)
	if !ok {
		return nil, false, &connectors.Trouble{Words: fmt.Sprintf(c.say.noKind, strings.Join(f.Kinds, ", ")), Final: true}
	}
	at := slices.IndexFunc(rows, func(row odata.Entity) bool { return strings.EqualFold(row.Text("Вид_Key"), kind) })
	if at >= 0 && c.contact(f, rows[at]) == value {
		return rows, false, nil
	}
	row := contactRow(f, kind, value)
	if at < 0 {
		return append(rows, row), true, nil
	}
	rows[at] = row
	return rows, true, nil
}

func contactRow(f Field, kind, value string) odata.Entity {
	row := odata.Entity{"Тип": f.Contact, "Вид_Key": kind, "Представление": value, "ЗначенияПолей": ""}
	if f.Contact == phoneType {
		number := splitPhone(value)
		row["Представление"] = number.shown
		// The handlers of the base do not fill these for writes over OData, and it searches by them.
		row["НомерТелефона"] = number.digits
		row["НомерТелефонаБезКодов"] = number.number
		row["Значение"] = valueJSON(map[string]any{"version": 5, "value": number.shown, "type": f.Contact, "comment": "",
			"countryCode": number.country, "areaCode": number.area, "number": number.number, "extNumber": ""})
		return row
	}
	_, domain, _ := strings.Cut(value, "@")
	row["АдресЭП"], row["ДоменноеИмяСервера"] = value, domain
	row["Значение"] = valueJSON(map[string]any{"version": 5, "value": value, "type": f.Contact, "comment": ""})
	return row
}

func valueJSON(v map[string]any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // texts and numbers have no error
	}
	return string(text)
}

type phoneParts struct{ country, area, number, digits, shown string }

var russian = regexp.MustCompile(`^\+7(\d{3})(\d{3})(\d{2})(\d{2})$`)

// splitPhone takes a number in E.164 apart as 1C keeps it. Only where the lengths of codes are known are there any.
func splitPhone(value string) phoneParts {
	digits := strings.TrimPrefix(value, "+")
	m := russian.FindStringSubmatch(value)
	if m == nil {
		return phoneParts{number: cutTo(digits, 20), digits: cutTo(digits, 20), shown: value}
	}
	return phoneParts{country: "7", area: m[1], number: m[2] + m[3] + m[4], digits: digits,
		shown: fmt.Sprintf("+7 (%s) %s-%s-%s", m[1], m[2], m[3], m[4])}
}

func cutTo(s string, n int) string { return s[:min(n, len(s))] }

func searchable(f Field, value string) string {
	if f.Contact == phoneType {
		return cutTo(strings.TrimPrefix(value, "+"), f.Length)
	}
	return value
}
