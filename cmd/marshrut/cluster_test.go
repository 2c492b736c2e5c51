package main

import (
	"testing"

	"marshrut/internal/localpg"
)

// removeCluster takes away what an errand left: as root the cluster lies outside the test's folder.
func removeCluster(t *testing.T, dir string) {
	if err := localpg.Remove(dir); err != nil {
		t.Error(err)
	}
}
