package casework

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes/engine"
)

// Followed is what a system that holds the lead as well says of it.
type Followed struct {
	Lead    int64
	From    string // name of its connection, for the journal
	Changes repository.Changes
	Owner   *string // login; nil leaves it where it is
	// Stage, Status and Reason are only of a lead whose process is led there; "" is nothing.
	Stage  string
	Status leads.Status
	Reason string // of a closing as lost or junk
}

// Follow brings a lead to where the other system says it stands, inside tx. Whether a
// field may come from there was decided by whoever calls; that the process is
// led there is checked here: a lead with tasks of ours is moved by their outcomes alone.
func (c *Casework) Follow(ctx context.Context, tx pgx.Tx, now time.Time, f Followed) error {
	locked, err := c.repo.LockLeads(ctx, tx, []int64{f.Lead})
	if err != nil {
		return err
	}
	lead, ok := locked[f.Lead]
	if !ok {
		return fmt.Errorf("lead %d: %w", f.Lead, leads.ErrNotFound)
	}
	if lead.ContactID == 0 {
		f.Changes.ContactName = nil
	}
	if err := c.repo.SetFields(ctx, tx, now, f.Lead, 0, f.Changes); err != nil {
		return err
	}
	if f.Owner != nil {
		if err := c.followOwner(ctx, tx, now, lead, f); err != nil {
			return err
		}
	}
	if f.Stage == "" && f.Status == "" {
		return nil
	}
	if _, there := c.ledElsewhere(); !there {
		return &engine.Refusal{Kind: ErrNoWay, Message: "Процесс этого лида ведётся здесь: этап меняется результатом задачи",
			MessageEn: "The process of this lead is led here: its stage changes by the outcome of a task"}
	}
	return c.followStage(ctx, tx, now, lead, f)
}

func (c *Casework) followOwner(ctx context.Context, tx pgx.Tx, now time.Time, lead leads.Lead, f Followed) error {
	people, err := c.staff.Directory(ctx, tx)
	if err != nil {
		return err
	}
	to, err := receiver(people, *f.Owner)
	if err != nil || to.ID == lead.OwnerID {
		return err
	}
	return c.repo.Assign(ctx, tx, now, []repository.Assignment{{Lead: lead.ID, Owner: to.ID, Why: f.From}})
}

func (c *Casework) followStage(ctx context.Context, tx pgx.Tx, now time.Time, lead leads.Lead, f Followed) error {
	if f.Status == "" {
		f.Status = lead.Status
	}
	if lead.Status.Closed() && f.Status != lead.Status {
		err := c.repo.Reopen(ctx, tx, now, []repository.Reopening{{Lead: lead.ID, Stage: f.Stage, Comment: f.From}})
		if err != nil {
			return err
		}
	}
	if f.Status == leads.StatusOpen {
		if f.Stage == "" {
			return nil
		}
		return c.repo.EnterStage(ctx, tx, now, []repository.StageMove{{Lead: lead.ID, Stage: f.Stage}})
	}
	if lead.Status == f.Status {
		return nil
	}
	closing, err := c.followedClosing(ctx, tx, f)
	if err != nil {
		return err
	}
	if err := c.repo.Close(ctx, tx, now, []repository.Closing{closing}); err != nil {
		return err
	}
	return c.processes.CancelSubject(ctx, tx, now, staff.System(), lead.ID, f.From)
}

// HandOver ends in tx what runs about a lead, because another system leads its process from now on: connection is that of it.
func (c *Casework) HandOver(ctx context.Context, tx pgx.Tx, now time.Time, lead int64, connection string) error {
	if _, err := c.repo.LockLeads(ctx, tx, []int64{lead}); err != nil {
		return err
	}
	return c.processes.CancelSubject(ctx, tx, now, staff.System(), lead, connection)
}

// TakeBack starts in tx what the rules choose for an open lead whose process another system has led so far.
func (c *Casework) TakeBack(ctx context.Context, tx pgx.Tx, lead int64) error {
	locked, err := c.repo.LockLeads(ctx, tx, []int64{lead})
	if l, there := locked[lead]; err != nil || !there || l.Status.Closed() {
		return err
	}
	return c.restart(ctx, tx, staff.System(), lead)
}

// followedClosing finds the reason that was given there, and whether it is one of a loss or of junk, which other systems may
// not tell apart; without one it is the first that fits.
func (c *Casework) followedClosing(ctx context.Context, tx pgx.Tx, f Followed) (repository.Closing, error) {
	closing := repository.Closing{Lead: f.Lead, Kind: f.Status, Comment: f.From}
	if f.Status == leads.StatusWon {
		return closing, nil
	}
	words, err := c.dictionary(ctx, tx)
	if err != nil {
		return closing, err
	}
	for _, r := range words.Reasons {
		if r.Key == f.Reason || closing.Reason == "" && r.Kind == f.Status && !r.NeedsComment {
			closing.Reason, closing.Kind = r.Key, r.Kind
		}
	}
	return closing, nil
}

// ledElsewhere names the connection by which another system leads the processes of leads.
func (c *Casework) ledElsewhere() (string, bool) {
	if c.elsewhere == nil {
		return "", false
	}
	return c.elsewhere()
}
