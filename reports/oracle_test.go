package reports

import (
	"math"
	"slices"
	"strings"
	"time"
)

// The oracle replays what happened to each lead and counts by the definitions.
// It knows no SQL and no facts as the tables have them.

// sight is a thing the oracle counts: a lead of a cohort, an entry, a closing...
type sight struct {
	lead                    *life
	funnel, stage, owner    string
	reason, outcome         string
	excluded                string
	amount                  int64 // kopecks, -1: none
	cycle, age, stageAge    int64 // seconds
	visited                 map[string]bool
	furthest                int
	fate                    string
	first                   bool
	reached, passed, isLast bool
}

// state is how a lead stood at a moment.
type state struct {
	funnel, stage, owner, outcome, reason string
	entered, closed                       time.Time
	amount, closeAmount                   int64
	visited                               map[string]map[string]bool // by funnel
}

func (l *life) at(moment time.Time) state {
	s := state{outcome: "open", amount: -1, closeAmount: -1, visited: map[string]map[string]bool{"sales": {}, "service": {}}}
	for _, h := range l.events {
		if h.at.After(moment) {
			break
		}
		switch h.kind {
		case "enter", "reopened":
			s.funnel, s.stage, s.entered, s.outcome = h.funnel, h.stage, h.at, "open"
			s.visited[h.funnel][h.stage] = true
		case "assigned":
			s.owner = h.owner
		case "worth":
			s.amount = h.amount
		default:
			s.outcome, s.reason, s.closed, s.closeAmount = h.kind, h.reason, h.at, s.amount
		}
	}
	return s
}

// about makes a sight of a lead as it is known at the "as of" moment.
func about(l *life, q Query) sight {
	s := l.at(q.AsOf)
	v := sight{lead: l, funnel: s.funnel, stage: s.stage, owner: s.owner, outcome: s.outcome, amount: s.amount,
		visited: s.visited[s.funnel], furthest: -1, age: int64(q.AsOf.Sub(l.received).Seconds())}
	if s.outcome != "open" {
		v.cycle = int64(s.closed.Sub(l.received).Seconds())
		v.amount = s.closeAmount
	}
	if l.currency != "RUB" {
		v.amount = -1
	}
	for stage := range v.visited {
		v.furthest = max(v.furthest, rank(v.funnel, stage))
	}
	switch {
	case l.test:
		v.excluded = "test"
	case s.outcome == "junk" && (s.reason == "spam" || s.reason == "duplicate"):
		v.excluded = s.reason
	}
	return v
}

func in(t time.Time, q Query) bool { return !t.Before(q.From) && t.Before(q.To) && !t.After(q.AsOf) }

func (w world) sights(over relation, q Query) []sight {
	var all []sight
	for _, l := range w.leads {
		for _, v := range l.sights(over, q) {
			if v.passes(q) {
				all = append(all, v)
			}
		}
	}
	if over == climb {
		all = climbed(all)
	}
	return all
}

func (l *life) sights(over relation, q Query) []sight {
	switch over {
	case cohort, climb:
		if in(l.received, q) {
			return []sight{about(l, q)}
		}
	case entry:
		return l.entries(q)
	case closing, reopening:
		return l.closings(over, q)
	case standing, unclosed:
		s := l.at(q.AsOf)
		if !l.received.After(q.AsOf) && s.outcome == "open" {
			v := about(l, q)
			v.stageAge = int64(q.AsOf.Sub(s.entered).Seconds())
			return []sight{v}
		}
	}
	return nil
}

func (l *life) entries(q Query) []sight {
	var all []sight
	seen := map[string]bool{}
	for i, h := range l.events {
		if h.kind != "enter" && h.kind != "reopened" {
			continue
		}
		again := seen[h.funnel+"/"+h.stage]
		seen[h.funnel+"/"+h.stage] = true
		if !in(h.at, q) {
			continue
		}
		v := about(l, q)
		v.funnel, v.stage, v.first, v.fate = h.funnel, h.stage, !again, "here"
		v.owner = l.at(h.at).owner
		for _, next := range l.events[i+1:] {
			if next.at.After(q.AsOf) {
				break
			}
			if next.kind == "assigned" && v.owner == "" {
				v.owner = next.owner
			}
			if v.fate = fateAfter(h, next); v.fate != "here" {
				break
			}
		}
		all = append(all, v)
	}
	return all
}

func fateAfter(h, next happening) string {
	switch next.kind {
	case "enter":
		switch {
		case next.funnel != h.funnel:
			return "other_funnel"
		case rank(next.funnel, next.stage) < rank(h.funnel, h.stage):
			return "back"
		}
		return "advanced"
	case "won":
		return "advanced"
	case "lost", "junk":
		return "lost"
	}
	return "here"
}

func (l *life) closings(over relation, q Query) []sight {
	var all []sight
	for i, h := range l.events {
		closes := h.kind == "won" || h.kind == "lost" || h.kind == "junk"
		if !in(h.at, q) || over == closing && !closes || over == reopening && h.kind != "reopened" {
			continue
		}
		undone := slices.ContainsFunc(l.events[i+1:], func(later happening) bool {
			return later.kind == "reopened" && !later.at.After(q.AsOf)
		})
		if over == closing && undone {
			continue
		}
		v := about(l, q)
		before := l.at(h.at)
		v.funnel, v.stage, v.owner, v.reason = before.funnel, before.stage, before.owner, ""
		if closes {
			v.reason = h.reason
		}
		all = append(all, v)
	}
	return all
}

