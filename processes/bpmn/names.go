package bpmn

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/types"
)

// names is what expressions of one process may name, prepared once: for the compiler as types, for the engine as zero
// values to fill in.
type names struct {
	typed  types.Map
	groups []group // lead, client, contacts, ...
	vars   map[string]Type
	steps  map[string]Type
}

// group is the fields under one name: lead of lead.amount.
type group struct {
	name   string
	fact   bool
	fields map[string]Type
}

func newNames(env Environment, p *Process) names {
	n := names{typed: types.Map{
		"now":      types.TypeOf(time.Time{}),
		"today":    types.TypeOf(time.Time{}),
		"working":  types.Bool,
		"outcome":  types.String,
		"outcomes": types.Map{types.Extra: types.String},
		"value":    types.Any,
		"message":  types.Any,
		"child":    types.Any,
	}}
	n.add(env.Values, false)
	n.add(env.Facts, true)
	n.vars, n.steps = map[string]Type{}, map[string]Type{}
	if p != nil {
		for _, v := range p.Vars {
			n.vars[v.Name] = v.Type
		}
		for id, step := range p.stepTypes() {
			n.steps[id] = step
		}
	}
	n.typed["vars"] = mapOf(n.vars)
	n.typed["steps"] = mapOf(n.steps)
	return n
}

func (n *names) add(fields map[string]Type, fact bool) {
	byGroup := map[string]map[string]Type{}
	for name, t := range fields {
		head, tail, dotted := strings.Cut(name, ".")
		if !dotted {
			n.typed[head] = exprType(t)
			continue
		}
		if byGroup[head] == nil {
			byGroup[head] = map[string]Type{}
		}
		byGroup[head][tail] = t
	}
	for _, head := range slices.Sorted(maps.Keys(byGroup)) {
		n.groups = append(n.groups, group{name: head, fact: fact, fields: byGroup[head]})
		n.typed[head] = mapOf(byGroup[head])
	}
}

func mapOf(fields map[string]Type) types.Map {
	m := types.Map{}
	for name, t := range fields {
		if name == "*" { // own fields of the subject: lead.fields.*
			m[types.Extra] = exprType(t)
			continue
		}
		head, tail, dotted := strings.Cut(name, ".")
		if !dotted {
			m[head] = exprType(t)
			continue
		}
		inner, ok := m[head].(types.Map)
		if !ok {
			inner = types.Map{}
			m[head] = inner
		}
		maps.Copy(inner, mapOf(map[string]Type{tail: t}))
	}
	return m
}

func exprType(t Type) types.Type {
	switch t {
	case String:
		return types.String
	case Number:
		return types.Float64
	case Bool:
		return types.Bool
	case Time:
		return types.TypeOf(time.Time{})
	case List:
		return types.Array(types.String)
	}
	return types.Any
}

// options of every compilation. The clock of expr is taken away: the time comes with the command.
func (n names) options() []expr.Option {
	return append([]expr.Option{
		expr.Env(n.typed),
		expr.MaxNodes(maxNodes),
		func(c *conf.Config) { delete(c.Builtins, "now"); c.Disabled["now"] = true },
	}, functions...)
}

// Bindings are the values behind the names at one moment.
type Bindings struct {
	Values   map[string]any // nested: {"lead": {"amount": 100}}
	Facts    map[string]any // nested: {"contacts": {"out": 1}}
	Vars     map[string]any
	Steps    map[string]any // by step id, the newest
	Outcome  string         // of the task before, on this path
	Outcomes map[string]string
	Now      time.Time
	Location *time.Location // of dates without a zone; nil: UTC
	Working  bool           // Now is working time
	Message  map[string]any // what came with a message
	Child    map[string]any // what a child process ended with
	Value    any            // the new value, in validations
}

// Bind prepares the values for Eval: each declared field has its type, an absent one the zero value.
func (p *Process) Bind(b Bindings) map[string]any { return p.names.bind(b) }

// BindVars brings the variables in an environment up to date: binding everything anew costs ten times as much.
func (p *Process) BindVars(env map[string]any, vars map[string]any, loc *time.Location) {
	env["vars"] = fill(p.names.vars, vars, loc)
}

// BindSteps brings the steps in an environment up to date.
func (p *Process) BindSteps(env map[string]any, steps map[string]any, loc *time.Location) {
	env["steps"] = fill(p.names.steps, steps, loc)
}

