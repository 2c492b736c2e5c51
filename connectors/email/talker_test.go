package email

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"marshrut/connectors"
)

// talker is a mail server that answers as a test tells it to: what no server written well does.
type talker struct {
	addr string
	// answer gives the untagged lines of an answer; the tagged one follows. "NO" refuses.
	answer func(command string) string

	mu    sync.Mutex
	heard []string
}

func newTalker(t *testing.T, answer func(command string) string) *talker {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	k := &talker{addr: listener.Addr().String(), answer: answer}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go k.talk(conn)
		}
	}()
	return k
}

func (k *talker) talk(conn net.Conn) {
	defer conn.Close()
	fmt.Fprint(conn, "* OK [CAPABILITY IMAP4rev1] here\r\n")
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		tag, command, _ := strings.Cut(lines.Text(), " ")
		k.mu.Lock()
		k.heard = append(k.heard, command)
		k.mu.Unlock()
		if said := k.answer(command); said == "NO" {
			fmt.Fprintf(conn, "%s NO not now\r\n", tag)
		} else {
			fmt.Fprintf(conn, "%s%s OK done\r\n", said, tag)
		}
	}
}

// count tells how many commands began so.
func (k *talker) count(verb string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, command := range k.heard {
		if strings.HasPrefix(command, verb) {
			n++
		}
	}
	return n
}

func (k *talker) box(change func(*Settings)) *Instance {
	p := &post{addr: k.addr}
	return p.box(change)
}

const emptyFolder = "* 0 EXISTS\r\n* OK [UIDVALIDITY 1] v\r\n* OK [UIDNEXT 1] n\r\n"

func TestAServerThatTellsTheSameNewsWithEveryAnswerIsNotAskedWithoutAPause(t *testing.T) {
	k := newTalker(t, func(command string) string {
		switch {
		case strings.HasPrefix(command, "EXAMINE"):
			return emptyFolder
		case command == "NOOP":
			return "* 0 EXISTS\r\n"
		}
		return ""
	})
	d := newDesk()
	began := time.Now()
	poll(t, k.box(nil), d, func() bool { return time.Since(began) > 3*time.Second })
	if n := k.count("EXAMINE"); n < 2 || n > 6 {
		t.Errorf("it looked %d times in three seconds", n)
	}
}

func TestAServerThatRefusesToTellOfLettersIsLookedAtNowAndThen(t *testing.T) {
	k := newTalker(t, func(command string) string {
		switch {
		case command == "CAPABILITY":
			return "* CAPABILITY IMAP4rev1 IDLE\r\n"
		case command == "IDLE":
			return "NO"
		case strings.HasPrefix(command, "EXAMINE"):
			return emptyFolder
		}
		return ""
	})
	poll(t, k.box(nil), newDesk(), func() bool { return k.count("EXAMINE") >= 2 })
	if n := k.count("LOGIN"); n != 1 || k.count("IDLE") != 1 {
		t.Errorf("signed in %d times, asked to be told %d times", n, k.count("IDLE"))
	}
}

func TestWhatAServerRefusesIsSaidInTheLanguageOfTheConnection(t *testing.T) {
	for verb, words := range map[string]connectors.Text{
		"EXAMINE":    {"ru": "папка INBOX не открывается", "en": "open folder INBOX"},
		"UID SEARCH": {"ru": "не удаётся найти новые письма", "en": "look for new letters"},
		"UID FETCH":  {"ru": "не удаётся узнать о письмах", "en": "ask about 1 letters"},
		"NOOP":       {"ru": "ожидание писем прервано", "en": "wait for letters"},
	} {
		k := newTalker(t, func(command string) string {
			switch {
			case strings.HasPrefix(command, verb):
				return "NO"
			case strings.HasPrefix(command, "EXAMINE") && verb != "NOOP":
				return "* 1 EXISTS\r\n* OK [UIDVALIDITY 1] v\r\n* OK [UIDNEXT 8] n\r\n"
			case strings.HasPrefix(command, "EXAMINE"):
				return emptyFolder
			case strings.HasPrefix(command, "UID SEARCH"):
				return "* SEARCH 7\r\n"
			}
			return ""
		})
		for language, want := range words {
			i, d := k.box(nil), newDesk()
			i.connection.Language = language
			if err := d.Advance(t.Context(), "INBOX", mark{Validity: 1, Next: 1}); err != nil {
				t.Fatal(err)
			}
			if err := i.Poll(t.Context(), d.desk()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s refused, in %q: %v, want %q", verb, language, err, want)
			}
		}
	}
}

