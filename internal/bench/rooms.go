package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// measureRooms runs benchmarks of single rooms on the same server, and takes
// their figures over. One that fails leaves its row with the reason.
func measureRooms(ctx context.Context, o options, server *postgresServer, results *table) {
	rows := "200000"
	if o.full {
		rows = "1000000"
	}
	complete := benchmark(ctx, server, "./processes", "BenchmarkComplete$", "4000x")
	floor := benchmark(ctx, server, "./processes", "BenchmarkCompleteFloor$", "4000x")
	r := over("complete a task: advance, journal, next task", complete, "op/s", 1000, "/s")
	if f := floor.figures["op/s"]; f > 0 {
		r.floor, r.ratio = fmt.Sprintf("%.0f/s", f), fmt.Sprintf("%.2f", complete.figures["op/s"]/f)
	}
	results.add(r)
	results.add(complete.row(under("complete a task, p99", complete.figures["p99-ms"], 50, "ms")))
	results.add(over("instances of one task with their history", benchmark(ctx, server, "./processes", "BenchmarkStartOneTask$", "4000x"), "op/s", 1000, "/s"))
	taken := benchmark(ctx, server, "./processes", "BenchmarkTakingTimers$", "40000x")
	results.add(over("timers taken with 1,000,000 pending", taken, "op/s", 20000, "/s"))
	fired := benchmark(ctx, server, "./processes", "BenchmarkTimersAmongAMillionPending$", "20000x")
	results.add(fired.row(row{what: "timers fired up to the next task, 1,000,000 pending", measured: fmt.Sprintf("%.0f/s", fired.figures["op/s"]), floor: "-", ratio: "-", bar: "-", ok: true}))
	late := benchmark(ctx, server, "./processes", "BenchmarkTimerLateness$", "10000x")
	results.add(late.row(under("lateness of 1,000 timers due per second, p99", late.figures["p99-ms"]/1000, 1, "s")))
	letter := benchmark(ctx, server, "./connectors/email", "BenchmarkTheCostliestSmallLetter$", "5x")
	results.add(letter.row(under("the costliest hostile letter of 1.5 KB", letter.figures["most-ms"], 100, "ms")))
	workbook := benchmark(ctx, server, "./reports/excel", "BenchmarkWriting$", "1x", "MARSHRUT_BENCH_LEADS="+rows)
	results.add(workbook.row(row{what: rows + " leads to xlsx, against the bare writer", measured: fmt.Sprintf("%.0f rows/s", workbook.figures["rows/s"]), floor: "excelize",
		ratio: fmt.Sprintf("%.2f of its time", workbook.figures["ratio"]), bar: "1.20 of its time", ok: workbook.figures["ratio"] <= 1.2}))
	results.add(workbook.row(under(rows+" leads to xlsx, memory", workbook.figures["MB-peak"], 250, "MB")))
}

// figured is what one benchmark printed, by unit.
type figured struct {
	figures map[string]float64
	trouble string
}

// row is r, or why there is no measure.
func (f figured) row(r row) row {
	if f.trouble != "" {
		r.measured, r.ok = f.trouble, false
	}
	return r
}

func benchmark(ctx context.Context, server *postgresServer, folder, name, times string, environment ...string) figured {
	cmd := exec.CommandContext(ctx, "go", "test", folder, "-run", "^$", "-bench", name, "-benchtime", times, "-timeout", "10m")
	cmd.Env = append(os.Environ(), append(environment, "MARSHRUT_TEST_POSTGRES="+server.URL("postgres"))...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s\n", out)
		return figured{trouble: "failed: " + err.Error()}
	}
	f := figured{figures: parse(out)}
	if len(f.figures) == 0 {
		f.trouble = "no such benchmark"
	}
	return f
}

// parse reads "BenchmarkX-2  4000  123 ns/op  456 op/s".
func parse(out []byte) map[string]float64 {
	figures := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		for i := 2; i+1 < len(fields); i += 2 {
			if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
				figures[fields[i+1]] = value
			}
		}
	}
	return figures
}

// over is a rate that should stay over its bar.
func over(what string, f figured, unit string, bar float64, per string) row {
	value := f.figures[unit]
	return f.row(row{what: what, measured: fmt.Sprintf("%.0f%s", value, per), floor: "-", ratio: "-", bar: fmt.Sprintf("over %.0f%s", bar, per), ok: value >= bar})
}
