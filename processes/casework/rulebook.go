package casework

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/leads/repository"
	"marshrut/processes"
	"marshrut/processes/bpmn"
)

// RuleProblem is what is wrong with one rule of a list, in a sentence.
type RuleProblem struct {
	Rule      int // place in the list, from 0
	Message   string
	MessageEn string
}

// RuleProblems refuses a list of rules.
type RuleProblems []RuleProblem

// Error is the first problem.
func (p RuleProblems) Error() string {
	return fmt.Sprintf("start rule %d: %s", p[0].Rule+1, p[0].MessageEn)
}

// Rules lists the start rules in their order.
func (c *Casework) Rules(ctx context.Context) ([]Rule, error) {
	list, err := readRules(ctx, c.pool)
	if err != nil {
		return nil, fmt.Errorf("list the start rules: %w", err)
	}
	return list, nil
}

// SaveRules replaces the list of start rules, or refuses it with RuleProblems.
func (c *Casework) SaveRules(ctx context.Context, actor staff.Actor, list []Rule) error {
	if !actor.Can(staff.ManageRules) {
		return fmt.Errorf("change the start rules: %w", ErrNotAllowed)
	}
	problems, err := c.checkRules(ctx, list)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return problems
	}
	err = c.inTx(ctx, "rules", func(ctx context.Context, tx pgx.Tx) error {
		before, err := readRules(ctx, tx)
		if err != nil {
			return err
		}
		if err := writeRules(ctx, tx, list); err != nil {
			return err
		}
		return c.repo.Journal(ctx, tx, []repository.Entry{{At: c.now(), Actor: actor.ID, Object: "rules", Action: "rules.saved",
			Data: map[string]any{"before": before, "after": list}}})
	})
	if err != nil {
		return fmt.Errorf("save the start rules: %w", err)
	}
	return c.rules.Load(ctx)
}

// SeedRules writes the rules of a fresh installation where there are none. It runs
// inside tx.
func (c *Casework) SeedRules(ctx context.Context, tx pgx.Tx) error {
	known, err := readRules(ctx, tx)
	if err != nil {
		return fmt.Errorf("seed the start rules: %w", err)
	}
	if len(known) > 0 {
		return nil
	}
	c.rules.forget()
	if err := writeRules(ctx, tx, DefaultRules()); err != nil {
		return fmt.Errorf("seed the start rules: %w", err)
	}
	return nil
}

func (c *Casework) checkRules(ctx context.Context, list []Rule) (RuleProblems, error) {
	words, err := c.dictionary(ctx, c.pool)
	if err != nil {
		return nil, err
	}
	env := fieldEnvironment(nil)
	var problems RuleProblems
	complain := func(rule int, ru, en string) {
		problems = append(problems, RuleProblem{Rule: rule, Message: ru, MessageEn: en})
	}
	for i, r := range list {
		if r.Condition != "" {
			_, err := bpmn.CompileCondition(r.Condition, env)
			var wrong *bpmn.ConditionError
			if errors.As(err, &wrong) {
				complain(i, "Условие: "+wrong.Russian(), "Condition: "+wrong.Error())
			}
		}
		if r.Process != "" {
			_, err := c.processes.Definition(ctx, r.Process, 0)
			switch {
			case errors.Is(err, processes.ErrNotFound):
				complain(i, "Карты маршрута «"+r.Process+"» нет", "There is no route map "+r.Process)
			case err != nil:
				return nil, err
			}
		}
		if r.Funnel != "" && !words.hasFunnel(r.Funnel) {
			complain(i, "Воронки «"+r.Funnel+"» нет", "There is no funnel "+r.Funnel)
		}
	}
	if !endsWithDefault(list) {
		complain(max(0, len(list)-1), "Последнее правило основной дорожки должно подходить всегда: оставьте его условие пустым или дополните остальные",
			"The last rule of the sale has to fit always: leave its condition empty")
	}
	return problems, nil
}

// endsWithDefault tells whether each new lead starts something.
func endsWithDefault(list []Rule) bool {
	for _, r := range list {
		if r.Enabled && cmp.Or(r.Lane, LaneSale) == LaneSale && r.Condition == "" {
			return true
		}
	}
	return false
}

// Trial is what a list of rules would do with one past inquiry.
type Trial struct {
	Inquiry    string
	ReceivedAt time.Time
	Channel    string
	Connection string
	Name       string
	Started    []Started
	Trouble    string // a condition that could not be evaluated
}

// Started is a rule that fitted.
type Started struct {
	Lane    string
	Rule    string
	Process string
}

// TryRules shows what the rules would do with the latest inquiries, as if each had
// opened a lead. Nothing is changed.
func (c *Casework) TryRules(ctx context.Context, actor staff.Actor, list []Rule, limit int) ([]Trial, error) {
	if !actor.Can(staff.ManageRules) {
		return nil, fmt.Errorf("try start rules: %w", ErrNotAllowed)
	}
	past, err := c.repo.RecentInquiries(ctx, limit)
	if err != nil {
		return nil, err
	}
	book := compile(list)
	trials := make([]Trial, 0, len(past))
	for _, in := range past {
		trials = append(trials, book.try(in))
	}
	return trials, nil
}

func (b *ruleBook) try(in repository.PastInquiry) Trial {
	v := view{Inquiry: in.Inquiry, ClientKnown: in.ClientKnown}
	values := v.values(nil, time.UTC)
	t := Trial{Inquiry: in.ID, ReceivedAt: in.ReceivedAt, Channel: string(in.Channel), Connection: in.Connection, Name: in.Name}
	for _, lane := range b.lanes() {
		found, ok, trouble := b.match(lane, values)
		if trouble != nil {
			t.Trouble = trouble.Error()
		}
		if ok {
			t.Started = append(t.Started, Started{Lane: lane, Rule: found.Name, Process: found.Process})
		}
	}
	return t
}
