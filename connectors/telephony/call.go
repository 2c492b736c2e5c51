package telephony

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"marshrut/leads"
)

// Call is one call as far as it is known.
type Call struct {
	Direction  leads.Direction // DirectionNone: between our own people
	Client     string          // the other side's number as written
	Dialled    string          // the number of ours
	Began      time.Time       // as exact as can be believed
	Answered   bool
	Ring, Talk time.Duration // 0: not known
	Extension  string        // who answered or called; of a missed one, who was rung first
	Reason     string
	Recording  string

	State   string // leads.CallRinging, CallTalking or CallOver
	Phones  []string
	Since   time.Time
	Until   time.Time // from then on State is not believed
	Final   bool      // the exchange has said its final word
	Due     time.Time // when to go by what is known without it; zero: nothing is known
	Unknown bool      // no fact tells of a call at all
}

// How long to wait for what comes next, from the last fact on.
const (
	waitSummary = 2 * time.Minute  // everybody has hung up: the summary comes within seconds
	waitRinging = 10 * time.Minute // longer than any telephone rings
	waitTalking = 4 * time.Hour    // longer than people talk
	showRinging = 3 * time.Minute
	showTalking = 2 * time.Hour
)

// Assemble makes a call of what was heard of it. The order and repeats make no difference.
func Assemble(heard []Heard) Call {
	facts := inOrder(heard)
	legs := legsOf(facts)
	final, said := finalOf(facts)
	c := Call{Final: said, Unknown: !slices.ContainsFunc(facts, func(h Heard) bool { return h.Kind != Recorded })}
	if c.Unknown {
		c.State = leads.CallOver
		return c
	}
	c.fill(facts, final)
	c.Began = began(facts, final, said)
	if said {
		c.Answered, c.Ring, c.Talk = final.Answered, cmp.Or(final.Ring, rang(facts, final, c.Began)), final.Talk
	} else {
		c.guess(facts, legs)
	}
	c.stand(facts, legs)
	return c
}

// inOrder is each fact once, as it happened as far as one can tell.
func inOrder(heard []Heard) []Heard {
	facts := slices.SortedFunc(slices.Values(heard), func(a, b Heard) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Leg, b.Leg), cmp.Compare(a.Seq, b.Seq), cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(a.ID, b.ID))
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(facts, func(h Heard) bool {
		known := seen[h.ID]
		seen[h.ID] = true
		return known
	})
}

var rank = map[Kind]int{Begun: 1, Rings: 2, Answered: 3, LegOver: 4, Over: 5}

// leg is what became of one telephone's part.
type leg struct {
	last      Heard // the fact that counts
	rang      time.Time
	answered  Heard // zero: never
	extension string
}

func (l leg) talking() bool { return l.last.Kind == Answered }

// legsOf finds the state of each leg. Facts of a leg are ordered by their numbers, and without
// them by their nature: what is over was answered before.
func legsOf(facts []Heard) map[string]leg {
	legs := map[string]leg{}
	for _, h := range facts {
		if h.Kind != Rings && h.Kind != Answered && h.Kind != LegOver {
			continue
		}
		l, known := legs[h.Leg]
		if !known || cmp.Or(cmp.Compare(h.Seq, l.last.Seq), cmp.Compare(rank[h.Kind], rank[l.last.Kind]), h.At.Compare(l.last.At)) >= 0 {
			l.last = h
		}
		if h.Kind == Rings && h.At.After(l.rang) {
			l.rang = h.At
		}
		if h.Kind == Answered && l.answered.ID == "" {
			l.answered = h
		}
		l.extension = cmp.Or(l.extension, h.Extension)
		legs[h.Leg] = l
	}
	return legs
}

// finalOf is the final word; of several the one with the longest talk, because who
// heard people speak did not make it up.
func finalOf(facts []Heard) (Heard, bool) {
	var best Heard
	said := false
	for _, h := range facts {
		better := h.Answered && !best.Answered || h.Answered == best.Answered && h.Talk > best.Talk
		if h.Kind == Over && (!said || better) {
			best, said = h, true
		}
	}
	return best, said
}

// fill takes who called whom from the final word, and where it is silent from the first fact that tells.
func (c *Call) fill(facts []Heard, final Heard) {
	c.Direction, c.Client, c.Dialled = final.Direction, final.Client, final.Dialled
	c.Extension, c.Reason, c.Recording = final.Extension, final.Reason, final.Recording
	for _, h := range facts {
		c.Direction = cmp.Or(c.Direction, h.Direction)
		c.Client = cmp.Or(c.Client, h.Client)
		c.Dialled = cmp.Or(c.Dialled, h.Dialled)
		c.Recording = cmp.Or(c.Recording, h.Recording)
		c.Reason = cmp.Or(c.Reason, h.Reason)
		if h.Kind == Answered {
			c.Extension = cmp.Or(c.Extension, h.Extension)
		}
	}
	for _, h := range facts {
		c.Extension = cmp.Or(c.Extension, h.Extension)
		if h.Callback && c.Direction != leads.DirectionNone {
			c.Direction = leads.DirectionOut // its first leg looks as if the client had called
		}
	}
	c.Direction = cmp.Or(c.Direction, leads.DirectionIn)
}

