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

// bombed is a mailbox to which such letters come.
func bombed() *Instance {
	return New(connectors.Connection{Name: "box", Region: "RU", Language: "ru"}, Settings{Address: "info@example.org", Aliases: []string{"@example.org"}})
}

func TestNoSmallLetterCostsMuch(t *testing.T) {
	i := bombed()
	for name, raw := range bombs() {
		began := time.Now()
		if _, err := i.Translate(pipeline.Event{Data: []byte(raw)}); err != nil && name != "blank lines" {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > 10*time.Second { // milliseconds, see the benchmark; without bounds minutes
			t.Errorf("%s: %d bytes take %s", name, len(raw), took)
		}
	}
}

// BenchmarkTheCostliestSmallLetter gives the time of the letter that costs most for its 1.5 KB.
func BenchmarkTheCostliestSmallLetter(b *testing.B) {
	i := bombed()
	var most time.Duration
	for range b.N {
		for _, raw := range bombs() {
			began := time.Now()
			_, _ = i.Translate(pipeline.Event{Data: []byte(raw)}) // what cannot be read costs as well
			most = max(most, time.Since(began))
		}
	}
	b.ReportMetric(milliseconds(most), "most-ms")
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
