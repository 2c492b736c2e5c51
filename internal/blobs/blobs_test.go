package blobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"golang.org/x/sync/errgroup"
)

// stores are all implementations; each keeps the whole contract.
var stores = map[string]func(t *testing.T) Store{
	"directory": func(t *testing.T) Store { return open(t, "", t.TempDir()) },
	"s3": func(t *testing.T) Store {
		return open(t, "s3://key:secret@blobs/some/prefix?region=us-east-1&endpoint="+fakeS3(t), "")
	},
}

func fakeS3(t *testing.T) string {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("blobs"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return server.URL
}

func open(t *testing.T, address, dataDir string) Store {
	t.Helper()
	store, err := Open(address, dataDir)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// contract runs a test on each implementation.
func contract(t *testing.T, test func(t *testing.T, store Store)) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func put(t *testing.T, store Store, key, content string) Info {
	t.Helper()
	info, err := store.Put(t.Context(), key, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func get(t *testing.T, store Store, key string) string {
	t.Helper()
	r, err := store.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestWhatIsPutIsReadBackByteForByte(t *testing.T) {
	contract(t, func(t *testing.T, store Store) {
		for key, content := range map[string]string{
			"empty":           "",
			"small":           "Здравствуйте\x00\xff\r\n",
			"2026/03/a-b_c.d": strings.Repeat("0123456789", 1<<20), // 10 MiB
		} {
			info := put(t, store, key, content)
			sum := sha256.Sum256([]byte(content))
			if want := (Info{key, int64(len(content)), hex.EncodeToString(sum[:])}); info != want {
				t.Errorf("got %+v, want %+v", info, want)
			}
			if got := get(t, store, key); got != content {
				t.Errorf("%s came back with %d bytes of %d, or others", key, len(got), len(content))
			}
		}
	})
}

func TestPuttingTheSameAgainChangesNothing(t *testing.T) {
	contract(t, func(t *testing.T, store Store) {
		first, second := put(t, store, "letter", "same"), put(t, store, "letter", "same")
		if first != second || get(t, store, "letter") != "same" {
			t.Errorf("first %+v, then %+v", first, second)
		}
	})
}

func TestAKeyBesideALongerOneIsAnotherBlob(t *testing.T) {
	contract(t, func(t *testing.T, store Store) {
		put(t, store, "a", "short")
		put(t, store, "a/b", "long")
		if got := get(t, store, "a") + " " + get(t, store, "a/b"); got != "short long" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAMissingBlobIsNotFound(t *testing.T) {
	contract(t, func(t *testing.T, store Store) {
		if _, err := store.Open(t.Context(), "nothing"); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestADeletedBlobIsGone(t *testing.T) {
	contract(t, func(t *testing.T, store Store) {
		put(t, store, "a", "b")
		for range 2 { // the second time there is nothing to delete
			if err := store.Delete(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := store.Open(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestABlobThatBreaksOffIsNotThere(t *testing.T) {
	contract(t, func(t *testing.T, store Store) {
		broken := errors.New("the sender hung up")
		half := io.MultiReader(strings.NewReader("half of it"), iotest.ErrReader(broken))

		_, err := store.Put(t.Context(), "a", half)

		if !errors.Is(err, broken) {
			t.Errorf("got %v, want the reader's error", err)
		}
		if _, err := store.Open(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestPutEndsWithItsContext(t *testing.T) {
	contract(t, func(t *testing.T, store Store) {
		ctx, cancel := context.WithCancel(t.Context())
		endless := readerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })

		_, err := store.Put(ctx, "a", endless)

		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestKeysThatCouldLeaveTheStoreAreRefused(t *testing.T) {
	contract(t, func(t *testing.T, store Store) {
		for _, key := range []string{"", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".hidden", "a/.b", `a\b`, "a b", "a\x00", "ключ", "a=b", strings.Repeat("a", 201)} {
			_, put := store.Put(t.Context(), key, strings.NewReader("x"))
			_, opened := store.Open(t.Context(), key)
			deleted := store.Delete(t.Context(), key)
			for _, err := range []error{put, opened, deleted} {
				if !errors.Is(err, ErrBadKey) {
					t.Errorf("%q: got %v, want ErrBadKey", key, err)
				}
			}
		}
	})
}

func TestManyMayPutAtOnce(t *testing.T) {
	contract(t, func(t *testing.T, store Store) {
		content := bytes.Repeat([]byte("x"), 100_000)
		var senders errgroup.Group
		for i := range 16 {
			key := "shared"
			if i%2 == 0 {
				key = "own-" + string(rune('a'+i))
			}
			senders.Go(func() error {
				_, err := store.Put(t.Context(), key, bytes.NewReader(content))
				return err
			})
		}
		if err := senders.Wait(); err != nil {
			t.Fatal(err)
		}
		if got := get(t, store, "shared"); got != string(content) {
			t.Error("what several put at once is torn")
		}
	})
}

func TestAStoreThatWorksPassesItsCheck(t *testing.T) {
	contract(t, func(t *testing.T, store Store) {
		if err := Check(t.Context(), store); err != nil {
			t.Error(err)
		}
	})
}

func TestABucketThatIsMissingIsToldWithTheCure(t *testing.T) {
	store := open(t, "s3://key:secret@other?region=us-east-1&endpoint="+fakeS3(t), "")
	err := Check(t.Context(), store)
	if err == nil || !strings.Contains(err.Error(), "make the bucket other") {
		t.Errorf("got %v", err)
	}
}

func TestWrongAddressesOfStoresAreExplainedWithoutTheirSecrets(t *testing.T) {
	for address, want := range map[string]string{
		"ftp://blobs":                               "s3://bucket",
		"s3://key:s3cret@?endpoint=https://x":       "no bucket",
		"s3://key:s3cret@blobs?endpoint=x":          "endpoint",
		"s3://key:s3cret@blobs?adress=https://x":    "adress",
		"s3://key:s3cret@blobs/../etc":              "key",
		"s3://key:s3cret%@blobs?endpoint=https://x": "no address",
	} {
		_, err := Open(address, t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", address, err)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the secret is in the error: %v", address, err)
		}
	}
}

func TestDraftsOfADeadProcessAreClearedAway(t *testing.T) {
	dir := t.TempDir()
	open(t, "", dir)
	old, fresh := filepath.Join(dir, "blobs", ".drafts", "old"), filepath.Join(dir, "blobs", ".drafts", "fresh")
	for _, path := range []string{old, fresh} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(old, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}

	open(t, "", dir)

	if _, err := os.Stat(old); err == nil {
		t.Error("the draft of yesterday is still there")
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Error("the draft that may still be written to is gone")
	}
}

func TestAFailedPutLeavesNoDraft(t *testing.T) {
	dir := t.TempDir()
	store := open(t, "", dir)
	if _, err := store.Put(t.Context(), "a", iotest.ErrReader(io.ErrUnexpectedEOF)); err == nil {
		t.Fatal("it was kept")
	}
	drafts, err := os.ReadDir(filepath.Join(dir, "blobs", ".drafts"))
	if err != nil || len(drafts) != 0 {
		t.Errorf("left %v, %v", drafts, err)
	}
}
