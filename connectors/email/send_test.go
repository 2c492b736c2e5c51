package email

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"marshrut/connectors"
	"marshrut/internal/safedial"
	"marshrut/leads"
	"marshrut/pipeline/delivery"
)

// outbox is a mail server that takes letters, and answers what the test wants.
type outbox struct {
	addr  string
	roots *x509.CertPool

	mu      sync.Mutex
	letters [][]byte
	to      []string
	from    []string
	mail    error // to every sender
	rcpt    error // to every recipient
	data    error // to every letter
	bye     bool  // hang up instead of answering a letter that was taken
}

func newOutbox(t *testing.T, security string) *outbox {
	t.Helper()
	o := &outbox{}
	server := smtp.NewServer(o)
	server.Domain, server.AllowInsecureAuth, server.ErrorLog = "mx.example.org", true, silent{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.addr = listener.Addr().String()
	if security != "none" {
		var certificate tls.Certificate
		certificate, o.roots = certify(t)
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
		if security == "tls" {
			listener = tls.NewListener(listener, server.TLSConfig)
		}
	}
	go server.Serve(listener) // until Close
	t.Cleanup(func() { server.Close() })
	return o
}

// certify makes a certificate for 127.0.0.1 and the pool that trusts it.
func certify(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mx"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP("127.0.0.1")}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func (o *outbox) NewSession(c *smtp.Conn) (smtp.Session, error) { return &smtpSession{o, c}, nil }

type smtpSession struct {
	*outbox
	conn *smtp.Conn
}

func (s *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, given string) error {
		if user != "info@example.org" || given != password {
			return &smtp.SMTPError{Code: 535, Message: "wrong password " + given}
		}
		return nil
	}), nil
}

func (s *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from = append(s.from, from)
	return s.mail
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = append(s.to, to)
	return s.rcpt
}

func (s *smtpSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.data != nil {
		return s.data
	}
	s.letters = append(s.letters, raw)
	if s.bye {
		s.conn.Conn().Close()
	}
	return nil
}

func (s *smtpSession) Reset()        {}
func (s *smtpSession) Logout() error { return nil }

