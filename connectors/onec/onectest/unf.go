package onectest

// Names and references of the small УНФ base.
const (
	Leads        = "Catalog_Лиды"
	Clients      = "Catalog_Контрагенты"
	Contacts     = "Catalog_КонтактныеЛица"
	Interactions = "Document_Событие"
	Stages       = "Catalog_СостоянияЛидов"
	Reasons      = "Catalog_ПричиныНеуспешногоЗавершенияРаботыСЛидом"
	Sources      = "Catalog_ИсточникиПривлеченияПокупателей"
	Employees    = "Catalog_Сотрудники"
	ContactKinds = "Catalog_ВидыКонтактнойИнформации"
	Plan         = "ExchangePlan_Маршрут"
	PlanNode     = "7e1d0c5a-93b4-4f0e-8a61-2b5c9d8e7f10"
)

// UNF is the part of 1С:УНФ 3.0 that deals with leads: names and lengths are the configuration's, the people invented.
func UNF() Schema {
	text := func(name string, length int) Field { return Field{Name: name, Type: "Edm.String", Length: length} }
	ref := func(name string) Field { return Field{Name: name, Type: "Edm.Guid"} }
	date := func(name string) Field { return Field{Name: name, Type: "Edm.DateTime"} }
	day := func(name string) Field { return Field{Name: name, Type: "Edm.DateTime", Day: true} }
	flag := func(name string) Field { return Field{Name: name, Type: "Edm.Boolean"} }
	information := Field{Name: "КонтактнаяИнформация", Rows: []Field{text("Тип", 0), ref("Вид_Key"), text("Представление", 500), text("ЗначенияПолей", 0),
		text("Страна", 100), text("Регион", 50), text("Город", 50), text("АдресЭП", 100), text("ДоменноеИмяСервера", 100),
		text("НомерТелефона", 20), text("НомерТелефонаБезКодов", 20), text("Значение", 0)}}
	return Schema{
		Sets: []Set{
			{Name: Leads, NumberLength: 9, Description: 100, Fields: []Field{
				text("АдресЭПДляПоиска", 100), text("НомерТелефонаДляПоиска", 100), text("ВариантЗавершения", 0), day("ДатаЗавершенияРаботы"),
				day("ДатаСоздания"), text("ЗаметкиЗавершенияРаботы", 0), ref("ИсточникПривлечения_Key"), text("Комментарий", 0),
				flag("КонтактыПеренесены"), text("НаименованиеКомпании", 0), text("ОсновныеСведения", 1024), ref("Ответственный_Key"),
				ref("ПричинаНеуспешногоЗавершенияРаботы_Key"), ref("СостояниеЛида_Key"), flag("IsFolder"), information}},
			{Name: Clients, NumberLength: 9, Description: 100, Fields: []Field{
				text("НаименованиеПолное", 0), text("ИНН", 12), text("КПП", 9), text("ВидКонтрагента", 0), text("ЮридическоеФизическоеЛицо", 0),
				flag("Покупатель"), text("НомерТелефонаДляПоиска", 100), text("АдресЭПДляПоиска", 100), text("Комментарий", 0),
				ref("Ответственный_Key"), day("ДатаСоздания"), flag("IsFolder"), information}},
			{Name: Contacts, NumberLength: 9, Description: 100, Fields: []Field{
				text("НомерТелефонаДляПоиска", 100), text("АдресЭПДляПоиска", 100), text("Комментарий", 0), day("ДатаСоздания"), flag("IsFolder"), information}},
			{Name: Interactions, NumberLength: 11, Fields: []Field{
				text("ТипСобытия", 0), text("ВходящееИсходящееСобытие", 0), date("НачалоСобытия"), date("ОкончаниеСобытия"), text("Тема", 200),
				text("Тема_Type", 0), text("Содержание", 0), ref("Ответственный_Key"), ref("Состояние_Key"),
				{Name: "Участники", Rows: []Field{text("Контакт", 0), text("Контакт_Type", 0), text("КакСвязаться", 100)}}}},
			{Name: Stages, NumberLength: 9, Description: 25, Fields: []Field{{Name: "РеквизитДопУпорядочивания", Type: "Edm.Double"}},
				Predefined: dictionary("5a1f", "Новый", "Квалификация", "Предложение", "Согласование", "Договор", "Завершен")},
			{Name: Reasons, NumberLength: 9, Description: 25, Predefined: dictionary("6b2e", "Дорого", "Выбрали конкурента", "Не удалось связаться", "Спам", "Другое")},
			{Name: Sources, NumberLength: 9, Description: 100, Predefined: dictionary("7c3d", "Сайт", "Реклама", "Рекомендация")},
			{Name: Employees, NumberLength: 9, Description: 150, Predefined: dictionary("8d4c", "Ветров Антон", "Орлова Дарья")},
			{Name: ContactKinds, Description: 150, Fields: []Field{text("ИмяПредопределенногоВида", 150), text("Тип", 0)}, Predefined: []Object{
				kindOf("9e5b0000-0000-4000-8000-000000000001", "ТелефонЛида", "Телефон"), kindOf("9e5b0000-0000-4000-8000-000000000002", "EmailЛида", "АдресЭлектроннойПочты"),
				kindOf("9e5b0000-0000-4000-8000-000000000003", "ТелефонКонтрагента", "Телефон"), kindOf("9e5b0000-0000-4000-8000-000000000004", "EmailКонтрагента", "АдресЭлектроннойПочты"),
				kindOf("9e5b0000-0000-4000-8000-000000000005", "ТелефонКонтактногоЛица", "Телефон"), kindOf("9e5b0000-0000-4000-8000-000000000006", "EmailКонтактногоЛица", "АдресЭлектроннойПочты")}},
			{Name: Plan, NumberLength: 9, Description: 100, Fields: []Field{{Name: "SentNo", Type: "Edm.Int64"}, {Name: "ReceivedNo", Type: "Edm.Int64"}, flag("ThisNode")},
				Predefined: []Object{{"Ref_Key": PlanNode, "Description": "Маршрут"}, {"Ref_Key": "7e1d0c5a-93b4-4f0e-8a61-2b5c9d8e7f00", "Description": "УНФ", "ThisNode": true}}},
		},
		Plans: map[string][]string{Plan: {Leads, Clients, Contacts, Interactions}},
		Nodes: []NodeOf{{Plan, PlanNode}},
	}
}

func kindOf(ref, name, typ string) Object {
	return Object{"Ref_Key": ref, "Description": name, "PredefinedDataName": name, "ИмяПредопределенногоВида": name, "Тип": typ, "Predefined": true}
}

// dictionary makes a catalog of names with references that stay the same.
func dictionary(prefix string, names ...string) []Object {
	list := make([]Object, len(names))
	for i, name := range names {
		list[i] = Object{"Ref_Key": prefix + "0000-0000-4000-8000-00000000000" + string(rune('1'+i)), "Description": name}
	}
	return list
}
