package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// head is what a result says before its numbers.
func (a *question) head(c cut) Result {
	q, lang := a.query, a.query.Language
	r := Result{
		Report: a.report.Key, Title: a.report.Name.In(lang), Says: a.report.Says.In(lang),
		Clock: q.Clock, ClockTitle: q.Clock.Name(lang), Cut: c.key, CutTitle: c.name.In(lang),
		Cuts: a.report.CutNames(q.Clock, lang), AsOf: q.AsOf.In(q.Zone), MadeAt: q.Now.In(q.Zone),
		Zone: q.Zone.String(), Language: lang, Period: q.periodInWords(),
		Columns: []Column{}, Rows: []Row{}, Filters: []Filter{}, Charts: []Chart{}, Notes: []Note{}, Checks: []Check{},
	}
	if q.Clock != Snapshot {
		from, to := q.From.In(q.Zone), q.To.In(q.Zone)
		r.From, r.To = &from, &to
	}
	for _, f := range filters {
		value := *f.field(&q)
		if value == "" {
			continue
		}
		label := dimensions[f.key].none.In(lang)
		if value != None {
			label = a.words.label(f.key, value)
		}
		r.Filters = append(r.Filters, Filter{Key: f.key, Title: f.name.In(lang), Value: value, Label: label})
	}
	return r
}

// periodInWords says the period as people do, its last day included.
func (q Query) periodInWords() string {
	zone, moment := q.Zone, dateLayout(q.Language)
	day := strings.TrimSuffix(moment, " 15:04")
	write := func(t time.Time) string {
		if t = t.In(zone); t.Equal(startOfDay(t)) {
			return t.Format(day)
		}
		return t.Format(moment)
	}
	if q.Clock == Snapshot {
		at := q.AsOf.In(zone)
		if at.Equal(startOfDay(at)) { // the end of the day before, as a date is read
			return fmt.Sprintf(Text{"на конец дня %s", "at the end of %s"}.In(q.Language), at.AddDate(0, 0, -1).Format(day))
		}
		return fmt.Sprintf(Text{"на %s", "at %s"}.In(q.Language), at.Format(moment))
	}
	last := q.To.In(zone)
	if last.Equal(startOfDay(last)) {
		last = last.AddDate(0, 0, -1)
	}
	return fmt.Sprintf(Text{"с %s по %s", "%s to %s"}.In(q.Language), write(q.From), write(last))
}

// FiltersInWords is one line: "Источник: Директ; Команда: Север", or that there are none.
func (r Result) FiltersInWords() string {
	var parts []string
	for _, f := range r.Filters {
		parts = append(parts, f.Title+": "+f.Label)
	}
	if len(parts) == 0 {
		return Text{"все лиды", "all leads"}.In(r.Language)
	}
	return strings.Join(parts, "; ")
}

// conclude adds what is said after the numbers.
func (a *question) conclude(r *Result, c cut) {
	for _, key := range headline[a.report.Key][a.query.Clock] {
		m := measure(key)
		r.Figures = append(r.Figures, Figure{Key: key, Title: m.Name.In(r.Language), Unit: m.Unit, Value: a.headline[key]})
	}
	r.Excluded = a.left.figures(a.query)
	r.Definitions = definitions(*r)
	r.Charts = charts(*r, c)
	r.Checks = checks(*r)
	r.Notes = a.notes(*r)
}

func (x exclusions) figures(q Query) []Figure {
	figure := func(key string, name Text, n int64) Figure {
		return Figure{Key: key, Title: name.In(q.Language), Unit: Count, Value: countOf(n)}
	}
	all := []Figure{
		figure("tests", Text{"Тестовые лиды", "Test leads"}, x.tests),
		figure("spam_leads", Text{"Лиды, признанные спамом", "Leads found to be spam"}, x.spam),
		figure("duplicates", Text{"Дубли", "Duplicates"}, x.duplicates),
	}
	if q.Clock != Snapshot {
		all = append(all, figure("spam_inquiries", Text{"Обращения, отсеянные как спам", "Inquiries filtered as spam"}, x.spamInquiries))
	}
	return all
}

