package staff

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/workcal"
)

var (
	//go:embed sql/employees.sql
	employeesSQL string
	//go:embed sql/roles.sql
	rolesSQL string
	//go:embed sql/absences.sql
	absencesSQL string
	//go:embed sql/calendars.sql
	calendarsSQL string
)

// Role is to whom route maps address work (роль исполнителя).
type Role struct {
	Key    string
	NameRu string
	NameEn string
}

// Title is the role's name in the language.
func (r Role) Title(language string) string {
	if language == "en" && r.NameEn != "" {
		return r.NameEn
	}
	return r.NameRu
}

// Directory is who works here, as of one moment. It does not change: hold it for
// as long as one decision takes.
type Directory struct {
	employees []Employee // by id
	byID      map[int64]int
	byLogin   map[string]int
	roles     []Role // by key
	members   map[string][]int64
	absences  map[int64][]Absence
	calendars map[string]calendar
}

// Employee is the person with the id, disabled or not.
func (d *Directory) Employee(id int64) (Employee, bool) {
	i, ok := d.byID[id]
	if !ok {
		return Employee{}, false
	}
	return d.employees[i], true
}

// Login finds the person by login, in any case of letters.
func (d *Directory) Login(login string) (Employee, bool) {
	i, ok := d.byLogin[normalLogin(login)]
	if !ok {
		return Employee{}, false
	}
	return d.employees[i], true
}

// Actor is the enabled person with the id as an actor.
func (d *Directory) Actor(id int64) (Actor, bool) {
	e, ok := d.Employee(id)
	if !ok || e.Disabled() {
		return Actor{}, false
	}
	return ActorOf(e), true
}

// Name is what to call the person in a list; "" for nobody.
func (d *Directory) Name(id int64) string {
	e, _ := d.Employee(id)
	return e.Name
}

// Employees lists everybody, disabled ones too, by id.
func (d *Directory) Employees() []Employee { return slices.Clone(d.employees) }

// Roles lists the roles by key.
func (d *Directory) Roles() []Role { return slices.Clone(d.roles) }

// Role is the role with the key.
func (d *Directory) Role(key string) (Role, bool) {
	i, ok := slices.BinarySearchFunc(d.roles, key, func(r Role, key string) int { return strings.Compare(r.Key, key) })
	if !ok {
		return Role{}, false
	}
	return d.roles[i], true
}

// Members are the ids of the enabled performers of the role, ascending. In a role
// without performers the administrators stand in; an unknown role has nobody.
func (d *Directory) Members(role string) []int64 {
	if _, known := d.Role(role); !known {
		return nil
	}
	if own := d.members[role]; len(own) > 0 {
		return slices.Clone(own)
	}
	return d.WithPermission(Admin)
}

// Holds reports whether the person is a performer of the role, be it as the
// administrator who stands in.
func (d *Directory) Holds(id int64, role string) bool { return slices.Contains(d.Members(role), id) }

