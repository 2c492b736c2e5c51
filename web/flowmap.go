package web

import (
	"encoding/xml"
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
	"unicode/utf8"

	"marshrut/processes/bpmn"
)

// Flow map: a route map as SVG, drawn by us from the diagram in its file (BPMN DI, OMG BPMN 2.0 chapter 12), so that it
// needs no script, prints, and follows the page's colours. Classes, not attributes, carry the colours: see static/map.css.

// mark is how an element of the map stands in one run.
type mark string

const (
	markNone    mark = ""
	markDone    mark = "done"    // has been passed
	markCurrent mark = "current" // a token waits here
	markTrouble mark = "trouble" // an incident
)

// diagram is the picture part of a BPMN file.
type diagram struct {
	Plane struct {
		Shapes []diShape `xml:"BPMNShape"`
		Edges  []diEdge  `xml:"BPMNEdge"`
	} `xml:"BPMNDiagram>BPMNPlane"`
	Collaboration struct {
		Participants []struct {
			ID   string `xml:"id,attr"`
			Name string `xml:"name,attr"`
		} `xml:"participant"`
	} `xml:"collaboration"`
}

type diShape struct {
	Element string   `xml:"bpmnElement,attr"`
	Bounds  diBounds `xml:"Bounds"`
	Label   *diLabel `xml:"BPMNLabel"`
}

type diEdge struct {
	Element string    `xml:"bpmnElement,attr"`
	Points  []diPoint `xml:"waypoint"`
	Label   *diLabel  `xml:"BPMNLabel"`
}

type diLabel struct {
	Bounds *diBounds `xml:"Bounds"`
}

type diBounds struct {
	X      float64 `xml:"x,attr"`
	Y      float64 `xml:"y,attr"`
	Width  float64 `xml:"width,attr"`
	Height float64 `xml:"height,attr"`
}

type diPoint struct {
	X float64 `xml:"x,attr"`
	Y float64 `xml:"y,attr"`
}

// flowMap draws process as its file lays it out, with marks by the id of an element or flow. A file without a diagram gives "".
func flowMap(source []byte, process *bpmn.Process, marks map[string]mark) (template.HTML, error) {
	var d diagram
	decoder := xml.NewDecoder(strings.NewReader(string(source)))
	decoder.Strict = false
	if err := decoder.Decode(&d); err != nil {
		return "", fmt.Errorf("read the diagram of %s: %w", process.ID, err)
	}
	if len(d.Plane.Shapes) == 0 {
		return "", nil
	}
	m := &mapDrawing{process: process, marks: marks, names: map[string]string{}}
	for _, p := range d.Collaboration.Participants {
		m.names[p.ID] = p.Name
	}
	for _, lane := range process.Lanes {
		m.names[lane.ID] = lane.Name
	}
	m.draw(d)
	return template.HTML(m.String()), nil // every text in it has been escaped
}

type mapDrawing struct {
	strings.Builder
	process *bpmn.Process
	marks   map[string]mark
	names   map[string]string
}

func (m *mapDrawing) printf(format string, args ...any) { fmt.Fprintf(m, format, args...) }

func (m *mapDrawing) draw(d diagram) {
	x0, y0, x1, y1 := extent(d)
	const margin = 12
	m.printf(`<svg class="flowmap" viewBox="%.0f %.0f %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="%s">`,
		x0-margin, y0-margin, x1-x0+2*margin, y1-y0+2*margin, x1-x0+2*margin, y1-y0+2*margin, html.EscapeString(m.process.Name))
	m.WriteString(`<defs><marker id="fm-arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="fm-arrow" d="M0 0 10 5 0 10z"/></marker></defs>`)
	// From the back to the front: frames, open sub-processes, which would hide what is in them, flows, elements.
	m.shapes(d, func(e *bpmn.Element, s diShape) bool { return e == nil })
	m.shapes(d, func(e *bpmn.Element, s diShape) bool { return e != nil && open(e, s) })
	for _, e := range d.Plane.Edges {
		m.flow(e)
	}
	m.shapes(d, func(e *bpmn.Element, s diShape) bool { return e != nil && !open(e, s) })
	m.WriteString(`</svg>`)
}

// shapes draws those that are wanted.
func (m *mapDrawing) shapes(d diagram, wanted func(*bpmn.Element, diShape) bool) {
	for _, s := range d.Plane.Shapes {
		e := m.process.Element(s.Element)
		switch {
		case !wanted(e, s):
		case e == nil:
			m.pool(s)
		default:
			m.element(e, s)
		}
	}
}

// open tells a sub-process that is drawn with what is in it.
func open(e *bpmn.Element, s diShape) bool { return e.Kind == bpmn.SubProcess && s.Bounds.Height > 100 }

