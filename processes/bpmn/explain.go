package bpmn

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	unknownName  = regexp.MustCompile(`^(?:unknown name|unknown field|type .* has no field) (\S+) \((\d+):(\d+)\)`)
	mismatched   = regexp.MustCompile(`mismatched types (\S+) and (\S+)\)`)
	expectedBool = regexp.MustCompile(`^expected bool, but got (\S+)`)
)

// explain puts an error of the expression compiler into a sentence, in Russian and English.
func explain(err error, env Environment) (ru, en string) {
	text := err.Error()
	if m := unknownName.FindStringSubmatch(text); m != nil {
		ru, en = "нет такого поля: «"+m[1]+"»", fmt.Sprintf("there is no field %q", m[1])
		if near := nearest(m[1], env); near != "" {
			ru += "; возможно, имелось в виду «" + near + "»"
			if title := env.Titles[near]; title != "" {
				ru += " (" + title + ")"
			}
			en += fmt.Sprintf("; perhaps %q was meant", near)
		}
		return ru, en
	}
	if m := mismatched.FindStringSubmatch(text); m != nil {
		return "сравниваются разные вещи: " + typeName(m[1]) + " и " + typeName(m[2]), text
	}
	if m := expectedBool.FindStringSubmatch(text); m != nil {
		return "условие должно отвечать «да» или «нет», а даёт " + typeName(m[1]), text
	}
	return "выражение не удалось прочитать: " + text, text
}

func typeName(t string) string {
	switch t {
	case "string":
		return "текст"
	case "int", "float64":
		return "число"
	case "bool":
		return "да/нет"
	case "time.Time":
		return "дата"
	case "time.Duration":
		return "промежуток времени"
	case "nil":
		return "пустое значение"
	}
	return t
}

// nearest is the declared field whose last or first part is at most two letters away.
func nearest(name string, env Environment) string {
	best, distance := "", 3
	for _, fields := range []map[string]Type{env.Values, env.Facts} {
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			for _, part := range strings.Split(field, ".") {
				if d := editDistance(name, part); d < distance && d < len(name) {
					best, distance = field, d
				}
			}
		}
	}
	return best
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		previous := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := previous
			if a[i-1] != b[j-1] {
				cost++
			}
			previous, row[j] = row[j], min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
