package casework

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
	"marshrut/processes/engine"
)

// Close says how a lead shall end.
type Close struct {
	Status  leads.Status // won, lost or junk
	Reason  string       // key of the dictionary; of lost and junk
	Comment string
	// SkipReason lets the steps be skipped that are missing, for a person who may;
	// it is in the journal.
	SkipReason string
}

// Move says to which stage a lead shall go. A stage that ends the funnel closes
// the lead, and Reason and Comment are those of the closing.
type Move struct {
	Stage      string
	Reason     string
	Comment    string
	SkipReason string
}

// Way is how a lead went where it was sent.
type Way struct {
	Task    int64  // completed for it; 0: none was open
	Outcome string // chosen
	// Pending: the way has been entered, but it leads through the decision of
	// somebody else, such as a head of sales who confirms a loss.
	Pending bool
	Lead    leads.Lead // as it stands now
}

// destination is where a lead shall go: an end or a stage, with what is said about it.
type destination struct {
	status     leads.Status // open: stage counts
	stage      string
	reason     string
	comment    string
	skipReason string
}

// String names the destination in the journal.
func (to destination) String() string {
	if to.status == leads.StatusOpen {
		return "stage " + to.stage
	}
	return "close " + string(to.status)
}

// CloseLead closes the lead by choosing the outcome of a current task that closes
// it so. Missing steps refuse it by name (*engine.Refusal), unless they are skipped
// with a reason by who may. No outcome leading there is ErrNoWay. A lead on which
// no process works any more is closed directly, by who may.
func (c *Casework) CloseLead(ctx context.Context, actor staff.Actor, lead int64, how Close) (Way, error) {
	words, err := c.dictionary(ctx, c.pool)
	if err != nil {
		return Way{}, err
	}
	if how.Status == leads.StatusWon {
		how.Reason = ""
	}
	how.Comment = strings.TrimSpace(how.Comment)
	closing := repository.Closing{Lead: lead, Kind: how.Status, Reason: how.Reason, Comment: how.Comment}
	if err := checkClosing(closing, words.Reasons); err != nil {
		return Way{}, err
	}
	return c.send(ctx, actor, lead, destination{status: how.Status, reason: how.Reason, comment: how.Comment, skipReason: how.SkipReason})
}

// MoveLead brings the lead to a stage by choosing the outcome of a current task
// that leads there; the rest is as with CloseLead.
func (c *Casework) MoveLead(ctx context.Context, actor staff.Actor, lead int64, to Move) (Way, error) {
	words, err := c.dictionary(ctx, c.pool)
	if err != nil {
		return Way{}, err
	}
	now, err := c.lead(ctx, lead)
	if err != nil {
		return Way{}, err
	}
	stage, ok := words.stage(now.Funnel, to.Stage)
	if !ok {
		return Way{}, refuseValue(fmt.Sprintf("Этапа «%s» нет в воронке лида", to.Stage), fmt.Sprintf("The funnel of the lead has no stage %q", to.Stage))
	}
	if stage.Kind != "open" {
		return c.CloseLead(ctx, actor, lead, Close{Status: leads.Status(stage.Kind), Reason: to.Reason, Comment: to.Comment, SkipReason: to.SkipReason})
	}
	return c.send(ctx, actor, lead, destination{status: leads.StatusOpen, stage: to.Stage, comment: to.Comment, skipReason: to.SkipReason})
}

// attempts at a way while others work on the same task.
const attempts = 3

func (c *Casework) send(ctx context.Context, actor staff.Actor, id int64, to destination) (Way, error) {
	ctx, span := c.tracer.Start(ctx, "casework.send")
	defer span.End()
	for try := 1; ; try++ {
		way, err := c.sendOnce(ctx, actor, id, to)
		if errors.Is(err, engine.ErrStale) && try < attempts {
			continue
		}
		return way, err
	}
}

func (c *Casework) sendOnce(ctx context.Context, actor staff.Actor, id int64, to destination) (Way, error) {
	lead, err := c.lead(ctx, id)
	if err != nil {
		return Way{}, err
	}
	if err := c.maySend(ctx, actor, lead); err != nil {
		return Way{}, c.refused(ctx, actor, id, to.String(), err)
	}
	if to.status == leads.StatusOpen && lead.Stage == to.stage {
		return Way{Lead: lead}, nil
	}
	found, tasks, err := c.ways(ctx, actor, id, to)
	switch {
	case err != nil:
		return Way{}, err
	case len(found) > 0:
		return c.take(ctx, actor, found[0], to)
	case len(tasks) > 0:
		return Way{}, c.refused(ctx, actor, id, to.String(), noWay(tasks))
	}
	way, err := c.direct(ctx, actor, id, to)
	return way, c.refused(ctx, actor, id, to.String(), err)
}

