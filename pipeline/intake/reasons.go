package intake

// reasons are why messages are dead, in the words of the people who read them.
type reasons struct {
	unreadable string // a record that is no message of ours
	gone       string // its connection was removed
	faulty     string // its connection is set up wrongly
	deaf       string // its connection takes nothing in
	erased     string // its bytes are no longer stored
	nothing    string // the connector found no inquiry and said nothing
	bug        string // our own code fails on it
	unstorable string // the database refuses it
	known      string // it tells of an object that both sides hold, or of none of ours
}

var inLanguage = map[string]reasons{
	"ru": {
		unreadable: "в очередь попало чужое или повреждённое сообщение: %s",
		gone:       "подключения «%s» больше нет: создайте его снова и повторите обработку",
		faulty:     "подключение «%s» настроено с ошибкой: %s",
		deaf:       "подключение «%s» не принимает обращения",
		erased:     "исходные данные сообщения удалены из хранилища файлов",
		nothing:    "в сообщении не нашлось ни одного обращения",
		bug:        "ошибка программы при разборе: %v (%s)",
		unstorable: "данные не удалось сохранить: %s",
		known:      "запись уже связана с объектом здесь или не относится к лидам",
	},
	"en": {
		unreadable: "a foreign or damaged record got into the queue: %s",
		gone:       "the connection %q is no longer there: create it again and run the message once more",
		faulty:     "the connection %q is set up wrongly: %s",
		deaf:       "the connection %q takes no inquiries",
		erased:     "the bytes of the message have been deleted from the store of files",
		nothing:    "there is no inquiry in the message",
		bug:        "our program fails on it: %v (%s)",
		unstorable: "the data could not be stored: %s",
		known:      "the record is linked to an object here already, or is of no lead",
	},
}