// definitions says what every measure of the result counts, with those its shares are made of.
func definitions(r Result) []Definition {
	var all []Definition
	seen := map[string]bool{}
	var add func(key string)
	add = func(key string) {
		if key == "" || seen[key] {
			return
		}
		seen[key] = true
		m := measure(key)
		all = append(all, Definition{Key: key, Title: m.Name.In(r.Language), Unit: m.Unit, Clock: m.Clock, Text: m.Says.In(r.Language)})
		for _, part := range []string{m.share[0], m.share[1], m.step, m.ofAll} {
			add(part)
		}
	}
	for _, f := range r.Figures {
		add(f.Key)
	}
	for _, col := range r.Columns {
		add(col.Measure)
	}
	return all
}

// charts draws a funnel for each funnel of the table, or bars of all its rows.
func charts(r Result, c cut) []Chart {
	if c.chart == "" || len(r.Rows) == 0 {
		return []Chart{}
	}
	chart := Chart{Kind: c.chart, Label: len(c.rows) - 1, Title: r.Title + ": " + strings.ToLower(r.CutTitle)}
	for _, key := range c.charted {
		chart.Values = append(chart.Values, r.Column(key))
	}
	var all []Chart
	for first := 0; first < len(r.Rows); {
		last := len(r.Rows) - 1
		if funnel := r.Rows[first].Keys["funnel"]; funnel != "" {
			last = first + slices.IndexFunc(append(slices.Clone(r.Rows[first:]), Row{}), func(row Row) bool { return row.Keys["funnel"] != funnel }) - 1
			chart.Title = r.Title + ": " + r.Rows[first].Cells[0].Text()
		}
		chart.First, chart.Last = first, last
		all = append(all, chart)
		first = last + 1
	}
	return all
}

// few is under how many observations a difference between shares is mostly chance.
const few = 30

func (a *question) notes(r Result) []Note {
	notes := []Note{}
	base := r.Figures[0]
	if n := base.Value.Int(); n < few {
		notes = append(notes, Note{Kind: "small_numbers", Text: fmt.Sprintf(Text{
			"Мало данных: %s – %d. При числе меньше %d доли и их различия могут быть случайностью.",
			"Few observations: %s – %d. Under %d, shares and differences between them may be chance."}.In(r.Language), strings.ToLower(base.Title), n, few)})
	}
	if text := a.immature(r); text != "" {
		notes = append(notes, Note{Kind: "immature", Text: text})
	}
	if n := a.left.foreign; n > 0 {
		notes = append(notes, Note{Kind: "currency", Text: fmt.Sprintf(Text{
			"Лидов в другой валюте: %d. Они посчитаны, но в суммы не вошли.",
			"Leads in another currency: %d. They are counted, but not in the amounts."}.In(r.Language), n)})
	}
	return notes
}

// immature says why the cohort's outcome will still change: much of it is open,
// or its youngest leads have had less than two usual cycles.
func (a *question) immature(r Result) string {
	leads, open := r.Figure("leads"), r.Figure("open")
	if r.Clock != Cohort || leads.Int() == 0 {
		return ""
	}
	share := open.over(leads)
	age := max(a.query.AsOf.Sub(a.query.To), 0)
	cycle := time.Duration(a.typical.Int()) * time.Second
	switch {
	case share.Float() > 0.2:
		return fmt.Sprintf(Text{
			"Когорта незрелая: %s лидов ещё в работе, конверсия будет расти.",
			"The cohort is immature: %s of its leads are still open, its conversion will grow."}.In(r.Language), share.Format(r.Language))
	case !a.typical.Empty() && age < 2*cycle:
		return fmt.Sprintf(Text{
			"Когорта незрелая: с конца периода прошло %s, а обычный цикл лида – %s; ждать стоит два цикла.",
			"The cohort is immature: %s have passed since the end of the period, and the usual cycle of a lead is %s; two cycles are worth waiting for."}.In(r.Language),
			formatDuration(age, r.Language), formatDuration(cycle, r.Language))
	}
	return ""
}
