package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, text string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	path := filepath.Join(t.TempDir(), "marshrut.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultsAreValidAsTheyAre(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP.Listen != "127.0.0.1:8080" || c.Company.Name != "Ромашка" {
		t.Errorf("got %+v, want the annotated defaults", c)
	}
	again, err := Load("", nil)
	if err != nil || again.SecretKey.Reveal() != c.SecretKey.Reveal() {
		t.Errorf("the secret key made on first start must stay: %v", err)
	}
}

func TestAFileThatSaysNothingLeavesTheDefaults(t *testing.T) {
	for _, text := range []string{"", "\n", "# all is as it comes\n", "---\n", "null\n"} {
		c, err := Load(write(t, text), nil)
		if err != nil || c.HTTP.Listen != "127.0.0.1:8080" || c.Company.Name != "Ромашка" {
			t.Errorf("%q: got %+v and %v, want the defaults", text, c, err)
		}
	}
}

func TestMistakesNameFileLineKeyAndCure(t *testing.T) {
	path := write(t, "company:\n  region: Russia\nhttp:\n  listen: nowhere\nconnections:\n  - name: Сайт\n    connector: webform\n    provider: generic\n    token: short\n")
	_, err := Load(path, nil)
	if err == nil {
		t.Fatal("mistakes were accepted")
	}
	for _, want := range []string{path + ":2: company.region", path + ":4: http.listen", "for example 127.0.0.1:8080", "connections[0].name", "openssl rand"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
}

func TestWhatTheProgramCouldNotWorkWithIsRefusedBeforehand(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere", "key")
	path := write(t, "secret_key: file:"+nowhere+"\ncompany: {region: ZZ}\ndatabase:\n  url: mysql://root:hunter2@db/x\nblobs: {url: 'ftp://hunter2@files'}\n")
	_, err := Load(path, nil)
	if err == nil {
		t.Fatal("mistakes were accepted")
	}
	for _, want := range []string{":1: secret_key: there is no folder", ":2: company.region", ":4: database.url", "postgres://", ":5: blobs.url", "s3://"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password was printed: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(nowhere)); err == nil {
		t.Error("a folder was made where a mistyped path leads")
	}
	for _, good := range []string{"postgres://u:p@db:5432/marshrut", "host=/run/postgresql dbname=marshrut"} {
		if _, err := Load(write(t, "database: {url: '"+good+"'}\nblobs: {url: 's3://bucket'}\ncompany: {region: KZ}\n"), nil); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func TestEveryMistakeOfAFileIsToldAtOnce(t *testing.T) {
	path := write(t, `http:
  listn: 127.0.0.1:1
  public_url: nowhere
database: 5
kafka:
  brokers: localhost
  tls: perhaps
retention: {raw_days: long, "days": 3}
connections:
  - name: Site
    conector: webform
    settings: [1]
`)
	_, err := Load(path, nil)
	if err == nil {
		t.Fatal("mistakes were accepted")
	}
	for _, want := range []string{
		":2: http.listn: there is no such setting; was listen meant?", ":3: http.public_url", ":4: database: has to be a group of keys: url, max_conns",
		":6: kafka.brokers: has to be a list of texts", ":7: kafka.tls: has to be true or false", ":8: retention.raw_days: has to be a whole number",
		":8: retention.days: there is no such setting", ":10: connections[0].name", ":11: connections[0].conector: there is no such setting; was connector meant?",
		":12: connections[0].settings: has to be a group of keys",
	} {
		if !strings.Contains(err.Error(), path+want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
}

func TestWhatStandsInTheFileTwiceMayBeWrittenOnce(t *testing.T) {
	path := write(t, "http: {listen: &at '127.0.0.1:1', public_url: http://example.org}\nkafka: {brokers: [*at]}\n"+
		"connections:\n  - &c {name: one, connector: webform, provider: generic, settings: {region: RU}}\n  - {<<: *c, name: two}\n")
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Kafka.Brokers[0] != "127.0.0.1:1" || c.Connections[1].Name != "two" || c.Connections[1].Provider != "generic" || c.Connections[1].Settings["region"] != "RU" {
		t.Errorf("got %+v", c)
	}
}

func TestAMistakeNeverRepeatsWhatMayBeASecret(t *testing.T) {
	_, err := Load(write(t, "database: {url: [hunter2]}\nkafka: hunter2\n"), nil)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestUnknownKeysAreRefused(t *testing.T) {
	path := write(t, "http:\n  listn: 127.0.0.1:1\n")
	_, err := Load(path, nil)
	if err == nil || !strings.Contains(err.Error(), "listn") || !strings.Contains(err.Error(), "2") {
		t.Errorf("got %v, want the unknown key with its line", err)
	}
}

func TestEnvironmentGoesOverTheFile(t *testing.T) {
	path := write(t, "http:\n  listen: 127.0.0.1:1\n")
	c, err := Load(path, []string{"MARSHRUT_HTTP_LISTEN=127.0.0.1:2", "MARSHRUT_KAFKA_BROKERS=a:9092, b:9092", "MARSHRUT_DATABASE_MAX_CONNS=30"})
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP.Listen != "127.0.0.1:2" || len(c.Kafka.Brokers) != 2 || c.Database.MaxConns != 30 {
		t.Errorf("got %+v", c)
	}
	if _, err := Load(path, []string{"MARSHRUT_HTTP_LISTN=x"}); err == nil {
		t.Error("a variable that names no setting was accepted")
	}
}

func TestSecretsComeFromVariablesAndFilesAndAreNeverPrinted(t *testing.T) {
	path := write(t, "connections:\n  - {name: site, connector: webform, provider: generic, token: 'env:SITE_TOKEN', settings: {secret: 'env:SITE_TOKEN'}}\n")
	c, err := Load(path, []string{"SITE_TOKEN=abcdefghijklmnopqrstuvwxyz"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Connections[0].Token.Reveal() != "abcdefghijklmnopqrstuvwxyz" || !strings.Contains(string(c.Connections[0].Raw), "abcdefgh") {
		t.Errorf("the reference was not followed")
	}
	if printed := fmt.Sprintf("%v %+v %#v", c.Connections[0].Token, c.Connections[0].Token, c.Connections[0].Token); strings.Contains(printed, "abc") {
		t.Errorf("the secret was printed: %s", printed)
	}
	if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), "SITE_TOKEN") {
		t.Errorf("got %v, want the missing variable named", err)
	}
}

func TestMissingFileIsSaid(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := Load("nowhere.yaml", nil); err == nil || !strings.Contains(err.Error(), "nowhere.yaml") {
		t.Errorf("got %v", err)
	}
}
