package onec

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"marshrut/connectors"
	"marshrut/connectors/onec/odata"
)

// texts are what administrators and managers read.
type texts struct {
	notSetUp, unpublished, noFields, noKind, tooLong, required, kept, business, forbidden, noSession, notODataPage, noPublication, refused, unreachable string
	newLead, empty                                                                                                                                      string
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
	forbidden:     "1С не пускает пользователя шлюза (%s). Проверьте пароль и права роли на объект.",
	noSession:     "1С не начала сеанс: нет свободной лицензии, исчерпан предел сеансов или начало сеансов запрещено.",
	notODataPage:  "По адресу отвечает не интерфейс OData, а веб-страница. Проверьте адрес публикации и что в ней включён стандартный интерфейс OData.",
	noPublication: "По этому адресу нет публикации базы с интерфейсом OData (%s). Проверьте адрес и что база опубликована на веб-сервере с отметкой «Публиковать стандартный интерфейс OData».",
	refused:       "1С не приняла запрос (%s).",
	unreachable:   "1С не отвечает (%s).",
	newLead:       "Новый лид в 1С",
	empty:         "в записи 1С нет ни имени, ни телефона, ни почты",
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
	forbidden:     "1C does not let the gateway's user in (%s). See the password and the rights of its role.",
	noSession:     "1C began no session: no free licence, the limit of sessions is reached, or sessions are forbidden.",
	notODataPage:  "A web page answers at the address, not the OData interface. See the address, and that the publication has the standard OData interface switched on.",
	noPublication: "There is no publication with an OData interface at this address (%s). See the address, and that the base is published on the web server with its standard OData interface ticked.",
	refused:       "1C did not take the request (%s).",
	unreachable:   "1C does not answer (%s).",
	newLead:       "New lead in 1C",
	empty:         "the record of 1C has no name, no phone and no e-mail",
}

func textsIn(language string) texts {
	if language == "en" {
		return inEnglish
	}
	return inRussian
}

// trouble says an error of the client in words for an administrator.
func (i *Instance) trouble(err error) error {
	t := &connectors.Trouble{Err: err, Final: true}
	switch odata.KindOf(err) {
	case "":
		return err
	case odata.Business:
		_, why, _ := strings.Cut(err.Error(), "): ")
		t.Words = fmt.Sprintf(i.say.business, why)
	case odata.Forbidden:
		t.Words = fmt.Sprintf(i.say.forbidden, err)
		if e := new(odata.Error); errors.As(err, &e) && !e.Coded { // the login, not a right to one object
			t.Whole = true
			i.mu.Lock()
			i.refused.again(time.Now(), t)
			i.mu.Unlock()
		}
	case odata.NoSession:
		t.Words, t.Final, t.After, t.Whole = i.say.noSession, false, noSessionPause, true
	case odata.NotOData:
		t.Words, t.Whole = i.say.notODataPage, true
	case odata.Truncated:
		t.Words = fmt.Sprintf(i.say.kept, err)
	case odata.NotFound:
		return fmt.Errorf("%w: %w", connectors.ErrGone, err)
	case odata.NotPublished:
		i.forget()
		t.Words, t.Final, t.Whole = fmt.Sprintf(i.say.noPublication, err), false, true // it is published anew at times
		if e := new(odata.Error); errors.As(err, &e) && e.Coded {
			_, set, _ := strings.Cut(e.Op, " ")
			t.Words, t.Final, t.Whole = fmt.Sprintf(i.say.unpublished, human(set)), true, false
		}
	case odata.Changed:
		return fmt.Errorf("%w: %w", connectors.ErrMeanwhile, err)
	case odata.Refused:
		t.Words = fmt.Sprintf(i.say.refused, err)
	default: // unavailable, ambiguous, locked, too large
		t.Words, t.Final, t.Whole = fmt.Sprintf(i.say.unreachable, err), false, odata.Is(err, odata.Unavailable)
	}
	return t
}
