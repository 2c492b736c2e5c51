package webform

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
)

// words are what people read of us, in one language.
type words struct {
	greeting, thanksTitle, thanksText string // strangers
	empty, unknown, tooMany           string // reasons why a message is no inquiry
	unpacksLarge                      string
	note                              string // label of a note
	notes                             map[note]string
}

var texts = map[string]words{
	"ru": {
		greeting:    "Адрес работает. Укажите его в форме: сюда отправляются заявки.",
		thanksTitle: "Спасибо!", thanksText: "Заявка принята, мы скоро свяжемся с вами.",
		empty:        "в сообщении нет ни одного поля: форма прислала пустое тело",
		unknown:      "в сообщении не нашлось ни телефона, ни почты, ни имени, ни текста: задайте соответствие полей в настройках подключения и повторите обработку",
		tooMany:      "в одном сообщении %d записей, больше %d не принимается: разделите выгрузку",
		unpacksLarge: "распакованное тело слишком велико, больше 8 МБ, и в его начале ничего не нашлось: пришлите его по частям",
		note:         "Примечание",
		notes: map[note]string{
			noteManyFields:   "Полей больше 500: остальные остались только в исходном сообщении",
			noteLongKey:      "Слишком длинное имя поля сокращено",
			noteLongValue:    "Слишком длинное значение сокращено: целиком оно в исходном сообщении",
			noteBrokenJSON:   "JSON испорчен: взято то, что удалось прочитать",
			noteRepairedJSON: "В тексте JSON были переводы строк: прочитано с исправлением",
			noteDeep:         "Вложенность слишком глубокая: остальное осталось только в исходном сообщении",
			noteCutOff:       "Сообщение обрывается: прочитано то, что пришло",
			noteUnpacksLarge: "Сжатое сообщение распаковывается больше чем в 8 МБ: остальное осталось только в исходном",
		},
	},
	"en": {
		greeting:    "The address works. Put it into your form: this is where inquiries go.",
		thanksTitle: "Thank you!", thanksText: "We have your request and will be in touch soon.",
		empty:        "there is not a single field in the message: the form sent an empty body",
		unknown:      "there is no phone, e-mail, name or text in the message: set the field mapping of the connection and run the message again",
		tooMany:      "there are %d records in one message, no more than %d are taken: send them in parts",
		unpacksLarge: "the body unpacks too large, to more than 8 MB, and its beginning holds nothing: send it in parts",
		note:         "Note",
		notes: map[note]string{
			noteManyFields:   "More than 500 fields: the rest is only in the original message",
			noteLongKey:      "A name of a field was too long and was cut",
			noteLongValue:    "A value was too long and was cut: the whole is in the original message",
			noteBrokenJSON:   "The JSON is broken: what could be read was taken",
			noteRepairedJSON: "There were line breaks inside texts of the JSON: read all the same",
			noteDeep:         "It is nested too deep: the rest is only in the original message",
			noteCutOff:       "The message breaks off: what came before was read",
			noteUnpacksLarge: "The compressed message unpacks to more than 8 MB: the rest is only in the original",
		},
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
	said := maps.Clone(widgetTexts[language])
	for key, own := range map[string]string{"title": w.WidgetTitle, "text": w.WidgetText, "consent": i.settings.ConsentText} {
		if own != "" {
			said[key] = own
		}
	}
	config, err := json.Marshal(widgetConfig{
		Address: address, Color: cmp.Or(w.WidgetColor, "#1f6feb"), Honeypot: i.settings.Honeypot,
		Policy: w.WidgetPolicy, Lang: language, Texts: said,
	})
	if err != nil {
		return nil, fmt.Errorf("write the widget of %s: %w", i.connection.Name, err)
	}
	return bytes.Replace(widgetJS, []byte("{/*config*/}"), config, 1), nil
}
