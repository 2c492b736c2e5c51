package imap_test

import (
	"strings"
	"testing"

	"marshrut/connectors"
	"marshrut/connectors/connectortest"
	"marshrut/connectors/email/imap"
)

func TestContract(t *testing.T) {
	connectortest.Provider(t, imap.Provider(), connectortest.Sample{
		Settings: `{"server":"imap.example.org:993","user":"info@example.org"}`, Secrets: map[string]string{"password": "letters of the password"},
	})
}

func TestTheHelpNamesEverySetting(t *testing.T) {
	p := imap.Provider()
	for _, s := range connectors.SettingsOf(p) {
		for language, text := range p.Setup {
			if !strings.Contains(text, "`"+s.Key+"`") {
				t.Errorf("the help in %q does not name %s", language, s.Key)
			}
		}
	}
}

func TestAMistakeInTheSettingsNamesTheKeyAndTheCure(t *testing.T) {
	for settings, want := range map[string]string{
		`{"server":"imap.example.org"}`:                             "mail.example.org:993",
		`{"server":"imap.example.org:143","security":"none"}`:       "password would travel readable",
		`{"server":"imap.example.org:993","every":"1s"}`:            "every: is 1s",
		`{"server":"imap.example.org:993","since":"yesterday"}`:     "write it like 2026-01-31",
		`{"server":"imap.example.org:993","folders":[]}`:            "folders",
		`{"smtp":"smtp.example.org:465","user":"info"}`:             "address",
		`{"server":"imap.example.org:993","mapping":{"Кто":"who"}}`: "mapping",
		`{"server":"127.0.0.1:993","security":"ssl"}`:               "tls, starttls, none",
	} {
		_, err := imap.Provider().New(connectors.Connection{Name: "box", Settings: []byte(settings)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", settings, err, want)
		}
	}
}
