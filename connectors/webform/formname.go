package webform

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// formName says whose form[name] is. The group "form" stands around the client's fields as "data" and "lead" do, or holds
// what the sender tells of its form: its id, its title. A person named elsewhere leaves it to the form.
func (rd *reader) formName(f Form) {
	for _, found := range rd.found[knownFormName] {
		known := KnownSubject
		if !rd.named() && personLike(found.value) && (formHolds(f, KnownPhone, KnownEmail) || !formHolds(f, KnownSubject, knownPage, knownService)) {
			known = KnownName
		}
		rd.in.Fields[found.index].Known = known
		rd.found[known] = append(rd.found[known], found)
	}
}

func (rd *reader) named() bool {
	return cmp.Or(rd.best(KnownName), rd.best(KnownFirst), rd.best(KnownLast)) != ""
}

// formHolds reports a field in the group "form" whose name says that it is one of these.
func formHolds(f Form, kinds ...string) bool {
	return slices.ContainsFunc(f.Fields, func(field Field) bool {
		at := slices.IndexFunc(field.Path, func(part string) bool { return strings.EqualFold(part, "form") })
		if at < 0 || at == len(field.Path)-1 {
			return false
		}
		known, _ := nameInPath(field)
		return slices.Contains(kinds, known)
	})
}

// What forms are called, and people are not.
var (
	formWords   = regexp.MustCompile(`(?i)(?:^|\s)(?:форм|заявк|заказ|звонок|обратн|связ|подпис|вопрос|консульт|квиз|расч[её]т|запис|скидк|акци|контакт|страниц|главн|request|order|callback|feedback|subscri|question|contact|landing|(?:form|quiz|call|page|popup|footer|header|lead|test|лид|тест)(?:\s|$))`)
	personShape = regexp.MustCompile(`^\p{L}[\p{L}'’.-]*(?:\s+\p{L}[\p{L}'’.-]*){0,3}$`)
)

// personLike tells one to four words of letters that no form is called by.
func personLike(value string) bool {
	value = strings.TrimSpace(value)
	return personShape.MatchString(value) && !formWords.MatchString(value)
}
