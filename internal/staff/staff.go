// Package staff knows the people of the company: employees, the roles to which
// route maps address work, who stands in for whom, working hours, what each may
// see and do, and how they sign in. It knows no leads and no processes: a role
// is a word to it, a notice a line of text with two numbers. Processes ask it
// whom to give a task, web and the commands who is asking.
package staff

import (
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Errors of this package. They are asked with errors.Is.
var (
	ErrNotFound    = errors.New("no such employee")
	ErrDisabled    = errors.New("the employee's access has ended")
	ErrNoToken     = errors.New("no such token")
	ErrNotAllowed  = errors.New("not allowed")
	ErrCredentials = errors.New("wrong login or password")
	ErrNoSession   = errors.New("not signed in")
	ErrUnknownRole = errors.New("no such role of performers")
	ErrTaken       = errors.New("the login is taken")
	ErrLastAdmin   = errors.New("the last administrator has to stay")
)

// Employee is a person who works in the system.
type Employee struct {
	ID         int64
	Login      string // lower case
	Name       string
	Team       string
	Email      string
	Extension  string // of the telephone exchange
	Language   string // "ru" or "en"
	Calendar   string // key of the working hours; empty: those of the company
	Permission Permission
	Roles      []string // keys of performer roles, sorted
	DisabledAt *time.Time
}

// Disabled reports whether the person has left: cannot sign in and gets no work.
func (e Employee) Disabled() bool { return e.DisabledAt != nil }

// Actor is who does something: an employee as signed in, or the system.
type Actor struct {
	ID         int64 // 0: the system
	Login      string
	Name       string
	Language   string
	Permission Permission
	Roles      []string
	// MustChangePassword is set while the one-time password is still in force.
	MustChangePassword bool
}

// System is the actor of timers, start rules and everything nobody clicked.
func System() Actor {
	return Actor{Login: "system", Name: "Система", Language: "ru", Permission: system}
}

// IsSystem reports whether no person stands behind the actor.
func (a Actor) IsSystem() bool { return a.ID == 0 && a.Permission == system }

// Can reports whether the actor's permission covers the action.
func (a Actor) Can(action Action) bool { return a.Permission.Can(action) }

// HasRole reports whether the actor is a performer of the role. An empty role
// addresses nobody in particular and is held by nobody.
func (a Actor) HasRole(role string) bool { return slices.Contains(a.Roles, role) }

// Ref is the actor's id as journals keep it: nil for the system.
func (a Actor) Ref() *int64 {
	if a.ID == 0 {
		return nil
	}
	return &a.ID
}

// ActorOf is the employee as an actor.
func ActorOf(e Employee) Actor {
	return Actor{ID: e.ID, Login: e.Login, Name: e.Name, Language: e.Language, Permission: e.Permission, Roles: e.Roles}
}

// Options of a Staff. The zero value is what production uses.
type Options struct {
	// Idle ends a session nobody used; 12 hours if zero.
	Idle time.Duration
	// Lifetime ends every session; 7 days if zero.
	Lifetime time.Duration
	// Fresh is how long a snapshot of the directory serves before changes made
	// by other processes are looked for; 2 seconds if zero. It is measured on
	// the machine's clock, for the business clock may run through months in a
	// minute.
	Fresh time.Duration
	// Clock measures Fresh; time.Now if nil.
	Clock func() time.Time
}

// Staff answers for people. Safe for concurrent use.
type Staff struct {
	pool     *pgxpool.Pool
	options  Options
	cache    directoryCache
	attempts *attempts
	hashing  chan struct{} // each argon2id takes 19 MiB: so many at once
}

// New makes a Staff over the tables of the database behind the pool.
func New(pool *pgxpool.Pool, o Options) *Staff {
	if o.Idle == 0 {
		o.Idle = 12 * time.Hour
	}
	if o.Lifetime == 0 {
		o.Lifetime = 7 * 24 * time.Hour
	}
	if o.Fresh == 0 {
		o.Fresh = 2 * time.Second
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Staff{pool: pool, options: o, attempts: newAttempts(), hashing: make(chan struct{}, 4)}
}
