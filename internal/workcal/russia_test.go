package workcal

import (
	"testing"
	"time"
)

// The sums are those of the production calendars as published for a week of
// forty hours.
func TestTheRussianYearHasItsPublishedDaysAndHours(t *testing.T) {
	eight := FiveDays(Span{9 * 60, 13 * 60}, Span{14 * 60, 18 * 60})
	for _, year := range []struct {
		year, days int
		hours      time.Duration
	}{
		{2024, 248, 1979}, {2025, 247, 1972}, {2026, 247, 1972},
	} {
		c, err := New(time.UTC, eight, Russia(eight, year.year, year.year))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Date(year.year, 1, 1, 0, 0, 0, 0, time.UTC)
		days := 0
		for d := start; d.Year() == year.year; d = d.AddDate(0, 0, 1) {
			if c.WorkingDay(d) {
				days++
			}
		}
		if days != year.days {
			t.Errorf("%d has %d working days, want %d", year.year, days, year.days)
		}
		if got := c.Between(start, start.AddDate(1, 0, 0)); got != year.hours*time.Hour {
			t.Errorf("%d has %s, want %d h", year.year, got, year.hours)
		}
	}
}

func TestRussianDaysAreOffShortOrWorkedInPlaceOfOthers(t *testing.T) {
	week := FiveDays(Span{9 * 60, 18 * 60})
	days := Russia(week, 2024, 2027)
	for date, want := range map[string]string{
		"2024-04-27": "09:00-18:00", // a Saturday worked for Monday 29 April
		"2024-04-29": "off",
		"2024-11-02": "09:00-17:00", // a Saturday worked for 30 April, the eve of a holiday
		"2024-12-28": "09:00-18:00",
		"2025-02-24": "usual", // the 23rd was a Sunday, moved to 8 May by decree
		"2025-05-08": "off",
		"2025-11-01": "09:00-17:00",
		"2026-01-09": "off",
		"2026-02-20": "usual", // a Friday, but three days before the holiday
		"2026-03-09": "off",   // 8 March is a Sunday
		"2026-04-30": "09:00-17:00",
		"2026-05-11": "off", // 9 May is a Saturday
		"2026-12-31": "off",
		"2027-05-03": "off", // 1 May is a Saturday
		"2027-05-10": "off",
		"2027-06-14": "off",
		"2027-12-31": "09:00-17:00",
	} {
		d, err := ParseDate(date)
		if err != nil {
			t.Fatal(err)
		}
		got := "usual"
		if spans, special := days[d]; special && len(spans) == 0 {
			got = "off"
		} else if special {
			got = spans[0].String()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", date, got, want)
		}
	}
}

func TestYearsWithoutADecreeAreMarked(t *testing.T) {
	for year, want := range map[int]bool{2023: false, 2024: true, 2025: true, 2026: true, 2027: false} {
		if got := Decreed(year); got != want {
			t.Errorf("%d: got %v, want %v", year, got, want)
		}
	}
}

func TestABrokenLineOfTheDataIsNamed(t *testing.T) {
	for _, wrong := range []string{"2026-01-03", "2026-01-03 > 09.01.2026", "2026-01-03 > 2027-01-09"} {
		if _, _, err := readTransfers("# one\n" + wrong); err == nil {
			t.Errorf("%q was read", wrong)
		}
	}
}

func TestTheHourBeforeAHolidayComesOffTheEndOfTheDay(t *testing.T) {
	for _, day := range []struct{ spans, want []Span }{
		{[]Span{{540, 1080}}, []Span{{540, 1020}}},
		{[]Span{{540, 780}, {840, 1080}}, []Span{{540, 780}, {840, 1020}}},
		{[]Span{{540, 780}, {840, 870}}, []Span{{540, 750}}},
		{[]Span{{540, 570}}, nil},
	} {
		got := hourLess(day.spans)
		if len(got) != len(day.want) {
			t.Errorf("%v became %v, want %v", day.spans, got, day.want)
			continue
		}
		for i := range got {
			if got[i] != day.want[i] {
				t.Errorf("%v became %v, want %v", day.spans, got, day.want)
			}
		}
	}
}
