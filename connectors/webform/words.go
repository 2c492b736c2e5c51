package webform

import (
	"strings"
	"unicode"
)

// Further things a field can be recognised as.
const (
	knownPage      = "page"
	knownLanding   = "landing"
	knownReferrer  = "referrer"
	knownIP        = "ip"
	knownUserAgent = "user_agent"
	knownTest      = "test"
	knownCookies   = "cookies"
	knownUTM       = "utm"
	knownClickID   = "click_id"
	knownFormName  = "form.name" // of the form itself, or of the person when the form is the group around the fields
	knownItem      = "item"      // of a line of an order
	knownService   = "service"   // of the sender's own machinery: kept, says nothing of the client
	knownShape     = ""          // nothing by its name: its shape may tell
)

// phrases are whole names of fields, folded as fold does it. A name that is here is certain.
var phrases = build(map[string]string{
	KnownName: `имя|фио|ф и о|ваше имя|имя фамилия|имя и фамилия|фамилия имя|фамилия имя отчество|контактное лицо|клиент|как вас зовут|как к вам обращаться|представьтесь|
		name|fio|full name|fullname|contact name|person|contact person|imya|client name|customer name|user name|username|lead name|visitor name|your name|name full|имя клиента`,
	KnownFirst:      `first name|firstname|fname|given name|имя first|name first|first`,
	KnownLast:       `фамилия|ваша фамилия|last name|lastname|lname|surname|family name|familiya|familia|name last|last|second name`,
	KnownPatronymic: `отчество|ваше отчество|patronymic|middle name|middlename|otchestvo|name middle`,
	KnownPhone: `телефон|тел|номер|номер телефона|ваш телефон|контактный телефон|мобильный|мобильный телефон|сотовый|phone|tel|telephone|telefon|mobile|phone number|phonenumber|
		user phone|mob|cell|nomer telefona|contact phone|callerphone|phone full|телефон для связи|номер для связи|whatsapp phone|your phone|your tel`,
	KnownEmail: `почта|e mail|email|mail|электронная почта|эл почта|адрес электронной почты|емейл|имейл|мейл|емайл|email address|e mail address|pochta|ваш e mail|ваша почта|your email|your mail`,
	KnownText: `комментарий|комментарии|сообщение|вопрос|ваш вопрос|текст|текст сообщения|описание|пожелания|примечание|дополнительно|comment|comments|message|msg|text|textarea|question|
		description|note|notes|body|kommentariy|kommentarii|soobschenie|soobshenie|vopros|your message|your comment|details|задача|опишите задачу|ваше сообщение|ваш комментарий|content`,
	KnownCompany: `компания|организация|название компании|название организации|фирма|юридическое лицо|наименование организации|company|company name|organization|organisation|firm|kompaniya|organizaciya|org|contact company`,
	KnownINN:     `инн|инн организации|инн компании|inn|company inn|tax id|tax number`,
	KnownCity:    `город|ваш город|населенный пункт|регион|city|gorod|town|region|location city`,
	KnownProduct: `товар|услуга|продукт|тариф|модель|наименование товара|интересующий товар|product|product name|service|tariff|tarif|item|tovar|usluga|goods|model`,
	KnownAmount:  `сумма|сумма заказа|стоимость|итого|цена|бюджет|amount|total|sum|summa|price|order total|order sum|budget|byudzhet|order amount|total price`,
	KnownSubject: `тема|тема сообщения|форма|название формы|заголовок|subject|topic|form name|formname|form title|form subject|tema|quiz name|form`,
	KnownConsent: `согласие|согласен|согласна|я согласен|consent|agree|agreement|acceptance|accept|soglasie|soglasen|privacy|privacy policy|policy|gdpr|terms|personal data|pdn|
		согласие на обработку|согласие на обработку персональных данных|персональные данные|обработка персональных данных|политика конфиденциальности|152 фз|confirm policy|agree policy`,
	KnownTelegram:  `telegram|телеграм|телеграмм|tg|ник в телеграм|telegram username|ваш телеграм`,
	KnownWhatsApp:  `whatsapp|ватсап|вотсап|wa`,
	knownPage:      `page|page url|pageurl|url|href|location|form page|source url|current url|страница|адрес страницы|extra href|referer url|meta page url`,
	knownLanding:   `landing|landing page|landing url|first page|entry page|страница входа`,
	knownReferrer:  `referrer|referer|document referrer|http referer|extra referrer|откуда`,
	knownIP:        `ip|remote ip|ip address|user ip|client ip|ip addr|visitor ip`,
	knownUserAgent: `user agent|useragent|ua|browser`,
	knownTest:      `test|is test|preview|тест`,
	knownCookies:   `cookies|cookie`,
	KnownIgnore: `g recaptcha response|recaptcha response|h captcha response|cf turnstile response|smart token|csrf|csrf token|csrfmiddlewaretoken|authenticity token|
		nonce|wpnonce|wp http referer|submit|button|send|отправить|max file size`,
	knownService: `form id|formid|page id|post id|action|powered by|date|time|queried id|referer title|tranid|widget id|project id|projectid|pageid|form post id|event|type|id|
		lead id|quiz id|lang|language|timezone|created|created at|created date|token|visit`,
})

