package casework

import (
	"context"
	"fmt"
	"slices"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/processes"
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
