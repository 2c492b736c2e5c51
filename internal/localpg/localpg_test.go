package localpg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// TestMain doubles as a gateway that starts a server and is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("MARSHRUT_LOCALPG_GATEWAY"); dir != "" {
		server, err := Start(context.Background(), Config{Dir: dir, Unsafe: true})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(server.PID())
		select {}
	}
	os.Exit(m.Run())
}

// folder is a data folder whose cluster goes with the test.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		if err := Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func start(t *testing.T, dir string) *Server {
	t.Helper()
	server, err := Start(t.Context(), Config{Dir: dir, Unsafe: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, server) })
	return server
}

func stop(t *testing.T, server *Server) {
	t.Helper()
	if err := server.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// ask runs a query that gives one text.
func ask(t *testing.T, server *Server, database, sql string) string {
	t.Helper()
	answer, err := query(server, database, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

func query(server *Server, database, sql string) (answer string, err error) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server.URL(database))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	return answer, conn.QueryRow(ctx, sql).Scan(&answer)
}

func TestAServerSpeaksThroughItsSocketOnlyAndKnowsCyrillic(t *testing.T) {
	server := start(t, folder(t))
	if err := server.CreateDatabase(t.Context(), "маршрут"); err != nil {
		t.Fatal(err)
	}
	if err := server.CreateDatabase(t.Context(), "маршрут"); err != nil {
		t.Errorf("making a database that exists: %v", err)
	}

	for sql, want := range map[string]string{
		"select lower('ЁЖИК')":         "ёжик",
		"show server_encoding":         "UTF8",
		"show listen_addresses":        "",
		"show unix_socket_permissions": "0700",
		"show timezone":                "UTC",
		"show jit":                     "off",
		"select coalesce(inet_server_addr()::text, 'socket')": "socket",
	} {
		if got := ask(t, server, "маршрут", sql); got != want {
			t.Errorf("%s: got %q, want %q", sql, got, want)
		}
	}
	info, err := os.Stat(server.place.sockets)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the socket has mode %o, want 700", info.Mode().Perm())
	}
}

func TestTheServerNeverRunsAsRoot(t *testing.T) {
	server := start(t, folder(t))
	info, err := os.Stat(filepath.Join(server.place.data, "postmaster.pid")) // written by the server itself
	if err != nil {
		t.Fatal(err)
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid == 0 {
		t.Error("it runs as root")
	}
}

func TestDataStaysFromOneStartToTheNext(t *testing.T) {
	dir := folder(t)
	first := start(t, dir)
	if err := first.CreateDatabase(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	stop(t, first)
	if _, err := query(first, "postgres", "select 'up'"); err == nil {
		t.Error("the server answers after Stop")
	}

	second := start(t, dir)

	if got := ask(t, second, "kept", "select current_database()::text"); got != "kept" {
		t.Errorf("got %s", got)
	}
}

func TestStopDoesNotWaitForOpenTransactions(t *testing.T) {
	server := start(t, folder(t))
	conn, err := pgx.Connect(t.Context(), server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "begin; create table half_done (id int)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	if err := server.Stop(ctx); err != nil || ctx.Err() != nil {
		t.Errorf("stopped with %v, out of time: %v", err, ctx.Err())
	}
}

func TestStopEndsAServerAtOnceWhenThereIsNoTimeLeft(t *testing.T) {
	server := start(t, folder(t))
	late, cancel := context.WithCancel(t.Context())
	cancel()

	if err := server.Stop(late); err != nil {
		t.Fatal(err)
	}

	if server.process.alive() {
		t.Error("the server still runs")
	}
}

func TestASecondGatewayOnTheSameFolderIsRefused(t *testing.T) {
	dir := folder(t)
	start(t, dir)

	_, err := Start(t.Context(), Config{Dir: dir})

	if !errors.Is(err, ErrInUse) {
		t.Fatalf("got %v, want ErrInUse", err)
	}
	if !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("the error does not name the process: %v", err)
	}
}

// gateway starts another process that starts the server, in a process group of
// its own, as a shell would.
func gateway(t *testing.T, dir string) (gateway *exec.Cmd, postmaster int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MARSHRUT_LOCALPG_GATEWAY="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(said))
	if err != nil {
		t.Fatalf("the gateway said %q", said)
	}
	return cmd, pid
}

func TestTheServerSurvivesItsGatewayAndIsTakenOver(t *testing.T) {
	for name, kill := range map[string]func(pid int) error{
		"killed":                 func(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) },
		"ctrl-c in its terminal": func(pid int) error { return syscall.Kill(-pid, syscall.SIGINT) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			first, postmaster := gateway(t, dir)
			if err := kill(first.Process.Pid); err != nil {
				t.Fatal(err)
			}
			_ = first.Wait() // it was killed, and says so

			server := start(t, dir)

			if server.PID() != postmaster {
				t.Errorf("a server with process id %d was started, %d was running", server.PID(), postmaster)
			}
			ask(t, server, "postgres", "select 'up'")
			stop(t, server)
			if (process{pid: postmaster}).alive() {
				t.Error("the server that was taken over did not stop")
			}
		})
	}
}

func TestAServerThatWasKilledWithItsGatewayComesUpAgain(t *testing.T) {
	dir := folder(t)
	first, postmaster := gateway(t, dir)
	for _, pid := range []int{first.Process.Pid, postmaster} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	_ = first.Wait() // it was killed, and says so

	server := start(t, dir)

	if server.PID() == postmaster {
		t.Errorf("the dead process %d was taken over", postmaster)
	}
	ask(t, server, "postgres", "select 'up'")
}

func TestKeepStartsAServerThatDiedAgain(t *testing.T) {
	server := start(t, folder(t))
	before := server.PID()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var keeper errgroup.Group
	keeper.Go(func() error { return server.Keep(ctx) })

	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}

	eventually(t, func() bool {
		_, err := query(server, "postgres", "select 'up'")
		return err == nil && server.PID() != before
	})
	cancel()
	if err := keeper.Wait(); err != nil {
		t.Error(err)
	}
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not come to pass within a minute")
		}
	}
}

func TestAStalePidFileDoesNotKeepTheServerFromStarting(t *testing.T) {
	for name, content := range map[string]string{
		"another program has the number now": strconv.Itoa(os.Getpid()) + "\n",
		"the process is gone":                strconv.Itoa(deadPID(t)) + "\n",
		"a full disk left it empty":          "",
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			stop(t, start(t, dir))
			place, err := settle(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{filepath.Join(place.data, "postmaster.pid"), filepath.Join(place.sockets, ".s.PGSQL."+port+".lock")} {
				if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}

			server := start(t, dir)

			ask(t, server, "postgres", "select 'up'")
		})
	}
}

// deadPID is the number of a process that has ended.
func deadPID(t *testing.T) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestACutDuringTheMakingOfAClusterLeavesNothingHalfMade(t *testing.T) {
	dir := folder(t)
	place, err := settle(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{place.data, place.data + ".new"} {
		if err := os.MkdirAll(filepath.Join(folder, "base"), 0o700); err != nil {
			t.Fatal(err)
		}
	}

	server := start(t, dir)

	ask(t, server, "postgres", "select 'up'")
}
