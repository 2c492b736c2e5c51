package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"marshrut/internal/app"
	"marshrut/leads/repository"
	"marshrut/pipeline/intake"
)

type deadletterCommand struct {
	List    deadletterList    `cmd:"" help:"Those nobody has dealt with."`
	Show    deadletterShow    `cmd:"" help:"One of them, as it came."`
	Replay  deadletterReplay  `cmd:"" help:"Try again, in place."`
	Discard deadletterDiscard `cmd:"" help:"Say that it needs no lead, and why."`
}

type deadletterList struct{ errand }

func (l *deadletterList) Run(c console, t *app.Tools) error {
	return table(c, "ID\tCONNECTION\tRECEIVED\tATTEMPTS\tREASON", func(row func(string, ...any)) error {
		return eachDead(c, t, func(d repository.DeadLetter) {
			row("%s\t%s\t%s\t%d\t%s", d.ID, d.Connection, moment(t, &d.ReceivedAt), d.Filed.Attempts, d.Filed.Reason)
		})
	})
}

type deadletterShow struct {
	errand
	ID string `arg:""`
}

func (s *deadletterShow) Run(c console, t *app.Tools) error {
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
}

type deadletterReplay struct {
	errand
	IDs []string `arg:"" name:"id" optional:"" help:"Which; or --all."`
	All bool     `help:"Every one there is."`
}

// Validate is asked before anything is opened.
func (r *deadletterReplay) Validate() error {
	if r.All == (len(r.IDs) > 0) {
		return errors.New("name ids, or say --all")
	}
	return nil
}

func (r *deadletterReplay) Run(c console, t *app.Tools) error {
	ids := r.IDs
	if r.All {
		if err := eachDead(c, t, func(d repository.DeadLetter) { ids = append(ids, d.ID) }); err != nil {
			return err
		}
	}
	var problems []error
	for _, id := range ids {
		captured, err := t.Intake.Replay(c.ctx, 0, id, nil)
		if err != nil {
			problems = append(problems, unreplayed(id, err))
			continue
		}
		c.printf("%s: %s, lead %d\n", id, captured.Outcome, captured.LeadID)
	}
	return errors.Join(problems...)
}

// unreplayed names the message whose reason it is; other errors say themselves what they are about.
func unreplayed(id string, err error) error {
	var still *intake.StillDead
	if errors.As(err, &still) {
		return fmt.Errorf("replay %s: %w", id, err)
	}
	return err
}

type deadletterDiscard struct {
	errand
	ID     string `arg:""`
	Reason string `required:""`
}

func (d *deadletterDiscard) Run(c console, t *app.Tools) error {
	return t.Intake.Discard(c.ctx, 0, d.ID, d.Reason)
}

// eachDead goes through all dead letters, page by page.
func eachDead(c console, t *app.Tools, use func(repository.DeadLetter)) error {
	filter := repository.DeadFilter{Limit: 200}
	for {
		page, err := t.Leads.DeadLetters(c.ctx, filter)
		if err != nil {
			return err
		}
		for _, letter := range page.Items {
			use(letter)
		}
		if filter.Cursor = page.Next; page.Next == "" {
			return nil
		}
	}
}
