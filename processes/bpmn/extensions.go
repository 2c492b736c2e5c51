package bpmn

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// extend reads the extension elements of the mr: namespace, and what other tools say in theirs.
func (b *builder) extend(n *node, e *Element) {
	if e.Kind == UserTask {
		e.Task = &Task{Order: Strict, Title: NewText(e.Name), TitleEn: n.attrIn(Extension, "name.en")}
		e.Task.Assignment.Substitutes = true
	}
	if e.Kind == CallActivity {
		e.Call = &Call{Process: local(n.attr("calledElement"))}
	}
	b.foreign(n, e)
	for _, x := range n.extensions() {
		if x.space == Extension {
			b.extension(x, e)
		}
	}
	if e.Kind == ScriptTask {
		e.Sets = append(e.Sets, scriptSets(n)...)
	}
	if e.Task != nil {
		b.bound(e)
		slices.SortStableFunc(e.Task.Escalations, func(a, b Escalation) int { return cmp.Compare(a.Level, b.Level) })
	}
}

// bound cuts lists that no person works through.
func (b *builder) bound(e *Element) {
	t := e.Task
	if len(t.Steps) > maxSteps || len(t.Outcomes) > maxSteps || len(t.Escalations) > maxSteps {
		b.wrong(e.ID, e.Name, e.line, Error, "«%s»: больше %d действий, результатов или эскалаций", "%q: more than %d steps, outcomes or escalations", e.Name, maxSteps)
		t.Steps, t.Outcomes, t.Escalations = t.Steps[:min(maxSteps, len(t.Steps))], t.Outcomes[:min(maxSteps, len(t.Outcomes))], t.Escalations[:min(maxSteps, len(t.Escalations))]
	}
}

func (b *builder) extension(x *node, e *Element) {
	switch x.name {
	case "set":
		e.Sets = append(e.Sets, set(x))
		return
	case "stage":
		e.Stage = cmp.Or(x.attr("key"), x.attr("stage"), x.text())
		return
	case "action":
		e.Action = action(x)
		return
	case "call", "in":
		b.call(x, e)
		return
	case "timer":
		if e.Timer != nil {
			e.Timer.Working = e.Timer.Working || x.attr("working") == "true"
			if at := value(x, "at"); at != nil {
				e.Timer.At = at
			}
		}
		return
	}
	if e.Task == nil {
		if slices.Contains(taskExtensions, x.name) {
			b.wrong(e.ID, e.Name, x.line, Warning, "Настройка «mr:%s» действует только у задачи пользователя и здесь не исполняется",
				"mr:%s means something on a user task only and is not executed here", x.name)
			return
		}
	}
	if e.Task == nil || !b.task(x, e.Task) {
		b.wrong(e.ID, e.Name, x.line, Error, "Неизвестная настройка «mr:%s»", "Unknown setting mr:%s", x.name)
	}
}

var taskExtensions = []string{"assignment", "deadline", "escalation", "checklist", "hint", "outcome", "skip", "priority"}

// task reads one extension of a user task; false if there is none of that name.
func (b *builder) task(x *node, t *Task) bool {
	switch x.name {
	case "assignment":
		t.Assignment = Assignment{Role: x.attr("role"), Mode: Mode(x.attr("mode")), FallbackRole: x.attr("fallbackRole"),
			Substitutes: x.attr("substitutes") != "false"}
	case "deadline":
		t.Deadline = Deadline{StartBy: value(x, "startBy"), Due: value(x, "due"), WarnAt: value(x, "warnAt"),
			At: x.attr("at"), Calendar: x.attr("calendar")}
		if from := x.attr("dueFrom"); from != "" {
			t.Deadline.DueFrom = newDate(from)
		}
	case "escalation":
		level, _ := strconv.Atoi(x.attr("level"))
		if level == 0 {
			level = len(t.Escalations) + 1
		}
		t.Escalations = append(t.Escalations, Escalation{Level: level, After: cmp.Or(x.attr("after"), "PT0S"),
			Action: EscalationAction(x.attr("action")), To: x.attr("to")})
	case "checklist":
		t.Order = Order(cmp.Or(x.attr("order"), string(Strict)))
		x.each(Extension, func(s *node) { t.Steps = append(t.Steps, step(s)) }, "step")
	case "hint":
		t.Hint, t.HintEn = NewText(cmp.Or(x.attr("text"), flow(x.text()))), x.attr("text.en")
	case "outcome":
		t.Outcomes = append(t.Outcomes, outcome(x))
	case "skip":
		t.Skip.Roles = append(t.Skip.Roles, list(x.attr("role"))...)
	case "priority":
		t.Priority = newValue(cmp.Or(x.attr("value"), x.text()))
	default:
		return false
	}
	return true
}

