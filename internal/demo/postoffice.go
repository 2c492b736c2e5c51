package demo

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"golang.org/x/sync/errgroup"
)

// PostOffice is a mail server in this process, on loopback: one mailbox that is read by IMAP, and SMTP that takes letters to
// anybody and carries them nowhere. The mailbox is empty at every start.
type PostOffice struct {
	IMAP, SMTP string // addresses they listen on
	user       *imapmemserver.User
	address    string
	password   string
	close      []func() error
	serving    errgroup.Group

	mu   sync.Mutex
	sent []Sent
}

// Sent is a letter that was given to the post office.
type Sent struct {
	To  string
	Raw []byte
}

// Folders of the mailbox.
const (
	Inbox   = "INBOX"
	Written = "Отправленные"
)

// OpenPostOffice opens the mailbox of an address.
func OpenPostOffice(address, password string) (*PostOffice, error) {
	p := &PostOffice{user: imapmemserver.NewUser(address, password), address: address, password: password}
	for _, folder := range []string{Inbox, Written} {
		if err := p.user.Create(folder, &imap.CreateOptions{}); err != nil {
			return nil, err
		}
	}
	memory := imapmemserver.New()
	memory.AddUser(p.user)
	incoming := imapserver.New(&imapserver.Options{InsecureAuth: true, Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIdle: {}}, Logger: quiet{},
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return memory.NewSession(), nil, nil
		}})
	outgoing := smtp.NewServer(p)
	outgoing.Domain, outgoing.AllowInsecureAuth, outgoing.ErrorLog, outgoing.MaxMessageBytes, outgoing.MaxLineLength = "localhost", true, quiet{}, 25<<20, 1<<20
	var err error
	if p.IMAP, err = p.serve(incoming.Serve, incoming.Close); err == nil {
		p.SMTP, err = p.serve(outgoing.Serve, outgoing.Close)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *PostOffice) serve(serve func(net.Listener) error, end func() error) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	p.close = append(p.close, end)
	p.serving.Go(func() error {
		_ = serve(listener) // it always ends with an error: that it was closed
		return nil
	})
	return listener.Addr().String(), nil
}

// Close ends both servers.
func (p *PostOffice) Close() error {
	var problems []error
	for _, end := range p.close {
		problems = append(problems, end())
	}
	return errors.Join(append(problems, p.serving.Wait())...)
}

// Put lays a letter into a folder, as of a moment.
func (p *PostOffice) Put(folder string, at time.Time, raw []byte) error {
	_, err := p.user.Append(folder, sized{bytes.NewReader(raw)}, &imap.AppendOptions{Time: at})
	return err
}

type sized struct{ *bytes.Reader }

// Sent are the letters that were given to it so far.
func (p *PostOffice) Sent() []Sent {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Sent{}, p.sent...)
}

// NewSession takes letters of who signs in.
func (p *PostOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &counter{office: p}, nil }

// counter is where a letter is handed in.
type counter struct {
	office *PostOffice
	signed bool
	to     string
}

func (c *counter) AuthMechanisms() []string { return []string{sasl.Plain} }

func (c *counter) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != c.office.address || password != c.office.password {
			return smtp.ErrAuthFailed
		}
		c.signed = true
		return nil
	}), nil
}

func (c *counter) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt takes letters to the mailbox from everybody, letters to others from its owner.
func (c *counter) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !c.signed && !strings.EqualFold(to, c.office.address) {
		return smtp.ErrAuthRequired
	}
	c.to = to
	return nil
}

// kept is how many letters the post office remembers.
const kept = 1000

func (c *counter) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if strings.EqualFold(c.to, c.office.address) {
		return c.office.Put(Inbox, time.Now(), raw)
	}
	c.office.mu.Lock()
	defer c.office.mu.Unlock()
	c.office.sent = append(c.office.sent, Sent{c.to, raw})
	if len(c.office.sent) > kept {
		c.office.sent = c.office.sent[1:]
	}
	return nil
}

func (c *counter) Reset()        { c.to = "" }
func (c *counter) Logout() error { return nil }

// quiet is no log: what its clients do wrong is theirs to say.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}
