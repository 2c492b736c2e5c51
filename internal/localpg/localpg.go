// Package localpg runs a private PostgreSQL from the binaries the system has:
// one cluster for one data folder, reachable through a unix socket in a folder
// only we can enter, so it needs neither a port nor a password. It serves the
// single-machine mode and the tests. It does not know what is stored in it.
// internal/app starts and stops it; postgrestest shares one between test runs.
//
// The server outlives us: it runs in a session of its own, so that Ctrl-C stops
// us first and us it in order, and after a kill -9 the next Start takes it over.
package localpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	superuser = "marshrut"
	port      = "5432" // only names the socket file: the folder is ours alone

	// Crash recovery replays up to max_wal_size; on a slow disk that is minutes.
	startTimeout = 5 * time.Minute
	pollEvery    = 20 * time.Millisecond
)

// Config says where the cluster lives and how it runs.
type Config struct {
	Dir      string            // the data folder of the gateway; the cluster lies in it, or as root in /var/lib/marshrut
	Log      *slog.Logger      // nil: slog.Default()
	Unsafe   bool              // tests only: no fsync, a power cut loses the cluster
	Settings map[string]string // postgresql.conf settings on top of ours
}

// Server is a running private PostgreSQL.
type Server struct {
	cfg   Config
	log   *slog.Logger
	place place
	lock  *os.File

	mu      sync.Mutex
	process process
	stopped bool
}

// Start makes the cluster if there is none, starts its server or takes over the
// one an earlier process left behind, and returns when it answers. Every error
// is a sentence with its cure.
func Start(ctx context.Context, c Config) (*Server, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the data folder %s: %w", c.Dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", explainOS(err))
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: c, log: c.Log, lock: lock}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.place, err = settle(dir); err == nil {
		err = s.up(ctx)
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return s, nil
}

// URL is the address of a database of this server, for pgx or libpq. It creates
// nothing; see CreateDatabase.
func (s *Server) URL(database string) string { return s.place.url(database) }

// PID is the process id of the postmaster.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process.pid
}

// Cluster is the folder that holds the cluster, its socket and its log. As root
// it is not inside Config.Dir.
func (s *Server) Cluster() string { return s.place.root }

// Keep watches the server until ctx ends and starts it again when it dies, as
// an operating system out of memory makes it do. It returns nil when told to
// stop, and an error when the server cannot be brought back.
func (s *Server) Keep(ctx context.Context) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := s.revive(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("start PostgreSQL again after it died: %w", err)
		}
	}
}

func (s *Server) revive(ctx context.Context) error {
	s.mu.Lock()
	alive := s.stopped || s.process.alive()
	s.mu.Unlock()
	if alive {
		return nil
	}
	s.log.Warn("the private PostgreSQL died and is started again", "folder", s.place.root)
	return s.up(ctx)
}

// Stop shuts the server down fast: open transactions are rolled back, the rest
// is flushed. When ctx ends first the server is told to stop at once; what was
// committed survives that too. It returns when the server is gone.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	if err := s.process.stop(ctx); err != nil {
		return fmt.Errorf("stop PostgreSQL in %s: %w", s.place.root, err)
	}
	s.stopped = true
	return s.lock.Close()
}

// up brings the server to where it answers.
func (s *Server) up(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, errors.New("PostgreSQL did not answer in five minutes"))
	defer cancel()
	if found, err := s.takeOver(ctx); found || err != nil {
		return err
	}
	bin, err := s.binaries()
	if err != nil {
		return err
	}
	if !s.place.initialised() {
		if err := s.place.initdb(ctx, bin, s.cfg.Unsafe); err != nil {
			return err
		}
	}
	return s.launch(ctx, bin)
}

func (p place) url(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		Path:     "/" + database,
		RawQuery: url.Values{"host": {p.sockets}, "port": {port}, "user": {superuser}}.Encode(),
	}
	return u.String()
}