func (v sight) passes(q Query) bool {
	match := func(asked, has string) bool {
		return asked == "" || asked == has || asked == None && has == ""
	}
	return match(q.Funnel, v.funnel) && match(q.Owner, v.owner) && match(q.Team, teamOf[v.owner]) && match(q.Source, v.lead.source) &&
		match(q.Channel, v.lead.channel) && match(q.Connection, v.lead.connection) && match(q.Product, v.lead.product) && match(q.City, v.lead.city)
}

func climbed(leads []sight) []sight {
	var all []sight
	for _, v := range leads {
		for i, stage := range ladder[v.funnel] {
			c := v
			c.isLast = v.stage == stage
			c.stage, c.reached, c.passed = stage, v.outcome == "won" || v.furthest >= i, v.visited[stage]
			all = append(all, c)
		}
		c := v
		c.stage, c.reached, c.passed, c.isLast = wonStep, v.outcome == "won", v.outcome == "won", false
		all = append(all, c)
	}
	return all
}

func (v sight) key(dim string) string {
	switch dim {
	case "funnel":
		return v.funnel
	case "stage":
		return v.funnel + "/" + v.stage
	case "owner":
		return v.owner
	case "source":
		return v.lead.source
	case "channel":
		return v.lead.channel
	case "reason":
		return v.reason
	}
	panic(dim)
}

// counts are the measures in the oracle's words.
var counts = map[string]func(sight) bool{
	"leads": always, "won": outcome("won"), "lost": outcome("lost"), "junk": outcome("junk"), "open": outcome("open"),
	"base": always, "reached": func(v sight) bool { return v.reached }, "passed": func(v sight) bool { return v.passed },
	"skipped":    func(v sight) bool { return v.reached && !v.passed },
	"stage_open": func(v sight) bool { return v.isLast && v.outcome == "open" },
	"stage_lost": func(v sight) bool { return v.isLast && v.outcome == "lost" },
	"stage_junk": func(v sight) bool { return v.isLast && v.outcome == "junk" },
	"entries":    func(v sight) bool { return v.first }, "reentries": func(v sight) bool { return !v.first },
	"advanced": fate("advanced"), "dropped": fate("lost"), "back": fate("back"), "other_funnel": fate("other_funnel"), "here": fate("here"),
	"closed_won": outcome("won"), "closed_lost": outcome("lost"), "closed_junk": outcome("junk"), "reopened": always,
	"closed_decided": func(v sight) bool { return v.outcome == "won" || v.outcome == "lost" },
	"standing":       always, "unclosed": always, "no_amount": func(v sight) bool { return v.amount < 0 },
}

func always(sight) bool                    { return true }
func outcome(kind string) func(sight) bool { return func(v sight) bool { return v.outcome == kind } }
func fate(kind string) func(sight) bool {
	return func(v sight) bool { return v.first && v.fate == kind }
}
func decided(v sight) bool { return v.outcome == "won" || v.outcome == "lost" }

// expect is what a measure must be over some sights.
func expect(key string, all []sight) Value {
	m := measure(key)
	if key == "closed_junk" {
		all = slices.DeleteFunc(slices.Clone(all), func(v sight) bool { return v.excluded == "test" })
	} else {
		all = slices.DeleteFunc(slices.Clone(all), func(v sight) bool { return v.excluded != "" })
	}
	if test, ok := counts[key]; ok {
		n := int64(0)
		for _, v := range all {
			if test(v) {
				n++
			}
		}
		return countOf(n)
	}
	switch key {
	case "won_amount", "closed_won_amount":
		return sumOf(all, outcome("won"))
	case "closed_lost_amount":
		return sumOf(all, outcome("lost"))
	case "closed_decided_amount":
		return sumOf(all, decided)
	case "standing_amount":
		return sumOf(all, always)
	case "weighted_amount":
		total := int64(0)
		for _, v := range all {
			if v.amount > 0 {
				total += (v.amount*chance[v.stage] + 50) / 100
			}
		}
		return amountOf(total)
	case "cycle":
		return medianOf(all, decided, func(v sight) int64 { return v.cycle })
	case "stage_age":
		return medianOf(all, always, func(v sight) int64 { return v.stageAge })
	case "lead_age":
		return medianOf(all, always, func(v sight) int64 { return v.age })
	case "oldest":
		if len(all) == 0 {
			return Value{}
		}
		return durationOf(slices.MaxFunc(all, func(a, b sight) int { return int(a.stageAge - b.stageAge) }).stageAge)
	}
	if m.share[0] != "" {
		return expect(m.share[0], all).over(expect(m.share[1], all))
	}
	panic("the oracle does not know " + key)
}

func sumOf(all []sight, test func(sight) bool) Value {
	total := int64(0)
	for _, v := range all {
		if test(v) && v.amount > 0 {
			total += v.amount
		}
	}
	return amountOf(total)
}

func amountOf(kop int64) Value {
	whole, part := kop/100, kop%100
	return moneyOf(strings.Join([]string{itoa(whole), string(rune('0'+part/10)) + string(rune('0'+part%10))}, "."))
}

func itoa(n int64) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func medianOf(all []sight, test func(sight) bool, of func(sight) int64) Value {
	var xs []int64
	for _, v := range all {
		if test(v) {
			xs = append(xs, of(v))
		}
	}
	if len(xs) == 0 {
		return Value{}
	}
	slices.Sort(xs)
	middle := float64(xs[(len(xs)-1)/2]+xs[len(xs)/2]) / 2
	return durationOf(int64(math.RoundToEven(middle)))
}
