package leads

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

var (
	// A run of digits as people write phones.
	phoneRun = regexp.MustCompile(`\+?\s?\(?\d[\d\s().\-]{4,}\d`)
	// «доб. 12», "ext. 12", "вн. 12", "#12" right behind a number.
	phoneExtension = regexp.MustCompile(`(?i)^[\s,;.(]*(?:добавочный|доб|внутренний|внутр|вн|extension|ext|x|#)[\s.:№#]*(\d{1,7})`)
	// Every kind of dash and space people type or paste.
	phoneFolder = strings.NewReplacer("\u00a0", " ", "\u2007", " ", "\u202f", " ", "\u2009", " ", "\u200b", "", "\ufeff", "",
		"\u2010", "-", "\u2011", "-", "\u2012", "-", "\u2013", "-", "\u2014", "-", "\u2212", "-", "\uff0b", "+", "\t", " ",
		"[", "(", "]", ")", "_", " ")
)

// Phone gives the normal form, E.164, of the first phone in raw. region is the
// ISO 3166 code of the country whose habits hold for numbers without one ("RU").
// Nothing that can be called: false.
func Phone(raw, region string) (ContactPoint, bool) {
	if points := Phones(raw, region); len(points) > 0 {
		return points[0], true
	}
	return ContactPoint{}, false
}

// Phones gives every phone in raw in its order, each once: people write two numbers into one field.
func Phones(raw, region string) []ContactPoint {
	if len(raw) > 1000 {
		return nil // a text, not a phone
	}
	text := asciiDigits(phoneFolder.Replace(raw))
	var out []ContactPoint
	seen := map[string]bool{}
	for _, at := range phoneRun.FindAllStringIndex(text, -1) {
		for _, run := range splitRun(text[at[0]:at[1]]) {
			value, ok := e164(run, region)
			if !ok || seen[value] {
				continue
			}
			seen[value] = true
			out = append(out, ContactPoint{Kind: KindPhone, Value: value, Written: strings.TrimSpace(run)})
		}
		if m := phoneExtension.FindStringSubmatch(text[at[1]:]); m != nil && len(out) > 0 {
			out[len(out)-1].Extension = m[1]
		}
	}
	if len(out) == 1 {
		out[0].Written = Fold(raw)
	}
	return out
}

// splitRun takes apart two numbers with only a space between them: more digits than E.164 has.
func splitRun(run string) []string {
	if countDigits(run) <= 15 {
		return []string{run}
	}
	var out []string
	var part strings.Builder
	for _, word := range strings.Fields(run) {
		if part.Len() > 0 && (countDigits(part.String()) >= 10 || word[0] == '+') {
			out = append(out, part.String())
			part.Reset()
		}
		part.WriteString(word + " ")
	}
	return append(out, part.String())
}

// e164 accepts what the numbering plan knows. A number it does not know yet counts only
// when written in full, and never when it is the hand resting on a key.
func e164(run, region string) (string, bool) {
	if abroad, ok := strings.CutPrefix(strings.TrimSpace(run), "00"); ok {
		run = "+" + abroad // as one dials from most countries; no numbering plan has it inside
	}
	number, err := phonenumbers.Parse(run, strings.ToUpper(region))
	if err != nil {
		return "", false
	}
	national := phonenumbers.GetNationalSignificantNumber(number)
	known := phonenumbers.IsValidNumber(number)
	full := countDigits(run) >= 11 && phonenumbers.IsPossibleNumber(number)
	if !known && !full || keyMashing(national) {
		return "", false
	}
	return phonenumbers.Format(number, phonenumbers.E164), true
}

// keyMashing tells 0000000000 and 1234567890 from a number: strangers type the same.
func keyMashing(national string) bool {
	same, up := true, true
	for i := 1; i < len(national); i++ {
		same = same && national[i] == national[0]
		up = up && national[i] == '0'+(national[i-1]-'0'+1)%10
	}
	return same || up
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

// asciiDigits turns the digits of any script into 0-9.
func asciiDigits(s string) string {
	return strings.Map(func(c rune) rune {
		if c > unicode.MaxASCII && unicode.IsDigit(c) {
			for zero := c; ; zero-- { // digits of a script stand in one row of ten
				if !unicode.IsDigit(zero-1) || c-zero == 9 {
					return '0' + (c-zero)%10
				}
			}
		}
		return c
	}, s)
}
