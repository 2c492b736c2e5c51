package bpmn

import (
	"maps"
	"slices"
	"strings"
)

// This file finds what is executed and yet hardly meant: parts of a map that would run several times, or without end.

// repeats warns of what a scope does more often than it looks.
func (c *checker) repeats(parent int) {
	warned := map[int]bool{}
	for i := range c.p.Elements {
		e := &c.p.Elements[i]
		if e.Parent != parent {
			continue
		}
		if flows := c.splits(e); len(flows) > 1 {
			c.unjoined(e, flows, warned)
		}
		if e.Kind == BoundaryEvent && e.NonInterrupted {
			c.rejoins(e)
		}
	}
	c.restless(parent)
}

// splits are the flows that an element takes together whatever the values are.
func (c *checker) splits(e *Element) []int {
	switch e.Kind {
	case ExclusiveGateway, EventBasedGateway:
		return nil
	case ParallelGateway:
		return e.Out
	}
	return slices.DeleteFunc(slices.Clone(e.Out), func(out int) bool { return out == e.Default || c.p.Flows[out].Condition != nil })
}

// unjoined plays what follows a split until two of its branches stand before an element that does not wait for both. It
// looks at the branches alone: what else runs beside them is another split's matter.
func (c *checker) unjoined(split *Element, flows []int, warned map[int]bool) {
	x := &explorer{c: c, parent: split.Parent, seen: map[marking]bool{}, overflow: -1, stuck: map[int]bool{}, lingers: true}
	x.put(make([]byte, len(c.p.Flows)), flows)
	for ; len(x.queue) > 0 && x.within() && c.played < maxMarkings; c.played++ {
		m := x.queue[0]
		x.queue = x.queue[1:]
		if e := x.crowded(m); e != nil {
			if !warned[e.Index] && c.matters(e) {
				warned[e.Index] = true
				c.warn(e, "Ветки, которые разделил «%[2]s», сходятся в «%[1]s», а он не ждёт остальных: всё после него будет выполнено столько раз, сколько веток придёт. Соедините ветки параллельным шлюзом",
					"The branches that %[2]q splits meet at %[1]q, which does not wait for the others: all behind it is done once for each branch. Join them with a parallel gateway", label(e), label(split))
			}
			return
		}
		x.step(m)
	}
}

// crowded is an element before which tokens stand on several flows at once, unless it is one that joins or ends them.
func (x *explorer) crowded(m marking) *Element {
	for i := range x.c.p.Elements {
		e := &x.c.p.Elements[i]
		if e.Parent != x.parent || !mergesSingly(e) {
			continue
		}
		waiting := 0
		for _, in := range e.In {
			if m[in] > 0 {
				waiting++
			}
		}
		if waiting > 1 {
			return e
		}
	}
	return nil
}

// mergesSingly tells whether an element with several incoming flows goes on for each token by itself.
func mergesSingly(e *Element) bool {
	return len(e.In) > 1 && e.Kind != ParallelGateway && e.Kind != EndEvent
}

// matters tells whether running what begins at an element twice makes a difference. Ways that only lead to plain ends may
// be gone by any number of branches.
func (c *checker) matters(e *Element) bool {
	for i := range c.walk(e.Index, c.onward) {
		reached := &c.p.Elements[i]
		quiet := (reached.Kind == EndEvent || reached.Kind == ExclusiveGateway) && len(reached.Sets) == 0 && reached.Stage == ""
		if !quiet {
			return true
		}
	}
	return false
}

// onward are the elements that follow by flows alone.
func (c *checker) onward(e *Element) []int {
	out := make([]int, 0, len(e.Out))
	for _, f := range e.Out {
		out = append(out, c.p.Flows[f].Target)
	}
	return out
}

// rejoins warns of a reminder whose path leads back into the way of the task it reminds of: the task goes on beside it, so
// that the rest is done twice.
func (c *checker) rejoins(event *Element) {
	if event.AttachedTo < 0 {
		return
	}
	task := &c.p.Elements[event.AttachedTo]
	way := map[int]bool{}
	for _, f := range task.Out {
		for i := range c.walk(c.p.Flows[f].Target, c.staying) {
			way[i] = true
		}
	}
	for _, i := range c.inOrder(c.walk(event.Index, c.onward)) {
		met := &c.p.Elements[i]
		if way[i] && met.Kind != EndEvent && met.Kind != ParallelGateway && c.matters(met) {
			c.warn(event, "Путь от «%[1]s» возвращается к «%[2]s», а задача «%[3]s» при этом продолжается: дальше всё будет выполнено ещё раз. Сделайте событие прерывающим или завершите его путь отдельно",
				"The path from %[1]q leads back to %[2]q while task %[3]q goes on: all behind it is done once more. Let the event interrupt, or end its path by itself", label(event), label(met), label(task))
			return
		}
	}
}

// staying are the elements that follow while a token stays one: without reminders, which make more.
func (c *checker) staying(e *Element) []int {
	next := c.onward(e)
	for _, b := range e.Boundary {
		if !c.p.Elements[b].NonInterrupted {
			next = append(next, b)
		}
	}
	return next
}

func (c *checker) inOrder(found map[int]bool) []int {
	var list []int
	for i := range c.p.Elements {
		if found[i] {
			list = append(list, i)
		}
	}
	return list
}

