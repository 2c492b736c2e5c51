package processes

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/pipeline/delivery"
	"marshrut/processes/engine"
)

var (
	//go:embed sql/add_instances.sql
	addInstancesSQL string
	//go:embed sql/change_instances.sql
	changeInstancesSQL string
	//go:embed sql/add_tasks.sql
	addTasksSQL string
	//go:embed sql/change_tasks.sql
	changeTasksSQL string
	//go:embed sql/add_timers.sql
	addTimersSQL string
	//go:embed sql/drop_timers.sql
	dropTimersSQL string
	//go:embed sql/add_subscriptions.sql
	addSubscriptionsSQL string
	//go:embed sql/drop_subscriptions.sql
	dropSubscriptionsSQL string
	//go:embed sql/add_incidents.sql
	addIncidentsSQL string
	//go:embed sql/resolve_incidents.sql
	resolveIncidentsSQL string
	//go:embed sql/add_journal.sql
	addJournalSQL string
)

// changes are the rows a turn has to write, beside instances and tasks. What was
// added and taken away within the turn is never written.
type changes struct {
	timers        map[taskKey]timerRow
	noTimers      []taskKey
	subscriptions map[taskKey]subscriptionRow
	noMessages    []taskKey
	incidents     []incidentRow
	resolved      []resolution
	journal       []*entry
	notices       []notice
	deliveries    []delivery.Request
}

type timerRow struct {
	subject int64
	due     time.Time
}

type subscriptionRow struct {
	subject int64
	message string
}

type incidentRow struct {
	instance int64
	no       int
	subject  int64
	process  string
	element  string
	reason   string
}

type resolution struct {
	instance int64
	no       int
	by       int64
}

type notice struct {
	employee int64
	kind     string
	subject  int64
	task     *taskRow // has its id only when it is written
	text     string
}

func (c *changes) setTimer(in *instance, no int, due time.Time) {
	if c.timers == nil {
		c.timers = map[taskKey]timerRow{}
	}
	c.timers[taskKey{in.id, no}] = timerRow{in.subject, due}
}

func (c *changes) dropTimer(in *instance, no int) {
	key := taskKey{in.id, no}
	delete(c.timers, key)
	if !in.fresh {
		c.noTimers = append(c.noTimers, key)
	}
}

func (c *changes) subscribe(in *instance, no int, message string) {
	if c.subscriptions == nil {
		c.subscriptions = map[taskKey]subscriptionRow{}
	}
	c.subscriptions[taskKey{in.id, no}] = subscriptionRow{in.subject, message}
}

func (c *changes) unsubscribe(in *instance, no int) {
	key := taskKey{in.id, no}
	if _, fresh := c.subscriptions[key]; fresh {
		delete(c.subscriptions, key)
		return
	}
	c.noMessages = append(c.noMessages, key)
}

// write brings everything to the database: one round trip, and one more each
// where people are told or something goes out.
func (t *turn) write(ctx context.Context) error {
	if err := t.number(ctx); err != nil {
		return err
	}
	var batch pgx.Batch
	if err := t.queueInstances(&batch); err != nil {
		return err
	}
	t.queueTasks(&batch)
	t.queueWaits(&batch)
	t.queueIncidents(&batch)
	if err := t.queueJournal(&batch); err != nil {
		return err
	}
	if batch.Len() > 0 {
		if err := t.tx.SendBatch(ctx, &batch).Close(); err != nil {
			return fmt.Errorf("write what %d instances did: %w", len(t.instances), err)
		}
	}
	if err := t.sendNotices(ctx); err != nil {
		return err
	}
	if len(t.changes.deliveries) > 0 {
		if err := t.s.deliver(ctx, t.tx, t.now, t.changes.deliveries); err != nil {
			return fmt.Errorf("order deliveries: %w", err)
		}
	}
	if err := t.tellDone(ctx); err != nil {
		return err
	}
	t.count()
	return nil
}

