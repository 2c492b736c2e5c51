package reports

import (
	"cmp"
	"slices"
	"strings"
)

// table lays out one cut: its measures by its rows, and the measure it spreads.
func (a *question) table(c cut, n, spread numbers) Result {
	r := a.head(c)
	r.Columns = append(a.columns(c), a.spreadColumns(c, spread)...)
	keys := a.rowKeys(c, n, spread)
	climbSteps(c, n, keys)
	for _, k := range keys {
		r.Rows = append(r.Rows, a.row(c, r.Columns, n, spread, k))
	}
	r.Totals = totals(r, n)
	a.conclude(&r, c)
	return r
}

func (a *question) columns(c cut) []Column {
	var columns []Column
	for _, d := range c.rows {
		columns = append(columns, Column{Key: d, Title: dimensions[d].name.In(a.query.Language), Unit: Words})
	}
	for _, key := range c.columns {
		m := measure(key)
		columns = append(columns, Column{Key: key, Title: m.Name.In(a.query.Language), Unit: m.Unit, Measure: key, Drills: m.drills()})
	}
	return columns
}

// spreadColumns makes a column of each value of the across dimension.
func (a *question) spreadColumns(c cut, spread numbers) []Column {
	if c.across == "" {
		return nil
	}
	m := measure(c.spread)
	shown := a.shownFunnels(spread, 1)
	var columns []Column
	for _, key := range a.spreadKeys(c, spread, shown) {
		title := a.words.label(c.across, key)
		if funnel, _, _ := strings.Cut(key, "/"); c.across == "stage" && len(shown) > 1 {
			title = a.words.label("funnel", funnel) + ": " + title
		}
		columns = append(columns, Column{Key: c.spread + ":" + c.across + "=" + key, Title: title, Group: m.Name.In(a.query.Language),
			Unit: m.Unit, Measure: c.spread, Drills: m.drills(), across: key})
	}
	return columns
}

// spreadKeys are all stages in order, and the other values there are by name.
func (a *question) spreadKeys(c cut, spread numbers, shown []string) []string {
	var keys []string
	if c.across == "stage" {
		for _, w := range a.words.steps(shown) {
			keys = append(keys, w.key)
		}
	}
	var others []string
	for _, row := range spread.rows {
		if key := row.keys[1]; !slices.Contains(keys, key) && !slices.Contains(others, key) {
			others = append(others, key)
		}
	}
	slices.SortFunc(others, func(x, y string) int { return strings.Compare(a.words.label(c.across, x), a.words.label(c.across, y)) })
	// Success is a column of its own already.
	return slices.DeleteFunc(append(keys, others...), func(key string) bool { return strings.HasSuffix(key, "/"+wonStep) })
}

// shownFunnels are the funnels to show: the one asked for, or those with
// anything in them, or all when nothing is in any. stageAt is where the rows have
// their stage.
func (a *question) shownFunnels(n numbers, stageAt int) []string {
	all := a.words.funnels(a.query.Funnel)
	busy := slices.DeleteFunc(slices.Clone(all), func(funnel string) bool {
		for _, row := range n.rows {
			if strings.HasPrefix(row.keys[stageAt], funnel+"/") {
				return false
			}
		}
		return true
	})
	if len(busy) == 0 || a.query.Funnel != "" {
		return all
	}
	return busy
}

// rowKeys are the rows of the table in their order: those that were counted, and
// those that are shown even when empty.
func (a *question) rowKeys(c cut, n, spread numbers) [][]string {
	var keys [][]string
	switch {
	case slices.Contains(c.rows, "stage"):
		keys = a.stageRows(c, n)
	case c.rows[0] == "reason":
		keys = append(keys, []string{""}) // the row «причина не указана» is always there
	}
	have := map[string]bool{}
	for _, k := range keys {
		have[rowKey(k)] = true
	}
	for _, some := range []numbers{n, spread} {
		for _, row := range some.rows {
			if k := row.keys[:len(c.rows)]; !have[rowKey(k)] {
				have[rowKey(k)] = true
				keys = append(keys, k)
			}
		}
	}
	slices.SortFunc(keys, func(x, y []string) int { return a.compareRows(c, n, x, y) })
	return keys
}

