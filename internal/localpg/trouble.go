package localpg

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrInUse is told when another process already runs on the same data folder.
var ErrInUse = errors.New("another marshrut already works in this data folder")

// lockFolder keeps a second gateway out of the folder for as long as we live;
// the kernel releases the lock however we die.
func lockFolder(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "marshrut.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", explainOS(err))
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(file, 32))
		file.Close()
		return nil, fmt.Errorf("%w: %s (process %s): stop it first, or give this one another data_dir", ErrInUse, dir, strings.TrimSpace(string(holder)))
	}
	if err := errors.Join(file.Truncate(0), writePID(file)); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock the data folder: %w", explainOS(err))
	}
	return file, nil
}

func writePID(file *os.File) error {
	_, err := fmt.Fprintf(file, "%d\n", os.Getpid())
	return err
}

// troubles are what PostgreSQL says when it cannot start, and what to do.
var troubles = []struct{ says, cure string }{
	{"No space left on device", "the disk is full: free some space and start again, nothing that was stored is lost"},
	{"Disk quota exceeded", "the disk quota is used up: free some space and start again, nothing that was stored is lost"},
	{"database files are incompatible", "the database was made by another version of PostgreSQL: install that one, or move the data over with pg_upgrade"},
	{"could not map anonymous shared memory", "there is not enough memory: PostgreSQL needs about 200 MB"},
	{"could not create shared memory segment", "there is not enough shared memory: in a container give it more with --shm-size"},
	{"invalid locale name", "the system lacks the locale " + locale() + ": install it (Debian: apt-get install locales)"},
	{"Permission denied", "a file belongs to another user: give the folder back to the user that runs PostgreSQL with chown -R"},
	{"invalid value for parameter", "a setting of the private PostgreSQL is wrong"},
	{"unrecognized configuration parameter", "a setting of the private PostgreSQL is unknown to this version"},
}

// explain turns what a program of PostgreSQL said into a sentence with a cure.
func explain(said string, err error) error {
	last := lastWords(said)
	for _, t := range troubles {
		if strings.Contains(said, t.says) {
			return fmt.Errorf("%s (%s)", t.cure, last)
		}
	}
	if last == "" {
		return err
	}
	return fmt.Errorf("%w, with the words %q", err, last)
}

// lastWords is the last line that tells of a failure, else the last line.
func lastWords(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		for _, mark := range []string{"PANIC:", "FATAL:", "error:"} {
			if at := strings.Index(lines[i], mark); at >= 0 {
				return strings.TrimSpace(lines[i][at:])
			}
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}

// tail reads the log from an offset on.
func tail(path string, from int64) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	text, _ := io.ReadAll(io.NewSectionReader(file, from, 64<<10)) // half a message is better than none
	return string(text)
}

// explainOS adds the cure to the errors of the system that have one.
func explainOS(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: free some space and start again", err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: choose a data_dir that this user may write to", err)
	}
	return err
}
