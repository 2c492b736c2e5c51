package email

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"marshrut/connectors"
	"marshrut/pipeline"
)

const password = "letters of the password"

// post is a mail server of the test with one user, and a cable to it that can be cut.
type post struct {
	t    testing.TB
	user *imapmemserver.User
	addr string
	*cable
}

func newPost(t testing.TB, caps ...imap.Cap) *post {
	t.Helper()
	p := &post{t: t, user: imapmemserver.NewUser("info@example.org", password)}
	p.create("INBOX")
	memory := imapmemserver.New()
	memory.AddUser(p.user)
	set := imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapSpecialUse: {}}
	for _, c := range caps {
		set[c] = struct{}{}
	}
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return memory.NewSession(), nil, nil
		},
		InsecureAuth: true, Caps: set, Logger: silent{},
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener) // until Close
	t.Cleanup(func() { server.Close() })
	p.cable = newCable(t, listener.Addr().String())
	p.addr = p.cable.addr
	return p
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

func (p *post) create(folder string) {
	p.t.Helper()
	if err := p.user.Create(folder, &imap.CreateOptions{}); err != nil {
		p.t.Fatal(err)
	}
}

// put lays a letter into a folder.
func (p *post) put(folder string, at time.Time, raw []byte) {
	p.t.Helper()
	if _, err := p.user.Append(folder, literal{strings.NewReader(string(raw)), int64(len(raw))}, &imap.AppendOptions{Time: at}); err != nil {
		p.t.Fatal(err)
	}
}

type literal struct {
	io.Reader
	size int64
}

func (l literal) Size() int64 { return l.size }

// numbered is the n-th letter of somebody.
func numbered(n int) []byte {
	return letter(fmt.Sprintf("From: Иван <ivan%d@example.ru>\nTo: info@example.org\nSubject: Письмо %d\nMessage-ID: <%d@example.ru>", n, n, n), fmt.Sprintf("Текст %d", n))
}

// desk remembers in memory what a poller notes, and takes what it finds.
type desk struct {
	mu        sync.Mutex
	positions map[string][]byte
	failures  map[string]*connectors.Failure
	again     map[string]map[string]bool // by part and item: what somebody wants tried once more
	events    []pipeline.Event
	files     map[string]string
	away      error // of the bus
	now       func() time.Time
	took      chan struct{}
}

func newDesk() *desk {
	return &desk{positions: map[string][]byte{}, failures: map[string]*connectors.Failure{}, files: map[string]string{}, now: time.Now, took: make(chan struct{}, 1000)}
}

func (d *desk) desk() connectors.Desk { return connectors.Desk{Sink: d, Memory: d, Keep: d.keep} }

func (d *desk) keep(_ context.Context, key string, r io.Reader) error {
	data, err := io.ReadAll(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[key] = string(data)
	return err
}

func (d *desk) Accept(_ context.Context, events ...pipeline.Event) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away != nil {
		return d.away
	}
	d.events = append(d.events, events...)
	select {
	case d.took <- struct{}{}:
	default:
	}
	return nil
}

func (d *desk) Position(_ context.Context, part string, position any) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	raw, ok := d.positions[part]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(raw, position)
}

func (d *desk) Advance(_ context.Context, part string, position any) error {
	raw, err := json.Marshal(position)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.positions[part] = raw
	return err
}

// unfailed reports that nothing is noted as failed.
func (d *desk) unfailed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.failures) == 0
}

func (d *desk) Again(_ context.Context, part string) (items []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for item := range d.again[part] {
		items = append(items, item)
	}
	return items, nil
}

func (d *desk) Fail(_ context.Context, part, item, reason string) (connectors.Failure, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.failures[part+item]
	if f == nil {
		f = &connectors.Failure{Part: part, Item: item, Since: d.now()}
		d.failures[part+item] = f
	}
	f.Attempts++
	f.Reason = reason
	return *f, nil
}

func (d *desk) SetAside(_ context.Context, part, item string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures[part+item].SetAside = true
	return nil
}

func (d *desk) Forget(_ context.Context, part, item string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.failures, part+item)
	return nil
}