func TestALetterThatTheServerGivesAsNothingIsNotPassedOver(t *testing.T) {
	var empty, gone atomic.Bool // the server reads them in a goroutine of its own
	empty.Store(true)
	raw := string(numbered(7))
	k := newTalker(t, nil)
	k.answer = func(command string) string {
		switch {
		case strings.HasPrefix(command, "EXAMINE"):
			return "* 1 EXISTS\r\n* OK [UIDVALIDITY 1] v\r\n* OK [UIDNEXT 8] n\r\n"
		case gone.Load():
			return ""
		case strings.HasPrefix(command, "UID SEARCH"):
			return "* SEARCH 7\r\n"
		case strings.Contains(command, "RFC822.SIZE"):
			return fmt.Sprintf("* 1 FETCH (UID 7 RFC822.SIZE %d INTERNALDATE \"28-Nov-2026 12:00:00 +0000\")\r\n", len(raw))
		case strings.Contains(command, "BODY") && empty.Load():
			return "* 1 FETCH (UID 7 BODY[]<0> NIL)\r\n"
		case strings.Contains(command, "BODY"):
			return fmt.Sprintf("* 1 FETCH (UID 7 BODY[]<0> {%d}\r\n%s)\r\n", len(raw), raw)
		}
		return ""
	}
	i, d := k.box(nil), newDesk()
	if err := d.Advance(t.Context(), "INBOX", mark{Validity: 1, Next: 7, Since: time.Now().AddDate(-1, 0, 0)}); err != nil {
		t.Fatal(err)
	}
	if err := i.Poll(t.Context(), d.desk()); err == nil || !errors.Is(err, errNothing) || d.mark("INBOX").Next != 7 || d.count() != 0 {
		t.Fatalf("it ended with %v, the mark is %+v", err, d.mark("INBOX"))
	}
	empty.Store(false)
	poll(t, i, d, d.has(1))
	if got := d.subjects(); !slices.Equal(got, []string{"7@example.ru"}) {
		t.Errorf("taken %q", got)
	}
	// One that was deleted is given as nothing as well, and is gone for the next connection.
	other := newDesk()
	other.Advance(t.Context(), "INBOX", mark{Validity: 1, Next: 7, Since: time.Now().AddDate(-1, 0, 0)})
	gone.Store(true)
	well := make(chan struct{})
	desk := other.desk()
	desk.Well = func() { close(well) }
	ended := make(chan error, 1)
	go func() { ended <- i.Poll(t.Context(), desk) }()
	select {
	case <-well:
	case err := <-ended:
		t.Errorf("a letter that is gone ends it: %v", err)
	}
}

func TestHistoryThatIsAskedForLaterIsFetchedOnce(t *testing.T) {
	p, d := newPost(t), newDesk()
	for n := 1; n <= 3; n++ {
		p.put("INBOX", time.Now().AddDate(0, n-4, 0), numbered(n))
	}
	poll(t, p.box(nil), d, d.begun("INBOX"))
	p.put("INBOX", time.Now(), numbered(4))
	poll(t, p.box(nil), d, d.has(1))
	since := time.Now().AddDate(0, -2, -10).Format(time.DateOnly)
	ask := func(s *Settings) { s.Since = since }
	poll(t, p.box(ask), d, d.has(3))
	if got := d.subjects(); !slices.Equal(got, []string{"4@example.ru", "2@example.ru", "3@example.ru"}) {
		t.Errorf("taken %q, want what came, then what was asked for", got)
	}
	before := d.mark("INBOX")
	poll(t, p.box(ask), d, func() bool { return true })
	if after := d.mark("INBOX"); after != before || before.Next < 5 {
		t.Errorf("it began anew: %+v, then %+v", before, after)
	}
}

