package leads

import "strings"

// Weights of the check digits, order of the Federal Tax Service of 29.06.2012 ММВ-7-6/435@.
var (
	inn10 = []int{2, 4, 10, 3, 5, 9, 4, 6, 8}
	inn11 = []int{7, 2, 4, 10, 3, 5, 9, 4, 6, 8}
	inn12 = []int{3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8}
)

// INN reports whether s is a Russian taxpayer number: 10 digits of a firm or 12 of
// a person, with right check digits. Spaces around do not matter.
func INN(s string) bool {
	s = strings.TrimSpace(s)
	if strings.Trim(s, "0") == "" || countDigits(s) != len(s) {
		return false
	}
	switch len(s) {
	case 10:
		return checkDigit(s, inn10)
	case 12:
		return checkDigit(s, inn11) && checkDigit(s, inn12)
	}
	return false
}

func checkDigit(s string, weights []int) bool {
	sum := 0
	for i, w := range weights {
		sum += w * int(s[i]-'0')
	}
	return sum%11%10 == int(s[len(weights)]-'0')
}