// subjects are the Message-IDs of what was taken, in order, repeats left out as the database would.
func (d *desk) subjects() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := map[string]bool{}
	var all []string
	for _, e := range d.events {
		if !seen[e.ID] {
			seen[e.ID] = true
			id, _, _ := strings.Cut(e.Subject, "/") // of the letter, without who wrote it and when
			all = append(all, id)
		}
	}
	return all
}

func (d *desk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.events)
}

func (d *desk) mark(folder string) mark {
	var m mark
	d.Position(context.Background(), folder, &m)
	return m
}

// box is the mailbox of the test.
func (p *post) box(change func(*Settings)) *Instance {
	s := Defaults
	s.Server, s.Security, s.User, s.Password, s.Sent = p.addr, "none", "info@example.org", password, "-"
	if change != nil {
		change(&s)
	}
	if err := s.Validate(); err != nil {
		p.t.Fatal(err)
	}
	return New(connectors.Connection{Name: "box", Connector: Connector, Provider: "imap", Region: "RU", Language: "ru",
		Secrets: map[string]string{"password": password}, Dial: (&net.Dialer{}).DialContext}, s)
}

// poll polls until ok, which it has to come to, and stops.
func poll(t testing.TB, i *Instance, d *desk, ok func() bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- i.Poll(ctx, d.desk()) }()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case err := <-ended:
			t.Fatalf("polling ended: %v, with %q", err, d.subjects())
		case <-ctx.Done():
			t.Fatalf("it never came to it; taken %q", d.subjects())
		case <-tick.C:
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("told to stop it ended with %v", err)
	}
}

func (d *desk) has(n int) func() bool { return func() bool { return len(d.subjects()) >= n } }

func (d *desk) begun(folder string) func() bool {
	return func() bool { return d.mark(folder).Next > 0 }
}

func TestHistoryIsNotImportedUnlessAskedFor(t *testing.T) {
	p, d := newPost(t), newDesk()
	p.put("INBOX", time.Now().AddDate(0, -2, 0), numbered(1))
	p.put("INBOX", time.Now().AddDate(0, -1, 0), numbered(2))
	poll(t, p.box(nil), d, d.begun("INBOX"))
	p.put("INBOX", time.Now(), numbered(3))
	poll(t, p.box(nil), d, d.has(1))
	if got := d.subjects(); !slices.Equal(got, []string{"3@example.ru"}) {
		t.Errorf("taken %q, want what came after connecting", got)
	}
	asked := newDesk()
	since := time.Now().AddDate(0, -1, -10).Format(time.DateOnly)
	poll(t, p.box(func(s *Settings) { s.Since = since }), asked, asked.has(2))
	if got := asked.subjects(); !slices.Equal(got, []string{"2@example.ru", "3@example.ru"}) {
		t.Errorf("asked from %s on, taken %q", since, got)
	}
}

func TestLettersThatCameBeforeTheMailboxCouldBeLookedAtAreNoHistory(t *testing.T) {
	p, d := newPost(t), newDesk()
	p.create("Spam")
	connected := time.Now().Add(-3 * time.Hour)
	p.put("INBOX", connected.AddDate(0, -1, 0), numbered(1))
	p.put("INBOX", connected.Add(-time.Minute), numbered(2))
	p.put("INBOX", connected.Add(time.Minute), numbered(3))
	p.put("INBOX", connected.Add(2*time.Hour), numbered(4))
	late := func(change func(*Settings)) *Instance {
		i := p.box(change)
		i.connection.CreatedAt = connected
		return i
	}
	poll(t, late(nil), d, d.has(2))
	p.put("INBOX", time.Now(), numbered(5))
	poll(t, late(nil), d, d.has(3))
	p.put("Spam", connected.Add(time.Hour), numbered(6)) // a folder that is added later begins at its end
	poll(t, late(func(s *Settings) { s.Folders = []string{"INBOX", "Spam"} }), d, d.begun("Spam"))
	p.put("Spam", time.Now(), numbered(7))
	poll(t, late(func(s *Settings) { s.Folders = []string{"INBOX", "Spam"} }), d, d.has(4))
	if got := d.subjects(); !slices.Equal(got, []string{"3@example.ru", "4@example.ru", "5@example.ru", "7@example.ru"}) {
		t.Errorf("taken %q", got)
	}
}

