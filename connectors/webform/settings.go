package webform

import (
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"marshrut/connectors"
)

// Settings are what every form connection can be told. A provider embeds them in its own.
type Settings struct {
	Mapping map[string]string `json:"mapping" ru:"Соответствие полей" en:"Field mapping" hint_ru:"Поле формы: что это. Например: «Поле 1: phone». Слева имя поля, справа name, phone, email, text, company, inn, city, product, amount, consent, ignore или fields.КЛЮЧ для своего поля лида" hint_en:"Form field: what it is. For example «Field 1: phone». On the right one of name, phone, email, text, company, inn, city, product, amount, consent, ignore, or fields.KEY for an own field of the lead"`

	Product string `json:"product" ru:"Товар или услуга" en:"Product or service" hint_ru:"Если форма всегда об одном и том же" hint_en:"When the form is always about the same thing"`

	IDField string `json:"id_field" ru:"Поле с номером заявки" en:"Field with the inquiry's number" hint_ru:"Если отправитель сам нумерует заявки: повтор с тем же номером не создаст второй лид" hint_en:"When the sender numbers its inquiries: a repeat of a number makes no second lead"`

	Honeypot string `json:"honeypot" ru:"Поле-ловушка" en:"Honeypot field" hint_ru:"Скрытое поле, которое люди не видят. Заполнено: спам" hint_en:"A hidden field people do not see. Filled in: spam"`

	Consent []string `json:"consent" ru:"Поля согласия" en:"Consent fields" hint_ru:"Имена флажков согласия на обработку персональных данных, если они называются необычно" hint_en:"Names of the consent boxes when they are unusual"`

	ConsentText string `json:"consent_text" ru:"Текст согласия" en:"Text of the consent" hint_ru:"Сохраняется с каждым обращением как доказательство" hint_en:"Kept with each inquiry as evidence"`

	Origins []string `json:"origins" ru:"Сайты, которым можно" en:"Sites that may" hint_ru:"Адреса вида https://site.ru, со страниц которых скрипт может отправлять и читать ответ. Пусто: с любых" hint_en:"Addresses like https://site.example whose scripts may send and read the answer. Empty: any"`

	Redirect string `json:"redirect" ru:"Страница «Спасибо»" en:"Thank-you page" hint_ru:"Куда вернуть посетителя после отправки обычной HTML-формы" hint_en:"Where to send a visitor after a plain HTML form"`
}

// Things a field can be recognised as, the words of the mapping.
const (
	KnownName       = "name"
	KnownFirst      = "first_name"
	KnownLast       = "last_name"
	KnownPatronymic = "patronymic"
	KnownPhone      = "phone"
	KnownEmail      = "email"
	KnownTelegram   = "telegram"
	KnownWhatsApp   = "whatsapp"
	KnownText       = "text"
	KnownCompany    = "company"
	KnownINN        = "inn"
	KnownCity       = "city"
	KnownProduct    = "product"
	KnownAmount     = "amount"
	KnownSubject    = "subject"
	KnownConsent    = "consent"
	KnownIgnore     = "ignore"
	ownField        = "fields."
)

var targets = []string{
	KnownName, KnownFirst, KnownLast, KnownPatronymic, KnownPhone, KnownEmail, KnownTelegram, KnownWhatsApp, KnownText,
	KnownCompany, KnownINN, KnownCity, KnownProduct, KnownAmount, KnownSubject, KnownConsent, KnownIgnore,
	knownPage, knownLanding, knownReferrer, knownIP, knownUserAgent, knownTest,
}

var ownKey = regexp.MustCompile(`^fields\.[a-z][a-z0-9_]*$`)

// Validate says in words which keys are wrong and what they may be.
func (s Settings) Validate() error {
	wrong := []error{CheckMapping(s.Mapping)}
	for _, origin := range s.Origins {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Path != "" || u.RawQuery != "" {
			wrong = append(wrong, connectors.Wrong("origins", "«%s» не адрес сайта; пишите как https://site.ru, без косой черты в конце", "%q is no origin; write it like https://site.example, without a slash at the end", origin))
		}
	}
	if s.Redirect != "" {
		u, err := url.Parse(s.Redirect)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			wrong = append(wrong, connectors.Wrong("redirect", "«%s» не адрес страницы; пишите как https://site.ru/thanks", "%q is no address of a page; write it like https://site.example/thanks", s.Redirect))
		}
	}
	return errors.Join(wrong...)
}

// CheckMapping says which fields are mapped to what there is not.
func CheckMapping(mapping map[string]string) error {
	var wrong []error
	for _, field := range slices.Sorted(maps.Keys(mapping)) {
		if target := mapping[field]; !slices.Contains(targets, target) && !ownKey.MatchString(target) {
			wrong = append(wrong, connectors.Wrong("mapping", "поле «%s» не может быть «%s»; бывает %s или fields.КЛЮЧ", "field %q cannot be %q; it can be %s or fields.KEY", field, target, strings.Join(targets, ", ")))
		}
	}
	return errors.Join(wrong...)
}
