package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"

	"marshrut/internal/app"
)

// mailbox is the address of the company; its letters are in a post office of the demo company's own.
const mailbox = "info@romashka.example.org"

// mailFiles are where the settings find the post office. It is elsewhere at every start, and commands that work beside the
// company read the settings too.
const (
	imapFile     = "mail.imap"
	smtpFile     = "mail.smtp"
	passwordFile = "mail.password"
)

// openMail opens the post office and tells the settings where it is.
func (f folder) openMail() (*PostOffice, error) {
	secret := make([]byte, 16)
	rand.Read(secret)
	password := hex.EncodeToString(secret)
	office, err := OpenPostOffice(mailbox, password)
	if err != nil {
		return nil, fmt.Errorf("open the post office of the demo company: %w", err)
	}
	if err := f.tellMail(office.IMAP, office.SMTP, password); err != nil {
		return nil, errors.Join(err, office.Close())
	}
	return office, nil
}

func (f folder) tellMail(imap, smtp, password string) error {
	var problems []error
	for name, text := range map[string]string{imapFile: imap, smtpFile: smtp, passwordFile: password} {
		problems = append(problems, os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600))
	}
	return errors.Join(problems...)
}

var topics = []string{"Вопрос по кондиционеру", "Расчёт стоимости", "Заявка", "Нужна консультация", "Сроки монтажа", "Кондиционер в офис"}

// mailLetter is a letter as people write them: in one of five cases by an old program that does not say its charset.
func mailLetter(r *mathrand.Rand, v visitor, at time.Time, wish string) letter {
	id := fmt.Sprintf("%016x@mail.example.org", r.Uint64())
	text := "Здравствуйте!\n\n" + wish + "\n\n-- \n" + v.first + " " + v.last + "\n" + v.phone + "\n"
	topic := pick(r, topics)
	header := []string{"From: " + mime.BEncoding.Encode("utf-8", v.first+" "+v.last) + " <" + v.email + ">", "To: " + mailbox,
		"Subject: " + mime.BEncoding.Encode("utf-8", topic), "Date: " + at.Format(time.RFC1123Z), "Message-ID: <" + id + ">"}
	if r.IntN(5) == 0 {
		text, _ = charmap.Windows1251.NewEncoder().String(text) // a Russian text of our own
	} else {
		header = append(header, "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit")
	}
	return letter{at: at, connection: "mail", folder: Inbox, id: id, topic: topic, body: wire(header, text)}
}

func wire(header []string, text string) []byte {
	return []byte(strings.ReplaceAll(strings.Join(header, "\n")+"\n\n"+text, "\n", "\r\n"))
}

// thread is what follows a letter: half of them a manager answers from a mail program, and most clients answer that.
func thread(r *mathrand.Rand, v visitor, l letter, to time.Time) []letter {
	if l.connection != "mail" || r.IntN(2) == 0 {
		return nil
	}
	answered := l.at.Add(time.Duration(40+r.IntN(600)) * time.Minute)
	answer := letter{at: answered, connection: "mail", folder: Written, id: fmt.Sprintf("%016x@romashka.example.org", r.Uint64())}
	answer.body = wire([]string{"From: " + mime.BEncoding.Encode("utf-8", "Ромашка") + " <" + mailbox + ">", "To: " + v.email,
		"Subject: " + mime.BEncoding.Encode("utf-8", "Re: "+l.topic), "Date: " + answered.Format(time.RFC1123Z), "Message-ID: <" + answer.id + ">", "In-Reply-To: <" + l.id + ">", "References: <" + l.id + ">",
		"Content-Type: text/plain; charset=utf-8"}, "Добрый день! Посчитали, расчёт ниже. Когда удобно обсудить?\n\n> "+l.at.Format("02.01.2006")+"\n")
	again := answered.Add(time.Duration(2+r.IntN(30)) * time.Hour)
	reply := letter{at: again, connection: "mail", folder: Inbox, id: fmt.Sprintf("%016x@mail.example.org", r.Uint64())}
	reply.body = wire([]string{"From: " + mime.BEncoding.Encode("utf-8", v.first+" "+v.last) + " <" + v.email + ">", "To: " + mailbox,
		"Subject: " + mime.BEncoding.Encode("utf-8", "Re: "+l.topic), "Date: " + again.Format(time.RFC1123Z), "Message-ID: <" + reply.id + ">", "In-Reply-To: <" + answer.id + ">",
		"References: <" + l.id + "> <" + answer.id + ">", "Content-Type: text/plain; charset=utf-8"},
		pick(r, []string{"Спасибо, подходит. Позвоните завтра до обеда.", "А можно дешевле?", "Хорошо, жду договор."})+
			"\n\n"+answered.Format("02.01.2006, 15:04")+", \"Ромашка\" <"+mailbox+">:\n> Добрый день! Посчитали, расчёт ниже.\n")
	var all []letter
	for _, one := range []letter{answer, reply} {
		if one.at.Before(to) {
			all = append(all, one)
		}
	}
	return all
}

// postMail lays a letter into the mailbox and waits until it is filed.
func (h *history) postMail(ctx context.Context, l letter) error {
	if !h.reading {
		if err := awaitReading(ctx, h.gateway); err != nil {
			return err
		}
		h.reading = true
	}
	if err := h.office.Put(l.folder, l.at, l.body); err != nil {
		return err
	}
	if l.folder != Inbox {
		return nil // looked at with the next letter that comes; it is filed as of its own moment
	}
	h.stale = true
	return await(ctx, h.gateway, "letter "+l.id+" is filed", `select exists (select from inquiry where connection = 'mail' and vendor_id = $1)`, l.id)
}

// awaitReading waits until the gateway reads the mailbox: what comes before that is history to it.
func awaitReading(ctx context.Context, gateway *app.App) error {
	return await(ctx, gateway, "the mailbox is read", `select count(*) >= 2 from connection_cursor where connection = 'mail'`)
}

// await asks the database until it says yes.
func await(ctx context.Context, gateway *app.App, what, query string, arguments ...any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var yes bool
		switch err := gateway.Pool().QueryRow(ctx, query, arguments...).Scan(&yes); {
		case err != nil:
			return fmt.Errorf("wait until %s: %w", what, err)
		case yes:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
}