func (n names) bind(b Bindings) map[string]any {
	if b.Location == nil {
		b.Location = time.UTC
	}
	now := b.Now.In(b.Location)
	env := make(map[string]any, len(n.groups)+10)
	for _, g := range n.groups {
		from := b.Values
		if g.fact {
			from = b.Facts
		}
		have, _ := from[g.name].(map[string]any)
		env[g.name] = fill(g.fields, have, b.Location)
	}
	env["vars"] = fill(n.vars, b.Vars, b.Location)
	env["steps"] = fill(n.steps, b.Steps, b.Location)
	env["working"] = b.Working
	env["outcome"] = b.Outcome
	env["outcomes"] = b.Outcomes
	env["now"] = now
	env["today"] = time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, b.Location)
	env["value"] = b.Value
	env["message"] = b.Message
	env["child"] = b.Child
	return env
}

func fill(fields map[string]Type, have map[string]any, loc *time.Location) map[string]any {
	out := make(map[string]any, len(fields))
	for name, t := range fields {
		head, tail, dotted := strings.Cut(name, ".")
		if !dotted {
			if name != "*" {
				out[name] = Coerce(t, have[name], loc)
			}
			continue
		}
		inner, ok := out[head].(map[string]any)
		if !ok {
			inner = map[string]any{}
			out[head] = inner
		}
		from, _ := have[head].(map[string]any)
		if tail == "*" {
			for k, v := range from {
				inner[k] = Coerce(t, v, loc)
			}
			continue
		}
		inner[tail] = Coerce(t, from[tail], loc)
	}
	return out
}

// Coerce gives a value its declared type; what cannot be given it becomes the zero value. Numbers may come as any number
// or a decimal text, moments as time.Time, RFC 3339 or a date.
func Coerce(t Type, v any, loc *time.Location) any {
	switch t {
	case String:
		return text(v)
	case Number:
		f, _ := ToNumber(v)
		return f
	case Bool:
		yes, _ := v.(bool)
		return yes
	case Time:
		at, _ := ToTime(v, loc)
		return at
	case List:
		return toList(v)
	}
	return v
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(v)
}

// ToNumber reads a number of any Go type, or a text like "1 250 000,50".
func ToNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case int32:
		return float64(v), true
	case float32:
		return float64(v), true
	case string:
		clean := strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", ",", ".").Replace(strings.TrimSpace(v))
		f, err := strconv.ParseFloat(clean, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return 0, false
		}
		return f, true
	case fmt.Stringer:
		return ToNumber(v.String())
	}
	return 0, false
}

// ToTime reads a moment (time.Time, RFC 3339) or a date at its midnight in loc: 2026-11-25, 25.11.2026, with or without a
// time of day.
func ToTime(v any, loc *time.Location) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, !v.IsZero()
	case string:
		if loc == nil {
			loc = time.UTC
		}
		v = strings.TrimSpace(v)
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return at.In(loc), true
		}
		for _, layout := range []string{"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04",
			"02.01.2006", "02.01.2006 15:04"} {
			if at, err := time.ParseInLocation(layout, v, loc); err == nil {
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// DateOnly tells whether a text is a date without a time of day.
func DateOnly(v any) bool {
	s, ok := v.(string)
	return ok && !strings.Contains(s, ":")
}

func toList(v any) []string {
	switch v := v.(type) {
	case []string:
		return v
	case []any:
		out := make([]string, 0, len(v))
		for _, item := range v {
			out = append(out, text(item))
		}
		return out
	case string:
		if v != "" {
			return []string{v}
		}
	}
	return []string{}
}

// choices are what the values of the choice steps with the id are called.
func (p *Process) choices(step string) map[string]string {
	found := map[string]string{}
	for _, e := range p.Elements {
		if e.Task == nil {
			continue
		}
		for _, s := range e.Task.Steps {
			for _, o := range s.Values {
				if s.ID == step {
					found[o.Value] = o.Label
				}
			}
		}
	}
	return found
}

// stepTypes are the types of the steps' values, by step id.
func (p *Process) stepTypes() map[string]Type {
	found := map[string]Type{}
	for _, e := range p.Elements {
		if e.Task == nil {
			continue
		}
		for _, s := range e.Task.Steps {
			found[s.ID] = s.Type()
		}
	}
	return found
}

// Type is the type of a step's value.
func (s *Step) Type() Type {
	switch s.Kind {
	case Date:
		return Time
	case Confirm:
		return Bool
	case Input:
		if s.Number {
			return Number
		}
		return String
	case Choice, FileRef:
		return String
	}
	return Any
}
