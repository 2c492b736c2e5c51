package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/app"
	"marshrut/internal/personal"
	"marshrut/leads"
	"marshrut/leads/repository"
)

type personCommand struct {
	Export personExport `cmd:"" help:"Everything that is kept about a client, as JSON."`
	Erase  personErase  `cmd:"" help:"Forget a client: raw copies, files and unprocessed messages too. What reports count stays, without names."`
}

// whom says whose data it is about.
type whom struct {
	Phone   string `help:"A phone of the client."`
	Email   string `help:"An e-mail of the client."`
	Contact int64  `help:"The client's number as a contact."`
}

// Validate is asked before anything is opened.
func (w *whom) Validate() error {
	if w.Phone == "" && w.Email == "" && w.Contact == 0 {
		return errors.New("say whose: --phone, --email or --contact")
	}
	return nil
}

func (w *whom) person(t *app.Tools) (p personal.Person, err error) {
	p.Contact = w.Contact
	if w.Phone != "" {
		point, ok := leads.Phone(w.Phone, t.Config.Company.Region)
		if !ok {
			return p, fmt.Errorf("%q is no phone", w.Phone)
		}
		p.Phone = point.Value
	}
	if w.Email != "" {
		point, ok := leads.Email(w.Email)
		if !ok {
			return p, fmt.Errorf("%q is no e-mail", w.Email)
		}
		p.Email = point.Value
	}
	return p, nil
}

type personExport struct {
	errand
	whom
	Output string `short:"o" help:"Write there; without it to standard output."`
}

func (e *personExport) Run(c console, t *app.Tools) error {
	p, err := e.person(t)
	if err != nil {
		return err
	}
	found, err := personal.Export(c.ctx, t.Pool, time.Now(), p)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(found, "", "  ")
	if err != nil {
		return err
	}
	if e.Output != "" {
		return os.WriteFile(e.Output, text, 0o600)
	}
	_, err = c.out.Write(append(text, '\n'))
	return err
}

type personErase struct {
	errand
	whom
	Reason string `required:"" help:"Kept in the journal: the request it follows, without the name."`
}

func (e *personErase) Run(c console, t *app.Tools) error {
	p, err := e.person(t)
	if err != nil {
		return err
	}
	done, err := personal.Erase(c.ctx, t.Pool, time.Now(), p, t.Files.Delete)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(c.ctx, t.Pool, func(tx pgx.Tx) error {
		return t.Leads.Journal(c.ctx, tx, []repository.Entry{{At: time.Now(), Object: "personal", Action: "personal.erased", Data: map[string]any{"reason": e.Reason, "rows": done.Rows, "files": len(done.Files)}}})
	})
	if err != nil {
		return fmt.Errorf("it is erased, but the journal does not say so: %w", err)
	}
	for _, table := range slices.Sorted(maps.Keys(done.Rows)) {
		if n := done.Rows[table]; n > 0 {
			c.printf("%s: %d\n", table, n)
		}
	}
	c.printf("files deleted: %d\n", len(done.Files))
	for _, where := range done.Elsewhere {
		c.printf("erase it there yourself: %s\n", where)
	}
	return nil
}
