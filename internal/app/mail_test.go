package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/configs"
	"marshrut/internal/app"
	"marshrut/internal/demo"
	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/pipeline/delivery"
)

const (
	address  = "info@romashka.example.org"
	password = "letters of the password"
)

// firm is a whole gateway with a mailbox, in a database of the test.
type firm struct {
	t      *testing.T
	url    string
	dir    string
	pool   *pgxpool.Pool
	office *demo.PostOffice
}

func newFirm(t *testing.T) *firm {
	t.Helper()
	office, err := demo.OpenPostOffice(address, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { office.Close() })
	url := postgrestest.URL(t)
	return &firm{t: t, url: url, dir: t.TempDir(), pool: postgrestest.Open(t, url), office: office}
}

// start starts one process of the gateway.
func (f *firm) start() (stop func()) {
	f.t.Helper()
	settings := fmt.Sprintf(`
data_dir: %s
secret_key: "a key of the tests, which is long enough"
http: {listen: "127.0.0.1:0", public_url: "http://localhost"}
database: {url: "%s"}
company: {name: Ромашка, region: RU, timezone: Europe/Moscow, language: ru}
outgoing: {allow: [127.0.0.0/8]}
connections:
  - name: mail
    connector: email
    provider: imap
    source: mail
    settings: {server: "%s", security: none, smtp: "%s", smtp_security: none, user: %s, password: "%s", sent: Отправленные, keep_sent: true, aliases: ["@romashka.example.org"], every: 10s}
  - name: landing
    connector: webform
    provider: tilda
    token: "0123456789abcdefghijkl"
`, f.dir, f.url, f.office.IMAP, f.office.SMTP, address, password)
	file := filepath.Join(f.dir, "marshrut.yaml")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		f.t.Fatal(err)
	}
	config, err := configs.Load(file, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	gateway, err := app.New(f.t.Context(), app.Options{Config: config, Log: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		f.t.Fatal(err)
	}
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
		defer cancel()
		if err := gateway.Stop(ctx); err != nil {
			f.t.Error(err)
		}
	}
	if err := gateway.Start(f.t.Context()); err != nil {
		stop()
		f.t.Fatal(err)
	}
	return stop
}

// await waits until a question has this answer.
func (f *firm) await(want int, query string, args ...any) {
	f.t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := -1; ; {
		if err := f.pool.QueryRow(f.t.Context(), query, args...).Scan(&n); err != nil {
			f.t.Fatal(err)
		}
		if n == want {
			return
		}
		select {
		case <-deadline:
			f.t.Fatalf("%d, want %d: %s", n, want, query)
		case <-tick.C:
		}
	}
}

func (f *firm) put(folder, text string) {
	f.t.Helper()
	if err := f.office.Put(folder, time.Now(), []byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		f.t.Fatal(err)
	}
}

const begun = `select count(*) from connection_cursor where connection = 'mail'`

