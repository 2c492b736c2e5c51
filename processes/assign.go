package processes

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/processes/bpmn"
)

//go:embed sql/loads.sql
var loadsSQL string

// Vacancy is work that looks for a performer.
type Vacancy struct {
	Role         string
	Mode         bpmn.Mode
	FallbackRole string
	Substitutes  bool    // an absent performer's substitute counts in his place
	Subject      Subject // for the modes owner, familiar and called
	Except       int64   // not this one, if there is anybody else: a reassignment
}

// Performer is who was found for a Vacancy.
type Performer struct {
	Employee int64  // 0: any member of Role may take it, or nobody can
	Role     string // the vacancy's, or its fallback when that had nobody
	Nobody   bool
}

// Performers finds a performer for each vacancy, in their order. The next of a
// round-robin and the least loaded are found for all vacancies of a role at
// once. Effects may call it.
func (s *Service) Performers(ctx context.Context, tx pgx.Tx, now time.Time, vacancies []Vacancy) ([]Performer, error) {
	people, err := s.staff.Directory(ctx, tx)
	if err != nil {
		return nil, err
	}
	found := make([]Performer, len(vacancies))
	waiting := map[string][]int{} // vacancies that take turns, by role
	pools := make([][]int64, len(vacancies))
	for i, v := range vacancies {
		p := &found[i]
		p.Role = v.Role
		if id, ok := personal(people, now, v); ok {
			p.Employee = id
			continue
		}
		p.Role, pools[i] = candidates(people, now, v)
		switch {
		case len(pools[i]) == 0:
			p.Nobody = true
		case v.Mode == bpmn.Anybody:
		case len(pools[i]) == 1:
			p.Employee = pools[i][0]
		default:
			waiting[p.Role] = append(waiting[p.Role], i)
		}
	}
	return found, s.takeTurns(ctx, tx, vacancies, pools, waiting, found)
}

// takeTurns chooses among several candidates, role by role.
func (s *Service) takeTurns(ctx context.Context, tx pgx.Tx, vacancies []Vacancy, pools [][]int64, waiting map[string][]int, found []Performer) error {
	var equal []int // vacancies for the least loaded
	for _, role := range slices.Sorted(maps.Keys(waiting)) {
		var round []int
		for _, i := range waiting[role] {
			if vacancies[i].Mode == bpmn.LeastLoaded {
				equal = append(equal, i)
			} else {
				round = append(round, i)
			}
		}
		if len(round) == 0 {
			continue
		}
		turns, err := s.staff.Turns(ctx, tx, role, len(round))
		if err != nil {
			return err
		}
		for k, i := range round {
			found[i].Employee = pools[i][int(turns[k]%int64(len(pools[i])))]
		}
	}
	if len(equal) == 0 {
		return nil
	}
	return s.leastLoaded(ctx, tx, equal, pools, found)
}

// leastLoaded gives each vacancy to the candidate with the fewest open tasks,
// those given a moment ago included.
func (s *Service) leastLoaded(ctx context.Context, tx pgx.Tx, vacancies []int, pools [][]int64, found []Performer) error {
	var all []int64
	for _, i := range vacancies {
		all = append(all, pools[i]...)
	}
	load := map[int64]int{}
	rows, err := tx.Query(ctx, loadsSQL, pgx.NamedArgs{"employees": all})
	if err != nil {
		return fmt.Errorf("count open tasks: %w", err)
	}
	var employee int64
	var open int
	if _, err := pgx.ForEachRow(rows, []any{&employee, &open}, func() error { load[employee] = open; return nil }); err != nil {
		return fmt.Errorf("count open tasks: %w", err)
	}
	for _, i := range vacancies {
		least := slices.MinFunc(pools[i], func(a, b int64) int { return cmp.Or(cmp.Compare(load[a], load[b]), cmp.Compare(a, b)) })
		found[i].Employee = least
		load[least]++
	}
	return nil
}

// personal is the one person a mode asks for, if he can take the work: the owner
// unless he is away, also at night, for it is his; who is familiar with the
// client only while he works or nobody else does.
func personal(people *staff.Directory, now time.Time, v Vacancy) (int64, bool) {
	switch v.Mode {
	case bpmn.Owner:
		return present(people, now, v.Subject.Owner, v.Substitutes)
	case bpmn.Familiar:
		// Somebody who entered a lead for a colleague, or who owns it already, has said whose it is.
		if id, ok := present(people, now, v.Subject.Owner, v.Substitutes); ok {
			return id, true
		}
		id, ok := present(people, now, v.Subject.Familiar, v.Substitutes)
		if !ok || !people.Working(now, id) && len(people.OnShift(now, v.Role)) > 0 {
			return 0, false
		}
		return id, true
	case bpmn.Called:
		return called(people, now, v)
	}
	return 0, false
}

// called is who has to call back: the first on shift of those the client may
// expect. Off shift one of them gets it only while nobody of the roles works.
func called(people *staff.Directory, now time.Time, v Vacancy) (int64, bool) {
	var here []int64
	for _, id := range []int64{v.Subject.Owner, v.Subject.Familiar, v.Subject.Called} {
		if id, ok := present(people, now, id, v.Substitutes); ok {
			here = append(here, id)
		}
	}
	if i := slices.IndexFunc(here, func(id int64) bool { return people.Working(now, id) }); i >= 0 {
		return here[i], true
	}
	if len(here) == 0 || len(people.OnShift(now, v.Role))+len(people.OnShift(now, v.FallbackRole)) > 0 {
		return 0, false
	}
	return here[0], true
}

// present is the person unless disabled or away, else his substitute.
func present(people *staff.Directory, now time.Time, id int64, substitutes bool) (int64, bool) {
	if id == 0 {
		return 0, false
	}
	e, known := people.Employee(id)
	if !known {
		return 0, false
	}
	if !e.Disabled() && !people.Absent(now, id) {
		return id, true
	}
	if !substitutes {
		return 0, false
	}
	return people.Substitute(now, id)
}

// candidates are who may be given the work, ascending, and of which role: of the
// role itself, of its fallback, and only then the administrators who stand in
// for a role without performers. Who is on shift comes before who is only off
// shift. Nobody at all leaves the vacancy's own role.
func candidates(people *staff.Directory, now time.Time, v Vacancy) (string, []int64) {
	for _, standIn := range []bool{false, true} {
		for _, role := range []string{v.Role, v.FallbackRole} {
			here := presentMembers(people, now, role, v.Substitutes, standIn)
			if len(here) > 1 {
				here = slices.DeleteFunc(here, func(id int64) bool { return id == v.Except })
			}
			working := slices.DeleteFunc(slices.Clone(here), func(id int64) bool { return !people.Working(now, id) })
			if len(working) > 0 {
				return role, working
			}
			if len(here) > 0 {
				return role, here
			}
		}
	}
	return v.Role, nil
}

// presentMembers are the members of the role who are not away, with the
// substitutes of those who are.
func presentMembers(people *staff.Directory, now time.Time, role string, substitutes, standIn bool) []int64 {
	var here []int64
	for _, id := range people.Members(role) {
		e, _ := people.Employee(id)
		if slices.Contains(e.Roles, role) == standIn {
			continue
		}
		if p, ok := present(people, now, id, substitutes); ok {
			here = append(here, p)
		}
	}
	slices.Sort(here)
	return slices.Compact(here)
}
