package casework_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/processes"
)

// What Arrive adds to the capture of a batch of five hundred new people: their
// processes, tasks, owners, stages, timers, notices and journal.
func BenchmarkArriveFiveHundred(b *testing.B) {
	c := newCompany(b)
	var capturing, arriving time.Duration
	n := 0
	for b.Loop() {
		batch := make([]leads.Inquiry, 500)
		for i := range batch {
			batch[i] = c.form(fmt.Sprintf("+7912%07d", n))
			n++
		}
		c.tx(func(ctx context.Context, tx pgx.Tx) error {
			begun := time.Now()
			captured, err := c.repo.Capture(ctx, tx, c.now(), batch)
			if err != nil {
				return err
			}
			capturing += time.Since(begun)
			begun = time.Now()
			defer func() { arriving += time.Since(begun) }()
			return c.Arrive(ctx, tx, c.now(), captured)
		})
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "inquiries/s")
	b.ReportMetric(arriving.Seconds()/capturing.Seconds(), "arrive/capture")
}

// One click: the last step and the outcome, with everything behind it.
func BenchmarkCompleteTask(b *testing.B) {
	c := newCompany(b)
	tasks := make(chan processes.Task, 2000)
	batch := make([]leads.Inquiry, 0, 500)
	for i := range 2000 {
		batch = append(batch, c.form(fmt.Sprintf("+7912%07d", i)))
		if len(batch) == cap(batch) {
			for _, one := range c.arrive(batch...) {
				tasks <- c.task(one.LeadID)
			}
			batch = batch[:0]
		}
	}
	b.ResetTimer()
	done := 0
	for b.Loop() {
		select {
		case task := <-tasks:
			_, err := c.CompleteTask(b.Context(), c.who(task.Assignee), task.ID, processes.Completion{Outcome: "junk",
				Values: map[string]any{"history": nil, "junk_reason": "spam"}})
			if err != nil {
				b.Fatal(err, postgres.Classify(err))
			}
			done++
		default:
			b.Fatal("more clicks than tasks: give -benchtime 1000x at most")
		}
	}
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "clicks/s")
}
