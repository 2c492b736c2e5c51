package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marshrut/internal/postgres/postgrestest"
	"marshrut/pipeline/intake"
)

// marshrut runs the program in an empty folder and gives what it said.
func marshrut(t *testing.T, environ []string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(console{ctx: t.Context(), in: strings.NewReader(""), out: &stdout, err: &stderr, environ: environ}, args)
	return code, stdout.String(), stderr.String()
}

func TestWrongUsageIsStatusTwoAndOneClearLine(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{{"nonsense"}, {"serve", "--roles", "cook"}, {"user", "add", "--login", "x"}, {"deadletter", "replay"}, {"report", "funnel", "-f", "bogus=1"}, {}} {
		code, _, errs := marshrut(t, nil, args...)
		if code != 2 || !strings.Contains(errs, "marshrut: ") {
			t.Errorf("%q: status %d, said %q", args, code, errs)
		}
	}
}

func TestConfigCheckNamesEveryMistakeAndFails(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	file := filepath.Join(dir, "marshrut.yaml")
	text := "company: {region: Russia}\nhtpp: {listen: ':1'}\nconnections:\n  - {name: site, connector: webform, provider: generic, settings: {hony: x}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := marshrut(t, nil, "config", "check", "-c", file)
	for _, want := range []string{file + ":1: company.region", file + ":2: htpp: there is no such setting; was http meant?", file + ":4: connections[0]", "hony"} {
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("status %d, and %q is not in what it said:\n%s", code, want, errs)
		}
	}
}

