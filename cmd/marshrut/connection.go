package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/app"
	"marshrut/pipeline/delivery"
)

type connectionCommand struct {
	List     connectionList     `cmd:"" help:"Every connection: its state, when something came last, and its address."`
	Test     connectionTest     `cmd:"" help:"Go to the other side of a connection and say how it is; fails unless it can take inquiries."`
	Failures connectionFailures `cmd:"" help:"What a mailbox or a base gave that could not be taken, and why."`
	Retry    connectionRetry    `cmd:"" help:"Take once more what could not be taken, at the next poll."`
	Leave    connectionLeave    `cmd:"" help:"Give one of them up, and say why."`
	Rotate   connectionRotate   `cmd:"" help:"Give a connection a new address. The old one works for a week more."`
}

type connectionList struct{ connectionErrand }

func (l *connectionList) Run(c console, t *app.Tools) error {
	views, err := t.Connections.List(c.ctx, time.Now())
	if err != nil {
		return err
	}
	pauses, err := delivery.Pauses(c.ctx, t.Pool)
	if err != nil {
		return err
	}
	return table(c, "NAME\tPROVIDER\tSTATE\tLAST\tTODAY\tADDRESS", func(row func(string, ...any)) error {
		for _, v := range views {
			address := "-"
			if len(v.Addresses) > 0 {
				address = v.Addresses[0].URL
			}
			state := v.State.Title.In("en")
			if slices.ContainsFunc(pauses, func(p delivery.Pause) bool { return p.Via == v.Name }) {
				state += ", sending is paused"
			}
			row("%s\t%s/%s\t%s\t%s\t%d\t%s", v.Name, v.Connector, v.Provider, state, moment(t, v.LastAt), v.Today["accepted"], address)
		}
		return nil
	})
}

type connectionTest struct {
	connectionErrand
	Name string `arg:""`
}

func (k *connectionTest) Run(c console, t *app.Tools) error {
	v, err := t.Connections.View(c.ctx, k.Name, time.Now())
	if err != nil {
		return fmt.Errorf("connection %s: %w", k.Name, err)
	}
	asked, err := t.Connections.Test(c.ctx, k.Name)
	if err != nil {
		return fmt.Errorf("connection %s does not work as it should: %w", k.Name, err)
	}
	if !v.State.Well() && !asked {
		return fmt.Errorf("connection %s cannot take inquiries: %s %s", k.Name, v.State.Title.In("en"), v.State.Detail.In("en"))
	}
	state := v.State.Title.In("en")
	if v.State.Code == "error" { // and yet it answers: what was noted may be over
		state += ", noted before this test"
	}
	c.printf("%s: %s\n", v.Name, state)
	if detail := v.State.Detail.In("en"); detail != "" {
		c.printf("  %s\n", detail)
	}
	if asked {
		c.printf("  the other side answers as it should\n")
		err := pgx.BeginFunc(c.ctx, t.Pool, func(tx pgx.Tx) error { return delivery.Resume(c.ctx, tx, time.Now(), k.Name) }) // what was held up tries at once
		if err != nil {
			return err
		}
	}
	for _, outcome := range slices.Sorted(maps.Keys(v.Month)) {
		c.printf("  %s in the last 30 days: %d\n", outcome, v.Month[outcome])
	}
	for _, address := range v.Addresses {
		c.printf("  %s\n", address.URL)
	}
	return nil
}

type connectionRotate struct {
	connectionErrand
	Name    string        `arg:""`
	Overlap time.Duration `default:"168h" help:"How long the old address goes on working."`
}

func (r *connectionRotate) Run(c console, t *app.Tools) error {
	if _, err := t.Connections.Rotate(c.ctx, time.Now(), r.Name, r.Overlap); err != nil {
		return fmt.Errorf("rotate the address of %s: %w", r.Name, err)
	}
	for _, address := range t.Connections.Addresses(r.Name, time.Now()) {
		until := ""
		if !address.ExpiresAt.IsZero() {
			until = "  until " + moment(t, &address.ExpiresAt)
		}
		c.printf("%s%s\n", address.URL, until)
	}
	return nil
}
