package app

import (
	"fmt"
	"slices"
	"strings"
)

// Roles say what a process does. Any number of processes may have each.
type Roles struct {
	Edge   bool // takes inquiries in
	Worker bool // makes leads of them, runs processes, delivers
	Web    bool // serves people and the API
}

// All is what a single process on one machine does.
var All = Roles{Edge: true, Worker: true, Web: true}

// ParseRoles reads names of roles.
func ParseRoles(names []string) (Roles, error) {
	var r Roles
	for _, name := range names {
		switch strings.TrimSpace(name) {
		case "edge":
			r.Edge = true
		case "worker":
			r.Worker = true
		case "web":
			r.Web = true
		default:
			return r, fmt.Errorf("role %q is none of edge, worker, web", name)
		}
	}
	return r, nil
}

// names are the roles as they are written.
func (r Roles) names() []string {
	var names []string
	for name, has := range map[string]bool{"edge": r.Edge, "worker": r.Worker, "web": r.Web} {
		if has {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
