package localpg

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAMissingPostgreSQLIsToldWithTheCommandThatInstallsIt(t *testing.T) {
	t.Setenv("PATH", "/nowhere")
	before := places
	places = []string{"/nowhere/*/bin"}
	t.Cleanup(func() { places = before })

	_, _, found := Find()
	_, started := Start(t.Context(), Config{Dir: folder(t)})

	for _, err := range []error{found, started} {
		if err == nil || !strings.Contains(err.Error(), "apt-get install postgresql") {
			t.Errorf("got %v", err)
		}
	}
}

func TestPostgreSQLIsFoundWhereThisSystemHasIt(t *testing.T) {
	bin, version, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "postgres")); err != nil || version < oldest {
		t.Errorf("version %d in %s: %v", version, bin, err)
	}
}

// fakes makes folders with programs that tell a version, as several packages of
// PostgreSQL side by side do.
func fakes(t *testing.T, versions ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, version := range versions {
		bin := filepath.Join(root, version, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, program := range []string{"postgres", "initdb"} {
			script := "#!/bin/sh\necho '" + program + " (PostgreSQL) " + version + " (Debian)'\n"
			if err := os.WriteFile(filepath.Join(bin, program), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func TestTheNewestPostgreSQLIsChosenAndOldOnesAreNot(t *testing.T) {
	root := fakes(t, "9.6.24", "13.22", "14.19", "17.6", "16.10")

	found := installations(filepath.Join(root, "14.19", "bin"), []string{filepath.Join(root, "*", "bin")})

	if len(found) != 4 || found[0].major != 17 || found[len(found)-1].major != 14 {
		t.Errorf("found %v", found)
	}
}

func TestAClusterIsServedByTheVersionThatMadeIt(t *testing.T) {
	root := fakes(t, "17.6", "15.14")
	found := installations("", []string{filepath.Join(root, "*", "bin")})

	bin, err := choose(found, 15, "data")

	if err != nil || !strings.Contains(bin, "15.14") {
		t.Errorf("got %s, %v", bin, err)
	}
}

func TestAClusterOfAVersionThatIsNotHereIsToldWithTheCure(t *testing.T) {
	dir := folder(t)
	place, err := settle(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(place.data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(place.data, "PG_VERSION"), []byte("12\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	_, err = Start(t.Context(), Config{Dir: dir})

	if err == nil || !strings.Contains(err.Error(), "install PostgreSQL 12") {
		t.Errorf("got %v", err)
	}
}

func TestASettingPostgreSQLDoesNotKnowIsToldInItsWords(t *testing.T) {
	_, err := Start(t.Context(), Config{Dir: folder(t), Unsafe: true, Settings: map[string]string{"shared_bufers": "1GB"}})

	if err == nil || !strings.Contains(err.Error(), "unknown to this version") || !strings.Contains(err.Error(), "shared_bufers") {
		t.Errorf("got %v", err)
	}
}

func TestWhatPostgreSQLSaysBecomesASentenceWithACure(t *testing.T) {
	ended := errors.New("exit status 1")
	for said, want := range map[string]string{
		"2026-03-06 12:00:00.000 UTC [7] FATAL:  could not write lock file \"postmaster.pid\": No space left on device":   "the disk is full",
		"initdb: error: could not write file \"/x/PG_VERSION\": No space left on device\ninitdb: removing data directory": "the disk is full",
		"FATAL:  could not map anonymous shared memory: Cannot allocate memory\nHINT:  reduce":                            "not enough memory",
		"FATAL:  database files are incompatible with server":                                                             "another version",
		"LOG:  starting\nFATAL:  something new\nLOG:  database system is shut down":                                       "FATAL:  something new",
		"": "exit status 1",
	} {
		if got := explain(said, ended).Error(); !strings.Contains(got, want) {
			t.Errorf("%q became %q, without %q", said, got, want)
		}
	}
}

func TestTheSocketPathStaysShortEnoughForTheKernel(t *testing.T) {
	long := "/home/somebody/" + strings.Repeat("folder/", 20)
	for name, c := range map[string]struct{ root, temp, want string }{
		"in the cluster":     {"/var/lib/marshrut/0123456789ab", "/tmp", "/var/lib/marshrut/0123456789ab/run"},
		"in the temporary":   {long, "/tmp/user", "/tmp/user/marshrut-"},
		"in /tmp at the end": {long, long, "/tmp/marshrut-"},
	} {
		got := socketFolder(c.root, c.temp)
		if !strings.HasPrefix(got, c.want) || len(got+"/.s.PGSQL."+port) > longestSocket {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestAFolderOfSomebodyElseIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		// Only root can make a folder of another user; everybody has one at the root.
		if err := (place{}).folder("/"); err == nil {
			t.Error("took a folder that belongs to root")
		}
		return
	}
	path := filepath.Join(t.TempDir(), "taken")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if err := (place{}).folder(path); err == nil {
		t.Error("took a folder that belongs to another user")
	}
}
