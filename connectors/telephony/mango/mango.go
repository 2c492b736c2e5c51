// Package mango is the dialect of Mango Office (VPBX API): a form of three fields, of
// which json holds the event and sign proves it, posted to paths that Mango appends to
// our address. One call has one entry_id, each telephone's part of it a call_id, and
// the facts of a part are numbered by seq. Facts: mango-office.ru, «API виртуальной АТС».
package mango

import (
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"marshrut/connectors"
	"marshrut/connectors/telephony"
	"marshrut/leads"
)

//go:embed setup.md
var setupRU string

//go:embed setup.en.md
var setupEN string

// Settings are those of every exchange, and the pair of keys that every event is signed with.
type Settings struct {
	telephony.Settings
	Key  connectors.Secret `json:"api_key" ru:"Уникальный код АТС (vpbx_api_key)" en:"Unique code of the exchange (vpbx_api_key)" hint_ru:"Личный кабинет Mango Office: «Интеграции», «API коннектор»" hint_en:"Mango Office's cabinet: “Integrations”, “API connector”"`
	Salt connectors.Secret `json:"api_salt" ru:"Ключ для создания подписи (vpbx_api_salt)" en:"Key of the signature (vpbx_api_salt)" hint_ru:"Там же. Если ключи заданы, события без верной подписи отклоняются" hint_en:"In the same place. When the keys are set, events without a right signature are refused"`
}

// Validate says in words what is wrong.
func (s Settings) Validate() error {
	var half error
	if (s.Key == "") != (s.Salt == "") {
		half = connectors.Wrong("api_key", "этот ключ и ключ подписи (api_salt) задаются вместе: оба или ни одного", "api_key and api_salt belong together: enter both, or neither")
	}
	return errors.Join(half, s.Settings.Validate())
}

var defaults = Settings{Settings: telephony.Defaults}

// Provider describes the exchange to the catalog.
func Provider() connectors.Provider {
	return connectors.Provider{
		Connector: telephony.Connector, Name: "mango", Channel: leads.ChannelCall,
		Title:    connectors.Text{"ru": "Mango Office", "en": "Mango Office"},
		Setup:    connectors.Text{"ru": setupRU, "en": setupEN},
		Settings: &defaults,
		New: func(c connectors.Connection) (connectors.Instance, error) {
			s, err := connectors.Decode(c, defaults)
			if err != nil {
				return nil, err
			}
			return telephony.New(c, s.Settings, dialect{key: s.Key.Reveal(), salt: s.Salt.Reveal(), say: inLanguage(c.Language)})
		},
	}
}

type dialect struct {
	key, salt string
	say       words
}

// Identify checks the signature over the bytes of json as they came. Mango looks at the status of the answer only.
func (d dialect) Identify(r connectors.Request) (connectors.Receipt, error) {
	receipt := connectors.Receipt{Response: connectors.Response{Status: http.StatusOK}}
	form := telephony.Fields(r)
	if !form.Has("json") && (len(r.Body) == 0 || form.Has("vpbx_api_key")) {
		receipt.Handshake = true // «Проверить подключение»
		return receipt, nil
	}
	if !d.genuine(form) {
		return connectors.Receipt{}, connectors.ErrForged
	}
	if noCall(r.Path) {
		receipt.Handshake = true
		return receipt, nil
	}
	e, err := read(form.Get("json"))
	if err != nil {
		return receipt, errors.New("the field json holds no event")
	}
	receipt.VendorID, receipt.Key = e.id(e.kind(r.Path)), string(e.Entry)
	return receipt, nil
}

func (d dialect) genuine(form url.Values) bool {
	if d.salt == "" {
		return true
	}
	sum := sha256.Sum256([]byte(d.key + form.Get("json") + d.salt))
	want := hex.EncodeToString(sum[:])
	key := subtle.ConstantTimeCompare([]byte(form.Get("vpbx_api_key")), []byte(d.key))
	sign := subtle.ConstantTimeCompare([]byte(strings.ToLower(form.Get("sign"))), []byte(want))
	return key&sign == 1
}

// Kinds of events, by the end of the path.
const (
	kindCall    = "call"
	kindSummary = "summary"
	kindRecord  = "record"
)

// kind is what the path says, and where it says nothing, for something in between took its end off, what the fields do.
func (e event) kind(path string) string {
	switch kind := kindOf(path); {
	case kind != "" || strings.Contains(path, "/events/"):
		return kind
	case e.State != "":
		return kindCall
	case e.Recording != "":
		return kindRecord
	case e.Direction != "" || e.EndTime != "":
		return kindSummary
	}
	return ""
}

func kindOf(path string) string {
	switch path = strings.TrimSuffix(path, "/"); {
	case strings.HasSuffix(path, "/events/call"):
		return kindCall
	case strings.HasSuffix(path, "/events/summary"):
		return kindSummary
	case strings.HasSuffix(path, "/events/recording"), strings.HasSuffix(path, "/events/record/added"):
		return kindRecord
	}
	return ""
}

// noCall tells what Mango reports beside calls: keys pressed, text messages, what became of commands.
func noCall(path string) bool {
	path = strings.TrimSuffix(path, "/")
	for _, end := range []string{"/ping", "/events/dtmf", "/events/sms", "/events/record/tagged", "/events/recognized/offline"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return strings.Contains(path, "/result/")
}
