package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors/registry"
	"marshrut/internal/app"
)

type connectionFailures struct {
	errand
	Name string `arg:""`
}

func (f *connectionFailures) Run(c console, t *app.Tools) error {
	if _, err := t.Connections.View(c.ctx, f.Name, time.Now()); err != nil {
		return fmt.Errorf("connection %s: %w", f.Name, err)
	}
	found, err := t.Connections.Failures(c.ctx, f.Name)
	if err != nil {
		return err
	}
	return table(c, "PART\tITEM\tSTATE\tTRIES\tLAST\tWHY", func(row func(string, ...any)) error {
		for _, l := range found {
			row("%s\t%s\t%s\t%d\t%s\t%s", l.Part, l.Item, failureState(l), l.Attempts, moment(t, &l.LastAt), l.Reason)
		}
		return nil
	})
}

func failureState(f registry.Failed) string {
	switch f.State() {
	case "left":
		return "given up by " + f.LeftBy + ": " + f.LeftWhy
	case "again":
		return "wanted again"
	case "aside":
		return "set aside"
	}
	return "trying on"
}

type connectionRetry struct {
	errand
	Name string `arg:""`
	Part string `arg:"" optional:"" help:"As the list of failures names it; or --all."`
	Item string `arg:"" optional:""`
	All  bool   `help:"All that nobody has given up."`
}

// Validate is asked before anything is opened.
func (r *connectionRetry) Validate() error {
	if r.All == (r.Item != "") {
		return errors.New("name a part and an item, or --all")
	}
	return nil
}

func (r *connectionRetry) Run(c console, t *app.Tools) error {
	if _, err := t.Connections.View(c.ctx, r.Name, time.Now()); err != nil {
		return fmt.Errorf("connection %s: %w", r.Name, err)
	}
	n := 1
	err := pgx.BeginFunc(c.ctx, t.Pool, func(tx pgx.Tx) (err error) {
		if r.All {
			n, err = t.Connections.RetryAll(c.ctx, tx, time.Now(), r.Name)
			return err
		}
		return t.Connections.Retry(c.ctx, tx, time.Now(), r.Name, r.Part, r.Item)
	})
	if err != nil {
		return err
	}
	c.printf("tried again at the next poll: %d\n", n)
	return nil
}

type connectionLeave struct {
	errand
	Name   string `arg:""`
	Part   string `arg:""`
	Item   string `arg:""`
	Reason string `required:""`
}

func (l *connectionLeave) Run(c console, t *app.Tools) error {
	return pgx.BeginFunc(c.ctx, t.Pool, func(tx pgx.Tx) error {
		return t.Connections.Leave(c.ctx, tx, time.Now(), l.Name, l.Part, l.Item, "marshrut connection leave", l.Reason)
	})
}
