package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// server gives the address of the server under the tests, and starts the shared
// one when it does not run yet.
var server = sync.OnceValues(func() (string, error) {
	if address := os.Getenv("MARSHRUT_TEST_POSTGRES"); address != "" {
		return address, nil
	}
	return shared(home())
})

// inUse is held open with a shared lock until this process ends: while anybody
// has it the server stays.
//
//lint:ignore U1000 nobody reads it: a file that nothing refers to would be closed
var inUse *os.File

// home is the folder of the shared server: one for each user of the machine.
func home() string {
	return filepath.Join(os.TempDir(), "marshrut-test-"+strconv.Itoa(os.Geteuid()))
}

func shared(home string) (string, error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return "", err
	}
	users, err := flock(filepath.Join(home, "users.lock"), syscall.LOCK_SH)
	if err != nil {
		return "", err
	}
	inUse = users
	starting, err := flock(filepath.Join(home, "start.lock"), syscall.LOCK_EX)
	if err != nil {
		return "", err
	}
	defer starting.Close()
	if address, err := os.ReadFile(filepath.Join(home, "url")); err == nil && answers(string(address)) {
		return string(address), nil
	}
	return startKeeper(home)
}

func flock(path string, how int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return file, nil
	}
}

func answers(address string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

// startKeeper runs this test binary once more as the process that keeps the
// server, and waits for its word: the address, or what went wrong.
func startKeeper(home string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	keeper := exec.Command(self)
	keeper.Env = append(os.Environ(), keeperVariable+"="+home)
	keeper.Dir = home
	keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the tests, not for the server
	out, err := keeper.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := keeper.Start(); err != nil {
		return "", err
	}
	said, err := io.ReadAll(out) // ends when the keeper has said it all
	if err != nil {
		return "", err
	}
	if err := keeper.Process.Release(); err != nil {
		return "", err
	}
	address, ok := strings.CutPrefix(string(said), keeperReady)
	if !ok {
		return "", errors.New(strings.TrimSpace(string(said)))
	}
	return address, nil
}
