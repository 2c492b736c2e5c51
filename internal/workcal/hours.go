package workcal

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// TimeOfDay is minutes since midnight on the wall clock; 1440 is the midnight
// that ends the day.
type TimeOfDay int

const midnight TimeOfDay = 24 * 60

// ParseTimeOfDay reads "09:00"; "24:00" ends a day.
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	if s == "24:00" {
		return midnight, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of day, write it like 09:00", s)
	}
	return TimeOfDay(t.Hour()*60 + t.Minute()), nil
}

func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

// Span is working hours within a day, From included, To not.
type Span struct{ From, To TimeOfDay }

// ParseSpan reads "09:00-18:00".
func ParseSpan(s string) (Span, error) {
	from, to, ok := strings.Cut(strings.ReplaceAll(s, " ", ""), "-")
	if !ok {
		return Span{}, fmt.Errorf("%q are no working hours, write them like 09:00-18:00", s)
	}
	var span Span
	var err error
	if span.From, err = ParseTimeOfDay(from); err != nil {
		return Span{}, err
	}
	if span.To, err = ParseTimeOfDay(to); err != nil {
		return Span{}, err
	}
	return span, span.check()
}

func (s Span) String() string { return s.From.String() + "-" + s.To.String() }

func (s Span) check() error {
	switch {
	case s.From < 0 || s.To > midnight:
		return fmt.Errorf("the hours %s are not within a day", s)
	case s.From >= s.To:
		return fmt.Errorf("the hours %s end before they begin: give a night shift as two spans, to 24:00 and from 00:00 of the next day", s)
	}
	return nil
}

// ordered gives the spans of a day in order, and refuses those that overlap.
func ordered(spans []Span) ([]Span, error) {
	sorted := slices.SortedFunc(slices.Values(spans), func(a, b Span) int { return int(a.From - b.From) })
	for i, span := range sorted {
		if err := span.check(); err != nil {
			return nil, err
		}
		if i > 0 && span.From < sorted[i-1].To {
			return nil, fmt.Errorf("the hours %s and %s overlap", sorted[i-1], span)
		}
	}
	return sorted, nil
}

// Week is the usual hours, by time.Weekday: Sunday is 0.
type Week [7][]Span

// FiveDays is a week of the same hours from Monday to Friday.
func FiveDays(spans ...Span) Week {
	var week Week
	for day := time.Monday; day <= time.Friday; day++ {
		week[day] = spans
	}
	return week
}

func (w Week) open() bool {
	return slices.ContainsFunc(w[:], func(spans []Span) bool { return len(spans) > 0 })
}

// Days are the dates that differ from the week: no spans for a day off.
type Days map[Date][]Span

// Date is a day of the calendar, without a time zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads "2026-03-09".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is no date, write it like 2026-03-09", s)
	}
	return dateOf(t, time.UTC), nil
}

func dateOf(t time.Time, zone *time.Location) Date {
	year, month, day := t.In(zone).Date()
	return Date{year, month, day}
}

// clockOf is the time of day of t, and what of the minute has passed.
func clockOf(t time.Time, zone *time.Location) (TimeOfDay, time.Duration) {
	t = t.In(zone)
	return TimeOfDay(t.Hour()*60 + t.Minute()), time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
}

func (d Date) String() string { return d.at(0, time.UTC).Format(time.DateOnly) }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.at(0, time.UTC).Weekday() }

func (d Date) plus(days int) Date {
	return dateOf(time.Date(d.Year, d.Month, d.Day+days, 0, 0, 0, 0, time.UTC), time.UTC)
}

func (d Date) before(other Date) bool { return d.at(0, time.UTC).Before(other.at(0, time.UTC)) }

// at is a time of day on this date. Midnight that ends a day is the one that
// begins the next, so both give the same moment even when the clocks change.
func (d Date) at(t TimeOfDay, zone *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, int(t), 0, 0, zone)
}

var weekdayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Parse makes a calendar of what people write: the name of a time zone, the week
// as {"mon": ["09:00-13:00", "14:00-18:00"]} with the days that are missing off,
// and exceptions as {"2026-01-01": []}.
func Parse(timezone string, week, days map[string][]string) (*Calendar, error) {
	zone, err := time.LoadLocation(timezone)
	if err != nil || timezone == "" {
		return nil, fmt.Errorf("there is no time zone %q, write it like Europe/Moscow", timezone)
	}
	w, err := ParseWeek(week)
	if err != nil {
		return nil, err
	}
	d, err := ParseDays(days)
	if err != nil {
		return nil, err
	}
	return New(zone, w, d)
}

// ParseWeek reads {"mon": ["09:00-18:00"], ...}.
func ParseWeek(text map[string][]string) (Week, error) {
	var week Week
	for name, hours := range text {
		day := slices.Index(weekdayNames[:], name)
		if day < 0 {
			return Week{}, fmt.Errorf("%q is no day of the week: use mon, tue, wed, thu, fri, sat, sun", name)
		}
		spans, err := parseSpans(hours)
		if err != nil {
			return Week{}, fmt.Errorf("%s: %w", name, err)
		}
		week[day] = spans
	}
	return week, nil
}

// ParseDays reads {"2026-01-01": [], "2026-04-30": ["09:00-17:00"]}.
func ParseDays(text map[string][]string) (Days, error) {
	days := Days{}
	for name, hours := range text {
		date, err := ParseDate(name)
		if err != nil {
			return nil, err
		}
		if days[date], err = parseSpans(hours); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return days, nil
}

func parseSpans(text []string) ([]Span, error) {
	spans := make([]Span, len(text))
	for i, s := range text {
		var err error
		if spans[i], err = ParseSpan(s); err != nil {
			return nil, err
		}
	}
	return spans, nil
}

// Text writes the days as ParseDays reads them.
func (d Days) Text() map[string][]string {
	text := make(map[string][]string, len(d))
	for date, spans := range d {
		text[date.String()] = spanTexts(spans)
	}
	return text
}

// Text writes the week as ParseWeek reads it.
func (w Week) Text() map[string][]string {
	text := map[string][]string{}
	for day, spans := range w {
		if len(spans) > 0 {
			text[weekdayNames[day]] = spanTexts(spans)
		}
	}
	return text
}

func spanTexts(spans []Span) []string {
	texts := make([]string, len(spans))
	for i, span := range spans {
		texts[i] = span.String()
	}
	return texts
}
