package excel

import (
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"

	"marshrut/reports"
)

// writeDefinitions says of every number in the workbook what it counts.
func (b *book) writeDefinitions() error {
	s, err := b.open(b.definitionsSheet(), paper{header: 3, widths: []float64{34, 14, 24, 110}, noGrid: true})
	if err != nil {
		return err
	}
	if err := s.put(1, 28, excelize.Cell{StyleID: b.styles.title, Value: b.definitionsSheet()}); err != nil {
		return err
	}
	header := []any{}
	for _, title := range []string{b.in("Показатель", "Measure"), b.in("Единица", "Unit"), b.in("По каким датам", "By which dates"), b.in("Что считает", "What it counts")} {
		header = append(header, excelize.Cell{StyleID: b.styles.header, Value: title})
	}
	if err := s.put(3, 24, header...); err != nil {
		return err
	}
	row := 3
	for _, d := range b.definitions() {
		row++
		cells := []any{}
		for _, text := range []string{d.Title, b.unit(d.Unit), d.Clock.Name(b.head.Language), d.Text} {
			cells = append(cells, excelize.Cell{StyleID: b.styles.wrap, Value: text})
		}
		// Not every program fits the height of wrapped text by itself when it opens a file.
		if err := s.put(row, 15.75*float64(1+len([]rune(d.Text))/115), cells...); err != nil {
			return err
		}
	}
	if err := b.file.AutoFilter(s.name, area(0, 3, 3, row), nil); err != nil {
		return fmt.Errorf("filter the definitions: %w", err)
	}
	return b.close(s, 4)
}

// definitions of all tables, each measure once.
func (b *book) definitions() []reports.Definition {
	var all []reports.Definition
	seen := map[string]bool{}
	for _, r := range b.results {
		for _, d := range r.Definitions {
			if !seen[d.Key] {
				seen[d.Key] = true
				all = append(all, d)
			}
		}
	}
	return all
}

func (b *book) unit(u reports.Unit) string {
	names := map[reports.Unit]reports.Text{
		reports.Count: {RU: "штук", EN: "number"}, reports.Money: {RU: "рублей", EN: "roubles"},
		reports.Percent: {RU: "доля", EN: "share"}, reports.Duration: {RU: "часы:минуты", EN: "hours:minutes"},
	}
	return names[u].In(b.head.Language)
}

// writeChecks writes each check as formulas over the cells of the other sheets:
// whoever changes a number there sees it here.
func (b *book) writeChecks() error {
	s, err := b.open(b.checksSheet(), paper{header: 3, widths: []float64{58, 52, 18, 34, 18, 14, 16}, noGrid: true})
	if err != nil {
		return err
	}
	if err := s.put(1, 28, excelize.Cell{StyleID: b.styles.title, Value: b.checksSheet()}); err != nil {
		return err
	}
	header := []any{}
	for _, title := range []string{b.in("Проверка", "Check"), b.in("Слева", "Left"), "=", b.in("Справа", "Right"), "=", b.in("Разница", "Difference"), b.in("Итог", "Result")} {
		header = append(header, excelize.Cell{StyleID: b.styles.header, Value: title})
	}
	if err := s.put(3, 24, header...); err != nil {
		return err
	}
	row := 3
	for _, c := range b.checks() {
		row++
		if err := s.put(row, 0, b.checkCells(c, row)...); err != nil {
			return err
		}
	}
	if err := b.colourChecks(s.name, row); err != nil {
		return err
	}
	return b.close(s, 7)
}

// checks of all tables, each once.
func (b *book) checks() []reports.Check {
	var all []reports.Check
	seen := map[string]bool{}
	for _, r := range b.results {
		for _, c := range r.Checks {
			if !seen[c.Key] {
				seen[c.Key] = true
				all = append(all, c)
			}
		}
	}
	return all
}

func (b *book) checkCells(c reports.Check, row int) []any {
	words, number := b.styles.cell[reports.Words], b.styles.cell[c.Left.Unit()]
	difference := c.Left.Float() - c.Right.Float()
	return []any{
		excelize.Cell{StyleID: words, Value: c.Title},
		excelize.Cell{StyleID: words, Value: c.LeftTitle},
		excelize.Cell{StyleID: number, Formula: b.sumFormula(c.Parts), Value: plain(c.Left)},
		excelize.Cell{StyleID: words, Value: c.RightTitle},
		excelize.Cell{StyleID: number, Formula: b.sumFormula(c.Whole), Value: plain(c.Right)},
		excelize.Cell{StyleID: number, Formula: fmt.Sprintf("ROUND(C%d-E%d,2)", row, row), Value: difference},
		excelize.Cell{StyleID: words, Formula: fmt.Sprintf(`IF(F%d=0,"%s","%s")`, row, b.holds(true), b.holds(false)), Value: b.holds(c.OK)},
	}
}

func (b *book) holds(ok bool) string {
	if ok {
		return b.in("сходится", "holds")
	}
	return b.in("НЕ СХОДИТСЯ", "DOES NOT HOLD")
}

func (b *book) colourChecks(name string, last int) error {
	if last == 3 {
		return nil
	}
	err := b.file.SetConditionalFormat(name, fmt.Sprintf("G4:G%d", last), []excelize.ConditionalFormatOptions{
		{Type: "formula", Criteria: "$F4=0", Format: &b.styles.good},
		{Type: "formula", Criteria: "$F4<>0", Format: &b.styles.bad},
	})
	if err != nil {
		return fmt.Errorf("colour the checks: %w", err)
	}
	return nil
}

// sumFormula adds up the cells where the numbers of a check stand.
func (b *book) sumFormula(places []reports.Place) string {
	var parts []string
	for _, p := range places {
		parts = append(parts, b.placeFormula(p))
	}
	return strings.Join(parts, "+")
}

func (b *book) placeFormula(p reports.Place) string {
	if p.Figure != "" {
		return b.figures[p.Figure]
	}
	for _, r := range b.results {
		if r.Cut != p.Cut {
			continue
		}
		col, ref := r.Column(p.Column), quote(b.sheets[r.Cut])+"!"
		switch p.Row {
		case reports.AllRows:
			return fmt.Sprintf("SUM(%s%s:%s)", ref, address(col, firstRow), address(col, firstRow+max(len(r.Rows)-1, 0)))
		case reports.TotalRow:
			return ref + address(col, firstRow+len(r.Rows))
		}
		return ref + address(col, firstRow+p.Row)
	}
	return "0"
}
