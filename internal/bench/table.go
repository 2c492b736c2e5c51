package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// row is one measure beside what it is measured against.
type row struct {
	what, measured, floor, ratio, bar string
	ok                                bool
}

// table collects the measures in the order they were taken.
type table []row

func (t *table) add(r row) { *t = append(*t, r) }

func (t table) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 2, 4, 2, ' ', 0)
	fmt.Fprintln(w, "\nWHAT\tMEASURED\tFLOOR\tRATIO\tBAR\t")
	for _, r := range t {
		verdict := "ok"
		if !r.ok {
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.measured, r.floor, r.ratio, r.bar, verdict)
	}
	_ = w.Flush() // a terminal that is gone reads nothing
}
