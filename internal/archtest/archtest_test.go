package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

const module = "marshrut/"

// file is one Go source, as far as the plan is concerned.
type file struct {
	path    string // from the root, with slashes
	pkg     string // the folder
	imports []string
	text    string
	syntax  *ast.File
}

func (f file) test() bool { return strings.HasSuffix(f.path, "_test.go") || helper(f.pkg) }

// helper tells of packages that only tests import.
func helper(pkg string) bool {
	return strings.HasSuffix(pkg, "test") && !slices.Contains(simulators, pkg)
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("there is no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// walk calls visit for each file of the project with this ending.
func walk(t *testing.T, ending string, visit func(path, text string)) {
	t.Helper()
	top := root(t)
	err := filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != top && skipped(entry.Name()) {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ending) {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(top, name)
		visit(filepath.ToSlash(relative), string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func skipped(folder string) bool {
	return folder == "node_modules" || folder == "testdata" || folder == "vendor" || folder == "bin" || strings.HasPrefix(folder, ".") || strings.HasPrefix(folder, "_")
}

func sources(t *testing.T) []file {
	t.Helper()
	var files []file
	walk(t, ".go", func(name, text string) {
		syntax, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		f := file{path: name, pkg: path.Dir(name), text: text, syntax: syntax}
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatalf("read the imports of %s: %v", name, err)
			}
			f.imports = append(f.imports, imported)
		}
		files = append(files, f)
	})
	if len(files) == 0 {
		t.Fatal("no Go files found: the walk is broken")
	}
	return files
}

// kind is the line of the plan that a package falls under.
func kind(pkg string) string {
	if _, ok := plan[pkg]; ok {
		return pkg
	}
	switch parts := strings.Split(pkg, "/"); {
	case parts[0] != "connectors":
		return pkg
	case len(parts) == 2:
		return "connectors/<channel>"
	case len(parts) == 3:
		return "connectors/<channel>/<provider>"
	}
	return pkg
}

// judge says why a package may not import another of ours; "" when it may.
func judge(importer, imported string) string {
	own, ok := plan[kind(importer)]
	if !ok {
		return fmt.Sprintf("the package %s is not in the plan: add it to the table in internal/archtest/table.go and say why", importer)
	}
	if helper(imported) {
		return fmt.Sprintf("%s imports %s, which is for tests only", importer, imported)
	}
	if starters, whole := wholes[imported]; whole && !slices.Contains(starters, importer) {
		return fmt.Sprintf("%s imports %s, which only starts things: nobody depends on it", importer, imported)
	}
	for _, may := range own.mayImport {
		if may == everything || may == kind(imported) || may == imported || may == "its channel" && imported == path.Dir(importer) {
			return ""
		}
	}
	return fmt.Sprintf("%s imports %s: the plan lets it import %s; move the code, or change internal/archtest/table.go and say why",
		importer, imported, listed(own.mayImport))
}

func listed(packages []string) string {
	if len(packages) == 0 {
		return "none of ours"
	}
	return "only " + strings.Join(packages, ", ")
}

func TestEachPackageImportsOnlyWhatThePlanAllows(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range sources(t) {
		if f.test() {
			continue
		}
		if _, known := plan[kind(f.pkg)]; !known && !seen[f.pkg] {
			t.Error(judge(f.pkg, ""))
		}
		seen[f.pkg] = true
		for _, imported := range f.imports {
			ours, ok := strings.CutPrefix(imported, module)
			if !ok {
				continue
			}
			if sentence := judge(f.pkg, ours); sentence != "" {
				t.Errorf("%s: %s", f.path, sentence)
			}
		}
	}
}

func TestThePlanJudgesAsItIsMeant(t *testing.T) {
	for _, c := range []struct {
		importer, imported string
		allowed            bool
	}{
		{"leads/repository", "leads", true},
		{"leads", "leads/repository", false},
		{"leads", "internal/postgres", false},
		{"processes", "leads", false},
		{"processes/engine", "internal/postgres", false},
		{"reports", "leads/repository", false},
		{"connectors/telephony", "connectors", true},
		{"connectors/telephony/mango", "connectors/telephony", true},
		{"connectors/telephony/mango", "connectors/webform", false},
		{"connectors/telephony/mango", "connectors/telephony/uis", false},
		{"connectors/telephony", "connectors/telephony/mango", false},
		{"connectors/catalog", "connectors/telephony/mango", true},
		{"connectors/registry", "connectors/catalog", false},
		{"internal/app", "web", true},
		{"web", "internal/app", false},
		{"internal/app", "internal/demo", false},
		{"internal/app", "internal/postgres/postgrestest", false},
		{"internal/unheard", "leads", false},
	} {
		if sentence := judge(c.importer, c.imported); (sentence == "") != c.allowed {
			t.Errorf("%s imports %s: allowed %v, want %v (%s)", c.importer, c.imported, sentence == "", c.allowed, sentence)
		}
	}
}

func TestEachDriverIsImportedByOnePackage(t *testing.T) {
	for _, f := range sources(t) {
		if f.test() {
			continue
		}
		for _, imported := range f.imports {
			for driver, home := range drivers {
				if within(imported, driver) && f.pkg != home {
					t.Errorf("%s imports %s: only %s does, the others use what it offers", f.path, imported, home)
				}
			}
		}
	}
}

func within(imported, prefix string) bool {
	return imported == prefix || strings.HasPrefix(imported, prefix+"/")
}

func TestPurePackagesReadNoClockNoChanceAndNoStore(t *testing.T) {
	for _, f := range sources(t) {
		if f.test() || !slices.Contains(pure, f.pkg) {
			continue
		}
		for _, imported := range f.imports {
			for _, bad := range impure {
				if within(imported, bad) {
					t.Errorf("%s imports %s: %s is pure, and gets such things as values", f.path, imported, f.pkg)
				}
			}
		}
		if calls(f.syntax, "time", "Now") {
			t.Errorf("%s calls time.Now: %s is pure, time is a parameter", f.path, f.pkg)
		}
	}
}

func TestNobodySleeps(t *testing.T) {
	for _, f := range sources(t) {
		// In a bubble of synctest sleeping is how time is let pass, at no cost.
		if calls(f.syntax, "time", "Sleep") && !slices.Contains(f.imports, "testing/synctest") {
			t.Errorf("%s calls time.Sleep: wait for what is awaited, on a channel, a context or a ticker", f.path)
		}
	}
}

// calls tells whether the source names pkg.name.
func calls(syntax *ast.File, pkg, name string) (found bool) {
	ast.Inspect(syntax, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok || selector.Sel.Name != name {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && x.Name == pkg {
			found = true
		}
		return true
	})
	return found
}

func TestNobodyNamesAProviderOutsideItsFolder(t *testing.T) {
	files := sources(t)
	providers := map[string]string{}
	for _, f := range files {
		if kind(f.pkg) == "connectors/<channel>/<provider>" && !slices.Contains(plainWords, path.Base(f.pkg)) {
			providers[path.Base(f.pkg)] = f.pkg
		}
	}
	for _, f := range files {
		if f.test() || f.pkg == "connectors/catalog" {
			continue
		}
		for _, word := range words(f.text) {
			if home, ok := providers[word]; ok && f.pkg != home {
				t.Errorf("%s names the provider %s: what is its own belongs in %s, so that a new provider is one folder and one line", f.path, word, home)
				break
			}
		}
	}
}

// words splits a source into lower-case words, also where camelCase does.
func words(text string) []string {
	var all []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			all = append(all, strings.ToLower(string(word)))
			word = nil
		}
	}
	var last rune
	for _, r := range text {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case unicode.IsUpper(r) && unicode.IsLower(last):
			end()
			word = append(word, r)
		default:
			word = append(word, r)
		}
		last = r
	}
	end()
	return all
}

func TestWordsAreFoundInNamesAndNotInOtherWords(t *testing.T) {
	got := words(`func isUis(x mangoCall) { say("distinguish uis-call") }`)
	want := []string{"func", "is", "uis", "x", "mango", "call", "say", "distinguish", "uis", "call"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSQLReadsNoClock(t *testing.T) {
	clock := regexp.MustCompile(`(?i)\b(now\s*\(|current_timestamp|current_date|current_time|clock_timestamp|statement_timestamp|transaction_timestamp|localtimestamp)`)
	count := 0
	walk(t, ".sql", func(name, text string) {
		count++
		for number, line := range strings.Split(text, "\n") {
			code, _, _ := strings.Cut(line, "--")
			if found := clock.FindString(code); found != "" {
				t.Errorf("%s:%d says %q: time is a parameter", name, number+1, found)
			}
		}
	})
	if count == 0 {
		t.Error("no SQL files found: the walk is broken")
	}
}
