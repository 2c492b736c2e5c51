// Package blobs keeps what is too large for an event: raw bodies, recordings,
// attachments (the claim check of Enterprise Integration Patterns). A directory
// serves one machine, S3 many. It does not know what the bytes are, nor who
// refers to them; the edge puts them before the event that does, and retention
// deletes them.
package blobs

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
)

var (
	// ErrNotFound is told of a key under which nothing is kept.
	ErrNotFound = errors.New("no such blob")
	// ErrBadKey is told of a key that is no safe name.
	ErrBadKey = errors.New("bad key of a blob")
)

// Info is what is known of a blob once it is kept.
type Info struct {
	Key    string
	Size   int64  // bytes
	SHA256 string // of the content, in hex
}

// Store keeps blobs under keys. A key is made of letters, digits, and . _ - in
// parts divided by slashes; 200 bytes at most.
type Store interface {
	// Put keeps what r gives and returns when it is durable. It appears under
	// the key whole or not at all; putting the same again changes nothing, other
	// content replaces the former.
	Put(ctx context.Context, key string, r io.Reader) (Info, error)
	// Open gives the content; ErrNotFound when there is none.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// Delete forgets a blob for good; nil when there is none.
	Delete(ctx context.Context, key string) error
}

// Open opens the store that an address names: "" is the folder blobs in dataDir,
// "s3://bucket/prefix?endpoint=https://host&region=name" a bucket.
func Open(address, dataDir string) (Store, error) {
	if address == "" {
		return Dir(filepath.Join(dataDir, "blobs"))
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("blobs.url is no address: write it like s3://bucket?endpoint=https://storage.example.org") // url.Parse repeats the secret in it
	}
	switch u.Scheme {
	case "s3":
		return openS3(u)
	case "file":
		return Dir(u.Path)
	}
	return nil, fmt.Errorf("blobs.url begins with %q: it is empty for a folder in data_dir, or s3://bucket", u.Scheme)
}

// Check writes, reads and deletes a small blob, so that a store that cannot be
// used is known at the start. Several processes may try the same store at once.
func Check(ctx context.Context, s Store) error {
	key := "check/" + rand.Text()
	if _, err := s.Put(ctx, key, bytes.NewReader([]byte(key))); err != nil {
		return err
	}
	r, err := s.Open(ctx, key)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); err != nil {
		return fmt.Errorf("read a blob back: %w", err)
	}
	return s.Delete(ctx, key)
}

// checkKey refuses keys that could leave the store or mean different things in
// different ones.
func checkKey(key string) error {
	const longest = 200 // a file name holds 255 bytes, and we add to it
	if key == "" || len(key) > longest {
		return fmt.Errorf("%w: it has %d bytes, not 1 to %d", ErrBadKey, len(key), longest)
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part[0] == '.' {
			return fmt.Errorf("%w %q: a part is empty or begins with a dot", ErrBadKey, key)
		}
	}
	for _, r := range key {
		if !allowed(r) {
			return fmt.Errorf("%w %q: %q is not allowed", ErrBadKey, key, r)
		}
	}
	return nil
}

func allowed(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-/", r)
}

// reader stops reading when its context ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.r.Read(p)
}
