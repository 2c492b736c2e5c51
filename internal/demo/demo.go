// Package demo is the demo company: «Ромашка», which sells and installs air conditioners. On first start it makes 90 days of
// history with a clock of its own: invented people post inquiries at the real edge, invented employees work their tasks over
// the real API. Nothing is written past the doors that customers use, so what the pages show is what the product does.
// cmd/marshrut calls it.
package demo

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"marshrut/configs"
	"marshrut/internal/app"
	"marshrut/internal/localpg"
	"marshrut/internal/staff"
)

//go:embed company.yaml
var companyYAML string

// Password of every employee of the demo company.
const Password = "romashka-demo"

// Days of history.
const Days = 90

// Options of Start. Dir and Listen are required.
type Options struct {
	Dir, Listen string
	Out, Err    io.Writer
	Version     string
	Environ     []string
	Days        int // of history; Days if 0
	Inquiries   int // in that time, about; 320 if 0
}

// Start runs the demo company: makes it in an empty folder, or goes on with the one that is there. A history that was cut
// short is thrown away and made anew. It returns when people can use it, and has printed how.
func Start(ctx context.Context, o Options) (*app.App, error) {
	if o.Days == 0 {
		o.Days = Days
	}
	if o.Inquiries == 0 {
		o.Inquiries = 320
	}
	folder, err := openFolder(o)
	if err != nil {
		return nil, err
	}
	office, err := folder.openMail()
	if err != nil {
		return nil, err
	}
	config, err := configs.Load(folder.settings, o.Environ)
	if err != nil {
		return nil, errors.Join(err, office.Close())
	}
	clock := newClock()
	gateway, err := app.New(ctx, app.Options{Config: config, Now: clock.now, Log: app.NewLog(o.Err, config.Log), Version: o.Version})
	if err != nil {
		return nil, errors.Join(err, office.Close())
	}
	gateway.OnStop("the post office", func(context.Context) error { return office.Close() })
	if err := furnish(ctx, gateway, office, clock, folder, o); err != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		return nil, errors.Join(err, gateway.Stop(stop))
	}
	return gateway, nil
}

// furnish starts the gateway and gives it its history if it has none.
func furnish(ctx context.Context, gateway *app.App, office *PostOffice, clock *clock, folder folder, o Options) error {
	if !folder.complete {
		clock.set(time.Now().AddDate(0, 0, -o.Days))
	}
	if err := gateway.Start(ctx); err != nil {
		return err
	}
	if !folder.complete {
		if err := makeHistory(ctx, gateway, office, clock, o); err != nil {
			return fmt.Errorf("make the history of the demo company: %w", err)
		}
		clock.follow()
		// That this process runs, and that the mailbox answers, was said last by the clock that stood.
		now := time.Now()
		if err := errors.Join(gateway.Connections.Attend(ctx), gateway.Connections.Report(ctx, now, "mail", nil), folder.finish()); err != nil {
			return err
		}
	}
	base, err := openBase(ctx, gateway, folder)
	if err != nil {
		return err
	}
	token, err := folder.token(ctx, gateway.Staff)
	if err != nil {
		return err
	}
	return welcome(gateway, office, base, token, o)
}

// folder is where the company lives.
type folder struct {
	dir, settings, mark string
	complete            bool
}

// openFolder makes the settings of a new company. Without the mark of a finished history whatever is there is half made,
// and goes, with its cluster. Only what this package itself has made is ever removed.
func openFolder(o Options) (folder, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return folder{}, err
	}
	f := folder{dir: dir, settings: filepath.Join(dir, "marshrut.yaml"), mark: filepath.Join(dir, "complete")}
	_, settings := os.Stat(f.settings)
	_, mark := os.Stat(f.mark)
	if settings == nil && mark == nil {
		f.complete = true
		return f, f.moveTo(o.Listen)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return f, fmt.Errorf("make a folder for the demo company: %w", err) // once, and not for each thing that cannot lie in it
	}
	// As root the cluster lies elsewhere and outlives a folder that somebody deleted: it goes in any case.
	if err := f.discard(); err != nil {
		return f, fmt.Errorf("throw away the half-made demo company in %s: %w", dir, err)
	}
	return f, f.make(o.Listen)
}

func (f folder) discard() error {
	if err := localpg.Remove(f.dir); err != nil {
		return err
	}
	var problems []error
	for _, name := range []string{"blobs", "postgres", "secret", "marshrut.yaml", "1c.jsonl", tokenFile, imapFile, smtpFile, passwordFile} {
		problems = append(problems, os.RemoveAll(filepath.Join(f.dir, name)))
	}
	return errors.Join(problems...)
}

func (f folder) make(listen string) error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	return f.write(listen, newTokens(nil))
}

// connectionCount is how many connections company.yaml has.
const connectionCount = 5

// newTokens are those there are, and new ones for connections that had none.
func newTokens(tokens []string) []string {
	for len(tokens) < connectionCount {
		raw := make([]byte, 16)
		rand.Read(raw)
		tokens = append(tokens, hex.EncodeToString(raw))
	}
	return tokens
}

