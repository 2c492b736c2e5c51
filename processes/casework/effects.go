package casework

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
	"marshrut/processes/bpmn"
)

// Apply implements processes.Effects: what the steps of route maps do to their
// leads, in the transaction that moves the process. Effects of one lead happen in
// their order; the same effect of many leads is one statement.
func (c *Casework) Apply(ctx context.Context, tx pgx.Tx, now time.Time, effects []processes.Effect) (map[int64]processes.Subject, error) {
	at := make(standings, len(effects))
	for _, e := range effects {
		at[e.Subject] = standingOf(e.Case)
	}
	for _, wave := range waves(effects) {
		if err := c.applyWave(ctx, tx, now, wave, at); err != nil {
			return nil, err
		}
	}
	return c.afterwards(ctx, tx, effects, at)
}

// afterwards gives the leads as the effects left them. One that only got another
// owner, like every new lead, is known without a look.
func (c *Casework) afterwards(ctx context.Context, tx pgx.Tx, effects []processes.Effect, at standings) (map[int64]processes.Subject, error) {
	people, err := c.staff.Directory(ctx, tx)
	if err != nil {
		return nil, err
	}
	after := map[int64]processes.Subject{}
	var changed []int64
	for _, e := range effects {
		after[e.Subject] = owned(e.Case, at[e.Subject].owner, people)
		if e.Action != "assign" {
			changed = append(changed, e.Subject)
		}
	}
	if len(changed) == 0 {
		return after, nil
	}
	read, err := c.Read(ctx, tx, changed)
	maps.Copy(after, read)
	return after, err
}

// owned is the case under its new owner.
func owned(of processes.Subject, owner int64, people *staff.Directory) processes.Subject {
	lead, _ := of.Values["lead"].(map[string]any)
	lead, values := maps.Clone(lead), maps.Clone(of.Values)
	lead["owner"], lead["owner_name"] = float64(owner), people.Name(owner)
	values["lead"] = lead
	of.Owner, of.Values = owner, values
	return of
}

// standing is how a lead stands between one effect and the next. It is locked, so
// that nobody else changes it meanwhile.
type standing struct {
	owner  int64
	stage  string
	closed bool
}

type standings map[int64]*standing

func standingOf(of processes.Subject) *standing {
	lead, _ := of.Values["lead"].(map[string]any)
	return &standing{owner: of.Owner, stage: written(lead["stage"]), closed: of.Closed}
}

// waves deals the effects out so that each wave has one of each lead: the first
// ones, then the second ones. What a checklist puts onto the card one after the
// other is one change.
func waves(effects []processes.Effect) [][]processes.Effect {
	var out [][]processes.Effect
	next := map[int64]int{}
	last := map[int64]processes.Effect{}
	for _, e := range effects {
		before, n := last[e.Subject], next[e.Subject]
		last[e.Subject] = e
		if before.Action == "set-field" && e.Action == "set-field" && before.Actor.ID == e.Actor.ID {
			n--
		} else {
			next[e.Subject]++
		}
		if n == len(out) {
			out = append(out, nil)
		}
		out[n] = append(out[n], e)
	}
	return out
}

