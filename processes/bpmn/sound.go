package bpmn

import "slices"

// scopes checks whole paths, the process and each embedded sub-process by itself.
func (c *checker) scopes() {
	c.scope(-1)
	for i := range c.p.Elements {
		if c.p.Elements[i].Kind == SubProcess && len(c.p.Elements[i].extras) == 0 {
			c.scope(i)
		}
	}
}

func (c *checker) scope(parent int) {
	owner := &Element{ID: c.p.ID, Name: c.p.Name}
	if parent >= 0 {
		owner = &c.p.Elements[parent]
	}
	starts := c.p.Starts(parent)
	switch {
	case len(starts) == 0:
		c.wrong(owner, "В «%s» нет простого начального события: неоткуда начать", "%q has no none start event: there is nowhere to begin", label(owner))
		return
	case len(starts) > 1:
		c.wrong(owner, "В «%s» несколько начальных событий; оставьте одно", "%q has several start events; keep one", label(owner))
		return
	}
	if c.reachable(parent, starts[0]) {
		c.explore(parent, starts[0])
		c.repeats(parent)
	}
}

// reachable reports elements that no token reaches, and those from which no end can be reached. It returns whether all is
// well.
func (c *checker) reachable(parent, start int) bool {
	seen := c.walk(start, func(e *Element) []int { return c.next(e) })
	ending := c.ending()
	fine := true
	for i := range c.p.Elements {
		e := &c.p.Elements[i]
		if e.Parent != parent {
			continue
		}
		if !seen[i] {
			fine = false
			if e.Kind != StartEvent {
				c.wrong(e, "До «%s» нельзя дойти от начала", "%q cannot be reached from the start", label(e))
			}
			continue
		}
		if !ending[i] {
			fine = false
			c.wrong(e, "От «%s» нельзя дойти до завершения", "No end can be reached from %q", label(e))
		}
	}
	return fine
}

// next are the elements that follow: by flows, and by events on the border.
func (c *checker) next(e *Element) []int {
	var out []int
	for _, f := range e.Out {
		out = append(out, c.p.Flows[f].Target)
	}
	return append(out, e.Boundary...)
}