func TestLettersThatComeAreTakenAtOnceWhereTheServerTellsOfThem(t *testing.T) {
	p, d := newPost(t, imap.CapIdle), newDesk()
	began := time.Now()
	n := 0
	box := p.box(func(s *Settings) { s.Every = connectors.Duration(10 * time.Second) })
	poll(t, box, d, func() bool {
		if d.begun("INBOX")() && d.count() == n && n < 5 {
			n++
			p.put("INBOX", time.Now(), numbered(n))
		}
		return d.count() >= 5
	})
	if took := time.Since(began); took > 25*time.Second {
		t.Errorf("took %s: it looked again after a pause and was not told", took)
	}
}

func TestAfterAnOutageOfAnyLengthItGoesOnWhereItStood(t *testing.T) {
	p, d := newPost(t), newDesk()
	poll(t, p.box(nil), d, d.begun("INBOX"))
	for n := range 250 {
		p.put("INBOX", time.Now().AddDate(0, -3, 0), numbered(n)) // months of letters that came while we were away
	}
	poll(t, p.box(nil), d, d.has(250))
	if d.count() != 250 {
		t.Errorf("taken %d times, want each once", d.count())
	}
}

func TestNothingOfTheMailboxIsChanged(t *testing.T) {
	p, d := newPost(t), newDesk()
	poll(t, p.box(nil), d, d.begun("INBOX"))
	p.put("INBOX", time.Now(), numbered(1))
	poll(t, p.box(nil), d, d.has(1))
	status, err := p.user.Status("INBOX", &imap.StatusOptions{NumUnseen: true, NumMessages: true})
	if err != nil || *status.NumUnseen != 1 || *status.NumMessages != 1 {
		t.Errorf("unseen %v, %v", status, err)
	}
}

func TestWithoutTheBusTheMarkStaysAndTheLettersComeAgain(t *testing.T) {
	p, d := newPost(t), newDesk()
	poll(t, p.box(nil), d, d.begun("INBOX"))
	before := d.mark("INBOX")
	p.put("INBOX", time.Now(), numbered(1))
	d.away = errors.New("the bus is away")
	if err := p.box(nil).Poll(t.Context(), d.desk()); !errors.Is(err, d.away) {
		t.Fatalf("ended with %v, want the bus's error", err)
	}
	if after := d.mark("INBOX"); after.Next != before.Next {
		t.Errorf("the mark moved from %d to %d", before.Next, after.Next)
	}
	if len(d.failures) > 0 {
		t.Errorf("the letter is blamed for the bus: %+v", d.failures)
	}
	d.away = nil
	poll(t, p.box(nil), d, d.has(1))
}

func TestARebuiltFolderIsReadAgainByDateAndHistoryStaysHistory(t *testing.T) {
	p, d := newPost(t), newDesk()
	dated := func(n int, at time.Time) []byte {
		return append([]byte("Date: "+at.Format(time.RFC1123Z)+"\r\n"), numbered(n)...)
	}
	old := time.Now().AddDate(0, -2, 0)
	p.put("INBOX", old, dated(1, old))
	poll(t, p.box(nil), d, d.begun("INBOX"))
	p.put("INBOX", time.Now(), dated(2, time.Now()))
	poll(t, p.box(nil), d, d.has(1))
	validity := d.mark("INBOX").Validity

	if err := p.user.Delete("INBOX"); err != nil {
		t.Fatal(err)
	}
	p.create("INBOX")
	p.put("INBOX", time.Now(), dated(1, old)) // moved in by a program that gives every letter today's date
	p.put("INBOX", time.Now(), dated(2, time.Now()))
	p.put("INBOX", time.Now(), dated(3, time.Now()))
	poll(t, p.box(nil), d, d.has(2))
	if got := d.subjects(); !slices.Equal(got, []string{"2@example.ru", "3@example.ru"}) {
		t.Errorf("taken %q", got)
	}
	if d.mark("INBOX").Validity == validity {
		t.Error("the folder was not rebuilt: the test proves nothing")
	}
}

