package localpg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// process is a postmaster: our child, or one taken over.
type process struct {
	pid   int
	child bool
}

// alive tells whether the process runs. A child that died is reaped here, so
// nothing has to wait for it elsewhere.
func (p process) alive() bool {
	if p.pid <= 1 {
		return false
	}
	if p.child {
		pid, err := syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil)
		return err == nil && pid == 0
	}
	err := syscall.Kill(p.pid, 0)
	return (err == nil || errors.Is(err, syscall.EPERM)) && !zombie(p.pid)
}

// zombie tells of a process that has ended and whose parent does not ask: in a
// container without an init that is how orphans end, and they never go away.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	// The name, in brackets, may hold anything; the state follows it (man 5 proc).
	_, after, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	return strings.HasPrefix(after, "Z")
}

// stop asks for a fast shutdown, and for an immediate one when ctx ends before
// that is through (PostgreSQL documentation, 19.5 Shutting Down the Server).
func (p process) stop(ctx context.Context) error {
	if !p.alive() {
		return nil
	}
	if err := syscall.Kill(p.pid, syscall.SIGINT); err != nil {
		return err
	}
	if p.gone(ctx) {
		return nil
	}
	if err := syscall.Kill(p.pid, syscall.SIGQUIT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if p.gone(last) {
		return nil
	}
	return fmt.Errorf("process %d does not end: look at its log, and kill it only if the machine is going down", p.pid)
}

// gone waits until the process is gone; false when ctx ends first.
func (p process) gone(ctx context.Context) bool {
	for p.alive() {
		if wait(ctx) != nil {
			return false
		}
	}
	return true
}

func wait(ctx context.Context) error {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// launch starts the server and waits until it answers.
func (s *Server) launch(ctx context.Context, bin string) error {
	for {
		// The server must outlive ctx, which only bounds the start.
		cmd := s.place.command(context.WithoutCancel(ctx), filepath.Join(bin, "postgres"), s.arguments()...)
		from, err := s.spawn(cmd)
		if err != nil {
			return fmt.Errorf("start PostgreSQL: %w", explainOS(err))
		}
		err = s.answers(ctx)
		switch {
		case err == nil:
			s.log.Info("private PostgreSQL started", "folder", s.place.root, "pid", s.process.pid)
			return nil
		case !errors.Is(err, errDied):
			_ = s.process.stop(ctx) // a server nobody waits for must not stay; the error to tell is err
			return fmt.Errorf("wait for PostgreSQL in %s: %w", s.place.root, err)
		}
		said := tail(s.place.log, from)
		if !strings.Contains(said, "shared memory block") {
			return fmt.Errorf("start PostgreSQL in %s: %w", s.place.root, explain(said, err))
		}
		// The backends of a postmaster that was killed end within moments of noticing.
		if err := wait(ctx); err != nil {
			return fmt.Errorf("wait for the last processes of the former PostgreSQL in %s: %w", s.place.root, err)
		}
	}
}

// spawn starts the server with its output in the log, and tells where in the
// log its words begin.
func (s *Server) spawn(cmd *exec.Cmd) (from int64, err error) {
	const enough = 16 << 20 // the log holds starts and stops only; this is years
	if info, err := os.Stat(s.place.log); err == nil && info.Size() > enough {
		if err := os.Rename(s.place.log, s.place.log+".old"); err != nil {
			return 0, err
		}
	}
	log, err := os.OpenFile(s.place.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return 0, err
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	s.process = process{pid: cmd.Process.Pid, child: true}
	return info.Size(), cmd.Process.Release()
}

// arguments are the settings, in a fixed order. They suit two cores and a few
// gigabytes shared with the gateway.
func (s *Server) arguments() []string {
	settings := map[string]string{
		"listen_addresses":        "",
		"port":                    port,
		"unix_socket_directories": s.place.sockets,
		"unix_socket_permissions": "0700",
		"max_connections":         "100",
		"shared_buffers":          "256MB", // with less, a busy intake writes out pages itself to make room
		"synchronous_commit":      "on",
		"wal_compression":         "on",
		"max_wal_size":            "2GB",
		"checkpoint_timeout":      "15min",
		"autovacuum_naptime":      "10s", // the spool has thousands of dead rows within a minute
		"jit":                     "off", // our statements are short: compiling costs more than it saves
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		// Errors of statements quote phones and names; the gateway reports them itself.
		"log_min_messages":        "log",
		"log_min_error_statement": "panic",
		"log_error_verbosity":     "terse",
		"log_checkpoints":         "off",
	}
	if s.cfg.Unsafe {
		maps.Copy(settings, map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
	}
	maps.Copy(settings, s.cfg.Settings)
	args := []string{"-D", s.place.data}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", key+"="+settings[key])
	}
	return args
}

// errDied is told by answers when the server ended instead of answering.
var errDied = errors.New("it ended at once")

// answers waits until the server takes a query: also through crash recovery,
// when it says that it is starting up.
func (s *Server) answers(ctx context.Context) error {
	for {
		if s.ping(ctx) == nil {
			return nil
		}
		if !s.process.alive() {
			return errDied
		}
		if err := wait(ctx); err != nil {
			return err
		}
	}
}

// ping asks the server behind our socket whether it serves our cluster.
func (s *Server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var data string
	if err := conn.QueryRow(ctx, "show data_directory").Scan(&data); err != nil {
		return err
	}
	if data != s.place.data {
		return fmt.Errorf("the server behind the socket in %s serves %s", s.place.sockets, data)
	}
	return nil
}

// takeOver adopts the server that an earlier process left running; false when
// there is none.
func (s *Server) takeOver(ctx context.Context) (bool, error) {
	file := filepath.Join(s.place.data, "postmaster.pid")
	pid, err := readPID(file)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", file, err)
	}
	// What we started ourselves and saw die was our child until we reaped it.
	s.process = process{pid: pid}
	if s.process.alive() && serves(pid, s.place.data) {
		err := s.answers(ctx)
		if err == nil {
			s.log.Info("private PostgreSQL was still running and is taken over", "folder", s.place.root, "pid", pid)
			return true, nil
		}
		if !errors.Is(err, errDied) {
			return false, fmt.Errorf("PostgreSQL (process %d) runs in %s and does not answer: stop it with 'kill -INT %d' and start again: %w", pid, s.place.root, pid, err)
		}
	}
	return false, s.clearReused(ctx, file, pid)
}

// clearReused removes the pid files when PostgreSQL would refuse to start for
// them: they name another program that got the number after a restart, or a
// zombie, or nothing at all. The file of a server that is plainly gone stays, for
// it tells PostgreSQL to look for processes that still hold the shared memory;
// where it cannot stay, we look for them.
func (s *Server) clearReused(ctx context.Context, file string, pid int) error {
	if pid != 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return nil
	}
	for inhabited(s.place.data) {
		if err := wait(ctx); err != nil {
			return fmt.Errorf("wait for the last processes of the former PostgreSQL in %s: %w", s.place.root, err)
		}
	}
	s.log.Info("cleared a stale pid file of PostgreSQL", "file", file, "pid", pid)
	for _, stale := range []string{file, filepath.Join(s.place.sockets, ".s.PGSQL."+port+".lock")} {
		if err := os.Remove(stale); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("clear the stale pid file: %w", err)
		}
	}
	return nil
}

// inhabited tells whether a process works in the folder, as all of PostgreSQL do
// in their data. Only Linux can be asked.
func inhabited(data string) bool {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd") // the only error is a bad pattern
	for _, link := range links {
		if folder, err := os.Readlink(link); err == nil && folder == data {
			return true
		}
	}
	return false
}

// readPID reads the first line of postmaster.pid; an empty or broken file, as a
// full disk leaves it, gives 0.
func readPID(file string) (int, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	pid, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
	if err != nil {
		return 0, nil
	}
	return pid, nil
}

// serves tells whether a process is the postmaster of this cluster, and not
// another program that got the same number after a restart.
func serves(pid int, data string) bool {
	command, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if runtime.GOOS != "linux" {
		command, err = exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	}
	return err == nil && strings.Contains(string(command), "postgres") && strings.Contains(string(command), data)
}
