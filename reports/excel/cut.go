package excel

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"marshrut/reports"
)

// headerRow is where the columns of a table are named; the title and the period
// stand above it.
const headerRow = 4

// firstRow is where the rows of a table begin.
const firstRow = headerRow + 1

// writeCut writes one table on its sheet, with a line of totals that adds up what
// is left by the filter.
func (b *book) writeCut(r reports.Result) error {
	name := b.sheets[r.Cut]
	s, err := b.open(name, paper{header: headerRow, first: dimensionsOf(r), widths: b.widths(r), noGrid: true})
	if err != nil {
		return err
	}
	head := []any{excelize.Cell{StyleID: b.styles.title, Value: r.Title + ": " + strings.ToLower(r.CutTitle)}}
	if err := s.put(1, 28, head...); err != nil {
		return err
	}
	about := fmt.Sprintf("%s, %s. %s", r.ClockTitle, r.Period, r.FiltersInWords())
	if err := s.put(2, 0, excelize.Cell{StyleID: b.styles.subtitle, Value: about}); err != nil {
		return err
	}
	if err := s.put(headerRow-1, 0, b.groups(r)...); err != nil {
		return err
	}
	if err := s.put(headerRow, 45, b.headers(r)...); err != nil {
		return err
	}
	for i, row := range r.Rows {
		if err := s.put(firstRow+i, 0, b.cells(r, row.Cells, b.styles.cell)...); err != nil {
			return err
		}
	}
	if len(r.Rows) > 0 {
		if err := b.writeTotals(s, r); err != nil {
			return err
		}
		if err := b.file.AutoFilter(name, area(0, headerRow, len(r.Columns)-1, headerRow+len(r.Rows)), nil); err != nil {
			return fmt.Errorf("filter the table %q: %w", name, err)
		}
	}
	return b.close(s, len(r.Columns))
}

func dimensionsOf(r reports.Result) int {
	n := 0
	for _, col := range r.Columns {
		if col.Measure == "" {
			n++
		}
	}
	return n
}

func (b *book) headers(r reports.Result) []any {
	cells := make([]any, len(r.Columns))
	for i, col := range r.Columns {
		cells[i] = excelize.Cell{StyleID: b.styles.header, Value: col.Title}
	}
	return cells
}

// groups names over the first of its columns the measure that is spread over them.
func (b *book) groups(r reports.Result) []any {
	cells, last := make([]any, len(r.Columns)), ""
	for i, col := range r.Columns {
		if col.Group != last {
			cells[i] = excelize.Cell{StyleID: b.styles.subtitle, Value: col.Group}
		}
		last = col.Group
	}
	return cells
}

func (b *book) cells(r reports.Result, values []reports.Value, by map[reports.Unit]int) []any {
	cells := make([]any, len(values))
	for i, v := range values {
		cells[i] = b.cell(v, by[r.Columns[i].Unit])
	}
	return cells
}

// writeTotals writes formulas with the totals as their values: a program that
// does not calculate shows the numbers, one that does follows the filter.
func (b *book) writeTotals(s *sheet, r reports.Result) error {
	cells := b.cells(r, r.Totals, b.styles.total)
	for i, col := range r.Columns {
		cell := cells[i].(excelize.Cell)
		cell.Formula = b.totalFormula(r, i)
		if i == 0 {
			cell.Value = b.in("Итого", "Total")
		}
		if col.Measure != "" && r.Totals[i].Empty() {
			cell.Value = nil
		}
		cells[i] = cell
	}
	return s.put(firstRow+len(r.Rows), 20, cells...)
}

// totalFormula adds up the visible rows of a column that adds up, or divides the
// totals of the columns a share is made of.
func (b *book) totalFormula(r reports.Result, col int) string {
	c := r.Columns[col]
	if c.Measure == "" || r.Totals[col].Empty() {
		return ""
	}
	if reports.Sums(c.Measure) {
		return fmt.Sprintf("SUBTOTAL(109,%s:%s)", address(col, firstRow), address(col, headerRow+len(r.Rows)))
	}
	over, under, ok := reports.ShareOf(c.Measure)
	top, bottom := r.Column(over), r.Column(under)
	if !ok || top < 0 || bottom < 0 {
		return ""
	}
	row := firstRow + len(r.Rows)
	return fmt.Sprintf(`IF(%[2]s=0,"",%[1]s/%[2]s)`, address(top, row), address(bottom, row))
}

// widths fit the longest value or the words of the header, within reason.
func (b *book) widths(r reports.Result) []float64 {
	widths := make([]float64, len(r.Columns))
	for i, col := range r.Columns {
		longest := longestWord(col.Title) + 3 // the button of the filter
		for _, row := range append(r.Rows, reports.Row{Cells: r.Totals}) {
			longest = max(longest, shownLength(row.Cells[i]))
		}
		widths[i] = min(float64(longest)*1.1+2, 60)
	}
	return widths
}

func longestWord(s string) int {
	longest := 0
	for _, w := range strings.Fields(s) {
		longest = max(longest, utf8.RuneCountInString(w))
	}
	return longest
}

// shownLength is how many characters a value takes in its cell.
func shownLength(v reports.Value) int {
	if v.Unit() == reports.Money {
		return utf8.RuneCountInString(v.Format("en")) + 4 // kopecks are always shown in a cell
	}
	return utf8.RuneCountInString(v.Format("en"))
}