// WithPermission are the ids of the enabled people with the permission, ascending.
func (d *Directory) WithPermission(p Permission) []int64 {
	var ids []int64
	for _, e := range d.employees {
		if e.Permission == p && !e.Disabled() {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// Heads are who is told about work that nobody does: the heads of sales, without
// any the administrators.
func (d *Directory) Heads() []int64 {
	if heads := d.WithPermission(Head); len(heads) > 0 {
		return heads
	}
	return d.WithPermission(Admin)
}

// Working reports whether the person can take work at the moment: not disabled,
// not absent, and their calendar is open.
func (d *Directory) Working(now time.Time, id int64) bool {
	e, ok := d.Employee(id)
	return ok && !e.Disabled() && !d.Absent(now, id) && d.Calendar(e.Calendar).IsOpen(now)
}

// OnShift are the members of the role who are working at the moment, ascending.
func (d *Directory) OnShift(now time.Time, role string) []int64 {
	return slices.DeleteFunc(d.Members(role), func(id int64) bool { return !d.Working(now, id) })
}

// Absent reports whether the person is away at the moment.
func (d *Directory) Absent(now time.Time, id int64) bool {
	_, away := d.absence(now, id)
	return away
}

// Substitute is who does the person's work at the moment: the person, or while
// they are away or have left the one who stands in, who may be away in turn. It
// is false when the chain ends with nobody or runs in a circle.
func (d *Directory) Substitute(now time.Time, id int64) (int64, bool) {
	seen := map[int64]bool{}
	for !seen[id] {
		seen[id] = true
		e, ok := d.Employee(id)
		if !ok {
			return 0, false
		}
		away, isAway := d.absence(now, id)
		switch {
		case !isAway && !e.Disabled():
			return id, true
		case !isAway || away.Substitute == nil:
			return 0, false
		}
		id = *away.Substitute
	}
	return 0, false
}

// StandsInFor are the ids of those whose work comes to the person at the moment.
func (d *Directory) StandsInFor(now time.Time, id int64) []int64 {
	var ids []int64
	for other := range d.absences {
		if s, ok := d.Substitute(now, other); ok && s == id && other != id {
			ids = append(ids, other)
		}
	}
	slices.Sort(ids)
	return ids
}

// Absences are those of the person, past ones too, by when they begin.
func (d *Directory) Absences(id int64) []Absence { return slices.Clone(d.absences[id]) }

func (d *Directory) absence(now time.Time, id int64) (Absence, bool) {
	for _, a := range d.absences[id] {
		if !now.Before(a.From) && now.Before(a.To) {
			return a, true
		}
	}
	return Absence{}, false
}

// Calendar is the calendar with the key; for an empty or unknown key that of the
// company, DefaultCalendar; and where there is none, Monday to Friday from nine
// to six in Moscow.
func (d *Directory) Calendar(key string) *workcal.Calendar {
	if c, ok := d.calendars[key]; ok {
		return c.hours
	}
	if c, ok := d.calendars[DefaultCalendar]; ok {
		return c.hours
	}
	return builtinCalendar()
}

// CalendarOf is the calendar of the person.
func (d *Directory) CalendarOf(id int64) *workcal.Calendar {
	e, _ := d.Employee(id)
	return d.Calendar(e.Calendar)
}

// Calendars lists the calendars by key.
func (d *Directory) Calendars() []Calendar {
	list := make([]Calendar, 0, len(d.calendars))
	for _, c := range d.calendars {
		list = append(list, c.Calendar)
	}
	slices.SortFunc(list, func(a, b Calendar) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// Directory is the current snapshot, at most Options.Fresh old; changes made
// through this Staff show at once. It is read by way of db: whoever stands in a
// transaction passes it, so that no second connection is needed while one is
// held.
func (s *Staff) Directory(ctx context.Context, db postgres.DB) (*Directory, error) {
	d, generation := s.cache.fresh(s.options.Clock())
	if d != nil {
		return d, nil
	}
	d, err := loadDirectory(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("read the directory of employees: %w", err)
	}
	s.cache.keep(d, generation, s.options.Clock().Add(s.options.Fresh))
	return d, nil
}

// directoryCache holds the last snapshot until it is stale or forgotten.
type directoryCache struct {
	mu         sync.Mutex
	held       *Directory
	until      time.Time
	generation int // counts forget, so that a snapshot read before a change is not kept after it
}

func (c *directoryCache) fresh(now time.Time) (*Directory, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held != nil && now.Before(c.until) {
		return c.held, c.generation
	}
	return nil, c.generation
}

func (c *directoryCache) keep(d *Directory, generation int, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation == c.generation {
		c.held, c.until = d, until
	}
}

func (c *directoryCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = nil
	c.generation++
}

// loadDirectory reads the four tables in one round trip.
func loadDirectory(ctx context.Context, db postgres.DB) (*Directory, error) {
	d := &Directory{byID: map[int64]int{}, byLogin: map[string]int{}, members: map[string][]int64{},
		absences: map[int64][]Absence{}, calendars: map[string]calendar{}}
	var batch pgx.Batch
	batch.Queue(employeesSQL).Query(d.readEmployees)
	batch.Queue(rolesSQL).Query(d.readRoles)
	batch.Queue(absencesSQL).Query(d.readAbsences)
	batch.Queue(calendarsSQL).Query(d.readCalendars)
	if err := db.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Directory) readEmployees(rows pgx.Rows) error {
	var e Employee
	_, err := pgx.ForEachRow(rows, []any{&e.ID, &e.Login, &e.Name, &e.Team, &e.Email, &e.Extension, &e.Language, &e.Calendar,
		&e.Permission, &e.Roles, &e.DisabledAt}, func() error {
		d.byID[e.ID], d.byLogin[e.Login] = len(d.employees), len(d.employees)
		d.employees = append(d.employees, e)
		if !e.Disabled() {
			for _, role := range e.Roles {
				d.members[role] = append(d.members[role], e.ID)
			}
		}
		e = Employee{} // its slices and pointers now belong to the list
		return nil
	})
	return err
}

func (d *Directory) readRoles(rows pgx.Rows) error {
	roles, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Role])
	d.roles = roles
	return err
}

func (d *Directory) readAbsences(rows pgx.Rows) error {
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Absence])
	for _, a := range list {
		d.absences[a.Employee] = append(d.absences[a.Employee], a)
	}
	return err
}

func (d *Directory) readCalendars(rows pgx.Rows) error {
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Calendar])
	if err != nil {
		return err
	}
	for _, c := range list {
		hours, err := c.build()
		if err != nil {
			return fmt.Errorf("calendar %s: %w", c.Key, err)
		}
		d.calendars[c.Key] = calendar{Calendar: c, hours: hours}
	}
	return nil
}
