package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"marshrut/internal/app"
)

type connectionCommand struct {
	List   connectionList   `cmd:"" help:"Every connection: its state, when something came last, and its address."`
	Test   connectionTest   `cmd:"" help:"Say how a connection is; fails unless it can take inquiries."`
	Rotate connectionRotate `cmd:"" help:"Give a connection a new address. The old one works for a week more."`
}

type connectionList struct{ settings }

func (l *connectionList) Run(c console) error {
	return l.with(c, func(t *app.Tools) error {
		views, err := t.Connections.List(c.ctx, time.Now())
		if err != nil {
			return err
		}
		return table(c, "NAME\tPROVIDER\tSTATE\tLAST\tTODAY\tADDRESS", func(row func(string, ...any)) {
			for _, v := range views {
				last, address := "-", "-"
				if v.LastAt != nil {
					last = v.LastAt.In(t.Config.Company.Location()).Format("2006-01-02 15:04")
				}
				if len(v.Addresses) > 0 {
					address = v.Addresses[0].URL
				}
				row("%s\t%s/%s\t%s\t%s\t%d\t%s", v.Name, v.Connector, v.Provider, v.State.Title.In("en"), last, v.Today["accepted"], address)
			}
		})
	})
}

type connectionTest struct {
	settings
	Name string `arg:""`
}

func (k *connectionTest) Run(c console) error {
	return k.with(c, func(t *app.Tools) error {
		v, err := t.Connections.View(c.ctx, k.Name, time.Now())
		if err != nil {
			return fmt.Errorf("connection %s: %w", k.Name, err)
		}
		if v.State.Code == "error" || v.State.Code == "off" {
			return fmt.Errorf("connection %s cannot take inquiries: %s %s", k.Name, v.State.Title.In("en"), v.State.Detail)
		}
		c.printf("%s: %s\n", v.Name, v.State.Title.In("en"))
		for _, outcome := range slices.Sorted(maps.Keys(v.Month)) {
			c.printf("  %s in the last 30 days: %d\n", outcome, v.Month[outcome])
		}
		for _, address := range v.Addresses {
			c.printf("  %s\n", address.URL)
		}
		return nil
	})
}

type connectionRotate struct {
	settings
	Name    string        `arg:""`
	Overlap time.Duration `default:"168h" help:"How long the old address goes on working."`
}

func (r *connectionRotate) Run(c console) error {
	return r.with(c, func(t *app.Tools) error {
		if _, err := t.Connections.Rotate(c.ctx, time.Now(), r.Name, r.Overlap); err != nil {
			return fmt.Errorf("rotate the address of %s: %w", r.Name, err)
		}
		for _, address := range t.Connections.Addresses(r.Name, time.Now()) {
			until := ""
			if !address.ExpiresAt.IsZero() {
				until = "  until " + address.ExpiresAt.Format(time.DateOnly)
			}
			c.printf("%s%s\n", address.URL, until)
		}
		return nil
	})
}

type deadletterCommand struct {
	List    deadletterList    `cmd:"" help:"Those nobody has dealt with."`
	Show    deadletterShow    `cmd:"" help:"One of them, as it came."`
	Replay  deadletterReplay  `cmd:"" help:"Try again, in place."`
	Discard deadletterDiscard `cmd:"" help:"Say that it needs no lead, and why."`
}

type deadletterList struct{ settings }

func (l *deadletterList) Run(c console) error {
	return l.with(c, func(t *app.Tools) error {
		return table(c, "ID\tCONNECTION\tRECEIVED\tATTEMPTS\tREASON", func(row func(string, ...any)) {
			err := eachDead(c, t, func(d deadLetter) {
				row("%s\t%s\t%s\t%d\t%s", d.ID, d.Connection, d.ReceivedAt.In(t.Config.Company.Location()).Format("2006-01-02 15:04"), d.Filed.Attempts, d.Filed.Reason)
			})
			if err != nil {
				row("%v", err)
			}
		})
	})
}

type deadletterShow struct {
	settings
	ID string `arg:""`
}

func (s *deadletterShow) Run(c console) error {
	return s.with(c, func(t *app.Tools) error {
		letter, event, err := t.Leads.DeadLetter(c.ctx, s.ID)
		if err != nil {
			return err
		}
		head, err := json.MarshalIndent(map[string]any{"id": letter.ID, "connection": letter.Connection, "received_at": letter.ReceivedAt,
			"reason": letter.Filed.Reason, "fault": letter.Filed.Fault, "attempts": letter.Filed.Attempts, "repeats": letter.Filed.Repeats,
			"content_type": event.DataContentType, "attributes": event.Attributes, "bytes": len(event.Data), "stored_as": event.DataRef}, "", "  ")
		if err != nil {
			return err
		}
		c.printf("%s\n\n", head)
		_, err = c.out.Write(append(event.Data, '\n'))
		return err
	})
}

type deadletterReplay struct {
	settings
	IDs []string `arg:"" optional:"" help:"Which; or --all."`
	All bool     `help:"Every one there is."`
}

func (r *deadletterReplay) Run(c console) error {
	if r.All == (len(r.IDs) > 0) {
		return fmt.Errorf("%w: name ids, or say --all", errUsage)
	}
	return r.with(c, func(t *app.Tools) error {
		ids := r.IDs
		if r.All {
			if err := eachDead(c, t, func(d deadLetter) { ids = append(ids, d.ID) }); err != nil {
				return err
			}
		}
		var problems []error
		for _, id := range ids {
			captured, err := t.Intake.Replay(c.ctx, 0, id, nil)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			c.printf("%s: %s, lead %d\n", id, captured.Outcome, captured.LeadID)
		}
		return errors.Join(problems...)
	})
}

type deadletterDiscard struct {
	settings
	ID     string `arg:""`
	Reason string `required:""`
}

func (d *deadletterDiscard) Run(c console) error {
	return d.with(c, func(t *app.Tools) error { return t.Intake.Discard(c.ctx, 0, d.ID, d.Reason) })
}
