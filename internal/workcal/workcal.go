// Package workcal reckons in working time: when is open, how much working time
// lies between two moments, and when an amount of it is used up. It is pure: the
// clock, the time zone and the hours are given. The process engine asks it for
// deadlines, staff for who is on shift.
package workcal

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// ErrNoHours is told of a calendar without a single working hour in its week: a
// deadline on it would never come.
var ErrNoHours = errors.New("the calendar has no working hours on any day of the week: give at least one day its hours, for example \"mon\": [\"09:00-18:00\"]")

// Calendar is the working hours of a company or a person. It is immutable; make
// it with New or Parse.
type Calendar struct {
	zone *time.Location
	week Week
	days Days
}

// New makes a calendar of the usual week and the days that differ from it: a day
// without spans is off, whatever the week says.
func New(zone *time.Location, week Week, days Days) (*Calendar, error) {
	c := &Calendar{zone: zone, days: maps.Clone(days)}
	if zone == nil {
		return nil, errors.New("the calendar has no time zone, for example Europe/Moscow")
	}
	var err error
	for day := range week {
		if c.week[day], err = ordered(week[day]); err != nil {
			return nil, fmt.Errorf("%s: %w", weekdayNames[day], err)
		}
	}
	for date, spans := range days {
		if c.days[date], err = ordered(spans); err != nil {
			return nil, fmt.Errorf("%s: %w", date, err)
		}
	}
	if !week.open() {
		return nil, ErrNoHours
	}
	return c, nil
}

// Always is open round the clock: working time is then time as it passes, and
// each day is a working day.
func Always(zone *time.Location) *Calendar {
	var week Week
	for day := range week {
		week[day] = []Span{{0, midnight}}
	}
	return &Calendar{zone: zone, week: week}
}

// Zone is where the hours of the calendar are read off the wall.
func (c *Calendar) Zone() *time.Location { return c.zone }

// interval is a span of hours on a certain day: start included, end not.
type interval struct{ start, end time.Time }

// on gives the working hours of a day, in order, none of them empty. Hours that
// a change of the clocks swallows are left out, those it repeats last longer.
func (c *Calendar) on(d Date) []interval {
	spans, ok := c.days[d]
	if !ok {
		spans = c.week[d.Weekday()]
	}
	intervals := make([]interval, 0, len(spans))
	var last time.Time
	for _, span := range spans {
		start, end := d.at(span.From, c.zone), d.at(span.To, c.zone)
		if start.Before(last) {
			start = last
		}
		if start.Before(end) {
			intervals = append(intervals, interval{start, end})
			last = end
		}
	}
	return intervals
}

// IsOpen tells whether t is working time. The closing moment is not.
func (c *Calendar) IsOpen(t time.Time) bool {
	for _, in := range c.on(dateOf(t, c.zone)) {
		if !t.Before(in.start) && t.Before(in.end) {
			return true
		}
	}
	return false
}

// NextOpen is t when t is working time, else the next opening.
func (c *Calendar) NextOpen(t time.Time) time.Time {
	for d := dateOf(t, c.zone); ; d = d.plus(1) {
		for _, in := range c.on(d) {
			if t.Before(in.start) {
				return in.start
			}
			if t.Before(in.end) {
				return t
			}
		}
	}
}

// WorkingDay tells whether the date of t, in the zone of the calendar, has
// working hours.
func (c *Calendar) WorkingDay(t time.Time) bool {
	return len(c.on(dateOf(t, c.zone))) > 0
}

// Add is the first moment when d of working time has passed since t, so an hour
// from 17:00 on Friday is 18:00 on Friday and not Monday morning. A negative d
// goes back, to the last such moment before t. Add(t, 0) is t.
func (c *Calendar) Add(t time.Time, d time.Duration) time.Time {
	switch {
	case d > 0:
		return c.forth(t, d)
	case d < 0:
		return c.back(t, -d)
	}
	return t
}

func (c *Calendar) forth(t time.Time, left time.Duration) time.Time {
	for d := dateOf(t, c.zone); ; d = d.plus(1) {
		for _, in := range c.on(d) {
			start := later(in.start, t)
			open := in.end.Sub(start)
			if open >= left {
				return start.Add(left)
			}
			left -= max(open, 0)
		}
	}
}

func (c *Calendar) back(t time.Time, left time.Duration) time.Time {
	for d := dateOf(t, c.zone); ; d = d.plus(-1) {
		for _, in := range slices.Backward(c.on(d)) {
			end := earlier(in.end, t)
			open := end.Sub(in.start)
			if open >= left {
				return end.Add(-left)
			}
			left -= max(open, 0)
		}
	}
}

// Between is the working time from a to b, negative when b is before a.
func (c *Calendar) Between(a, b time.Time) time.Duration {
	if b.Before(a) {
		return -c.Between(b, a)
	}
	var sum time.Duration
	last := dateOf(b, c.zone)
	for d := dateOf(a, c.zone); !last.before(d); d = d.plus(1) {
		for _, in := range c.on(d) {
			sum += max(earlier(in.end, b).Sub(later(in.start, a)), 0)
		}
	}
	return sum
}

// AddDays goes n working days on, which is not n times the hours of a day.
//
// Without at, a day is from a time of day to the same on the next working day:
// from Friday 15:00 one day is Monday 15:00, and what comes when we are closed
// counts from the next opening. With at, the days after the date of t are
// counted, as in a contract: whatever comes on Friday, or on Saturday, is due on
// Monday at that time; zero days is the first working day that still has the
// time before it. A time outside the hours of the day it falls on moves to the
// nearest end of them. Negative n goes back.
func (c *Calendar) AddDays(t time.Time, n int, at *TimeOfDay) time.Time {
	if at != nil {
		return c.dayAt(t, n, *at)
	}
	t = c.NextOpen(t)
	if n == 0 {
		return t
	}
	clock, rest := clockOf(t, c.zone)
	return c.within(c.workingDays(dateOf(t, c.zone), n), clock, rest)
}

func (c *Calendar) dayAt(t time.Time, n int, at TimeOfDay) time.Time {
	today := dateOf(t, c.zone)
	if n != 0 {
		return c.within(c.workingDays(today, n), at, 0)
	}
	for d := today; ; d = d.plus(1) {
		if len(c.on(d)) == 0 {
			continue
		}
		if due := c.within(d, at, 0); !due.Before(t) {
			return due
		}
	}
}

// workingDays is the nth day with working hours after d, or before it.
func (c *Calendar) workingDays(d Date, n int) Date {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for n > 0 {
		d = d.plus(step)
		if len(c.on(d)) > 0 {
			n--
		}
	}
	return d
}

// within is the time of day, and the rest of its minute, on a working day, moved
// into its hours.
func (c *Calendar) within(d Date, at TimeOfDay, rest time.Duration) time.Time {
	t, hours := d.at(at, c.zone).Add(rest), c.on(d)
	for _, in := range hours {
		if t.Before(in.start) {
			return in.start
		}
		if !t.After(in.end) {
			return t
		}
	}
	return hours[len(hours)-1].end
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
