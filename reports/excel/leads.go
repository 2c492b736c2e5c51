package excel

import (
	"fmt"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"marshrut/reports"
)

// sampled is how many leads are looked at to find the widths of the columns:
// widths stand in the file before the rows do.
const sampled = 500

// leadsWriter streams leads onto as many sheets as they need.
type leadsWriter struct {
	book   *book
	sample []reports.Lead
	sheet  *sheet
	widths []float64
	count  int // sheets
	cells  []any
	values []excelize.Cell
	styles []int
}

// writeLeads writes the rows of the sheet of leads, of the next one when a sheet is
// full, and of each an Excel table.
func (b *book) writeLeads(leads Leads) error {
	w := &leadsWriter{book: b, values: make([]excelize.Cell, len(reports.LeadColumns)), cells: make([]any, len(reports.LeadColumns))}
	for i, col := range reports.LeadColumns {
		w.cells[i] = &w.values[i]
		w.styles = append(w.styles, b.styles.cell[col.Unit])
	}
	for lead, err := range leads {
		if err != nil {
			return err
		}
		if err := w.take(lead); err != nil {
			return err
		}
	}
	return w.end()
}

func (w *leadsWriter) take(lead *reports.Lead) error {
	if w.widths == nil {
		w.sample = append(w.sample, *lead)
		if len(w.sample) < sampled {
			return nil
		}
		return w.begin()
	}
	return w.put(lead)
}

// begin fits the columns to the sample and writes it.
func (w *leadsWriter) begin() error {
	w.widths = make([]float64, len(reports.LeadColumns))
	for i, col := range reports.LeadColumns {
		longest := utf8.RuneCountInString(col.Name.In(w.book.head.Language)) + 3
		for n := range w.sample {
			longest = max(longest, shownLength(col.Value(&w.sample[n])))
		}
		w.widths[i] = min(float64(longest)*1.1+1, 50)
	}
	for i := range w.sample {
		if err := w.put(&w.sample[i]); err != nil {
			return err
		}
	}
	w.sample = nil
	return nil
}

func (w *leadsWriter) put(lead *reports.Lead) error {
	if w.sheet == nil || w.sheet.row > w.book.limit {
		if err := w.next(); err != nil {
			return err
		}
	}
	for i, col := range reports.LeadColumns {
		w.values[i] = excelize.Cell{StyleID: w.styles[i], Value: plain(col.Value(lead))}
	}
	w.book.rows++
	return w.sheet.put(w.sheet.row+1, 0, w.cells...)
}

// next ends the sheet that is full and opens another with the same header.
func (w *leadsWriter) next() error {
	if w.sheet != nil {
		if err := w.finish(); err != nil {
			return err
		}
	}
	w.count++
	name := w.book.addSheet(w.book.leadsSheet(w.count))
	var err error
	w.sheet, err = w.book.open(name, paper{header: 1, first: 1, widths: w.widths})
	if err != nil {
		return err
	}
	header := make([]any, len(reports.LeadColumns))
	for i, col := range reports.LeadColumns {
		header[i] = excelize.Cell{StyleID: w.book.styles.header, Value: col.Name.In(w.book.head.Language)}
	}
	return w.sheet.put(1, 30, header...)
}

func (w *leadsWriter) finish() error {
	columns := len(reports.LeadColumns)
	stripes := true
	err := w.sheet.stream.AddTable(&excelize.Table{
		Range: area(0, 1, columns-1, max(w.sheet.row, 2)),
		Name:  fmt.Sprintf("Leads%d", w.count), StyleName: "TableStyleLight9", ShowRowStripes: &stripes,
	})
	if err != nil {
		return fmt.Errorf("make the leads a table: %w", err)
	}
	return w.book.close(w.sheet, columns)
}

// end writes what is left. Without any lead the sheet has its header.
func (w *leadsWriter) end() error {
	if w.widths == nil {
		if err := w.begin(); err != nil {
			return err
		}
	}
	if w.sheet == nil {
		if err := w.next(); err != nil {
			return err
		}
	}
	return w.finish()
}
