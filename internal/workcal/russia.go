package workcal

import (
	_ "embed"
	"fmt"
	"strings"
	"time"
)

// russiaText holds the transfers that the government decrees each autumn for
// the year to come. To care for a new year: add its lines.
//
//go:embed russia.txt
var russiaText string

// transfer moves a day of rest from one date to another.
type transfer struct{ from, to Date }

var transfers, decreed = mustRead(russiaText)

// Decreed tells whether the transfers of a year are in the data. Of other years
// Russia knows what the Labour Code alone says.
func Decreed(year int) bool { return decreed[year] }

// Russia gives the days on which the Russian production calendar differs from
// the company's week, for the years from to to: holidays and the days of rest
// transferred from them (Labour Code, article 112), days before holidays that
// end an hour earlier (article 95), and the days that the government moved.
func Russia(week Week, from, to int) Days {
	days := Days{}
	for year := from; year <= to; year++ {
		russianYear(week, year, days)
	}
	return days
}

func russianYear(week Week, year int, days Days) {
	for _, h := range holidays {
		days[Date{year, h.month, h.day}] = nil
	}
	moved := map[Date]bool{}
	for _, t := range transfers[year] {
		days[t.to] = nil
		moved[t.from] = true
	}
	for _, h := range holidays {
		date := Date{year, h.month, h.day}
		if !h.newYear && !moved[date] && weekend(date) {
			days[nextWorking(date, days)] = nil
		}
	}
	for _, t := range transfers[year] {
		if !holiday(t.from) {
			days[t.from] = asOn(t.to, week)
		}
	}
	shorten(week, year, days)
}

// asOn is the regime of a former day of rest: that of the working day it was
// swapped with, an hour shorter when that stood before a holiday (order of the
// Ministry of Health and Social Development 588n of 13.08.2009, item 1).
func asOn(swapped Date, week Week) []Span {
	spans := week[swapped.Weekday()]
	if holiday(swapped.plus(1)) {
		return hourLess(spans)
	}
	return spans
}

// shorten takes an hour off the working days right before a holiday.
func shorten(week Week, year int, days Days) {
	for _, h := range holidays {
		eve := Date{year, h.month, h.day}.plus(-1)
		if h.month == time.January && h.day == 1 {
			eve = Date{year, time.December, 31}
		}
		if _, special := days[eve]; !special && len(week[eve.Weekday()]) > 0 {
			days[eve] = hourLess(week[eve.Weekday()])
		}
	}
}

// hourLess ends the last span an hour earlier.
func hourLess(spans []Span) []Span {
	less := append([]Span(nil), spans...)
	for left := TimeOfDay(60); left > 0 && len(less) > 0; {
		last := &less[len(less)-1]
		if last.To-last.From > left {
			last.To -= left
			break
		}
		left -= last.To - last.From
		less = less[:len(less)-1]
	}
	return less
}

// holidays are those of article 112, first part. Of the New Year's, those that
// fall on a weekend are moved by the government, all others by the law itself.
var holidays = []struct {
	month   time.Month
	day     int
	newYear bool
}{
	{time.January, 1, true}, {time.January, 2, true}, {time.January, 3, true}, {time.January, 4, true},
	{time.January, 5, true}, {time.January, 6, true}, {time.January, 7, true}, {time.January, 8, true},
	{time.February, 23, false},
	{time.March, 8, false},
	{time.May, 1, false},
	{time.May, 9, false},
	{time.June, 12, false},
	{time.November, 4, false},
}

func holiday(d Date) bool {
	for _, h := range holidays {
		if h.month == d.Month && h.day == d.Day {
			return true
		}
	}
	return false
}

func weekend(d Date) bool {
	return d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
}

// nextWorking is the first day after d that is no day of rest yet.
func nextWorking(d Date, days Days) Date {
	for d = d.plus(1); ; d = d.plus(1) {
		if _, off := days[d]; !off && !weekend(d) {
			return d
		}
	}
}

// mustRead reads the embedded data, which a test reads too.
func mustRead(text string) (map[int][]transfer, map[int]bool) {
	transfers, decreed, err := readTransfers(text)
	if err != nil {
		panic(err)
	}
	return transfers, decreed
}

// readTransfers reads lines "from > to"; a line "decree YEAR ..." says that the
// year is complete, # begins a comment.
func readTransfers(text string) (map[int][]transfer, map[int]bool, error) {
	all, decreed := map[int][]transfer{}, map[int]bool{}
	for number, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		var year int
		if _, err := fmt.Sscanf(line, "decree %d", &year); err == nil {
			decreed[year] = true
			continue
		}
		t, err := readTransfer(line)
		if err != nil {
			return nil, nil, fmt.Errorf("russia.txt, line %d: %w", number+1, err)
		}
		all[t.from.Year] = append(all[t.from.Year], t)
	}
	return all, decreed, nil
}

func readTransfer(line string) (transfer, error) {
	left, right, _ := strings.Cut(line, ">")
	from, err := ParseDate(strings.TrimSpace(left))
	if err != nil {
		return transfer{}, err
	}
	to, err := ParseDate(strings.TrimSpace(right))
	if err != nil {
		return transfer{}, err
	}
	if from.Year != to.Year {
		return transfer{}, fmt.Errorf("a day moves within its year, not from %s to %s", from, to)
	}
	return transfer{from, to}, nil
}