// build turns the lists above into a look-up by folded phrase.
func build(lists map[string]string) map[string]string {
	all := map[string]string{}
	for known, list := range lists {
		for phrase := range strings.SplitSeq(list, "|") {
			all[strings.Join(strings.Fields(phrase), " ")] = known
		}
	}
	return all
}

// stems are beginnings of words that say what a field is when the whole name is not
// known. Their order matters: the first that fits wins.
var stems = []struct {
	known string
	words string
}{
	{KnownConsent, "соглас персональн конфиденциальн политик оферт soglas consent agree privacy gdpr pdn"},
	{KnownEmail, "email почт емейл имейл мейл емайл pochta"},
	{KnownPhone, "телефон phone telefon мобильн сотов mobile"},
	{KnownTelegram, "telegram телеграм"},
	{KnownWhatsApp, "whatsapp ватсап вотсап"},
	{KnownINN, "инн"},
	{KnownText, "комментар коммент сообщени вопрос пожелани примечан comment message kommentar soobsch soobshch"},
	{KnownCompany, "компани организаци company organization organisation"},
	{KnownLast, "фамили surname lastname"},
	{KnownPatronymic, "отчеств"},
	{KnownName, "имя фио зовут обращаться imya"},
	{KnownCity, "город city"},
}

// notThat are words that turn a field into something else than its stem says:
// «код телефона», «тип телефона», phone_country.
var notThat = []string{"код", "тип", "code", "type", "country", "страна", "formatted", "mask", "id", "verified", "модел", "model", "питом", "домен", "domain", "верси", "удобн", "время", "time", "способ", "method", "рассыл", "subscribe", "file", "файл", "оператор"}

// fold makes names comparable: lower case, ё as е, camelCase and separators as spaces,
// trailing counters and filler words off: "your-Name_2" is "name", "clientPhone1" is "client phone".
func fold(name string) string {
	var b strings.Builder
	var before rune
	for _, r := range strings.ReplaceAll(name, "e-mail", "email") {
		switch {
		case unicode.IsUpper(r) && unicode.IsLower(before):
			b.WriteByte(' ')
			b.WriteRune(unicode.ToLower(r))
		case r == 'ё' || r == 'Ё':
			b.WriteRune('е')
		case unicode.IsLetter(r):
			b.WriteRune(unicode.ToLower(r))
		case unicode.IsDigit(r):
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
		}
		before = r
	}
	words := strings.Fields(strings.NewReplacer("e mail", "email", "e мail", "email").Replace(b.String()))
	for len(words) > 1 && strings.Trim(words[len(words)-1], "0123456789") == "" {
		words = words[:len(words)-1]
	}
	for len(words) > 1 && filler[words[0]] {
		words = words[1:]
	}
	return trimCounter(strings.Join(words, " "))
}

var filler = map[string]bool{
	"your": true, "ваш": true, "ваша": true, "ваше": true, "введите": true, "укажите": true, "напишите": true, "form": true, "field": true,
	"fields": true, "input": true, "user": true, "wpcf7": true, "cf": true, "contact": true, "f": true, "lead": true, "data": true, "the": true,
}

// trimCounter takes the number off "phone2" and "телефон1".
func trimCounter(s string) string {
	t := strings.TrimRight(s, "0123456789")
	if t == "" {
		return s
	}
	return strings.TrimSpace(t)
}

// knownByName says what a field is by its name or label, and how sure that is: 2 by the
// whole name, 1 by a word in it, 0 not at all.
func knownByName(name string) (known string, sure int) {
	// Words that are filler elsewhere are part of some phrases: "form name", "user agent".
	if k, ok := phrases[strings.Join(strings.FieldsFunc(strings.ToLower(name), notLetter), " ")]; ok {
		return k, 2
	}
	folded := fold(name)
	if k, ok := phrases[folded]; ok {
		return k, 2
	}
	if len(folded) > 120 {
		return knownShape, 0 // a sentence, not a name; the consent texts are looked at elsewhere
	}
	words := strings.Fields(folded)
	for _, stem := range stems {
		for want := range strings.FieldsSeq(stem.words) {
			for _, w := range words {
				if strings.HasPrefix(w, want) && (stem.known == KnownConsent || !turned(words)) {
					return stem.known, 1
				}
			}
		}
	}
	return knownShape, 0
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

func turned(words []string) bool {
	for _, w := range words {
		for _, not := range notThat {
			if w == not || len(not) > 6 && strings.HasPrefix(w, not) {
				return true
			}
		}
	}
	return false
}
