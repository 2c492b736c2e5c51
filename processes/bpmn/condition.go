package bpmn

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// Bounds of one expression. What people write has a line or two; what is longer is an attack or a mistake.
const (
	maxExpression = 4096
	maxNodes      = 1000
	maxNesting    = 60   // of brackets: the parser of expr is recursive
	memoryBudget  = 1e5  // elements an evaluation may make
	maxText       = 8192 // of a hint or a parameter
)

// Expr is a condition or a value: expr-lang over the names of the Environment. Conditions of other tools, ${…} and FEEL
// with a leading "=", are translated where they say the same. A literal (PT15M, 2026-11-25) is an Expr that gives itself.
type Expr struct {
	Source string // as written in the file

	code    string
	literal bool
	program *vm.Program
}

// NewExpr takes an expression in expr, ${…} or FEEL.
func NewExpr(source string) *Expr {
	return &Expr{Source: strings.TrimSpace(source), code: translate(source)}
}

// newValue takes a literal, or an expression marked by a leading "=" or ${…}.
func newValue(source string) *Expr {
	source = strings.TrimSpace(source)
	if marked(source) {
		return NewExpr(source)
	}
	return &Expr{Source: source, literal: true}
}

func marked(s string) bool {
	return strings.HasPrefix(s, "=") || strings.HasPrefix(s, "${") || strings.HasPrefix(s, "#{")
}

// Literal tells that the expression is a constant written as it is.
func (e *Expr) Literal() bool { return e.literal }

// Eval computes the value. env comes from Process.Bind.
func (e *Expr) Eval(env map[string]any) (any, error) {
	if e.literal {
		return e.Source, nil
	}
	if e.program == nil {
		return nil, fmt.Errorf("condition %q was not compiled", e.Source)
	}
	machine := vm.VM{MemoryBudget: memoryBudget}
	out, err := machine.Run(e.program, env)
	if err != nil {
		return nil, fmt.Errorf("evaluate %q: %w", e.Source, firstLine(err))
	}
	return out, nil
}

// True evaluates a condition.
func (e *Expr) True(env map[string]any) (bool, error) {
	out, err := e.Eval(env)
	if err != nil {
		return false, err
	}
	yes, ok := out.(bool)
	if !ok {
		return false, fmt.Errorf("evaluate %q: it gives %v, neither yes nor no", e.Source, out)
	}
	return yes, nil
}

func (e *Expr) compile(names names, options ...expr.Option) error {
	if e.literal {
		return nil
	}
	if err := bounded(e.code); err != nil {
		return err
	}
	program, err := expr.Compile(e.code, append(names.options(), options...)...)
	if err != nil {
		return firstLine(err)
	}
	e.program = program
	return nil
}

// asks tells whether the expression names anything at all.
func (e *Expr) asks() bool {
	tree, err := parser.Parse(e.code)
	if err != nil {
		return true
	}
	var named anyName
	ast.Walk(&tree.Node, &named)
	return bool(named)
}

// anyName notes that a tree has a name in it.
type anyName bool

func (n *anyName) Visit(node *ast.Node) {
	if _, ok := (*node).(*ast.IdentifierNode); ok {
		*n = true
	}
}

// CompileCondition compiles a condition that stands outside a route map, such as a start rule, over the names of env.
// What is wrong with it comes back as a problem's two sentences.
func CompileCondition(source string, env Environment) (*Expr, error) {
	e := NewExpr(source)
	if err := e.compile(newNames(env, nil), expr.AsBool()); err != nil {
		return nil, &ConditionError{Source: source, Cause: err, env: env}
	}
	return e, nil
}

// ConditionError says what is wrong with a condition.
type ConditionError struct {
	Source string
	Cause  error
	env    Environment
}

func (e *ConditionError) Error() string   { _, en := explain(e.Cause, e.env); return en }
func (e *ConditionError) Unwrap() error   { return e.Cause }
func (e *ConditionError) Russian() string { ru, _ := explain(e.Cause, e.env); return ru }

// Bindings of a condition outside a route map: Bind fills in what is absent.
func Bind(env Environment, values map[string]any) map[string]any {
	return newNames(env, nil).bind(Bindings{Values: values})
}

func bounded(code string) error {
	if len(code) > maxExpression {
		return fmt.Errorf("the expression has %d characters; %d are allowed", len(code), maxExpression)
	}
	depth := 0
	for _, r := range code {
		switch r {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		}
		if depth > maxNesting {
			return fmt.Errorf("the expression nests brackets deeper than %d", maxNesting)
		}
	}
	// A chain of unary operators nests as well, without a bracket.
	if unaryChain.MatchString(code) {
		return fmt.Errorf("the expression chains more than %d operators", maxNesting)
	}
	return nil
}

var unaryChain = regexp.MustCompile(`(?:(?:!|-|\+|\bnot\b|\?|:)\s*){60}`)

// firstLine drops the drawing with an arrow that expr appends to its errors.
func firstLine(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%s", text)
}

// translate brings ${…}, #{…} and FEEL into expr: the marks go, a single "=" compares, null is nil. The words and, or,
// not mean the same in all three.
func translate(source string) string {
	s := strings.TrimSpace(source)
	if (strings.HasPrefix(s, "${") || strings.HasPrefix(s, "#{")) && strings.HasSuffix(s, "}") {
		s = strings.TrimSpace(s[2 : len(s)-1])
	}
	s = strings.TrimSpace(strings.TrimPrefix(s, "="))
	if strings.HasPrefix(s, "let ") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		if n := quoted(s[i:]); n > 0 {
			out.WriteString(s[i : i+n])
			i += n
			continue
		}
		switch {
		case s[i] == '=' && !strings.HasPrefix(s[i:], "==") && !comparesBefore(s, i) && !strings.HasPrefix(s[i:], "=>"):
			out.WriteString("==")
		case word(s, i, "null"):
			out.WriteString("nil")
			i += 4
			continue
		case word(s, i, "eq"):
			out.WriteString("==")
			i += 2
			continue
		case word(s, i, "ne"):
			out.WriteString("!=")
			i += 2
			continue
		default:
			out.WriteByte(s[i])
		}
		i++
	}
	return out.String()
}

func comparesBefore(s string, i int) bool {
	return i > 0 && strings.IndexByte("=!<>", s[i-1]) >= 0
}

// quoted returns the length of the string literal that s begins with, or 0.
func quoted(s string) int {
	q := s[0]
	if q != '"' && q != '\'' && q != '`' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && q != '`':
			i++
		case s[i] == q:
			return i + 1
		}
	}
	return len(s)
}

func word(s string, i int, w string) bool {
	letter := func(b byte) bool {
		return b == '_' || b == '.' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
	}
	end := i + len(w)
	return strings.HasPrefix(s[i:], w) && (i == 0 || !letter(s[i-1])) && (end == len(s) || !letter(s[end]))
}
