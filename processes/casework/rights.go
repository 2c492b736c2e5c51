package casework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
	"marshrut/processes/engine"
)

// mayChange refuses an actor whose permission does not cover the action, or to
// whom the lead is none of their business: without seeing all leads, one changes
// one's own, those one helps with or has a task on, and those of nobody.
func (c *Casework) mayChange(ctx context.Context, actor staff.Actor, action staff.Action, lead leads.Lead) error {
	if !actor.Can(action) {
		return fmt.Errorf("%s may not %s: %w", actor.Login, action, ErrNotAllowed)
	}
	if actor.Can(staff.SeeAllLeads) || mine(actor, lead) {
		return nil
	}
	page, err := c.processes.Tasks(ctx, processes.TaskFilter{Subject: lead.ID, Status: processes.TaskOpen, Assignee: actor.ID, Limit: 1})
	if err != nil {
		return err
	}
	if len(page.Items) > 0 {
		return nil
	}
	return fmt.Errorf("lead %d is not of %s: %w", lead.ID, actor.Login, ErrNotAllowed)
}

func mine(actor staff.Actor, lead leads.Lead) bool {
	return lead.OwnerID == actor.ID || lead.OwnerID == 0 || slices.Contains(lead.Helpers, actor.ID)
}

// refused notes in the journal, after whatever was begun has been rolled back, that
// somebody was refused something about a lead, and gives the error back. What is
// refused about a task, processes note themselves.
func (c *Casework) refused(ctx context.Context, actor staff.Actor, lead int64, what string, err error) error {
	data := map[string]string{"what": what}
	var refusal *engine.Refusal
	switch {
	case errors.As(err, &refusal):
		data["message"] = refusal.Message
	case errors.Is(err, ErrNotAllowed):
		data["message"] = "нет прав"
	default:
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	entry := repository.Entry{At: c.now(), Actor: actor.ID, Lead: lead, Object: fmt.Sprintf("lead:%d", lead), Action: "lead.refused", Data: data}
	if lost := c.repo.Journal(ctx, c.pool, []repository.Entry{entry}); lost != nil {
		c.log.ErrorContext(ctx, "a refusal could not be noted in the journal", "lead", lead, "error", lost)
	}
	return err
}
