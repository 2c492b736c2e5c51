package email

import (
	"strings"

	"golang.org/x/net/html"
)

// htmlText gives the text that HTML shows, and where in it an older letter begins (0: nowhere). It reads tags one by
// one, so that no depth of nesting matters. Cells of a row are parted by tabs.
func htmlText(source string) (text string, quote int) {
	if source == "" {
		return "", 0
	}
	var w htmlWriter
	tags := html.NewTokenizer(strings.NewReader(source))
	tags.SetMaxBuf(maxText)
	for {
		switch tags.Next() {
		case html.ErrorToken:
			return w.done()
		case html.TextToken:
			w.text(string(tags.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			w.open(tags.Token())
		case html.EndTagToken:
			name, _ := tags.TagName()
			w.close(string(name))
		}
	}
}

type htmlWriter struct {
	out   strings.Builder
	quote int
	mute  string // the tag whose content nobody sees
	pre   int
	last  byte
	blank bool // a blank is due before the next word
}

var (
	breaks = tagSet("address article blockquote br dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li main ol p pre section table tr ul tbody thead")
	mutes  = tagSet("script style head title noscript template svg")
)

func tagSet(list string) map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(list) {
		set[name] = true
	}
	return set
}

func (w *htmlWriter) open(t html.Token) {
	if w.mute != "" {
		return
	}
	if mutes[t.Data] && t.Type == html.StartTagToken {
		w.mute = t.Data
		return
	}
	switch {
	case t.Data == "td" || t.Data == "th":
		w.cell()
	case t.Data == "dd":
		w.put('\t')
	case breaks[t.Data]:
		w.line()
	}
	if t.Data == "pre" {
		w.pre++
	}
	if w.quote == 0 && w.out.Len() > 0 && beginsQuote(t) {
		w.quote = w.out.Len()
	}
}

func (w *htmlWriter) close(name string) {
	if w.mute != "" {
		if w.mute == name {
			w.mute = ""
		}
		return
	}
	if name == "pre" && w.pre > 0 {
		w.pre--
	}
	if breaks[name] && name != "dt" {
		w.line()
	}
}

func (w *htmlWriter) line() {
	w.blank = false
	if w.last != '\n' && w.out.Len() > 0 {
		w.put('\n')
	}
}

// cell parts the cells of a row; a table within a cell begins anew.
func (w *htmlWriter) cell() {
	w.blank = false
	if w.last != '\n' && w.last != '\t' && w.out.Len() > 0 {
		w.put('\t')
	}
}

func (w *htmlWriter) put(b byte) {
	w.out.WriteByte(b)
	w.last = b
}

func (w *htmlWriter) text(s string) {
	if w.mute != "" || w.out.Len() > maxText {
		return
	}
	if w.pre > 0 {
		w.out.WriteString(s)
		if s != "" {
			w.last = s[len(s)-1]
		}
		return
	}
	begins := s != "" && strings.TrimLeft(s, " \t\r\n\u00a0") != s
	for word := range strings.FieldsSeq(s) {
		if (w.blank || begins) && w.last != '\n' && w.last != '\t' && w.out.Len() > 0 {
			w.put(' ')
		}
		w.out.WriteString(word)
		w.last = word[len(word)-1]
		w.blank, begins = true, false
	}
	w.blank = s != strings.TrimRight(s, " \t\r\n\u00a0") || w.blank && begins
}

// done trims the lines and moves the place of the quote with them.
func (w *htmlWriter) done() (string, int) {
	all := w.out.String()
	if w.quote == 0 {
		return tidy(all), 0
	}
	before := tidy(all[:w.quote])
	if before == "" {
		return tidy(all), 0
	}
	return before + "\n\n" + tidy(all[w.quote:]), len(before)
}

// tidy trims lines and folds empty ones.
func tidy(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		if line == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue
		}
		lines = append(lines, line)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// beginsQuote knows how mail programs mark the letter that is answered.
func beginsQuote(t html.Token) bool {
	for _, a := range t.Attr {
		value := strings.ToLower(a.Val)
		switch a.Key {
		case "class":
			if strings.Contains(value, "gmail_quote") || strings.Contains(value, "yahoo_quoted") || strings.Contains(value, "protonmail_quote") ||
				strings.Contains(value, "moz-cite-prefix") {
				return true
			}
		case "id":
			if strings.HasSuffix(value, "appendonsend") || strings.HasSuffix(value, "divrplyfwdmsg") || value == "mailru_quote" {
				return true
			}
		case "type":
			if t.Data == "blockquote" && value == "cite" {
				return true
			}
		case "style": // Outlook draws a line above the letter that is answered
			if t.Data == "div" && strings.Contains(strings.ReplaceAll(value, " ", ""), "border-top:solid#") {
				return true
			}
		}
	}
	return false
}
