package casework

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
)

// Lock implements processes.Subjects: it locks the leads in the order of their
// ids and reads what conditions may name. Whatever moves a case begins here.
func (c *Casework) Lock(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]processes.Subject, error) {
	locked, err := c.repo.LockContexts(ctx, tx, ids)
	if err != nil {
		return nil, fmt.Errorf("lock leads: %w", err)
	}
	return c.subjects(ctx, tx, locked)
}

// Read implements processes.Subjects: Lock without locking.
func (c *Casework) Read(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]processes.Subject, error) {
	read, err := c.repo.LeadContexts(ctx, tx, ids)
	if err != nil {
		return nil, fmt.Errorf("read leads: %w", err)
	}
	return c.subjects(ctx, tx, read)
}

// Facts implements processes.Subjects: the contacts people had with the client
// since the moment.
func (c *Casework) Facts(ctx context.Context, tx pgx.Tx, lead int64, since time.Time) (map[string]any, error) {
	f, err := c.repo.ContactFacts(ctx, tx, lead, since)
	if err != nil {
		return nil, fmt.Errorf("count contacts of lead %d: %w", lead, err)
	}
	return map[string]any{"contacts": map[string]any{
		"out":            float64(f.Out),
		"out_answered":   float64(f.OutAnswered),
		"in":             float64(f.In),
		"calls_answered": float64(f.CallsAnswered),
		"longest_talk":   f.LongestTalk.Seconds(),
		"letters_out":    float64(f.LettersOut),
		"messages_out":   float64(f.MessagesOut),
		"last_out_at":    f.LastOutAt,
		"last_in_at":     f.LastInAt,
	}}, nil
}

func (c *Casework) subjects(ctx context.Context, db postgres.DB, contexts map[int64]repository.Context) (map[int64]processes.Subject, error) {
	people, err := c.staff.Directory(ctx, db)
	if err != nil {
		return nil, err
	}
	words, err := c.dictionary(ctx, db)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]processes.Subject, len(contexts))
	for id, context := range contexts {
		out[id] = subject(context, words.OwnFields, people)
	}
	return out, nil
}

// subject is a lead as processes see it.
func subject(of repository.Context, own []leads.OwnField, people *staff.Directory) processes.Subject {
	v := viewOf(of, people)
	familiar := of.Client.OwnerID
	if familiar == 0 {
		familiar = of.Familiar
	}
	return processes.Subject{
		ID:       of.Lead.ID,
		Title:    of.Lead.Title,
		Values:   v.values(own, people.Calendar("").Zone()),
		Owner:    of.Lead.OwnerID,
		Familiar: familiar,
		Called:   calledInVain(of.Inquiry, people),
		Helpers:  of.Lead.Helpers,
		Priority: of.Lead.Priority,
		Closed:   of.Lead.Status.Closed(),
	}
}

// calledInVain is whose telephone the client's latest call, which nobody answered, rang; 0: nobody's.
func calledInVain(in leads.Inquiry, people *staff.Directory) int64 {
	if !in.MissedCall() || in.Call.Extension == "" {
		return 0
	}
	e, _ := atExtension(people, in.Call.Extension)
	return e.ID
}

func viewOf(of repository.Context, people *staff.Directory) view {
	return view{Lead: of.Lead, Client: of.Client, Contact: of.Contact, Inquiry: of.Inquiry,
		ClientKnown: of.ClientKnown, Owner: people.Name(of.Lead.OwnerID)}
}
