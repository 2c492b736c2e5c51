package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/localpg"
)

// postgresServer is the private PostgreSQL of the run. It syncs every commit.
type postgresServer struct {
	*localpg.Server
	dir string
}

func startPostgres(ctx context.Context, dir string, watched bool) (*postgresServer, error) {
	config := localpg.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)}
	if watched {
		config.Settings = map[string]string{"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "all"}
	}
	server, err := localpg.Start(ctx, config)
	if err != nil {
		return nil, err
	}
	return &postgresServer{server, dir}, nil
}

func (s *postgresServer) end() {
	if err := errors.Join(s.Stop(context.Background()), localpg.Remove(s.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// printHardware says what the numbers were taken on.
func printHardware(ctx context.Context, out io.Writer, server *postgresServer) {
	var version string
	if conn, err := pgx.Connect(ctx, server.URL("postgres")); err == nil {
		_ = conn.QueryRow(ctx, "show server_version").Scan(&version) // only shown
		_ = conn.Close(ctx)
	}
	fmt.Fprintf(out, "%d cores of %s, %s of memory; append and fsync takes %s\n", runtime.NumCPU(), proc("/proc/cpuinfo", "model name"), proc("/proc/meminfo", "MemTotal"), syncTime(filepath.Dir(server.Cluster())))
	fmt.Fprintf(out, "%s, PostgreSQL %s, %s/%s; the load is made on the same cores\n", runtime.Version(), version, runtime.GOOS, runtime.GOARCH)
}

// proc is the first value under a name in a file of /proc; elsewhere than on Linux nothing.
func proc(file, name string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return "unknown make"
	}
	for line := range strings.Lines(string(content)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown make"
}

// syncTime is the median time to make 200 bytes durable.
func syncTime(dir string) time.Duration {
	file, err := os.CreateTemp(dir, "sync-")
	if err != nil {
		return 0
	}
	defer os.Remove(file.Name())
	defer file.Close()
	var took latencies
	for range 200 {
		began := time.Now()
		if _, err := file.Write(make([]byte, 200)); err != nil || file.Sync() != nil {
			return 0
		}
		took.add(time.Since(began))
	}
	return took.quantile(0.5).Round(10 * time.Microsecond)
}