func (c *Casework) applyWave(ctx context.Context, tx pgx.Tx, now time.Time, wave []processes.Effect, at standings) error {
	byAction := map[string][]processes.Effect{}
	for _, e := range wave {
		byAction[e.Action] = append(byAction[e.Action], e)
	}
	for action, effects := range byAction {
		var err error
		switch action {
		case "set-stage":
			err = c.setStages(ctx, tx, now, effects, at)
		case "close":
			err = c.closings(ctx, tx, now, effects, at)
		case "assign":
			err = c.assignments(ctx, tx, now, effects, at)
		case "set-field":
			err = c.setFields(ctx, tx, now, effects)
		default:
			err = fmt.Errorf("a lead knows no effect %q", action)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// setStages moves the leads that are open and not in the stage already. A route
// map beside the sale may say its stage of a lead that has been closed meanwhile.
func (c *Casework) setStages(ctx context.Context, tx pgx.Tx, now time.Time, effects []processes.Effect, at standings) error {
	var moves []repository.StageMove
	for _, e := range effects {
		lead, stage := at[e.Subject], param(e, "stage")
		if lead.closed || lead.stage == stage {
			continue
		}
		lead.stage = stage
		moves = append(moves, repository.StageMove{Lead: e.Subject, Stage: stage, By: e.Actor.ID})
	}
	if len(moves) == 0 {
		return nil
	}
	return c.repo.EnterStage(ctx, tx, now, moves)
}

// closings closes the open leads. One that is closed already stays as it was
// closed: its first closing is a fact.
func (c *Casework) closings(ctx context.Context, tx pgx.Tx, now time.Time, effects []processes.Effect, at standings) error {
	words, err := c.dictionary(ctx, tx)
	if err != nil {
		return err
	}
	var list []repository.Closing
	for _, e := range effects {
		if at[e.Subject].closed {
			continue
		}
		closing := repository.Closing{Lead: e.Subject, Kind: leads.Status(param(e, "status")), Reason: param(e, "reason"),
			Comment: param(e, "comment"), By: e.Actor.ID}
		if closing.Kind == leads.StatusWon {
			closing.Reason = "" // a step may ask for a reason that only the other outcomes need
		}
		if err := checkClosing(closing, words.Reasons); err != nil {
			return err
		}
		at[e.Subject].closed = true
		list = append(list, closing)
	}
	if len(list) == 0 {
		return nil
	}
	return c.repo.Close(ctx, tx, now, list)
}

// checkClosing refuses a loss without a reason of the dictionary, or without the
// comment that the reason asks for.
func checkClosing(closing repository.Closing, reasons []leads.LossReason) error {
	switch closing.Kind {
	case leads.StatusWon:
		return nil
	case leads.StatusLost, leads.StatusJunk:
	default:
		return refuseValue(fmt.Sprintf("Лид нельзя закрыть с итогом «%s»", closing.Kind), fmt.Sprintf("A lead cannot be closed as %q", closing.Kind))
	}
	if closing.Reason == "" {
		return refuseValue("Укажите причину отказа", "Give the reason why the lead is lost")
	}
	for _, r := range reasons {
		if r.Key != closing.Reason {
			continue
		}
		if r.Kind != closing.Kind {
			return refuseValue(fmt.Sprintf("Причина «%s» не подходит к этому итогу", r.NameRU), fmt.Sprintf("The reason %q does not fit this end", r.NameEN))
		}
		if r.NeedsComment && closing.Comment == "" {
			return refuseValue(fmt.Sprintf("К причине «%s» нужен комментарий", r.NameRU), fmt.Sprintf("The reason %q needs a comment", r.NameEN))
		}
		return nil
	}
	return refuseValue(fmt.Sprintf("Причины «%s» нет в справочнике", closing.Reason), fmt.Sprintf("There is no reason %q", closing.Reason))
}

// assignments gives leads to the employees that the effects name or describe. A
// lead for which there is nobody stays unassigned, and the heads are told.
func (c *Casework) assignments(ctx context.Context, tx pgx.Tx, now time.Time, effects []processes.Effect, at standings) error {
	people, err := c.staff.Directory(ctx, tx)
	if err != nil {
		return err
	}
	owners, err := c.owners(ctx, tx, now, effects, people)
	if err != nil {
		return err
	}
	var list []repository.Assignment
	var notices []staff.Notice
	for i, e := range effects {
		lead := at[e.Subject]
		switch {
		case lead.closed || owners[i] == lead.owner && lead.owner != 0:
		case owners[i] == 0 && lead.owner == 0:
			notices = append(notices, unassigned(people, e.Case)...)
		case owners[i] != 0:
			lead.owner = owners[i]
			list = append(list, repository.Assignment{Lead: e.Subject, Owner: owners[i], By: e.Actor.ID, Why: param(e, "reason")})
		}
	}
	if len(list) > 0 {
		if err := c.repo.Assign(ctx, tx, now, list); err != nil {
			return err
		}
	}
	return c.staff.Notify(ctx, tx, now, notices)
}

// owners finds the employee of each effect: the one named, else by role and mode.
func (c *Casework) owners(ctx context.Context, tx pgx.Tx, now time.Time, effects []processes.Effect, people *staff.Directory) ([]int64, error) {
	out := make([]int64, len(effects))
	var vacancies []processes.Vacancy
	var places []int
	for i, e := range effects {
		if named := param(e, "employee"); named != "" {
			id, err := employee(people, named)
			if err != nil {
				return nil, err
			}
			out[i] = id
			continue
		}
		vacancies = append(vacancies, processes.Vacancy{Role: param(e, "role"),
			Mode: bpmn.Mode(cmp.Or(param(e, "mode"), string(bpmn.RoundRobin))), Substitutes: true, Subject: e.Case})
		places = append(places, i)
	}
	if len(vacancies) == 0 {
		return out, nil
	}
	found, err := c.processes.Performers(ctx, tx, now, vacancies)
	if err != nil {
		return nil, err
	}
	for i, p := range found {
		out[places[i]] = p.Employee
	}
	return out, nil
}

func employee(people *staff.Directory, named string) (int64, error) {
	if e, ok := people.Login(named); ok {
		return e.ID, nil
	}
	if id, err := strconv.ParseInt(named, 10, 64); err == nil {
		if _, ok := people.Employee(id); ok {
			return id, nil
		}
	}
	return 0, refuseValue(fmt.Sprintf("Сотрудника «%s» нет", named), fmt.Sprintf("There is no employee %q", named))
}

func unassigned(people *staff.Directory, lead processes.Subject) []staff.Notice {
	var notices []staff.Notice
	for _, id := range people.Heads() {
		head, _ := people.Employee(id)
		notices = append(notices, staff.Notice{Employee: id, Kind: staff.LeadArrived, Lead: &lead.ID,
			Text: inLanguage(head.Language, "Неразобранное: ", "Unassigned: ") + lead.Title})
	}
	return notices
}

func (c *Casework) setFields(ctx context.Context, tx pgx.Tx, now time.Time, effects []processes.Effect) error {
	words, err := c.dictionary(ctx, tx)
	if err != nil {
		return err
	}
	changes, by := map[int64]*repository.Changes{}, map[int64]int64{}
	for _, e := range effects {
		if changes[e.Subject] == nil {
			changes[e.Subject], by[e.Subject] = &repository.Changes{}, e.Actor.ID
		}
		if err := setField(changes[e.Subject], words.OwnFields, param(e, "field"), e.Params["value"]); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(changes)) {
		if err := c.repo.SetFields(ctx, tx, now, id, by[id], *changes[id]); err != nil {
			return fmt.Errorf("set fields of lead %d: %w", id, err)
		}
	}
	return nil
}

func param(e processes.Effect, name string) string { return written(e.Params[name]) }

var _ processes.Effects = (*Casework)(nil)
var _ processes.Subjects = (*Casework)(nil)
