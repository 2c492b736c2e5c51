package reports

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// Sizes of a drawing, in its own units: it grows and shrinks with the page.
const (
	chartWidth  = 720
	chartLabels = 190 // room for names on the left
	chartValues = 120 // room for numbers on the right
	barHeight   = 26
	barStep     = 38
	chartTop    = 8
)

// ChartSVG draws the i-th chart of a result as SVG for a page: no script, sharp
// on paper, read aloud by its title and description, coloured by the page's style
// sheet. Text takes currentColor; bars have the classes bar and m-MEASURE and, where
// the page sets nothing, the custom properties --chart-MEASURE and --chart.
// Numbers link nowhere here: the table beside it does.
func ChartSVG(r Result, i int) string {
	if i < 0 || i >= len(r.Charts) {
		return ""
	}
	c := r.Charts[i]
	d := drawing{Result: r, chart: c, id: fmt.Sprintf("chart-%s-%s-%d", r.Report, r.Cut, i)}
	if c.Kind == "funnel" {
		return d.funnel()
	}
	return d.bars()
}

type drawing struct {
	Result
	chart Chart
	id    string
	b     strings.Builder
}

func (d *drawing) rows() []Row { return d.Result.Rows[d.chart.First : d.chart.Last+1] }

// open writes the frame, with what a screen reader says.
func (d *drawing) open(height int) {
	fmt.Fprintf(&d.b, `<svg class="chart chart-%s" viewBox="0 0 %d %d" role="img" aria-labelledby="%s-t %s-d" xmlns="http://www.w3.org/2000/svg" fill="currentColor" font-size="14">`,
		d.chart.Kind, chartWidth, height, d.id, d.id)
	fmt.Fprintf(&d.b, `<title id="%s-t">%s</title><desc id="%s-d">%s</desc>`, d.id, html.EscapeString(d.chart.Title), d.id, html.EscapeString(d.inWords()))
}

func (d *drawing) close() string {
	d.b.WriteString("</svg>")
	return d.b.String()
}

// inWords is the chart for who does not see it: each row with its numbers.
func (d *drawing) inWords() string {
	var lines []string
	for _, row := range d.rows() {
		var parts []string
		for _, col := range d.chart.Values {
			part := row.Cells[col].Format(d.Language)
			if len(d.chart.Values) > 1 {
				part = d.Columns[col].Title + " " + part
			}
			parts = append(parts, part)
		}
		lines = append(lines, row.Cells[d.chart.Label].Text()+": "+strings.Join(parts, ", "))
	}
	return strings.Join(lines, "; ") + "."
}

func (d *drawing) text(x, y int, anchor, class, s string) {
	fmt.Fprintf(&d.b, `<text x="%d" y="%d" text-anchor="%s" class="%s">%s</text>`, x, y, anchor, class, html.EscapeString(s))
}

func (d *drawing) bar(x, y, width float64, col int, says string) {
	measure := d.Columns[col].Measure
	fmt.Fprintf(&d.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%d" rx="3" class="bar m-%s" fill="var(--chart-%s, var(--chart, #2563eb))"><title>%s</title></rect>`,
		x, y, width, barHeight, measure, measure, html.EscapeString(says))
}

// funnel draws a centred bar for each step, and between two the share that went on.
func (d *drawing) funnel() string {
	rows, col := d.rows(), d.chart.Values[0]
	step := d.Column("step")
	gap := 0
	if step >= 0 {
		gap = 18
	}
	d.open(chartTop*2 + len(rows)*(barStep+gap) - gap)
	room := float64(chartWidth - chartLabels - chartValues)
	largest := d.largest()
	for i, row := range rows {
		y := chartTop + i*(barStep+gap)
		width := room * row.Cells[col].Float() / largest
		d.text(chartLabels-12, y+18, "end", "label", short(row.Cells[d.chart.Label].Text()))
		d.bar(chartLabels+(room-width)/2, float64(y), max(width, 1), col, row.Cells[d.chart.Label].Text()+": "+row.Cells[col].Format(d.Language))
		d.text(chartWidth-chartValues+12, y+18, "start", "value", d.valueWithShare(row, col))
		if step >= 0 && !row.Cells[step].Empty() {
			d.text(chartLabels+int(room/2), y+barHeight+18, "middle", "step", "↓ "+row.Cells[step].Format(d.Language))
		}
	}
	return d.close()
}

func (d *drawing) valueWithShare(row Row, col int) string {
	s := row.Cells[col].Format(d.Language)
	if through := d.Column("through"); through >= 0 && !row.Cells[through].Empty() {
		s += " · " + row.Cells[through].Format(d.Language)
	}
	return s
}

// largest is the longest bar of the chart, at least one.
func (d *drawing) largest() float64 {
	largest := 1.0
	for _, row := range d.rows() {
		sum := 0.0
		for _, col := range d.chart.Values {
			sum += row.Cells[col].Float()
		}
		largest = max(largest, sum)
	}
	return largest
}

// bars draws a bar for each row, of as many parts as the chart has measures.
func (d *drawing) bars() string {
	rows := d.rows()
	legend := 0
	if len(d.chart.Values) > 1 {
		legend = 30
	}
	d.open(chartTop*2 + len(rows)*barStep + legend)
	if legend > 0 {
		d.legend()
	}
	room, largest := float64(chartWidth-chartLabels-chartValues), d.largest()
	for i, row := range rows {
		y := chartTop + legend + i*barStep
		d.text(chartLabels-12, y+18, "end", "label", short(row.Cells[d.chart.Label].Text()))
		x, total := float64(chartLabels), Value{}
		for _, col := range d.chart.Values {
			width := room * row.Cells[col].Float() / largest
			total = total.plus(row.Cells[col])
			if width > 0 {
				d.bar(x, float64(y), max(width-1, 1), col, d.Columns[col].Title+": "+row.Cells[col].Format(d.Language))
			}
			x += width
		}
		d.text(int(x)+10, y+18, "start", "value", total.Format(d.Language))
	}
	return d.close()
}

// legend names the parts of the bars in one line.
func (d *drawing) legend() {
	x := chartLabels
	for _, col := range d.chart.Values {
		title := d.Columns[col].Title
		fmt.Fprintf(&d.b, `<rect x="%d" y="%d" width="12" height="12" rx="2" class="bar m-%s" fill="var(--chart-%s, var(--chart, #2563eb))"/>`,
			x, chartTop, d.Columns[col].Measure, d.Columns[col].Measure)
		d.text(x+17, chartTop+11, "start", "legend", title)
		x += 17 + utf8.RuneCountInString(title)*8 + 18
	}
}

// short keeps a name inside its room.
func short(name string) string {
	const room = 22
	if utf8.RuneCountInString(name) <= room {
		return name
	}
	return string([]rune(name)[:room-1]) + "…"
}
