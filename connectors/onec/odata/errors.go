package odata

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is what an error means for whoever called.
type Kind string

// The kinds of errors.
const (
	Unavailable  Kind = "unavailable"   // come again later
	Ambiguous    Kind = "ambiguous"     // a write without an answer: read before writing again
	Refused      Kind = "refused"       // the same call will never succeed
	Forbidden    Kind = "forbidden"     // login, rights or restrictions of records
	NoSession    Kind = "no session"    // licences, session limit, sessions forbidden: later, and not at once
	NotFound     Kind = "not found"     // no such object
	NotPublished Kind = "not published" // no such entity set, or no OData at this address
	Exists       Kind = "exists"        // an object with this key is there already
	Changed      Kind = "changed"       // somebody else wrote it meanwhile
	Business     Kind = "business"      // code of the configuration refused the write
	Locked       Kind = "locked"        // a conflict of locks: nothing was written
	NotOData     Kind = "not odata"     // a web page answered, or what cannot be read (ErrUnreadable)
	TooLarge     Kind = "too large"     // more bytes than we take
	Truncated    Kind = "truncated"     // the base kept something else than was sent
)

// Error is a call that failed. Its text says what we did and what that means,
// without anything of what was sent.
type Error struct {
	Op      string // method and set: "PATCH Catalog_Лиды"
	Kind    Kind
	Status  int           // of HTTP; 0: no answer
	Code    int           // of 1C, if Coded
	Coded   bool          // Code was given
	Message string        // of the base, without values of ours
	Fields  []string      // that the base keeps differently, if Truncated
	After   time.Duration // to wait, as the other side said; 0: it said nothing
	cause   error
}

// Error names call, status and meaning. The words of the base are added only where a
// configuration speaks to its users; values of ours are cut out of them.
func (e *Error) Error() string {
	s := "1C " + e.Op + ": " + string(e.Kind)
	if e.Status != 0 {
		s += fmt.Sprintf(" (HTTP %d", e.Status)
		if e.Coded {
			s += fmt.Sprintf(", code %d", e.Code)
			if meaning := codes[e.Code]; meaning != "" {
				s += ": " + meaning
			}
		}
		s += ")"
	}
	if e.Kind == Business && e.Message != "" {
		s += ": " + e.Message
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.cause }

// KindOf gives the kind of an error of this package, "" of another.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// Is reports whether err is of one of the kinds.
func Is(err error, kinds ...Kind) bool { return err != nil && slices.Contains(kinds, KindOf(err)) }

// ErrUnreadable is the cause of a NotOData that is no web page: something in the answer is no OData.
var ErrUnreadable = errors.New("the answer cannot be read")

// CodeNoSet is 1C's code for a set that is not published.
const CodeNoSet = 8

// Meaning says one of 1C's codes in words, "" one that is not known.
func Meaning(code int) string { return codes[code] }

// codes are those of the vendor's guide, 17.4.10.
var codes = map[int]string{
	0: "feature not supported", 1: "value cannot be parsed", 2: "bad request format", 3: "representation not supported",
	4: "bad property value", 5: "required property missing", 6: "bad URL", 7: "part of the key missing", 8: "entity type not found",
	9: "object not found", 10: "property not found", 11: "method not found", 12: "argument of a method missing",
	13: "rows cannot be created directly", 14: "query option cannot be parsed", 15: "an object with this key exists",
	16: "property cannot be assigned", 17: "object has no data load mode", 18: "equal names in an object",
	19: "method not allowed here", 20: "access rights", 21: "function not implemented", -1: "refused by the configuration",
}

// repeatable reports that a reading call may succeed when it is sent again at once.
func (e *Error) repeatable() bool { return e.Kind == Unavailable || e.Kind == Locked }

// sessionEnded reports that only the session was gone: bases answer 400 or 404 then, without a code or with the one that
// means nothing in particular. Such an answer comes before anything is done.
func (e *Error) sessionEnded(reused bool) bool {
	return reused && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound) && !(e.Coded && e.Code >= 0)
}

// failure makes an error of an answer, nil if it is a good one. Bases have three
// formats, and web servers before them a page of their own, even with 200.
func failure(r *http.Response, body []byte) *Error {
	page := isPage(r.Header.Get("Content-Type"), body)
	if r.StatusCode < 300 && !page {
		return nil
	}
	e := &Error{Status: r.StatusCode, After: retryAfter(r.Header.Get("Retry-After"))}
	if page {
		e.Message = textOfPage(body)
		if r.StatusCode < 300 {
			e.Kind = NotOData
		}
		return e
	}
	e.read(body)
	return e
}

