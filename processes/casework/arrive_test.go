package casework_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
	"marshrut/processes/casework"
	"marshrut/processes/engine"
)

func TestTwentyWorkersCapturingOnePersonMakeOneLeadWithOneProcess(t *testing.T) {
	c := newCompany(t)
	var group errgroup.Group
	for i := range 20 {
		in := c.form("+79123456789")
		if i%3 == 0 {
			in = c.missedCall("+79123456789")
		}
		group.Go(func() error {
			_, err := c.tryArrive(t.Context(), in)
			return err
		})
	}
	c.must(group.Wait())

	if n := c.count(`select count(*) from lead`); n != 1 {
		t.Errorf("%d leads, want 1", n)
	}
	if n := c.count(`select count(*) from contact`); n != 1 {
		t.Errorf("%d contacts, want 1", n)
	}
	if n := c.count(`select count(*) from inquiry where state = 'filed' and lead_id is not null`); n != 20 {
		t.Errorf("%d inquiries filed under it, want 20", n)
	}
	if n := c.count(`select count(*) from process_instance i join process_definition d on d.id = i.definition_id where d.key = 'missed_call' and i.state = 'active'`); n != 1 {
		t.Errorf("%d processes call back, want 1", n)
	}
	// The sale starts with the lead, unless a missed call opened it.
	if n := c.count(`select count(*) from process_instance i join process_definition d on d.id = i.definition_id where d.key = 'inquiry'`); n > 1 {
		t.Errorf("%d sales, want one at most", n)
	}
	if n := c.count(`select count(*) from incident`); n != 0 {
		t.Errorf("%d incidents", n)
	}
}

func TestBatchOfFiveHundredStartsAsManyProcesses(t *testing.T) {
	c := newCompany(t)
	batch := make([]leads.Inquiry, 500)
	for i := range batch {
		batch[i] = c.form(fmt.Sprintf("+7912%07d", i))
	}
	c.arrive(batch...)
	if n := c.count(`select count(*) from task where status = 'open' and assignee_id is not null`); n != 500 {
		t.Errorf("%d tasks with a performer, want 500", n)
	}
	if n := c.count(`select count(distinct owner_id) from lead`); n != 2 {
		t.Errorf("%d owners, want both managers", n)
	}
}

func TestMissedCallOfSomebodyUnknownIsCalledBackAndOnlyThenASale(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.missedCall("+79123456789"))[0].LeadID
	task := c.task(id)
	if task.Process != "missed_call" || task.Assignee == 0 {
		t.Fatalf("the task is %s of process %s, want to call back", task.Element, task.Process)
	}
	_, err := c.CompleteTask(t.Context(), c.who(task.Assignee), task.ID, processes.Completion{Outcome: "interest"})
	c.must(err)
	if task = c.task(id); task.Process != "inquiry" || task.Element != "contact" {
		t.Errorf("next comes %s of process %s, want the sale", task.Element, task.Process)
	}
}

func TestMissedCallRunsBesideTheSaleAndItsRepeatsStartNoSecondOne(t *testing.T) {
	c := newCompany(t)
	lead, owner, sale := c.offer("+79123456789")

	c.arrive(c.missedCall("+79123456789"))
	c.arrive(c.missedCall("+79123456789"), c.missedCall("+79123456789"))

	tasks := c.tasks(lead.ID)
	if len(tasks) != 2 {
		t.Fatalf("%d open tasks, want the sale's and the one to call back: %+v", len(tasks), tasks)
	}
	var back processes.Task
	for _, task := range tasks {
		if task.Process == "missed_call" {
			back = task
		}
	}
	if back.Assignee != owner.ID {
		t.Errorf("to call back is for %d, want the owner %d", back.Assignee, owner.ID)
	}
	if after := c.lead(lead.ID); after.Stage != lead.Stage || after.OwnerID != owner.ID {
		t.Errorf("the missed call moved the lead to %s of %d", after.Stage, after.OwnerID)
	}
	if n := c.count(`select count(*) from process_instance where subject = $1 and id = $2 and (snapshot::jsonb)->'vars'->>'misses' = '3'`, lead.ID, back.Instance); n != 1 {
		t.Error("the process has not counted three misses")
	}

	// Somebody talks with the client: calling back is done by itself, the sale goes on.
	in := c.inquiry(leads.ChannelCall, "+79123456789")
	in.Call = &leads.Call{Answered: true, Talk: 30 * time.Second}
	c.arrive(in)
	if task := c.task(lead.ID); task.ID != sale.ID {
		t.Errorf("left is %s, want only the sale's", task.Element)
	}
}

