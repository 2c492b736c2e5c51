package repository

import "marshrut/leads"

// StandardDictionaries are the funnel, the reasons, the sources and the own field that a company starts with and changes. The route maps
// we ship name their keys.
func StandardDictionaries() Dictionaries {
	stage := func(key, ru, en string, probability float64, kind string, norm int) leads.Stage {
		return leads.Stage{Key: key, NameRU: ru, NameEN: en, Probability: probability, Kind: kind, NormHours: norm}
	}
	return Dictionaries{
		Funnels: []leads.Funnel{{Key: "sales", NameRU: "Продажи", NameEN: "Sales", Stages: []leads.Stage{
			stage("new", "Новый", "New", 5, "open", 8),
			stage("qualification", "Квалификация", "Qualification", 20, "open", 16),
			stage("proposal", "Предложение", "Proposal", 40, "open", 24),
			stage("negotiation", "Согласование", "Negotiation", 60, "open", 40),
			stage("contract", "Договор и оплата", "Contract and payment", 85, "open", 40),
			stage("won", "Успех", "Won", 100, "won", 0),
			stage("lost", "Отказ", "Lost", 0, "lost", 0),
			stage("junk", "Некачественный", "Junk", 0, "junk", 0),
		}}},
		Reasons: lossReasons(),
		OwnFields: []leads.OwnField{
			{Key: "need", NameRU: "Потребность", NameEN: "Need", Kind: "text"},
		},
		Sources: []leads.Source{
			{Key: "site", NameRU: "Сайт", NameEN: "Web site"},
			{Key: "landing", NameRU: "Посадочная страница", NameEN: "Landing page"},
			{Key: "ads", NameRU: "Реклама", NameEN: "Advertising"},
			{Key: "partner", NameRU: "Партнёр", NameEN: "Partner"},
			{Key: "recommendation", NameRU: "Рекомендация", NameEN: "Recommendation"},
			{Key: "call", NameRU: "Звонок", NameEN: "Call"},
			{Key: "mail", NameRU: "Почта", NameEN: "E-mail"},
			{Key: "manual", NameRU: "Внесён вручную", NameEN: "Entered by hand"},
		},
	}
}

func lossReasons() []leads.LossReason {
	list := []leads.LossReason{
		{Key: "expensive", NameRU: "Дорого", NameEN: "Too expensive"},
		{Key: "competitor", NameRU: "Выбрали конкурента", NameEN: "Chose a competitor", NeedsComment: true},
		{Key: "no_product", NameRU: "Нет товара", NameEN: "No such product"},
		{Key: "timing", NameRU: "Не подошли сроки", NameEN: "Timing"},
		{Key: "terms", NameRU: "Не подошли условия", NameEN: "Terms"},
		{Key: "no_budget", NameRU: "Нет бюджета", NameEN: "No budget"},
		{Key: "irrelevant", NameRU: "Стало неактуально", NameEN: "No longer needed"},
		{Key: "unreachable", NameRU: "Не удалось связаться", NameEN: "Could not be reached"},
		{Key: "region", NameRU: "Не наш регион", NameEN: "Outside our region"},
		{Key: "refused_by_us", NameRU: "Отказали мы", NameEN: "We declined"},
		{Key: "other", NameRU: "Другое", NameEN: "Other", NeedsComment: true},
		{Key: "spam", NameRU: "Спам", NameEN: "Spam", Kind: leads.StatusJunk},
		{Key: "mistake", NameRU: "Ошиблись адресом", NameEN: "By mistake", Kind: leads.StatusJunk},
		{Key: "duplicate", NameRU: "Дубль", NameEN: "Duplicate", Kind: leads.StatusJunk},
		{Key: "job_seeker", NameRU: "Соискатель", NameEN: "Job seeker", Kind: leads.StatusJunk},
		{Key: "supplier", NameRU: "Поставщик", NameEN: "Supplier", Kind: leads.StatusJunk},
		{Key: "service_request", NameRU: "Сервисное обращение", NameEN: "Service request", Kind: leads.StatusJunk},
	}
	for i := range list {
		if list[i].Kind == "" {
			list[i].Kind = leads.StatusLost
		}
	}
	return list
}
