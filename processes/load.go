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
	//go:embed sql/roots_of_subjects.sql
	rootsOfSubjectsSQL string
)

// storedInstance is an instance as its row has it, before its route map is known.
type storedInstance struct {
	instance
	definition int64
	snapshot   []byte
}

// load locks instances with all that runs under the same roots, and reads them
// with their open tasks; and the row of one task more, 0 for none, to be able to
// say what became of it. The subjects have to be locked before.
func (t *turn) load(ctx context.Context, instances []int64, task int64) error {
	var stored []storedInstance
	var batch pgx.Batch
	batch.Queue(lockInstancesSQL, pgx.NamedArgs{"instances": instances}).Query(func(rows pgx.Rows) (err error) {
		stored, err = pgx.CollectRows(rows, scanInstance)
		return err
	})
	batch.Queue(openTasksSQL, pgx.NamedArgs{"instances": instances, "task": task}).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, scanTask)
		for _, row := range list {
			t.tasks[taskKey{row.Instance, row.No}] = row
		}
		return err
	})
	if err := t.tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("lock %d instances: %w", len(instances), err)
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

// instanceOf finds the subject of an instance, without a lock: it never changes.
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

// running are the ids of the root instances of some subjects that have not ended.
func (t *turn) running(ctx context.Context, subjects []int64) ([]int64, error) {
	rows, err := t.tx.Query(ctx, rootsOfSubjectsSQL, pgx.NamedArgs{"subjects": subjects})
	if err != nil {
		return nil, fmt.Errorf("look for running processes: %w", err)
	}
	roots, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("look for running processes: %w", err)
	}
	return roots, nil
}
