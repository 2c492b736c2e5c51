package email

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/wneessen/go-mail"
)

// inWords says what stands in the way of a letter, for whoever has to see to it, with what the server says itself.
func (i *Instance) inWords(language string, err error) error {
	var refused *mail.SendError
	switch {
	case errors.As(err, new(unconnected)):
		return i.notSignedIn(language, err)
	case !errors.As(err, &refused):
		return err
	}
	ru, en := whyRefused(refused)
	return fmt.Errorf("%s (%s)", say(language, ru, en), serversWords(refused))
}

func whyRefused(e *mail.SendError) (ru, en string) {
	switch code := e.ErrorCode(); {
	case code == 0:
		return "почтовый сервер прервал соединение", "the mail server has hung up"
	case code == 535 || code == 530 || code == 534:
		return "сервер не принимает имя пользователя или пароль: проверьте, что это пароль приложения", "the server refuses the user name or the password: check that it is an application password"
	case code < 500:
		return "почтовый сервер просит подождать", "the mail server asks to wait"
	case e.Reason == mail.ErrSMTPMailFrom:
		return "почтовый сервер не разрешает писать с этого адреса", "the mail server does not let us write from this address"
	case e.Reason == mail.ErrSMTPRcptTo:
		return "почтовый сервер не принимает адрес получателя: проверьте, верен ли он", "the mail server refuses the recipient's address: check that it is right"
	}
	return "почтовый сервер не принимает письмо", "the mail server refuses the letter"
}

// serversWords are what is left of an error without what the library says around them. Both names are in the delivery anyway.
func serversWords(e *mail.SendError) string {
	said := strings.TrimPrefix(e.Error(), e.Reason.String()+": ")
	return affected.ReplaceAllString(said, "")
}

var affected = regexp.MustCompile(`,? affected (recipient\(s\)|message ID): .*$`)

// notSignedIn tells a wrong password from a server that cannot be reached: both come of the same call.
func (i *Instance) notSignedIn(language string, err error) error {
	if strings.Contains(err.Error(), "SMTP AUTH failed") {
		return fmt.Errorf(say(language, "сервер %s не принимает имя пользователя или пароль: проверьте, что это пароль приложения: %w",
			"the server %s refuses the user name or the password: check that it is an application password: %w"), i.settings.SMTP, err)
	}
	return unreached(language, i.settings.SMTP, err)
}