func TestMailGoesInAndOutAndAnAnswerFindsItsLead(t *testing.T) {
	f := newFirm(t)
	f.put(demo.Inbox, "From: old@example.ru\nMessage-ID: <0@example.ru>\n\nИстория")
	defer f.start()()
	f.await(2, begun)

	f.put(demo.Inbox, "From: Иван Петров <ivan@example.ru>\nTo: "+address+"\nSubject: Монтаж\nMessage-ID: <1@example.ru>\nContent-Type: text/plain; charset=koi8-r\n\nСколько стоит монтаж?")
	f.await(1, `select count(*) from lead where channel = 'mail' and title = 'Монтаж, Иван Петров' and source = 'mail'`)
	f.await(1, `select count(*) from inquiry where text = 'Сколько стоит монтаж?'`)

	f.put(demo.Written, "From: Анна <anna@romashka.example.org>\nTo: ivan@example.ru\nSubject: Re: Монтаж\nMessage-ID: <2@romashka.example.org>\nIn-Reply-To: <1@example.ru>\n\nОт 10 000")
	f.await(1, `select count(*) from interaction where direction = 'out' and human and kind = 'letter'`)
	f.await(1, `select count(*) from lead where first_response_at is not null`)

	f.put(demo.Inbox, "From: Ольга <olga@another.example.ru>\nSubject: Re: Монтаж\nMessage-ID: <3@another.example.ru>\nReferences: <1@example.ru> <2@romashka.example.org>\n\nДорого\n"+strings.Repeat("Очень. ", 60_000))
	f.await(3, `select count(*) from interaction where lead_id = (select min(id) from lead)`)
	f.await(1, `select count(*) from inquiry_raw where data_ref <> ''`) // too large to travel

	f.order()
	f.await(1, `select count(*) from delivery where state = 'done' and idempotency_key = 'process-999-1-1-0'`)
	f.await(1, `select count(*) from delivery where state = 'done' and kind = 'keep-letter' and idempotency_key = 'process-999-1-1-0/copy'`)
	sent := f.office.Sent() // at night the route map has answered the first letter too
	if !slices.ContainsFunc(sent, func(s demo.Sent) bool {
		return s.To == "olga@another.example.ru" && strings.Contains(string(s.Raw), "In-Reply-To: <3@another.example.ru>")
	}) {
		t.Fatalf("sent %q", sent)
	}
	var ours string
	if err := f.pool.QueryRow(t.Context(), `select details->>'message_id' from interaction where direction = 'out' and not human
		and details->>'to' = 'olga@another.example.ru'`).Scan(&ours); err != nil {
		t.Fatal(err)
	}
	f.put(demo.Written, "From: "+address+"\nTo: olga@another.example.ru\nMessage-ID: <"+ours+">\n\nкопия, которую сохранил сервер")
	f.put(demo.Inbox, "From: mailer-daemon@example.ru\nReturn-Path: <>\nSubject: Недоставленное сообщение\nMessage-ID: <4@mx>\n\nне может быть доставлено\n\nMessage-ID: <"+ours+">")
	f.put(demo.Inbox, "From: Третий <third@example.ru>\nSubject: Re\nMessage-ID: <5@example.ru>\nIn-Reply-To: <"+ours+">\n\nПерешлите мне")
	f.await(1, `select count(*) from inquiry i join lead l on l.id = i.lead_id where i.vendor_id = '5@example.ru' and l.id = (select min(id) from lead)`)
	f.await(1, `select count(*) from interaction where lead_id = (select min(id) from lead) and direction = 'in' and not human`)
	f.await(1, `select count(*) from lead`)
	f.await(0, `select count(*) from inquiry where text in ('История', 'копия, которую сохранил сервер')`)
	f.await(0, `select count(*) from inquiry where state = 'dead'`)
}

// order writes what a step of a route map writes.
func (f *firm) order() {
	f.t.Helper()
	payload, err := json.Marshal(map[string]any{"action": "send-letter", "params": map[string]any{"template": "no_answer"}, "values": map[string]any{}})
	if err != nil {
		f.t.Fatal(err)
	}
	var lead int64
	if err := f.pool.QueryRow(f.t.Context(), `select min(id) from lead`).Scan(&lead); err != nil {
		f.t.Fatal(err)
	}
	err = postgres.InTx(f.t.Context(), f.pool, func(tx pgx.Tx) error {
		return delivery.Enqueue(f.t.Context(), tx, time.Now(), []delivery.Request{{Connection: "send-letter", Kind: "send-letter",
			IdempotencyKey: "process-999-1-1-0" /* of no process here: the first has written by itself when it is night */, Lead: lead, Payload: payload}})
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestAFormThatComesByWebHookAndByMailIsOneLead(t *testing.T) {
	f := newFirm(t)
	defer f.start()()
	f.await(2, begun)
	notification := "From: noreply@forms.example.org\nSubject: Заявка с формы\nMessage-ID: <7@forms>\n\nRequest details:\nName: Светлана\nComment: Нужна вентиляция\nphone: +7 (912) 000-00-07\nRequest ID: 15957456:8028853052\n"
	f.put(demo.Inbox, notification)
	f.await(1, `select count(*) from lead l join contact_point p on p.contact_id = l.contact_id where p.value = '+79120000007'`)
	f.await(1, `select count(*) from lead_ref where ref = 'submission:15957456:8028853052' and lead_id is not null`)
	f.put(demo.Inbox, strings.Replace(strings.Replace(notification, "<7@forms>", "<8@forms>", 1), "+7 (912) 000-00-07", "+7 (912) 000-00-08", 1))
	f.await(1, `select count(*) from inquiry where vendor_id = '8@forms'`)
	f.await(1, `select count(*) from lead`)
}

func TestOfTwoProcessesOneReadsTheMailboxAndTheOtherTakesOver(t *testing.T) {
	f := newFirm(t)
	first, second := f.start(), f.start()
	f.await(2, begun)
	for n := range 20 {
		f.put(demo.Inbox, fmt.Sprintf("From: client%d@example.ru\nMessage-ID: <%d@example.ru>\n\nПисьмо", n, n))
	}
	f.await(20, `select count(*) from lead`)
	f.await(0, `select coalesce(sum(repeats), 0) from inquiry`) // both reading would have brought each twice
	first()
	f.put(demo.Inbox, "From: late@example.ru\nMessage-ID: <late@example.ru>\n\nПисьмо")
	f.await(21, `select count(*) from lead`)
	second()
}