func retryAfter(s string) time.Duration {
	seconds, err := strconv.Atoi(s)
	if err != nil || seconds < 0 || seconds > 24*60*60 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

func isPage(contentType string, body []byte) bool {
	start := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 512)]))
	return strings.Contains(contentType, "text/html") || bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

var (
	tags   = regexp.MustCompile(`(?s)<(script|style).*?</(script|style)>|<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

func textOfPage(body []byte) string {
	return cut(spaces.ReplaceAllString(tags.ReplaceAllString(string(body[:min(len(body), 64<<10)]), " "), " "))
}

// maxMessage bounds what is kept of a base's words.
const maxMessage = 1000

func cut(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= maxMessage {
		return s
	}
	s = s[:maxMessage]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "..."
}

// read understands a body by its first byte: content types are not to be relied on.
func (e *Error) read(body []byte) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, bom))
	switch {
	case len(body) == 0:
	case body[0] == '{':
		e.readJSON(body)
	case body[0] == '<':
		e.readXML(body)
	default:
		e.Message = cut(string(body))
	}
}

func (e *Error) readJSON(body []byte) {
	var b struct {
		OData *struct {
			Code    any `json:"code"`
			Message struct {
				Value string `json:"value"`
			} `json:"message"`
		} `json:"odata.error"`
		// The application server's own, before OData is reached.
		Exception *struct {
			Descr string `json:"descr"`
		} `json:"exception"`
	}
	if json.Unmarshal(body, &b) != nil {
		return
	}
	switch {
	case b.OData != nil:
		e.setCode(fmt.Sprint(b.OData.Code))
		e.Message = cut(b.OData.Message.Value)
	case b.Exception != nil:
		e.Message = cut(b.Exception.Descr)
	}
}

func (e *Error) setCode(s string) {
	if code, err := strconv.Atoi(strings.TrimSpace(s)); err == nil {
		e.Code, e.Coded = code, true
	}
}

func (e *Error) readXML(body []byte) {
	var b struct {
		Code    string `xml:"code"`
		Message string `xml:"message"`
	}
	if xml.Unmarshal(body, &b) == nil {
		e.setCode(b.Code)
		e.Message = cut(b.Message)
	}
}

var lockWords = []string{"конфликт блокировок", "превышено время ожидания", "lock conflict", "lock timeout", "deadlock"}

// kindFor judges by status, code, words and verb.
func (e *Error) kindFor(method string) Kind {
	if e.Kind != "" {
		return e.Kind
	}
	if e.Coded {
		switch e.Code {
		case 9:
			return NotFound
		case CodeNoSet:
			return NotPublished
		case 15:
			return Exists
		case 20:
			return Forbidden
		}
	}
	lower := strings.ToLower(e.Message)
	locked := slices.ContainsFunc(lockWords, func(w string) bool { return strings.Contains(lower, w) })
	switch {
	case e.Status < 400: // it leads elsewhere: to https, or to a page to sign in
		return NotOData
	case e.Status >= 500 && locked, e.Status == http.StatusLocked:
		return Locked
	case e.Status == http.StatusInternalServerError && e.Coded && e.Code == -1:
		return Business
	case e.Status == http.StatusUnauthorized:
		return Forbidden
	case e.Status == http.StatusForbidden, e.Status == http.StatusNotAcceptable, e.Status == http.StatusPaymentRequired:
		return NoSession
	case e.Status == http.StatusNotFound:
		return NotPublished
	case e.Status == http.StatusPreconditionFailed, e.Status == http.StatusConflict:
		return Changed
	case e.Status == http.StatusTooManyRequests, e.Status == http.StatusServiceUnavailable && !e.Coded && e.After > 0:
		return Unavailable // said before anything was done
	case e.Status == http.StatusRequestTimeout, e.Status >= 500 && e.Status != http.StatusNotImplemented:
		return lost(method)
	}
	return Refused
}

var (
	longDigits = regexp.MustCompile(`\+?\d[\d\s()-]{5,}\d`)
	addresses  = regexp.MustCompile(`[^\s@<>"']+@[^\s@<>"']+`)
)

// hide cuts what we sent, and what looks like a phone or an e-mail, out of the words of a base.
func hide(message string, ours []string) string {
	ours = slices.Clone(ours)
	slices.SortFunc(ours, func(a, b string) int { return len(b) - len(a) })
	for _, value := range ours {
		if utf8.RuneCountInString(value) >= 3 {
			message = strings.ReplaceAll(message, value, "***")
		}
	}
	return addresses.ReplaceAllString(longDigits.ReplaceAllString(message, "***"), "***")
}

// plain takes the address, which holds keys and filters, off an error of net/http.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
