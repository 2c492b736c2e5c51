package workcal

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	iso8601 "github.com/sosodev/duration"
)

// Duration is a span of time as ISO 8601 writes it, in working terms: P1D is one
// working day and PT4H four hours of working time. Years, months and weeks go by
// the calendar on the wall and end at the next opening.
type Duration struct {
	Years, Months, Weeks int
	Days                 int           // working days
	Time                 time.Duration // working time
}

// longest keeps a slip of the pen from becoming a search through millennia.
const longest = 10 // years

// ParseDuration reads PT15M, P1D, P1DT2H, P2W, -PT30M. Only hours, minutes and
// seconds may have a fraction.
func ParseDuration(iso string) (Duration, error) {
	read, err := iso8601.Parse(strings.TrimPrefix(iso, "+"))
	if err != nil || strings.TrimLeft(iso, "+-PT") == "" || strings.HasSuffix(iso, "T") {
		return Duration{}, fmt.Errorf("%q is no duration: write fifteen minutes PT15M, one working day P1D, a week P1W", iso)
	}
	years := read.Years + read.Months/12 + read.Weeks/52 + read.Days/365 + (read.Hours+read.Minutes/60+read.Seconds/3600)/8760
	if years > longest {
		return Duration{}, fmt.Errorf("the duration %s is longer than %d years", iso, longest)
	}
	for _, whole := range []float64{read.Years, read.Months, read.Weeks, read.Days} {
		if whole != math.Trunc(whole) {
			return Duration{}, fmt.Errorf("the duration %s has a part of a day: write it in hours, as in PT4H", iso)
		}
	}
	sign := 1
	if read.Negative {
		sign = -1
	}
	seconds := read.Hours*3600 + read.Minutes*60 + read.Seconds
	return Duration{
		Years: sign * int(read.Years), Months: sign * int(read.Months), Weeks: sign * int(read.Weeks), Days: sign * int(read.Days),
		Time: time.Duration(sign) * time.Duration(math.Round(seconds*1e3)) * time.Millisecond,
	}, nil
}

// AddDuration goes from t by the years, months and weeks, then by the working
// days, then by the working time.
func (c *Calendar) AddDuration(t time.Time, d Duration) time.Time {
	if d.Years != 0 || d.Months != 0 || d.Weeks != 0 {
		t = c.NextOpen(t.In(c.zone).AddDate(d.Years, d.Months, 7*d.Weeks))
	}
	if d.Days != 0 {
		t = c.AddDays(t, d.Days, nil)
	}
	return c.Add(t, d.Time)
}

// Apply is the moment that lies iso, an ISO 8601 duration in working terms,
// after t on the calendar.
func Apply(c *Calendar, t time.Time, iso string) (time.Time, error) {
	if c == nil {
		return time.Time{}, errors.New("reckon in working time: there is no calendar")
	}
	d, err := ParseDuration(iso)
	if err != nil {
		return time.Time{}, err
	}
	return c.AddDuration(t, d), nil
}
