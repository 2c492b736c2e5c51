package workcal

import (
	"strings"
	"testing"
)

func TestDurationsAreInWorkingTerms(t *testing.T) {
	c := office(t, "Europe/Moscow")
	for _, step := range []struct{ from, iso, want string }{
		{"2026-03-05 10:00", "PT15M", "2026-03-05 10:15"},
		{"2026-03-05 17:50", "PT15M", "2026-03-06 09:05"},
		{"2026-03-06 12:00", "P1D", "2026-03-10 12:00"},
		{"2026-03-06 12:00", "P1DT1H30M", "2026-03-10 13:30"},
		{"2026-03-05 12:00", "P1W", "2026-03-12 12:00"},
		{"2026-02-09 12:00", "P1M", "2026-03-10 09:00"}, // 9 March is off
		{"2026-03-06 12:00", "-P1D", "2026-03-05 12:00"},
		{"2026-03-06 12:00", "-PT4H", "2026-03-05 17:00"},
		{"2026-03-06 12:00", "PT0.5H", "2026-03-06 12:30"},
		{"2026-03-06 12:00", "PT0S", "2026-03-06 12:00"},
	} {
		got, err := Apply(c, in(t, c, step.from), step.iso)
		if err != nil {
			t.Errorf("%s: %v", step.iso, err)
			continue
		}
		t.Run(step.iso, func(t *testing.T) { expect(t, got, c, step.want) })
	}
}

func TestWhatIsNoDurationIsRefusedWithAnExample(t *testing.T) {
	for _, wrong := range []string{"", "P", "PT", "P1DT", "1D", "P1H", "PT5", "P0.5D", "P11Y", "PT999999999H", "15 минут", "P-1D", "-", "PP", "P1٣D"} {
		_, err := ParseDuration(wrong)
		if err == nil {
			t.Errorf("%q was taken for a duration", wrong)
		} else if !strings.Contains(err.Error(), "duration") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestWithoutACalendarThereIsNoWorkingTime(t *testing.T) {
	if _, err := Apply(nil, in(t, Always(office(t, "UTC").Zone()), "2026-03-06 12:00"), "P1D"); err == nil {
		t.Error("reckoned without a calendar")
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"PT15M", "P1D", "P1Y2M3W4DT5H6M7.5S", "-PT1H", "P", "PT", "P1,5D"} {
		f.Add(seed)
	}
	c := office(f, "Europe/Moscow")
	at := in(f, c, "2026-03-06 12:00")
	f.Fuzz(func(t *testing.T, iso string) {
		d, err := ParseDuration(iso)
		if err != nil {
			return
		}
		end := c.AddDuration(at, d)
		if forward := !strings.HasPrefix(iso, "-"); forward == end.Before(at) && !end.Equal(at) {
			t.Errorf("%s leads from %s to %s", iso, at, end)
		}
	})
}
