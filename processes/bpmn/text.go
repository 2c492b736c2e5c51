package bpmn

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Text is a text for people with places to fill in, "Позвоните {{contact.name}}", or a value "=steps.reason".
type Text struct {
	Source string

	value  *Expr    // the whole text is an expression
	parts  []string // what stands around the places: one more than places
	places []*Expr
	labels []map[string]string // of each place: what the choices of the steps it names are called
}

var (
	place = regexp.MustCompile(`\{\{([^{}]*)\}\}`)
	// A place that only names a value; a longer one chooses its words itself.
	bareName  = regexp.MustCompile(`^[\w.]+$`)
	stepNamed = regexp.MustCompile(`\bsteps\.(\w+)`)
)

// NewText takes the text as written.
func NewText(source string) *Text {
	t := &Text{Source: source}
	if marked(strings.TrimSpace(source)) {
		t.value = NewExpr(source)
		return t
	}
	end := 0
	for _, at := range place.FindAllStringSubmatchIndex(source, -1) {
		t.parts = append(t.parts, source[end:at[0]])
		t.places = append(t.places, NewExpr(source[at[2]:at[3]]))
		end = at[1]
	}
	t.parts = append(t.parts, source[end:])
	return t
}

// Constant tells that there is nothing to fill in.
func (t *Text) Constant() bool { return t == nil || t.value == nil && len(t.places) == 0 }

// Expressions lists what the text refers to.
func (t *Text) expressions() []*Expr {
	if t == nil {
		return nil
	}
	if t.value != nil {
		return []*Expr{t.value}
	}
	return t.places
}

// Value is the value of an "=" text with its type, or the filled in text.
func (t *Text) Value(env map[string]any) (any, error) {
	if t == nil {
		return "", nil
	}
	if t.value != nil {
		return t.value.Eval(env)
	}
	return t.Fill(env, "")
}

// label teaches the text what the choices are called that it may show: people read "Дорого", not "expensive".
func (t *Text) label(p *Process) {
	if t == nil || t.value != nil {
		return
	}
	t.labels = make([]map[string]string, len(t.places))
	for i, e := range t.places {
		for _, named := range stepNamed.FindAllStringSubmatch(e.Source, -1) {
			for value, label := range p.choices(named[1]) {
				if t.labels[i] == nil {
					t.labels[i] = map[string]string{}
				}
				t.labels[i][value] = label
			}
		}
	}
}

// shown is the value of a place as people read it.
func (t *Text) shown(i int, v any, absent string) string {
	if key, ok := v.(string); ok && t.labels != nil {
		v = cmp.Or(t.labels[i][key], key)
	}
	if !bareName.MatchString(t.places[i].Source) {
		absent = ""
	}
	text := format(v, absent)
	if _, kopecks, dotted := strings.Cut(text, ","); dotted && len(kopecks) == 1 && sum(v, t.parts[i+1]) {
		text += "0"
	}
	return text
}

// sum tells a number in front of a currency: 150 000,50 ₽.
func sum(v any, behind string) bool {
	_, number := v.(float64)
	behind = strings.TrimLeft(behind, " \u00a0")
	return number && (strings.HasPrefix(behind, "₽") || strings.HasPrefix(behind, "руб"))
}

// Fill gives the text for people; absent stands where a value that is only named is empty.
func (t *Text) Fill(env map[string]any, absent string) (string, error) {
	if t == nil {
		return "", nil
	}
	if t.value != nil {
		v, err := t.value.Eval(env)
		return format(v, absent), err
	}
	if len(t.places) == 0 {
		return t.Source, nil
	}
	var out strings.Builder
	for i, e := range t.places {
		v, err := e.Eval(env)
		if err != nil {
			return "", err
		}
		out.WriteString(t.parts[i])
		out.WriteString(t.shown(i, v, absent))
	}
	out.WriteString(t.parts[len(t.places)])
	return out.String(), nil
}

// format writes a value as Russians write it: 1 250 000, 25.11.2026, да.
func format(v any, absent string) string {
	if empty, _ := isEmpty(v).(bool); empty {
		if _, number := v.(float64); !number {
			return absent
		}
	}
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return "да"
	case float64:
		return grouped(v)
	case time.Time:
		if v.Hour() == 0 && v.Minute() == 0 {
			return v.Format("02.01.2006")
		}
		return v.Format("02.01.2006 15:04")
	case []string:
		return strings.Join(v, ", ")
	}
	return fmt.Sprint(v)
}

func grouped(f float64) string {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	whole, fraction, dotted := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "\u00a0" + whole[i:]
	}
	if dotted {
		whole += "," + fraction
	}
	return sign + whole
}
