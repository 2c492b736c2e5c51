package leads

import (
	"regexp"
	"strings"
)

var phoneInText = regexp.MustCompile(`\+?\d[\d\s()\-]{7,}\d`)

// Mask hides the phones and addresses in s, for logs and for people who may not see them:
// "+79123456789" is "+79•••••••89", "ivan@example.ru" is "i•••@example.ru".
func Mask(s string) string {
	s = emailShape.ReplaceAllStringFunc(s, func(address string) string {
		local, domain, _ := strings.Cut(address, "@")
		return string([]rune(local)[:1]) + "•••@" + domain
	})
	return phoneInText.ReplaceAllStringFunc(s, maskDigits)
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
