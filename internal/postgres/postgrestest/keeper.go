package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"marshrut/internal/localpg"
)

const (
	keeperVariable = "MARSHRUT_TEST_POSTGRES_KEEPER"
	keeperReady    = "ready "

	// go test starts the next package within this time, so that a whole run has one server.
	patience = 30 * time.Second
)

// A test binary started with the variable is not a test but the keeper of the
// shared server: it must outlive the tests, and there is no other program of
// ours that is sure to be there.
func init() {
	if home := os.Getenv(keeperVariable); home != "" {
		os.Exit(keep(home))
	}
}

// keep starts the server, says its address on standard output, closes that, and
// stops the server when nobody has used it for a while.
func keep(home string) int {
	ctx := context.Background()
	server, err := startShared(ctx, home)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	address := server.URL("postgres")
	if err := os.WriteFile(filepath.Join(home, "url"), []byte(address), 0o600); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Print(keeperReady + address)
	os.Stdout.Close()

	alone, err := untilUnused(ctx, filepath.Join(home, "users.lock"), patience)
	if err != nil {
		return 1
	}
	defer alone.Close() // who comes now waits, and then starts the server anew
	os.Remove(filepath.Join(home, "url"))
	if err := server.Stop(ctx); err != nil {
		return 1
	}
	return 0
}

// startShared starts the server, on a new cluster when the old one is beyond
// repair: without fsync a power cut does that, and nothing in it is of worth.
func startShared(ctx context.Context, home string) (*localpg.Server, error) {
	config := localpg.Config{Dir: home, Unsafe: true, Settings: map[string]string{
		"max_connections": "300", "shared_buffers": "128MB", "max_wal_size": "1GB",
		// Copying the template writes every page to the log: squeezing them costs more than it saves.
		"wal_compression": "off", "wal_level": "minimal", "max_wal_senders": "0",
	}}
	server, err := localpg.Start(ctx, config)
	if err == nil || errors.Is(err, localpg.ErrInUse) {
		return server, err
	}
	if wiped := localpg.Remove(home); wiped != nil {
		return nil, errors.Join(err, wiped)
	}
	return localpg.Start(ctx, config)
}

// untilUnused returns with the users' lock held alone, when nobody came for as
// long as patience lasts.
func untilUnused(ctx context.Context, lock string, patience time.Duration) (*os.File, error) {
	for {
		idle, err := flock(lock, syscall.LOCK_EX)
		if err != nil {
			return nil, err
		}
		idle.Close()
		rest, cancel := context.WithTimeout(ctx, patience)
		<-rest.Done()
		cancel()
		alone, err := flock(lock, syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil || !errors.Is(err, syscall.EWOULDBLOCK) {
			return alone, err
		}
	}
}
