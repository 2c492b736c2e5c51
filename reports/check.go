package reports

import "strings"

// checks are the sums that must tie. Each is defined by the places of its
// numbers, so that the workbook adds up the same cells that are added up here.
func checks(r Result) []Check {
	var all []Check
	for _, c := range append(identities(r), append(columnSums(r), rowSums(r)...)...) {
		c.Left, c.Right = r.sum(c.Parts), r.sum(c.Whole)
		c.OK = c.Left.equal(c.Right)
		all = append(all, c)
	}
	return all
}

func figures(keys ...string) []Place {
	var places []Place
	for _, k := range keys {
		places = append(places, Place{Figure: k})
	}
	return places
}

// identities hold between the figures that stand first.
func identities(r Result) []Check {
	lang := r.Language
	switch r.Clock {
	case Cohort:
		return []Check{{Key: "outcomes", Title: Text{"Каждый лид имеет ровно один исход", "Each lead has exactly one outcome"}.In(lang),
			LeftTitle:  Text{"Успех + Отказ + Некачественные + В работе", "Won + Lost + Junk + Open"}.In(lang),
			RightTitle: Text{"Лиды", "Leads"}.In(lang), Parts: figures("won", "lost", "junk", "open"), Whole: figures("leads")}}
	case Snapshot:
		return []Check{{Key: "closings", Title: Text{"Этапы и закрытия говорят об одном", "Stages and closings tell the same"}.In(lang),
			LeftTitle:  Text{"Открытые лиды по этапам", "Open leads by stages"}.In(lang),
			RightTitle: Text{"Не закрытые по закрытиям", "Not closed by closings"}.In(lang), Parts: figures("standing"), Whole: figures("unclosed")}}
	}
	return nil
}

// pairs: a column whose rows must add up to a figure of another name.
var pairs = map[string]string{"stage_open": "open", "stage_lost": "lost", "stage_junk": "junk"}

// columnSums hold for every column whose rows add up to a figure.
func columnSums(r Result) []Check {
	var all []Check
	for _, col := range r.Columns {
		if col.Measure == "" || strings.Contains(col.Key, ":") || !measure(col.Measure).sums() {
			continue
		}
		figure := col.Key
		if other, ok := pairs[col.Key]; ok {
			figure = other
		}
		whole := []Place{{Figure: figure}}
		title := measure(figure).Name.In(r.Language)
		if r.Figure(figure).Empty() {
			whole, title = []Place{{Cut: r.Cut, Column: col.Key, Row: TotalRow}}, Text{"Итого", "Total"}.In(r.Language)
		}
		all = append(all, Check{Key: r.Cut + ":" + col.Key, Title: r.CutTitle + ": " + col.Title,
			LeftTitle: Text{"Сумма строк", "Sum of rows"}.In(r.Language), RightTitle: title,
			Parts: []Place{{Cut: r.Cut, Column: col.Key, Row: AllRows}}, Whole: whole})
	}
	return all
}

// fates are what can become of an entry into a stage: exactly one of these.
var fates = []string{"advanced", "dropped", "back", "other_funnel", "here"}

// rowSums hold inside a row: the fates of the entries of a stage, those who
// visited and those who skipped it, the columns of a spread measure.
func rowSums(r Result) []Check {
	var all []Check
	add := func(key, title, left, right string, parts []string, whole string) {
		for i := range r.Rows {
			c := Check{Key: r.Cut + ":" + key + ":" + rowName(r.Rows[i]), Title: title + " – " + r.label(i), LeftTitle: left, RightTitle: right,
				Whole: []Place{{Cut: r.Cut, Column: whole, Row: i}}}
			for _, p := range parts {
				c.Parts = append(c.Parts, Place{Cut: r.Cut, Column: p, Row: i})
			}
			all = append(all, c)
		}
	}
	lang := r.Language
	if r.Column("entries") >= 0 && r.Column("here") >= 0 {
		add("fates", Text{"У каждого входа одна судьба", "Each entry has one fate"}.In(lang),
			Text{"Дальше + Закрыты + Назад + В другую воронку + Ещё здесь", "Advanced + Closed + Back + To another funnel + Still there"}.In(lang),
			measure("entries").Name.In(lang), fates, "entries")
	}
	if r.Column("skipped") >= 0 {
		add("visits", Text{"Дошли = были + миновали", "Reached = visited + skipped"}.In(lang),
			Text{"Были на этапе + Миновали этап", "Visited + Skipped"}.In(lang),
			measure("reached").Name.In(lang), []string{"passed", "skipped"}, "reached")
	}
	if parts := r.spreadKeys(); len(parts) > 0 {
		m := strings.SplitN(parts[0], ":", 2)[0]
		if r.Column(m) >= 0 && measure(m).sums() {
			add("spread", r.CutTitle, Text{"Сумма колонок", "Sum of columns"}.In(lang), measure(m).Name.In(lang), parts, m)
		}
	}
	return all
}

func (r Result) spreadKeys() []string {
	var keys []string
	for _, col := range r.Columns {
		if strings.Contains(col.Key, ":") {
			keys = append(keys, col.Key)
		}
	}
	return keys
}

// rowName is the key of a row, for keys of checks.
func rowName(row Row) string {
	if stage, ok := row.Keys["stage"]; ok {
		return stage
	}
	for _, v := range row.Keys {
		return v
	}
	return ""
}

// label names a row by its last dimension.
func (r Result) label(row int) string {
	label := ""
	for i, col := range r.Columns {
		if col.Measure == "" {
			label = r.Rows[row].Cells[i].Text()
		}
	}
	return label
}

// sum adds up the numbers at the places.
func (r Result) sum(places []Place) Value {
	var total Value
	for _, p := range places {
		if p.Figure != "" {
			total = total.plus(r.Figure(p.Figure))
			continue
		}
		col := r.Column(p.Column)
		switch p.Row {
		case AllRows:
			total = total.plus(zeroOf(r.Columns[col].Unit))
			for _, row := range r.Rows {
				total = total.plus(row.Cells[col])
			}
		case TotalRow:
			total = total.plus(r.Totals[col])
		default:
			total = total.plus(r.Rows[p.Row].Cells[col])
		}
	}
	return total
}
