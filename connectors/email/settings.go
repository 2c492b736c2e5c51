package email

import (
	"errors"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"marshrut/connectors"
	"marshrut/connectors/webform"
	"marshrut/leads"
)

// Settings are what every mailbox can be told. A provider gives them its defaults.
type Settings struct {
	Server   string            `json:"server" ru:"Сервер IMAP" en:"IMAP server" hint_ru:"Например imap.example.ru:993" hint_en:"For example imap.example.org:993"`
	Security string            `json:"security" ru:"Защита соединения" en:"Security" choices:"tls,starttls,none" choices_ru:"TLS (порт 993),STARTTLS (порт 143),без защиты" choices_en:"TLS (port 993),STARTTLS (port 143),none" hint_ru:"Без защиты годится только сервер на этой же машине" hint_en:"None is for a server on this very machine only"`
	User     string            `json:"user" ru:"Имя пользователя" en:"User name" hint_ru:"Обычно полный адрес ящика" hint_en:"Usually the whole address of the mailbox"`
	Password connectors.Secret `json:"password" given:"there" ru:"Пароль" en:"Password" hint_ru:"Пароль приложения, который почтовая служба выдаёт для программ, а не пароль от самого ящика" hint_en:"The application password that the mail service gives to programs, not the password of the mailbox itself"`
	Address  string            `json:"address" ru:"Адрес ящика" en:"Address of the mailbox" hint_ru:"Если отличается от имени пользователя. От этого адреса уходят письма" hint_en:"When it differs from the user name. Letters are sent from this address"`
	Aliases  []string          `json:"aliases" ru:"Другие наши адреса" en:"Other addresses of ours" hint_ru:"Адреса и домены сотрудников: письмо с них не обращение клиента. Домен пишется как @example.ru" hint_en:"Addresses and domains of employees: a letter from them is no inquiry. A domain is written like @example.org"`
	Folders  []string          `json:"folders" ru:"Папки" en:"Folders" hint_ru:"Откуда брать обращения. Добавьте сюда «Спам», чтобы заявки, попавшие туда по ошибке, не терялись" hint_en:"Where inquiries come in. Add the spam folder so that inquiries that went there by mistake are not lost"`
	Sent     string            `json:"sent" ru:"Папка отправленных" en:"Sent folder" hint_ru:"Письма менеджеров становятся исходящими взаимодействиями. Пусто: найти самим, «-»: не смотреть" hint_en:"Letters of managers become outgoing interactions. Empty: find it, «-»: do not look"`
	Since    string            `json:"since" ru:"Забрать историю с даты" en:"Fetch history since" hint_ru:"Например 2026-01-31. Пусто: только письма, пришедшие после подключения" hint_en:"For example 2026-01-31. Empty: only letters that come after connecting"`

	Every connectors.Duration `json:"every" ru:"Как часто проверять" en:"How often to look" hint_ru:"Когда сервер не умеет сообщать о письмах сам; иначе они приходят сразу" hint_en:"When the server cannot tell of letters by itself; otherwise they come at once"`

	Product string            `json:"product" ru:"Товар или услуга" en:"Product or service" hint_ru:"Если ящик всегда об одном и том же" hint_en:"When the mailbox is always about the same thing"`
	Mapping map[string]string `json:"mapping" ru:"Соответствие полей" en:"Field mapping" hint_ru:"Для писем вида «Поле: значение» от сайтов и площадок. Слева название поля в письме, справа name, phone, email, text, company, inn, city, product, amount или ignore" hint_en:"For letters like «Field: value» from sites and portals. On the left the field in the letter, on the right name, phone, email, text, company, inn, city, product, amount or ignore"`

	SMTP         string            `json:"smtp" ru:"Сервер SMTP" en:"SMTP server" hint_ru:"Например smtp.example.ru:465. Пусто: письма через этот ящик не отправляются" hint_en:"For example smtp.example.org:465. Empty: no letters are sent through this mailbox"`
	SMTPSecurity string            `json:"smtp_security" ru:"Защита при отправке" en:"Security of sending" choices:"tls,starttls,none" choices_ru:"TLS (порт 465),STARTTLS (порт 587),без защиты" choices_en:"TLS (port 465),STARTTLS (port 587),none"`
	Sender       string            `json:"sender" ru:"Имя отправителя" en:"Sender's name" hint_ru:"Как подписаны письма, например «Ромашка, отдел продаж»" hint_en:"How letters are signed, for example «Daisy, sales»"`
	KeepSent     bool              `json:"keep_sent" ru:"Класть копии в «Отправленные»" en:"Keep copies in the sent folder" hint_ru:"Если почтовая служба не делает этого сама. Яндекс и Gmail делают: там копия была бы второй" hint_en:"When the mail service does not do so by itself. Gmail and Yandex do: there the copy would be the second one"`
	Templates    map[string]string `json:"templates" ru:"Тексты писем" en:"Texts of letters" hint_ru:"Шаблон: текст. Первая строка может начинаться со слова «Тема:». {имя} и {тема} подставляются" hint_en:"Template: text. The first line may begin with «Subject:». {name} and {subject} are filled in"`
}

