package excel

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"marshrut/reports"
)

// sheet is a sheet being streamed: rows go out in order and do not come back.
type sheet struct {
	name   string
	stream *excelize.StreamWriter
	row    int // last row written
}

// paper says how a sheet looks on screen and on paper.
type paper struct {
	header  int       // row of the column headers; what is above stays in view. 0: none
	first   int       // columns that stay in view
	widths  []float64 // in characters
	noGrid  bool
	tab     string // colour of the tab
	onePage bool   // on paper; else as many pages as it takes
}

// maxName is the longest name of a sheet that Excel opens.
const maxName = 31

// sheetName makes of a title a name that Excel takes: at most 31 characters, none
// of []:*?/\, no apostrophe at the ends, and not taken in any case of letters.
func sheetName(title string, taken []string) string {
	clean := strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\`, r) {
			return ' '
		}
		return r
	}, title), " '")
	name := cutTo(clean, maxName)
	for n := 2; name == "" || slices.ContainsFunc(taken, func(t string) bool { return strings.EqualFold(t, name) }); n++ {
		tail := fmt.Sprintf(" %d", n)
		name = cutTo(clean, maxName-len(tail)) + tail
	}
	return name
}

func cutTo(s string, length int) string {
	if utf8.RuneCountInString(s) <= length {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:length]))
}

// open starts a sheet. All that stands before the rows in the file is set here.
func (b *book) open(name string, p paper) (*sheet, error) {
	f := b.file
	yes, one, a4 := true, 1, 9
	orientation, high := "landscape", 0 // as many pages as it takes
	if p.onePage {
		high = 1
	}
	props := &excelize.SheetPropsOptions{FitToPage: &yes}
	if p.tab != "" {
		props.TabColorRGB = &p.tab
	}
	grid := !p.noGrid
	side, edge, footer := 0.4, 0.6, 0.3 // inches
	for _, err := range []error{
		f.SetSheetProps(name, props),
		f.SetPageLayout(name, &excelize.PageLayoutOptions{Orientation: &orientation, Size: &a4, FitToWidth: &one, FitToHeight: &high}),
		f.SetPageMargins(name, &excelize.PageLayoutMarginsOptions{Left: &side, Right: &side, Top: &edge, Bottom: &edge, Header: &footer, Footer: &footer}),
		f.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddFooter: b.footer()}),
		f.SetSheetView(name, -1, &excelize.ViewOptions{ShowGridLines: &grid}),
	} {
		if err != nil {
			return nil, fmt.Errorf("set up the sheet %q: %w", name, err)
		}
	}
	stream, err := f.NewStreamWriter(name)
	if err != nil {
		return nil, fmt.Errorf("open the sheet %q: %w", name, err)
	}
	for i, w := range p.widths {
		if err := stream.SetColWidth(i+1, i+1, w); err != nil {
			return nil, fmt.Errorf("set the widths of %q: %w", name, err)
		}
	}
	if p.header > 0 {
		err = b.freeze(stream, name, p)
	}
	return &sheet{name: name, stream: stream}, err
}

// freeze keeps the headers in view and repeats them on every printed page.
func (b *book) freeze(stream *excelize.StreamWriter, name string, p paper) error {
	corner, pane := address(p.first, p.header+1), "bottomRight"
	if p.first == 0 {
		pane = "bottomLeft" // the only other one: Excel repairs a file that names a pane it does not have
	}
	err := stream.SetPanes(&excelize.Panes{Freeze: true, XSplit: p.first, YSplit: p.header, TopLeftCell: corner, ActivePane: pane,
		Selection: []excelize.Selection{{SQRef: corner, ActiveCell: corner, Pane: pane}}})
	if err != nil {
		return fmt.Errorf("freeze the header of %q: %w", name, err)
	}
	return b.define("_xlnm.Print_Titles", name, fmt.Sprintf("$%d:$%d", p.header, p.header))
}

func (b *book) define(key, name, ref string) error {
	err := b.file.SetDefinedName(&excelize.DefinedName{Name: key, Scope: name, RefersTo: quote(name) + "!" + ref})
	if err != nil {
		return fmt.Errorf("name a range of %q: %w", name, err)
	}
	return nil
}

// close ends a sheet of so many columns, all of it to be printed.
func (b *book) close(s *sheet, columns int) error {
	if err := b.define("_xlnm.Print_Area", s.name, absolute(0, 1, columns-1, max(s.row, 1))); err != nil {
		return err
	}
	if err := s.stream.Flush(); err != nil {
		return fmt.Errorf("end the sheet %q: %w", s.name, err)
	}
	return nil
}

// footer says what the page is from, on every page: name, date, page of pages.
func (b *book) footer() string {
	left := strings.ReplaceAll(b.head.Title+". "+b.head.Period, "&", "&&")
	return "&L&8" + left + "&C&8" + strings.ReplaceAll(b.options.Company, "&", "&&") + "&R&8" + b.in("Стр. &P из &N", "Page &P of &N")
}

// put writes the next row, or a later one; height 0 is left to the reader's program.
func (s *sheet) put(row int, height float64, cells ...any) error {
	s.row = row
	var opts []excelize.RowOpts
	if height > 0 {
		opts = append(opts, excelize.RowOpts{Height: height})
	}
	if err := s.stream.SetRow(address(0, row), cells, opts...); err != nil {
		return fmt.Errorf("write row %d of %q: %w", row, s.name, err)
	}
	return nil
}

// cell is a value in its style. Text is always text: nothing of it is a formula.
func (b *book) cell(v reports.Value, style int) excelize.Cell {
	return excelize.Cell{StyleID: style, Value: plain(v)}
}

// plain is a value as a cell holds it: amounts and shares as numbers, durations
// as days, moments as they are (excelize makes serial numbers of them).
func plain(v reports.Value) any {
	switch v.Unit() {
	case reports.Words:
		return v.Text()
	case reports.Count:
		return v.Int()
	case reports.Money, reports.Percent:
		return v.Float()
	case reports.Duration:
		return v.Float() / 86400
	case reports.Date:
		return v.Time()
	}
	return nil
}

// address is A1 of column 0 and row 1.
func address(col, row int) string {
	name, err := excelize.CoordinatesToCellName(col+1, row)
	if err != nil {
		panic(err) // a sheet has no such cell: the caller counts wrong
	}
	return name
}

// area is A1:B2, as the file names ranges of its own sheet.
func area(col, row, toCol, toRow int) string { return address(col, row) + ":" + address(toCol, toRow) }

// absolute is $A$1:$B$2, as charts and names have it.
func absolute(col, row, toCol, toRow int) string {
	from, _ := excelize.CoordinatesToCellName(col+1, row, true)
	to, _ := excelize.CoordinatesToCellName(toCol+1, toRow, true)
	return from + ":" + to
}

// quote makes the name of a sheet fit for a formula.
func quote(name string) string { return "'" + strings.ReplaceAll(name, "'", "''") + "'" }
