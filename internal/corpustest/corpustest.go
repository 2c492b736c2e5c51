// Package corpustest finds the collection of real messages and models that lies
// beside some checkouts. Tests run over it where it is and are complete without it.
package corpustest

import (
	"os"
	"path/filepath"
)

// Folder is a folder of the collection, "" where there is none: of the one that
// MARSHRUT_CORPUS names, else of shared/corpus beside a folder above the test's.
func Folder(name string) string {
	if named := os.Getenv("MARSHRUT_CORPUS"); named != "" {
		return filepath.Join(named, name)
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		found := filepath.Join(dir, "shared", "corpus", name)
		if info, err := os.Stat(found); err == nil && info.IsDir() {
			return found
		}
	}
	return ""
}