func extent(d diagram) (x0, y0, x1, y1 float64) {
	x0, y0, x1, y1 = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	grow := func(x, y float64) {
		x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
	}
	box := func(b diBounds) { grow(b.X, b.Y); grow(b.X+b.Width, b.Y+b.Height) }
	for _, s := range d.Plane.Shapes {
		box(s.Bounds)
		if s.Label != nil && s.Label.Bounds != nil {
			box(*s.Label.Bounds)
		}
	}
	for _, e := range d.Plane.Edges {
		for _, p := range e.Points {
			grow(p.X, p.Y)
		}
	}
	return x0, y0, x1, y1
}

// pool draws a participant or a lane: a frame with its name along the left side.
func (m *mapDrawing) pool(s diShape) {
	name, ok := m.names[s.Element]
	if !ok {
		return // an artifact or a data object: kept in the file, not part of the route
	}
	b := s.Bounds
	m.printf(`<g class="fm-lane"><rect x="%g" y="%g" width="%g" height="%g"/><path d="M%g %gv%g"/>`, b.X, b.Y, b.Width, b.Height, b.X+30, b.Y, b.Height)
	m.printf(`<text transform="translate(%g %g) rotate(-90)">%s</text></g>`, b.X+19, b.Y+b.Height/2, html.EscapeString(name))
}

func (m *mapDrawing) flow(e diEdge) {
	f := m.process.Flow(e.Element)
	if f == nil || len(e.Points) < 2 {
		return
	}
	class := "fm-flow"
	if m.marks[f.ID] != markNone {
		class += " done"
	}
	var path strings.Builder
	for i, p := range e.Points {
		fmt.Fprintf(&path, "%c%g %g", "ML"[min(i, 1)], p.X, p.Y)
	}
	m.printf(`<path class="%s" d="%s" marker-end="url(#fm-arrow)"/>`, class, path.String())
	if f.Name == "" {
		return
	}
	at := diBounds{X: (e.Points[0].X+e.Points[1].X)/2 - 50, Y: (e.Points[0].Y+e.Points[1].Y)/2 - 18, Width: 100, Height: 14}
	if e.Label != nil && e.Label.Bounds != nil {
		at = *e.Label.Bounds
	}
	m.label("fm-label", f.Name, at, 16)
}

func (m *mapDrawing) element(e *bpmn.Element, s diShape) {
	class := "fm-element"
	if state := m.marks[e.ID]; state != markNone {
		class += " " + string(state)
	}
	m.printf(`<g class="%s" id="map-%s"><title>%s</title>`, class, html.EscapeString(e.ID), html.EscapeString(e.Name))
	switch {
	case e.Kind.Gateway():
		m.gateway(e, s.Bounds)
	case e.Kind.Activity():
		m.activity(e, s)
	default:
		m.event(e, s.Bounds)
	}
	if !e.Kind.Activity() && e.Name != "" {
		at := diBounds{X: s.Bounds.X + s.Bounds.Width/2 - 60, Y: s.Bounds.Y + s.Bounds.Height + 4, Width: 120, Height: 28}
		if s.Label != nil && s.Label.Bounds != nil {
			at = *s.Label.Bounds
		}
		m.label("fm-label", e.Name, at, 20)
	}
	m.WriteString(`</g>`)
}

func (m *mapDrawing) activity(e *bpmn.Element, s diShape) {
	b := s.Bounds
	class := "fm-task"
	if e.Kind == bpmn.CallActivity {
		class = "fm-task fm-call"
	}
	m.printf(`<rect class="%s" x="%g" y="%g" width="%g" height="%g" rx="8"/>`, class, b.X, b.Y, b.Width, b.Height)
	if icon := taskIcons[e.Kind]; icon != "" {
		m.printf(`<path class="fm-icon" transform="translate(%g %g)" d="%s"/>`, b.X+6, b.Y+6, icon)
	}
	if open(e, s) {
		m.label("fm-name", e.Name, diBounds{X: b.X, Y: b.Y + 4, Width: b.Width, Height: 16}, int(b.Width/7))
		return
	}
	m.label("fm-name", e.Name, b, int(b.Width/7))
}

