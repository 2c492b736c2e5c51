package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/configs"
	"marshrut/internal/app"
	"marshrut/internal/postgres"
)

const token = "0123456789abcdef0123456789abcdef"

const settings = `
data_dir: %s
database: {url: %q}
http: {listen: %q}
log: {level: error}
outgoing: {allow: [127.0.0.0/8]}
connections:
  - {name: site, connector: webform, provider: generic, token: %s, rate_limit: 100000000}
`

// company is one installation under load.
type company struct {
	config, listen string
	server         *postgresServer
	database       string
	passwords      map[string]string // one-time ones, by login
	pool           *pgxpool.Pool
	gateway        gateway
}

// gateway is one running gateway, in a process of its own or in this one.
type gateway interface {
	stop(context.Context) error
	memory() float64 // MB
}

// newCompany installs a company in a database of its own. connections are more of them, in YAML.
func newCompany(ctx context.Context, o options, dir string, server *postgresServer, database, connections string) (*company, error) {
	if err := server.CreateDatabase(ctx, database); err != nil {
		return nil, err
	}
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	c := &company{config: filepath.Join(dir, database+".yaml"), listen: listen, server: server, database: database, passwords: map[string]string{}}
	text := fmt.Sprintf(settings, filepath.Join(dir, database+"-data"), server.URL(database), listen, token) + connections
	if err := os.WriteFile(c.config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := c.start(ctx, o); err != nil {
		return nil, err
	}
	if c.pool, err = postgres.Open(ctx, server.URL(database), postgres.Options{MaxConns: 3, Application: "bench"}); err != nil {
		return nil, errors.Join(err, c.gateway.stop(ctx))
	}
	return c, c.hire(ctx, o)
}

// hire gives the processes somebody to give work to.
func (c *company) hire(ctx context.Context, o options) error {
	for n, person := range []string{"anna", "boris", "vera"} {
		out, err := exec.CommandContext(ctx, o.binary, "user", "add", "-c", c.config, "--login", person, "--name", person, "--role", "manager", "--works", "manager,duty",
			"--extension", strconv.Itoa(101+n)).CombinedOutput()
		if err != nil {
			return fmt.Errorf("add a manager: %w\n%s", err, out)
		}
		_, c.passwords[person], _ = strings.Cut(strings.TrimSpace(string(out)), ": ")
	}
	return nil
}

func (c *company) close() {
	if c.pool != nil {
		c.pool.Close()
	}
	if err := c.gateway.stop(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench: stop the gateway:", err)
	}
}

func (c *company) address() string { return "http://" + c.listen + "/in/site/" + token }

func (c *company) start(ctx context.Context, o options) (err error) {
	if o.cpuProfile != "" {
		c.gateway, err = startInside(ctx, c.config)
		return err
	}
	if c.gateway, err = startProcess(o.binary, c.config); err != nil {
		return err
	}
	return c.ready(ctx)
}

func (c *company) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.listen+"/readyz", nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(r); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.New("the gateway does not get ready")
		case <-tick.C:
		}
	}
}

// count counts something in the gateway's database.
func (c *company) count(ctx context.Context, query string) (n int, err error) {
	rows, err := c.pool.Query(ctx, query)
	if err != nil {
		return 0, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
}

// process is a gateway outside.
type process struct {
	cmd  *exec.Cmd
	wait func() error
}

func startProcess(binary, config string) (gateway, error) {
	cmd := exec.Command(binary, "serve", "-c", config)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the gateway: %w", err)
	}
	return &process{cmd, sync.OnceValue(cmd.Wait)}, nil
}

func (p *process) stop(context.Context) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // one that has ended is what we want
	return p.wait()
}

func (p *process) memory() float64 { return resident(p.cmd.Process.Pid) }

// resident is a process's resident memory in MB.
func resident(pid int) float64 {
	var kilobytes float64
	text := strings.TrimSuffix(proc(fmt.Sprintf("/proc/%d/status", pid), "VmRSS"), " kB")
	if _, err := fmt.Sscan(text, &kilobytes); err != nil {
		return 0
	}
	return kilobytes / 1024
}

// inside is a gateway in this process, to be profiled.
type inside struct{ *app.App }

func startInside(ctx context.Context, file string) (gateway, error) {
	config, err := configs.Load(file, nil)
	if err != nil {
		return nil, err
	}
	g, err := app.New(ctx, app.Options{Config: config, Log: app.NewLog(os.Stderr, config.Log)})
	if err != nil {
		return nil, err
	}
	if err := g.Start(ctx); err != nil {
		return nil, errors.Join(err, g.Stop(ctx))
	}
	return inside{g}, nil
}

func (g inside) stop(ctx context.Context) error { return g.Stop(ctx) }
func (g inside) memory() float64                { return resident(os.Getpid()) }

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
