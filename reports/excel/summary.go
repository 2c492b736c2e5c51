package excel

import (
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"

	"marshrut/reports"
)

// The summary is a grid of twelve columns: a card takes three, the third of them
// the gap to the next card; a chart takes six.
const (
	gridColumns = 12
	cardColumns = 3
	cardWidth   = 21
	gapWidth    = 2
	chartRows   = 15
	maxCharts   = 4
)

// writeSummary writes the sheet that is seen first: what was asked, the numbers
// that matter, the warnings, the charts, and what was left out.
func (b *book) writeSummary() error {
	widths := make([]float64, gridColumns)
	for i := range widths {
		widths[i] = cardWidth
		if i%cardColumns == cardColumns-1 {
			widths[i] = gapWidth
		}
	}
	s, err := b.open(b.summarySheet(), paper{widths: widths, noGrid: true, tab: accent, onePage: true})
	if err != nil {
		return err
	}
	for _, part := range []func(*sheet) error{b.summaryHead, b.summaryCards, b.summaryNotes, b.summaryCharts, b.summaryEnd} {
		if err := part(s); err != nil {
			return err
		}
	}
	return b.close(s, gridColumns)
}

func (b *book) summaryHead(s *sheet) error {
	r := b.head
	if err := s.put(1, 32, excelize.Cell{StyleID: b.styles.title, Value: r.Title + ". " + r.ClockTitle}); err != nil {
		return err
	}
	if err := s.put(2, 20, excelize.Cell{StyleID: b.styles.subtitle, Value: r.Says}); err != nil {
		return err
	}
	moment := b.in("02.01.2006 15:04", "2006-01-02 15:04")
	lines := [][2]string{
		{b.in("Период", "Period"), r.Period},
		{b.in("Состояние на", "As of"), r.AsOf.Format(moment) + " (" + r.Zone + ")"},
		{b.in("Отбор", "Filters"), r.FiltersInWords()},
		{b.in("Сформирован", "Made at"), r.MadeAt.Format(moment)},
	}
	for i, l := range lines {
		if err := s.put(4+i, 0, excelize.Cell{StyleID: b.styles.label, Value: l[0]}, excelize.Cell{StyleID: b.styles.text, Value: l[1]}); err != nil {
			return err
		}
	}
	return nil
}

// summaryCards puts the figures on cards, four in a row: the name above the number.
func (b *book) summaryCards(s *sheet) error {
	row := s.row + 2
	perRow := gridColumns / cardColumns
	for from := 0; from < len(b.head.Figures); from += perRow {
		some := b.head.Figures[from:min(from+perRow, len(b.head.Figures))]
		labels, values := make([]any, gridColumns), make([]any, gridColumns)
		for i, f := range some {
			col := i * cardColumns
			// The last column of three stays empty: the gap between cards.
			for c := col; c < col+cardColumns-1; c++ {
				labels[c], values[c] = excelize.Cell{StyleID: b.styles.kpiLabel}, excelize.Cell{StyleID: b.styles.kpi[f.Unit]}
			}
			labels[col] = excelize.Cell{StyleID: b.styles.kpiLabel, Value: f.Title}
			values[col] = b.kpi(f)
			b.figures[f.Key] = quote(s.name) + "!" + address(col, row+1)
			for _, merged := range []int{row, row + 1} {
				if err := s.stream.MergeCell(address(col, merged), address(col+cardColumns-2, merged)); err != nil {
					return fmt.Errorf("draw the cards: %w", err)
				}
			}
		}
		if err := s.put(row, 18, labels...); err != nil {
			return err
		}
		if err := s.put(row+1, 30, values...); err != nil {
			return err
		}
		row += 3
	}
	return nil
}

func (b *book) kpi(f reports.Figure) excelize.Cell {
	if f.Value.Empty() {
		return excelize.Cell{StyleID: b.styles.kpi[reports.Words], Value: "–"}
	}
	if f.Unit == reports.Duration && f.Value.Int() >= 86400 {
		return b.cell(f.Value, b.styles.days) // 1056:08 says nothing to anybody
	}
	return b.cell(f.Value, b.styles.kpi[f.Unit])
}

func (b *book) summaryNotes(s *sheet) error {
	s.row++
	for _, n := range b.notes() {
		cells := make([]any, gridColumns-1)
		for i := range cells {
			cells[i] = excelize.Cell{StyleID: b.styles.note}
		}
		cells[0] = excelize.Cell{StyleID: b.styles.note, Value: n}
		row := s.row + 1
		if err := s.put(row, 32, cells...); err != nil {
			return err
		}
		if err := s.stream.MergeCell(address(0, row), address(gridColumns-2, row)); err != nil {
			return fmt.Errorf("draw the notes: %w", err)
		}
	}
	return nil
}

func (b *book) notes() []string {
	var all []string
	for _, n := range b.head.Notes {
		all = append(all, n.Text)
	}
	if b.rows > b.limit {
		all = append(all, fmt.Sprintf(b.in("Лидов %d: на один лист помещается %d, остальные на следующих листах «Данные 2» и дальше.",
			"There are %d leads: a sheet holds %d, the others are on the sheets \"Data 2\" and on."), b.rows, b.limit))
	}
	return all
}