func (c *Casework) maySend(ctx context.Context, actor staff.Actor, lead leads.Lead) error {
	if err := c.mayChange(ctx, actor, staff.EditLead, lead); err != nil {
		return err
	}
	if lead.Status.Closed() {
		return &engine.Refusal{Kind: leads.ErrConflict, Message: "Лид уже закрыт", MessageEn: "The lead is closed already"}
	}
	if connection, there := c.ledElsewhere(); there {
		return &engine.Refusal{Kind: ErrNoWay, Message: "Процесс этого лида ведётся в другой системе (подключение " + connection + "): измените этап там",
			MessageEn: "The process of this lead is led in another system (connection " + connection + "): change the stage there"}
	}
	return nil
}

// way is an outcome of an open task that leads to a destination.
type way struct {
	task    processes.Task
	choice  processes.Consequence
	pending bool
}

// ways are the outcomes of the lead's open tasks that lead there, the best first:
// at once before by way of somebody else, of one's own task, with the fewest steps
// missing.
func (c *Casework) ways(ctx context.Context, actor staff.Actor, lead int64, to destination) ([]way, []processes.Task, error) {
	tasks, err := c.openTasks(ctx, lead)
	if err != nil {
		return nil, nil, err
	}
	var found []way
	for _, task := range tasks {
		choices, err := c.processes.Consequences(ctx, task.ID, nil)
		if errors.Is(err, engine.ErrNotWaiting) || errors.Is(err, processes.ErrNotFound) {
			continue // done meanwhile
		}
		if err != nil {
			return nil, nil, err
		}
		for _, choice := range choices {
			if at, pending := to.reached(task, choice); at {
				found = append(found, way{task, choice, pending})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b way) int {
		return cmp.Or(order(!a.pending, !b.pending), order(a.task.Assignee == actor.ID, b.task.Assignee == actor.ID),
			cmp.Compare(len(a.choice.Missing), len(b.choice.Missing)))
	})
	return found, tasks, nil
}

// order puts true first.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// reached tells whether the choice leads to the destination: by what it does to
// the lead at once, or pending, because the map says it leads toward that end, or
// by a task of another role that comes next and can end so: a loss that the head
// of sales confirms.
func (to destination) reached(task processes.Task, choice processes.Consequence) (reached, pending bool) {
	for _, e := range choice.Effects {
		switch {
		case to.status == leads.StatusOpen && e.Action == "set-stage" && written(e.Params["stage"]) == to.stage:
			return true, false
		case to.status != leads.StatusOpen && e.Action == "close" && written(e.Params["status"]) == string(to.status):
			return true, false
		}
	}
	if to.status != leads.StatusOpen && choice.Toward == string(to.status) {
		return true, true
	}
	for _, next := range choice.Next {
		if to.status != leads.StatusOpen && next.Role != task.Role && slices.Contains(next.Closes, string(to.status)) {
			return true, true
		}
	}
	return false, false
}

// take completes the task with the outcome. What was said about the closing
// answers the steps that ask for it.
func (c *Casework) take(ctx context.Context, actor staff.Actor, w way, to destination) (Way, error) {
	answers, err := c.answers(ctx, w, to)
	if err != nil {
		return Way{}, err
	}
	how := processes.Completion{Outcome: w.choice.Outcome, Comment: to.comment, Revision: w.task.Revision, SkipReason: to.skipReason}
	if to.skipReason != "" || w.missingBeside(answers) == 0 {
		how.Values = answers
	}
	_, err = c.processes.Complete(ctx, actor, w.task.ID, how)
	var refusal *engine.Refusal
	if errors.As(err, &refusal) {
		// What the person has said already is not missing.
		refusal.Steps = slices.DeleteFunc(refusal.Steps, func(s engine.MissingStep) bool { return answers[s.ID] != nil && how.Values == nil })
	}
	if err != nil {
		return Way{}, err
	}
	lead, err := c.lead(ctx, w.task.Subject)
	return Way{Task: w.task.ID, Outcome: w.choice.Outcome, Pending: w.pending, Lead: lead}, err
}

// missingBeside counts the missing steps that have no answer.
func (w way) missingBeside(answers map[string]any) int {
	n := 0
	for _, step := range w.choice.Missing {
		if _, answered := answers[step.ID]; !answered {
			n++
		}
	}
	return n
}

// answers are the values of steps not done yet that ask for what the person has
// said: the choice that offers the reason, and what it asks for in turn, such as
// the name of the competitor, is the comment.
func (c *Casework) answers(ctx context.Context, w way, to destination) (map[string]any, error) {
	values := map[string]any{}
	for _, step := range w.task.Steps {
		offers := slices.ContainsFunc(step.Choices, func(c processes.Choice) bool { return c.Value == to.reason })
		if offers && !step.Done && to.reason != "" && w.misses(step.ID) {
			values[step.ID] = to.reason
		}
	}
	if len(values) == 0 || to.comment == "" {
		return values, nil
	}
	choices, err := c.processes.Consequences(ctx, w.task.ID, values)
	if err != nil {
		return nil, err
	}
	for _, choice := range choices {
		for _, step := range choice.Missing {
			if choice.Outcome == w.choice.Outcome && !w.misses(step.ID) {
				values[step.ID] = to.comment
			}
		}
	}
	return values, nil
}

func (w way) misses(step string) bool {
	return slices.ContainsFunc(w.choice.Missing, func(m engine.MissingStep) bool { return m.ID == step })
}

// noWay says which outcomes there are instead.
func noWay(tasks []processes.Task) error {
	var ru, en []string
	for _, t := range tasks {
		var labels, labelsEn []string
		for _, o := range t.Outcomes {
			labels, labelsEn = append(labels, o.Label), append(labelsEn, cmp.Or(o.LabelEn, o.Label))
		}
		ru = append(ru, fmt.Sprintf("«%s»: %s", t.Title, strings.Join(labels, ", ")))
		en = append(en, fmt.Sprintf("%q: %s", cmp.Or(t.TitleEn, t.Title), strings.Join(labelsEn, ", ")))
	}
	return &engine.Refusal{Kind: ErrNoWay,
		Message:   "Текущая задача туда не ведёт. Выберите её результат — " + strings.Join(ru, "; "),
		MessageEn: "The current task does not lead there. Choose its outcome: " + strings.Join(en, "; ")}
}

// direct closes or moves a lead on which no task is open: its process has ended,
// or stands on an incident, or waits. Only who may close without a task does so;
// what is left of the processes is canceled when the lead closes.
func (c *Casework) direct(ctx context.Context, actor staff.Actor, id int64, to destination) (Way, error) {
	if !actor.Can(staff.CloseWithoutTask) {
		return Way{}, &engine.Refusal{Kind: ErrNoWay,
			Message:   "У лида нет открытой задачи. Закрыть его или перенести на другой этап может руководитель",
			MessageEn: "The lead has no open task. The head of sales can close or move it"}
	}
	reason := cmp.Or(to.skipReason, to.comment, to.reason)
	if reason == "" {
		return Way{}, refuseValue("Объясните, почему лид меняется без задачи", "Say why the lead is changed without a task")
	}
	var way Way
	err := c.inTx(ctx, "direct", func(ctx context.Context, tx pgx.Tx) error {
		now := c.now()
		locked, err := c.repo.LockLeads(ctx, tx, []int64{id})
		if err != nil {
			return err
		}
		if locked[id].Status != leads.StatusOpen {
			return &engine.Refusal{Kind: leads.ErrConflict, Message: "Лид уже закрыт", MessageEn: "The lead is closed already"}
		}
		if to.status == leads.StatusOpen {
			err = c.repo.EnterStage(ctx, tx, now, []repository.StageMove{{Lead: id, Stage: to.stage, By: actor.ID}})
		} else {
			err = c.repo.Close(ctx, tx, now, []repository.Closing{{Lead: id, Kind: to.status, Reason: to.reason, Comment: to.comment, By: actor.ID}})
		}
		if err != nil {
			return err
		}
		if to.status != leads.StatusOpen {
			if err := c.processes.CancelSubject(ctx, tx, now, actor, id, reason); err != nil {
				return err
			}
		}
		return c.repo.Journal(ctx, tx, []repository.Entry{{At: now, Actor: actor.ID, Lead: id, Object: fmt.Sprintf("lead:%d", id),
			Action: "lead.changed-without-task", Data: map[string]string{"status": string(to.status), "stage": to.stage, "why": reason}}})
	})
	if err != nil {
		return way, err
	}
	way.Lead, err = c.lead(ctx, id)
	return way, err
}

// lead reads a lead as it stands.
func (c *Casework) lead(ctx context.Context, id int64) (leads.Lead, error) {
	found, err := c.repo.LeadContexts(ctx, c.pool, []int64{id})
	if err != nil {
		return leads.Lead{}, err
	}
	of, ok := found[id]
	if !ok {
		return leads.Lead{}, fmt.Errorf("lead %d: %w", id, leads.ErrNotFound)
	}
	return of.Lead, nil
}