// number gives ids to the tasks that have appeared.
func (t *turn) number(ctx context.Context) error {
	if len(t.arrived) == 0 {
		return nil
	}
	ids, err := t.s.ids.tasks.take(ctx, t.tx, taskIDs, len(t.arrived))
	if err != nil {
		return err
	}
	for i, row := range t.arrived {
		row.ID = ids[i]
	}
	return nil
}

func (t *turn) queueInstances(batch *pgx.Batch) error {
	var add, change instanceColumns
	for _, in := range t.moved() {
		into := &change
		if in.fresh {
			into = &add
		}
		if err := into.append(in); err != nil {
			return err
		}
	}
	if n := len(add.ids); n > 0 {
		batch.Queue(addInstancesSQL, add.args())
	}
	if n := len(change.ids); n > 0 {
		batch.Queue(changeInstancesSQL, change.args())
	}
	return nil
}

// moved lists the instances that changed, parents before the children that refer to them.
func (t *turn) moved() []*instance {
	var list []*instance
	seen := map[int64]bool{}
	for _, e := range t.changes.journal {
		if !seen[e.in.id] {
			seen[e.in.id] = true
			list = append(list, e.in)
		}
	}
	return list
}

type instanceColumns struct {
	ids, definitions, roots, parents, subjects []int64
	tokens, revisions                          []int
	states, snapshots                          []string
	started                                    []time.Time
	ended                                      []*time.Time
}

func (c *instanceColumns) append(in *instance) error {
	snapshot, err := json.Marshal(in.state)
	if err != nil {
		return fmt.Errorf("write the state of instance %d: %w", in.id, err)
	}
	c.ids, c.definitions, c.roots = append(c.ids, in.id), append(c.definitions, in.def.ID), append(c.roots, in.root)
	c.parents, c.subjects, c.tokens = append(c.parents, in.parent), append(c.subjects, in.subject), append(c.tokens, in.parentToken)
	c.states, c.snapshots = append(c.states, in.state.Status()), append(c.snapshots, string(snapshot))
	c.revisions, c.started, c.ended = append(c.revisions, in.revision), append(c.started, in.startedAt), append(c.ended, in.endedAt)
	return nil
}

func (c *instanceColumns) args() pgx.NamedArgs {
	return pgx.NamedArgs{"ids": c.ids, "definitions": c.definitions, "roots": c.roots, "parents": c.parents, "tokens": c.tokens,
		"subjects": c.subjects, "states": c.states, "snapshots": c.snapshots, "revisions": c.revisions, "started": c.started, "ended": c.ended}
}

func (t *turn) queueWaits(batch *pgx.Batch) {
	// Away before added: a cycle sets the timer again that has just fired.
	if instances, nos := columns(t.changes.noTimers); len(nos) > 0 {
		batch.Queue(dropTimersSQL, pgx.NamedArgs{"instances": instances, "nos": nos})
	}
	if instances, nos := columns(t.changes.noMessages); len(nos) > 0 {
		batch.Queue(dropSubscriptionsSQL, pgx.NamedArgs{"instances": instances, "nos": nos})
	}
	if len(t.changes.timers) > 0 {
		t.queueTimers(batch)
	}
	if len(t.changes.subscriptions) > 0 {
		var instances, subjects []int64
		var nos []int
		var messages []string
		for key, s := range t.changes.subscriptions {
			instances, nos = append(instances, key.instance), append(nos, key.no)
			subjects, messages = append(subjects, s.subject), append(messages, s.message)
		}
		batch.Queue(addSubscriptionsSQL, pgx.NamedArgs{"instances": instances, "nos": nos, "subjects": subjects, "messages": messages})
	}
}