// summaryCharts draws the charts of the first tables, two beside each other.
func (b *book) summaryCharts(s *sheet) error {
	row, drawn := s.row+2, 0
	for _, r := range b.results {
		for _, c := range r.Charts {
			if drawn == maxCharts {
				break
			}
			at := address(drawn%2*gridColumns/2, row+drawn/2*chartRows)
			if err := b.file.AddChart(s.name, at, b.chart(r, c)); err != nil {
				return fmt.Errorf("draw the chart %q: %w", c.Title, err)
			}
			drawn++
		}
	}
	// The rows under the charts have their height said, or each program draws the charts over its own.
	for end := row + (drawn+1)/2*chartRows; row < end; row++ {
		if err := s.put(row, 15, nil); err != nil {
			return err
		}
	}
	return nil
}

// chart draws ranges of a table's sheet, the first row on top.
func (b *book) chart(r reports.Result, c reports.Chart) *excelize.Chart {
	ref := quote(b.sheets[r.Cut]) + "!"
	first, last := firstRow+c.First, firstRow+c.Last
	gap, overlap, zero := uint(40), 100, 0.0
	if c.Last-c.First < 3 {
		gap = 150 // few bars would be beams
	}
	chart := &excelize.Chart{
		Type:      excelize.BarStacked,
		Dimension: excelize.ChartDimension{Width: 620, Height: 270},
		Title:     excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: c.Title, Font: &excelize.Font{Bold: true, Size: 12, Color: ink}}}},
		Legend:    excelize.ChartLegend{Position: "none"},
		PlotArea:  excelize.ChartPlotArea{ShowVal: true, NumFmt: excelize.ChartNumFmt{CustomNumFmt: "#,##0;-#,##0;;"}}, // a zero needs no label
		XAxis:     excelize.ChartAxis{ReverseOrder: true, Font: excelize.Font{Size: 9, Color: ink}},
		YAxis:     excelize.ChartAxis{None: true, Minimum: &zero}, // bars that do not begin at nothing lie about shares
		GapWidth:  &gap, Overlap: &overlap,
		Format: excelize.GraphicOptions{AltText: c.Title},
		Border: excelize.LineOptions{Type: excelize.LineNone},
	}
	if len(c.Values) > 1 {
		chart.Legend.Position = "bottom"
	}
	for i, col := range c.Values {
		chart.Series = append(chart.Series, excelize.ChartSeries{
			Name:       ref + absoluteCell(col, headerRow),
			Categories: ref + absolute(c.Label, first, c.Label, last),
			Values:     ref + absolute(col, first, col, last),
			Fill:       fill(colourOf(r.Columns[col].Measure, i)),
			DataLabel:  excelize.ChartDataLabel{Font: excelize.Font{Size: 9, Color: "FFFFFF"}},
		})
	}
	return chart
}

func absoluteCell(col, row int) string {
	return strings.Split(absolute(col, row, col, row), ":")[0]
}

func colourOf(measure string, i int) string {
	if c, ok := colours[measure]; ok {
		return c
	}
	return palette[i%len(palette)]
}

// summaryEnd says on the left what is in no number, on the right whether the sums tie.
func (b *book) summaryEnd(s *sheet) error {
	half := gridColumns / 2
	row := s.row + 2
	if err := s.put(row, 20, b.sectionCells(b.in("Не вошло в отчёт", "Left out of the report"), b.checksSheet())...); err != nil {
		return err
	}
	for i, f := range b.head.Excluded {
		cells := make([]any, gridColumns)
		cells[0], cells[cardColumns] = excelize.Cell{StyleID: b.styles.text, Value: f.Title}, b.cell(f.Value, b.styles.cell[reports.Count])
		if i < 2 {
			cells[half], cells[half+cardColumns] = b.checkSummary(i)
		}
		row++
		if err := s.put(row, 0, cells...); err != nil {
			return err
		}
	}
	return nil
}

// checkSummary is how many checks there are, and how many of them fail.
func (b *book) checkSummary(line int) (label, value excelize.Cell) {
	all, failed := b.checks(), 0
	for _, c := range all {
		if !c.OK {
			failed++
		}
	}
	number := b.styles.cell[reports.Count]
	if line == 0 {
		return excelize.Cell{StyleID: b.styles.text, Value: b.in("Всего сверок", "Checks made")}, excelize.Cell{StyleID: number, Value: len(all)}
	}
	formula := fmt.Sprintf("COUNTIF(%s!$F$4:$F$%d,\"<>0\")", quote(b.checksSheet()), 3+max(len(all), 1))
	return excelize.Cell{StyleID: b.styles.text, Value: b.in("Не сходится", "Do not hold")}, excelize.Cell{StyleID: number, Formula: formula, Value: failed}
}

// sectionCells head the left and the right half of the page.
func (b *book) sectionCells(left, right string) []any {
	cells := make([]any, gridColumns)
	for i := range cells {
		if i%(gridColumns/2) != gridColumns/2-1 {
			cells[i] = excelize.Cell{StyleID: b.styles.section}
		}
	}
	cells[0] = excelize.Cell{StyleID: b.styles.section, Value: left}
	cells[gridColumns/2] = excelize.Cell{StyleID: b.styles.section, Value: right}
	return cells
}
