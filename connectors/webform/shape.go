package webform

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"marshrut/leads"
)

var (
	// A value that is a phone and nothing else, written with its country or trunk code,
	// or as ten digits of a Russian mobile: order numbers and tax numbers look like phones too.
	phoneShape = regexp.MustCompile(`^(?:\+\s*\d|[78](?:[\s(.-]|\d)|\(?9\d\d)[\d\s().–-]{7,20}$`)
	emailShape = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@.]{2,}$`)
	innShape   = regexp.MustCompile(`^\d{10}$|^\d{12}$`)
	orderWords = []string{"заказ", "order", "номер", "артикул", "sku", "inn", "инн", "id", "код", "code", "счет", "договор"}
	boxText    = regexp.MustCompile(`(?i)соглас.{0,80}(обработк|персональн|политик|услови)|(персональн|personal data|privacy policy)`)
)

// byShape looks at the fields whose names said nothing.
func (rd *reader) byShape() {
	for i := range rd.in.Fields {
		f := &rd.in.Fields[i]
		if f.Known != knownShape {
			continue
		}
		switch {
		case len(rd.found[KnownEmail]) == 0 && emailShape.MatchString(f.Value):
			f.Known = KnownEmail
		case len(rd.found[KnownPhone]) == 0 && rd.looksLikePhone(f.Key, f.Value):
			f.Known = KnownPhone
		case boxText.MatchString(f.Value) || boxText.MatchString(f.Key) && answer(f.Value) != consentAbsent:
			f.Known = KnownConsent
			rd.boxes = append(rd.boxes, Field{Key: f.Key, Label: f.Label, Value: f.Value})
			continue
		case rd.in.INN == "" && len(rd.found[KnownINN]) == 0 && innShape.MatchString(f.Value) && leads.INN(f.Value):
			f.Known = KnownINN
		default:
			continue
		}
		rd.found[f.Known] = append(rd.found[f.Known], finding{value: f.Value, label: cmp.Or(f.Label, f.Key), index: i})
	}
}

func (rd *reader) looksLikePhone(key, value string) bool {
	digits := countDigits(value)
	if digits < 10 || digits > 15 || !phoneShape.MatchString(value) {
		return false
	}
	if _, ok := leads.Phone(value, rd.region); !ok {
		return false
	}
	if strings.HasPrefix(value, "+") {
		return true
	}
	for word := range strings.FieldsSeq(fold(key)) {
		if slices.ContainsFunc(orderWords, func(w string) bool { return strings.HasPrefix(word, w) }) {
			return false
		}
	}
	return !(innShape.MatchString(value) && leads.INN(value))
}

func countDigits(s string) int {
	n := 0
	for _, c := range s {
		if c >= '0' && c <= '9' {
			n++
		}
	}
	return n
}