// restless warns of a loop in which nothing waits: the engine goes round it at once, and stops it after MaxSteps.
func (c *checker) restless(parent int) {
	told := map[int]bool{}
	for _, i := range c.looping(parent) {
		e := &c.p.Elements[i]
		if told[i] {
			continue
		}
		before := c.walk(i, c.hastyBefore)
		round := c.walk(i, c.hastyAfter)
		maps.DeleteFunc(round, func(member int, _ bool) bool { return !before[member] })
		if len(round) == 1 && !slices.Contains(c.hastyAfter(e), i) {
			continue
		}
		maps.Copy(told, round)
		c.warn(e, "Круг через «%s» ничего не ждёт: процесс пройдёт его сразу и остановится с ошибкой, если условие выхода не наступит на ходу. Поставьте в круг задачу или таймер",
			"Nothing waits in the loop through %q: it is run at once, and stops as a mistake unless the way out opens while it runs. Put a task or a timer into the loop", label(e))
	}
}

// looping are the elements of a scope that lie on a loop in which nothing waits, or behind one: what is left when those
// without anything before them are taken away, again and again.
func (c *checker) looping(parent int) []int {
	before := map[int]int{}
	var free []int
	for i := range c.p.Elements {
		if e := &c.p.Elements[i]; e.Parent == parent && !waits(e) {
			if before[i] = len(c.hastyBefore(e)); before[i] == 0 {
				free = append(free, i)
			}
		}
	}
	for ; len(free) > 0; free = free[1:] {
		delete(before, free[0])
		for _, to := range c.hastyAfter(&c.p.Elements[free[0]]) {
			if before[to]--; before[to] == 0 {
				free = append(free, to)
			}
		}
	}
	return slices.Sorted(maps.Keys(before))
}

// hastyAfter are the elements that follow at once, and hastyBefore those that lead here at once.
func (c *checker) hastyAfter(e *Element) []int {
	return slices.DeleteFunc(c.onward(e), func(i int) bool { return waits(&c.p.Elements[i]) })
}

func (c *checker) hastyBefore(e *Element) []int {
	var before []int
	for _, f := range e.In {
		if source := c.p.Flows[f].Source; !waits(&c.p.Elements[source]) {
			before = append(before, source)
		}
	}
	return before
}

// StartsAtOnce lists the processes that a run starts before there is anything to wait for, by a call or by the action
// start-process, each once.
func (p *Process) StartsAtOnce() []string {
	var keys []string
	for _, e := range p.hasty() {
		if key := startsProcess(e); key != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// startsProcess is the key of the process that an element starts, or "". One that is only known at run time counts for none.
func startsProcess(e *Element) string {
	switch {
	case e.Call != nil:
		return e.Call.Process
	case e.Action != nil && e.Action.Name == "start-process" && !strings.HasPrefix(e.Action.Param("process"), "="):
		return e.Action.Param("process")
	}
	return ""
}

// hasty are the elements that a run may reach before anything waits, those that wait included. A join is reached when all
// its flows are.
func (p *Process) hasty() []*Element {
	var reached []*Element
	seen, arrived := map[int]bool{}, map[int]int{}
	queue := p.Starts(-1)
	enter := func(flows []int) {
		for _, f := range flows {
			target := p.Flows[f].Target
			if arrived[target]++; p.Elements[target].Kind != ParallelGateway || arrived[target] == len(p.Elements[target].In) {
				queue = append(queue, target)
			}
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		e := &p.Elements[queue[0]]
		if seen[e.Index] {
			continue
		}
		seen[e.Index] = true
		reached = append(reached, e)
		switch {
		case e.Kind == SubProcess:
			queue = append(queue, p.Starts(e.Index)...)
		case e.Kind == EndEvent && e.Parent >= 0:
			enter(p.Elements[e.Parent].Out)
		case !waits(e):
			enter(e.Out)
		}
	}
	return reached
}

// selfStart warns of a map that starts itself before anything waits, directly or through others.
func (c *checker) selfStart() {
	for _, e := range c.p.hasty() {
		key := startsProcess(e)
		if key == "" {
			continue
		}
		switch via, again := c.leadsBack(key); {
		case again && via == "":
			c.warn(e, "Карта запускает сама себя в «%s», ничего перед этим не дождавшись: каждый запуск сразу начнёт следующий. Поставьте перед ним задачу, таймер или событие",
				"The map starts itself at %q with nothing to wait for before: each run begins the next one at once. Put a task, a timer or an event before it", label(e))
		case again:
			c.warn(e, "«%[1]s» запускает процесс «%[2]s», а тот снова эту карту, и никто ничего не ждёт: запуски пойдут по кругу. Поставьте перед одним из них задачу, таймер или событие",
				"%[1]q starts process %[2]q, and that one this map again, and nothing waits: the runs go round in a circle. Put a task, a timer or an event before one of them", label(e), via)
		}
	}
}

// leadsBack tells whether starting key ends in starting this map, and through which process if not at once.
func (c *checker) leadsBack(key string) (via string, again bool) {
	if key == c.p.ID {
		return "", true
	}
	seen := map[string]bool{key: true}
	for queue := []string{key}; len(queue) > 0; queue = queue[1:] {
		for _, next := range c.env.Begins[queue[0]] {
			if next == c.p.ID {
				return key, true
			}
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	return "", false
}
