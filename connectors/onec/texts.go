package onec

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"marshrut/connectors"
	"marshrut/connectors/onec/odata"
)

// texts are what administrators and managers read.
type texts struct {
	notSetUp, unpublished, noFields, noKind, tooLong, required, kept, business, unexplained, login, rights, noLicence, noSessions, page, unreadable,
	noPublication, refused, unreachable, unconfirmed, locked, tooLarge, noNode, thisNode string
	newLead, empty, code string

	// The parts of what is said of a call.
	verbs                                             map[string]string // by HTTP method
	places                                            map[string]string // what is done where it is no set
	meanings                                          map[int]string    // of 1C's codes
	timeout, noHost, internal, certificate, down, cut string
}

var inRussian = texts{
	notSetUp:      "Подключение к 1С не настроено: укажите адрес публикации, пользователя и пароль.",
	unpublished:   "База не публикует: %s. В 1С: Администрирование, Настройка стандартного интерфейса OData (или обработка «Настройка автоматического REST-сервиса»), вкладка «Состав», отметьте эти объекты и сохраните; проверьте также, что у пользователя шлюза есть право на них.",
	noFields:      "В базе нет реквизитов, которые нужны профилю «%s»: %s. Проверьте, та ли это конфигурация и её версия.",
	noKind:        "В базе нет вида контактной информации (%s) и никакого другого его типа. Добавьте его в справочник «Виды контактной информации» с этим именем предопределённого вида.",
	tooLong:       "%s: текст длиннее %d знаков, 1С обрезала бы его без предупреждения. Сократите его здесь и повторите отправку.",
	required:      "%s: поле в 1С обязательное, а здесь пусто. Заполните его и повторите отправку.",
	kept:          "1С сохранила не то, что было отправлено: %s. Проверьте длину реквизитов и обработчики записи в базе.",
	business:      "1С отказала в записи: %s. Устраните причину в базе и повторите отправку.",
	unexplained:   "без объяснения, причина стоит в журнале регистрации 1С",
	login:         "1С не пускает пользователя шлюза (%s). Проверьте пароль и имя в подключении и что пользователю разрешён вход в базу.",
	rights:        "У пользователя шлюза не хватает прав (%s). Добавьте их его роли в 1С и повторите отправку.",
	noLicence:     "1С не начала сеанс: нет свободной лицензии или исчерпан предел сеансов (%s).",
	noSessions:    "1С не начинает сеансов, в базе идут работы или вход запрещён: %s",
	page:          "По адресу отвечает не интерфейс OData, а веб-страница. Проверьте адрес публикации и что в ней включён стандартный интерфейс OData.",
	unreadable:    "Ответ базы не удалось прочитать (%s). Проверьте, не меняет ли его веб-сервер или прокси перед базой.",
	noPublication: "По этому адресу нет публикации базы с интерфейсом OData (%s). Проверьте адрес и что база опубликована на веб-сервере с отметкой «Публиковать стандартный интерфейс OData».",
	refused:       "1С не приняла запрос (%s).",
	unreachable:   "1С не отвечает (%s).",
	unconfirmed:   "1С не подтвердила запись (%s). Прежде чем писать снова, объект будет прочитан.",
	locked:        "Объект в 1С занят другим сеансом (%s). Отправка повторится сама.",
	tooLarge:      "Ответ базы больше, чем принимает шлюз (%s).",
	noNode:        "В плане обмена нет узла с указанной ссылкой. Создайте в 1С узел для Маршрута и укажите его ссылку в подключении.",
	thisNode:      "В подключении указан узел самой базы, для него изменения не регистрируются. Создайте в плане обмена отдельный узел для Маршрута и укажите его ссылку.",
	newLead:       "Новый лид в 1С",
	empty:         "в записи 1С нет ни имени, ни телефона, ни почты",
	code:          "код %d",
	verbs:         map[string]string{"GET": "чтение", "POST": "создание", "PATCH": "запись"},
	places: map[string]string{"": "чтение адреса службы", "$metadata": "чтение описания базы ($metadata)", "SelectChanges": "выборка изменений плана обмена (SelectChanges)",
		"NotifyChangesReceived": "квитанция плана обмена (NotifyChangesReceived)"},
	meanings: map[int]string{0: "не поддерживается", 1: "значение не разобрать", 2: "неверный запрос", 3: "представление не поддерживается",
		4: "неверное значение реквизита", 5: "не хватает обязательного реквизита", 6: "неверный адрес", 7: "не хватает части ключа", 8: "нет такого объекта в составе OData",
		9: "объект не найден", 10: "реквизит не найден", 11: "метод не найден", 12: "не хватает аргумента метода", 13: "строки таблицы нельзя создать отдельно",
		14: "условие запроса не разобрать", 15: "объект с таким ключом уже есть", 16: "реквизит нельзя присвоить", 17: "объект не поддерживает загрузку данных",
		18: "одинаковые имена в объекте", 19: "метод здесь не разрешён", 20: "не хватает прав доступа", 21: "функция не поддерживается", -1: "отказ конфигурации"},
	timeout: "не ответила за отведённое время", noHost: "имя сервера не найдено", certificate: "сертификат сервера не принят",
	internal: "адрес во внутренней сети, которая шлюзу не открыта: администратор шлюза добавляет её в outgoing.allow", down: "соединение не принято", cut: "соединение оборвалось",
}

