package email

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// answer bounds how long a server may take for a command without a letter in it: a half-open connection is noticed.
const answer = time.Minute

// session is one connection to the mail server. Letters are only looked at (EXAMINE, BODY.PEEK): what is read and what is not
// belongs to the people who read the box.
type session struct {
	client   *imapclient.Client
	news     chan struct{} // something has come
	idles    bool
	since    time.Time // from when letters count in folders that are new; zero: from now
	language string    // of what stands in the way, for whoever repairs the connection
}

// connect opens a session until ctx ends. close must be called.
func (i *Instance) connect(ctx context.Context) (s *session, close func(), err error) {
	dialling, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	conn, err := i.dial(dialling, "tcp", i.settings.Server)
	if err != nil {
		return nil, nil, unreached(i.connection.Language, i.settings.Server, err)
	}
	s = &session{news: make(chan struct{}, 1), language: i.connection.Language}
	if err := s.greet(dialling, conn, i); err != nil {
		conn.Close()
		return nil, nil, unreached(i.connection.Language, i.settings.Server, err)
	}
	stop := context.AfterFunc(ctx, func() { s.client.Close() }) // the client takes no context
	close = func() {
		stop()
		s.client.Close()
	}
	if err := s.signIn(i.settings); err != nil {
		close()
		return nil, nil, err
	}
	return s, close, nil
}

func unreached(language, server string, err error) error {
	return tell(language, err, "не удаётся соединиться с %s", "connect to %s", server)
}

// greet makes the connection safe and hears the greeting.
func (s *session) greet(ctx context.Context, conn net.Conn, i *Instance) error {
	host, _, _ := net.SplitHostPort(i.settings.Server)
	config := &tls.Config{ServerName: host, RootCAs: i.roots, MinVersion: tls.VersionTLS12}
	options := &imapclient.Options{TLSConfig: config, UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: s.heard}}
	abort := context.AfterFunc(ctx, func() { conn.Close() })
	defer abort()
	switch i.settings.Security {
	case "starttls":
		client, err := imapclient.NewStartTLS(conn, options)
		if err != nil {
			return err
		}
		s.client = client
	case "none":
		s.client = imapclient.New(conn, options)
	default:
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return err
		}
		s.client = imapclient.New(secure, options)
	}
	return s.client.WaitGreeting()
}

// heard notes that the server told of a change in the folder that is open.
func (s *session) heard(data *imapclient.UnilateralDataMailbox) {
	if data.NumMessages == nil {
		return
	}
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *session) signIn(settings Settings) error {
	err := s.within(answer, func() error { return s.client.Login(settings.User, settings.Password.Reveal()).Wait() })
	var refused *imap.Error
	if errors.As(err, &refused) {
		return fmt.Errorf(say(s.language, "сервер не принимает имя пользователя или пароль (%s): проверьте, что доступ по IMAP включён и что это пароль приложения",
			"the server refuses the user name or the password (%s): check that access by IMAP is switched on and that it is an application password"), refused.Text)
	}
	if err != nil {
		return s.cannot(err, "не удаётся войти", "sign in")
	}
	s.idles = s.client.Caps().Has(imap.CapIdle)
	return nil
}

// cannot says what was being done when the server failed.
func (s *session) cannot(err error, ru, en string, args ...any) error {
	return tell(s.language, err, ru, en, args...)
}

// within gives a command its time. Past it the connection is closed, which ends the command.
func (s *session) within(d time.Duration, command func() error) error {
	late := time.AfterFunc(d, func() { s.client.Close() })
	err := command()
	if !late.Stop() && err != nil {
		return fmt.Errorf("%w within %s", errSilent, d)
	}
	return err
}

// folder is one that is read.
type folder struct {
	name string
	role string // "" or folderSent
}

// folders are those of the settings and the one of sent letters, the first of the settings last: that is where the
// session waits for news.
func (s *session) folders(settings Settings) ([]folder, error) {
	var all []folder
	if settings.Sent != "-" {
		name, err := s.sentFolder(settings)
		if err != nil {
			return nil, err
		}
		if name != "" {
			all = append(all, folder{name, folderSent})
		}
	}
	for _, name := range slices.Backward(settings.Folders) {
		all = append(all, folder{name: name})
	}
	return all, nil
}

// sentFolder is the one of the settings, or the one that is found; "" when there is none.
func (s *session) sentFolder(settings Settings) (string, error) {
	if settings.Sent != "" {
		return settings.Sent, nil
	}
	name, err := s.findSent()
	if err != nil {
		return "", s.cannot(err, "не удаётся найти папку отправленных", "look for the folder of sent letters")
	}
	return name, nil
}

// findSent finds the folder of sent letters by what it is for (RFC 6154), since it is named in any language. Servers that know no
// purposes, or tell of them without saying that they do (Yandex, Mail.ru), are asked as well: a name that everybody gives it does then.
func (s *session) findSent() (string, error) {
	var found []*imap.ListData
	err := s.within(answer, func() (err error) {
		found, err = s.client.List("", "*", nil).Collect()
		return err
	})
	if err != nil {
		return "", err
	}
	named := ""
	for _, f := range found {
		switch {
		case slices.Contains(f.Attrs, imap.MailboxAttrSent):
			return f.Mailbox, nil
		case slices.Contains(f.Attrs, imap.MailboxAttrNoSelect), !callsItselfSent(f):
		case named == "" || len(f.Mailbox) < len(named):
			named = f.Mailbox // the one that lies highest
		}
	}
	return named, nil
}

// sentNames are what mail programs and services call the folder, in small letters.
var sentNames = []string{"sent", "sent items", "sent messages", "sent mail", "отправленные", "отправленные письма"}

