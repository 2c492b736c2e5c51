package email

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"marshrut/connectors"
	"marshrut/pipeline"
)

// seeds are letters of every kind that the tests know.
func seeds() [][]byte {
	return [][]byte{
		numbered(1), report("failed"), hostile(12), []byte("\r\n\r\n"), []byte("no header at all"), {0},
		letter("From: noreply@example.org\nSubject: =?utf-8?B?0JfQsNGP0LLQutCw?=\nContent-Type: text/html", "<table><tr><td>Имя</td><td>Анна</td></tr><tr><td>Телефон</td><td>+7 912 000-00-01</td></tr></table>"),
		letter("From: =?koi8-r?Q?=E9=D7=C1=CE?= <a@b.ru>\nContent-Type: multipart/mixed; boundary=\"b\"", "--b\nContent-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=windows-1251\n\n=C7=E0=FF=E2=EA=E0=\n--b\nContent-Disposition: attachment; filename*0*=windows-1251''%C7%E0; filename*1=x.pdf\n\nx\n--b--\n"),
		letter("From: a@b.ru\nIn-Reply-To: <x@y>\nReferences: <1@y>,<2 @y> <3@y>", "Да\n\n05.05.2025, 10:00, \"Р\" <i@b.ru>:\n> Нет\n-- \nИван"),
		[]byte("From: a@b.ru\r\nSubject: " + in1251("Тема") + "\r\n\r\n" + inKOI8("Текст письма")),
		letter("From: a@b.ru", "Order #19\n1. Название: 159 (1 x 159)\nPayment Amount: 159 RUB\nRequest ID: 159574:802885\nPhone: +7 912 000-00-01"),
	}
}

// FuzzLetter: no letter makes us panic, hang or lose its text, and whatever is understood can be stored.
func FuzzLetter(f *testing.F) {
	for _, raw := range seeds() {
		f.Add(raw)
	}
	box := New(connectors.Connection{Name: "box", Connector: Connector, Region: "RU", Language: "ru"}, Settings{User: "info@example.org", Aliases: []string{"@example.org"}})
	f.Fuzz(func(t *testing.T, raw []byte) {
		began := time.Now()
		found, err := box.Translate(pipeline.Event{ID: "1", Connection: "box", Data: raw})
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("took %s", took)
		}
		if err != nil {
			if strings.TrimSpace(string(raw)) != "" {
				t.Errorf("a letter is refused: %v", err)
			}
			return
		}
		in := found[0]
		texts := []string{in.Name, in.Subject, in.Text}
		for _, field := range in.Fields {
			texts = append(texts, field.Key, field.Value)
		}
		texts = append(texts, in.Refs...)
		for _, s := range texts {
			if !utf8.ValidString(s) {
				t.Errorf("no UTF-8: %q", s)
			}
		}
		if strings.ContainsAny(in.Subject, "\r\n") {
			t.Errorf("a subject of several lines: %q", in.Subject)
		}
		contentHash(raw)
		sentAt(raw)
	})
}

// FuzzFold: visible and folded together are the whole text, and visible is never empty unless that is.
func FuzzFold(f *testing.F) {
	for _, raw := range seeds() {
		f.Add(string(raw), 3)
	}
	f.Fuzz(func(t *testing.T, text string, quote int) {
		visible, folded := Fold(text, quote)
		if strings.TrimSpace(visible) == "" && strings.TrimSpace(text) != "" {
			t.Errorf("%q is folded to nothing", text)
		}
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if squeeze(visible+" "+folded) != squeeze(text) {
			t.Errorf("%q became %q and %q", text, visible, folded)
		}
	})
}

// FuzzHeader: no header makes the readers of headers fail.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{"=?utf-8?B?0JfQsNGP?= <a@b.ru>, c", `attachment; filename*0*=utf-8''%D0; name="x\"`, "<a@b>,<c", in1251("Тема")} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, a := range addresses(s) {
			if !utf8.ValidString(a.Name) || strings.ContainsAny(a.Mail, " \r\n<>") {
				t.Errorf("%q gives %+v", s, a)
			}
		}
		if text := headerText(s); !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00") {
			t.Errorf("%q gives %q", s, text)
		}
		param(s, "filename")
		messageIDs(s)
		mediaType(s)
	})
}
