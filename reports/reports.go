// Package reports answers questions about leads in numbers. A measure is
// defined once (measures.go): its name, its unit, its clock, one sentence that
// says exactly what it counts, and its SQL. A report (catalog.go) is a question:
// measures by dimensions over a period with filters. Page, chart, CSV, workbook
// and API show the same Result, so they cannot disagree, and Drill lists the
// leads behind every number.
//
// Three clocks are never mixed. The cohort follows the leads received in the
// period, the flow counts movements in the period, the snapshot shows one
// moment. The facts behind them are never overwritten, so that any past moment
// can be asked again.
//
// The package reads nothing but the views report_*, knows neither processes nor
// the repository, and has no clock: Query.Now comes from the caller. Its callers
// are the pages, the API, the command line and package excel.
package reports

import (
	"errors"
	"fmt"
)

// ErrUnknown: there is no report, clock, cut or column of that name.
var ErrUnknown = errors.New("no such report")

// Text is a text for people in the languages of the interface.
type Text struct{ RU, EN string }

// In gives the text in a language, Russian unless it is "en".
func (t Text) In(language string) string {
	if language == "en" {
		return t.EN
	}
	return t.RU
}

// Clock says by which moments a number counts.
type Clock string

const (
	Cohort   Clock = "cohort"   // leads by the date they were received, and what had become of them
	Flow     Clock = "flow"     // movements by the date they happened
	Snapshot Clock = "snapshot" // how things stood at one moment
)

var clockNames = map[Clock]Text{
	Cohort:   {"По дате поступления", "By date received"},
	Flow:     {"Движение за период", "Movement in the period"},
	Snapshot: {"На дату", "At a date"},
}

// Name is what the clock is called in the interface.
func (c Clock) Name(language string) string { return clockNames[c].In(language) }

// Report is one question of the catalog, asked in one or more clocks.
type Report struct {
	Key    string
	Name   Text
	Says   Text // what the reader learns from it
	Clocks []Clock

	cuts map[Clock][]cut
}

// cut is one table of a report: measures by dimensions. An across dimension
// spreads one measure over columns, a column for each of its values.
type cut struct {
	key        string
	name       Text
	rows       []string // dimensions
	columns    []string // measures
	across     string   // a dimension, or ""
	spread     string   // the measure that is spread
	chart      string   // kind of its chart: funnel, bar
	charted    []string // measures drawn
	population          // whose leads it is about
}

// population names the relations whose leads a report is about: they are the
// rows of its list of leads.
type population []string

// All gives the reports in the order of the menu.
func All() []Report { return catalog }

// Find gives the report of that key, or ErrUnknown.
func Find(key string) (Report, error) {
	for _, r := range catalog {
		if r.Key == key {
			return r, nil
		}
	}
	return Report{}, fmt.Errorf("report %q: %w", key, ErrUnknown)
}

// CutNames gives key and name of each table of the report in a clock, in order.
func (r Report) CutNames(clock Clock, language string) []Choice {
	var names []Choice
	for _, c := range r.cuts[clock] {
		names = append(names, Choice{Key: c.key, Title: c.name.In(language)})
	}
	return names
}

func (r Report) cut(clock Clock, key string) (cut, error) {
	cuts := r.cuts[clock]
	if len(cuts) == 0 {
		return cut{}, fmt.Errorf("report %q has no clock %q: %w", r.Key, clock, ErrUnknown)
	}
	if key == "" {
		return cuts[0], nil
	}
	for _, c := range cuts {
		if c.key == key {
			return c, nil
		}
	}
	return cut{}, fmt.Errorf("report %q has no table %q in clock %q: %w", r.Key, key, clock, ErrUnknown)
}

// Choice is a key with its title: a table of a report, a value of a filter.
type Choice struct {
	Key   string `json:"key"`
	Title string `json:"title"`
}