func (c *checker) walk(from int, next func(*Element) []int) map[int]bool {
	seen := map[int]bool{from: true}
	for queue := []int{from}; len(queue) > 0; queue = queue[1:] {
		for _, to := range next(&c.p.Elements[queue[0]]) {
			if !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	return seen
}

// ending are the elements from which an end event can be reached, found backwards. One without a way out counts: it is
// reported elsewhere.
func (c *checker) ending() []bool {
	found := make([]bool, len(c.p.Elements))
	var queue []int
	add := func(i int) {
		if !found[i] {
			found[i] = true
			queue = append(queue, i)
		}
	}
	for i, e := range c.p.Elements {
		if e.Kind == EndEvent || len(e.Out) == 0 {
			add(i)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		e := &c.p.Elements[queue[0]]
		for _, f := range e.In {
			add(c.p.Flows[f].Source)
		}
		if e.AttachedTo >= 0 {
			add(e.AttachedTo)
		}
	}
	return found
}

// Bounds of the exploration. Route maps that people draw have tens to hundreds of markings; beyond the bound the engine's
// own check for stuck joins remains.
const (
	maxMarkings = 20_000
	maxBytes    = 8 << 20 // of all markings together
	maxTokens   = 4       // on one flow: more means that the model multiplies tokens
)

// marking is how many tokens lie on each flow.
type marking string

// explorer plays every possible run of a scope with all choices free (a Petri net's reachability graph), to find joins
// that wait for ever and tokens that multiply.
type explorer struct {
	c        *checker
	parent   int
	seen     map[marking]bool
	queue    []marking
	overflow int // flow that overflowed, or -1
	stuck    map[int]bool
	// lingers lets tokens stand before elements that merge without waiting, to see which may come together. Reminders make
	// no tokens then: they are meant to run beside.
	lingers bool
}

// within tells whether there is still room to explore.
func (x *explorer) within() bool {
	return len(x.seen) < min(maxMarkings, maxBytes/(len(x.c.p.Flows)+1)) && x.overflow < 0
}

// pauses tells whether tokens may stand before an element.
func (x *explorer) pauses(e *Element) bool { return waits(e) || x.lingers && mergesSingly(e) }

func (c *checker) explore(parent, start int) {
	x := &explorer{c: c, parent: parent, seen: map[marking]bool{}, overflow: -1, stuck: map[int]bool{}}
	x.put(make([]byte, len(c.p.Flows)), c.p.Elements[start].Out)
	for len(x.queue) > 0 && x.within() {
		m := x.queue[0]
		x.queue = x.queue[1:]
		if !x.step(m) {
			x.block(m)
		}
	}
	if x.overflow >= 0 {
		f := &c.p.Flows[x.overflow]
		e := &c.p.Elements[f.Target]
		c.warn(e, "До «%s» могут дойти сразу несколько веток: действие повторится столько раз, сколько их придёт", "Several branches may reach %q at once: it is done once for each", label(e))
		return
	}
	for i := range c.p.Elements {
		if x.stuck[i] {
			e := &c.p.Elements[i]
			c.wrong(e, "Слияние «%s» может ждать вечно: не все его входы дождутся своей ветки", "Join %q may wait for ever: not every incoming flow gets its token", label(e))
		}
	}
}

// put adds a marking: tokens laid on flows.
func (x *explorer) put(m []byte, flows ...[]int) {
	for _, set := range flows {
		for _, f := range set {
			if m[f]++; m[f] > maxTokens {
				x.overflow = f
				return
			}
		}
	}
	if x.lingers && tokens(m) < 2 {
		return // the branches have joined
	}
	if key := marking(m); !x.seen[key] {
		x.seen[key] = true
		x.queue = append(x.queue, key)
	}
}

func tokens(m []byte) (sum int) {
	for _, n := range m {
		sum += int(n)
	}
	return sum
}

// step fires everything that can fire; false if nothing can. What happens by itself happens before anything that waits,
// one element at a time, as in the engine: that also keeps the number of markings small.
func (x *explorer) step(m marking) bool {
	for i := range x.c.p.Elements {
		if e := &x.c.p.Elements[i]; e.Parent == x.parent && !x.pauses(e) && x.move(m, e, true) {
			return true
		}
	}
	moved := false
	for i := range x.c.p.Elements {
		if e := &x.c.p.Elements[i]; e.Parent == x.parent && x.pauses(e) {
			moved = x.move(m, e, false) || moved
		}
	}
	return moved
}

func waits(e *Element) bool {
	switch e.Kind {
	case UserTask, ReceiveTask, CatchEvent, CallActivity, SubProcess, EventBasedGateway:
		return true
	case ServiceTask, SendTask:
		return e.Action != nil && e.Action.Wait
	}
	return false
}

// move fires one element, for one of its tokens or for each.
func (x *explorer) move(m marking, e *Element, once bool) bool {
	if e.Kind == ParallelGateway {
		return len(e.In) > 0 && x.join(m, e)
	}
	moved := false
	for _, in := range e.In {
		if m[in] > 0 {
			moved = true
			x.fire(m, e, in)
			if once {
				break
			}
		}
	}
	return moved
}

func (x *explorer) join(m marking, e *Element) bool {
	next := []byte(m)
	for _, in := range e.In {
		if next[in] == 0 {
			return false
		}
		next[in]--
	}
	x.put(next, e.Out)
	return true
}

func (x *explorer) fire(m marking, e *Element, in int) {
	taken := func() []byte {
		next := []byte(m)
		next[in]--
		return next
	}
	switch {
	case e.Kind == EndEvent && e.Trigger == TerminateTrigger:
		x.put(make([]byte, len(m)))
		return
	case e.Kind == EndEvent:
		x.put(taken())
		return
	case e.Kind == ExclusiveGateway || e.Kind == EventBasedGateway || x.chooses(e):
		for _, out := range e.Out {
			x.put(taken(), []int{out})
		}
	default:
		x.put(taken(), e.Out)
	}
	for _, b := range e.Boundary {
		event := &x.c.p.Elements[b]
		switch {
		case event.NonInterrupted && x.lingers:
		case event.NonInterrupted:
			x.put(taken(), e.Out, event.Out)
		default:
			x.put(taken(), event.Out)
		}
	}
}

// chooses tells whether an activity chooses among its flows by conditions.
func (x *explorer) chooses(e *Element) bool {
	return e.Kind.Activity() && slices.ContainsFunc(e.Out, func(f int) bool { return x.c.p.Flows[f].Condition != nil })
}

// block notes the joins in which the tokens of a dead marking lie.
func (x *explorer) block(m marking) {
	for f := range len(m) {
		if m[f] > 0 {
			x.stuck[x.c.p.Flows[f].Target] = true
		}
	}
}
