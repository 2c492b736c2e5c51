package oracle

import (
	"context"
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/localpg"
)

// postmaster is a PostgreSQL that keeps what it acknowledged, to be killed.
type postmaster struct{ server *localpg.Server }

// newPostmaster starts a cluster of its own: the server that tests share answers
// before it has written.
func newPostmaster(t *testing.T) postmaster {
	t.Helper()
	dir := t.TempDir()
	server, err := localpg.Start(t.Context(), localpg.Config{Dir: dir, Log: slog.New(slog.DiscardHandler),
		Settings: map[string]string{"max_connections": "200"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := localpg.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return postmaster{server}
}

func (p postmaster) String() string { return "PostgreSQL" }

// kill ends the postmaster with SIGKILL; its backends follow when they notice.
func (p postmaster) kill(context.Context) error {
	if err := syscall.Kill(p.server.PID(), syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill PostgreSQL: %w", err)
	}
	return nil
}

// terminate asks for a fast shutdown, which breaks off what is under way.
func (p postmaster) terminate(context.Context) error {
	if err := syscall.Kill(p.server.PID(), syscall.SIGINT); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}

// start brings it back through its crash recovery, and returns when it answers.
func (p postmaster) start(ctx context.Context) error {
	dead := p.server.PID()
	keep, enough := context.WithCancel(ctx)
	defer enough()
	var keeper errgroup.Group
	keeper.Go(func() error { return p.server.Keep(keep) })
	for p.server.PID() == dead || !p.answers(ctx) {
		if !pause(ctx, 20*time.Millisecond) {
			break
		}
	}
	enough()
	return keeper.Wait()
}

func (p postmaster) answers(ctx context.Context) bool {
	conn, err := pgx.Connect(ctx, p.server.URL("postgres"))
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}