// Defaults of a mailbox.
var Defaults = Settings{Security: "tls", Folders: []string{"INBOX"}, Every: connectors.Duration(time.Minute), SMTPSecurity: "tls"}

// Validate says in words which keys are wrong and what they may be.
func (s Settings) Validate() error {
	all := []error{checkServer("server", s.Server, s.Security), checkServer("smtp", s.SMTP, s.SMTPSecurity)}
	wrong := func(key, ru, en string, args ...any) { all = append(all, connectors.Wrong(key, ru, en, args...)) }
	if time.Duration(s.Every) < 10*time.Second {
		wrong("every", "%s: чаще раза в 10s почтовые серверы смотреть не дают", "is %s: mail servers ban looking more often than each 10s", time.Duration(s.Every))
	}
	if s.Since != "" {
		if _, err := time.Parse(time.DateOnly, s.Since); err != nil {
			wrong("since", "«%s» не дата; пишите как 2026-01-31", "%q is no date; write it like 2026-01-31", s.Since)
		}
	}
	if len(s.Folders) == 0 || slices.Contains(s.Folders, "") {
		wrong("folders", "назовите хотя бы одну, например INBOX", "name at least one, for example INBOX")
	}
	if s.SMTP != "" && s.own() == "" {
		wrong("address", "нужен адрес, с которого уходят письма: имя пользователя им не является", "letters need an address to be sent from; give it when the user name is none")
	}
	if s.KeepSent && (s.Server == "" || s.SMTP == "" || s.Sent == "-") {
		wrong("keep_sent", "копии некуда класть или не с чего: нужны server, smtp и папка sent", "there is nowhere to keep copies, or nothing to copy: it takes server, smtp and the folder sent")
	}
	return errors.Join(append(all, webform.CheckMapping(s.Mapping))...)
}

func checkServer(key, server, security string) error {
	if server == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(server)
	if err != nil || host == "" || !portNumber.MatchString(port) {
		return connectors.Wrong(key, "«%s» не сервер с портом; пишите как mail.example.org:%s", "%q is no server with its port; write it like mail.example.org:%s", server, map[string]string{"server": "993", "smtp": "465"}[key])
	}
	switch security {
	case "tls", "starttls":
	case "none":
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return connectors.Wrong(key, "без защиты пароль пошёл бы открытым; none годится только для сервера на этой же машине", "without security the password would travel readable; none is for a server on this very machine")
		}
	default:
		return connectors.Wrong(key, "защита «%s»: бывает tls, starttls или none", "security %q is none of tls, starttls, none", security)
	}
	return nil
}

var portNumber = regexp.MustCompile(`^[1-9]\d{0,4}$`)

// own is the address of the mailbox.
func (s Settings) own() string {
	if s.Address != "" {
		point, _ := leads.Email(s.Address)
		return point.Value
	}
	point, _ := leads.Email(s.User)
	return point.Value
}

// ours reports an address of the company.
func (s Settings) ours(mail string) bool {
	if mail == "" {
		return false
	}
	if mail == s.own() {
		return true
	}
	return slices.ContainsFunc(s.Aliases, func(alias string) bool {
		alias = strings.ToLower(strings.TrimSpace(alias))
		return alias == mail || strings.HasPrefix(alias, "@") && strings.HasSuffix(mail, alias)
	})
}