func TestTheSameLetterInAnotherFolderIsTheSameEvent(t *testing.T) {
	p, d := newPost(t), newDesk()
	p.create("Спам")
	i := p.box(func(s *Settings) { s.Folders = []string{"INBOX", "Спам"} })
	poll(t, i, d, d.begun("INBOX"))
	moved := append([]byte("X-Moved: by a rule\r\n"), numbered(1)...)
	p.put("Спам", time.Now(), numbered(1))
	p.put("INBOX", time.Now(), moved)
	poll(t, i, d, func() bool { return d.count() == 2 })
	if d.events[0].ID != d.events[1].ID || d.events[0].Attributes[connectors.AttrHash] != d.events[1].Attributes[connectors.AttrHash] {
		t.Errorf("a letter that was moved is told apart: %+v", d.events)
	}
}

func TestAnotherLetterUnderTheSameMessageIDIsAnotherEvent(t *testing.T) {
	p, d := newPost(t), newDesk()
	poll(t, p.box(nil), d, d.begun("INBOX"))
	head := "Message-ID: <1@forms.example.org>\nSubject: Заявка\n"
	for _, rest := range []string{
		"From: ivan@example.ru\nDate: Mon, 02 Mar 2026 10:00:00 +0300",
		"From: ivan@example.ru\nDate: Mon, 02 Mar 2026 07:00:00 +0000", // the same moment: the same letter
		"From: ivan@example.ru\nDate: Mon, 02 Mar 2026 10:05:00 +0300",
		"From: anna@example.ru\nDate: Mon, 02 Mar 2026 10:00:00 +0300",
	} {
		p.put("INBOX", time.Now(), letter(head+rest, "текст"))
	}
	poll(t, p.box(nil), d, func() bool { return d.count() == 4 })
	if e := d.events; e[0].ID != e[1].ID || e[0].ID == e[2].ID || e[0].ID == e[3].ID || e[2].ID == e[3].ID {
		t.Errorf("ids %s %s %s %s", e[0].ID, e[1].ID, e[2].ID, e[3].ID)
	}
	if e := d.events; e[0].Key != e[3].Key {
		t.Errorf("the order of a correspondence is lost: %s %s", e[0].Key, e[3].Key)
	}
}

func TestALetterWithoutAnIDIsKnownByWhatItSays(t *testing.T) {
	p, d := newPost(t), newDesk()
	poll(t, p.box(nil), d, d.begun("INBOX"))
	at := time.Now()
	for _, text := range []string{"один", "один", "два"} {
		p.put("INBOX", at, letter("From: ivan@example.ru\nSubject: Тема", text))
	}
	poll(t, p.box(nil), d, func() bool { return d.count() == 3 })
	if e := d.events; e[0].ID != e[1].ID || e[0].ID == e[2].ID {
		t.Errorf("ids %s %s %s", e[0].ID, e[1].ID, e[2].ID)
	}
}

func TestLettersWithoutAHeaderAreToldApart(t *testing.T) {
	anna, ivan := contentHash([]byte("Позвоните Анне")), contentHash([]byte("Позвоните Ивану"))
	if slices.Equal(anna, ivan) || !slices.Equal(anna, contentHash([]byte("Позвоните Анне"))) {
		t.Errorf("named %x and %x", anna, ivan)
	}
}

func TestFilesAreStoredBeforeTheEventThatNamesThem(t *testing.T) {
	p, d := newPost(t), newDesk()
	poll(t, p.box(nil), d, d.begun("INBOX"))
	p.put("INBOX", time.Now(), letter("From: ivan@example.ru\nMessage-ID: <1@x>\nContent-Type: multipart/mixed; boundary=b",
		"--b\nContent-Type: text/plain; charset=utf-8\n\nСмета\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename*=utf-8''%D0%A1%D0%BC%D0%B5%D1%82%D0%B0.pdf\nContent-Transfer-Encoding: base64\n\nJVBERg==\n--b--\n"))
	poll(t, p.box(nil), d, d.has(1))
	found, err := p.box(nil).Translate(d.events[0])
	if err != nil || len(found) != 1 || len(found[0].Files) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	file := found[0].Files[0]
	if file.Name != "Смета.pdf" || file.Size != 4 || d.files[file.Ref] != "%PDF" {
		t.Errorf("the file is %+v, stored %q", file, d.files)
	}
}