func step(x *node) Step {
	s := Step{
		ID: x.attr("id"), Kind: StepKind(cmp.Or(x.attr("kind"), string(Confirm))), Title: oneLine(x.attr("title")),
		TitleEn: x.attr("title.en"), Hint: x.attr("hint"), Required: x.attr("required") == "true",
		RequiredFor: list(x.attr("requiredFor")), RequiredWhen: condition(x, "requiredWhen"),
		Field: x.attr("field"), Number: x.attr("type") == "number",
		Evidence: condition(x, "evidence"), EvidenceText: x.attr("evidenceText"),
		Validate: condition(x, "validate"), ValidateText: cmp.Or(x.attr("message"), x.attr("validateText")),
		When: condition(x, "when"),
	}
	for _, v := range list(x.attr("values")) {
		s.Values = append(s.Values, Option{Value: v, Label: v})
	}
	x.each(Extension, func(v *node) {
		id := cmp.Or(v.attr("id"), v.attr("value"))
		s.Values = append(s.Values, Option{Value: id, Label: cmp.Or(v.attr("label"), v.text(), id), LabelEn: v.attr("label.en")})
	}, "value")
	return s
}

func outcome(x *node) Outcome {
	o := Outcome{ID: x.attr("id"), Label: cmp.Or(x.attr("label"), x.attr("id")), LabelEn: x.attr("label.en"),
		When: condition(x, "when"), Closes: x.attr("closes"),
		Toward: x.attr("toward"), Stage: x.attr("stage")}
	if reason := x.attr("reason"); reason != "" {
		o.Reason = NewText(reason)
	}
	if comment := x.attr("comment"); comment != "" {
		o.Comment = NewText(comment)
	}
	x.each(Extension, func(s *node) { o.Sets = append(o.Sets, set(s)) }, "set")
	return o
}

// action reads <mr:action name="close" status="lost"><mr:param name="reason">=steps.reason</mr:param></mr:action>.
func action(x *node) *Action {
	a := &Action{Name: x.attr("name"), Wait: x.attr("wait") == "true"}
	for _, attr := range x.attrs {
		if name := attr.Name.Local; attr.Name.Space == "" && name != "name" && name != "wait" {
			a.Params = append(a.Params, Param{Name: name, Text: NewText(attr.Value)})
		}
	}
	x.each(Extension, func(p *node) {
		a.Params = append(a.Params, Param{Name: p.attr("name"), Text: NewText(cmp.Or(p.attr("value"), p.text()))})
	}, "param")
	x.each(Extension, func(in *node) { a.Inputs = append(a.Inputs, set(in)) }, "in")
	return a
}

// call reads <mr:call process="inquiry"><mr:in name="attempts" value="1"/></mr:call>; the inputs may stand alone.
func (b *builder) call(x *node, e *Element) {
	if e.Call == nil {
		b.wrong(e.ID, e.Name, x.line, Error, "«mr:%s» действует только у вызова процесса", "mr:%s means something on a call activity only", x.name)
		return
	}
	if x.name == "in" {
		e.Call.Inputs = append(e.Call.Inputs, set(x))
		return
	}
	e.Call.Process = cmp.Or(x.attr("process"), e.Call.Process)
	x.each(Extension, func(in *node) { e.Call.Inputs = append(e.Call.Inputs, set(in)) }, "in")
}

func set(x *node) Set {
	return Set{Name: strings.TrimPrefix(x.attr("name"), "vars."), Value: NewExpr(x.attr("value"))}
}

// scriptSets reads the assignments of a script: lines "attempts = vars.attempts + 1" of <bpmn:script>.
func scriptSets(n *node) []Set {
	script := n.child("script")
	if script == nil {
		return nil
	}
	var sets []Set
	for line := range strings.FieldsFuncSeq(script.text(), func(r rune) bool { return r == '\n' || r == ';' }) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "//") || strings.HasPrefix(line, "#") {
			continue
		}
		name, val, _ := strings.Cut(line, "=")
		sets = append(sets, Set{Name: strings.TrimPrefix(strings.TrimSpace(name), "vars."), Value: NewExpr(val)})
	}
	return sets
}

// vars reads <mr:var name="attempts" type="number" value="0"/> of the process.
func (b *builder) vars(n *node) {
	for _, x := range n.extensions() {
		if x.space != Extension || x.name != "var" {
			continue
		}
		v := Var{Name: x.attr("name"), Type: Type(cmp.Or(x.attr("type"), string(String)))}
		if text := x.attr("value"); text != "" {
			v.Value = Coerce(v.Type, literal(v.Type, text), nil)
		}
		if len(b.p.Vars) >= maxSteps {
			b.wrong(b.p.ID, b.p.Name, x.line, Error, "Больше %d переменных", "More than %d variables", maxSteps)
			return
		}
		b.p.Vars = append(b.p.Vars, v)
	}
}

func literal(t Type, text string) any {
	if t == Bool {
		return text == "true"
	}
	return text
}

func value(x *node, name string) *Expr {
	if v := x.attr(name); v != "" {
		return newValue(v)
	}
	return nil
}

func condition(x *node, name string) *Expr {
	if v := x.attr(name); v != "" {
		return NewExpr(v)
	}
	return nil
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == ';' || r == '\n' || r == '\t' })
}

// flow joins the lines of a text that an editor indented, and keeps its paragraphs.
func flow(s string) string {
	var paragraphs []string
	for p := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		if p = oneLine(p); p != "" {
			paragraphs = append(paragraphs, p)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}
