package repository

import (
	"slices"
	"strings"

	"marshrut/leads"
)

// person is a contact while a batch is being matched.
type person struct {
	leads.Person
	name      string
	notClient bool
	known     bool // was there before the batch
	nameless  bool // had no name then
	met       bool // an earlier inquiry of the batch opened a lead
	clients   []*firm
	linked    map[int64]bool // clients the base links them to already
}

// firm is a client while a batch is being matched.
type firm struct {
	id    int64
	name  string
	known bool
}

// holder is whom a contact point belongs to; a switchboard belongs to a client only.
type holder struct{ contact, client int64 }

// proposal says that two contacts may be one person, because an inquiry names both.
type proposal struct {
	older, newer int64
	item         *item
}

// components folds the inquiries of one person: those that share a point, directly or through others, get one number.
// Points in skip, switchboards, connect nobody.
func components(items []*item, skip func(leads.PointID) bool) []int {
	parent := make([]int, len(items))
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	first := map[leads.PointID]int{}
	for i, it := range items {
		for _, p := range it.points {
			if skip(p.ID()) {
				continue
			}
			if j, ok := first[p.ID()]; ok {
				parent[max(find(i), find(j))] = min(find(i), find(j))
			} else {
				first[p.ID()] = i
			}
		}
	}
	for i := range parent {
		parent[i] = find(i)
	}
	return parent
}

// matcher finds the person behind each inquiry of a batch, in its order, as if they came one by one, except that
// a person nobody knew is one person in the whole batch.
type matcher struct {
	items     []*item
	holders   map[leads.PointID]holder
	people    map[int64]*person
	spare     []int64 // ids for new contacts
	moved     map[leads.PointID]int64
	proposals []proposal
	opened    []*person
}

// match decides. holders say whom each point belongs to; of points filed just now, to the proposed contact that is not in people.
func (m *matcher) match() {
	m.moved = map[leads.PointID]int64{}
	fresh := map[leads.PointID]int64{} // proposed contacts of new points
	for id, h := range m.holders {
		if h.contact != 0 && m.people[h.contact] == nil {
			fresh[id] = h.contact
		}
	}
	groups := components(m.items, func(p leads.PointID) bool { return m.holders[p].client != 0 })
	standIn := m.standIns(groups, fresh)
	for i, it := range m.items {
		who := m.who(it, fresh, standIn[groups[i]])
		if who == nil {
			continue
		}
		it.person = who
		for _, p := range it.points {
			if proposed, ok := fresh[p.ID()]; ok {
				if proposed != who.ID {
					m.moved[p.ID()] = who.ID
				}
				m.holders[p.ID()] = holder{contact: who.ID}
				delete(fresh, p.ID())
			}
		}
	}
}

// who picks among those the inquiry's own points belong to, else the group's stand-in.
func (m *matcher) who(it *item, fresh map[leads.PointID]int64, standIn *person) *person {
	var candidates []leads.Person
	for _, p := range it.points {
		h := m.holders[p.ID()]
		if _, isNew := fresh[p.ID()]; h.contact != 0 && !isNew {
			candidates = append(candidates, m.people[h.contact].Person)
		}
	}
	chosen, others, ok := leads.Who(candidates)
	if !ok {
		return standIn
	}
	for _, other := range others {
		m.proposals = append(m.proposals, proposal{chosen.ID, other.ID, it})
	}
	return m.people[chosen.ID]
}

// standIns are who the inquiries of a group are from when their own points tell nothing: the oldest person
// the group knows, else a new one. Somebody without name and points is nobody.
func (m *matcher) standIns(groups []int, fresh map[leads.PointID]int64) map[int]*person {
	out := map[int]*person{}
	for i, it := range m.items {
		for _, p := range it.points {
			known := m.people[m.holders[p.ID()].contact]
			if known != nil && (out[groups[i]] == nil || known.Older(out[groups[i]].Person) < 0) {
				out[groups[i]] = known
			}
		}
	}
	used := map[int64]bool{}
	for i, it := range m.items {
		id, hasPoint := proposed(it, fresh, used)
		if out[groups[i]] != nil || !hasPoint && (it.in.Name == "" || len(it.points) > 0) {
			continue
		}
		if id == 0 {
			id, m.spare = m.spare[0], m.spare[1:]
		}
		used[id] = true
		out[groups[i]] = &person{Person: leads.Person{ID: id, CreatedAt: it.in.ReceivedAt}}
		m.people[id] = out[groups[i]]
		m.opened = append(m.opened, out[groups[i]])
	}
	return out
}

// proposed is the contact under which a new point of the inquiry has been filed, 0 when another group took it.
func proposed(it *item, fresh map[leads.PointID]int64, used map[int64]bool) (id int64, hasPoint bool) {
	for _, p := range it.points {
		id, ok := fresh[p.ID()]
		if ok && !used[id] {
			return id, true
		}
		hasPoint = hasPoint || ok
	}
	return 0, hasPoint
}

// firmNamed finds among the person's clients the one of that name.
func (p *person) firmNamed(name string) (*firm, bool) {
	i := slices.IndexFunc(p.clients, func(f *firm) bool { return strings.EqualFold(f.name, name) })
	if i < 0 {
		return nil, false
	}
	return p.clients[i], true
}
