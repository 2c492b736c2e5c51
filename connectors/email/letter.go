package email

import (
	"bytes"
	"net/textproto"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"
	"github.com/jhillyerd/enmime/v2/mediatype"

	"marshrut/connectors/charset"
	"marshrut/leads"
)

// Letter is a letter taken apart. Whatever is wrong with one, there is always something of it.
type Letter struct {
	MessageID string
	InReplyTo []string
	// References are the letters before it, the first one first.
	References []string
	From       Address // the first one that can be written to
	ReplyTo    []Address
	To, Cc     []Address
	Subject    string
	Text       string // for people: the plain part, or what the HTML says
	HTML       string
	// Quote is where in Text the HTML says that an older letter begins; 0: nowhere.
	Quote int
	Files []File
	// Whole is false when the letter was too deep or too much to be taken apart to the end.
	Whole bool

	header  textproto.MIMEHeader
	reports []string // parts of a report on a delivery, and letters that came inside
	kind    string   // media type of the whole
	raw     []byte
}

// File is an attachment.
type File struct {
	Name, Type string
	Data       []byte
}

// Parse takes a letter apart, within bounds.
func Parse(raw []byte) Letter {
	raw = boundHeader(withLines(raw))
	cut, multiparts, whole := budget(raw)
	l := Letter{Whole: whole, raw: raw}
	root, err := parser(multiparts).ReadParts(bytes.NewReader(raw[:cut]))
	if err != nil || root == nil {
		l.plain(raw[:cut])
		return l
	}
	l.header, l.kind = root.Header, root.ContentType
	l.readHeader()
	texts := &texts{}
	l.walk(root, texts, true)
	l.Text, l.HTML, l.Quote = texts.best()
	return l
}

// parser leaves charsets to us: what is declared is worth little, and is found in the parts' headers anyway. It takes so
// many multiparts apart and keeps further ones as they are.
func parser(multiparts int) *enmime.Parser {
	return enmime.NewParser(
		enmime.SkipMalformedParts(true), enmime.MultipartWOBoundaryAsSinglePart(true), enmime.MaxStoredPartErrors(20),
		enmime.DisableTextConversion(true), enmime.DisableCharacterDetection(true),
		enmime.SetReadPartErrorPolicy(func(*enmime.Part, error) bool { return true }),
		enmime.SetCustomParseMediaType(func(header string) (string, map[string]string, []string, error) {
			kind, params := mediaType(header)
			if params["boundary"] != "" {
				if multiparts--; multiparts < 0 {
					delete(params, "boundary")
					kind = "application/octet-stream"
				}
			}
			params["charset"] = "raw" // unknown to it: the bytes stay
			return kind, params, nil, nil
		}))
}

// mediaType reads a Content-Type or a Content-Disposition, valid or not.
func mediaType(header string) (string, map[string]string) {
	kind, params, _, err := mediatype.Parse(header)
	if err != nil || params == nil {
		params = map[string]string{}
	}
	if err != nil || kind == "" {
		kind, _, _ = strings.Cut(header, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
		if b := param(header, "boundary"); b != "" {
			params["boundary"] = b
		}
	}
	if !strings.HasPrefix(kind, "multipart/") {
		delete(params, "boundary") // of a part that is none, however it calls itself
	}
	return kind, params
}

// plain is what is left of a letter that is no letter: its header as far as there is one, and its bytes as text.
func (l *Letter) plain(raw []byte) {
	head, body := splitHeader(raw)
	l.Whole, l.header = false, textproto.MIMEHeader{}
	last := ""
	for line := range strings.Lines(string(head)) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && (line[0] == ' ' || line[0] == '\t') && last != "" {
			values := l.header[last]
			values[len(values)-1] += line
			continue
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			last = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
			l.header.Add(last, strings.TrimSpace(value))
		}
	}
	l.readHeader()
	if len(l.header) == 0 {
		body = raw // there is no header: all of it is text
	}
	l.Text = strings.TrimSpace(shown(charset.Decode(body, "")))
}

// readHeader reads what the header says.
func (l *Letter) readHeader() {
	l.From = first(addresses(l.get("From")))
	if l.From.Mail == "" {
		if sender := first(addresses(l.get("Sender"))); sender.Mail != "" {
			l.From.Mail = sender.Mail
		}
	}
	l.ReplyTo, l.To, l.Cc = addresses(l.get("Reply-To")), addresses(l.get("To")), addresses(l.get("Cc"))
	l.Subject = headerText(l.get("Subject"))
	if ids := messageIDs(l.get("Message-Id")); len(ids) > 0 {
		l.MessageID = ids[0]
	}
	l.InReplyTo, l.References = messageIDs(l.get("In-Reply-To")), messageIDs(l.get("References"))
}

// get is a header as it came: the first of that name.
func (l *Letter) get(name string) string { return l.header.Get(name) }

