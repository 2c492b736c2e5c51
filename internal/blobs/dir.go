package blobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// directory keeps each blob in a file, in one of 256 folders, so that none grows
// too long. Durable means: the file and the folders that name it are fsynced.
type directory struct {
	root   string
	synced sync.Map // folders that are known to be on the disk
}

// Dir opens a folder as a store, and makes it when it is not there. What an
// earlier process left half written is cleared away.
func Dir(path string) (Store, error) {
	root, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the folder of blobs: %w", err)
	}
	d := &directory{root: root}
	if err := os.MkdirAll(d.drafts(), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of blobs: %w", err)
	}
	if err := errors.Join(syncFolder(filepath.Dir(root)), syncFolder(root)); err != nil {
		return nil, fmt.Errorf("open the folder of blobs: %w", err)
	}
	return d, d.sweep(time.Now().Add(-24 * time.Hour))
}

// drafts is where blobs are written before they get their name. It is on the
// same file system, so that renaming is atomic.
func (d *directory) drafts() string { return filepath.Join(d.root, ".drafts") }

// sweep removes drafts that nobody writes to any more.
func (d *directory) sweep(before time.Time) error {
	entries, err := os.ReadDir(d.drafts())
	if err != nil {
		return fmt.Errorf("clear half-written blobs: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.ModTime().After(before) {
			continue // it was renamed this moment, or is being written
		}
		if err := os.Remove(filepath.Join(d.drafts(), entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clear half-written blobs: %w", err)
		}
	}
	return nil
}

// file is where the blob of a key lies. A slash in the key becomes =, which no
// key contains: "a" may then be a blob beside "a/b".
func (d *directory) file(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(d.root, hex.EncodeToString(sum[:1]), strings.ReplaceAll(key, "/", "="))
}

func (d *directory) Put(ctx context.Context, key string, r io.Reader) (Info, error) {
	if err := checkKey(key); err != nil {
		return Info{}, err
	}
	info, err := d.put(ctx, key, r)
	if err != nil {
		return Info{}, fmt.Errorf("keep blob %s: %w", key, explain(err))
	}
	return info, nil
}

func (d *directory) put(ctx context.Context, key string, r io.Reader) (Info, error) {
	draft, err := os.CreateTemp(d.drafts(), "*")
	if err != nil {
		return Info{}, err
	}
	defer os.Remove(draft.Name()) // fails when all went well: it has another name by then
	info, err := write(draft, key, reader{ctx, r})
	if err != nil {
		draft.Close()
		return Info{}, err
	}
	// After a failed fsync the kernel may have dropped the pages: only a new file
	// written from the start can be trusted, and that is what a retry makes.
	if err := errors.Join(draft.Sync(), draft.Close()); err != nil {
		return Info{}, err
	}
	file := d.file(key)
	if err := d.folder(filepath.Dir(file)); err != nil {
		return Info{}, err
	}
	if err := os.Rename(draft.Name(), file); err != nil {
		return Info{}, err
	}
	return info, syncFolder(filepath.Dir(file))
}

// write copies the content and takes its measure.
func write(w io.Writer, key string, r io.Reader) (Info, error) {
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(w, sum), r)
	return Info{Key: key, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}

// folder makes one of the 256 folders durable, once per process.
func (d *directory) folder(path string) error {
	if _, done := d.synced.Load(path); done {
		return nil
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// Also when it exists: another process may have made it and not synced yet.
	if err := syncFolder(d.root); err != nil {
		return err
	}
	d.synced.Store(path, true)
	return nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func (d *directory) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	file, err := os.Open(d.file(key))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s", ErrNotFound, key)
	case err != nil:
		return nil, fmt.Errorf("open blob %s: %w", key, err)
	}
	return file, nil
}

func (d *directory) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	file := d.file(key)
	err := os.Remove(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	// Personal data that was erased must not come back after a power cut.
	if err = errors.Join(err, syncFolder(filepath.Dir(file))); err != nil {
		return fmt.Errorf("delete blob %s: %w", key, err)
	}
	return nil
}

func explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: free some space in data_dir", err)
	}
	return err
}
