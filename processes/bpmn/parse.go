package bpmn

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Parse reads a BPMN 2.0 file, in UTF-8, UTF-16, windows-1251, ISO-8859-1 and a few more. It accepts whatever the standard
// has: what is not executed is kept, and Check refuses it by name. The only error is ErrNotBPMN (or that of the reader).
func Parse(r io.Reader) (*Model, error) {
	root, source, err := readXML(r)
	if err != nil {
		return nil, err
	}
	if root.space != Namespace || root.name != "definitions" {
		return nil, fmt.Errorf("%w: it begins with <%s>, not with the <definitions> of BPMN", ErrNotBPMN, root.name)
	}
	m := &Model{source: source, Messages: map[string]string{}}
	root.each(Namespace, func(n *node) { m.Messages[n.attr("id")] = n.attr("name") }, "message")
	resources := map[string]string{}
	root.each(Namespace, func(n *node) { resources[n.attr("id")] = n.attr("name") }, "resource")
	if nodes, flows := root.size(); nodes > maxElements || flows > 2*maxElements {
		return nil, fmt.Errorf("%w: %d elements and %d flows are more than a person draws", ErrNotBPMN, nodes, flows)
	}
	root.each(Namespace, func(n *node) {
		b := &builder{model: m, resources: resources, lanes: map[string]int{}}
		m.Processes = append(m.Processes, b.process(n))
	}, "process")
	return m, nil
}

// size counts flow nodes and flows.
func (n *node) size() (nodes, flows int) {
	for _, c := range n.children {
		if c.space != Namespace {
			continue
		}
		switch {
		case c.name == "sequenceFlow":
			flows++
		case slices.Contains(kinds, Kind(c.name)):
			nodes++
		}
		moreNodes, moreFlows := c.size()
		nodes, flows = nodes+moreNodes, flows+moreFlows
	}
	return nodes, flows
}

// builder makes one process out of its node.
type builder struct {
	model     *Model
	resources map[string]string
	p         *Process
	lanes     map[string]int // id of an element to its lane
	flows     []*node
	defaults  map[int]string
	attached  map[int]string
}

func (b *builder) process(n *node) *Process {
	b.p = &Process{
		ID: n.attr("id"), Name: n.attr("name"), Executable: n.attr("isExecutable") == "true", Doc: doc(n),
		byID: map[string]int{}, flowByID: map[string]int{},
	}
	b.defaults, b.attached = map[int]string{}, map[int]string{}
	n.each(Namespace, b.laneSet, "laneSet")
	b.vars(n)
	b.nodes(n, -1)
	for _, f := range b.flows {
		b.flow(f)
	}
	b.link()
	return b.p
}

func (b *builder) laneSet(set *node) {
	set.each(Namespace, func(n *node) {
		lane := len(b.p.Lanes)
		b.p.Lanes = append(b.p.Lanes, Lane{ID: n.attr("id"), Name: n.attr("name"), Role: n.attrIn(Extension, "role")})
		n.each(Namespace, func(ref *node) { b.lanes[ref.text()] = lane }, "flowNodeRef")
		n.each(Namespace, b.laneSet, "childLaneSet") // the innermost lane wins
	}, "lane")
}

// nodes reads the flow nodes of a process or sub-process; depth is bounded by that of the file.
func (b *builder) nodes(scope *node, parent int) {
	for _, n := range scope.children {
		if n.space != Namespace {
			continue
		}
		switch kind := Kind(n.name); {
		case n.name == "sequenceFlow":
			b.flows = append(b.flows, n)
		case slices.Contains(kinds, kind):
			i := b.element(n, kind, parent)
			if kind == SubProcess || kind == Transaction || kind == AdHocSubProcess {
				b.nodes(n, i)
			}
		case strings.HasSuffix(n.name, "Task") || strings.HasSuffix(n.name, "Gateway") || strings.HasSuffix(n.name, "Event") ||
			strings.HasPrefix(n.name, "callC") || n.name == "subChoreography":
			b.element(n, kind, parent) // of a newer standard, or a choreography: refused by name
		}
	}
}

