package excel

import (
	"fmt"

	"github.com/xuri/excelize/v2"

	"marshrut/reports"
)

// Colours of the workbook: dark ink, one accent, and the outcomes as on the pages.
const (
	ink    = "1F2937"
	muted  = "6B7280"
	line   = "D1D5DB"
	soft   = "F3F4F6"
	accent = "2563EB"
	good   = "15803D"
	bad    = "B91C1C"
	amber  = "FEF3C7"
)

// palette colours the series of charts in their order.
var palette = []string{"2563EB", "94A3B8", "F59E0B", "A855F7", "14B8A6"}

// colours of measures whose meaning has one.
var colours = map[string]string{
	"won": "16A34A", "lost": "DC2626", "junk": "9CA3AF", "open": "2563EB", "closed_won": "16A34A", "closed_lost": "DC2626", "closed_junk": "9CA3AF",
	"advanced": "16A34A", "dropped": "DC2626", "back": "F59E0B", "other_funnel": "A855F7", "here": "2563EB", "reached": "2563EB", "standing": "2563EB",
}

// styles are numbers of excelize's styles.
type styles struct {
	title, subtitle, label, text, wrap, note, section, header int
	kpiLabel, days                                            int
	good, bad                                                 int // conditional
	cell, total, kpi                                          map[reports.Unit]int
}

// format is how numbers of a unit are written. The codes are Excel's own, so that
// it shows them by the rules of the reader's country.
func (b *book) format(u reports.Unit) string {
	switch u {
	case reports.Count:
		return "#,##0"
	case reports.Money:
		return `#,##0.00\ "₽"`
	case reports.Percent:
		return "0.0%"
	case reports.Duration:
		return "[h]:mm"
	case reports.Date:
		return b.in("dd.mm.yyyy hh:mm", "yyyy-mm-dd hh:mm")
	}
	return "@" // text stays text when its cell is edited: a phone, a tax number, =1+1
}

var units = []reports.Unit{reports.Words, reports.Count, reports.Money, reports.Percent, reports.Duration, reports.Date}

// makeStyles registers every style once; a first error is enough.
func (b *book) makeStyles() error {
	var failed error
	add := func(s excelize.Style) int {
		if s.Font == nil {
			s.Font = &excelize.Font{Color: ink}
		}
		s.Font.Family = "Calibri"
		if s.Font.Size == 0 {
			s.Font.Size = 11
		}
		id, err := b.file.NewStyle(&s)
		if err != nil && failed == nil {
			failed = fmt.Errorf("make a style: %w", err)
		}
		return id
	}
	b.styles = styles{
		title:    add(excelize.Style{Font: &excelize.Font{Bold: true, Size: 20, Color: ink}}),
		subtitle: add(excelize.Style{Font: &excelize.Font{Color: muted}}),
		label:    add(excelize.Style{Font: &excelize.Font{Color: muted}, Alignment: top(false)}),
		text:     add(excelize.Style{Alignment: top(false)}),
		wrap:     add(excelize.Style{Alignment: &excelize.Alignment{Horizontal: "left", Vertical: "top", WrapText: true, Indent: 1}, Border: under(line)}),
		note:     add(excelize.Style{Alignment: &excelize.Alignment{Horizontal: "left", WrapText: true, Vertical: "center", Indent: 1}, Fill: fill(amber)}),
		section:  add(excelize.Style{Font: &excelize.Font{Bold: true, Size: 13, Color: ink}, Border: under(accent)}),
		header:   add(excelize.Style{Font: &excelize.Font{Bold: true, Color: "FFFFFF"}, Fill: fill(accent), Alignment: &excelize.Alignment{WrapText: true, Vertical: "center", Horizontal: "center"}}),
		kpiLabel: add(excelize.Style{Font: &excelize.Font{Size: 9, Color: muted}, Fill: fill(soft), Alignment: &excelize.Alignment{Horizontal: "left", Indent: 1, Vertical: "center", WrapText: true}}),
		cell:     map[reports.Unit]int{}, total: map[reports.Unit]int{}, kpi: map[reports.Unit]int{},
	}
	inDays := b.in(`0.0\ "дн."`, `0.0\ "days"`)
	b.styles.days = add(b.kpiStyle(inDays))
	for _, u := range units {
		code := b.format(u)
		kpiCode := code
		if u == reports.Money {
			kpiCode = `#,##0\ "₽"` // kopecks are noise in a headline
		}
		b.styles.cell[u] = add(excelize.Style{CustomNumFmt: &code, Border: under(line), Alignment: aligned(u)})
		b.styles.total[u] = add(excelize.Style{CustomNumFmt: &code, Font: &excelize.Font{Bold: true, Color: ink}, Fill: fill(soft), Alignment: aligned(u)})
		b.styles.kpi[u] = add(b.kpiStyle(kpiCode))
	}
	b.styles.good, b.styles.bad = b.conditional(good, "DCFCE7", &failed), b.conditional(bad, "FEE2E2", &failed)
	return failed
}

// kpiStyle is a large number on a card.
func (b *book) kpiStyle(code string) excelize.Style {
	return excelize.Style{CustomNumFmt: &code, Font: &excelize.Font{Bold: true, Size: 18, Color: ink}, Fill: fill(soft),
		Alignment: &excelize.Alignment{Horizontal: "left", Indent: 1, Vertical: "center"}}
}

func (b *book) conditional(font, back string, failed *error) int {
	id, err := b.file.NewConditionalStyle(&excelize.Style{Font: &excelize.Font{Color: font, Bold: true}, Fill: fill(back)})
	if err != nil && *failed == nil {
		*failed = fmt.Errorf("make a conditional style: %w", err)
	}
	return id
}

func fill(colour string) excelize.Fill {
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}
}

func under(colour string) []excelize.Border {
	return []excelize.Border{{Type: "bottom", Color: colour, Style: 1}}
}

func top(wrap bool) *excelize.Alignment { return &excelize.Alignment{Vertical: "top", WrapText: wrap} }

func aligned(u reports.Unit) *excelize.Alignment {
	if u == reports.Words {
		return &excelize.Alignment{Horizontal: "left", Indent: 1}
	}
	return &excelize.Alignment{Horizontal: "right"}
}
