package localpg

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// Where a cluster goes when we run as root: PostgreSQL refuses to run as root,
// and the user it runs as cannot reach a home folder.
const rootPlace = "/var/lib/marshrut"

// sun_path holds 108 bytes on Linux and 104 on macOS, with the closing zero.
const longestSocket = 103

// place is where one cluster lies, and who owns it.
type place struct {
	root    string              // everything below is in it, except perhaps sockets
	data    string              // PGDATA
	sockets string              // 0700, short
	log     string              // what the server has to say
	owner   *syscall.Credential // nil: whoever we are
}

// settle finds the place of the cluster that belongs to the folder dir, and
// makes its folders.
func settle(dir string) (place, error) {
	p := placeIn(filepath.Join(dir, "postgres"))
	if os.Geteuid() == 0 {
		owner, err := unprivileged()
		if err != nil {
			return place{}, err
		}
		p = placeIn(filepath.Join(rootPlace, hashOf(dir)))
		p.owner = owner
		if err := openFolder(rootPlace); err != nil {
			return place{}, err
		}
	}
	for _, folder := range []string{p.root, p.sockets} {
		if err := p.folder(folder); err != nil {
			return place{}, err
		}
	}
	if p.owner != nil {
		// A sign for people who look for the database in the data folder.
		_ = os.Symlink(p.root, filepath.Join(dir, "postgres"))
	}
	return p, nil
}

func placeIn(root string) place {
	return place{
		root:    root,
		data:    filepath.Join(root, "data"),
		sockets: socketFolder(root, os.TempDir()),
		log:     filepath.Join(root, "postgres.log"),
	}
}

// socketFolder is root/run when the path of the socket in it is short enough,
// else a folder named after root in a temporary folder that is.
func socketFolder(root, temp string) string {
	name := "marshrut-" + strconv.Itoa(os.Geteuid()) + "-" + hashOf(root)
	for _, folder := range []string{filepath.Join(root, "run"), filepath.Join(temp, name)} {
		if len(folder)+len("/.s.PGSQL.")+len(port) <= longestSocket {
			return folder
		}
	}
	return filepath.Join("/tmp", name)
}

func hashOf(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:6])
}

// folder makes a folder that only the owner of the cluster can enter. One that
// somebody else made first, in /tmp say, is refused.
func (p place) folder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("make the folder of the database: %w", explainOS(err))
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at the folder of the database: %w", err)
	}
	uid, gid := os.Geteuid(), os.Getegid()
	if p.owner != nil {
		uid, gid = int(p.owner.Uid), int(p.owner.Gid)
	}
	stat := info.Sys().(*syscall.Stat_t)
	switch {
	case int(stat.Uid) == uid && info.Mode().Perm() == 0o700:
		return nil
	case int(stat.Uid) != uid && int(stat.Uid) != os.Geteuid():
		return fmt.Errorf("the folder %s belongs to another user (uid %d): remove it, or choose another data folder", path, stat.Uid)
	}
	if err := errors.Join(os.Chmod(path, 0o700), chown(path, uid, gid)); err != nil {
		return fmt.Errorf("close the folder of the database to others: %w", err)
	}
	return nil
}

func chown(path string, uid, gid int) error {
	if uid == os.Geteuid() {
		return nil
	}
	return os.Chown(path, uid, gid)
}

// openFolder makes a folder that everybody may pass through.
func openFolder(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return fmt.Errorf("make the folder for databases: %w", explainOS(err))
	}
	return os.Chmod(path, 0o755)
}

// unprivileged is the user that runs PostgreSQL when we are root.
func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL never runs as root, and there is neither a user postgres nor nobody to run it: add one with 'useradd --system postgres'")
}

func (p place) initialised() bool {
	_, err := os.Stat(filepath.Join(p.data, "PG_VERSION"))
	return err == nil
}

// initdb makes the cluster beside its place and moves it there when it is
// whole, so that a cut in the middle leaves nothing half made.
func (p place) initdb(ctx context.Context, bin string, unsafe bool) error {
	fresh := p.data + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(p.data)); err != nil {
		return fmt.Errorf("clear the place of a new database: %w", err)
	}
	args := []string{"-D", fresh, "-U", superuser, "--auth=trust", "--encoding=UTF8", "--locale=" + locale(), "--no-instructions"}
	if unsafe {
		args = append(args, "--no-sync")
	} else {
		args = append(args, "--data-checksums")
	}
	out, err := p.command(ctx, filepath.Join(bin, "initdb"), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make the database in %s: %w", p.root, explain(string(bytes.TrimSpace(out)), err))
	}
	if err := os.Rename(fresh, p.data); err != nil {
		return fmt.Errorf("put the new database in its place: %w", err)
	}
	return nil
}

// locale gives Cyrillic its lower case without sorting by the rules of one
// language. macOS has no C.UTF-8 before version 15.
func locale() string {
	if runtime.GOOS == "darwin" {
		return "en_US.UTF-8"
	}
	return "C.UTF-8"
}

// command runs a program of PostgreSQL as the owner of the cluster, with an
// environment that holds nothing of ours: no PGDATA, no secrets.
func (p place) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = p.root
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=" + locale(), "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: p.owner}
	return cmd
}

// version is the major version that made the cluster, "" when there is none.
func (p place) version() (int, error) {
	text, err := os.ReadFile(filepath.Join(p.data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the database: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("the file PG_VERSION in %s says %q, not a version: the cluster is damaged, restore it from a backup", p.data, text)
	}
	return major, nil
}

// Remove deletes the cluster of a data folder, with all that is stored in it.
// Its server must not run.
func Remove(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	p, err := settle(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(p.root), os.RemoveAll(p.sockets)); err != nil {
		return fmt.Errorf("remove the database of %s: %w", dir, err)
	}
	return nil
}
