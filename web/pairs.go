package web

import (
	"regexp"
	"slices"
	"strings"

	"marshrut/leads"
)

// pairSign is what stands between a name and a value: with a space on either side of it, for a sign without any may be
// part of a name (a:b) or of a value (https://site.ru/?a=b). An arrow is in neither.
var pairSign = regexp.MustCompile(`\s[:=](?:\s|$)|[:=](?:\s|$)|\s[:=]|→`)

// quotedName is a name that holds a sign itself.
var quotedName = regexp.MustCompile(`^"([^"]+)"\s*[:=→]\s*`)

// pairsOf reads «name: value» lines, with :, = or → between the two. A line that begins further right than the one before
// goes on with its value. What is no such line, and a name that is there twice, is refused by name: nothing is dropped.
func pairsOf(text string) (map[string]string, error) {
	pairs, last, margin, gap := map[string]string{}, "", -1, ""
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		said := strings.TrimSpace(line)
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		switch {
		case said == "":
			gap += "\n"
			continue
		case margin >= 0 && indent > margin:
			pairs[last] += gap + "\n" + said
		default:
			name, value, ok := cutPair(said)
			if !ok {
				return nil, leads.NotValid("строка «%s» не понята: пишите «имя: значение»", "the line «%s» is not understood: write «name: value»", said)
			}
			if before, twice := pairs[name]; twice && before != value {
				return nil, leads.NotValid("«%s» названо дважды: «%s» и «%s»", "«%s» is there twice: «%s» and «%s»", name, before, value)
			}
			pairs[name], last, margin = value, name, indent
		}
		gap = ""
	}
	return pairs, nil
}

// cutPair takes a line apart at its first sign with a space, else at its first sign.
func cutPair(line string) (name, value string, ok bool) {
	if m := quotedName.FindStringSubmatch(line); m != nil {
		return strings.TrimSpace(m[1]), strings.TrimSpace(line[len(m[0]):]), true
	}
	at := pairSign.FindStringIndex(line)
	if at == nil {
		i := strings.IndexAny(line, ":=")
		if i < 0 {
			return "", "", false
		}
		at = []int{i, i + 1}
	}
	name, value = strings.TrimSpace(line[:at[0]]), strings.TrimSpace(line[at[1]:])
	return name, value, name != ""
}

// pairsText is the inverse of pairsOf, a line for each name in order.
func pairsText(pairs map[string]string) string {
	var lines []string
	for name, value := range pairs {
		line := name + ": " + value
		if got, _, ok := cutPair(line); !ok || got != name {
			line = `"` + line[:len(name)] + `"` + line[len(name):]
		}
		lines = append(lines, strings.ReplaceAll(line, "\n", "\n  "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
