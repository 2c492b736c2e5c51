package leads

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// Amount is an exact decimal without a sign: a sum of money or a quantity. The
// zero value is 0; two equal amounts are ==. In JSON it is a string, "12000.50".
type Amount struct {
	text string // canonical: no leading zeros, no trailing ones behind the point; "" is 0
}

var plainDecimal = regexp.MustCompile(`^\d{1,16}(\.\d{1,4})?$`)

// NewAmount reads the canonical writing, digits with at most four behind a point.
func NewAmount(s string) (Amount, error) {
	if !plainDecimal.MatchString(s) {
		return Amount{}, NotValid("«%s» — не сумма вида 12000.50", "%q is not an amount like 12000.50", s)
	}
	return canonical(s), nil
}

func canonical(s string) Amount {
	s = strings.TrimLeft(s, "0")
	if strings.ContainsRune(s, '.') {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if strings.HasPrefix(s, ".") {
		s = "0" + s
	}
	return Amount{s}
}

// String is the canonical writing with a point.
func (a Amount) String() string {
	if a.text == "" {
		return "0"
	}
	return a.text
}

// Sum is the amount as sums of money are written down: "12500.50", and "12500" when there are no kopecks.
func (a Amount) Sum() string {
	s := a.String()
	if _, kopecks, dotted := strings.Cut(s, "."); dotted && len(kopecks) == 1 {
		return s + "0"
	}
	return s
}

// IsZero reports whether a is 0.
func (a Amount) IsZero() bool { return a.text == "" }

// Money reports whether a has no fractions of a kopeck.
func (a Amount) Money() bool {
	_, fraction, _ := strings.Cut(a.text, ".")
	return len(fraction) <= 2
}

// Float is a near enough, for conditions and charts, never for sums.
func (a Amount) Float() float64 {
	f, _ := strconv.ParseFloat(a.String(), 64)
	return f
}

// Compare is -1, 0 or +1 as a is less than, equal to or greater than b.
func (a Amount) Compare(b Amount) int { return a.rat().Cmp(b.rat()) }

// Add is the exact sum.
func (a Amount) Add(b Amount) Amount {
	return canonical(new(big.Rat).Add(a.rat(), b.rat()).FloatString(4))
}

func (a Amount) rat() *big.Rat {
	r, _ := new(big.Rat).SetString(a.String())
	return r
}

// MarshalJSON writes a string, so that no reader loses kopecks in a float.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(`"` + a.String() + `"`), nil }

// UnmarshalJSON reads a string or a number.
func (a *Amount) UnmarshalJSON(b []byte) error {
	s := string(b)
	if strings.HasPrefix(s, `"`) {
		if err := json.Unmarshal(b, &s); err != nil {
			return fmt.Errorf("read amount: %w", err)
		}
	}
	parsed, err := NewAmount(s)
	*a = parsed
	return err
}

// Scan reads a numeric cast to text from a database.
func (a *Amount) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return errors.New("an amount is read from text: cast it in SQL")
	}
	parsed, err := NewAmount(s)
	*a = parsed
	return err
}

var (
	moneyShape = regexp.MustCompile(`^([^\d]*?)\s*(\d[\d .,']*?)\s*(млн\.?|тыс\.?|т\.р\.|т\.\s?руб\.?|)\s*([^\d\s]*)\.?$`)
	// Groups of three with one separator all through.
	grouped    = regexp.MustCompile(`^\d{1,3}(?:(?: \d{3})+|(?:'\d{3})+|(?:\.\d{3}){2,}|(?:,\d{3}){2,})$`)
	groupedDot = regexp.MustCompile(`^\d{1,3}(?:\.\d{3})+$`)
	groupedCom = regexp.MustCompile(`^\d{1,3}(?:,\d{3})+$`)
	plainMoney = regexp.MustCompile(`^\d{1,16}$`)
	currencies = map[string]string{
		"": "", "₽": "RUB", "р": "RUB", "руб": "RUB", "рублей": "RUB", "рубля": "RUB", "рубль": "RUB", "rub": "RUB", "rur": "RUB",
		"$": "USD", "usd": "USD", "€": "EUR", "eur": "EUR", "₸": "KZT", "kzt": "KZT", "тг": "KZT", "тенге": "KZT",
		"byn": "BYN", "br": "BYN", "cny": "CNY", "¥": "CNY",
	}
)

// ParseAmount reads a sum as people write it: "12 000,50 ₽", "12.000,50", "1,5 млн".
// What can be read in two ways ("12.000", "от 5000", "5-7 тыс") is refused: false.
func ParseAmount(raw string) (Amount, bool) {
	amount, _, ok := ParseMoney(raw)
	return amount, ok
}

// ParseMoney is ParseAmount with the currency (ISO 4217) when one is written, else "".
func ParseMoney(raw string) (Amount, string, bool) {
	text := strings.ToLower(Fold(phoneFolder.Replace(raw)))
	m := moneyShape.FindStringSubmatch(text)
	if m == nil || len(text) > 60 {
		return Amount{}, "", false
	}
	before, okBefore := currencies[strings.Trim(m[1], ". ")]
	after, okAfter := currencies[strings.Trim(m[4], ". ")]
	digits, ok := plainNumber(strings.TrimSpace(m[2]))
	if !ok || !okBefore || !okAfter || before != "" && after != "" && before != after {
		return Amount{}, "", false
	}
	amount, ok := scale(digits, m[3])
	currency := before + after
	if before != "" && after != "" {
		currency = before
	}
	if currency == "" && strings.HasPrefix(m[3], "т.") {
		currency = "RUB"
	}
	return amount, currency, ok
}

// plainNumber turns a written number into digits with a point, if there is one way to read it.
func plainNumber(s string) (string, bool) {
	whole, fraction := s, ""
	if i := strings.LastIndexAny(s, ".,"); i >= 0 && len(s)-i-1 <= 2 && len(s)-i-1 > 0 {
		whole, fraction = s[:i], s[i+1:]
		other := groupedCom
		if s[i] == ',' {
			other = groupedDot
		}
		if strings.ContainsAny(whole, ".,") && !other.MatchString(whole) {
			return "", false
		}
	} else if !plainMoney.MatchString(s) && !grouped.MatchString(s) {
		return "", false
	}
	if !plainMoney.MatchString(whole) && !grouped.MatchString(whole) && !groupedDot.MatchString(whole) && !groupedCom.MatchString(whole) {
		return "", false
	}
	whole = strings.NewReplacer(" ", "", "'", "", ".", "", ",", "").Replace(whole)
	if fraction != "" {
		whole += "." + fraction
	}
	return whole, true
}

func scale(digits, word string) (Amount, bool) {
	factor := int64(1)
	switch {
	case strings.HasPrefix(word, "млн"):
		factor = 1_000_000
	case word != "":
		factor = 1_000
	}
	r, ok := new(big.Rat).SetString(digits)
	if !ok {
		return Amount{}, false
	}
	r.Mul(r, new(big.Rat).SetInt64(factor))
	text := r.FloatString(2)
	return canonical(text), plainDecimal.MatchString(text)
}
