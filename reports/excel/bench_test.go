package excel

import (
	"context"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"marshrut/reports"
)

// benchRows is how many leads the benchmarks write; MARSHRUT_BENCH_LEADS=1000000 for the number of the design.
func benchRows() int {
	if n, err := strconv.Atoi(os.Getenv("MARSHRUT_BENCH_LEADS")); err == nil {
		return n
	}
	return 100_000
}

// peak watches the memory in use while f runs and gives its highest, in MB above what was there before.
func peak(f func()) float64 {
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	done, highest := make(chan struct{}), make(chan uint64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var most uint64
		for {
			select {
			case <-tick.C:
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapSys-now.HeapReleased)
			case <-done:
				highest <- most
				return
			}
		}
	}()
	f()
	close(done)
	return float64(<-highest) / (1 << 20)
}

// BenchmarkWorkbook writes leads from the database, and the same values by a bare
// StreamWriter: ratio is what the styles, the table, the archive and the reading cost.
func BenchmarkWorkbook(b *testing.B) {
	n := benchRows()
	db := company(b, n)
	q := question(reports.Cohort, "ru")
	q.To, q.AsOf, q.Now = q.From.AddDate(200, 0, 0), q.From.AddDate(200, 0, 0), q.From.AddDate(200, 0, 0)
	for b.Loop() {
		var ours, floor time.Duration
		memory := peak(func() {
			start := time.Now()
			if err := Export(context.Background(), io.Discard, db, "funnel", q, Options{}); err != nil {
				b.Fatal(err)
			}
			ours = time.Since(start)
		})
		start := time.Now()
		bare(b, n)
		floor = time.Since(start)
		b.ReportMetric(ours.Seconds()/floor.Seconds(), "ratio")
		b.ReportMetric(memory, "MB-peak")
		b.ReportMetric(float64(n)/ours.Seconds(), "rows/s")
	}
}

// BenchmarkWriting is the same without the database: the floor writes the very same cells.
func BenchmarkWriting(b *testing.B) {
	n := benchRows()
	lead := reports.Lead{ID: 1, Title: "Заявка на окна", ReceivedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Funnel: "Продажи", Stage: "Новый",
		Status: "В работе", Amount: "125000.50", Currency: "RUB", Client: "ООО «Ромашка»", INN: "7701234567", Contact: "Иван Петров", Phones: "+79001234567",
		Emails: "ivan@example.org", Owner: "Анна Котова", Team: "Север", Source: "Яндекс Директ", Channel: "Форма на сайте", Connection: "Сайт"}
	for b.Loop() {
		var ours, floor time.Duration
		memory := peak(func() {
			start := time.Now()
			err := Write(io.Discard, []reports.Result{{Report: "funnel", Title: "Воронка", CutTitle: "По этапам", Cut: "stage", Language: "ru"}}, func(yield func(*reports.Lead, error) bool) {
				for i := range n {
					lead.ID = int64(i)
					if !yield(&lead, nil) {
						return
					}
				}
			}, Options{})
			if err != nil {
				b.Fatal(err)
			}
			ours = time.Since(start)
		})
		start := time.Now()
		bare(b, n)
		floor = time.Since(start)
		b.ReportMetric(ours.Seconds()/floor.Seconds(), "ratio")
		b.ReportMetric(memory, "MB-peak")
		b.ReportMetric(float64(n)/ours.Seconds(), "rows/s")
	}
}

// bare writes rows of as many cells of the same kinds with excelize alone.
func bare(b *testing.B, n int) {
	b.Helper()
	f := excelize.NewFile()
	defer f.Close()
	s, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		b.Fatal(err)
	}
	moment := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	cells := make([]any, len(reports.LeadColumns))
	for i, col := range reports.LeadColumns {
		switch col.Unit {
		case reports.Words:
			cells[i] = strings.Repeat("текст", 3)
		case reports.Date:
			cells[i] = moment
		case reports.Money:
			cells[i] = 125000.5
		default:
			cells[i] = int64(1)
		}
	}
	for i := range n {
		cell, _ := excelize.CoordinatesToCellName(1, i+1)
		if err := s.SetRow(cell, cells); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Write(io.Discard); err != nil {
		b.Fatal(err)
	}
}
