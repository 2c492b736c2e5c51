package webform

import (
	"regexp"
	"slices"
	"strings"

	"marshrut/leads"
)

// name puts the person's name together.
func (rd *reader) name() {
	if name := rd.best(KnownName); name != "" {
		parts := []string{name}
		if !strings.ContainsRune(strings.TrimSpace(name), ' ') {
			parts = []string{rd.best(KnownLast), name, rd.best(KnownPatronymic)}
		}
		rd.in.Name = leads.Fold(strings.Join(parts, " "))
		return
	}
	rd.in.Name = leads.Fold(strings.Join([]string{rd.best(KnownLast), rd.best(KnownFirst), rd.best(KnownPatronymic)}, " "))
}

var (
	phoneInText = regexp.MustCompile(`(?:\+\d|\b[78])[\s(.-]*\d{3}[\s).-]*\d{3}[\s.-]*\d{2}[\s.-]*\d{2}\b`)
	emailInText = regexp.MustCompile(`[\w.+-]+@[\w-]+(?:\.[\w-]+)+`)
)

// points gives phones, addresses and messengers; a form without any is searched for
// one in its texts, as the last resort.
func (rd *reader) points(free string) {
	var points []leads.ContactPoint
	for _, known := range []string{KnownPhone, KnownWhatsApp} {
		for _, f := range rd.found[known] {
			points = append(points, leads.Phones(f.value, rd.region)...)
		}
	}
	for _, f := range rd.found[KnownEmail] {
		points = append(points, leads.Emails(f.value)...)
	}
	for _, f := range rd.found[KnownTelegram] {
		if phones := leads.Phones(f.value, rd.region); len(phones) > 0 {
			points = append(points, phones...)
		} else if p, ok := leads.Messenger("telegram", telegramName(f.value)); ok {
			points = append(points, p)
		}
	}
	if len(points) == 0 {
		points = rd.pointsInText(free)
	}
	for _, p := range points {
		if !slices.ContainsFunc(rd.in.Points, func(q leads.ContactPoint) bool { return p.ID() == q.ID() }) {
			rd.in.Points = append(rd.in.Points, p)
		}
	}
}

func telegramName(s string) string {
	s = strings.TrimSpace(s)
	for _, prefix := range []string{"https://", "http://", "t.me/", "telegram.me/"} {
		s = strings.TrimPrefix(s, prefix)
	}
	return s
}

func (rd *reader) pointsInText(free string) []leads.ContactPoint {
	texts := []string{free}
	for _, known := range []string{KnownText, KnownName} {
		for _, f := range rd.found[known] {
			texts = append(texts, f.value)
		}
	}
	for _, f := range rd.in.Fields {
		if f.Known == knownShape && strings.ContainsRune(f.Value, ' ') {
			texts = append(texts, f.Value)
		}
	}
	var points []leads.ContactPoint
	for _, text := range texts {
		for _, m := range phoneInText.FindAllString(text, 3) {
			points = append(points, leads.Phones(m, rd.region)...)
		}
		for _, m := range emailInText.FindAllString(text, 3) {
			points = append(points, leads.Emails(m)...)
		}
	}
	return points
}
