package app

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"marshrut/configs"
	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
)

// seed gives a fresh database what the standard route maps speak of: roles, working hours, funnels, reasons, sources, the
// maps themselves and the rules that start them. What is there already is the company's, and is left alone.
func (a *App) seed(ctx context.Context) error {
	people := staff.Defaults{Roles: standardRoles, Calendars: []staff.Calendar{staff.CompanyCalendar(a.config.Company.Timezone)}}
	err := postgres.InTx(ctx, a.database.work, func(tx pgx.Tx) error {
		if err := a.Staff.Seed(ctx, tx, people); err != nil {
			return err
		}
		fresh, err := isFresh(ctx, tx)
		if err != nil || !fresh {
			return err
		}
		return a.Leads.Seed(ctx, tx, StandardDictionaries())
	})
	if err != nil {
		return fmt.Errorf("fill the dictionaries: %w", err)
	}
	if err := a.Casework.Processes().SeedDefinitions(ctx, shipped()); err != nil {
		return err
	}
	return postgres.InTx(ctx, a.database.work, func(tx pgx.Tx) error {
		if err := alone(ctx, tx); err != nil {
			return err
		}
		return a.Casework.SeedRules(ctx, tx)
	})
}

// alone keeps two processes that start at once from both filling a fresh database.
func alone(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('marshrut.seed', 0))`)
	return err
}

// isFresh tells a database that nobody has set up yet.
func isFresh(ctx context.Context, tx pgx.Tx) (fresh bool, err error) {
	if err := alone(ctx, tx); err != nil {
		return false, err
	}
	err = tx.QueryRow(ctx, `select not exists (select from funnel)`).Scan(&fresh)
	return fresh, err
}

var standardRoles = []staff.Role{
	{Key: "manager", NameRu: "Менеджер", NameEn: "Manager"},
	{Key: "head", NameRu: "РОП", NameEn: "Head of sales"},
	{Key: "duty", NameRu: "Дежурный", NameEn: "On duty"},
	{Key: "service", NameRu: "Сервис", NameEn: "Service"},
	{Key: "accounting", NameRu: "Бухгалтерия", NameEn: "Accounting"},
	{Key: "delivery", NameRu: "Доставка", NameEn: "Delivery"},
}

// StandardDictionaries are the funnel, the reasons and the sources that a company starts with and changes.
func StandardDictionaries() repository.Dictionaries {
	stage := func(key, ru, en string, probability float64, kind string, norm int) leads.Stage {
		return leads.Stage{Funnel: "sales", Key: key, NameRU: ru, NameEN: en, Probability: probability, Kind: kind, NormHours: norm}
	}
	return repository.Dictionaries{
		Funnels: []leads.Funnel{{Key: "sales", NameRU: "Продажи", NameEN: "Sales", Position: 1, Stages: []leads.Stage{
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
		list[i].Position = i + 1
		if list[i].Kind == "" {
			list[i].Kind = leads.StatusLost
		}
	}
	return list
}

// configured are the connections of the file as the registry takes them.
func configured(c configs.Config) []registryConnection {
	list := make([]registryConnection, len(c.Connections))
	for i, k := range c.Connections {
		list[i] = registryConnection{Name: k.Name, Connector: k.Connector, Provider: k.Provider, Title: k.Title, Source: k.Source,
			Token: k.Token.Reveal(), RateLimit: k.RateLimit, Settings: k.Raw}
	}
	return list
}
