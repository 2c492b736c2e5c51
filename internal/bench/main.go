// Command bench measures the numbers the gateway answers for, on this machine,
// and prints them as a table beside what they are measured against. `make bench`
// runs it. It is no test: nothing fails for being slow. The gateway runs as a
// process of its own on a private PostgreSQL that syncs every commit; the load is
// made by this process on loopback, and shares the machine's cores with both.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"syscall"
	"time"
)

// options of a run.
type options struct {
	binary     string
	cpuProfile string
	full       bool
	gateway    bool
	channels   bool
	rooms      bool
	span       time.Duration // of each load
	statements int           // how many of the costliest statements to list
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/marshrut", "the gateway's program")
	flag.StringVar(&o.cpuProfile, "cpuprofile", "", "run the gateway inside this process and write its CPU profile here")
	flag.BoolVar(&o.full, "full", false, "the workbook with a million leads instead of 200,000")
	flag.BoolVar(&o.gateway, "gateway", true, "the gateway under forms")
	flag.BoolVar(&o.channels, "channels", true, "the gateway with a telephone exchange, a mailbox and a 1C base")
	flag.BoolVar(&o.rooms, "rooms", true, "the benchmarks of single rooms: processes, timers, workbook")
	flag.DurationVar(&o.span, "span", 15*time.Second, "how long each load goes on")
	flag.IntVar(&o.statements, "statements", 0, "also list so many statements of the gateway that took PostgreSQL most of its time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure takes all measures one after the other: two at once would spoil both.
func measure(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "marshrut-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server, err := startPostgres(ctx, filepath.Join(dir, "postgres"), o.statements > 0)
	if err != nil {
		return err
	}
	defer server.end()
	printHardware(ctx, os.Stdout, server)

	if o.cpuProfile != "" {
		file, err := os.Create(o.cpuProfile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var results table
	if o.gateway {
		if err := measureGateway(ctx, o, dir, server, &results); err != nil {
			return err
		}
	}
	if o.channels {
		if err := measureChannels(ctx, o, dir, server, &results); err != nil {
			return err
		}
	}
	if o.rooms {
		measureRooms(ctx, o, server, &results)
	}
	results.print(os.Stdout)
	return nil
}

// measureGateway measures the whole: the gateway under load, from outside.
func measureGateway(ctx context.Context, o options, dir string, server *postgresServer, results *table) error {
	c, err := newCompany(ctx, o, dir, server, "gateway", "")
	if err != nil {
		return err
	}
	defer c.close()
	for _, measure := range []func(context.Context, options, *table) error{c.idle, c.paced, c.sustained, c.restart} {
		if err := measure(ctx, o, results); err != nil {
			return err
		}
	}
	return nil
}