// stageRows are all stages of the funnels shown, with success at the end where
// the table is about reaching it.
func (a *question) stageRows(c cut, n numbers) [][]string {
	ladder := slices.Contains(c.columns, "reached")
	var keys [][]string
	for _, w := range a.words.steps(a.shownFunnels(n, 1)) {
		if ladder || !strings.HasSuffix(w.key, "/"+wonStep) {
			keys = append(keys, []string{w.parent, w.key})
		}
	}
	return keys
}

func (a *question) compareRows(c cut, n numbers, x, y []string) int {
	for i, dim := range c.rows {
		if x[i] == y[i] {
			continue
		}
		return cmp.Or(
			boolCompare(x[i] == "", y[i] == ""), // what is not filled in comes last
			a.compareKeys(dim, c, n, x, y, i),
			strings.Compare(a.words.label(dim, x[i]), a.words.label(dim, y[i])),
			strings.Compare(x[i], y[i]),
		)
	}
	return 0
}

func (a *question) compareKeys(dim string, c cut, n numbers, x, y []string, i int) int {
	switch dimensions[dim].order {
	case byPosition:
		return cmp.Compare(a.words.position(dim, x[i]), a.words.position(dim, y[i]))
	case byFigure:
		return cmp.Compare(n.value(y, c.columns[0]).Float(), n.value(x, c.columns[0]).Float())
	}
	return 0
}

func boolCompare(x, y bool) int {
	if x == y {
		return 0
	}
	if x {
		return 1
	}
	return -1
}

// value is a measure in a row; a row that was not counted has none of anything.
func (n numbers) value(keys []string, measureKey string) Value {
	if row := n.rows[rowKey(keys)]; row != nil {
		return row.values[measureKey]
	}
	m := measure(measureKey)
	if m.ofAll != "" {
		return zeroOf(measure(m.ofAll).Unit).over(n.totals[m.ofAll])
	}
	if m.over != "" {
		return zeroOf(m.Unit)
	}
	return Value{}
}

// climbSteps fills in the conversion to the next stage, which is a matter of two
// rows: it needs them all, in order.
func climbSteps(c cut, n numbers, keys [][]string) {
	for _, key := range c.columns {
		of := measure(key).step
		if of == "" {
			continue
		}
		for i := 0; i+1 < len(keys); i++ {
			row := n.rows[rowKey(keys[i])]
			if row != nil && keys[i][0] == keys[i+1][0] {
				row.values[key] = n.value(keys[i+1], of).over(n.value(keys[i], of))
			}
		}
	}
}

func (a *question) row(c cut, columns []Column, n, spread numbers, keys []string) Row {
	row := Row{Keys: map[string]string{}}
	for i, dim := range c.rows {
		row.Keys[dim] = keys[i]
		row.Cells = append(row.Cells, wordsOf(a.words.label(dim, keys[i])))
	}
	for _, col := range columns[len(c.rows):] {
		if strings.Contains(col.Key, ":") {
			row.Cells = append(row.Cells, spread.value([]string{keys[0], col.across}, c.spread))
			continue
		}
		row.Cells = append(row.Cells, n.value(keys, col.Measure))
	}
	return row
}

// totals are asked of the database, not added up, so that adding up checks them.
// Only a spread column is the sum of its rows.
func totals(r Result, n numbers) []Value {
	cells := make([]Value, len(r.Columns))
	for i, col := range r.Columns {
		if col.Measure == "" {
			continue
		}
		if m := measure(col.Measure); strings.Contains(col.Key, ":") {
			cells[i] = zeroOf(col.Unit)
			for _, row := range r.Rows {
				cells[i] = cells[i].plus(row.Cells[i])
			}
		} else if !m.single && m.step == "" && m.share != [2]string{"reached", "base"} {
			cells[i] = n.totals[col.Measure]
		}
	}
	return cells
}
