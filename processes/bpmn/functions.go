package bpmn

import (
	"net/mail"
	"reflect"
	"strings"
	"time"

	"github.com/expr-lang/expr"
)

// functions are what conditions may call beside the built-in ones of expr.
//
//	empty(x)   no text, zero, no, no date, nothing
//	inn(x)     a Russian taxpayer number with a right check sum: 10 digits of a firm, 12 of a person
//	phone(x)   has 10 to 15 digits and nothing that a phone number does not have
//	email(x)   an address
//	days(n)    n days of 24 hours, to add to a moment
var functions = []expr.Option{
	function("empty", isEmpty, new(func(any) bool)),
	function("inn", func(v any) any { return INN(text(v)) }, new(func(any) bool)),
	function("phone", func(v any) any { return phone(text(v)) }, new(func(any) bool)),
	function("email", func(v any) any { return email(text(v)) }, new(func(any) bool)),
	function("days", func(v any) any {
		n, _ := ToNumber(v)
		return time.Duration(n * 24 * float64(time.Hour))
	}, new(func(any) time.Duration)),
}

func function(name string, f func(any) any, signature any) expr.Option {
	return expr.Function(name, func(params ...any) (any, error) { return f(params[0]), nil }, signature)
}

func isEmpty(v any) any {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case time.Time:
		return v.IsZero()
	case []string:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return reflect.ValueOf(v).IsZero()
}

// INN checks the check digits of a Russian taxpayer number (order ММВ-7-6/435 of the tax service, annex 1).
func INN(s string) bool {
	digits := make([]int, 0, 12)
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
		digits = append(digits, int(r-'0'))
	}
	check := func(weights ...int) int {
		sum := 0
		for i, w := range weights {
			sum += w * digits[i]
		}
		return sum % 11 % 10
	}
	switch len(digits) {
	case 10:
		return s != "0000000000" && check(2, 4, 10, 3, 5, 9, 4, 6, 8) == digits[9]
	case 12:
		return s != "000000000000" && check(7, 2, 4, 10, 3, 5, 9, 4, 6, 8) == digits[10] &&
			check(3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8) == digits[11]
	}
	return false
}

func phone(s string) bool {
	digits := 0
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '+' && i == 0:
		case strings.ContainsRune(" -().\u00a0", r):
		default:
			return false
		}
	}
	return digits >= 10 && digits <= 15 // E.164
}

func email(s string) bool {
	s = strings.TrimSpace(s)
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && strings.Contains(s[strings.LastIndexByte(s, '@')+1:], ".")
}