// walk goes through the parts. Below a multipart/alternative, texts say the same in other words.
func (l *Letter) walk(p *enmime.Part, t *texts, root bool) {
	for ; p != nil; p = p.NextSibling {
		switch {
		case p.FirstChild != nil:
			l.walk(p.FirstChild, t, false)
		case l.isReport(p):
			l.reports = append(l.reports, charset.Decode(p.Content, ""))
		case isText(p, root):
			t.add(p)
		default:
			l.addFile(p)
		}
		if root {
			return
		}
	}
}

// isReport tells the parts of a report on a delivery, and the letter that it is about.
func (l *Letter) isReport(p *enmime.Part) bool {
	switch p.ContentType {
	case "message/delivery-status", "text/rfc822-headers", "message/feedback-report":
		return true
	case "message/rfc822":
		return l.kind == "multipart/report"
	}
	return false
}

func isText(p *enmime.Part, root bool) bool {
	if p.Disposition == "attachment" || p.ContentType != "text/html" && fileName(p) != "" && p.Disposition != "inline" {
		return false
	}
	switch p.ContentType {
	case "text/plain", "text/html", "text":
		return true
	case "":
		return p.Header.Get("Content-Type") == "" || root
	}
	return root && strings.HasPrefix(p.ContentType, "multipart/") // without a boundary: whatever is in it
}

// inner is the letter that came as a file of this one; nil when none did.
func (l *Letter) inner() []byte {
	for _, f := range l.Files {
		if f.Type == "message/rfc822" {
			return f.Data
		}
	}
	return nil
}

func (l *Letter) addFile(p *enmime.Part) {
	if len(p.Content) == 0 || len(l.Files) >= maxFiles {
		return
	}
	name := fileName(p)
	if name == "" {
		name = defaultName(p.ContentType)
	}
	l.Files = append(l.Files, File{Name: name, Type: p.ContentType, Data: p.Content})
}

func defaultName(kind string) string {
	switch {
	case kind == "message/rfc822":
		return "letter.eml"
	case strings.HasPrefix(kind, "image/"):
		return "image." + safeEnding.ReplaceAllString(kind[len("image/"):], "")
	case strings.HasPrefix(kind, "text/calendar"):
		return "invite.ics"
	}
	return "attachment"
}

var safeEnding = regexp.MustCompile(`[^a-z0-9]+`)

// fileName reads the name of a part by itself: what the parser makes of names in eight bits or in pieces loses some.
func fileName(p *enmime.Part) string {
	name := param(p.Header.Get("Content-Disposition"), "filename")
	if name == "" {
		name = param(p.Header.Get("Content-Type"), "name")
	}
	return leads.FileName(name)
}

// texts are the parts that people read.
type texts struct {
	plain, html []string
}

func (t *texts) add(p *enmime.Part) {
	declared := param(p.Header.Get("Content-Type"), "charset")
	if p.ContentType != "text/html" && !looksLikeHTML(p) {
		if text := shown(charset.Decode(p.Content, declared)); strings.TrimSpace(text) != "" {
			t.plain = append(t.plain, text)
		}
		return
	}
	if declared == "" {
		if m := metaCharset.FindSubmatch(p.Content[:min(len(p.Content), 4<<10)]); m != nil {
			declared = string(m[1])
		}
	}
	if text := charset.Decode(p.Content, declared); strings.TrimSpace(text) != "" {
		t.html = append(t.html, shown(text))
	}
}

var (
	metaCharset = regexp.MustCompile(`(?i)<meta[^>]+charset\s*=\s*["']?([\w-]+)`)
	htmlBegins  = regexp.MustCompile(`(?i)^\s*(<!doctype html|<html)`)
)

func looksLikeHTML(p *enmime.Part) bool {
	return htmlBegins.Match(p.Content[:min(len(p.Content), 200)])
}

// best chooses what is shown. A plain part that only says that the program cannot show HTML is worse than the HTML, and so is
// an empty one; with the same in both, the plain one is what the sender meant to be read.
func (t *texts) best() (text, html string, quote int) {
	html = strings.Join(t.html, "\n")
	plain := strings.Join(t.plain, "\n")
	said, quote := htmlText(html)
	if said == "" || strings.TrimSpace(plain) != "" && len(fieldsOf(plain)) >= len(fieldsOf(said)) && 4*utf8.RuneCountInString(plain) >= utf8.RuneCountInString(said) {
		return strings.TrimSpace(plain), html, 0
	}
	return said, html, quote
}

// shown bounds a text and drops what no page and no table can hold.
func shown(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r == '\n' || r == '\t':
			return r
		case r < ' ' || r == 0x7f || r == '\u200b' || r == '\ufeff' || r == '\u00ad':
			return -1
		case r == '\u00a0':
			return ' '
		}
		return r
	}, s)
}
