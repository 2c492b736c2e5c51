package webform

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
)

// texts are what strangers see, by language.
var texts = map[string]struct{ greeting, thanksTitle, thanksText string }{
	"ru": {
		greeting:    "Адрес работает. Укажите его в форме: сюда отправляются заявки.",
		thanksTitle: "Спасибо!", thanksText: "Заявка принята, мы скоро свяжемся с вами.",
	},
	"en": {
		greeting:    "The address works. Put it into your form: this is where inquiries go.",
		thanksTitle: "Thank you!", thanksText: "We have your request and will be in touch soon.",
	},
}

//go:embed thanks.html
var thanksHTML string

var thanksTemplate = template.Must(template.New("thanks").Parse(thanksHTML))

func thanksPage(language string) []byte {
	t := texts[language]
	var b bytes.Buffer
	// A template of constants and three texts cannot fail on a buffer.
	_ = thanksTemplate.Execute(&b, map[string]string{"Language": language, "Title": t.thanksTitle, "Text": t.thanksText})
	return b.Bytes()
}

// WidgetSettings are the look of the call-back widget, for providers that offer it.
type WidgetSettings struct {
	Widget       bool   `json:"widget" ru:"Виджет «Заказать звонок»" en:"Call-back widget" hint_ru:"Кнопка для сайта: одна строка кода, без программиста" hint_en:"A button for the site: one line of code"`
	WidgetTitle  string `json:"widget_title" ru:"Заголовок виджета" en:"Title of the widget"`
	WidgetText   string `json:"widget_text" ru:"Текст виджета" en:"Text of the widget"`
	WidgetColor  string `json:"widget_color" ru:"Цвет кнопки" en:"Colour of the button" hint_ru:"Например #1f6feb" hint_en:"For example #1f6feb"`
	WidgetPolicy string `json:"widget_policy" ru:"Страница политики" en:"Privacy policy page" hint_ru:"Адрес политики обработки персональных данных" hint_en:"Address of the privacy policy"`
}

//go:embed widget.js
var widgetJS []byte

// widgetConfig is what widget.js reads.
type widgetConfig struct {
	Address  string            `json:"address"`
	Color    string            `json:"color"`
	Honeypot string            `json:"honeypot"`
	Policy   string            `json:"policy,omitempty"`
	Lang     string            `json:"lang"`
	Texts    map[string]string `json:"texts"`
}

var widgetTexts = map[string]map[string]string{
	"ru": {
		"button": "Заказать звонок", "title": "Заказать звонок", "text": "Оставьте номер, мы перезвоним.", "name": "Как к вам обращаться",
		"phone": "Телефон", "consent": "Согласен на обработку персональных данных", "policy": "политика", "send": "Жду звонка", "sending": "Отправляем…",
		"thanks": "Спасибо! Скоро перезвоним.", "bad": "Проверьте номер телефона", "need": "Нужно согласие на обработку данных",
		"fail": "Не получилось отправить. Попробуйте ещё раз.", "close": "Закрыть",
	},
	"en": {
		"button": "Request a call", "title": "Request a call", "text": "Leave your number and we will call you back.", "name": "Your name",
		"phone": "Phone", "consent": "I agree to the processing of my personal data", "policy": "policy", "send": "Call me", "sending": "Sending…",
		"thanks": "Thank you! We will call you soon.", "bad": "Please check the number", "need": "Your consent is needed",
		"fail": "It could not be sent. Please try again.", "close": "Close",
	},
}

// Script gives the widget that posts to address, drawn as the settings say.
func (i *Instance) Script(w WidgetSettings, address string) ([]byte, error) {
	language := i.language()
	words := map[string]string{}
	for k, v := range widgetTexts[language] {
		words[k] = v
	}
	for key, own := range map[string]string{"title": w.WidgetTitle, "text": w.WidgetText, "consent": i.settings.ConsentText} {
		if own != "" {
			words[key] = own
		}
	}
	config, err := json.Marshal(widgetConfig{
		Address: address, Color: orText(w.WidgetColor, "#1f6feb"), Honeypot: i.settings.Honeypot,
		Policy: w.WidgetPolicy, Lang: language, Texts: words,
	})
	if err != nil {
		return nil, fmt.Errorf("write the widget of %s: %w", i.connection.Name, err)
	}
	return bytes.Replace(widgetJS, []byte("{/*config*/}"), config, 1), nil
}