func TestShortTalkDoesNotCountAsReached(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.missedCall("+79123456789"))[0].LeadID
	in := c.inquiry(leads.ChannelCall, "+79123456789")
	in.Call = &leads.Call{Answered: true, Talk: 9 * time.Second}
	c.arrive(in)
	if task := c.task(id); task.Process != "missed_call" {
		t.Errorf("open is %s, want still to call back", task.Element)
	}
}

func TestClientWhoTurnsToUsEndsTheWait(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	first := c.task(id)
	actor := c.who(first.Assignee)
	c.step(actor, first, "history", nil)
	c.called(actor, id)
	c.step(actor, first, "call", nil)
	c.step(actor, first, "next", "2026-03-20")
	_, err := c.CompleteTask(t.Context(), actor, first.ID, processes.Completion{Outcome: "later"})
	c.must(err)
	if len(c.tasks(id)) != 0 {
		t.Fatal("there should be nothing to do while we wait")
	}

	joined := c.arrive(c.inquiry(leads.ChannelMail, "+79123456789"))[0]

	if joined.Outcome != repository.OutcomeJoined || joined.LeadID != id {
		t.Fatalf("the letter is %+v, want to join the lead", joined)
	}
	if task := c.task(id); task.Element != "contact" || task.ID == first.ID {
		t.Errorf("open is %s, want to contact again", task.Element)
	}
}

func TestRepeatSpamAndTestSubmission(t *testing.T) {
	c := newCompany(t)
	in := c.form("+79123456789")
	id := c.arrive(in)[0].LeadID
	if again := c.arrive(in)[0]; again.Outcome != repository.OutcomeRepeat {
		t.Errorf("the same once more is %q", again.Outcome)
	}
	if len(c.tasks(id)) != 1 {
		t.Error("a repeat made a task")
	}
	spam := c.form("+79120000001")
	spam.State = leads.StateSpam
	if got := c.arrive(spam)[0]; got.LeadID != 0 {
		t.Errorf("spam made lead %d", got.LeadID)
	}
	test := c.form("+79120000002")
	test.State = leads.StateTest
	got := c.arrive(test)[0]
	if got.LeadID == 0 || !c.lead(got.LeadID).Test || len(c.tasks(got.LeadID)) != 1 {
		t.Errorf("a test submission is %+v, want a marked lead with its task", got)
	}
}

func TestProcessThatCannotStartCostsNoLead(t *testing.T) {
	c := newCompany(t)
	c.rewrite(`update start_rule set process = 'gone' where process = 'inquiry'`)

	captured := c.arrive(c.form("+79123456789"), c.missedCall("+79120000001"))

	if captured[0].LeadID == 0 || c.lead(captured[0].LeadID).Status != leads.StatusOpen {
		t.Fatalf("the lead was not filed: %+v", captured[0])
	}
	if n := c.count(`select count(*) from incident where subject = $1 and process = 'gone' and resolved_at is null`, captured[0].LeadID); n != 1 {
		t.Errorf("%d incidents, want 1", n)
	}
	if task := c.task(captured[1].LeadID); task.Process != "missed_call" {
		t.Errorf("the other inquiry of the batch has %s", task.Process)
	}
}

func TestRuleThatCannotBeEvaluatedIsPassedOverAndNoRuleAtAllIsAnIncident(t *testing.T) {
	c := newCompany(t)
	c.rewrite(`update start_rule set condition = 'inquiry.nothing > 3' where process = 'missed_call'`)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	if task := c.task(id); task.Process != "inquiry" {
		t.Errorf("a broken rule keeps others from starting: %s", task.Process)
	}

	c = newCompany(t)
	c.rewrite(`delete from start_rule where process = 'inquiry'`)
	id = c.arrive(c.form("+79123456789"))[0].LeadID
	if n := c.count(`select count(*) from incident where subject = $1 and reason <> ''`, id); n != 1 {
		t.Errorf("%d incidents of a lead that starts nothing, want 1", n)
	}
}

