// Package zadarma is the dialect of Zadarma's virtual exchange: a form per event to one
// address, signed over three of its fields, and a check of the address by an echo. One
// call has one pbx_call_id; its moments are wall clock without a zone. Facts:
// zadarma.com/ru/support/api, «Уведомления о звонках».
package zadarma

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"marshrut/connectors"
	"marshrut/connectors/telephony"
	"marshrut/leads"
)

//go:embed setup.md
var setupRU string

//go:embed setup.en.md
var setupEN string

// Settings are those of every exchange, the key of the signature, and the zone of the cabinet's clock.
type Settings struct {
	telephony.Settings
	Secret   connectors.Secret `json:"api_secret" ru:"Секретный ключ API" en:"Secret key of the API" hint_ru:"Личный кабинет Zadarma: «Настройки», «Интеграции и API». Если задан, события без верной подписи отклоняются" hint_en:"Zadarma's cabinet: “Settings”, “Integrations and API”. When set, events without a right signature are refused"`
	Timezone string            `json:"timezone" ru:"Часовой пояс кабинета" en:"Time zone of the cabinet" hint_ru:"Zadarma пишет время по часам вашего кабинета и пояса не указывает" hint_en:"Zadarma writes the time of your cabinet's clock and does not say which zone it is"`
}

// Validate says in words what is wrong.
func (s Settings) Validate() error {
	var zone error
	if _, err := time.LoadLocation(s.Timezone); err != nil || s.Timezone == "" {
		zone = connectors.Wrong("timezone", "«%s» не часовой пояс; пишите как Europe/Moscow", "%q is no time zone; write it like Europe/Moscow", s.Timezone)
	}
	return errors.Join(zone, s.Settings.Validate())
}

var defaults = Settings{Settings: telephony.Defaults, Timezone: "Europe/Moscow"}

// Provider describes the exchange to the catalog.
func Provider() connectors.Provider {
	return connectors.Provider{
		Connector: telephony.Connector, Name: "zadarma", Channel: leads.ChannelCall,
		Title:    connectors.Text{"ru": "Zadarma", "en": "Zadarma"},
		Setup:    connectors.Text{"ru": setupRU, "en": setupEN},
		Settings: &defaults,
		New: func(c connectors.Connection) (connectors.Instance, error) {
			s, err := connectors.Decode(c, defaults)
			if err != nil {
				return nil, err
			}
			zone, err := time.LoadLocation(s.Timezone)
			if err != nil {
				return nil, fmt.Errorf("settings of connection %s: %w", c.Name, err)
			}
			return telephony.New(c, s.Settings, dialect{secret: s.Secret.Reveal(), zone: zone, say: inLanguage(c.Language)})
		},
	}
}

type dialect struct {
	secret string
	zone   *time.Location
	say    words
}

// Identify answers with an empty body: what stands in it of NOTIFY_START would be an order how to route the call.
func (d dialect) Identify(r connectors.Request) (connectors.Receipt, error) {
	receipt := connectors.Receipt{Response: connectors.Response{Status: http.StatusOK, Body: []byte{}}}
	if query, _ := url.ParseQuery(r.Query); query.Has("zd_echo") {
		receipt.Handshake = true
		receipt.Response.ContentType, receipt.Response.Body = "text/plain; charset=utf-8", []byte(echo(query.Get("zd_echo")))
		return receipt, nil
	}
	form := telephony.Fields(r)
	signed, known := signedFields[form.Get("event")]
	switch {
	case d.secret != "" && !(known && d.genuine(r.Header.Get("Signature"), signed(form))):
		return connectors.Receipt{}, connectors.ErrForged
	case !known:
		return receipt, errors.New("no event of a call")
	}
	receipt.Key = form.Get("pbx_call_id")
	receipt.VendorID = identity(form)
	return receipt, nil
}

// echo is the token of the check, as far as it can be one.
func echo(token string) string {
	token = strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' {
			return c
		}
		return -1
	}, token)
	return token[:min(len(token), 200)]
}

func (d dialect) genuine(signature, signed string) bool {
	mac := hmac.New(sha1.New, []byte(d.secret))
	mac.Write([]byte(signed))
	// The hex text is encoded, not the bytes: it comes from PHP's hash_hmac.
	want := base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(mac.Sum(nil))))
	return subtle.ConstantTimeCompare([]byte(strings.TrimSpace(signature)), []byte(want)) == 1
}

// signedFields are what the signature of each event covers.
var signedFields = map[string]func(url.Values) string{
	notifyStart:    fields("caller_id", "called_did", "call_start"),
	notifyInternal: fields("caller_id", "called_did", "call_start"),
	notifyEnd:      fields("caller_id", "called_did", "call_start"),
	notifyIVR:      fields("caller_id", "called_did", "call_start"),
	notifyAnswer:   fields("caller_id", "destination", "call_start"),
	notifyOutStart: fields("internal", "destination", "call_start"),
	notifyOutEnd:   fields("internal", "destination", "call_start"),
	notifyRecord:   fields("pbx_call_id", "call_id_with_rec"),
}

func fields(names ...string) func(url.Values) string {
	return func(form url.Values) string {
		var b strings.Builder
		for _, name := range names {
			b.WriteString(form.Get(name))
		}
		return b.String()
	}
}

// identity names an event of a call: an extension that rings, an end, a recording are told apart by what they are about.
func identity(form url.Values) string {
	if form.Get("pbx_call_id") == "" || form.Get("event") == "" {
		return ""
	}
	return strings.Join([]string{form.Get("pbx_call_id"), form.Get("event"), form.Get("internal"), form.Get("call_id_with_rec")}, "/")
}

type words struct {
	noEvent string
	reasons map[string]string // by disposition
}

func inLanguage(language string) words {
	if language == "en" {
		return words{noEvent: "the message is no event of Zadarma's"} // their own words are English
	}
	return words{"сообщение не похоже на уведомление Zadarma", map[string]string{
		"answered": "поговорили", "busy": "занято", "cancel": "звонивший положил трубку", "no answer": "не ответили", "failed": "не удалось соединить",
		"no money": "не хватило денег на счёте", "unallocated number": "номера не существует", "no limit": "исчерпан лимит", "no day limit": "исчерпан дневной лимит",
		"line limit": "заняты все линии", "no money, no limit": "не хватило денег или лимита"}}
}
