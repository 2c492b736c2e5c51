package leads

import (
	"cmp"
	"slices"
	"time"
)

// JoinRule says which open lead of the client takes a new inquiry.
type JoinRule string

// The rules.
const (
	JoinFunnel JoinRule = "funnel" // an open lead in the same funnel; the default
	JoinAny    JoinRule = "any"    // an open lead in any funnel
	JoinNever  JoinRule = "never"  // every inquiry is a lead
)

// MatchRules are the settings of who it is and whether it is new.
type MatchRules struct {
	// Join is the rule, "" is JoinFunnel.
	Join JoinRule
	// Window is how long a lead without any activity still takes inquiries; 0: as long as it is open.
	Window time.Duration
	// Proxies are numbers and addresses that belong to aggregators (Авито, a marketplace): normal forms that are never an identity.
	Proxies []string
}

// Identity gives the points that say who it is: each once, sorted as everybody locks
// them, without empty ones and proxies. An empty value never matches anything.
func (r MatchRules) Identity(points []ContactPoint) []ContactPoint {
	out := make([]ContactPoint, 0, len(points))
	for _, p := range points {
		if p.Kind != "" && p.Value != "" && !slices.Contains(r.Proxies, p.Value) {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b ContactPoint) int { return a.ID().Compare(b.ID()) })
	return slices.CompactFunc(out, func(a, b ContactPoint) bool { return a.ID() == b.ID() })
}

// Person is a contact as far as matching cares.
type Person struct {
	ID        int64
	CreatedAt time.Time
}

// Older orders people by age, the oldest first.
func (p Person) Older(q Person) int {
	return cmp.Or(p.CreatedAt.Compare(q.CreatedAt), cmp.Compare(p.ID, q.ID))
}

// Who picks the person an inquiry is from out of those its points belong to: the
// oldest. The others may be the same person; a human decides. No candidates: false.
func Who(candidates []Person) (who Person, others []Person, ok bool) {
	sorted := slices.SortedFunc(slices.Values(candidates), Person.Older)
	sorted = slices.CompactFunc(sorted, func(a, b Person) bool { return a.ID == b.ID })
	if len(sorted) == 0 {
		return Person{}, nil, false
	}
	return sorted[0], sorted[1:], true
}

// OpenLead is an open lead as far as joining cares.
type OpenLead struct {
	ID             int64
	Funnel         string
	LastActivityAt time.Time
}

// JoinLead picks the open lead of the person that takes an inquiry received at the time
// given: the one with the latest activity inside the window. None: false, a new lead opens.
func (r MatchRules) JoinLead(funnel string, at time.Time, open []OpenLead) (OpenLead, bool) {
	var best OpenLead
	for _, lead := range open {
		fits := r.Join == JoinAny || lead.Funnel == funnel
		fresh := r.Window == 0 || at.Sub(lead.LastActivityAt) <= r.Window
		newer := best.ID == 0 || cmp.Or(lead.LastActivityAt.Compare(best.LastActivityAt), cmp.Compare(lead.ID, best.ID)) > 0
		if r.Join != JoinNever && fits && fresh && newer {
			best = lead
		}
	}
	return best, best.ID != 0
}
