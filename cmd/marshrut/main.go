// Command marshrut is the gateway: one binary for the demo company, for production in any split of roles, and for the
// operator's errands. It parses flags, runs one sub-command and turns its outcome into an exit status: 0 done, 1 failed with
// one clear line on standard error, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	_ "time/tzdata" // calendars need the zones on machines that have none
)

var version = "dev" // set by the linker

// commands is the command line: one field per sub-command, in the order of the help text.
type commands struct {
	Demo       demoCommand       `cmd:"" help:"Start the demo company: everything on this machine, filled with 90 days of history."`
	Serve      serveCommand      `cmd:"" help:"Run the gateway."`
	Migrate    migrateCommand    `cmd:"" help:"Bring the database up to date (serve does it too, under a lock)."`
	Config     configCommand     `cmd:"" help:"Look at the settings."`
	User       userCommand       `cmd:"" help:"People who may sign in."`
	Token      tokenCommand      `cmd:"" help:"API tokens."`
	Connection connectionCommand `cmd:"" help:"Where inquiries come from."`
	Process    processCommand    `cmd:"" help:"Route maps."`
	Report     reportCommand     `cmd:"" help:"Print or save a report."`
	Delivery   deliveryCommand   `cmd:"" help:"What could not be sent."`
	Onec       onecCommand       `cmd:"" help:"1C infobases."`
	Person     personCommand     `cmd:"" help:"Personal data of one client."`
	Deadletter deadletterCommand `cmd:"" help:"Inquiries that could not be understood or stored."`

	Version kong.VersionFlag `help:"Print the version."`
}

// console is what a sub-command talks through.
type console struct {
	ctx      context.Context
	in       io.Reader
	out, err io.Writer
	environ  []string
}

func (c console) printf(format string, args ...any) { fmt.Fprintf(c.out, format, args...) }

// errUsage marks a mistake in how the command was called.
var errUsage = errors.New("wrong usage")

// garbagePercent lets the heap grow to three times what is alive before it is
// collected, unless GOGC says otherwise. A busy gateway has some 25 MB alive and
// spent a quarter of its time collecting at Go's own 100.
const garbagePercent = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for an orderly stop; after it the default is back, so that a second one ends the process.
	context.AfterFunc(ctx, stop)
	code := run(console{ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run is the whole program with its surroundings as values, so that tests can call it.
func run(c console, args []string) (code int) {
	var cli commands
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("marshrut"),
		kong.Description("Inquiries from every channel become leads with a running process. docs/ tells the rest."),
		kong.Vars{"version": version},
		kong.Writers(c.out, c.err),
		kong.Exit(func(status int) { exited = status }),
		kong.UsageOnError(),
		kong.Bind(c),
	)
	if err != nil {
		fmt.Fprintln(c.err, "marshrut:", err)
		return 2
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintln(c.err, "marshrut:", err)
		fmt.Fprintln(c.err, "marshrut --help tells what there is")
		return 2
	}
	switch err := command.Run(c); {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(c.err, "marshrut:", err)
		return 2
	default:
		fmt.Fprintln(c.err, "marshrut:", err)
		return 1
	}
}