func (b *builder) element(n *node, kind Kind, parent int) int {
	e := Element{
		Index: len(b.p.Elements), ID: n.attr("id"), Name: oneLine(n.attr("name")), Doc: doc(n), Kind: kind, Parent: parent,
		Lane: -1, Default: -1, AttachedTo: -1, Stage: n.attrIn(Extension, "stage"), line: n.line,
	}
	if lane, ok := b.lanes[e.ID]; ok {
		e.Lane = lane
	} else if parent >= 0 {
		e.Lane = b.p.Elements[parent].Lane
	}
	if ref := n.attr("default"); ref != "" {
		b.defaults[e.Index] = ref
	}
	if ref := n.attr("attachedToRef"); ref != "" {
		b.attached[e.Index] = ref
	}
	e.NonInterrupted = n.attr("cancelActivity") == "false"
	b.unexecuted(n, &e)
	b.trigger(n, &e)
	b.extend(n, &e)
	b.index(b.p.byID, e.ID, e.Index, e.Name, e.line)
	b.p.Elements = append(b.p.Elements, e)
	return e.Index
}

func (b *builder) index(ids map[string]int, id string, i int, name string, line int) {
	switch _, taken := ids[id]; {
	case id == "":
		b.wrong("", name, line, Error, "У элемента «%s» нет идентификатора (id)", "Element %q has no id", name)
	case taken:
		b.wrong(id, name, line, Error, "Идентификатор «%s» встречается дважды", "The id %q occurs twice", id)
	default:
		ids[id] = i
	}
}

// unexecuted notes what changes the meaning of an element and is not executed.
func (b *builder) unexecuted(n *node, e *Element) {
	for _, c := range n.children {
		if c.space == Namespace && (c.name == "multiInstanceLoopCharacteristics" || c.name == "standardLoopCharacteristics") {
			e.extras = append(e.extras, c.name)
		}
	}
	for _, flag := range []string{"triggeredByEvent", "isForCompensation"} {
		if n.attr(flag) == "true" {
			e.extras = append(e.extras, flag)
		}
	}
	for _, quantity := range []string{"startQuantity", "completionQuantity"} {
		if q := n.attr(quantity); q != "" && q != "1" {
			e.extras = append(e.extras, quantity)
		}
	}
	if n.attr("parallelMultiple") == "true" {
		e.extras = append(e.extras, "parallelMultiple")
	}
}

func (b *builder) trigger(n *node, e *Element) {
	for _, c := range n.children {
		if c.space != Namespace || !slices.Contains(triggers, Trigger(c.name)) {
			if c.space == Namespace && c.name == "eventDefinitionRef" {
				e.extras = append(e.extras, "eventDefinitionRef")
			}
			continue
		}
		if e.Trigger != NoTrigger {
			e.extras = append(e.extras, "multiple")
			continue
		}
		e.Trigger = Trigger(c.name)
		switch e.Trigger {
		case TimerTrigger:
			e.Timer = timer(c, n)
		case MessageTrigger:
			e.Message = b.message(c, n)
		}
	}
	if e.Kind == ReceiveTask {
		e.Message = b.message(n, n)
		if n.attr("instantiate") == "true" {
			e.extras = append(e.extras, "instantiate")
		}
	}
	if e.Kind == EventBasedGateway && n.attr("instantiate") == "true" {
		e.extras = append(e.extras, "instantiate")
	}
}

// message is the name of the message: mr:message, that of the referred element, else the reference itself.
func (b *builder) message(def, event *node) string {
	for _, n := range []*node{def, event} {
		if name := n.attrIn(Extension, "message"); name != "" {
			return name
		}
	}
	ref := def.attr("messageRef")
	for _, id := range []string{ref, local(ref)} {
		if name, ok := b.model.Messages[id]; ok && name != "" {
			return name
		}
	}
	return ref
}

