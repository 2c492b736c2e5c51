package staff

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/workcal"
)

//go:embed sql/save_calendar.sql
var saveCalendarSQL string

// DefaultCalendar is the key of the company's working hours.
const DefaultCalendar = "company"

// Calendar is working hours as people write them.
type Calendar struct {
	Key      string
	Name     string
	Timezone string              // "Europe/Moscow"
	Holidays string              // "ru": the Russian production calendar; "": none
	Week     map[string][]string // "mon": ["09:00-13:00", "14:00-18:00"]; a day that is missing is off
	Days     map[string][]string // exceptions, "2026-03-06": ["09:00-16:00"], an empty list is a day off
}

// The years for which holidays are reckoned. Years without a decree follow the
// Labour Code alone.
const firstYear, lastYear = 2024, 2032

// build makes the calendar that can be asked: the week, the holidays of the
// country over it, the company's own exceptions over both.
func (c Calendar) build() (*workcal.Calendar, error) {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil || c.Timezone == "" {
		return nil, fmt.Errorf("there is no time zone %q, write it like Europe/Moscow", c.Timezone)
	}
	week, err := workcal.ParseWeek(c.Week)
	if err != nil {
		return nil, err
	}
	own, err := workcal.ParseDays(c.Days)
	if err != nil {
		return nil, err
	}
	days := workcal.Days{}
	if c.Holidays == "ru" {
		days = workcal.Russia(week, firstYear, lastYear)
	}
	maps.Copy(days, own)
	return workcal.New(zone, week, days)
}

// CompanyCalendar is what a fresh installation starts with: Monday to Friday from
// nine to six with the Russian holidays.
func CompanyCalendar(timezone string) Calendar {
	day := []string{"09:00-18:00"}
	return Calendar{Key: DefaultCalendar, Name: "Рабочее время компании", Timezone: timezone, Holidays: "ru",
		Week: map[string][]string{"mon": day, "tue": day, "wed": day, "thu": day, "fri": day}}
}

// builtinCalendar serves where no calendar was ever saved.
var builtinCalendar = sync.OnceValue(func() *workcal.Calendar {
	c, err := CompanyCalendar("Europe/Moscow").build()
	if err != nil {
		return workcal.Always(time.UTC) // a machine without time zones
	}
	return c
})

// calendar is the same, ready to be asked.
type calendar struct {
	Calendar
	hours *workcal.Calendar
}

// SaveCalendar adds the calendar or replaces the one with its key.
func (s *Staff) SaveCalendar(ctx context.Context, by Actor, c Calendar, now time.Time) error {
	if _, err := c.build(); err != nil {
		return fmt.Errorf("calendar %s: %w", c.Key, err)
	}
	err := s.change(ctx, by, func(tx pgx.Tx) (entry, error) {
		return entry{now, "calendar:" + c.Key, "calendar.saved", map[string]any{"week": c.Week, "days": c.Days}}, saveCalendar(ctx, tx, c)
	})
	if err != nil {
		return fmt.Errorf("save calendar %s: %w", c.Key, err)
	}
	return nil
}

func saveCalendar(ctx context.Context, tx pgx.Tx, c Calendar) error {
	if c.Days == nil {
		c.Days = map[string][]string{}
	}
	_, err := tx.Exec(ctx, saveCalendarSQL, pgx.NamedArgs{
		"key": c.Key, "name": c.Name, "timezone": c.Timezone, "holidays": c.Holidays, "week": c.Week, "days": c.Days})
	return err
}

// Defaults are what a fresh installation starts with.
type Defaults struct {
	Roles     []Role
	Calendars []Calendar
}

// StandardDefaults are the roles that the route maps we ship address, and the working hours of most companies there.
func StandardDefaults(timezone string) Defaults {
	return Defaults{
		Roles: []Role{
			{Key: "manager", NameRu: "Менеджер", NameEn: "Manager"},
			{Key: "head", NameRu: "РОП", NameEn: "Head of sales"},
			{Key: "duty", NameRu: "Дежурный", NameEn: "On duty"},
			{Key: "service", NameRu: "Сервис", NameEn: "Service"},
			{Key: "accounting", NameRu: "Бухгалтерия", NameEn: "Accounting"},
			{Key: "delivery", NameRu: "Доставка", NameEn: "Delivery"},
		},
		Calendars: []Calendar{CompanyCalendar(timezone)},
	}
}

// Seed adds the roles and calendars that are not there; what people have changed
// since stays as it is. It runs inside tx.
func (s *Staff) Seed(ctx context.Context, tx pgx.Tx, d Defaults) error {
	known, err := loadDirectory(ctx, tx)
	if err != nil {
		return fmt.Errorf("seed roles and calendars: %w", err)
	}
	for _, r := range d.Roles {
		if _, ok := known.Role(r.Key); ok {
			continue
		}
		if err := saveRole(ctx, tx, r); err != nil {
			return fmt.Errorf("seed role %s: %w", r.Key, err)
		}
	}
	for _, c := range d.Calendars {
		if _, ok := known.calendars[c.Key]; ok {
			continue
		}
		if err := saveCalendar(ctx, tx, c); err != nil {
			return fmt.Errorf("seed calendar %s: %w", c.Key, err)
		}
	}
	s.cache.forget()
	return nil
}