func TestALetterThatCannotBeFetchedIsSetAsideAndShownAndStopsNobody(t *testing.T) {
	p, d := newPost(t), newDesk()
	i := p.box(nil)
	clock := time.Now()
	i.now, d.now = func() time.Time { return clock }, func() time.Time { return clock }
	poll(t, i, d, d.begun("INBOX"))
	poison := append(numbered(2), []byte("\r\n"+strings.Repeat("POISON ", 100))...)
	p.put("INBOX", clock, numbered(1))
	p.put("INBOX", clock, poison)
	p.put("INBOX", clock, numbered(3))
	p.cutAt("POISON")
	for tries := 0; !slices.Contains(d.subjects(), "3@example.ru"); tries++ {
		if tries > 20 {
			t.Fatalf("after %d runs taken %q, failures %+v", tries, d.subjects(), d.failures)
		}
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
		go func() {
			for len(d.subjects()) < 3 && ctx.Err() == nil {
				<-d.took
			}
			stop()
		}()
		if err := i.Poll(ctx, d.desk()); err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("the password is told: %v", err)
		}
		stop()
		clock = clock.Add(2 * time.Minute)
		d.took <- struct{}{}
	}
	if got := d.subjects(); len(got) != 3 || got[0] != "1@example.ru" || got[2] != "3@example.ru" {
		t.Errorf("taken %q", got)
	}
	shown := d.events[len(d.events)-2]
	for _, e := range d.events {
		if e.Type == pipeline.UnreadableType {
			shown = e
		}
	}
	reason := shown.Attributes[pipeline.UnreadableReason]
	if shown.Type != pipeline.UnreadableType || shown.Connection != "box" || !strings.Contains(reason, "UID 2") || !strings.Contains(string(shown.Data), "2@example.ru") {
		t.Errorf("shown as %+v", shown)
	}
	aside := 0
	for _, f := range d.failures {
		if f.SetAside {
			aside++
		}
	}
	if aside != 1 || len(d.failures) != 1 {
		t.Errorf("failures %+v", d.failures)
	}

	p.cutAt("") // somebody has mended it, and wants the letter
	for _, f := range d.failures {
		d.again = map[string]map[string]bool{f.Part: {f.Item: true}}
		if name := i.NameItem(f.Part, f.Item); name.In("ru") != "письмо № 2 в папке INBOX" {
			t.Errorf("it is called %q", name.In("ru"))
		}
	}
	poll(t, i, d, d.unfailed)
	if got := d.subjects(); len(got) != 4 || got[3] != "2@example.ru" {
		t.Errorf("after it was wanted again, taken %q, failures %+v", got, d.failures)
	}
}

func TestALetterThatIsTooLargeIsTakenInPart(t *testing.T) {
	p, d := newPost(t), newDesk()
	poll(t, p.box(nil), d, d.begun("INBOX"))
	p.put("INBOX", time.Now(), append(numbered(1), []byte(strings.Repeat("0123456789abcde\r\n", (maxLetter+1<<20)/17))...))
	p.put("INBOX", time.Now(), numbered(2))
	poll(t, p.box(nil), d, d.has(2))
	found, err := p.box(nil).Translate(d.events[0])
	if err != nil || len(d.events[0].Data) > partOf || found[0].Subject != "Письмо 1" || !slices.ContainsFunc(found[0].Fields, hasNote) {
		t.Errorf("%d bytes, %+v, %v", len(d.events[0].Data), found, err)
	}
}

