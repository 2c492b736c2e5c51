package telephony

import (
	"errors"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"marshrut/connectors"
)

// Settings are what every exchange can be told. A provider embeds them in its own.
type Settings struct {
	Sources map[string]string `json:"sources" ru:"Источники по номерам" en:"Sources by number" hint_ru:"Набранный номер: источник. Например: «+7 495 000-00-01: ads». Слева ваш номер, справа ключ источника. Номера, которых здесь нет, дают источник подключения" hint_en:"Number dialled: source. For example «+7 495 000-00-01: ads». Your number on the left, the key of a source on the right. Numbers not listed give the connection's source"`

	Internal string `json:"internal" ru:"Внутренние номера" en:"Internal numbers" hint_ru:"Регулярное выражение: номера, которые подходят под него, это ваши сотрудники. Звонок между ними обращением не становится" hint_en:"A regular expression: numbers it matches are your own people. A call between them is no inquiry"`

	Region string `json:"region" ru:"Страна номеров" en:"Country of numbers" hint_ru:"Две буквы ISO 3166, как читать номера без кода страны. Пусто: страна компании" hint_en:"Two letters of ISO 3166: how numbers without a country code are read. Empty: the company's"`

	Senders []string `json:"senders" ru:"Адреса АТС" en:"Addresses of the exchange" hint_ru:"IP-адреса или сети, с которых АТС присылает события. С остальных они отклоняются. Пусто: с любых" hint_en:"IP addresses or networks from which the exchange sends. Events from others are refused. Empty: any"`
}

// Defaults are those of every exchange: two to five digits are an extension.
var Defaults = Settings{Internal: `^\d{2,5}$`}

// Validate says in words which key is wrong and what it may be.
func (s Settings) Validate() error {
	var all []error
	wrong := func(key, ru, en string, args ...any) { all = append(all, connectors.Wrong(key, ru, en, args...)) }
	if _, err := regexp.Compile(s.Internal); err != nil {
		wrong("internal", `«%s» не регулярное выражение; пишите как ^\d{2,5}$`, `%q is no regular expression; write it like ^\d{2,5}$`, s.Internal)
	}
	if s.Region != "" && len(s.Region) != 2 {
		wrong("region", "«%s» не страна; пишите две буквы, например RU или KZ", "%q is no country; write two letters like RU or KZ", s.Region)
	}
	for _, number := range slices.Sorted(maps.Keys(s.Sources)) {
		switch {
		case !strings.ContainsAny(number, "0123456789") && !strings.Contains(number, "@"):
			wrong("sources", "«%s» не номер; пишите как +7 495 000-00-01", "%q is no number; write it like +7 495 000-00-01", number)
		case s.Sources[number] == "":
			wrong("sources", "номеру %s нужен ключ источника", "number %s needs the key of a source", number)
		}
	}
	for _, text := range s.Senders {
		if _, err := prefixOf(text); err != nil {
			wrong("senders", "«%s» не адрес; пишите как 192.0.2.1 или 192.0.2.0/24", "%q is no address; write it like 192.0.2.1 or 192.0.2.0/24", text)
		}
	}
	return errors.Join(all...)
}

// prefixOf reads an address or a network.
func prefixOf(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked(), nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
}