func TestFirstRuleThatFitsWinsAndChoosesTheFunnel(t *testing.T) {
	c := newCompany(t)
	rules := append([]casework.Rule{
		{Name: "Ремонт", Condition: `inquiry.text contains "ремонт"`, Process: "inquiry", Funnel: "service", Enabled: true},
		{Name: "Выключено", Process: "missed_call", Enabled: false},
	}, casework.DefaultRules()...)
	c.must(c.SaveRules(t.Context(), c.olga, rules))

	in := c.form("+79123456789")
	in.Text = "нужен ремонт теплицы"
	repair, sale := c.arrive(in)[0].LeadID, c.arrive(c.form("+79120000001"))[0].LeadID

	if got := c.lead(repair).Funnel; got != "service" {
		t.Errorf("the repair is in funnel %s", got)
	}
	if got := c.lead(sale).Funnel; got != "sales" {
		t.Errorf("the sale is in funnel %s", got)
	}
	saved, err := c.Rules(t.Context())
	c.must(err)
	if len(saved) != len(rules) || saved[0].Name != "Ремонт" || saved[1].Enabled {
		t.Errorf("saved are %+v", saved)
	}
	if n := c.count(`select count(*) from journal where action = 'rules.saved' and actor_id = $1`, c.olga.ID); n != 1 {
		t.Errorf("%d entries in the journal, want 1", n)
	}
}

func TestRulesWithMistakesAreRefusedBySentencesThatNameThem(t *testing.T) {
	c := newCompany(t)
	err := c.SaveRules(t.Context(), c.olga, []casework.Rule{
		{Name: "a", Condition: "inquiry.colour == 'red'", Process: "inquiry", Enabled: true},
		{Name: "b", Condition: "inquiry.amount", Process: "inquiry", Enabled: true},
		{Name: "c", Condition: "inquiry.missed", Process: "nosuch", Funnel: "nosuch", Enabled: true},
	})
	var problems casework.RuleProblems
	if !errors.As(err, &problems) {
		t.Fatalf("got %v, want problems", err)
	}
	byRule := map[int]string{}
	for _, p := range problems {
		byRule[p.Rule] += p.Message + "\n"
	}
	for rule, word := range map[int]string{0: "colour", 1: "Условие", 2: "nosuch"} {
		if !strings.Contains(byRule[rule], word) {
			t.Errorf("rule %d: %q does not name %q", rule, byRule[rule], word)
		}
	}
	if !strings.Contains(byRule[2], "всегда") {
		t.Errorf("%q does not say that a default is missing", byRule[2])
	}
	if saved, _ := c.Rules(t.Context()); len(saved) != len(casework.DefaultRules()) {
		t.Error("the list was saved all the same")
	}
}

func TestRulesAreTriedOnPastInquiriesWithoutChangingAnything(t *testing.T) {
	c := newCompany(t)
	c.arrive(c.form("+79123456789"), c.missedCall("+79120000001"))
	before := c.count(`select count(*) from process_instance`)

	trials, err := c.TryRules(t.Context(), c.olga, []casework.Rule{
		{Name: "Звонки", Condition: "inquiry.channel == 'call'", Process: "missed_call", Lane: casework.LaneMissed, Enabled: true},
		{Name: "Всё", Process: "inquiry", Enabled: true},
	}, 10)
	c.must(err)

	started := map[string]int{}
	for _, trial := range trials {
		for _, s := range trial.Started {
			started[trial.Channel+":"+s.Rule]++
		}
	}
	if len(trials) != 2 || started["call:Звонки"] != 1 || started["call:Всё"] != 1 || started["form:Всё"] != 1 || len(started) != 3 {
		t.Errorf("%d trials started %v", len(trials), started)
	}
	if after := c.count(`select count(*) from process_instance`); after != before {
		t.Errorf("trying started %d processes", after-before)
	}
}

