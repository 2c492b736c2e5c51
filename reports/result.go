package reports

import "time"

// Result is one table of a report with all that a reader needs to trust it. It
// holds texts in the language of the query. As JSON it is the answer of the API:
// names of fields, keys of columns and measures are stable; amounts are decimal
// texts, shares are numbers (0.25), durations seconds, moments RFC 3339, an
// empty cell null.
type Result struct {
	Report string `json:"report"`
	Title  string `json:"title"`
	Says   string `json:"says"` // what the reader learns from it

	Clock      Clock    `json:"clock"`
	ClockTitle string   `json:"clock_title"`
	Cut        string   `json:"cut"`
	CutTitle   string   `json:"cut_title"`
	Cuts       []Choice `json:"cuts"` // the tables this report has in this clock

	From     *time.Time `json:"from"` // null in a snapshot
	To       *time.Time `json:"to"`   // not in the period
	AsOf     time.Time  `json:"as_of"`
	MadeAt   time.Time  `json:"made_at"`
	Zone     string     `json:"zone"`
	Period   string     `json:"period"` // in words
	Filters  []Filter   `json:"filters"`
	Language string     `json:"language"`

	Columns []Column `json:"columns"`
	Rows    []Row    `json:"rows"`
	Totals  []Value  `json:"totals"` // of the columns; empty where a sum has no meaning

	Figures     []Figure     `json:"figures"`  // the numbers to see first
	Excluded    []Figure     `json:"excluded"` // what is in no number of the report
	Checks      []Check      `json:"checks"`
	Charts      []Chart      `json:"charts"`
	Definitions []Definition `json:"definitions"`
	Notes       []Note       `json:"notes"`
}

// Filter is a filter in force, in words.
type Filter struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Value string `json:"value"`
	Label string `json:"label"`
}

// Column is a column of the table.
type Column struct {
	Key     string `json:"key"` // the dimension or measure; a spread measure has its value behind it: reached:stage=new
	Title   string `json:"title"`
	Group   string `json:"group,omitempty"` // of a spread measure: its name; the title is the value it is spread by
	Unit    Unit   `json:"unit"`
	Measure string `json:"measure,omitempty"` // empty: a dimension
	Drills  bool   `json:"drills"`            // its numbers are lists of leads

	across string // the value of the spread dimension
}

// Row is a line of the table: cells as the columns, and the keys of its
// dimensions, by which Drill finds its leads.
type Row struct {
	Keys  map[string]string `json:"keys"`
	Cells []Value           `json:"cells"`
}

// Figure is a number that stands alone.
type Figure struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Unit  Unit   `json:"unit"`
	Value Value  `json:"value"`
}

// Check is two ways to the same number.
type Check struct {
	Key        string `json:"key"`
	Title      string `json:"title"`
	LeftTitle  string `json:"left_title"`
	Left       Value  `json:"left"`
	RightTitle string `json:"right_title"`
	Right      Value  `json:"right"`
	OK         bool   `json:"ok"`

	// Where the workbook finds the two numbers, to add them up itself.
	Parts []Place `json:"-"`
	Whole []Place `json:"-"`
}

// Place is where a number of a check stands: a figure, or a column of a cut with
// all its rows or with the rows of one group.
type Place struct {
	Figure string // key of a figure
	Cut    string // else the cut
	Column string // and the column
	Row    int    // one row, from 0; or AllRows, TotalRow
}

// Rows of a Place that are not one row.
const (
	AllRows  = -1 // the sum of all rows
	TotalRow = -2 // the line of totals
)

// Chart is a drawing of the table: which column names its points, which it draws.
type Chart struct {
	Kind   string `json:"kind"` // funnel, bar
	Title  string `json:"title"`
	Label  int    `json:"label"`  // column
	Values []int  `json:"values"` // columns
	First  int    `json:"first"`  // rows, from 0
	Last   int    `json:"last"`
}

// Definition says exactly what a measure counts.
type Definition struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Unit  Unit   `json:"unit"`
	Clock Clock  `json:"clock"`
	Text  string `json:"text"`
}

// Note is a warning about how the numbers may be read.
type Note struct {
	Kind string `json:"kind"` // small_numbers, immature, currency
	Text string `json:"text"`
}

// Column gives the index of a column, -1 if there is none.
func (r Result) Column(key string) int {
	for i, c := range r.Columns {
		if c.Key == key {
			return i
		}
	}
	return -1
}

// Figure gives a number that stands alone; empty if there is none of that key.
func (r Result) Figure(key string) Value {
	for _, f := range r.Figures {
		if f.Key == key {
			return f.Value
		}
	}
	return Value{}
}

// Balanced tells whether all checks hold.
func (r Result) Balanced() bool {
	for _, c := range r.Checks {
		if !c.OK {
			return false
		}
	}
	return true
}
