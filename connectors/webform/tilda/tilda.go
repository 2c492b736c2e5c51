// Package tilda is the dialect of Tilda's webhook: a handshake with test=test, the
// number of the submission in tranid, campaign marks packed into the browser's
// cookies, and orders of the cart in payment. Facts: help-ru.tilda.cc/formsscript.
package tilda

import (
	"crypto/subtle"
	_ "embed"
	"net/http"
	"net/url"
	"strings"

	"marshrut/connectors"
	"marshrut/connectors/webform"
	"marshrut/leads"
)

//go:embed setup.md
var setupRU string

//go:embed setup.en.md
var setupEN string

// Settings are those of every form, and the secret that the owner of a project may
// have sent along, in a header, a field or the query.
type Settings struct {
	webform.Settings
	SecretName string            `json:"secret_name" ru:"Имя ключа" en:"Name of the key" hint_ru:"Как назван ключ API в настройках вебхука Tilda" hint_en:"What the API key is called in the webhook's settings"`
	Secret     connectors.Secret `json:"secret" ru:"Секретный ключ" en:"Secret key" hint_ru:"Если задан, сообщения без него отклоняются" hint_en:"When set, messages without it are refused"`
}

// A box on a form of theirs is called Checkbox unless its owner says otherwise, and nearly always is the consent.
var defaults = Settings{Settings: webform.Settings{Consent: []string{"Checkbox"}}, SecretName: "secret"}

// Provider describes the webhook to the catalog.
func Provider() connectors.Provider {
	return connectors.Provider{
		Connector: webform.Connector, Name: "tilda", Channel: leads.ChannelForm,
		Title:    connectors.Text{"ru": "Tilda", "en": "Tilda"},
		Setup:    connectors.Text{"ru": setupRU, "en": setupEN},
		Settings: &defaults,
		New: func(c connectors.Connection) (connectors.Instance, error) {
			s, err := connectors.Decode(c, defaults)
			if err != nil {
				return nil, err
			}
			return webform.New(c, s.Settings, dialect{settings: s})
		},
	}
}

type dialect struct {
	webform.Plain
	settings Settings
}

// Identify answers 200, all they take for success. Their check of the address comes before its
// owner could set a key, so it needs none; it stores nothing either.
func (d dialect) Identify(r connectors.Request, f webform.Form) (connectors.Receipt, error) {
	ok := connectors.Response{Status: http.StatusOK}
	if d.handshake(f) {
		return connectors.Receipt{Handshake: true, Response: connectors.Response{
			Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte("ok"),
		}}, nil
	}
	if !d.genuine(r, f) {
		return connectors.Receipt{}, connectors.ErrForged
	}
	return connectors.Receipt{VendorID: number(f), Response: ok}, nil
}

// handshake is test=test and nothing else: a form may have a field called test.
func (d dialect) handshake(f webform.Form) bool {
	if !strings.EqualFold(f.Get("test"), "test") {
		return false
	}
	for _, field := range f.Fields {
		if !strings.EqualFold(field.Key, "test") && !strings.EqualFold(field.Key, d.settings.SecretName) {
			return false
		}
	}
	return true
}

func (d dialect) genuine(r connectors.Request, f webform.Form) bool {
	want := d.settings.Secret.Reveal()
	if want == "" {
		return true
	}
	given := []string{f.Get(d.settings.SecretName), r.Header.Get(d.settings.SecretName), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")}
	same := 0
	for _, g := range given {
		same |= subtle.ConstantTimeCompare([]byte(g), []byte(want))
	}
	return same == 1
}

// number is tranid. An order is told twice, when placed and when paid: the payment
// has an id of its own, and both are worth knowing.
func number(f webform.Form) string {
	id := f.Get("tranid")
	if paid := f.Get("payment.systranid"); id != "" && paid != "" && paid != "0" {
		return id + "/" + paid
	}
	return id
}

// Prepare unpacks the cookies and puts the order where every form has it.
func (d dialect) Prepare(f *webform.Form) {
	if d.settings.SecretName != "" {
		f.Remove(d.settings.SecretName)
	}
	for _, field := range f.Remove("COOKIES") {
		unpackCookies(f, field.Value)
	}
	for i := range f.Fields {
		field := &f.Fields[i]
		switch path := strings.ToLower(strings.Join(field.Path, ".")); {
		case strings.HasPrefix(path, "payment.products"), path == "payment.amount", path == "payment.currency":
			field.Path = field.Path[1:]
		case path == "referer":
			field.Path = []string{"page"} // here it is the page with the form
		}
	}
}

// unpackCookies takes the browser's cookies apart. TILDAUTM holds the marks of the
// campaign, percent-encoded once more and parted by three bars.
func unpackCookies(f *webform.Form, cookies string) {
	var others []string
	for pair := range strings.SplitSeq(cookies, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if !strings.EqualFold(name, "TILDAUTM") {
			others = append(others, strings.TrimSpace(pair))
			continue
		}
		for mark := range strings.SplitSeq(unescape(value), "|||") {
			key, text, _ := strings.Cut(mark, "=")
			if key != "" && !f.Has(key) {
				f.Add(key, unescape(text))
			}
		}
	}
	f.Add("cookies", strings.Join(others, "; "))
}

func unescape(s string) string {
	plain, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return plain
}

// Complete names an order by its number, and the submission so that the letter that tells of it too finds its lead.
func (d dialect) Complete(f webform.Form, in *leads.Inquiry) {
	if id := f.Get("tranid"); id != "" {
		in.Refs = []string{leads.SubmissionRef(id)}
	}
	order := f.Get("payment.orderid")
	if order == "" {
		return
	}
	in.Subject = "Заказ № " + order
	if in.Amount != nil && in.Currency == "" {
		in.Currency = strings.ToUpper(f.Get("currency"))
	}
}
