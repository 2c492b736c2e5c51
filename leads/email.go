package leads

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

var emailShape = regexp.MustCompile(`[^\s<>()\[\],;:"'«»\\@]+@[^\s<>()\[\],;:"'«»\\@/?]+`)

// Email gives the normal form of the first address in raw: lower case, the domain
// in its ASCII form (почта.рф is xn--80a1acny.xn--p1ai). Takes «Иван <ivan@example.ru>»
// and mailto: too. No address in it: false.
func Email(raw string) (ContactPoint, bool) {
	if points := Emails(raw); len(points) > 0 {
		return points[0], true
	}
	return ContactPoint{}, false
}

// Emails gives every address in raw in its order, each once.
func Emails(raw string) []ContactPoint {
	if len(raw) > 2000 {
		return nil // a text, not an address
	}
	var out []ContactPoint
	seen := map[string]bool{}
	for _, found := range emailShape.FindAllString(raw, -1) {
		value, ok := normalEmail(found)
		if ok && !seen[value] {
			seen[value] = true
			out = append(out, ContactPoint{Kind: KindEmail, Value: value, Written: found})
		}
	}
	return out
}

func normalEmail(address string) (string, bool) {
	local, domain, _ := strings.Cut(norm.NFC.String(address), "@")
	local = strings.ToLower(strings.Trim(local, "."))
	domain, err := idna.Lookup.ToASCII(strings.ToLower(strings.Trim(domain, ".-")))
	if err != nil || local == "" || len(local) > 64 || len(domain) > 253 || strings.ContainsRune(local, utf8.RuneError) || strings.ContainsRune(local, 0) {
		return "", false
	}
	dot := strings.LastIndexByte(domain, '.')
	if dot < 1 || len(domain)-dot < 3 || countDigits(domain[dot:]) == len(domain)-dot-1 {
		return "", false // no top-level domain, or an IP address
	}
	return local + "@" + domain, true
}