var inEnglish = texts{
	notSetUp:      "The connection to 1C is not set up: give the address of the publication, the user and the password.",
	unpublished:   "The base does not publish: %s. In 1C open Administration, Setup of the standard OData interface, tab Composition, tick these objects and save; see also that the gateway's user has a right to them.",
	noFields:      "The base lacks attributes that profile %q needs: %s. See whether it is that configuration and version.",
	noKind:        "The base has no kind of contact information (%s) and no other of its type. Add it to the catalog of kinds under this predefined name.",
	tooLong:       "%s: the text is longer than %d characters and 1C would cut it without a word. Shorten it here and send again.",
	required:      "%s: 1C requires this field and it is empty here. Fill it in and send again.",
	kept:          "1C kept something else than was sent: %s. See the lengths of attributes and the write handlers of the base.",
	business:      "1C refused to write: %s. Remove the cause in the base and send again.",
	unexplained:   "without a word, the cause stands in 1C's event log",
	login:         "1C does not let the gateway's user in (%s). See the name and password in the connection, and that the user may enter the base.",
	rights:        "The gateway's user lacks rights (%s). Give them to its role in 1C and send again.",
	noLicence:     "1C began no session: there is no free licence, or the limit of sessions is reached (%s).",
	noSessions:    "1C begins no sessions, the base is being worked on or entry is forbidden: %s",
	page:          "A web page answers at the address, not the OData interface. See the address, and that the publication has the standard OData interface switched on.",
	unreadable:    "The answer of the base could not be read (%s). See whether the web server or a proxy before the base changes it.",
	noPublication: "There is no publication with an OData interface at this address (%s). See the address, and that the base is published on the web server with its standard OData interface ticked.",
	refused:       "1C did not take the request (%s).",
	unreachable:   "1C does not answer (%s).",
	unconfirmed:   "1C did not confirm the write (%s). The object will be read before it is written again.",
	locked:        "The object is held by another session in 1C (%s). It will be sent again by itself.",
	tooLarge:      "The answer of the base is larger than the gateway takes (%s).",
	noNode:        "The exchange plan has no node of the given reference. Make a node for the gateway in 1C and give its reference in the connection.",
	thisNode:      "The node given is that of the base itself, for which no changes are registered. Make a node of its own for the gateway in the exchange plan and give its reference.",
	newLead:       "New lead in 1C",
	empty:         "the record of 1C has no name, no phone and no e-mail",
	code:          "code %d",
	verbs:         map[string]string{"GET": "reading", "POST": "creating", "PATCH": "writing"},
	places: map[string]string{"": "reading the service document", "$metadata": "reading the description of the base ($metadata)", "SelectChanges": "changes of the exchange plan (SelectChanges)",
		"NotifyChangesReceived": "the receipt of the exchange plan (NotifyChangesReceived)"},
	timeout: "no answer in the time allowed", noHost: "no server of this name", certificate: "the server's certificate is not trusted",
	internal: "an address of an internal network that is not open to the gateway: its administrator adds it to outgoing.allow", down: "the connection was not accepted", cut: "the connection was cut",
}

var inLanguage = map[string]texts{"ru": inRussian, "en": inEnglish}

func textsIn(language string) texts {
	if language == "en" {
		return inEnglish
	}
	return inRussian
}

// trouble says an error of the client in words for an administrator, and whether it is of one object or of the whole base.
func (i *Instance) trouble(err error) error {
	e := new(odata.Error)
	if !errors.As(err, &e) {
		return err
	}
	switch e.Kind {
	case odata.NotFound:
		return fmt.Errorf("%w: %w", connectors.ErrGone, err)
	case odata.Changed:
		return fmt.Errorf("%w: %w", connectors.ErrMeanwhile, err)
	case odata.NotPublished:
		i.forget()
	}
	t := verdict(e)
	t.Err = err
	i.tell(t, func(say texts) string { return say.trouble(e) })
	if refusedLogin(e) {
		i.mu.Lock()
		i.refused.meet(time.Now(), t)
		i.mu.Unlock()
	}
	return t
}

// tell puts a trouble in words, in the language of the connection and in each that people read.
func (i *Instance) tell(t *connectors.Trouble, words func(texts) string) {
	t.Words, t.Told = words(i.say), connectors.Text{}
	for language, say := range inLanguage {
		t.Told[language] = words(say)
	}
}

// mendedSoon is when to look again after something that only an administrator mends: whoever ticks an object in 1C waits to see it work,
// and the description of a whole configuration costs a base half a minute.
const mendedSoon = 2 * time.Minute

