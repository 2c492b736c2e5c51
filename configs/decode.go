package configs

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// decoding puts a file over the defaults, key by key, so that one mistake does not hide the others: what cannot be read
// keeps its default and is told.
type decoding struct {
	at       places
	anchors  map[string]ast.Node
	problems []error
}

// decode puts the documents of the file into c and tells every key that is unknown or of the wrong kind.
func decode(file *ast.File, c *Config, at places) []error {
	d := &decoding{at: at, anchors: map[string]ast.Node{}}
	for _, doc := range file.Docs {
		ast.Walk(d, doc)
	}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			d.into(reflect.ValueOf(c).Elem(), doc.Body, "")
		}
	}
	return d.problems
}

// Visit collects the anchors, which aliases point to.
func (d *decoding) Visit(node ast.Node) ast.Visitor {
	if anchor, ok := node.(*ast.AnchorNode); ok {
		d.anchors[anchor.Name.String()] = anchor.Value
	}
	return d
}

// plain is the node that an alias, an anchor or a tag stands for.
func (d *decoding) plain(node ast.Node) ast.Node {
	for range 10 { // an alias may name an alias
		switch n := node.(type) {
		case *ast.AliasNode:
			target, ok := d.anchors[n.Value.String()]
			if !ok {
				return node
			}
			node = target
		case *ast.AnchorNode:
			node = n.Value
		default:
			return node
		}
	}
	return node
}

func (d *decoding) wrong(node ast.Node, key, format string, args ...any) {
	d.problems = append(d.problems, d.at.errorAt(node, key, format, args...))
}

// into reads a node into a setting, or a group of them.
func (d *decoding) into(v reflect.Value, node ast.Node, key string) {
	node = d.plain(node)
	if _, null := node.(*ast.NullNode); null || node == nil {
		return // a key with nothing behind it leaves what is there
	}
	switch {
	case v.Kind() == reflect.Struct:
		d.group(v, node, key)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		d.list(v, node, key)
	default:
		d.value(v, node, key)
	}
}

func (d *decoding) group(v reflect.Value, node ast.Node, key string) {
	pairs, ok := d.pairs(node)
	if !ok {
		d.wrong(node, key, "has to be a group of keys: %s", strings.Join(names(v.Type()), ", "))
		return
	}
	for _, pair := range pairs {
		name := pair.Key.GetToken().Value
		if pair.Key.IsMergeKey() {
			d.into(v, pair.Value, key)
			continue
		}
		full := strings.TrimPrefix(key+"."+name, ".")
		if field, ok := field(v, name); ok {
			d.into(field, pair.Value, full)
			continue
		}
		d.wrong(pair.Key, full, "there is no such setting%s", advise(name, names(v.Type())))
	}
}

func (d *decoding) pairs(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func (d *decoding) list(v reflect.Value, node ast.Node, key string) {
	items, ok := node.(*ast.SequenceNode)
	if !ok {
		d.wrong(node, key, "has to be a list, each item of it after a dash")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(items.Values), len(items.Values))
	for i, item := range items.Values {
		d.into(list.Index(i), item, fmt.Sprintf("%s[%d]", key, i))
	}
	v.Set(list)
}

// value reads what is no group: a text, a number, yes or no, a list of texts, or the settings that a provider understands.
func (d *decoding) value(v reflect.Value, node ast.Node, key string) {
	fresh := reflect.New(v.Type())
	if err := yaml.NodeToValue(d.expanded(node), fresh.Interface()); err != nil {
		d.wrong(node, key, "has to be %s", kindOf(v.Type()))
		return
	}
	v.Set(fresh.Elem())
}

// expanded puts what aliases stand for in their place.
func (d *decoding) expanded(node ast.Node) ast.Node {
	node = d.plain(node)
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, pair := range n.Values {
			pair.Value = d.expanded(pair.Value)
		}
	case *ast.MappingValueNode:
		n.Value = d.expanded(n.Value)
	case *ast.SequenceNode:
		for i := range n.Values {
			n.Values[i] = d.expanded(n.Values[i])
		}
	}
	return node
}

func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "a whole number, for example 20"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list of texts, for example [one, two]"
	case reflect.Map:
		return "a group of keys"
	}
	return "a text"
}

// field is the setting of that name in a group.
func field(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag.Get("yaml"); tag == name && tag != "-" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func names(t reflect.Type) []string {
	var list []string
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
			list = append(list, tag)
		}
	}
	return list
}

// advise names the setting that was meant, or those there are.
func advise(name string, known []string) string {
	nearest := slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
	if distance(name, nearest) <= 2 {
		return fmt.Sprintf("; was %s meant?", nearest)
	}
	return "; there are " + strings.Join(known, ", ")
}

// distance counts the letters that differ between two names (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
