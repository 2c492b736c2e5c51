package processes

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

var (
	//go:embed sql/lock_instances.sql
	lockInstancesSQL string
	//go:embed sql/open_tasks.sql
	openTasksSQL string
)

// storedInstance is an instance as its row has it, before its route map is known.
type storedInstance struct {
	instance
	definition int64
	snapshot   []byte
}

// load locks all that runs about some subjects and reads it with the open tasks;
// and the row of one task more, 0 for none, to be able to say what became of it.
// The subjects have to be locked before.
func (t *turn) load(ctx context.Context, subjects []int64, task int64) error {
	var stored []storedInstance
	var batch pgx.Batch
	batch.Queue(lockInstancesSQL, pgx.NamedArgs{"subjects": subjects}).Query(func(rows pgx.Rows) (err error) {
		stored, err = pgx.CollectRows(rows, scanInstance)
		return err
	})
	batch.Queue(openTasksSQL, pgx.NamedArgs{"subjects": subjects, "task": task}).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, scanTask)
		for _, row := range list {
			if key := (taskKey{row.Instance, row.No}); t.tasks[key] == nil {
				t.tasks[key] = row
			}
		}
		return err
	})
	for _, id := range subjects {
		t.loaded[id] = true
	}
	if err := t.tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("lock what runs about %d cases: %w", len(subjects), err)
	}
	for i := range stored {
		if err := t.hold(ctx, &stored[i]); err != nil {
			return err
		}
	}
	return nil
}

// hold takes an instance into the turn, unless it is there: what is in memory is newer.
func (t *turn) hold(ctx context.Context, stored *storedInstance) error {
	in := &stored.instance
	if t.instances[in.id] != nil {
		return nil
	}
	def, err := t.s.definition(ctx, t.tx, stored.definition)
	if err != nil {
		return err
	}
	in.def = def
	if err := json.Unmarshal(stored.snapshot, &in.state); err != nil {
		return fmt.Errorf("read the state of instance %d: %w", in.id, err)
	}
	t.instances[in.id] = in
	return nil
}

func scanInstance(row pgx.CollectableRow) (in storedInstance, err error) {
	err = row.Scan(&in.id, &in.definition, &in.root, &in.parent, &in.parentToken, &in.subject, &in.snapshot,
		&in.revision, &in.startedAt, &in.endedAt)
	return in, err
}

func scanTask(row pgx.CollectableRow) (*taskRow, error) {
	r := &taskRow{}
	return r, row.Scan(r.targets()...)
}

// subjectOf finds the subject of an instance, without a lock: it never changes.
func (s *Service) subjectOf(ctx context.Context, tx pgx.Tx, instance int64) (subject int64, err error) {
	err = tx.QueryRow(ctx, "select subject from process_instance where id = $1", instance).Scan(&subject)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("instance %d: %w", instance, ErrNotFound)
	}
	if err != nil {
		return 0, fmt.Errorf("look for instance %d: %w", instance, err)
	}
	return subject, nil
}
