package processes

import (
	"context"
	"fmt"
	"slices"
	"time"

	"marshrut/processes/bpmn"
)

// DoneTask is a task that was done, for whoever keeps a record of it elsewhere.
type DoneTask struct {
	ID, Subject int64
	Title       string
	Outcome     string // the label of the button
	Comment     string
	By          int64 // employee; 0: nobody
	At          time.Time
}

// tellDone tells of the tasks that this turn ended with an outcome, in their order.
func (t *turn) tellDone(ctx context.Context) error {
	if t.s.done == nil {
		return nil
	}
	var done []DoneTask
	for _, row := range t.tasks {
		if row.changed && row.Status == TaskDone && row.DoneAt != nil {
			done = append(done, DoneTask{ID: row.ID, Subject: row.Subject, Title: row.Title, Outcome: t.outcomeLabel(row), Comment: row.Comment,
				By: row.DoneBy, At: *row.DoneAt})
		}
	}
	if len(done) == 0 {
		return nil
	}
	slices.SortFunc(done, func(a, b DoneTask) int { return int(a.ID - b.ID) })
	if err := t.s.done(ctx, t.tx, t.now, done); err != nil {
		return fmt.Errorf("tell of %d tasks that are done: %w", len(done), err)
	}
	return nil
}

func (t *turn) outcomeLabel(row *taskRow) string {
	in := t.instances[row.Instance]
	if in == nil {
		return row.Outcome
	}
	element := in.def.Process().Element(row.Element)
	if element == nil || element.Task == nil {
		return row.Outcome
	}
	at := slices.IndexFunc(element.Task.Outcomes, func(o bpmn.Outcome) bool { return o.ID == row.Outcome })
	if at < 0 || element.Task.Outcomes[at].Label == "" {
		return row.Outcome
	}
	return element.Task.Outcomes[at].Label
}