func TestUnassignedLeadIsShownToTheHeads(t *testing.T) {
	c := newCompany(t)
	c.must(c.people.Disable(t.Context(), staff.System(), "anna", morning))
	c.must(c.people.Disable(t.Context(), staff.System(), "boris", morning))
	c.must(c.people.Disable(t.Context(), staff.System(), "olga", morning))
	c.hire("maria", staff.Head)
	// The only administrator is away: nobody can stand in for the managers.
	_, err := c.people.AddAbsence(t.Context(), staff.System(), staff.Absence{Employee: c.root.ID, From: morning.Add(-time.Hour), To: morning.Add(time.Hour)}, morning)
	c.must(err)

	id := c.arrive(c.form("+79123456789"))[0].LeadID

	if c.lead(id).OwnerID != 0 {
		t.Errorf("the owner is %d, want nobody", c.lead(id).OwnerID)
	}
	if task := c.task(id); !task.Hung || task.Assignee != 0 {
		t.Errorf("the task is %+v, want to hang", task)
	}
	if n := c.count(`select count(*) from notice join employee on employee.id = employee_id where login = 'maria' and kind = 'lead' and lead_id = $1`, id); n != 1 {
		t.Errorf("%d notices for the head, want 1", n)
	}
}

// Everything that moves a case at once, in every order: clicks, captures of the
// same people, closings, hand-overs. PostgreSQL would report a deadlock as
// SQLSTATE 40P01, which nothing here forgives.
func TestEverybodyAtOnceOnTheSameLeadsDoesNotDeadlock(t *testing.T) {
	c := newCompany(t)
	phones := []string{"+79120000001", "+79120000002", "+79120000003", "+79120000004", "+79120000005"}
	var list []int64
	for _, phone := range phones {
		list = append(list, c.arrive(c.form(phone))[0].LeadID)
	}
	var group errgroup.Group
	for worker := range 8 {
		random := rand.New(rand.NewPCG(7, uint64(worker)))
		group.Go(func() error {
			for range 12 {
				if err := c.anything(t.Context(), random, phones, list); err != nil && !refused(err) {
					return err
				}
			}
			return nil
		})
	}
	c.must(group.Wait())
	for _, id := range list {
		lead := c.lead(id)
		running := c.count(`select count(*) from process_instance i join process_definition d on d.id = i.definition_id
			where subject = $1 and state = 'active' and d.key = 'inquiry'`, id)
		if lead.Status == leads.StatusOpen && running != 1 {
			t.Errorf("lead %d is open with %d sales", id, running)
		}
		if n := c.count(`select count(*) from stage_visit where lead_id = $1 and left_at is null`, id); lead.Status == leads.StatusOpen && n != 1 {
			t.Errorf("lead %d stands in %d stages", id, n)
		}
	}
	if n := c.count(`select count(*) from incident`); n != 0 {
		t.Errorf("%d incidents", n)
	}
}

func (c *company) anything(ctx context.Context, random *rand.Rand, phones []string, list []int64) error {
	id := list[random.IntN(len(list))]
	switch random.IntN(6) {
	case 0:
		a, b := random.IntN(len(phones)), random.IntN(len(phones))
		_, err := c.tryArrive(ctx, c.form(phones[a]), c.missedCall(phones[b]))
		return err
	case 1:
		_, err := c.AssignLead(ctx, c.olga, id, []string{"anna", "boris"}[random.IntN(2)], "")
		return err
	case 2:
		_, err := c.AddInteraction(ctx, c.olga, id, leads.Interaction{Kind: leads.KindCall, Direction: leads.DirectionOut, Talk: time.Minute})
		return err
	case 3:
		_, err := c.CloseLead(ctx, c.olga, id, casework.Close{Status: leads.StatusJunk, Reason: "spam"})
		return err
	case 4:
		_, err := c.Reopen(ctx, c.olga, id, "снова")
		return err
	}
	page, err := c.Processes().Tasks(ctx, processes.TaskFilter{Subject: id, Status: processes.TaskOpen})
	if err != nil || len(page.Items) == 0 {
		return err
	}
	task := page.Items[random.IntN(len(page.Items))]
	_, err = c.DoStep(ctx, c.olga, task.ID, "history", nil)
	if err == nil && random.IntN(2) == 0 && len(task.Outcomes) > 0 {
		_, err = c.CompleteTask(ctx, c.olga, task.ID, processes.Completion{Outcome: task.Outcomes[random.IntN(len(task.Outcomes))].ID})
	}
	return err
}

// refused tells the answers that people who get in each other's way may expect.
func refused(err error) bool {
	var refusal *engine.Refusal
	return errors.As(err, &refusal) || errors.Is(err, leads.ErrConflict) || errors.Is(err, leads.ErrStale) || errors.Is(err, processes.ErrNotFound)
}
