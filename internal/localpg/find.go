package localpg

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldest has what our SQL needs (multiranges aside, 14 is the oldest release still cared for).
const oldest = 14

// places are where packagers put the server's binaries. Debian keeps them off
// PATH, so that several versions can live side by side.
var places = []string{
	"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                   // Red Hat, from postgresql.org
	"/opt/edb/*/bin",                     // EDB, Linux
	"/opt/PostgreSQL/*/bin",              // EDB installer, Linux
	"/Library/PostgreSQL/*/bin",          // EDB installer, macOS
	"/opt/homebrew/opt/postgresql@*/bin", // Homebrew, Apple silicon
	"/usr/local/opt/postgresql@*/bin",    // Homebrew, Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/usr/libexec/postgresql*", // Alpine
}

// installation is one PostgreSQL found on this machine.
type installation struct {
	bin   string
	major int
}

// Find gives the folder with the binaries of the newest PostgreSQL on this
// machine, 14 or newer, and its major version.
func Find() (bin string, version int, err error) {
	all := installations(os.Getenv("PATH"), places)
	if len(all) == 0 {
		return "", 0, errMissing(places)
	}
	return all[0].bin, all[0].major, nil
}

func errMissing(places []string) error {
	return fmt.Errorf("PostgreSQL %d or newer is not installed (looked on PATH and in %s): install it with 'apt-get install postgresql' or 'brew install postgresql@17', or set database.url to a server that runs elsewhere",
		oldest, strings.Join(places, ", "))
}

// installations lists what is on PATH and in the given places, newest first.
func installations(path string, places []string) []installation {
	folders := filepath.SplitList(path)
	for _, place := range places {
		found, _ := filepath.Glob(place) // the only error is a bad pattern
		folders = append(folders, found...)
	}
	var all []installation
	for _, folder := range folders {
		if major := majorIn(folder); major >= oldest {
			all = append(all, installation{folder, major})
		}
	}
	slices.SortStableFunc(all, func(a, b installation) int { return b.major - a.major })
	return all
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// majorIn asks the server in a folder for its version; 0 when there is none, or
// not all of what we need.
func majorIn(folder string) int {
	if _, err := os.Stat(filepath.Join(folder, "initdb")); err != nil || !filepath.IsAbs(folder) {
		return 0
	}
	out, err := exec.Command(filepath.Join(folder, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	match := versionText.FindSubmatch(out)
	if match == nil {
		return 0
	}
	major, _ := strconv.Atoi(string(match[1])) // digits by the pattern
	return major
}

// binaries chooses for a cluster: the version that made it, or for a new one
// the newest.
func (s *Server) binaries() (string, error) {
	made, err := s.place.version()
	if err != nil {
		return "", err
	}
	return choose(installations(os.Getenv("PATH"), places), made, s.place.data)
}

func choose(all []installation, made int, data string) (string, error) {
	if len(all) == 0 {
		return "", errMissing(places)
	}
	if made == 0 {
		return all[0].bin, nil
	}
	var here []string
	for _, found := range all {
		if found.major == made {
			return found.bin, nil
		}
		here = append(here, strconv.Itoa(found.major))
	}
	return "", fmt.Errorf("the database in %s was made by PostgreSQL %d, and this machine has %s: install PostgreSQL %d, or move the data over with pg_upgrade",
		data, made, strings.Join(here, ", "), made)
}
