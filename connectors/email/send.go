package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"marshrut/leads"
	"marshrut/pipeline/delivery"
)

var _ delivery.Deliverer = (*Instance)(nil)

// Deliver sends a letter. What the recipient's server refuses for good is permanent; a server that is away or does not let us in
// halts all letters; everything else is tried again. A second try carries the same Message-ID.
func (i *Instance) Deliver(ctx context.Context, d delivery.Delivery) error {
	if d.Kind == KindCopy {
		return i.keepCopy(ctx, d)
	}
	if !i.Carries(d.Kind) {
		return delivery.Permanent{Err: i.refuse("подключение %s не выполняет %q", "connection %s does not carry out %q", i.connection.Name, d.Kind)}
	}
	letter, order, err := i.compose(d)
	if err != nil {
		return delivery.Permanent{Err: err}
	}
	message, err := i.message(letter, order, i.now())
	if err != nil {
		return delivery.Permanent{Err: i.redacted(err)}
	}
	if err := i.send(ctx, message); err != nil {
		return i.judge(err)
	}
	return nil
}

// redacted is an error without the secrets of the connection: servers repeat what they were told.
func (i *Instance) redacted(err error) error {
	return errors.New(i.connection.RedactText(err.Error()))
}

// judge tells what a further try may mend (RFC 5321, 4.2.1): 4yz yes, 5yz about the letter or its recipient no. What the server
// says before it hears of the recipient is about us, and holds for every letter.
func (i *Instance) judge(err error) error {
	said := i.redacted(i.inWords(i.connection.Language, err))
	var refused *mail.SendError
	ofLetter := errors.As(err, &refused)
	switch {
	case errors.As(err, new(unconnected)):
		return i.halted(said, err, forPerson(err))
	case ofLetter && (refused.ErrorCode() == 421 || refused.Reason == mail.ErrConnCheck):
		return i.halted(said, err, false) // the server closes (4.2.2)
	case ofLetter && refused.Reason == mail.ErrSMTPMailFrom:
		return i.halted(said, err, !refused.IsTemp())
	case ofLetter && !refused.IsTemp() && refused.ErrorCode() >= 500:
		return delivery.Permanent{Err: said}
	}
	return said
}

// halted says that no letter at all can go out at present.
func (i *Instance) halted(said, cause error, person bool) error {
	words := map[string]string{}
	for _, language := range []string{"ru", "en"} {
		words[language] = i.redacted(i.inWords(language, cause)).Error()
	}
	return delivery.Halted{Err: said, Words: words, Connection: i.connection.Name, Person: person}
}

// unconnected is an error before any letter was spoken of.
type unconnected struct{ error }

func (u unconnected) Unwrap() error { return u.error }

// forPerson tells a refusal that lasts, of our name and password or of the server's certificate, from a server that is away.
func forPerson(err error) bool {
	var said *textproto.Error
	if errors.As(err, &said) {
		return said.Code >= 500
	}
	return errors.As(err, new(*tls.CertificateVerificationError)) || errors.Is(err, mail.ErrNoSupportedAuthDiscovered)
}

// message writes the letter. The headers say that a machine wrote it, so that no other machine answers.
func (i *Instance) message(l leads.Letter, o Order, at time.Time) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(mail.EncodingB64), mail.WithNoDefaultUserAgent())
	if err := m.FromFormat(i.settings.Sender, l.From); err != nil {
		return nil, fmt.Errorf("the address to send from: %w", err)
	}
	if err := m.To(l.To); err != nil {
		return nil, i.refuse("на адрес %s нельзя отправить письмо: в нём ошибка", "nothing can be sent to %s: the address is wrong", l.To)
	}
	m.Subject(l.Subject)
	m.SetDateWithValue(at)
	m.SetMessageIDWithValue(l.MessageID)
	m.SetGenHeader("Auto-Submitted", "auto-replied")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	if thread := o.Correspondence.Letters; len(thread) > 0 {
		m.SetGenHeaderPreformatted(mail.HeaderInReplyTo, inBrackets(thread[len(thread)-1:]))
		m.SetGenHeaderPreformatted(mail.HeaderReferences, inBrackets(thread))
	}
	m.SetBodyString(mail.TypeTextPlain, l.Text)
	return m, nil
}

// inBrackets writes Message-IDs as a header has them, one to a line. Ids that are none are left out.
func inBrackets(ids []string) string {
	var out []string
	for _, id := range ids {
		if len(id) < 500 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' }) {
			out = append(out, "<"+id+">")
		}
	}
	return strings.Join(out, "\r\n ")
}

// sendingTime bounds the whole of a delivery; the worker's own bound is the outer one.
const sendingTime = 25 * time.Second

func (i *Instance) send(ctx context.Context, m *mail.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, sendingTime)
	defer cancel()
	client, err := i.admitted(ctx)
	if err != nil {
		return err
	}
	defer client.Close() // that the goodbye fails does not call the letter back
	if err := client.Send(m); err != nil {
		return fmt.Errorf("send the letter: %w", err)
	}
	return nil
}

// admitted is a client that the mail server has let in; one that it has not is unconnected.
func (i *Instance) admitted(sending context.Context) (*mail.Client, error) {
	client, err := i.client(sending)
	if err != nil {
		return nil, err
	}
	if err := client.DialWithContext(sending); err != nil {
		return nil, unconnected{err}
	}
	return client, nil
}

// client speaks to the mail server through the dialer that refuses what the administrator did not allow.
func (i *Instance) client(sending context.Context) (*mail.Client, error) {
	host, port, err := net.SplitHostPort(i.settings.SMTP)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{ServerName: host, RootCAs: i.roots, MinVersion: tls.VersionTLS12}
	options := []mail.Option{mail.WithPort(number), mail.WithTimeout(sendingTime), mail.WithTLSConfig(config), mail.WithDialContextFunc(i.dialSMTP(sending, config))}
	if i.settings.SMTPSecurity == "starttls" {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	} else {
		options = append(options, mail.WithTLSPolicy(mail.NoTLS)) // safe already, or on this very machine
	}
	if secret := i.settings.Password.Reveal(); secret != "" {
		options = append(options, mail.WithUsername(i.settings.User), mail.WithPassword(secret),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5))
	}
	if _, domain, ok := strings.Cut(i.settings.own(), "@"); ok {
		options = append(options, mail.WithHELO(domain))
	}
	return mail.NewClient(host, options...)
}

// dialSMTP gives a connection that ends with the delivery, since the protocol above takes no context.
func (i *Instance) dialSMTP(sending context.Context, config *tls.Config) mail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := i.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(sending, func() { conn.Close() })
		if i.settings.SMTPSecurity != "tls" {
			return conn, nil
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		return secure, nil
	}
}
