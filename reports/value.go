package reports

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// Unit is what a column holds, and so how it is written.
type Unit string

const (
	Words    Unit = "text"
	Count    Unit = "count"    // whole number
	Money    Unit = "money"    // roubles with kopecks, exact
	Percent  Unit = "percent"  // a share: 0.25 is 25 %
	Duration Unit = "duration" // calendar time, in seconds
	Date     Unit = "date"     // a moment
)

// Value is one number or text of a result. Its zero value is an empty cell:
// nothing to show, as a share of nothing is.
type Value struct {
	unit   Unit
	text   string // Words; Money as a decimal with two places
	whole  int64  // Count; Duration in seconds
	share  float64
	moment time.Time
}

func wordsOf(s string) Value     { return Value{unit: Words, text: s} }
func countOf(n int64) Value      { return Value{unit: Count, whole: n} }
func moneyOf(s string) Value     { return Value{unit: Money, text: s} }
func percentOf(f float64) Value  { return Value{unit: Percent, share: f} }
func durationOf(sec int64) Value { return Value{unit: Duration, whole: sec} }
func dateOf(t time.Time) Value   { return Value{unit: Date, moment: t} }
func zeroOf(u Unit) Value {
	switch u {
	case Count:
		return countOf(0)
	case Money:
		return moneyOf("0.00")
	}
	return Value{}
}

// Empty tells whether there is nothing to show.
func (v Value) Empty() bool { return v.unit == "" }

// Unit is what the value is; "" when empty.
func (v Value) Unit() Unit { return v.unit }

// Text is the value of a Words column, or the exact decimal of an amount.
func (v Value) Text() string { return v.text }

// Int is a count, or the seconds of a duration.
func (v Value) Int() int64 { return v.whole }

// Time is the moment of a Date column.
func (v Value) Time() time.Time { return v.moment }

// Float is the value as a number: for charts and for cells of a workbook, where
// amounts are binary numbers too.
func (v Value) Float() float64 {
	switch v.unit {
	case Count, Duration:
		return float64(v.whole)
	case Percent:
		return v.share
	case Money:
		f, _ := strconv.ParseFloat(v.text, 64)
		return f
	}
	return 0
}

func (v Value) rat() *big.Rat {
	if v.unit == Money {
		if r, ok := new(big.Rat).SetString(v.text); ok {
			return r
		}
	}
	return new(big.Rat).SetInt64(v.whole)
}

// equal compares two numbers of one unit exactly.
func (v Value) equal(w Value) bool { return v.unit == w.unit && v.rat().Cmp(w.rat()) == 0 }

// plus adds two counts, durations or amounts; an empty value adds nothing.
func (v Value) plus(w Value) Value {
	if v.Empty() {
		return w
	}
	if w.Empty() {
		return v
	}
	if v.unit == Money {
		return moneyOf(new(big.Rat).Add(v.rat(), w.rat()).FloatString(2))
	}
	return Value{unit: v.unit, whole: v.whole + w.whole}
}

// over is the share of v in w, empty when w is nothing.
func (v Value) over(w Value) Value {
	den := w.rat()
	if v.Empty() || w.Empty() || den.Sign() == 0 {
		return Value{}
	}
	share, _ := new(big.Rat).Quo(v.rat(), den).Float64()
	return percentOf(share)
}

// MarshalJSON writes null, a text, a number (counts, seconds, shares with six
// places), an amount as a decimal text "1250.00", or a moment (RFC 3339).
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.unit {
	case Words, Money:
		return json.Marshal(v.text)
	case Count, Duration:
		return strconv.AppendInt(nil, v.whole, 10), nil
	case Percent:
		return []byte(strconv.FormatFloat(v.share, 'f', 6, 64)), nil
	case Date:
		return json.Marshal(v.moment.Format(time.RFC3339))
	}
	return []byte("null"), nil
}

// Format writes the value as people of the language read it: 12 500 or 12,500.
// An empty value is a dash.
func (v Value) Format(language string) string {
	switch v.unit {
	case Words:
		return v.text
	case Count:
		return group(strconv.FormatInt(v.whole, 10), language)
	case Money:
		return formatMoney(v.text, language)
	case Percent:
		return decimalMark(strconv.FormatFloat(v.share*100, 'f', 1, 64), language) + percentSign(language)
	case Duration:
		return formatDuration(time.Duration(v.whole)*time.Second, language)
	case Date:
		return v.moment.Format(dateLayout(language))
	}
	return "–"
}

const narrow = "\u00a0" // between groups of digits: a line must not break there

func percentSign(language string) string {
	if language == "en" {
		return "%"
	}
	return narrow + "%"
}

func dateLayout(language string) string {
	if language == "en" {
		return "2006-01-02 15:04"
	}
	return "02.01.2006 15:04"
}

func decimalMark(s, language string) string {
	if language == "en" {
		return s
	}
	return strings.Replace(s, ".", ",", 1)
}

// group puts a space (a comma in English) between thousands.
func group(digits, language string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	mark := narrow
	if language == "en" {
		mark = ","
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(mark)
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// formatMoney drops kopecks that are none: a report is read by the eye.
func formatMoney(decimal, language string) string {
	whole, fraction, _ := strings.Cut(decimal, ".")
	s := group(whole, language)
	if strings.Trim(fraction, "0") != "" {
		s += decimalMark("."+fraction, language)
	}
	if language == "en" {
		return "₽" + s
	}
	return s + narrow + "₽"
}

// formatDuration writes the two largest units: 3 д 4 ч, 12 мин, 40 с.
func formatDuration(d time.Duration, language string) string {
	units := []struct {
		size time.Duration
		name Text
	}{
		{24 * time.Hour, Text{"д", "d"}}, {time.Hour, Text{"ч", "h"}},
		{time.Minute, Text{"мин", "min"}}, {time.Second, Text{"с", "s"}},
	}
	var parts []string
	for _, u := range units {
		n := d / u.size
		if n == 0 && (len(parts) > 0 || u.size > time.Second) {
			if len(parts) > 0 {
				break
			}
			continue
		}
		parts = append(parts, strconv.FormatInt(int64(n), 10)+narrow+u.name.In(language))
		d -= n * u.size
		if len(parts) == 2 {
			break
		}
	}
	return strings.Join(parts, " ")
}
