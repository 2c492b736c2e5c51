package email

import (
	"net"
	"strings"
	"testing"

	"marshrut/connectors"
)

func TestATestOfAMailboxSaysWhatStandsInTheWay(t *testing.T) {
	p := newPost(t)
	p.create("Заявки")
	out := newOutbox(t, "none")
	for name, c := range map[string]struct {
		change func(*Settings)
		want   string // in the error; "" is none
	}{
		"all is well":                 {func(*Settings) {}, ""},
		"only sending":                {func(s *Settings) { s.Server = "" }, ""},
		"wrong password":              {func(s *Settings) { s.Password = "another" }, "пароль приложения"},
		"a folder is missing":         {func(s *Settings) { s.Folders = []string{"INBOX", "Нет такой"} }, "Нет такой"},
		"sent is missing":             {func(s *Settings) { s.Sent = "Отправленные" }, "Отправленные"},
		"server away":                 {func(s *Settings) { s.Server = "127.0.0.1:1" }, "не удаётся соединиться с 127.0.0.1:1: соединение не принято: проверьте порт и работает ли сервер"},
		"server of sent, away":        {func(s *Settings) { s.SMTP = "127.0.0.1:1" }, "не удаётся соединиться с 127.0.0.1:1: соединение не принято: проверьте порт и работает ли сервер"},
		"no TLS there":                {func(s *Settings) { s.Security = "tls" }, "сервер отвечает без TLS: проверьте порт и защиту соединения"},
		"no TLS where letters go out": {func(s *Settings) { s.SMTPSecurity = "tls" }, "сервер отвечает без TLS: проверьте порт и защиту соединения"},
		"no server":                   {func(s *Settings) { s.Server, s.SMTP = "", "" }, "imap.example.org:993"},
	} {
		t.Run(name, func(t *testing.T) {
			s := Defaults
			s.Server, s.Security, s.User, s.Password = p.addr, "none", "info@example.org", connectors.Secret(password)
			s.SMTP, s.SMTPSecurity, s.Folders = out.addr, "none", []string{"INBOX", "Заявки"}
			c.change(&s)
			err := New(connectors.Connection{Name: "mail", Dial: (&net.Dialer{}).DialContext}, s).Test(t.Context())
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("says %v, want %q", err, c.want)
			}
		})
	}
}