// taskIcons are drawn in a square of 14.
var taskIcons = map[bpmn.Kind]string{
	bpmn.UserTask:     "M7 1a3 3 0 1 1 0 6a3 3 0 1 1 0-6zM1 14c0-4 3-5.5 6-5.5s6 1.5 6 5.5z",
	bpmn.ServiceTask:  "M6 0h2l.4 2 1.700.7 1.700-1.100 1.400 1.400-1.100 1.700.7 1.700 2 .4v2l-2 .4-.7 1.700 1.100 1.700-1.400 1.400-1.700-1.100-1.700.7-.4 2H6l-.4-2-1.700-.7-1.700 1.100L.8 11.900l1.100-1.700-.7-1.700-2-.4v-2l2-.4.7-1.700L.8 2.300 2.200.9l1.700 1.100 1.700-.7zM7 4.500a2.5 2.5 0 1 0 0 5a2.5 2.5 0 1 0 0-5z",
	bpmn.SendTask:     "M0 2h14v10H0zM0 2l7 6 7-6",
	bpmn.ReceiveTask:  "M0 2h14v10H0zM0 2l7 6 7-6",
	bpmn.ScriptTask:   "M3 0h9c-3 3 2 5-1 8s1 5 0 6H1c3-3-2-5 1-8S2 1 3 0zM4 4h5M4 7h5M4 10h5",
	bpmn.ManualTask:   "M1 6c3-4 5-5 7-5l1 1-3 3h7v2H8h5v2H8h4v2H8h3v2H5c-3 0-4-3-4-7z",
	bpmn.CallActivity: "M0 0h14v14H0zM7 3v8M3 7h8",
}

func (m *mapDrawing) event(e *bpmn.Element, b diBounds) {
	cx, cy, r := b.X+b.Width/2, b.Y+b.Height/2, b.Width/2
	class := "fm-event"
	switch e.Kind {
	case bpmn.StartEvent:
		class += " fm-start"
	case bpmn.EndEvent:
		class += " fm-end"
	}
	if e.NonInterrupted {
		class += " fm-dashed"
	}
	m.printf(`<circle class="%s" cx="%g" cy="%g" r="%g"/>`, class, cx, cy, r)
	if e.Kind == bpmn.CatchEvent || e.Kind == bpmn.ThrowEvent || e.Kind == bpmn.BoundaryEvent {
		m.printf(`<circle class="%s" cx="%g" cy="%g" r="%g"/>`, class, cx, cy, r-3)
	}
	switch e.Trigger {
	case bpmn.TimerTrigger:
		m.printf(`<path class="fm-sign" d="M%g %gm-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0M%g %gV%gM%g %gl5 2"/>`, cx, cy, cx, cy, cy-6, cx, cy)
	case bpmn.MessageTrigger:
		m.printf(`<path class="fm-sign" d="M%g %gh16v11h-16zl8 6 8-6"/>`, cx-8, cy-5)
	case bpmn.TerminateTrigger:
		m.printf(`<circle class="fm-solid" cx="%g" cy="%g" r="%g"/>`, cx, cy, r-6)
	}
}

func (m *mapDrawing) gateway(e *bpmn.Element, b diBounds) {
	cx, cy := b.X+b.Width/2, b.Y+b.Height/2
	m.printf(`<path class="fm-gateway" d="M%g %gL%g %gL%g %gL%g %gz"/>`, cx, b.Y, b.X+b.Width, cy, cx, b.Y+b.Height, b.X, cy)
	switch e.Kind {
	case bpmn.ExclusiveGateway:
		m.printf(`<path class="fm-sign" d="M%g %gl12 12m0-12l-12 12"/>`, cx-6, cy-6)
	case bpmn.ParallelGateway:
		m.printf(`<path class="fm-sign" d="M%g %gv18m-9-9h18"/>`, cx, cy-9)
	case bpmn.InclusiveGateway:
		m.printf(`<circle class="fm-sign" cx="%g" cy="%g" r="9"/>`, cx, cy)
	case bpmn.EventBasedGateway:
		m.printf(`<circle class="fm-sign" cx="%g" cy="%g" r="12"/><path class="fm-sign" d="M%g %gl8 6-3 9h-10l-3-9z"/>`, cx, cy, cx, cy-8)
	}
}

// label writes text centred in a box, in lines of at most so many characters.
func (m *mapDrawing) label(class, text string, b diBounds, width int) {
	lines := wrap(text, max(8, width))
	const leading = 13
	y := b.Y + b.Height/2 - float64(len(lines)-1)*leading/2 + 4
	m.printf(`<text class="%s">`, class)
	for i, line := range lines {
		m.printf(`<tspan x="%g" y="%g">%s</tspan>`, b.X+b.Width/2, y+float64(i)*leading, html.EscapeString(line))
	}
	m.WriteString(`</text>`)
}

// wrap breaks text between words into lines of about width characters.
func wrap(text string, width int) []string {
	var lines []string
	line, length := "", 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if line != "" && length+1+n > width {
			lines = append(lines, line)
			line, length = "", 0
		}
		if line != "" {
			line += " "
			length++
		}
		line += word
		length += n
	}
	return append(lines, line)
}
