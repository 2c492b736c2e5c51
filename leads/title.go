package leads

import "strings"

// titles of leads that say nothing of themselves.
var titles = map[string]map[Channel]string{
	"ru": {ChannelForm: "Заявка с сайта", ChannelCall: "Звонок", ChannelMail: "Письмо", ChannelMessage: "Сообщение", ChannelOneC: "Обращение из 1С", ChannelManual: "Новый лид"},
	"en": {ChannelForm: "Web form", ChannelCall: "Call", ChannelMail: "Letter", ChannelMessage: "Message", ChannelOneC: "Inquiry from 1C", ChannelManual: "New lead"},
}

// Title names a new lead after what is wanted and who wants it: "Окна ПВХ, Иван Петров".
// It holds no phone and no address, because everybody sees it. lang is "ru" or "en".
func Title(in Inquiry, lang string) string {
	if titles[lang] == nil {
		lang = "ru"
	}
	what := titles[lang][in.Channel]
	switch {
	case in.Product != "":
		what = in.Product
	case in.Subject != "":
		what = in.Subject
	case in.MissedCall():
		what = map[string]string{"ru": "Пропущенный звонок", "en": "Missed call"}[lang]
	case len(in.Items) > 0 && in.Items[0].Name != "":
		what = in.Items[0].Name
	}
	who := in.Name
	if who == "" {
		who = in.Company
	}
	what = shorten(Mask(Fold(what)), 120)
	if who == "" {
		return what
	}
	return what + ", " + shorten(Mask(Fold(who)), 80)
}

// shorten cuts at a letter, never inside one, and shows that it did.
func shorten(s string, max int) string {
	letters := []rune(s)
	if len(letters) <= max {
		return s
	}
	return strings.TrimSpace(string(letters[:max-1])) + "…"
}