func timer(def, event *node) *Timer {
	t := &Timer{}
	if at := cmp.Or(def.attrIn(Extension, "at"), event.attrIn(Extension, "at")); at != "" {
		t.At = newValue(at)
	}
	t.Working = cmp.Or(def.attrIn(Extension, "working"), event.attrIn(Extension, "working")) == "true"
	if n := def.child("timeDuration"); n != nil && n.text() != "" {
		t.Duration = newValue(n.text())
	}
	if n := def.child("timeDate"); n != nil && n.text() != "" {
		t.Date = newDate(n.text())
	}
	if n := def.child("timeCycle"); n != nil && n.text() != "" {
		t.Cycle = newValue(n.text())
	}
	return t
}

// newDate takes a date literal, or any expression: steps.next_call needs no mark, it cannot be a date.
func newDate(source string) *Expr {
	if _, ok := ToTime(source, nil); ok {
		return newValue(source)
	}
	return NewExpr(source)
}

func (b *builder) flow(n *node) {
	f := Flow{Index: len(b.p.Flows), ID: n.attr("id"), Name: oneLine(n.attr("name")), line: n.line, Outcome: n.attrIn(Extension, "outcome")}
	f.outcomeGiven = f.Outcome != ""
	source, okSource := b.p.byID[n.attr("sourceRef")]
	target, okTarget := b.p.byID[n.attr("targetRef")]
	if !okSource || !okTarget {
		b.wrong(f.ID, f.Name, f.line, Error, "Стрелка «%s» ни от чего не идёт или никуда не ведёт", "Flow %q leads from or to nothing", cmp.Or(f.Name, f.ID))
		return
	}
	if c := n.child("conditionExpression"); c != nil && c.text() != "" {
		f.Condition = NewExpr(c.text())
	}
	f.Source, f.Target = source, target
	b.index(b.p.flowByID, f.ID, f.Index, f.Name, f.line)
	b.p.Flows = append(b.p.Flows, f)
	b.p.Elements[source].Out = append(b.p.Elements[source].Out, f.Index)
	b.p.Elements[target].In = append(b.p.Elements[target].In, f.Index)
}

// link resolves what refers to elements and flows that come later in the file.
func (b *builder) link() {
	for i, ref := range b.defaults {
		e := &b.p.Elements[i]
		if f, ok := b.p.flowByID[ref]; ok && b.p.Flows[f].Source == i {
			e.Default = f
			continue
		}
		b.wrong(e.ID, e.Name, e.line, Error, "Путь по умолчанию «%s» не выходит из этого элемента", "The default flow %q does not leave this element", ref)
	}
	for i, ref := range b.attached {
		e := &b.p.Elements[i]
		host, ok := b.p.byID[ref]
		if !ok || !b.p.Elements[host].Kind.Activity() {
			b.wrong(e.ID, e.Name, e.line, Error, "Событие на границе не прикреплено ни к какому действию", "The boundary event is attached to no activity")
			continue
		}
		e.AttachedTo = host
		b.p.Elements[host].Boundary = append(b.p.Elements[host].Boundary, i)
	}
	for i := range b.p.Elements {
		slices.Sort(b.p.Elements[i].Boundary)
	}
	b.p.bindOutcomes()
}

func (b *builder) wrong(id, name string, line int, s Severity, ru, en string, args ...any) {
	b.model.problems = append(b.model.problems, Problem{Element: id, Name: name, Line: line, Severity: s,
		Message: fmt.Sprintf(ru, args...), MessageEn: fmt.Sprintf(en, args...)})
}

func doc(n *node) string {
	if d := n.child("documentation"); d != nil {
		return d.text()
	}
	return ""
}

// oneLine joins a name that the drawer broke to fit the box.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// local drops the prefix of a QName.
func local(ref string) string { return ref[strings.LastIndexByte(ref, ':')+1:] }