func TestConfigCheckNamesEveryMistakeInsideSettingsWithTheLineOfItsKey(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	file := filepath.Join(dir, "marshrut.yaml")
	text := `connections:
  - name: site
    connector: webform
    provider: generic
    rate_limit: -5
    settings:
      honypot: x
      mapping:
        - name
      redirect: thanks
      widget: maybe
      product: env:NOTHING_SUCH
  - {name: who, connector: fax, provider: x}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := marshrut(t, nil, "config", "check", "-c", file)
	for _, want := range []string{
		":5: connections[0].rate_limit: is -5", ":7: connections[0].settings.honypot: there is no such setting",
		":8: connections[0].settings.mapping: a list where key: value pairs are wanted", ":10: connections[0].settings.redirect: ",
		":11: connections[0].settings.widget: a text where true or false is wanted", ":12: connections[0].settings.product: the environment has no variable",
		":13: connections[1].provider: there is no provider fax/x",
	} {
		if code != 1 || strings.Count(errs, file+want) != 1 {
			t.Errorf("status %d, and %q is not once in what it said:\n%s", code, want, errs)
		}
	}
}

func TestAFolderThatCannotBeIsSaidOnce(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := marshrut(t, nil, "demo", "--data", filepath.Join(file, "x"), "--listen", "127.0.0.1:0")
	if code != 1 || strings.Count(errs, "not a directory") != 1 {
		t.Errorf("status %d, said %q", code, errs)
	}
}

func TestEachMessageThatStaysDeadIsNamed(t *testing.T) {
	if said := unreplayed("letter-7", &intake.StillDead{Reason: "нет телефона"}).Error(); said != "replay letter-7: нет телефона" {
		t.Errorf("said %q", said)
	}
}

func TestHelpNamesArgumentsAsPeopleDo(t *testing.T) {
	for _, command := range []string{"deadletter", "delivery"} {
		if _, out, _ := marshrut(t, nil, command, "replay", "--help"); !strings.Contains(out, "[<id> ...]") {
			t.Errorf("%s replay --help says %.120q", command, out)
		}
	}
}

func TestPrintedDefaultsAreSettingsThatPassTheCheck(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	code, out, errs := marshrut(t, nil, "config", "print")
	if code != 0 {
		t.Fatalf("status %d, said %q", code, errs)
	}
	if err := os.WriteFile("marshrut.yaml", []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := marshrut(t, nil, "config", "check", "-c", "marshrut.yaml"); code != 0 || !strings.Contains(out, "in order") {
		t.Errorf("status %d, said %q %q", code, out, errs)
	}
}

func TestAnErrandWorksOnItsOwnDatabase(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Cleanup(func() { removeCluster(t, filepath.Join(dir, "data")) })
	code, out, errs := marshrut(t, nil, "user", "add", "--login", "olga", "--name", "Ольга Седова", "--role", "admin", "--extension", "117")
	if code != 0 || !strings.Contains(out, "one-time password: ") {
		t.Fatalf("status %d, said %q %q", code, out, errs)
	}
	if code, out, _ := marshrut(t, nil, "user", "list"); code != 0 || !strings.Contains(out, "olga") || !strings.Contains(out, "117") {
		t.Errorf("status %d, said %q", code, out)
	}
	if code, out, _ := marshrut(t, nil, "token", "add", "--login", "olga", "--name", "test"); code != 0 || !strings.Contains(out, "token: mrt_") {
		t.Errorf("status %d, said %q", code, out)
	}
	if code, _, errs := marshrut(t, nil, "user", "add", "--login", "olga", "--name", "Другая", "--role", "head"); code != 1 || strings.Count(strings.TrimSpace(errs), "\n") != 0 {
		t.Errorf("a login that is taken: status %d, said %q", code, errs)
	}
	for _, c := range []struct {
		said string
		args []string
	}{
		{`owner: значения «zzz» нет`, []string{"report", "funnel", "--format", "json", "-f", "owner=zzz"}},
		{`funnel: значения «zzz» нет`, []string{"report", "funnel", "--format", "xlsx", "-f", "funnel=zzz"}},
		{"--works=clerk: add employee petr: no such role of performers: there are ", []string{"user", "add", "--login", "petr", "--name", "Пётр", "--role", "manager", "--works", "clerk"}},
		{", manager", []string{"user", "add", "--login", "petr", "--name", "Пётр", "--role", "manager", "--works", "clerk"}},
		{"no such token", []string{"token", "revoke", "99999"}},
		{"no such employee", []string{"token", "list", "--login", "nosuch"}},
		{"connection nosuch: ", []string{"connection", "retry", "nosuch", "--all"}},
		{"nosuch is not paused", []string{"delivery", "resume", "nosuch"}},
		{"replay dead-a: ", []string{"deadletter", "replay", "dead-a", "dead-b"}},
		{"replay dead-b: ", []string{"deadletter", "replay", "dead-a", "dead-b"}},
	} {
		if code, _, errs := marshrut(t, nil, c.args...); code != 1 || !strings.Contains(errs, c.said) {
			t.Errorf("%q: status %d, said %q, want %q", c.args, code, errs, c.said)
		}
	}
	if code, out, _ := marshrut(t, nil, "process", "export", "inquiry"); code != 0 || !strings.Contains(out, "<bpmn:definitions") {
		t.Errorf("status %d, said %.80q", code, out)
	}
	file := "funnel.xlsx"
	if code, _, errs := marshrut(t, nil, "report", "funnel", "-o", file); code != 0 {
		t.Errorf("status %d, said %q", code, errs)
	}
	if info, err := os.Stat(file); err != nil || info.Size() < 5000 {
		t.Errorf("the workbook: %v", err)
	}
}

func TestOnlyCommandsAboutConnectionsTakeThemFromTheSettings(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	url := postgrestest.URL(t)
	write := func(name, connections string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("database: {url: '"+url+"'}\n"+connections), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	with, without := write("with.yaml", "connections: [{name: site, connector: webform, provider: generic}]\n"), write("without.yaml", "")
	for _, args := range [][]string{{"connection", "list", "-c", with}, {"user", "list", "-c", without}, {"connection", "failures", "site", "-c", without}} {
		if code, _, errs := marshrut(t, nil, args...); code != 0 {
			t.Fatalf("%v: %s", args, errs)
		}
	}
	var ofFile bool
	err := postgrestest.Open(t, url).QueryRow(t.Context(), "select from_config from connection where name = 'site'").Scan(&ofFile)
	if err != nil || !ofFile {
		t.Errorf("it is of the file: %t, %v", ofFile, err)
	}
}
