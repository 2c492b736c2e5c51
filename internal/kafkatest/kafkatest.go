// Package kafkatest runs a real Apache Kafka for tests: the released broker from
// Maven Central in KRaft mode, with the machine's Java, on loopback. It can be
// killed with -9 and started again on the same data and address. The contract
// test of package kafka and the end-to-end test use it.
package kafkatest

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"marshrut/pipeline/kafka"
)

//go:embed server.properties
var serverProperties string

//go:embed log4j2.properties
var log4jProperties string

// lifeline starts Java and kills it when standard input ends, which is when the
// process that holds the other end dies, however it dies.
const lifeline = `exec 3<&0
"$@" 3<&- </dev/null &
java=$!
{ cat <&3 >/dev/null; kill -9 $java; } 2>/dev/null &
wait $java`

// ready bounds the wait for a broker to answer: a cold JVM on a busy machine.
const ready = 90 * time.Second

// Broker is one running Kafka.
type Broker struct {
	dir        string
	home       *release
	port       int
	controller int

	shell *exec.Cmd // the lifeline and Java, in a process group of their own
	hold  io.Closer // our end of the lifeline
	done  chan struct{}
}

// Start runs a broker for one test and stops it at the test's end.
func Start(t testing.TB) *Broker {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Minute) // the first time it is fetched
	defer cancel()
	b, err := Run(ctx, t.TempDir())
	if err != nil {
		t.Fatalf("start Apache Kafka: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the broker's log:\n%s", b.tail(4000))
		}
		b.Kill()
	})
	return b
}

// Run fetches Kafka if need be, formats its storage under dir and starts it. It
// returns when the broker answers. The caller ends it with Stop or Kill.
func Run(ctx context.Context, dir string) (*Broker, error) {
	home, err := fetch(ctx)
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	b := &Broker{dir: dir, home: home, port: ports[0], controller: ports[1]}
	if err := b.format(ctx); err != nil {
		return nil, err
	}
	if err := b.Restart(ctx); err != nil {
		b.Kill()
		return nil, err
	}
	return b, nil
}

// Addr is the broker's "host:port"; it stays the same over restarts.
func (b *Broker) Addr() string { return fmt.Sprintf("127.0.0.1:%d", b.port) }

// Kill ends the broker with SIGKILL and waits until it is gone.
func (b *Broker) Kill() { b.end(syscall.SIGKILL, time.Minute) }

// Stop lets the broker shut down in order; after half a minute it is killed.
func (b *Broker) Stop() { b.end(syscall.SIGTERM, 30*time.Second) }

func (b *Broker) end(signal syscall.Signal, patience time.Duration) {
	if b.shell == nil {
		return
	}
	group := -b.shell.Process.Pid
	syscall.Kill(group, signal)
	select {
	case <-b.done:
	case <-time.After(patience):
	}
	syscall.Kill(group, syscall.SIGKILL) // also what is left of the lifeline
	<-b.done
	b.hold.Close()
	b.shell = nil
}

// Restart starts the broker again on its data and address, and returns when it
// answers.
func (b *Broker) Restart(ctx context.Context) error {
	b.Kill()
	if err := b.launch(); err != nil {
		return err
	}
	k, err := kafka.New(kafka.Config{Brokers: []string{b.Addr()}})
	if err != nil {
		return err
	}
	defer k.Close()
	ctx, cancel := context.WithTimeout(ctx, ready)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		last := k.Ping(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-b.done:
			return fmt.Errorf("the broker ended at once; its log says:\n%s", b.tail(3000))
		case <-ctx.Done():
			return fmt.Errorf("the broker does not answer: %w; its log says:\n%s", errors.Join(context.Cause(ctx), last), b.tail(3000))
		case <-tick.C:
		}
	}
}

func (b *Broker) launch() error {
	out, err := os.OpenFile(b.path("broker.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the broker's log: %w", err)
	}
	defer out.Close()
	args := append([]string{"-c", lifeline, "sh"}, b.java("kafka.Kafka", b.path("server.properties"))...)
	cmd := exec.Command("/bin/sh", args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us to pass on
	hold, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("make the broker's lifeline: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	done := make(chan struct{})
	b.shell, b.hold, b.done = cmd, hold, done
	go func() { // the only way to know that a process has ended; end waits for it
		cmd.Wait()
		close(done)
	}()
	return nil
}

// format writes the configuration and prepares the log directory.
func (b *Broker) format(ctx context.Context) error {
	t := template.Must(template.New("").Parse(serverProperties))
	var conf bytes.Buffer
	err := t.Execute(&conf, map[string]any{"Port": b.port, "Controller": b.controller, "Logs": b.path("data")})
	if err != nil {
		return fmt.Errorf("write the broker's configuration: %w", err)
	}
	for name, content := range map[string]string{"server.properties": conf.String(), "log4j2.properties": log4jProperties} {
		if err := os.WriteFile(b.path(name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("write the broker's configuration: %w", err)
		}
	}
	var id [16]byte
	rand.Read(id[:])
	cluster := base64.RawURLEncoding.EncodeToString(id[:])
	args := b.java("kafka.tools.StorageTool", "format", "--cluster-id="+cluster, "--config="+b.path("server.properties"))
	if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("format the broker's storage: %w\n%s", err, out)
	}
	return nil
}

// java is the command line of one of Kafka's programs.
func (b *Broker) java(class string, args ...string) []string {
	return append([]string{
		b.home.java, "-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dlog4j2.configurationFile=" + b.path("log4j2.properties"),
		"-cp", filepath.Join(b.home.libs, "*"), class,
	}, args...)
}

func (b *Broker) path(name string) string { return filepath.Join(b.dir, name) }

// tail is the last n bytes of the broker's log.
func (b *Broker) tail(n int) string {
	content, err := os.ReadFile(b.path("broker.log"))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(content[max(0, len(content)-n):]))
}

// freePorts finds n ports of loopback that nobody listens on.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
