package demo

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/app"
	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes/casework"
)

// employee of the demo company, with a manner of working.
type employee struct {
	login, name, team string
	permission        staff.Permission
	roles             []string
	pace              float64 // how many times an average delay the person takes
	luck              float64 // how much likelier a client agrees
}

var employees = []employee{
	{"admin", "Ольга Седова", "Дирекция", staff.Admin, []string{"accounting"}, 1, 1},
	{"petrov", "Пётр Зимин", "Продажи", staff.Head, []string{"head"}, 0.8, 1},
	{"lunina", "Инна Лунина", "Сервис", staff.Head, []string{"head", "service", "delivery"}, 1, 1},
	{"orlova", "Дарья Орлова", "Розница", staff.Manager, []string{"manager", "duty"}, 0.4, 1.25},
	{"vetrov", "Антон Ветров", "Розница", staff.Manager, []string{"manager", "duty"}, 0.8, 1},
	{"belova", "Юлия Белова", "Розница", staff.Manager, []string{"manager"}, 1, 1.05},
	{"kruglov", "Максим Круглов", "Розница", staff.Manager, []string{"manager"}, 2.6, 0.75},
	{"sokol", "Нина Сокол", "Опт", staff.Manager, []string{"manager"}, 0.7, 1.1},
	{"gromov", "Илья Громов", "Опт", staff.Manager, []string{"manager", "duty"}, 1.4, 0.9},
	{"tikhaya", "Мария Тихая", "Опт", staff.Manager, []string{"manager"}, 1.1, 1},
}

// hire puts the people in their places, and sets up what the company has of its own: a second funnel, a field of the lead,
// and the rule that sends partners to the wholesale.
func hire(ctx context.Context, gateway *app.App, clock *clock) error {
	for i, e := range employees {
		_, _, err := gateway.Staff.AddEmployee(ctx, staff.System(), staff.Employee{Login: e.login, Name: e.name, Team: e.team, Language: "ru",
			Permission: e.permission, Roles: e.roles, Email: e.login + "@example.org", Extension: extensionOf(i)}, clock.now())
		if err != nil {
			return err
		}
		if err := gateway.Staff.SetPassword(ctx, staff.System(), e.login, Password, clock.now()); err != nil {
			return err
		}
	}
	own := repository.Dictionaries{
		Funnels:   []leads.Funnel{wholesale()},
		OwnFields: []leads.OwnField{{Key: "object", NameRU: "Объект", NameEN: "Object", Kind: "choice", Choices: []string{"квартира", "дом", "офис", "магазин", "склад"}, Position: 1}},
	}
	if err := postgres.InTx(ctx, gateway.Pool(), func(tx pgx.Tx) error { return gateway.Leads.Seed(ctx, tx, own) }); err != nil {
		return err
	}
	rules := append([]casework.Rule{{Name: "Партнёры: в оптовую воронку", Condition: `inquiry.connection == "partner"`, Lane: casework.LaneSale,
		Process: casework.ProcessInquiry, Funnel: "wholesale", Enabled: true}}, casework.DefaultRules()...)
	if err := gateway.Casework.SaveRules(ctx, staff.System(), rules); err != nil {
		return fmt.Errorf("set the start rules: %w", err)
	}
	return nil
}

// wholesale has the stages of the standard route map, so that the map serves both funnels, and chances of its own.
func wholesale() leads.Funnel {
	f := repository.StandardDictionaries().Funnels[0]
	f.Key, f.NameRU, f.NameEN = "wholesale", "Опт", "Wholesale"
	chances := map[string]float64{"new": 10, "qualification": 30, "proposal": 50, "negotiation": 70, "contract": 90}
	stages := make([]leads.Stage, len(f.Stages))
	for i, stage := range f.Stages {
		if chance, ok := chances[stage.Key]; ok {
			stage.Probability = chance
		}
		stages[i] = stage
	}
	f.Stages = stages
	return f
}
