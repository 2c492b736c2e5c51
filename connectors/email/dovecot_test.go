//go:build dovecot

package email

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"marshrut/connectors"
	"marshrut/pipeline/delivery"
)

//go:embed testdata/dovecot.conf
var dovecotConf string

// dovecot is a real mail server of the test: its own configuration, folder and port, on loopback, with TLS. Letters are put
// into its Maildir, as a delivery agent does.
type dovecot struct {
	t     *testing.T
	dir   string
	roots *x509.CertPool
	owner [2]int
	n     int
	*cable
}

// startDovecot starts Dovecot as whoever runs the test. Without it on the machine the test has nothing to prove, unless it is
// required: then that is a failure.
func startDovecot(t *testing.T) *dovecot {
	t.Helper()
	binary, err := exec.LookPath("dovecot")
	if err != nil {
		binary = "/usr/sbin/dovecot" // not in the path of ordinary users
	}
	if _, err := os.Stat(binary); err != nil {
		if os.Getenv("MARSHRUT_REQUIRE_DOVECOT") != "" {
			t.Fatal("Dovecot is required and not there: on Debian apt-get install dovecot-imapd")
		}
		t.Skip("Dovecot is not there: make test-mail installs it")
	}
	dir, err := os.MkdirTemp("", "dovecot")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &dovecot{t: t, dir: dir}
	port := d.configure()
	command := exec.Command(binary, "-F", "-c", filepath.Join(dir, "dovecot.conf"))
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Signal(syscall.SIGTERM)
		command.Wait()
		if log, err := os.ReadFile(filepath.Join(dir, "log")); t.Failed() && err == nil {
			t.Logf("Dovecot says:\n%s%s", said.String(), log)
		}
	})
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	d.awaitPort(address)
	d.cable = newCable(t, address)
	return d
}

// configure writes what Dovecot needs and gives the port it will listen on.
func (d *dovecot) configure() int {
	d.t.Helper()
	who := d.people()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	d.must(err)
	port := listener.Addr().(*net.TCPAddr).Port
	d.must(listener.Close())
	certificate, roots := certify(d.t)
	d.roots = roots
	key, err := x509.MarshalECPrivateKey(certificate.PrivateKey.(*ecdsa.PrivateKey))
	d.must(err)
	d.must(os.WriteFile(filepath.Join(d.dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}), 0o600))
	d.must(os.WriteFile(filepath.Join(d.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key}), 0o600))
	d.must(os.WriteFile(filepath.Join(d.dir, "users"), []byte("info@example.org:{PLAIN}"+password+"\n"), 0o644))
	d.must(os.Chmod(d.dir, 0o755)) // its helpers run as others
	var conf bytes.Buffer
	d.must(template.Must(template.New("conf").Parse(dovecotConf)).Execute(&conf, map[string]any{"Dir": d.dir, "Port": port, "Who": who}))
	d.must(os.WriteFile(filepath.Join(d.dir, "dovecot.conf"), conf.Bytes(), 0o600))
	for _, folder := range []string{"cur", "new", "tmp", ".Sent/cur", ".Sent/new", ".Sent/tmp"} {
		d.must(os.MkdirAll(filepath.Join(d.dir, "mail", folder), 0o700))
	}
	d.own(filepath.Join(d.dir, "mail"))
	return port
}

// runners are the users that Dovecot's processes run as.
type runners struct{ Internal, Login, Group, UID, GID string }

func (d *dovecot) people() runners {
	d.t.Helper()
	me, err := user.Current()
	d.must(err)
	group, err := user.LookupGroupId(me.Gid)
	d.must(err)
	who := runners{me.Username, me.Username, group.Name, me.Uid, me.Gid}
	if me.Uid == "0" {
		nobody, err := user.Lookup("nobody")
		d.must(err)
		who = runners{"dovecot", "dovenull", "dovecot", nobody.Uid, nobody.Gid}
	}
	d.owner[0], _ = strconv.Atoi(who.UID)
	d.owner[1], _ = strconv.Atoi(who.GID)
	return who
}

func (d *dovecot) own(path string) {
	d.t.Helper()
	if os.Getuid() != 0 {
		return
	}
	d.must(filepath.WalkDir(path, func(name string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(name, d.owner[0], d.owner[1])
	}))
}

func (d *dovecot) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *dovecot) awaitPort(address string) {
	d.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return
		}
	}
	log, _ := os.ReadFile(filepath.Join(d.dir, "log"))
	d.t.Fatalf("Dovecot does not listen on %s:\n%s", address, log)
}

// put delivers a letter: "" is the inbox.
func (d *dovecot) put(folder string, raw []byte) {
	d.t.Helper()
	d.n++
	name := fmt.Sprintf("%d.%d.test", time.Now().Unix(), d.n)
	waiting := filepath.Join(d.dir, "mail", folder, "tmp", name)
	d.must(os.WriteFile(waiting, raw, 0o600))
	d.own(waiting)
	d.must(os.Rename(waiting, filepath.Join(d.dir, "mail", folder, "new", name)))
}

