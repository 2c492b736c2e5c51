package leads

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var phoneInText = regexp.MustCompile(`\+?\d[\d\s()\-]{7,}\d`)

// Mask hides the phones and addresses in s, for logs and for people who may not see them:
// "+79123456789" is "+79•••••••89", "ivan@example.ru" is "i•••@example.ru".
func Mask(s string) string {
	s = emailShape.ReplaceAllStringFunc(s, func(address string) string {
		local, domain, _ := strings.Cut(address, "@")
		return string([]rune(local)[:1]) + "•••@" + domain
	})
	var out strings.Builder
	end := 0
	for _, at := range phoneInText.FindAllStringIndex(s, -1) {
		out.WriteString(s[end:at[0]])
		end = at[1]
		if number := s[at[0]:at[1]]; orderNumber(s[:at[0]], number) {
			out.WriteString(number)
		} else {
			out.WriteString(maskDigits(number))
		}
	}
	return out.String() + s[end:]
}

// orderNumber tells the number of an order or a model, K1763201-28, from a phone: a letter stands right before it, and it is
// too short to be dialled from afar.
func orderNumber(before, number string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	return before != "" && unicode.IsLetter(last) && countDigits(number) < 10
}

// maskDigits keeps the first two digits and the last two.
func maskDigits(phone string) string {
	total, seen := countDigits(phone), 0
	return strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return c
		}
		seen++
		if seen > 2 && seen <= total-2 {
			return '•'
		}
		return c
	}, phone)
}
