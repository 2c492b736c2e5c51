package email

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// htmlText gives the text that HTML shows, and where in it an older letter begins (0: nowhere). What its styles hide is
// left out, unless that is all there is.
func htmlText(source string) (text string, quote int) {
	if source == "" {
		return "", 0
	}
	w := htmlWriter{hides: true}
	if text, quote = w.read(source); text == "" || w.hidden.tag != "" { // all of it, or to the end: somebody forgot a tag
		w = htmlWriter{}
		text, quote = w.read(source)
	}
	return text, quote
}

// read goes through the tags one by one, so that no depth of nesting matters. Cells of a row are parted by tabs.
func (w *htmlWriter) read(source string) (text string, quote int) {
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
	hides bool   // styles are heeded
	// hidden is the element that a style hides, and how many of its name are open in it.
	hidden struct {
		tag  string
		open int
	}
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
	if w.hide(t) {
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
	if w.hidden.tag != "" {
		if w.hidden.tag == name {
			w.hidden.open--
		}
		if w.hidden.open == 0 {
			w.hidden.tag = ""
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

// hide notes an element that a style hides, and reports whether the tag is in one. Elements that nobody closes are none.
func (w *htmlWriter) hide(t html.Token) bool {
	if w.hidden.tag != "" {
		if t.Data == w.hidden.tag && t.Type == html.StartTagToken {
			w.hidden.open++
		}
		return true
	}
	if !w.hides || t.Type != html.StartTagToken || !hideable[t.Data] || !isHidden(t) {
		return false
	}
	w.hidden.tag, w.hidden.open = t.Data, 1
	return true
}

var (
	hideable = tagSet("div span p td table tr tbody section article center font b i a h1 h2 h3 h4 li ul ol dl dt dd")
	hiding   = regexp.MustCompile(`(?i)(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?:px|pt|em|%)?\s*(?:!important\s*)?(?:;|$))`)
)

func isHidden(t html.Token) bool {
	for _, a := range t.Attr {
		if a.Key == "hidden" || a.Key == "style" && hiding.MatchString(a.Val) {
			return true
		}
	}
	return false
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
	if w.mute != "" || w.hidden.tag != "" || w.out.Len() > maxText {
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