func (d *dovecot) box(change func(*Settings)) *Instance {
	s := Defaults
	s.Server, s.Security, s.User, s.Password, s.Every = d.cable.addr, "tls", "info@example.org", password, connectors.Duration(10*time.Second)
	if change != nil {
		change(&s)
	}
	i := New(connectors.Connection{Name: "box", Connector: Connector, Language: "ru", Secrets: map[string]string{"password": password},
		Dial: (&net.Dialer{}).DialContext}, s)
	i.roots = d.roots
	return i
}

func TestARealServerIsReadAsItComesAndNothingInItIsChanged(t *testing.T) {
	server, d := startDovecot(t), newDesk()
	server.put("", numbered(1)) // history
	n := 1
	poll(t, server.box(nil), d, func() bool {
		if d.begun("INBOX")() && d.begun("Sent")() && d.count() == n-1 && n < 4 {
			n++
			server.put("", numbered(n))
		}
		return d.count() >= 3
	})
	if got := d.subjects(); !slices.Equal(got, []string{"2@example.ru", "3@example.ru", "4@example.ru"}) {
		t.Errorf("taken %q", got)
	}
	server.put(".Sent", letter("From: info@example.org\nTo: ivan@example.ru\nMessage-ID: <s@example.org>", "Ответ"))
	poll(t, server.box(nil), d, d.has(4))
	if role := d.events[3].Attributes[attrFolder]; role != folderSent {
		t.Errorf("the letter of the sent folder has the role %q", role)
	}
	seen, err := filepath.Glob(filepath.Join(server.dir, "mail", "cur", "*:2,*S*"))
	if err != nil || len(seen) > 0 {
		t.Errorf("marked as read: %q, %v", seen, err)
	}
}

func TestTheLineToARealServerMayBreakAnywhere(t *testing.T) {
	server, d := startDovecot(t), newDesk()
	i := server.box(func(s *Settings) { s.Sent = "-" })
	poll(t, i, d, d.begun("INBOX"))
	for n := range 60 {
		server.put("", numbered(n))
	}
	runs := 0
	for budget := 50; len(d.subjects()) < 60; budget += 200 { // the handshake, the greeting, the sign-in, the folder, the letters
		if runs++; runs > 300 {
			t.Fatalf("after %d runs taken %d", runs, len(d.subjects()))
		}
		server.cutAfter(budget)
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		ended := make(chan error, 1)
		go func() { ended <- i.Poll(ctx, d.desk()) }()
		for over := false; !over; {
			select {
			case err := <-ended:
				over = true
				if err != nil && strings.Contains(err.Error(), password) {
					t.Fatalf("the password is told: %v", err)
				}
			case <-d.took:
				if len(d.subjects()) >= 60 {
					stop()
				}
			}
		}
		stop()
	}
	got := d.subjects()
	slices.Sort(got)
	if len(slices.Compact(got)) != 60 {
		t.Errorf("taken %q", got)
	}
	for _, f := range d.failures {
		if f.SetAside {
			t.Errorf("a letter was set aside for a fault of the line: %+v", f)
		}
	}
	t.Logf("%d runs", runs)
}

func TestAFolderThatARealServerRebuiltIsReadAgain(t *testing.T) {
	server, d := startDovecot(t), newDesk()
	i := server.box(func(s *Settings) { s.Sent = "-" })
	poll(t, i, d, d.begun("INBOX"))
	server.put("", numbered(1))
	poll(t, i, d, d.has(1))
	before := d.mark("INBOX").Validity
	tick := time.NewTicker(time.Second + 100*time.Millisecond) // UIDVALIDITY is a second of the clock
	<-tick.C
	tick.Stop()
	for _, pattern := range []string{"dovecot*", ".dovecot*"} {
		indexes, err := filepath.Glob(filepath.Join(server.dir, "mail", pattern))
		server.must(err)
		for _, index := range indexes {
			server.must(os.RemoveAll(index))
		}
	}
	server.put("", numbered(2))
	poll(t, i, d, d.has(2))
	if d.mark("INBOX").Validity == before {
		t.Error("UIDVALIDITY has not changed: the test proves nothing")
	}
	if got := d.subjects(); !slices.Equal(got, []string{"1@example.ru", "2@example.ru"}) {
		t.Errorf("taken %q", got)
	}
}

func TestACopyIsKeptOnceInARealServerWhereverTheLineBreaks(t *testing.T) {
	server := startDovecot(t)
	i := server.box(func(s *Settings) { s.SMTP, s.KeepSent = "127.0.0.1:25", true })
	request, _ := i.Copy(order(t, nil))
	for cut := 1500; ; cut += 60 { // from within the handshake to behind the end
		server.cutAfter(cut)
		if err := i.Deliver(t.Context(), delivery.Delivery{Request: request}); err == nil {
			break
		} else if cut > 10_000 {
			t.Fatal(err)
		}
	}
	server.cutAfter(-1)
	server.must(i.Deliver(t.Context(), delivery.Delivery{Request: request}))
	kept, err := filepath.Glob(filepath.Join(server.dir, "mail", ".Sent", "*", "*"))
	server.must(err)
	kept = slices.DeleteFunc(kept, func(name string) bool { return !strings.Contains(name, ",S=") && !strings.Contains(name, ":2,") })
	if len(kept) != 1 || !strings.HasSuffix(kept[0], ":2,S") {
		t.Errorf("kept as %q", kept)
	}
}
