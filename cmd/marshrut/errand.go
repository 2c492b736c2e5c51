package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"marshrut/configs"
	"marshrut/internal/app"
)

// settings is how most sub-commands find the database.
type settings struct {
	File string `short:"c" name:"config" type:"path" help:"The settings (YAML). Without it the defaults and MARSHRUT_… variables count."`
}

// load reads the settings; every mistake is named with its place and cure.
func (s settings) load(c console) (configs.Config, error) { return configs.Load(s.File, c.environ) }

// errand is a sub-command that works on the database without the gateway's servers. Its Run asks for *app.Tools; kong
// has ProvideTools open them for it, and calls AfterRun when it has ended.
type errand struct {
	settings
	tools *app.Tools
}

// ProvideTools opens the parts of the gateway that errands need.
func (e *errand) ProvideTools(c console) (*app.Tools, error) {
	config, err := e.load(c)
	if err != nil {
		return nil, err
	}
	e.tools, err = app.Open(c.ctx, config)
	return e.tools, err
}

// AfterRun closes them.
func (e *errand) AfterRun() error {
	if e.tools != nil {
		e.tools.Close()
	}
	return nil
}

// connectionErrand works on connections: those of the file it is given count from now on, as when a gateway starts with it.
type connectionErrand struct{ errand }

// ProvideTools opens the parts of the gateway, and takes the connections of the file over.
func (e *connectionErrand) ProvideTools(c console) (*app.Tools, error) {
	t, err := e.errand.ProvideTools(c)
	if err != nil || e.File == "" {
		return t, err
	}
	if err := t.TakeOver(c.ctx); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// table prints rows under headings, aligned. What was printed before an error stays.
func table(c console, headings string, rows func(row func(format string, args ...any)) error) error {
	w := tabwriter.NewWriter(c.out, 2, 4, 2, ' ', 0)
	fmt.Fprintln(w, headings)
	err := rows(func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) })
	return errors.Join(w.Flush(), err)
}

// moment is how a table shows a time: on the company's clock, "-" if there was none.
func moment(t *app.Tools, at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.In(t.Config.Company.Location()).Format("2006-01-02 15:04")
}