// whole is a trouble of the base itself that only an administrator mends.
func (i *Instance) whole(words func(texts) string) *connectors.Trouble {
	t := &connectors.Trouble{Final: true, Whole: true, After: mendedSoon}
	i.tell(t, words)
	return t
}

// verdict tells what trying again may mend, and what holds for every object alike.
func verdict(e *odata.Error) *connectors.Trouble {
	switch e.Kind {
	case odata.Forbidden:
		return &connectors.Trouble{Final: true, Whole: refusedLogin(e)}
	case odata.NoSession:
		return &connectors.Trouble{Whole: true, After: noSessionPause}
	case odata.NotOData:
		return &connectors.Trouble{Whole: !unreadable(e)} // a host shows a page of its own at times
	case odata.NotPublished:
		if unpublishedSet(e) {
			return &connectors.Trouble{Whole: true, Final: true, After: mendedSoon}
		}
		return &connectors.Trouble{Whole: true} // it is published anew at times
	case odata.Unavailable:
		return &connectors.Trouble{Whole: true}
	case odata.Ambiguous: // what became of it could not be read either: then it is the base that is away
		return &connectors.Trouble{Whole: odata.Is(e.Unwrap(), odata.Unavailable, odata.NoSession)}
	case odata.Locked, odata.TooLarge:
		return &connectors.Trouble{}
	}
	return &connectors.Trouble{Final: true}
}

// refusedLogin: nobody is let in, as against a right to one object that is missing.
func refusedLogin(e *odata.Error) bool { return e.Kind == odata.Forbidden && !e.Coded }

func unreadable(e *odata.Error) bool { return errors.Is(e, odata.ErrUnreadable) }

// unpublishedSet: the base answers, and names a set that is not in the composition of its interface.
func unpublishedSet(e *odata.Error) bool { return e.Coded && e.Code == odata.CodeNoSet }

func (s texts) trouble(e *odata.Error) string {
	switch e.Kind {
	case odata.Business:
		return fmt.Sprintf(s.business, strings.TrimRight(cmp.Or(e.Message, s.unexplained), ". "))
	case odata.Truncated:
		_, set, _ := strings.Cut(e.Op, " ")
		return fmt.Sprintf(s.kept, human(set)+"."+strings.Join(e.Fields, ", "+human(set)+"."))
	case odata.NotPublished:
		if unpublishedSet(e) {
			_, set, _ := strings.Cut(e.Op, " ")
			return fmt.Sprintf(s.unpublished, human(set))
		}
		return fmt.Sprintf(s.noPublication, s.about(e))
	case odata.NotOData:
		if !unreadable(e) {
			return s.page
		}
		return fmt.Sprintf(s.unreadable, s.about(e))
	case odata.NoSession:
		if e.Message != "" && !strings.Contains(strings.ToLower(e.Message), "лиценз") {
			return fmt.Sprintf(s.noSessions, e.Message)
		}
		return fmt.Sprintf(s.noLicence, s.about(e))
	case odata.Forbidden:
		if refusedLogin(e) {
			return fmt.Sprintf(s.login, s.about(e))
		}
		return fmt.Sprintf(s.rights, s.about(e))
	}
	sentences := map[odata.Kind]string{odata.Ambiguous: s.unconfirmed, odata.Locked: s.locked, odata.TooLarge: s.tooLarge, odata.Refused: s.refused}
	return fmt.Sprintf(cmp.Or(sentences[e.Kind], s.unreachable), s.about(e))
}

// about says which call failed and how, for whoever looks into it.
func (s texts) about(e *odata.Error) string {
	method, place, _ := strings.Cut(e.Op, " ")
	parts := []string{cmp.Or(s.places[place], s.verbs[method]+" "+human(place))}
	switch {
	case e.Status != 0:
		parts = append(parts, fmt.Sprintf("HTTP %d", e.Status))
	case e.Unwrap() != nil && odata.KindOf(e.Unwrap()) == "":
		parts = append(parts, s.cause(e.Unwrap()))
	}
	if e.Coded {
		meaning := s.meanings[e.Code]
		if s.meanings == nil {
			meaning = odata.Meaning(e.Code)
		}
		parts = append(parts, strings.TrimSuffix(fmt.Sprintf(s.code, e.Code)+": "+meaning, ": "))
	}
	return strings.Join(parts, ", ")
}

// cause says why a call got no answer. What is not known here was cut somewhere on the way.
func (s texts) cause(err error) string {
	var internal interface{ InternalNetwork() netip.Addr }
	var timeout net.Error
	switch {
	case errors.As(err, &internal):
		return s.internal
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return s.timeout
	case errors.As(err, new(*net.DNSError)):
		return s.noHost
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return s.certificate
	case errors.Is(err, syscall.ECONNREFUSED):
		return s.down
	}
	return s.cut
}