// sender is the mailbox that sends through the outbox.
func (o *outbox) sender(t *testing.T, security string, change func(*Settings)) *Instance {
	t.Helper()
	s := Defaults
	s.SMTP, s.SMTPSecurity, s.User, s.Password, s.Sender = o.addr, security, "info@example.org", password, "Ромашка, отдел продаж"
	if change != nil {
		change(&s)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	i := New(connectors.Connection{Name: "box", Connector: Connector, Language: "ru", Secrets: map[string]string{"password": password},
		Dial: (&net.Dialer{}).DialContext}, s)
	i.roots = o.roots
	return i
}

// order is a delivery that orders a letter to Ivan.
func order(t *testing.T, change func(map[string]any)) delivery.Delivery {
	t.Helper()
	payload := map[string]any{
		"action": KindLetter, "params": map[string]any{"template": "no_answer"},
		"values":         map[string]any{"contact": map[string]any{"name": "Иван", "email": "ivan@example.ru"}},
		"correspondence": leads.Correspondence{},
	}
	if change != nil {
		change(payload)
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	return delivery.Delivery{Request: delivery.Request{Connection: "box", Kind: KindLetter, IdempotencyKey: "process-1-2-3-0", Lead: 7, Payload: raw}}
}

func TestALetterGoesOutSafelyWithItsThread(t *testing.T) {
	for _, security := range []string{"tls", "starttls", "none"} {
		o := newOutbox(t, security)
		d := order(t, func(p map[string]any) {
			p["correspondence"] = leads.Correspondence{Name: "Иван", Address: "ivan@example.ru", Subject: "Цена монтажа", Letters: []string{"1@example.ru", "2@example.ru"}}
		})
		i := o.sender(t, security, nil)
		for range 2 {
			if err := i.Deliver(t.Context(), d); err != nil {
				t.Fatalf("%s: %v", security, err)
			}
		}
		first, second := Parse(o.letters[0]), Parse(o.letters[1])
		composed, err := i.Compose(d)
		if err != nil || first.MessageID == "" || first.MessageID != second.MessageID || first.MessageID != composed.MessageID || !strings.HasPrefix(first.MessageID, ourID) {
			t.Errorf("%s: the Message-IDs are %q, %q and %q, %v", security, first.MessageID, second.MessageID, composed.MessageID, err)
		}
		if first.From != (Address{"Ромашка, отдел продаж", "info@example.org"}) || first.Subject != "Re: Цена монтажа" || !strings.HasPrefix(first.Text, "Здравствуйте, Иван!") ||
			!slices.Equal(first.InReplyTo, []string{"2@example.ru"}) || !slices.Equal(first.References, []string{"1@example.ru", "2@example.ru"}) {
			t.Errorf("%s: what went out is %+v", security, first)
		}
		if Classify(first) != AutoReply {
			t.Errorf("%s: another machine takes it for a %s letter and may answer", security, Classify(first))
		}
		if o.to[0] != "ivan@example.ru" || o.from[0] != "info@example.org" {
			t.Errorf("%s: the envelope is from %q to %q", security, o.from, o.to)
		}
	}
}

func TestWhatIsRefusedForGoodIsToldFromWhatATryMayMend(t *testing.T) {
	refuse := func(code int) error { return &smtp.SMTPError{Code: code, Message: "because"} }
	for name, c := range map[string]struct {
		break1 func(*outbox, *Settings)
		want   string
		words  string
	}{
		"no such address":        {func(o *outbox, _ *Settings) { o.rcpt = refuse(550) }, "permanent", "не принимает адрес получателя: проверьте, верен ли он (550"},
		"greylisting":            {func(o *outbox, _ *Settings) { o.rcpt = refuse(451) }, "again", "просит подождать (451"},
		"spam":                   {func(o *outbox, _ *Settings) { o.data = refuse(554) }, "permanent", "не принимает письмо (554"},
		"the disk is full":       {func(o *outbox, _ *Settings) { o.data = refuse(452) }, "again", "просит подождать"},
		"a wrong password":       {func(_ *outbox, s *Settings) { s.Password = "another secret of ours" }, "halted for a person", "не принимает имя пользователя или пароль"},
		"nobody listens":         {func(_ *outbox, s *Settings) { s.SMTP = "127.0.0.1:1" }, "halted", "не удаётся соединиться с 127.0.0.1:1"},
		"the server closes":      {func(o *outbox, _ *Settings) { o.rcpt = refuse(421) }, "halted", "просит подождать (421"},
		"too many letters of us": {func(o *outbox, _ *Settings) { o.mail = refuse(450) }, "halted", "просит подождать (450"},
		"we may not send":        {func(o *outbox, _ *Settings) { o.mail = refuse(553) }, "halted for a person", "не разрешает писать с этого адреса"},
		"it hangs up in the end": {func(o *outbox, _ *Settings) { o.bye = true }, "again", "прервал соединение"},
	} {
		o := newOutbox(t, "none")
		err := o.sender(t, "none", func(s *Settings) { c.break1(o, s) }).Deliver(t.Context(), order(t, nil))
		if got := verdict(err); got != c.want {
			t.Errorf("%s: %s, want %s: %v", name, got, c.want, err)
		}
		if err != nil && (!strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "affected")) {
			t.Errorf("%s is said as %q, want %q", name, err, c.words)
		}
		if err != nil && (strings.Contains(err.Error(), password) || name == "a wrong password" && strings.Contains(err.Error(), "letters of")) {
			t.Errorf("%s: the password is told: %v", name, err)
		}
	}
}

// verdict is what becomes of a delivery after an error.
func verdict(err error) string {
	halted := delivery.Halted{}
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &halted) && halted.Person:
		return "halted for a person"
	case errors.As(err, &halted):
		return "halted"
	case errors.As(err, new(delivery.Permanent)):
		return "permanent"
	}
	return "again"
}

