package workcal

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// office is open on weekdays from 9 to 18, off on 9 March 2026, an hour shorter
// on 30 April, and open on Saturday 14 March.
func office(t testing.TB, zone string) *Calendar {
	t.Helper()
	week := map[string][]string{}
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri"} {
		week[day] = []string{"09:00-18:00"}
	}
	c, err := Parse(zone, week, map[string][]string{
		"2026-03-09": {}, "2026-03-14": {"10:00-14:00"}, "2026-04-30": {"09:00-17:00"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// withLunch is open from 9 to 18 with an hour off at one.
func withLunch(t testing.TB) *Calendar {
	t.Helper()
	c, err := New(time.UTC, FiveDays(Span{9 * 60, 13 * 60}, Span{14 * 60, 18 * 60}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// in reads a time on the wall of the calendar.
func in(t testing.TB, c *Calendar, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, c.Zone())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func expect(t testing.TB, got time.Time, c *Calendar, want string) {
	t.Helper()
	if !got.Equal(in(t, c, want)) {
		t.Errorf("got %s, want %s", got.In(c.Zone()).Format("Mon 2006-01-02 15:04:05"), want)
	}
}

func TestHoursAreOpenFromTheFirstMomentToBeforeTheLast(t *testing.T) {
	c := withLunch(t)
	for at, want := range map[string]bool{
		"2026-03-02 08:59": false, "2026-03-02 09:00": true, "2026-03-02 12:59": true, "2026-03-02 13:00": false,
		"2026-03-02 14:00": true, "2026-03-02 18:00": false, "2026-03-07 12:00": false,
	} {
		if got := c.IsOpen(in(t, c, at)); got != want {
			t.Errorf("open at %s: got %v, want %v", at, got, want)
		}
	}
}

func TestTheNextOpeningSkipsHolidays(t *testing.T) {
	c := office(t, "Europe/Moscow")
	expect(t, c.NextOpen(in(t, c, "2026-03-06 18:00")), c, "2026-03-10 09:00")
	expect(t, c.NextOpen(in(t, c, "2026-03-06 11:30")), c, "2026-03-06 11:30")
	expect(t, c.NextOpen(in(t, c, "2026-03-13 23:00")), c, "2026-03-14 10:00")
}

func TestWorkingTimeRunsOnlyWhileOpen(t *testing.T) {
	c := office(t, "Europe/Moscow")
	for _, step := range []struct {
		from string
		d    time.Duration
		want string
	}{
		{"2026-03-06 17:00", time.Hour, "2026-03-06 18:00"},        // not Monday morning
		{"2026-03-06 17:50", 15 * time.Minute, "2026-03-10 09:05"}, // Monday is a holiday
		{"2026-03-07 12:00", time.Hour, "2026-03-10 10:00"},        // from a Saturday
		{"2026-03-13 17:00", 3 * time.Hour, "2026-03-14 12:00"},    // into a working Saturday
		{"2026-04-30 16:30", time.Hour, "2026-05-01 09:30"},        // a day before a holiday is shorter
		{"2026-03-10 09:05", -15 * time.Minute, "2026-03-06 17:50"},
		{"2026-03-10 12:00", 0, "2026-03-10 12:00"},
		{"2026-03-07 12:00", 0, "2026-03-07 12:00"},
	} {
		t.Run(step.from+" "+step.d.String(), func(t *testing.T) {
			expect(t, c.Add(in(t, c, step.from), step.d), c, step.want)
		})
	}
}

func TestWorkingTimeBetweenCountsOpenHoursOnly(t *testing.T) {
	c := withLunch(t)
	for _, pair := range []struct {
		a, b string
		want time.Duration
	}{
		{"2026-03-06 17:00", "2026-03-09 10:00", 2 * time.Hour},
		{"2026-03-06 12:30", "2026-03-06 14:30", time.Hour},
		{"2026-03-06 13:10", "2026-03-06 13:50", 0},
		{"2026-03-07 00:00", "2026-03-08 23:00", 0},
		{"2026-03-09 10:00", "2026-03-06 17:00", -2 * time.Hour},
		{"2026-01-01 00:00", "2027-01-01 00:00", 261 * 8 * time.Hour},
	} {
		if got := c.Between(in(t, c, pair.a), in(t, c, pair.b)); got != pair.want {
			t.Errorf("from %s to %s: got %s, want %s", pair.a, pair.b, got, pair.want)
		}
	}
}

func TestAWorkingDayIsNotTwentyFourHoursNorNine(t *testing.T) {
	c := office(t, "Europe/Moscow")
	for _, step := range []struct {
		from string
		n    int
		at   string
		want string
	}{
		{"2026-03-05 15:00", 1, "", "2026-03-06 15:00"},
		{"2026-03-06 15:00", 1, "", "2026-03-10 15:00"}, // over the weekend and a holiday
		{"2026-03-06 20:00", 1, "", "2026-03-11 09:00"}, // after hours: a whole day from the opening
		{"2026-03-07 15:00", 1, "", "2026-03-11 09:00"}, // the same from a Saturday
		{"2026-04-29 17:30", 1, "", "2026-04-30 17:00"}, // the day is shorter
		{"2026-03-12 09:30", 2, "", "2026-03-14 10:00"}, // the day opens later
		{"2026-03-10 15:00", -1, "", "2026-03-06 15:00"},
		{"2026-03-06 20:00", 0, "", "2026-03-10 09:00"},
		{"2026-03-06 20:00", 1, "18:00", "2026-03-10 18:00"}, // by the end of the next working day
		{"2026-03-07 15:00", 1, "18:00", "2026-03-10 18:00"},
		{"2026-03-06 09:00", 1, "12:00", "2026-03-10 12:00"},
		{"2026-04-28 09:00", 2, "18:00", "2026-04-30 17:00"},
		{"2026-03-06 09:00", 0, "18:00", "2026-03-06 18:00"},
		{"2026-03-06 19:00", 0, "18:00", "2026-03-10 18:00"},
	} {
		t.Run(step.from, func(t *testing.T) {
			var at *TimeOfDay
			if step.at != "" {
				clock, err := ParseTimeOfDay(step.at)
				if err != nil {
					t.Fatal(err)
				}
				at = &clock
			}
			expect(t, c.AddDays(in(t, c, step.from), step.n, at), c, step.want)
		})
	}
}

func TestATimeInTheLunchBreakMovesToItsEnd(t *testing.T) {
	c := withLunch(t)
	noon := TimeOfDay(13*60 + 30)
	expect(t, c.AddDays(in(t, c, "2026-03-05 10:00"), 1, &noon), c, "2026-03-06 14:00")
}

func TestHoursAcrossAChangeOfTheClocksLastAsLongAsTheyDo(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := Week{time.Sunday: {{0, 4 * 60}}, time.Monday: {{9 * 60, 18 * 60}}}
	c, err := New(zone, night, nil)
	if err != nil {
		t.Fatal(err)
	}
	// 29 March 2026: 02:00 becomes 03:00; 25 October: 03:00 becomes 02:00.
	for from, want := range map[string]time.Duration{"2026-03-29 00:00": 3 * time.Hour, "2026-10-25 00:00": 5 * time.Hour, "2026-11-01 00:00": 4 * time.Hour} {
		start := in(t, c, from)
		if got := c.Between(start, start.Add(12*time.Hour)); got != want {
			t.Errorf("night of %s: got %s, want %s", from, got, want)
		}
	}
	expect(t, c.Add(in(t, c, "2026-03-29 00:00"), 4*time.Hour), c, "2026-03-30 10:00")
}

func TestHoursThatTheClocksSwallowAreNotWorked(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(zone, Week{time.Sunday: {{2 * 60, 3 * 60}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	from := in(t, c, "2026-03-28 00:00")
	if got := c.Between(from, from.AddDate(0, 0, 2)); got != 0 {
		t.Errorf("got %s of an hour that was not", got)
	}
	expect(t, c.NextOpen(from), c, "2026-04-05 02:00")
}

func TestACalendarWithoutHoursIsRefused(t *testing.T) {
	for name, week := range map[string]Week{"nothing": {}, "empty lists": {time.Monday: {}}} {
		if _, err := New(time.UTC, week, Days{{2026, 3, 2}: {{9 * 60, 18 * 60}}}); !errors.Is(err, ErrNoHours) {
			t.Errorf("%s: got %v, want ErrNoHours", name, err)
		}
	}
}

func TestMistakesInHoursAreNamed(t *testing.T) {
	for _, wrong := range []struct {
		week, days map[string][]string
		zone, says string
	}{
		{map[string][]string{"mon": {"18:00-09:00"}}, nil, "UTC", "mon: the hours 18:00-09:00 end before they begin"},
		{map[string][]string{"mon": {"09:00-09:00"}}, nil, "UTC", "end before they begin"},
		{map[string][]string{"mon": {"09:00-14:00", "13:00-18:00"}}, nil, "UTC", "overlap"},
		{map[string][]string{"mon": {"9-18"}}, nil, "UTC", "no time of day"},
		{map[string][]string{"mon": {"09:00"}}, nil, "UTC", "no working hours"},
		{map[string][]string{"пн": {"09:00-18:00"}}, nil, "UTC", "no day of the week"},
		{map[string][]string{"mon": {"09:00-18:00"}}, map[string][]string{"09.03.2026": {}}, "UTC", "no date"},
		{map[string][]string{"mon": {"09:00-18:00"}}, nil, "Москва", "no time zone"},
		{map[string][]string{"mon": {"09:00-18:00"}}, nil, "", "no time zone"},
	} {
		_, err := Parse(wrong.zone, wrong.week, wrong.days)
		if err == nil || !strings.Contains(err.Error(), wrong.says) {
			t.Errorf("%v %v: got %v, want a word of %q", wrong.week, wrong.days, err, wrong.says)
		}
	}
}

func TestRoundTheClockWorkingTimeIsTime(t *testing.T) {
	c := Always(time.UTC)
	from := in(t, c, "2026-03-07 23:30")
	expect(t, c.Add(from, 25*time.Hour), c, "2026-03-09 00:30")
	if got := c.Between(from, from.Add(100*time.Hour)); got != 100*time.Hour {
		t.Errorf("got %s, want 100h", got)
	}
}

func TestWeekAndDaysAreWrittenAsTheyAreRead(t *testing.T) {
	week := FiveDays(Span{9 * 60, 13 * 60}, Span{14 * 60, midnight})
	days := Days{{2026, 1, 1}: nil, {2026, 4, 30}: {{9 * 60, 17 * 60}}}

	readWeek, err := ParseWeek(week.Text())
	if err != nil {
		t.Fatal(err)
	}
	readDays, err := ParseDays(days.Text())
	if err != nil {
		t.Fatal(err)
	}

	if got := readWeek.Text()["fri"]; len(got) != 2 || got[1] != "14:00-24:00" {
		t.Errorf("friday came back as %v", got)
	}
	if len(readDays) != 2 || len(readDays[Date{2026, 1, 1}]) != 0 || readDays[Date{2026, 4, 30}][0].String() != "09:00-17:00" {
		t.Errorf("the days came back as %v", readDays)
	}
}

// calendars draws a calendar with some working hours, in a zone with or without
// changes of the clocks.
func calendars(t *rapid.T) *Calendar {
	zone, err := time.LoadLocation(rapid.SampledFrom([]string{"Europe/Moscow", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"}).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	spans := rapid.Custom(func(t *rapid.T) []Span {
		var day []Span
		at := TimeOfDay(0)
		for range rapid.IntRange(0, 3).Draw(t, "spans") {
			from := at + TimeOfDay(rapid.IntRange(0, 300).Draw(t, "gap"))
			to := from + TimeOfDay(rapid.IntRange(1, 500).Draw(t, "length"))
			if to > midnight {
				break
			}
			day, at = append(day, Span{from, to}), to
		}
		return day
	})
	var week Week
	for day := range week {
		week[day] = spans.Draw(t, "day")
	}
	week[rapid.IntRange(0, 6).Draw(t, "sure")] = []Span{{5 * 60, 6 * 60}}
	days := Days{}
	for range rapid.IntRange(0, 5).Draw(t, "exceptions") {
		days[Date{2026, time.March, 1 + rapid.IntRange(0, 60).Draw(t, "date")}.plus(0)] = spans.Draw(t, "exception")
	}
	c, err := New(zone, week, days)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func moments(t *rapid.T, label string) time.Time {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return start.Add(time.Duration(rapid.Int64Range(0, int64(300*24*time.Hour)).Draw(t, label)))
}

func TestAddIsTheInverseOfBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, at := calendars(t), moments(t, "at")
		d := time.Duration(rapid.Int64Range(-int64(100*time.Hour), int64(100*time.Hour)).Draw(t, "d"))
		end := c.Add(at, d)
		if got := c.Between(at, end); got != d {
			t.Fatalf("between %s and %s there is %s, want %s", at, end, got, d)
		}
	})
}

func TestAddStopsAtTheFirstMomentThatFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, a, b := calendars(t), moments(t, "a"), moments(t, "b")
		if b.Before(a) {
			a, b = b, a
		}
		if end := c.Add(a, c.Between(a, b)); end.After(b) {
			t.Fatalf("the working time from %s to %s ends at %s", a, b, end)
		}
	})
}

func TestLaterStartsNeverEndEarlier(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, a, b := calendars(t), moments(t, "a"), moments(t, "b")
		if b.Before(a) {
			a, b = b, a
		}
		d := time.Duration(rapid.Int64Range(1, int64(200*time.Hour)).Draw(t, "d"))
		n := rapid.IntRange(0, 20).Draw(t, "n")
		at := TimeOfDay(rapid.IntRange(0, int(midnight)).Draw(t, "at"))
		if c.Add(b, d).Before(c.Add(a, d)) {
			t.Fatalf("Add(%s) comes after Add(%s)", a, b)
		}
		if c.NextOpen(b).Before(c.NextOpen(a)) {
			t.Fatalf("NextOpen(%s) comes after NextOpen(%s)", a, b)
		}
		if c.AddDays(b, n, nil).Before(c.AddDays(a, n, nil)) {
			t.Fatalf("AddDays(%s, %d) comes after AddDays(%s, %d)", a, n, b, n)
		}
		if c.AddDays(b, n, &at).Before(c.AddDays(a, n, &at)) {
			t.Fatalf("AddDays(%s, %d, %s) comes after AddDays(%s)", a, n, at, b)
		}
	})
}

func TestBetweenAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, a, b, e := calendars(t), moments(t, "a"), moments(t, "b"), moments(t, "e")
		if whole, parts := c.Between(a, e), c.Between(a, b)+c.Between(b, e); whole != parts {
			t.Fatalf("the whole is %s, the parts are %s", whole, parts)
		}
	})
}
