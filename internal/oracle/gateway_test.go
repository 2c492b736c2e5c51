package oracle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// token is that of both connections.
const token = "0123456789abcdef0123456789abcdef"

var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("MARSHRUT_BINARY"); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "marshrut-oracle-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "marshrut")
	// With the flags of `make build`, so that what it compiled is compiled already.
	out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "marshrut/cmd/marshrut").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the gateway: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if os.Getenv("MARSHRUT_BINARY") == "" {
		if path, err := binary(); err == nil {
			os.RemoveAll(filepath.Dir(path))
		}
	}
	os.Exit(code)
}

// program is the built gateway.
func program(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// gateway is one process of the gateway, which may die and come back at its address.
type gateway struct {
	name, roles, listen string
	binary, config, log string

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

func newGateway(t *testing.T, dir, config, name, roles string) *gateway {
	t.Helper()
	return &gateway{name: name, roles: roles, listen: freeAddress(t), binary: program(t), config: config, log: filepath.Join(dir, name+".log")}
}

func (g *gateway) String() string { return g.name }

// start starts the process; ready says when it works.
func (g *gateway) start(context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	log, err := os.OpenFile(g.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(g.binary, "serve", "-c", g.config, "--roles", g.roles)
	cmd.Env = append(environment(), "MARSHRUT_HTTP_LISTEN="+g.listen)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", g.name, err)
	}
	done := make(chan struct{})
	g.cmd, g.done = cmd, done
	go func() { // whoever ends the process waits for done
		_ = cmd.Wait()
		close(done)
	}()
	return nil
}

// kill ends the process with SIGKILL and waits until it is gone. It complains of
// one that was gone already: nobody asked it to.
func (g *gateway) kill(context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.done:
		return fmt.Errorf("%s ended by itself: %s", g.name, g.cmd.ProcessState)
	default:
	}
	if err := g.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill %s: %w", g.name, err)
	}
	<-g.done
	return nil
}

// stopBudget is what an orderly stop may take.
const stopBudget = 25 * time.Second

// terminate asks the process to stop, and wants it to do so in time and with status 0.
func (g *gateway) terminate(context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s ended by itself: %w (%v)", g.name, err, g.cmd.ProcessState)
	}
	timer := time.NewTimer(stopBudget)
	defer timer.Stop()
	select {
	case <-g.done:
	case <-timer.C:
		return errors.Join(fmt.Errorf("%s did not stop within %s", g.name, stopBudget), g.cmd.Process.Kill())
	}
	if code := g.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("%s stopped with status %d", g.name, code)
	}
	return nil
}

// discard ends whatever is left of the process.
func (g *gateway) discard() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cmd != nil {
		_ = g.cmd.Process.Kill() // of one that has ended: no harm
		<-g.done
	}
}

// ready waits until the process says that it is ready.
func (g *gateway) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var said string
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.listen+"/readyz", nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(r); err != nil {
			said = err.Error()
		} else {
			content, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if said = strings.TrimSpace(string(content)); answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		g.mu.Lock()
		done := g.done
		g.mu.Unlock()
		select {
		case <-done:
			return fmt.Errorf("%s ended instead of getting ready: %s", g.name, g.tail(2000))
		default:
		}
		if !pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("%s does not get ready: %s", g.name, said)
		}
	}
}

// tail is the end of the process's log.
func (g *gateway) tail(n int) string {
	content, err := os.ReadFile(g.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(content[max(0, len(content)-n):]))
}

// run runs an errand of the gateway's program and gives what it printed.
func run(t *testing.T, arguments ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t), arguments...)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("marshrut %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
	return string(out)
}

// environment is ours without what would be taken for settings.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "MARSHRUT_") })
}

// freeAddress is one of loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
