package reports

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteCSV writes the table as Excel opens it by a double click: UTF-8 with a
// byte order mark, semicolons, a line for each row and one for the totals.
// Numbers are bare (1250.50, 0.25; a decimal comma in Russian), durations hours.
// Text that Excel would take for a formula is made harmless.
func WriteCSV(w io.Writer, r Result) error {
	out := bufio.NewWriter(w)
	out.WriteString("\ufeff")
	table := csv.NewWriter(out)
	table.Comma, table.UseCRLF = ';', true
	header := make([]string, len(r.Columns))
	for i, col := range r.Columns {
		header[i] = safe(titleWithUnit(col, r.Language))
	}
	lines := [][]string{header}
	for _, row := range r.Rows {
		lines = append(lines, csvCells(row.Cells, r.Language))
	}
	if len(r.Rows) > 0 {
		last := csvCells(r.Totals, r.Language)
		last[0] = Text{"Итого", "Total"}.In(r.Language)
		lines = append(lines, last)
	}
	if err := table.WriteAll(lines); err != nil {
		return fmt.Errorf("write %s as CSV: %w", r.Report, err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write %s as CSV: %w", r.Report, err)
	}
	return nil
}

func titleWithUnit(col Column, language string) string {
	if col.Group != "" {
		return col.Group + ": " + col.Title
	}
	switch col.Unit {
	case Money:
		return col.Title + ", ₽"
	case Duration:
		return col.Title + Text{", ч", ", h"}.In(language)
	}
	return col.Title
}

func csvCells(cells []Value, language string) []string {
	line := make([]string, len(cells))
	for i, v := range cells {
		switch v.unit {
		case Words:
			line[i] = safe(v.text)
		case Money:
			line[i] = decimalMark(v.text, language)
		case Count:
			line[i] = strconv.FormatInt(v.whole, 10)
		case Percent:
			line[i] = decimalMark(strconv.FormatFloat(v.share, 'f', 4, 64), language)
		case Duration:
			line[i] = decimalMark(strconv.FormatFloat(float64(v.whole)/3600, 'f', 2, 64), language)
		case Date:
			line[i] = v.moment.Format("2006-01-02 15:04:05")
		}
	}
	return line
}

// safe puts an apostrophe before what a spreadsheet would run (OWASP, CSV injection).
func safe(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
