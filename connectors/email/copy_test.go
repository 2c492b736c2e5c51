package email

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"marshrut/pipeline/delivery"
)

// keeping is a mailbox that sends and keeps copies.
func (p *post) keeping(sent string) *Instance {
	return p.box(func(s *Settings) {
		s.SMTP, s.SMTPSecurity, s.Sent, s.KeepSent = "127.0.0.1:25", "none", sent, true
	})
}

// held is how many letters a folder holds.
func (p *post) held(folder string) uint32 {
	p.t.Helper()
	status, err := p.user.Status(folder, &imap.StatusOptions{NumMessages: true})
	if err != nil {
		p.t.Fatal(err)
	}
	return *status.NumMessages
}

func TestACopyOfALetterIsKeptOnceAndIsNoInteractionOfItsOwn(t *testing.T) {
	p := newPost(t)
	p.create("Отправленные")
	i := p.keeping("Отправленные")
	letter := order(t, nil)
	request, wanted := i.Copy(letter)
	if !wanted || request.Connection != "box" || request.IdempotencyKey == letter.IdempotencyKey {
		t.Fatalf("ordered %+v, %t", request, wanted)
	}
	p.put("Отправленные", time.Now(), numbered(1))
	p.cutAt("OK [APPENDUID") // the server has taken it, and nobody hears of that
	if err := i.Deliver(t.Context(), delivery.Delivery{Request: request}); err == nil {
		t.Fatal("a copy of which nothing was heard counts as kept")
	}
	p.cutAt("")
	for range 2 {
		if err := i.Deliver(t.Context(), delivery.Delivery{Request: request}); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.held("Отправленные"); n != 2 {
		t.Errorf("the folder holds %d letters, want the one from before and the copy", n)
	}
	d := newDesk()
	poll(t, p.box(func(s *Settings) { s.Sent, s.Since = "Отправленные", "2020-01-01" }), d, d.has(1))
	if got := d.subjects(); len(got) != 1 || got[0] != "1@example.ru" {
		t.Errorf("read from the folder: %q", got)
	}
}

func TestWithoutTheFolderACopyFailsInWordsAndTheLetterIsNotTouched(t *testing.T) {
	p := newPost(t)
	for sent, words := range map[string]string{"": "назовите её в настройках", "Нет такой": "папка Нет такой не открывается"} {
		i := p.keeping(sent)
		request, _ := i.Copy(order(t, nil))
		err := i.Deliver(t.Context(), delivery.Delivery{Request: request})
		if err == nil || !strings.Contains(err.Error(), words) || errors.As(err, new(delivery.Permanent)) != (sent == "") {
			t.Errorf("%q: %v", sent, err)
		}
	}
	if _, wanted := p.box(nil).Copy(order(t, nil)); wanted {
		t.Error("a copy is kept where the service does so by itself")
	}
}
