package casework

import (
	"context"

	"marshrut/internal/staff"
	"marshrut/processes"
)

// DoStep marks a step of a task as done, with its value. Who may work the task,
// the order of its steps and their evidence are judged where it is written.
func (c *Casework) DoStep(ctx context.Context, actor staff.Actor, task int64, step string, value any) (processes.Task, error) {
	ctx, span := c.tracer.Start(ctx, "casework.step")
	defer span.End()
	return c.processes.DoStep(ctx, actor, task, step, value)
}

// SkipStep leaves a step out, with a reason, for who may.
func (c *Casework) SkipStep(ctx context.Context, actor staff.Actor, task int64, step, reason string) (processes.Task, error) {
	ctx, span := c.tracer.Start(ctx, "casework.skip")
	defer span.End()
	return c.processes.SkipStep(ctx, actor, task, step, reason)
}

// CompleteTask ends a task with an outcome: the task, the process, the lead, the
// next tasks, the journal and what has to go out change together.
func (c *Casework) CompleteTask(ctx context.Context, actor staff.Actor, task int64, how processes.Completion) (processes.Result, error) {
	ctx, span := c.tracer.Start(ctx, "casework.complete")
	defer span.End()
	return c.processes.Complete(ctx, actor, task, how)
}

// ReassignTask gives a task to another person, for who may.
func (c *Casework) ReassignTask(ctx context.Context, actor staff.Actor, task int64, login, reason string) (processes.Task, error) {
	ctx, span := c.tracer.Start(ctx, "casework.reassign")
	defer span.End()
	people, err := c.staff.Directory(ctx, c.pool)
	if err != nil {
		return processes.Task{}, err
	}
	to, err := receiver(people, login)
	if err != nil {
		return processes.Task{}, err
	}
	return c.processes.Reassign(ctx, actor, task, to.ID, reason)
}