func callsItselfSent(f *imap.ListData) bool {
	name := strings.ToLower(f.Mailbox)
	if f.Delim != 0 {
		name = name[strings.LastIndex(name, string(f.Delim))+1:]
	}
	return slices.Contains(sentNames, name)
}

// examine opens a folder for looking.
func (s *session) examine(name string) (*imap.SelectData, error) {
	var data *imap.SelectData
	err := s.within(answer, func() (err error) {
		data, err = s.client.Select(name, &imap.SelectOptions{ReadOnly: true}).Wait()
		return err
	})
	if err != nil {
		return nil, s.cannot(err, "папка %s не открывается", "open folder %s", name)
	}
	return data, nil
}

// search gives the UIDs from one on, in their order. "5:*" also finds the last one when it is below 5.
func (s *session) search(from imap.UID, since time.Time) ([]imap.UID, error) {
	criteria := &imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{Start: from}}}}
	if !since.IsZero() {
		criteria.Since = since.AddDate(0, 0, -1) // the server counts days of a zone of its own
	}
	var found []imap.UID
	err := s.within(5*answer, func() error {
		data, err := s.client.UIDSearch(criteria, nil).Wait()
		if err == nil {
			found = data.AllUIDs()
		}
		return err
	})
	if err != nil {
		return nil, s.cannot(err, "не удаётся найти новые письма", "look for new letters")
	}
	found = slices.DeleteFunc(found, func(uid imap.UID) bool { return uid < from })
	slices.Sort(found)
	return slices.Compact(found), nil
}

// meta is what a server knows of a letter without giving it.
type meta struct {
	uid  imap.UID
	size int64
	at   time.Time // when the server got it
}

// metas asks about letters. Those that are gone meanwhile are left out.
func (s *session) metas(uids []imap.UID) ([]meta, error) {
	var all []meta
	err := s.within(5*answer, func() error {
		command := s.client.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, InternalDate: true, RFC822Size: true})
		found, err := command.Collect()
		for _, m := range found {
			if slices.Contains(uids, m.UID) {
				all = append(all, meta{m.UID, m.RFC822Size, m.InternalDate})
			}
		}
		return err
	})
	if err != nil {
		return nil, s.cannot(err, "не удаётся узнать о письмах (%d)", "ask about %d letters", len(uids))
	}
	slices.SortFunc(all, func(a, b meta) int { return cmp.Compare(a.uid, b.uid) })
	return all, nil
}

// bodies fetches letters, of each so many bytes at most, and gives those that came whole, also when it fails.
func (s *session) bodies(uids []imap.UID, specifier imap.PartSpecifier, limit int64) (map[imap.UID][]byte, error) {
	section := &imap.FetchItemBodySection{Specifier: specifier, Peek: true}
	if specifier == imap.PartSpecifierNone {
		section.Partial = &imap.SectionPartial{Size: limit}
	}
	came := map[imap.UID][]byte{}
	err := s.within(10*answer, func() error {
		command := s.client.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
		for m := command.Next(); m != nil; m = command.Next() {
			uid, raw, err := read(m, limit)
			if err != nil {
				// The line is broken. Asking the command on would read from it beside the client itself.
				s.client.Close()
				return err
			}
			if raw != nil && slices.Contains(uids, uid) {
				came[uid] = raw
			}
		}
		return command.Close()
	})
	if err != nil {
		return came, s.cannot(err, "не удаётся забрать письма (%d, начиная с UID %d)", "fetch %d letters from UID %d on", len(uids), uids[0])
	}
	return came, nil
}

// read takes what a server sends for one letter, however much that is.
func read(m *imapclient.FetchMessageData, limit int64) (uid imap.UID, raw []byte, err error) {
	for item := m.Next(); item != nil; item = m.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			uid = item.UID
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil {
				raw = []byte{}
				continue
			}
			announced := item.Literal.Size()
			if raw, err = io.ReadAll(io.LimitReader(item.Literal, limit)); err == nil && int64(len(raw)) < min(announced, limit) {
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return uid, nil, err
			}
		}
	}
	return uid, raw, err
}

// await waits for news of the open folder, but not longer than d, and at least as long as deaf. told: there
// are some.
func (s *session) await(ctx context.Context, deaf, d time.Duration) (told bool, err error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, nil
	case <-time.After(deaf):
	case <-s.client.Closed():
		return false, s.cannot(errHungUp, "ожидание писем прервано", "wait for letters")
	}
	idle, err := s.listen()
	if err != nil {
		return false, s.cannot(err, "ожидание писем прервано", "wait for letters")
	}
	select {
	case <-ctx.Done():
		return false, nil
	case <-timer.C:
	case <-s.news:
		told = true
	case <-s.client.Closed():
		return false, s.cannot(errHungUp, "ожидание писем прервано", "wait for letters")
	}
	if idle == nil {
		return told, nil
	}
	err = s.within(answer, func() error { return errors.Join(idle.Close(), idle.Wait()) })
	if err != nil {
		return false, s.cannot(err, "ожидание писем прервано", "wait for letters")
	}
	return told, nil
}

// listen asks the server to tell of news by itself; nil when it does not do so, or has told already.
func (s *session) listen() (idle *imapclient.IdleCommand, err error) {
	// What came while the last letters were taken is told with any command; some servers forget it when IDLE begins.
	if err := s.within(answer, s.client.Noop().Wait); err != nil || !s.idles || len(s.news) > 0 {
		return nil, err
	}
	err = s.within(answer, func() (err error) {
		idle, err = s.client.Idle()
		return err
	})
	if err == nil {
		return idle, nil
	}
	if errors.As(err, new(*imap.Error)) {
		s.idles = false // it does not do what it says: letters are looked for now and then
		err = nil
	}
	return nil, err
}