func TestTheFolderOfSentLettersIsFoundWhereTheServerDoesNotSayThatItKnowsWhatFoldersAreFor(t *testing.T) {
	for name, c := range map[string]struct{ listed, want string }{
		"by what it is for":                 {"* LIST (\\Sent) \"|\" Out\r\n* LIST () \"|\" Sent\r\n", "Out"},
		"by an English name":                {"* LIST () \".\" INBOX.Projects.Sent\r\n* LIST () \".\" \"INBOX.Sent Items\"\r\n", "INBOX.Sent Items"},
		"by a Russian name":                 {"* LIST () \"/\" &BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-\r\n", "Отправленные"},
		"one that cannot be opened is none": {"* LIST (\\Noselect) \"/\" Sent\r\n", ""},
		"none":                              {"* LIST () \"/\" Unsent\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			k := newTalker(t, func(command string) string {
				if strings.HasPrefix(command, "LIST") {
					return c.listed
				}
				return ""
			})
			s, done, err := k.box(func(s *Settings) { s.Sent = "" }).connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer done()
			if got, err := s.findSent(); err != nil || got != c.want {
				t.Errorf("found %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestALetterThatTheServerRefusesIsAskedForAloneAndDoesNotKeepOthersWaiting(t *testing.T) {
	k := newTalker(t, nil)
	k.answer = func(command string) string {
		var said strings.Builder
		switch {
		case strings.HasPrefix(command, "EXAMINE"):
			return "* 3 EXISTS\r\n* OK [UIDVALIDITY 1] v\r\n* OK [UIDNEXT 19] n\r\n"
		case strings.HasPrefix(command, "UID SEARCH UID 18"):
			return "* SEARCH 18\r\n"
		case strings.HasPrefix(command, "UID SEARCH"):
			return "* SEARCH 16 17 18\r\n"
		case strings.Contains(command, "BODY") && namesUID(command, 17):
			return "NO" // to the whole command: nothing of the others either
		}
		for n := 16; n <= 18; n++ {
			raw := numbered(n)
			switch {
			case strings.HasPrefix(command, "UID FETCH") && !namesUID(command, n):
			case strings.Contains(command, "RFC822.SIZE"):
				fmt.Fprintf(&said, "* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE \"28-Nov-2026 12:00:00 +0000\")\r\n", n-15, n, len(raw))
			case strings.Contains(command, "BODY"):
				fmt.Fprintf(&said, "* %d FETCH (UID %d BODY[]<0> {%d}\r\n%s)\r\n", n-15, n, len(raw), raw)
			}
		}
		return said.String()
	}
	i, d := k.box(nil), newDesk()
	if err := d.Advance(t.Context(), "INBOX", mark{Validity: 1, Next: 16, Since: time.Now().AddDate(-1, 0, 0)}); err != nil {
		t.Fatal(err)
	}
	for runs := 1; d.mark("INBOX").Next <= 17; runs++ {
		if runs > 2*maxTries {
			t.Fatalf("after %d runs at once taken %q, failures %+v", runs, d.subjects(), d.failures)
		}
		if err := i.Poll(t.Context(), d.desk()); err == nil {
			t.Fatal("a letter that is refused is no failure")
		}
	}
	poll(t, i, d, func() bool { return slices.Contains(d.subjects(), "18@example.ru") })
	if got := d.failures["INBOX/1"+"17"]; len(d.failures) != 1 || got == nil || !got.SetAside || got.Attempts != maxTries {
		t.Errorf("failures %+v", d.failures)
	}
	if !slices.Contains(d.subjects(), "16@example.ru") {
		t.Errorf("taken %q", d.subjects())
	}
}

// namesUID reports that a FETCH asks for a letter.
func namesUID(command string, uid int) bool {
	set := strings.Fields(command)[2]
	for part := range strings.SplitSeq(set, ",") {
		first, last, isRange := strings.Cut(part, ":")
		if !isRange {
			last = first
		}
		from, _ := strconv.Atoi(first)
		to, _ := strconv.Atoi(last)
		if from <= uid && uid <= to {
			return true
		}
	}
	return false
}