// moveTo keeps the company when it is started on another address, or by a later version with other settings.
func (f folder) moveTo(listen string) error {
	// The post office opens later, and an earlier version named variables where it names files.
	if err := f.tellMail("localhost:1", "localhost:1", ""); err != nil {
		return err
	}
	config, err := configs.Load(f.settings, []string{"ROMASHKA_IMAP=localhost:1", "ROMASHKA_SMTP=localhost:1", "ROMASHKA_PASSWORD="})
	if err != nil {
		return err
	}
	var tokens []string
	for _, connection := range config.Connections {
		tokens = append(tokens, connection.Token.Reveal())
	}
	return f.write(listen, newTokens(tokens))
}

func (f folder) write(listen string, tokens []string) error {
	var text strings.Builder
	values := map[string]any{"Dir": f.dir, "Listen": listen, "PublicURL": publicURL(listen), "Tokens": tokens}
	if err := template.Must(template.New("company").Parse(companyYAML)).Execute(&text, values); err != nil {
		return err
	}
	return os.WriteFile(f.settings, []byte(text.String()), 0o600)
}

// publicURL is what people type: localhost for the loopback address, so that the browser's cookies and copies agree.
func publicURL(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "http://" + listen
	}
	if host == "" || host == "127.0.0.1" || host == "::1" || host == "0.0.0.0" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// finish marks the history as whole.
func (f folder) finish() error {
	file, err := os.Create(f.mark)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// tokenFile keeps the API token that the start prints: scripts go on working when the demo is started again.
const tokenFile = "token"

// token is the one of the start before, as long as it opens the door, else a new one.
func (f folder) token(ctx context.Context, people *staff.Staff) (string, error) {
	path, now := filepath.Join(f.dir, tokenFile), time.Now()
	if kept, err := os.ReadFile(path); err == nil {
		token := strings.TrimSpace(string(kept))
		if _, err := people.TokenActor(ctx, token, now); !errors.Is(err, staff.ErrNoSession) {
			return token, err
		}
	}
	if err := revokeTokens(ctx, people, "demo", now); err != nil {
		return "", err
	}
	token, err := people.AddToken(ctx, staff.System(), "admin", "demo", now)
	if err != nil {
		return "", err
	}
	return token, os.WriteFile(path, []byte(token+"\n"), 0o600)
}

// Phones of the messages that people are shown how to send: of nobody whom the company knows, so that what comes of them is new.
const (
	strangerWrites = "+7 900 000-99-02"
	strangerCalls  = "79000009901"
)

// welcome prints how to get in. The last line is the API token.
func welcome(gateway *app.App, office *PostOffice, base *base, token string, o Options) error {
	now := time.Now()
	address := publicURL(gateway.Addr())
	fmt.Fprintf(o.Out, "\nМаршрут: демонстрационная компания «Ромашка»\n\n  %s\n\n", address)
	fmt.Fprintf(o.Out, "  пароль у всех (password of everyone): %s\n", Password)
	for _, e := range employees {
		fmt.Fprintf(o.Out, "    %-10s %-24s %s\n", e.login, e.name, e.permission.Title("ru"))
	}
	fmt.Fprintf(o.Out, "\n  адреса для обращений (where inquiries go):\n")
	site := ""
	for _, name := range []string{"site", "landing", "price", "partner"} {
		for _, a := range gateway.Connections.Addresses(name, now) {
			fmt.Fprintf(o.Out, "    %-8s %s\n", name, a.URL)
			if name == "site" {
				site = a.URL
			}
		}
	}
	fmt.Fprintf(o.Out, "\n  1С:УНФ, имитация (a simulated 1C base): %s  %s / %s\n", base.address, baseUser, basePassword)
	fmt.Fprintf(o.Out, "\n  попробуйте (try):\n    curl -d 'Имя=Анна' -d 'Телефон=%s' -d 'Комментарий=Нужен кондиционер' %s\n", strangerWrites, site)
	fmt.Fprintf(o.Out, "    printf 'From: Анна <anna@example.org>\\nSubject: Монтаж\\n\\nСколько стоит?\\n' | curl -T - --mail-from anna@example.org --mail-rcpt %s smtp://%s\n\n", mailbox, office.SMTP)
	if phone, err := newExchange(gateway, now); err == nil { // who has renamed the connection keeps the company all the same
		rings, ends := phone.try(strangerCalls, extensionOf(0), now)
		fmt.Fprintf(o.Out, "    звонит телефон, доб. %s, %s (it rings):\n    %s\n    не ответили (nobody answered):\n    %s\n\n", extensionOf(0), employees[0].name, rings, ends)
	}
	fmt.Fprintf(o.Out, "  Ctrl-C останавливает; данные остаются в %s\n", o.Dir)
	_, err := fmt.Fprintf(o.Out, "token: %s\n", token)
	return err
}

// revokeTokens ends tokens that nobody knows any more, so that they do not pile up.
func revokeTokens(ctx context.Context, people *staff.Staff, name string, now time.Time) error {
	tokens, err := people.Tokens(ctx, "")
	if err != nil {
		return err
	}
	for _, token := range tokens {
		if token.Name != name || token.RevokedAt != nil {
			continue
		}
		if err := people.RevokeToken(ctx, staff.System(), token.ID, now); err != nil {
			return err
		}
	}
	return nil
}
