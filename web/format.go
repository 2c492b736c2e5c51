package web

import (
	"fmt"
	"strings"
	"time"
)

// format writes dates, numbers and money the way a language does, in the company's time zone.
type format struct {
	language string
	zone     *time.Location
	texts    catalogue
}

const (
	thinSpace = "\u202f" // narrow no-break space: groups of digits
	noBreak   = "\u00a0"
)

var months = map[string][12]string{
	"ru": {"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"},
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
}

// date is "5 марта", with the year when it is not that of now.
func (f format) date(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	t, now = t.In(f.zone), now.In(f.zone)
	day := fmt.Sprintf("%d%s%s", t.Day(), noBreak, months[f.language][t.Month()-1])
	if t.Year() != now.Year() {
		day += fmt.Sprintf("%s%d", noBreak, t.Year())
	}
	return day
}

// moment is "сегодня 14:05", "вчера 9:30", "5 марта 14:05".
func (f format) moment(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	clock := t.In(f.zone).Format("15:04")
	switch days(t.In(f.zone), now.In(f.zone)) {
	case 0:
		return f.texts.text("time.today") + " " + clock
	case -1:
		return f.texts.text("time.yesterday") + " " + clock
	case 1:
		return f.texts.text("time.tomorrow") + " " + clock
	}
	return f.date(t, now) + ", " + clock
}

// days counts midnights from now to t.
func days(t, now time.Time) int {
	midnight := func(t time.Time) time.Time {
		y, m, d := t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(t).Sub(midnight(now)).Hours() / 24)
}

// span is "5 мин", "3 ч 20 мин", "2 дн".
func (f format) span(d time.Duration) string {
	d = d.Abs()
	switch {
	case d < time.Minute:
		return f.texts.text("time.moment")
	case d < time.Hour:
		return f.texts.text("time.minutes", "n", int(d.Minutes()))
	case d < 24*time.Hour:
		return f.texts.text("time.hours", "h", int(d.Hours()), "m", int(d.Minutes())%60)
	}
	return f.texts.text("time.days", "n", int(d.Hours()/24))
}

// number groups the digits of a whole or decimal number written with a point.
func (f format) number(decimal string) string {
	sign := ""
	if strings.HasPrefix(decimal, "-") {
		sign, decimal = "−", decimal[1:]
	}
	whole, fraction, _ := strings.Cut(decimal, ".")
	var groups []string
	for len(whole) > 3 {
		groups = append([]string{whole[len(whole)-3:]}, groups...)
		whole = whole[:len(whole)-3]
	}
	separator, point := thinSpace, ","
	if f.language == "en" {
		separator, point = ",", "."
	}
	out := sign + strings.Join(append([]string{whole}, groups...), separator)
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		out += point + (fraction + "0")[:max(2, len(fraction))]
	}
	return out
}

var currencySigns = map[string]string{"RUB": "₽", "USD": "$", "EUR": "€", "KZT": "₸", "BYN": "Br"}

// money is "12 500 ₽"; an empty amount is a dash.
func (f format) money(decimal, currency string) string {
	if decimal == "" {
		return "—"
	}
	sign, ok := currencySigns[currency]
	if !ok {
		sign = currency
	}
	return f.number(decimal) + noBreak + sign
}

// phone is +7 912 345-67-89; other countries' numbers stay in E.164 form.
func (f format) phone(e164 string) string {
	if len(e164) == 12 && strings.HasPrefix(e164, "+7") {
		return fmt.Sprintf("+7%s%s%s%s-%s-%s", noBreak, e164[2:5], noBreak, e164[5:8], e164[8:10], e164[10:12])
	}
	return e164
}