// rang is how long it rang by our own clock, where the final word does not say: since the call began, or, of news that
// came late, since the first of them.
func rang(facts []Heard, final Heard, began time.Time) time.Duration {
	picked := final.At
	if i := slices.IndexFunc(facts, func(h Heard) bool { return h.Kind == Answered }); i >= 0 {
		picked = facts[i].At
	} else if final.Answered {
		return 0 // nobody told when
	}
	if since := picked.Sub(began); since <= skew {
		return within(since)
	}
	return within(picked.Sub(facts[0].At))
}

// guess goes by the telephones when the final word has not come.
func (c *Call) guess(facts []Heard, legs map[string]leg) {
	first, last := clock(facts[0]), clock(facts[len(facts)-1])
	picked := time.Time{}
	for _, name := range slices.Sorted(maps.Keys(legs)) { // of two who picked up in the same second always the same
		l := legs[name]
		if l.answered.ID == "" {
			continue
		}
		c.Answered = true
		if at := clock(l.answered); picked.IsZero() || at.Before(picked) {
			picked = at
			c.Extension = cmp.Or(l.extension, c.Extension)
		}
	}
	if !c.Answered {
		c.Ring = within(last.Sub(first))
		return
	}
	c.Ring = within(picked.Sub(first))
	for _, l := range legs {
		if l.answered.ID != "" && l.last.Kind == LegOver {
			c.Talk = max(c.Talk, within(clock(l.last).Sub(picked)))
		}
	}
}

// clock is when it happened, by the exchange if it says.
func clock(h Heard) time.Time {
	if h.Fact.At.IsZero() {
		return h.At
	}
	return h.Fact.At
}

// How an exchange's clock and ours may differ.
const (
	skew = 15 * time.Minute    // with the way between them; more has a reason
	late = 31 * 24 * time.Hour // what was kept back longer is rather a broken clock
	// A clock of another zone is whole hours off, with hardly a minute beside them. One
	// vendor's documents disagree by three on what zone its numbers are in.
	zones, beside, disputed = 14 * time.Hour, 2 * time.Minute, 3 * time.Hour
)

// began is when the call began: by the exchange where its clock can be believed, else
// when we first heard of it.
func began(facts []Heard, final Heard, said bool) time.Time {
	first := slices.MinFunc(facts, func(a, b Heard) int { return a.At.Compare(b.At) }).At
	live := toldAsItWent(facts, final, first)
	for _, h := range facts {
		if believed(h, first, live) {
			return h.Began
		}
	}
	if told := earliest(facts); !said && !told.Fact.At.IsZero() && heldBack(told.At.Sub(told.Fact.At), live) {
		return told.Fact.At // of what is known of its telephones, all came late
	}
	if said && first.Equal(final.At) {
		return first.Add(-final.Ring - final.Talk) // nothing else came before the summary
	}
	return first
}

// believed tells whether the call began when the fact says: the news of it came at once, or was kept back on its way.
func believed(h Heard, first time.Time, live bool) bool {
	if h.Began.IsZero() || h.Began.After(first.Add(skew)) {
		return false
	}
	came := h.At.Sub(h.Began.Add(h.Ring + h.Talk))
	return came.Abs() <= skew || first.Sub(h.Began).Abs() <= skew || heldBack(came, live)
}

// toldAsItWent reports that the news of a call took about as long as the call: nobody kept it back.
func toldAsItWent(facts []Heard, final Heard, first time.Time) bool {
	last := slices.MaxFunc(facts, func(a, b Heard) int { return a.At.Compare(b.At) }).At
	lasted := last.Sub(first)
	return lasted >= 5*time.Second && lasted >= (final.Ring+final.Talk)/2
}

// heldBack tells a delay on the way from a clock that is of another zone: of a call that was told as it went, or in dispute.
func heldBack(d time.Duration, live bool) bool {
	hours := d.Round(time.Hour)
	zone := hours <= zones && (d-hours).Abs() <= beside && (live || hours == disputed)
	return d > skew && d <= late && !zone
}

// earliest is the fact that happened first, by the exchange's clock as far as it tells.
func earliest(facts []Heard) Heard {
	return slices.MinFunc(facts, func(a, b Heard) int { return clock(a).Compare(clock(b)) })
}

// stand says how the call is at this moment.
func (c *Call) stand(facts []Heard, legs map[string]leg) {
	last := slices.MaxFunc(facts, func(a, b Heard) int { return a.At.Compare(b.At) }).At
	c.State, c.Due = leads.CallOver, last.Add(waitSummary)
	if c.Final {
		return
	}
	answered := time.Time{}
	for _, l := range legs {
		if l.answered.At.After(answered) {
			answered = l.answered.At
		}
	}
	ringing := false
	for _, l := range legs {
		rings := l.last.Kind == Rings && l.rang.After(answered) // who did not pick up stops ringing when another does
		if (rings || l.talking()) && l.extension != "" {
			c.Phones = append(c.Phones, l.extension)
		}
		ringing = ringing || rings
		c.Since = latest(c.Since, l.rang, l.answered.At)
		if l.talking() {
			c.State = leads.CallTalking
		}
	}
	slices.Sort(c.Phones)
	c.Phones = slices.Compact(c.Phones)
	switch {
	case c.State == leads.CallTalking:
		c.Until, c.Due = last.Add(showTalking), last.Add(waitTalking)
	case ringing || len(legs) == 0:
		c.State, c.Until, c.Due = leads.CallRinging, last.Add(showRinging), last.Add(waitRinging)
	}
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }
