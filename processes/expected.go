package processes

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"marshrut/processes/bpmn"
)

//go:embed sql/open_work.sql
var openWorkSQL string

// Callers tells for each of some subjects which employees have a call to make about it: an open task with a step of that
// kind.
func (s *Service) Callers(ctx context.Context, tx pgx.Tx, subjects []int64) (map[int64][]int64, error) {
	type work struct {
		subject, employee, definition int64
		element                       string
	}
	rows, err := tx.Query(ctx, openWorkSQL, pgx.NamedArgs{"subjects": subjects})
	if err != nil {
		return nil, fmt.Errorf("look who has a call to make: %w", err)
	}
	open, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w work, err error) {
		return w, row.Scan(&w.subject, &w.employee, &w.definition, &w.element)
	})
	if err != nil {
		return nil, fmt.Errorf("look who has a call to make: %w", err)
	}
	callers := map[int64][]int64{}
	for _, w := range open {
		d, err := s.definition(ctx, tx, w.definition)
		if err != nil {
			return nil, err
		}
		if e := d.Process().Element(w.element); e != nil && e.Task != nil && slices.ContainsFunc(e.Task.Steps, isCall) {
			callers[w.subject] = append(callers[w.subject], w.employee)
		}
	}
	return callers, nil
}

func isCall(step bpmn.Step) bool { return step.Kind == bpmn.CallOut }
