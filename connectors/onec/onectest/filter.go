package onectest

import (
	"fmt"
	"regexp"
	"strings"
)

var comparison = regexp.MustCompile(`^\(*([\p{L}\p{N}_]+) (eq|ne|ge|gt|le|lt) (datetime|guid)?('(?:[^']|'')*'|true|false|-?\d+(?:\.\d+)?)\)*`)

// filter reads comparisons joined by and, which is what our client asks.
func (b *Base) filter(t *table, text string) (func(Object) bool, error) {
	var tests []func(Object) bool
	for rest := strings.TrimSpace(text); rest != ""; {
		m := comparison.FindStringSubmatch(rest)
		if m == nil {
			return nil, &fault{400, 14, b.echo("Ошибка разбора опции запроса $filter", text)}
		}
		field, operator, typ, literal := m[1], m[2], m[3], m[4]
		f, known := t.set.field(field)
		if !known {
			return nil, &fault{400, 10, b.echo("Свойство не найдено", field)}
		}
		if f.Type == "Edm.Guid" && operator != "eq" && operator != "ne" {
			return nil, &fault{500, 0, "Нельзя сравнивать поля неограниченной длины и поля несовместимых типов"}
		}
		if (typ == "datetime") != (f.Type == "Edm.DateTime") {
			return nil, &fault{400, 14, "Несовместимые типы"}
		}
		value := strings.ReplaceAll(strings.Trim(literal, "'"), "''", "'")
		tests = append(tests, func(o Object) bool { return compare(fmt.Sprint(o[field]), operator, value) })
		rest = strings.TrimSpace(rest[len(m[0]):])
		if rest == "" {
			break
		}
		next, ok := strings.CutPrefix(rest, "and ")
		if !ok {
			return nil, &fault{400, 14, b.echo("Ошибка разбора опции запроса $filter", text)}
		}
		rest = strings.TrimSpace(next)
	}
	return func(o Object) bool {
		for _, test := range tests {
			if !test(o) {
				return false
			}
		}
		return true
	}, nil
}

func compare(have, operator, want string) bool {
	c := strings.Compare(strings.TrimRight(have, " "), strings.TrimRight(want, " "))
	switch operator {
	case "eq":
		return c == 0
	case "ne":
		return c != 0
	case "ge":
		return c >= 0
	case "gt":
		return c > 0
	case "le":
		return c <= 0
	}
	return c < 0
}
