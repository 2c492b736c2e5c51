package onec

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"marshrut/connectors"
	"marshrut/connectors/onec/odata"
)

// Where the processes of leads are led.
const (
	Here  = "here"
	There = "onec"
)

// Settings are what an infobase has to be told of.
type Settings struct {
	URL      string            `json:"url" ru:"Адрес публикации" en:"Address of the publication" hint_ru:"Например https://1c.example.org/unf" hint_en:"For example https://1c.example.org/unf"`
	User     string            `json:"user" ru:"Пользователь базы" en:"User of the infobase" hint_ru:"Отдельный служебный пользователь с узкой ролью" hint_en:"A service user of its own with a narrow role"`
	Password connectors.Secret `json:"password" given:"there" ru:"Пароль" en:"Password"`
	Profile  string            `json:"profile" ru:"Конфигурация" en:"Configuration" choices:"unf-3" choices_ru:"1С:УНФ 3.0" choices_en:"1С:УНФ 3.0 (Small Business)"`

	Processes string `json:"processes" ru:"Где ведутся процессы" en:"Where processes are led" choices:"here,onec" choices_ru:"в Маршруте,в 1С" choices_en:"in Marshrut,in 1C" hint_ru:"В Маршруте: задачи ставит он, этап лида в 1С только показывается. В 1С: этап и закрытие приходят оттуда, здесь задачи не ставятся" hint_en:"In Marshrut: tasks are ours, and 1C only shows the stage. In 1C: stage and closing come from there, and no tasks are made here"`
	Leads     bool   `json:"leads" ru:"Принимать новые лиды из 1С" en:"Take new leads from 1C"`
	History   bool   `json:"history" ru:"Принять и прежние лиды" en:"Take earlier leads too" hint_ru:"Иначе только те, что появятся после подключения" hint_en:"Otherwise only those that appear after connecting"`

	Plan string `json:"plan" ru:"План обмена" en:"Exchange plan" hint_ru:"Имя плана обмена, в котором регистрируются изменения, например Маршрут. Пусто: изменения замечаются только при записи" hint_en:"Name of the exchange plan that registers changes. Empty: changes are noticed only when we write"`
	Node string `json:"node" ru:"Узел плана обмена" en:"Node of the exchange plan" hint_ru:"Ссылка узла, созданного для Маршрута (GUID)" hint_en:"Reference of the node made for us (GUID)"`

	Owners    map[string]string `json:"owners" ru:"Кто главный по полю" en:"Who owns a field" hint_ru:"Вид и поле: we, they или later. Например lead.company: they. По умолчанию later" hint_en:"Kind and field: we, they or later. For example lead.company: they. later by default"`
	Stages    map[string]string `json:"stages" ru:"Этапы" en:"Stages" hint_ru:"Ключ этапа: наименование состояния лида в 1С" hint_en:"Key of a stage: name of the lead state in 1C"`
	Reasons   map[string]string `json:"reasons" ru:"Причины отказа" en:"Loss reasons" hint_ru:"Ключ причины: наименование в 1С" hint_en:"Key of a reason: its name in 1C"`
	Sources   map[string]string `json:"sources" ru:"Источники" en:"Sources" hint_ru:"Ключ источника: наименование в 1С" hint_en:"Key of a source: its name in 1C"`
	Employees map[string]string `json:"employees" ru:"Сотрудники" en:"Employees" hint_ru:"Логин: наименование сотрудника в 1С" hint_en:"Login: name of the employee in 1C"`

	Every    connectors.Duration `json:"every" ru:"Как часто спрашивать" en:"How often to ask"`
	Overlap  int                 `json:"overlap" ru:"Перекрытие, записей" en:"Overlap, records" hint_ru:"Сколько последних записей перечитывать: транзакции 1С завершаются не по порядку номеров" hint_en:"How many of the latest records are read again: transactions of 1C do not end in the order of numbers"`
	Timezone string              `json:"timezone" ru:"Часовой пояс базы" en:"Time zone of the base"`
}

// Defaults are the settings of a new connection.
var Defaults = Settings{Profile: "unf-3", Processes: Here, Leads: true, Every: connectors.Duration(30 * time.Second), Overlap: 100, Timezone: "Europe/Moscow"}

// Validate says in words which keys are wrong.
func (s Settings) Validate() error {
	var all []error
	wrong := func(key, ru, en string, args ...any) { all = append(all, connectors.Wrong(key, ru, en, args...)) }
	if s.URL != "" {
		if _, err := odata.BaseURL(s.URL); err != nil {
			wrong("url", "«%[1]s» не годится; пишите как https://1c.example.org/unf", "%[2]s", s.URL, err)
		}
		if s.User == "" {
			wrong("user", "нужен пользователь базы, заведённый для Маршрута", "is required: a user of the infobase made for the gateway")
		}
	}
	if s.Processes != Here && s.Processes != There {
		wrong("processes", "«%s» не бывает; бывает here или onec", "%q cannot be; it is here or onec", s.Processes)
	}
	switch {
	case (s.Plan == "") != (s.Node == ""):
		wrong("plan", "план обмена и его узел задаются вместе", "plan and node are given together")
	case s.Node != "" && !odata.IsGUID(s.Node):
		wrong("node", "«%s» не ссылка; пишите как 7e1d0c5a-93b4-4f0e-8a61-2b5c9d8e7f10", "%q is no reference; it is written like 7e1d0c5a-93b4-4f0e-8a61-2b5c9d8e7f10", s.Node)
	}
	if time.Duration(s.Every) < time.Second {
		wrong("every", "%s: базу спрашивают не чаще раза в секунду", "is %s: a base is not asked more often than each second", time.Duration(s.Every))
	}
	if s.Overlap < 1 || s.Overlap > 5000 {
		wrong("overlap", "%d: бывает от 1 до 5000 записей", "is %d: it can be from 1 to 5000 records", s.Overlap)
	}
	if _, err := time.LoadLocation(s.Timezone); err != nil {
		wrong("timezone", "нет пояса «%s»; пишите как Europe/Moscow", "there is no %q; write it like Europe/Moscow", s.Timezone)
	}
	for _, field := range slices.Sorted(maps.Keys(s.Owners)) {
		owner := s.Owners[field]
		if !slices.Contains([]connectors.Owner{connectors.OwnerWe, connectors.OwnerThey, connectors.OwnerLater}, connectors.Owner(owner)) {
			wrong("owners", "%s не может быть «%s»; бывает we, they или later", "%s cannot be %q; it is we, they or later", field, owner)
		}
	}
	return errors.Join(all...)
}

func (s Settings) zone() *time.Location {
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return time.UTC // Validate has refused it
	}
	return zone
}

// dictionaryOf is one of the maps of our words to theirs, by its name in profiles.
func (s Settings) dictionaryOf(name string) map[string]string {
	return map[string]map[string]string{"stages": s.Stages, "reasons": s.Reasons, "sources": s.Sources, "employees": s.Employees}[name]
}

// node is who we are in the exchange plan, which people name with its prefix or without.
func (s Settings) node() odata.Node { return odata.Node{Plan: s.planSet(), Ref: s.Node} }

func (s Settings) planSet() string {
	if strings.HasPrefix(s.Plan, "ExchangePlan_") {
		return s.Plan
	}
	return "ExchangePlan_" + s.Plan
}
