package processes

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
)

// idBlock is the increment of the sequences behind instances and tasks
// (migration 00050): one value of the sequence is a block of so many ids.
const idBlock = 64

// idBlocks hands out ids before their rows are written, so that a batch of
// instances with their tasks, timers and notices goes in one round trip. What a
// rolled back transaction or a stop wastes is never used again.
type idBlocks struct {
	instances, tasks idSequence
}

type idSequence struct {
	mu   sync.Mutex
	free []idRange
}

type idRange struct{ next, end int64 }

// take gives n ids of the sequence.
func (s *idSequence) take(ctx context.Context, db postgres.DB, sequence string, n int) ([]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.cut(nil, n)
	if missing := n - len(ids); missing > 0 {
		if err := s.refill(ctx, db, sequence, (missing+idBlock-1)/idBlock); err != nil {
			return nil, err
		}
		ids = s.cut(ids, missing)
	}
	return ids, nil
}

func (s *idSequence) refill(ctx context.Context, db postgres.DB, sequence string, blocks int) error {
	rows, err := db.Query(ctx, "select nextval($1::regclass) from generate_series(1, $2)", sequence, blocks)
	if err != nil {
		return fmt.Errorf("take ids of %s: %w", sequence, err)
	}
	starts, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("take ids of %s: %w", sequence, err)
	}
	for _, start := range starts {
		s.free = append(s.free, idRange{start, start + idBlock})
	}
	return nil
}

func (s *idSequence) cut(ids []int64, n int) []int64 {
	for n > 0 && len(s.free) > 0 {
		r := &s.free[0]
		for ; n > 0 && r.next < r.end; n-- {
			ids = append(ids, r.next)
			r.next++
		}
		if r.next == r.end {
			s.free = s.free[1:]
		}
	}
	return ids
}
