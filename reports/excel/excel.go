// Package excel writes the results of a report as a workbook: a summary with
// native charts, a sheet for each table, the leads as an Excel table ready for a
// pivot, the definitions of the measures, and checks whose formulas add up the
// cells of the other sheets. It counts nothing itself: every number is one of the
// results it is given. Rows of leads are streamed, so the workbook may be of any
// length, and the same data gives the same bytes.
//
// The pages, the API and the command line call it. It is the only importer of
// excelize.
package excel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/xuri/excelize/v2"

	"marshrut/reports"
)

// Options say whose workbook it is.
type Options struct {
	Company string // as in the document's properties and the footer
	Author  string // who asked for it
}

// Leads are the rows of the sheet of leads, one at a time.
type Leads = iter.Seq2[*reports.Lead, error]

// MediaType is the Content-Type of the workbook.
const MediaType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// Export asks the report and writes its workbook to w: every table of the
// query's clock and the leads behind them, of one state of the database.
func Export(ctx context.Context, w io.Writer, pool *pgxpool.Pool, name string, q reports.Query, o Options) error {
	return reports.ReadOnly(ctx, pool, func(tx pgx.Tx) error {
		results, err := reports.RunAll(ctx, tx, name, q)
		if err != nil {
			return err
		}
		return Write(w, results, reports.Leads(ctx, tx, name, q), o)
	})
}

// Write writes the workbook of the tables of one report. The first one's figures,
// period and filters are those of all.
func Write(w io.Writer, results []reports.Result, leads Leads, o Options) error {
	if len(results) == 0 {
		return errors.New("write a workbook: there is no table to write")
	}
	b := newBook(results, o)
	defer b.file.Close()
	if err := b.write(leads); err != nil {
		return fmt.Errorf("write the workbook of %s: %w", b.head.Report, err)
	}
	// The archive goes to w as it is made: excelize's own way keeps it in memory.
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return newArchive(w) })
	if err := b.file.Write(io.Discard); err != nil {
		return fmt.Errorf("write the workbook of %s: %w", b.head.Report, err)
	}
	return nil
}

// rowsPerSheet is how many leads a sheet holds under its header (ECMA-376: 1,048,576 rows).
const rowsPerSheet = excelize.TotalRows - 1

// book is a workbook being written.
type book struct {
	file    *excelize.File
	head    reports.Result // the first result: what all sheets have in common
	results []reports.Result
	options Options
	styles  styles
	limit   int // leads on a sheet

	names   []string          // of all sheets, in order
	sheets  map[string]string // sheet of each cut
	figures map[string]string // address of each figure, with its sheet
	rows    int               // leads written
}

func newBook(results []reports.Result, o Options) *book {
	return &book{file: excelize.NewFile(), head: results[0], results: results, options: o, limit: rowsPerSheet,
		sheets: map[string]string{}, figures: map[string]string{}}
}

func (b *book) in(ru, en string) string { return reports.Text{RU: ru, EN: en}.In(b.head.Language) }

// write fills the sheets. The leads go first: the summary says how many there are.
func (b *book) write(leads Leads) error {
	if err := b.makeStyles(); err != nil {
		return err
	}
	// Sheets stand in the order they are added.
	b.addSheet(b.summarySheet())
	for _, r := range b.results {
		b.sheets[r.Cut] = b.addSheet(r.CutTitle)
	}
	if err := b.writeLeads(leads); err != nil {
		return err
	}
	b.addSheet(b.definitionsSheet())
	b.addSheet(b.checksSheet())
	for _, r := range b.results {
		if err := b.writeCut(r); err != nil {
			return err
		}
	}
	for _, part := range []func() error{b.writeSummary, b.writeDefinitions, b.writeChecks, b.setProperties} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (b *book) summarySheet() string     { return b.in("Сводка", "Summary") }
func (b *book) definitionsSheet() string { return b.in("Определения", "Definitions") }
func (b *book) checksSheet() string      { return b.in("Проверки", "Checks") }

func (b *book) leadsSheet(n int) string {
	if n == 1 {
		return b.in("Данные", "Data")
	}
	return fmt.Sprintf("%s %d", b.in("Данные", "Data"), n)
}

// addSheet adds a sheet under a name that Excel takes and no other has.
func (b *book) addSheet(title string) string {
	name := sheetName(title, b.names)
	if len(b.names) == 0 {
		b.file.SetSheetName("Sheet1", name)
	} else {
		b.file.NewSheet(name)
	}
	b.names = append(b.names, name)
	return name
}

func (b *book) setProperties() error {
	made := b.head.MadeAt.UTC().Format(time.RFC3339)
	err := b.file.SetDocProps(&excelize.DocProperties{
		Creator: b.options.Author, LastModifiedBy: b.options.Author, Created: made, Modified: made,
		Title: b.head.Title, Subject: b.head.ClockTitle + ", " + b.head.Period, Description: b.head.Says,
		Language: b.in("ru-RU", "en-US"),
	})
	if err != nil {
		return err
	}
	b.file.SetActiveSheet(0)
	return b.file.SetAppProps(&excelize.AppProperties{Application: "Marshrut", Company: b.options.Company})
}