func TestTheConnectionMayBeCutAnywhereAndNoLetterIsLost(t *testing.T) {
	p, d := newPost(t), newDesk()
	i := p.box(nil)
	poll(t, i, d, d.begun("INBOX"))
	for n := range 30 {
		p.put("INBOX", time.Now(), numbered(n))
	}
	for budget := 20; len(d.subjects()) < 30; budget += 60 {
		if budget > 20_000 {
			t.Fatalf("taken %q", d.subjects())
		}
		p.cutAfter(budget)
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for ctx.Err() == nil && len(d.subjects()) < 30 {
				select {
				case <-ctx.Done():
				case <-d.took:
				}
			}
			stop()
		}()
		i.Poll(ctx, d.desk()) // however it ends
		stop()
		<-watched
	}
	for n, id := range d.subjects() {
		if id != fmt.Sprintf("%d@example.ru", n) {
			t.Fatalf("out of order: %q", d.subjects())
		}
	}
	for _, f := range d.failures {
		if f.SetAside {
			t.Errorf("a letter was set aside for a fault of the line: %+v", f)
		}
	}
}

func TestAWrongPasswordIsSaidInWordsAndNeverShown(t *testing.T) {
	p, d := newPost(t), newDesk()
	i := p.box(func(s *Settings) { s.Password = "another secret of ours" })
	err := i.Poll(t.Context(), d.desk())
	if err == nil || !strings.Contains(err.Error(), "пароль приложения") || strings.Contains(err.Error(), "another secret") {
		t.Errorf("it says %v", err)
	}
}

func TestCopiesOfWhatTheGatewaySentAreLeftOut(t *testing.T) {
	p, d := newPost(t), newDesk()
	p.create("Отправленные")
	i := p.box(func(s *Settings) { s.Sent = "Отправленные" })
	poll(t, i, d, d.begun("INBOX"))
	p.put("Отправленные", time.Now(), letter("From: info@example.org\nTo: ivan@example.ru\nMessage-ID: <"+ourID+"1@example.org>", "сами"))
	p.put("Отправленные", time.Now(), letter("From: Анна <info@example.org>\nTo: Иван <ivan@example.ru>, anna@example.org\nSubject: Re: Цена\nMessage-ID: <2@example.org>\nIn-Reply-To: <1@example.ru>", "Высылаю расчёт"))
	poll(t, i, d, d.has(1))
	found, err := i.Translate(d.events[0])
	if err != nil || len(d.events) != 1 {
		t.Fatalf("%d events, %v", len(d.events), err)
	}
	in := found[0]
	if !in.Outgoing() || in.Name != "Иван" || len(in.Points) != 1 || in.Points[0].Value != "ivan@example.ru" || in.Text != "Высылаю расчёт" ||
		!slices.Equal(in.Refs, []string{"letter:1@example.ru", "letter:2@example.org"}) {
		t.Errorf("understood as %+v", in)
	}
}

func TestAMailboxOfAHundredThousandLettersTakesLittleMemory(t *testing.T) {
	p, d := newPost(t), newDesk()
	raw := append(numbered(1), []byte(strings.Repeat("Строка письма, в котором есть что прочесть.\r\n", 20))...)
	for range 100_000 {
		p.put("INBOX", time.Now().AddDate(0, 0, -1), raw)
	}
	poll(t, p.box(nil), d, d.begun("INBOX"))
	m := d.mark("INBOX")
	m.Next = 80_001 // the server of the test takes its time for each letter: the last fifth shows whether memory grows
	if err := d.Advance(t.Context(), "INBOX", m); err != nil {
		t.Fatal(err)
	}
	i := p.box(nil)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, most, taken := heap(), int64(0), 0
	counting := connectors.SinkFunc(func(_ context.Context, events ...pipeline.Event) error {
		if taken/4000 != (taken+len(events))/4000 {
			most = max(most, heap())
		}
		taken += len(events)
		return nil
	})
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
	defer stop()
	well := func() { stop() } // told when all there is has been taken
	if err := i.Poll(ctx, connectors.Desk{Sink: counting, Memory: d, Keep: d.keep, Well: well}); err != nil || taken != 20_000 {
		t.Fatalf("taken %d, %v", taken, err)
	}
	// What is in hand at once: the list of UIDs, a group of letters, and their events.
	if grown := most - before; grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	} else {
		t.Logf("the heap grew by %d KiB", grown>>10)
	}
}