func TestALetterThatNobodyMayGetIsRefusedWithTheReason(t *testing.T) {
	o := newOutbox(t, "none")
	i := o.sender(t, "none", func(s *Settings) { s.Aliases = []string{"@example.org"} })
	contact := func(address string) func(map[string]any) {
		return func(p map[string]any) { p["values"] = map[string]any{"contact": map[string]any{"email": address}} }
	}
	for reason, change := range map[string]func(map[string]any){
		"нет адреса":                    contact(""),
		"принадлежит программе":         contact("noreply@example.ru"),
		"или нам самим":                 contact("anna@example.org"),
		"a..b@example.ru нельзя":        contact("a..b@example.ru"),
		"нет текста письма «surprise»;": func(p map[string]any) { p["params"] = map[string]any{"template": "surprise"} },
	} {
		err := i.Deliver(t.Context(), order(t, change))
		if !errors.As(err, new(delivery.Permanent)) || !strings.Contains(err.Error(), reason) {
			t.Errorf("want %q, got %v", reason, err)
		}
		if needless := errors.As(err, new(delivery.Needless)); needless != (reason == "нет адреса") {
			t.Errorf("%v counts as needless: %t", err, needless)
		}
	}
	if len(o.letters) > 0 {
		t.Errorf("%d letters went out", len(o.letters))
	}
}

func TestASubjectOfAStrangerInjectsNoHeader(t *testing.T) {
	o := newOutbox(t, "none")
	d := order(t, func(p map[string]any) {
		p["correspondence"] = leads.Correspondence{Address: "ivan@example.ru", Name: "x\r\nBcc: evil@example.ru", Subject: "a\r\nBcc: evil@example.ru",
			Letters: []string{"1@x>\r\nBcc: evil@example.ru", "2@x"}}
	})
	if err := o.sender(t, "none", nil).Deliver(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if l := Parse(o.letters[0]); l.get("Bcc") != "" || len(o.to) != 1 || !slices.Equal(l.References, []string{"2@x"}) {
		t.Errorf("went out to %q:\n%s", o.to, o.letters[0])
	}
}

func TestTheCompanysOwnTextsComeBeforeTheShippedOnes(t *testing.T) {
	o := newOutbox(t, "none")
	i := o.sender(t, "none", func(s *Settings) {
		s.Templates = map[string]string{"no_answer": "Тема: Это мы\nДобрый день, {имя}! Звонили."}
	})
	l, err := i.Compose(order(t, nil))
	if err != nil || l.Subject != "Это мы" || l.Text != "Добрый день, Иван! Звонили.\n" {
		t.Errorf("%+v, %v", l, err)
	}
	nameless, err := i.Compose(order(t, func(p map[string]any) {
		p["values"] = map[string]any{"contact": map[string]any{"email": "ivan@example.ru"}}
	}))
	if err != nil || nameless.Text != "Добрый день! Звонили.\n" {
		t.Errorf("%+v, %v", nameless, err)
	}
}

func TestAServerOfTheInternalNetworkIsNotReachedUnlessAllowed(t *testing.T) {
	o := newOutbox(t, "none")
	i := o.sender(t, "none", nil)
	i.dial = safedial.Policy{}.Dialer().DialContext // what a connection gets by itself
	err := i.Deliver(t.Context(), order(t, nil))
	if err == nil || !strings.Contains(err.Error(), "outgoing.allow") || errors.As(err, new(delivery.Permanent)) {
		t.Errorf("got %v", err)
	}
}

func TestASilentServerCostsNoMoreThanItsTime(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	o := &outbox{addr: listener.Addr().String()}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := o.sender(t, "none", nil).Deliver(ctx, order(t, nil)); err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
