package bpmn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
)

// Check compiles the conditions of a model and lists everything that is wrong with it: what is not executed, by name;
// names that nobody knows; tasks that nobody can do; paths that lead nowhere. A model with an Error must not be run. Only
// the process of Main is checked: other pools are pictures.
//
// Check writes the compiled conditions into the model. It must have returned before others read the model.
func Check(m *Model, env Environment) []Problem {
	p := m.Main()
	c := &checker{env: env, p: p, problems: slices.Clone(m.problems)}
	if p == nil {
		c.add("", "", 0, Error, "В файле нет ни одного процесса с элементами", "The file has no process with elements")
		return c.problems
	}
	c.process()
	for i := range p.Elements {
		c.element(&p.Elements[i])
	}
	for i := range p.Flows {
		c.flow(&p.Flows[i])
	}
	c.scopes()
	c.selfStart()
	p.compiled = true
	slices.SortStableFunc(c.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(severity(a), severity(b)), cmp.Compare(a.Line, b.Line))
	})
	return slices.Compact(c.problems)
}

func severity(p Problem) int {
	if p.Severity == Error {
		return 0
	}
	return 1
}

type checker struct {
	env      Environment
	p        *Process
	problems []Problem
	played   int // markings looked at behind the splits, all of them together
}

func (c *checker) add(id, name string, line int, s Severity, ru, en string) {
	c.problems = append(c.problems, Problem{Element: id, Name: name, Line: line, Severity: s, Message: ru, MessageEn: en})
}

// wrong reports an error of an element. Both sentences get the same arguments.
func (c *checker) wrong(e *Element, ru, en string, args ...any) {
	c.add(e.ID, e.Name, e.line, Error, fmt.Sprintf(ru, args...), fmt.Sprintf(en, args...))
}

func (c *checker) warn(e *Element, ru, en string, args ...any) {
	c.add(e.ID, e.Name, e.line, Warning, fmt.Sprintf(ru, args...), fmt.Sprintf(en, args...))
}

// label is what an element is called in a sentence.
func label(e *Element) string { return cmp.Or(e.Name, e.ID) }

func (c *checker) process() {
	p := c.p
	if p.ID == "" {
		c.add("", p.Name, 0, Error, "У процесса нет идентификатора (id)", "The process has no id")
	}
	for i, v := range p.Vars {
		if !identifier(v.Name) || slices.IndexFunc(p.Vars, func(o Var) bool { return o.Name == v.Name }) != i {
			c.add(p.ID, p.Name, 0, Error, "Имя переменной «"+v.Name+"» занято или не годится: нужны латинские буквы, цифры и _",
				fmt.Sprintf("The name of variable %q is taken or not made of letters, digits and _", v.Name))
		}
		if !slices.Contains([]Type{String, Number, Bool, Time, List, Any}, v.Type) {
			c.add(p.ID, p.Name, 0, Error, "У переменной «"+v.Name+"» неизвестный тип «"+string(v.Type)+"»",
				fmt.Sprintf("Variable %q has the unknown type %q", v.Name, v.Type))
		}
	}
	c.laneRoles()
	p.names = newNames(c.env, p)
}

// laneRoles gives each lane its role: mr:role, or the role of that name.
func (c *checker) laneRoles() {
	for i := range c.p.Lanes {
		lane := &c.p.Lanes[i]
		for key, name := range c.env.Roles {
			if lane.Role == "" && (strings.EqualFold(lane.Name, name) || lane.Name == key) {
				lane.Role = key
			}
		}
		if lane.Role != "" && !c.role(lane.Role) {
			c.add(lane.ID, lane.Name, 0, Error, "Дорожка «"+lane.Name+"» назначена роли «"+lane.Role+"», а такой роли нет",
				fmt.Sprintf("Lane %q has the role %q, which does not exist", lane.Name, lane.Role))
		}
	}
}

func (c *checker) role(key string) bool {
	_, known := c.env.Roles[key]
	return known || len(c.env.Roles) == 0
}

// --- expressions

// condition compiles what must give yes or no.
func (c *checker) condition(e *Element, what, whatEn string, x *Expr) {
	c.compile(e, what, whatEn, x, c.p.names, expr.AsBool())
}

func (c *checker) value(e *Element, what, whatEn string, x *Expr) {
	c.compile(e, what, whatEn, x, c.p.names)
}

func (c *checker) compile(e *Element, what, whatEn string, x *Expr, n names, options ...expr.Option) {
	if x == nil {
		return
	}
	if err := x.compile(n, options...); err != nil {
		ru, en := explain(err, c.env)
		c.wrong(e, "%[1]s «%[3]s»: %[4]s", "%[2]s %[3]q: %[5]s", what, whatEn, x.Source, ru, en)
	}
}

func (c *checker) text(e *Element, what, whatEn string, t *Text) {
	if t != nil && len(t.Source) > maxText {
		c.wrong(e, "%[1]s длиннее %[3]d знаков", "%[2]s is longer than %[3]d characters", what, whatEn, maxText)
	}
	for _, x := range t.expressions() {
		c.value(e, what, whatEn, x)
	}
	t.label(c.p)
}

// sets checks assignments: a declared variable, or a field that may be written.
func (c *checker) sets(e *Element, sets []Set) {
	for _, s := range sets {
		declared := slices.ContainsFunc(c.p.Vars, func(v Var) bool { return v.Name == s.Name })
		if !declared && !(strings.Contains(s.Name, ".") && c.writable(s.Name)) {
			c.wrong(e, "Нельзя присвоить «%s»: такой переменной нет среди переменных процесса", "Cannot set %q: the process declares no such variable", s.Name)
		}
		c.value(e, "Значение для «"+s.Name+"»", "The value of "+s.Name, s.Value)
	}
}

func (c *checker) writable(field string) bool {
	if c.env.Writable != nil {
		if c.env.Writable[field] {
			return true
		}
		i := strings.LastIndexByte(field, '.')
		return i > 0 && c.env.Writable[field[:i]+".*"]
	}
	if len(c.env.Values) == 0 {
		return true
	}
	if _, ok := c.env.Values[field]; ok {
		return true
	}
	i := strings.LastIndexByte(field, '.')
	_, own := c.env.Values[field[:max(i, 0)]+".*"]
	return own
}

// known checks a key against a list that may be empty, which means: not checked.
func known(list []string, key string) bool { return len(list) == 0 || slices.Contains(list, key) }

func identifier(s string) bool {
	for i, r := range s {
		if !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9') {
			return false
		}
	}
	return s != ""
}

// --- flows

func (c *checker) flow(f *Flow) {
	from := &c.p.Elements[f.Source]
	to := &c.p.Elements[f.Target]
	name := cmp.Or(f.Name, f.ID)
	at := &Element{ID: f.ID, Name: f.Name, line: f.line}
	if from.Parent != to.Parent {
		c.wrong(at, "Стрелка «%s» пересекает границу подпроцесса", "Flow %q crosses the border of a sub-process", name)
	}
	if f.Condition == nil {
		return
	}
	c.condition(at, "Условие", "Condition", f.Condition)
	if f.Condition.program != nil && !f.Condition.asks() {
		c.warn(at, "Условие «%s» не спрашивает ни об одном поле: ответ всегда один и тот же", "Condition %q names no field: its answer is always the same", f.Condition.Source)
	}
	if from.Kind == ParallelGateway || from.Kind == EventBasedGateway {
		c.warn(at, "Условие на стрелке «%s» не действует: этот шлюз условий не спрашивает", "The condition of flow %q has no effect: this gateway asks none", name)
	}
}
