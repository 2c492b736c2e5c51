package email

import (
	"strings"
	"testing"
	"time"

	"marshrut/connectors"
	"marshrut/pipeline"
)

// bombs are letters of a kilobyte and a half that repeat what some parser reads again and again.
func bombs() map[string]string {
	again, begin := strings.Repeat, "From: a@example.ru\r\nSubject: x\r\n"
	page := begin + "Content-Type: text/html\r\n\r\n"
	return map[string]string{
		"multiparts":         string(hostile(30)),
		"angles":             "From: " + again("<", 1450) + "\r\n\r\nx",
		"comments":           "From: " + again("(", 700) + again(")", 700) + "\r\n\r\nx",
		"groups":             "From: " + again("a:", 700) + "\r\n\r\nx",
		"addresses":          "To: " + again("a@b.ru,", 200) + "\r\n\r\nx",
		"encoded words":      "Subject: " + again("=?a?b?a?= ", 145) + "\r\n\r\nx",
		"parameters":         "Content-Type: text/plain; " + again("a*1*=b;", 200) + "\r\n\r\nx",
		"folded lines":       "Subject: a\r\n" + again(" \r\n", 480) + "\r\nx",
		"blank lines":        again("\r\n \t", 300),
		"references":         "References: " + again("<a@b>", 290) + "\r\n\r\nx",
		"elements":           page + again("<div>", 280),
		"hidden elements":    page + again("<div hidden>", 110),
		"attributes":         page + "<a " + again("a=b ", 340),
		"quotes":             begin + "\r\n" + again(">\n", 700),
		"passed on":          begin + "\r\n" + again("От:\n", 250),
		"attributions":       begin + "\r\n" + again("пн, 5 мая 2025 ", 60),
		"fields":             begin + "\r\n" + again("a: b\n", 280),
		"labels":             begin + "\r\n" + again("имя - ", 150),
		"phones":             begin + "\r\n" + again("+7 (", 350),
		"lines of an order":  begin + "\r\n1. " + again("a: 1 (", 230),
		"letters in letters": "From: x@example.org\r\n" + again("Content-Type: message/rfc822\r\n\r\n", 45),
	}
}

func TestNoSmallLetterCostsMuch(t *testing.T) {
	i := New(connectors.Connection{Name: "box", Region: "RU", Language: "ru"}, Settings{Address: "info@example.org", Aliases: []string{"@example.org"}})
	for name, raw := range bombs() {
		least := time.Hour // of some tries: the machine has other things to do
		for range 5 {
			began := time.Now()
			if _, err := i.Translate(pipeline.Event{Data: []byte(raw)}); err != nil && name != "blank lines" {
				t.Errorf("%s: %v", name, err)
			}
			least = min(least, time.Since(began))
		}
		if least > 100*time.Millisecond {
			t.Errorf("%s: %d bytes take %s", name, len(raw), least)
		}
	}
}