func (t *turn) queueTimers(batch *pgx.Batch) {
	var instances, subjects []int64
	var nos []int
	var due []time.Time
	var soonest time.Time
	for key, timer := range t.changes.timers {
		instances, nos = append(instances, key.instance), append(nos, key.no)
		subjects, due = append(subjects, timer.subject), append(due, timer.due)
		if soonest.IsZero() || timer.due.Before(soonest) {
			soonest = timer.due
		}
	}
	batch.Queue(addTimersSQL, pgx.NamedArgs{"instances": instances, "nos": nos, "subjects": subjects, "due": due})
	t.s.wake.set(soonest)
}

func columns(keys []taskKey) (instances []int64, nos []int) {
	for _, key := range keys {
		instances, nos = append(instances, key.instance), append(nos, key.no)
	}
	return instances, nos
}

func (t *turn) queueIncidents(batch *pgx.Batch) {
	rows := t.changes.incidents
	for _, f := range t.failed {
		rows = append(rows, incidentRow{subject: f.subject, process: f.process, reason: f.reason})
		t.trouble(f.subject, f.process, f.reason)
	}
	for _, r := range t.changes.resolved {
		batch.Queue(resolveIncidentsSQL, pgx.NamedArgs{"instances": []int64{r.instance}, "nos": []int{r.no}, "now": t.now, "by": reference(r.by)})
	}
	if len(rows) == 0 {
		return
	}
	var instances, subjects []int64
	var nos []int
	var processes, elements, reasons []string
	for _, i := range rows {
		instances, nos, subjects = append(instances, i.instance), append(nos, i.no), append(subjects, i.subject)
		processes, elements, reasons = append(processes, i.process), append(elements, i.element), append(reasons, i.reason)
	}
	batch.Queue(addIncidentsSQL, pgx.NamedArgs{"instances": instances, "nos": nos, "subjects": subjects, "processes": processes,
		"elements": elements, "reasons": reasons, "now": t.now})
}

func reference(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

func (t *turn) queueJournal(batch *pgx.Batch) error {
	if len(t.changes.journal) == 0 {
		return nil
	}
	var instances, subjects, actors []int64
	var revisions []int
	var commands, events []string
	for _, e := range t.changes.journal {
		text, err := engine.Encode(e.events)
		if err != nil {
			return fmt.Errorf("write the journal of instance %d: %w", e.in.id, err)
		}
		instances, subjects, actors = append(instances, e.in.id), append(subjects, e.in.subject), append(actors, e.actor)
		revisions, commands, events = append(revisions, e.revision), append(commands, e.command), append(events, string(text))
	}
	batch.Queue(addJournalSQL, pgx.NamedArgs{"instances": instances, "revisions": revisions, "subjects": subjects, "actors": actors,
		"commands": commands, "events": events, "now": t.now})
	return nil
}

func (t *turn) sendNotices(ctx context.Context) error {
	if len(t.changes.notices) == 0 {
		return nil
	}
	list := make([]staff.Notice, len(t.changes.notices))
	for i, n := range t.changes.notices {
		list[i] = staff.Notice{Employee: n.employee, At: t.now, Kind: n.kind, Lead: reference(n.subject), Text: n.text}
		if n.task != nil {
			list[i].Task = reference(n.task.ID)
		}
	}
	return t.s.staff.Notify(ctx, t.tx, t.now, list)
}

// count tells the metrics what this turn did.
func (t *turn) count() {
	m := t.s.metrics
	if m == nil {
		return
	}
	for _, in := range t.moved() {
		if in.fresh {
			m.started.WithLabelValues(in.def.Key).Inc()
		}
	}
	for _, row := range t.arrived {
		m.tasks.WithLabelValues(row.Process, "created").Inc()
	}
	for _, row := range t.tasks {
		if row.changed && row.Status != TaskOpen {
			m.tasks.WithLabelValues(row.Process, string(row.Status)).Inc()
		}
	}
	for _, i := range t.changes.incidents {
		m.incidents.WithLabelValues(i.process).Inc()
	}
	for _, f := range t.failed {
		m.incidents.WithLabelValues(f.process).Inc()
	}
}
