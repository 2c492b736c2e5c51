package casework_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
	"marshrut/processes/casework"
	"marshrut/processes/engine"
)

func TestFormBecomesALeadWithAnOwnerAndATaskForThem(t *testing.T) {
	c := newCompany(t)

	captured := c.arrive(c.form("8 (912) 345-67-89"))[0]

	if captured.Outcome != repository.OutcomeLead {
		t.Fatalf("outcome %q, want a new lead", captured.Outcome)
	}
	lead, task := c.lead(captured.LeadID), c.task(captured.LeadID)
	if lead.OwnerID != c.anna.ID && lead.OwnerID != c.boris.ID {
		t.Errorf("the owner is %d, want one of the managers", lead.OwnerID)
	}
	if task.Assignee != lead.OwnerID || task.Element != "contact" || task.Role != "manager" {
		t.Errorf("the task %+v is not the owner's first one", task)
	}
	if want := morning.Add(15 * time.Minute); task.DueAt == nil || !task.DueAt.Equal(want) {
		t.Errorf("due at %v, want %v", task.DueAt, want)
	}
	if n, err := c.people.Unread(t.Context(), task.Assignee); err != nil || n == 0 {
		t.Errorf("%d notices for the manager (%v), want some", n, err)
	}
}

func TestLeadsGoToManagersInTurn(t *testing.T) {
	c := newCompany(t)
	owners := map[int64]int{}
	for _, phone := range []string{"+79120000001", "+79120000002", "+79120000003", "+79120000004"} {
		owners[c.lead(c.arrive(c.form(phone))[0].LeadID).OwnerID]++
	}
	if owners[c.anna.ID] != 2 || owners[c.boris.ID] != 2 {
		t.Errorf("leads by owner: %v, want two each", owners)
	}
}

func TestClickMovesTaskProcessAndLeadTogether(t *testing.T) {
	c := newCompany(t)
	lead, actor, task := c.offer("+79123456789")

	if lead.Stage != "proposal" || task.Element != "offer" || task.Assignee != actor.ID {
		t.Errorf("the lead stands in %s with task %s of %d", lead.Stage, task.Element, task.Assignee)
	}
	c.step(actor, task, "amount", "12 500,50")
	result, err := c.CompleteTask(t.Context(), actor, task.ID, processes.Completion{Outcome: "won"})
	c.must(err)
	if result.Task.Status != processes.TaskDone || len(result.Next) != 0 {
		t.Errorf("after the last task: %+v", result)
	}
	lead = c.lead(lead.ID)
	if lead.Status != leads.StatusWon || lead.Amount == nil || lead.Amount.String() != "12500.5" && lead.Amount.String() != "12500.50" {
		t.Errorf("the lead is %s for %v", lead.Status, lead.Amount)
	}
	if n := c.count(`select count(*) from process_instance where subject = $1 and state = 'completed'`, lead.ID); n != 1 {
		t.Errorf("%d processes completed, want 1", n)
	}
	if n := c.count(`select count(*) from close_event where lead_id = $1 and kind = 'won' and by = $2`, lead.ID, actor.ID); n != 1 {
		t.Errorf("%d closings by the manager, want 1", n)
	}
}

func TestRefusedClickChangesNothingAndIsInTheJournal(t *testing.T) {
	c := newCompany(t)
	lead := c.lead(c.arrive(c.form("+79123456789"))[0].LeadID)
	task := c.task(lead.ID)

	_, err := c.CompleteTask(t.Context(), c.who(task.Assignee), task.ID, processes.Completion{Outcome: "talked"})

	var refusal *engine.Refusal
	if !errors.As(err, &refusal) || !errors.Is(err, engine.ErrStepsMissing) {
		t.Fatalf("got %v, want missing steps", err)
	}
	if got := ids(refusal.Steps); !slices.Equal(got, []string{"history", "call"}) {
		t.Errorf("missing are %v, want history and call", got)
	}
	if after := c.lead(lead.ID); after.Version != lead.Version || after.Stage != lead.Stage {
		t.Errorf("the lead has changed: %+v", after)
	}
	if n := c.count(`select count(*) from journal where lead_id = $1 and action = 'task.refused' and actor_id = $2`, lead.ID, task.Assignee); n != 1 {
		t.Errorf("%d refusals in the journal, want 1", n)
	}
}

func TestStepWithoutItsEvidenceIsRefusedUntilTheCallIsNoted(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	task := c.task(id)
	actor := c.who(task.Assignee)
	c.step(actor, task, "history", nil)

	if _, err := c.DoStep(t.Context(), actor, task.ID, "call", nil); !errors.Is(err, engine.ErrStepsMissing) {
		t.Fatalf("without a call: %v, want the evidence to be missing", err)
	}
	c.called(actor, id)
	c.step(actor, task, "call", nil)
	if c.lead(id).FirstResponseAt == nil {
		t.Error("the client has been called, but the lead says nobody answered")
	}
}

func TestAnotherManagerIsRefused(t *testing.T) {
	c := newCompany(t)
	lead := c.lead(c.arrive(c.form("+79123456789"))[0].LeadID)
	task, stranger := c.task(lead.ID), c.anna
	if task.Assignee == c.anna.ID {
		stranger = c.boris
	}
	amount := leads.Amount{}
	for what, err := range map[string]error{
		"a step":         second(c.DoStep(t.Context(), stranger, task.ID, "history", nil)),
		"the outcome":    second(c.CompleteTask(t.Context(), stranger, task.ID, processes.Completion{Outcome: "junk"})),
		"closing":        second(c.CloseLead(t.Context(), stranger, lead.ID, casework.Close{Status: leads.StatusJunk, Reason: "spam"})),
		"moving":         second(c.MoveLead(t.Context(), stranger, lead.ID, casework.Move{Stage: "proposal"})),
		"assigning":      second(c.AssignLead(t.Context(), stranger, lead.ID, stranger.Login, "mine")),
		"fields":         second(c.UpdateLead(t.Context(), stranger, lead.ID, casework.Update{Changes: repository.Changes{Version: lead.Version, Amount: &amount}})),
		"an interaction": second(c.AddInteraction(t.Context(), stranger, lead.ID, leads.Interaction{Kind: leads.KindNote, Text: "hello"})),
		"reopening":      second(c.Reopen(t.Context(), stranger, lead.ID, "because")),
	} {
		if !errors.Is(err, casework.ErrNotAllowed) && !errors.Is(err, engine.ErrNotAllowed) {
			t.Errorf("%s by another manager: %v, want to be refused", what, err)
		}
	}
	for what, err := range map[string]error{
		"fields":  second(c.UpdateLead(t.Context(), c.mark, lead.ID, casework.Update{Changes: repository.Changes{Version: lead.Version}})),
		"opening": second(c.CreateLead(t.Context(), c.mark, c.form("+79120000009"), "")),
		"rules":   c.SaveRules(t.Context(), c.anna, casework.DefaultRules()),
	} {
		if !errors.Is(err, casework.ErrNotAllowed) {
			t.Errorf("%s by who may not at all: %v, want ErrNotAllowed", what, err)
		}
	}
	if after := c.lead(lead.ID); after.Version != lead.Version {
		t.Errorf("something changed the lead: version %d, was %d", after.Version, lead.Version)
	}
	if n := c.count(`select count(*) from journal where lead_id = $1 and action in ('lead.refused', 'task.refused') and actor_id = $2`, lead.ID, stranger.ID); n != 8 {
		t.Errorf("%d refusals in the journal, want all eight", n)
	}
}

func TestClosingALeadIsChoosingTheOutcomeAndAnswersTheStepThatAsksForTheReason(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	task := c.task(id)
	actor := c.who(task.Assignee)

	// The list of actions stands in the way, by name.
	_, err := c.CloseLead(t.Context(), actor, id, casework.Close{Status: leads.StatusJunk, Reason: "spam"})
	var refusal *engine.Refusal
	if !errors.As(err, &refusal) || !slices.Contains(ids(refusal.Steps), "history") {
		t.Fatalf("got %v, want the history to be missing", err)
	}
	if c.lead(id).Status != leads.StatusOpen {
		t.Fatal("it was closed all the same")
	}

	c.step(actor, task, "history", nil)
	way, err := c.CloseLead(t.Context(), actor, id, casework.Close{Status: leads.StatusJunk, Reason: "spam", Comment: "реклама"})
	c.must(err)
	if way.Task != task.ID || way.Outcome != "junk" || way.Pending {
		t.Errorf("it went by %+v, want outcome junk of the task", way)
	}
	if way.Lead.Status != leads.StatusJunk || way.Lead.LossReason != "spam" || way.Lead.LossComment != "реклама" {
		t.Errorf("the lead is %s because of %q (%q)", way.Lead.Status, way.Lead.LossReason, way.Lead.LossComment)
	}
	if len(c.tasks(id)) != 0 {
		t.Error("tasks are left")
	}
	_, err = c.CloseLead(t.Context(), actor, id, casework.Close{Status: leads.StatusJunk, Reason: "spam"})
	if !errors.Is(err, leads.ErrConflict) {
		t.Errorf("closing twice: %v, want ErrConflict", err)
	}
}

func TestClosingNeedsAReasonOfTheDictionaryThatFits(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	for _, how := range []casework.Close{
		{Status: leads.StatusLost},
		{Status: leads.StatusLost, Reason: "bad weather"},
		{Status: leads.StatusLost, Reason: "spam"},
		{Status: leads.StatusLost, Reason: "other"},
		{Status: "sold"},
		{Status: leads.StatusOpen},
	} {
		if _, err := c.CloseLead(t.Context(), c.olga, id, how); !errors.Is(err, engine.ErrInvalidValue) {
			t.Errorf("%+v: %v, want to be refused", how, err)
		}
	}
}

func TestHeadSkipsMissingStepsWithAReasonAndTheJournalKeepsIt(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID

	if _, err := c.CloseLead(t.Context(), c.olga, id, casework.Close{Status: leads.StatusJunk, Reason: "mistake"}); !errors.Is(err, engine.ErrStepsMissing) {
		t.Fatalf("without a reason to skip: %v, want missing steps", err)
	}
	way, err := c.CloseLead(t.Context(), c.olga, id, casework.Close{Status: leads.StatusJunk, Reason: "mistake", SkipReason: "ошиблись номером"})
	c.must(err)
	if way.Lead.Status != leads.StatusJunk || way.Lead.LossReason != "mistake" {
		t.Errorf("the lead is %+v", way.Lead)
	}
	if n := c.count(`select count(*) from process_journal where subject = $1 and actor_id = $2 and events::text like '%StepSkipped%ошиблись номером%'`, id, c.olga.ID); n == 0 {
		t.Error("the skip is not in the journal")
	}
}

func TestManagerMayNotSkip(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	actor := c.who(c.task(id).Assignee)
	_, err := c.CloseLead(t.Context(), actor, id, casework.Close{Status: leads.StatusJunk, Reason: "spam", SkipReason: "лень"})
	if !errors.Is(err, engine.ErrNotAllowed) {
		t.Errorf("got %v, want ErrNotAllowed", err)
	}
	if c.lead(id).Status != leads.StatusOpen || len(c.task(id).Steps) == 0 {
		t.Error("something changed")
	}
}

func TestWhereNoOutcomeLeadsTheRefusalNamesThoseThereAre(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	_, err := c.CloseLead(t.Context(), c.olga, id, casework.Close{Status: leads.StatusWon})
	var refusal *engine.Refusal
	if !errors.Is(err, casework.ErrNoWay) || !errors.As(err, &refusal) {
		t.Fatalf("got %v, want ErrNoWay", err)
	}
	for _, word := range []string{"Связаться", "Поговорили", "Перезвонить", "Некачественный"} {
		if !strings.Contains(refusal.Message, word) {
			t.Errorf("%q does not name %q", refusal.Message, word)
		}
	}
}

func TestLossThatTheHeadConfirmsIsPendingUntilThen(t *testing.T) {
	c := newCompany(t)
	lead, actor, _ := c.offer("+79123456789")

	way, err := c.CloseLead(t.Context(), actor, lead.ID, casework.Close{Status: leads.StatusLost, Reason: "expensive"})
	c.must(err)
	if !way.Pending || way.Outcome != "lost" || way.Lead.Status != leads.StatusOpen {
		t.Fatalf("it went by %+v, want to wait for the head", way)
	}
	approval := c.task(lead.ID)
	if approval.Element != "approve" || approval.Assignee != c.olga.ID {
		t.Fatalf("the next task is %s of %d, want the head's", approval.Element, approval.Assignee)
	}
	if _, err := c.CompleteTask(t.Context(), actor, approval.ID, processes.Completion{Outcome: "confirm"}); !errors.Is(err, engine.ErrNotAllowed) {
		t.Errorf("the manager confirms it himself: %v, want ErrNotAllowed", err)
	}
	way, err = c.CloseLead(t.Context(), c.olga, lead.ID, casework.Close{Status: leads.StatusLost, Reason: "competitor", Comment: "Агрис"})
	c.must(err)
	if way.Lead.Status != leads.StatusLost || way.Lead.LossReason != "expensive" {
		t.Errorf("the lead is %s because of %q, want the reason the manager gave", way.Lead.Status, way.Lead.LossReason)
	}
}

func TestCommentAnswersTheStepThatTheReasonAsksFor(t *testing.T) {
	c := newCompany(t)
	lead, actor, _ := c.offer("+79123456789")
	way, err := c.CloseLead(t.Context(), actor, lead.ID, casework.Close{Status: leads.StatusLost, Reason: "other", Comment: "передумал строить"})
	c.must(err)
	task, err := c.Processes().Task(t.Context(), way.Task)
	c.must(err)
	values := map[string]any{}
	for _, step := range task.Steps {
		values[step.ID] = step.Value
	}
	if values["reason"] != "other" || values["reason_comment"] != "передумал строить" || task.Comment != "передумал строить" {
		t.Errorf("the steps hold %v, the comment %q", values, task.Comment)
	}
}

func TestDraggingACardIsChoosingTheOutcomeThatLeadsToTheStage(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	task := c.task(id)
	actor := c.who(task.Assignee)

	if _, err := c.MoveLead(t.Context(), actor, id, casework.Move{Stage: "proposal"}); !errors.Is(err, engine.ErrStepsMissing) {
		t.Fatalf("with steps missing: %v", err)
	}
	if way, err := c.MoveLead(t.Context(), actor, id, casework.Move{Stage: "new"}); err != nil || way.Task != 0 {
		t.Errorf("to where it stands: %+v, %v, want nothing to happen", way, err)
	}
	c.step(actor, task, "history", nil)
	c.called(actor, id)
	c.step(actor, task, "call", nil)
	way, err := c.MoveLead(t.Context(), actor, id, casework.Move{Stage: "proposal"})
	c.must(err)
	if way.Outcome != "talked" || way.Lead.Stage != "proposal" {
		t.Errorf("it went by %+v", way)
	}
	if _, err := c.MoveLead(t.Context(), actor, id, casework.Move{Stage: "new"}); !errors.Is(err, casework.ErrNoWay) {
		t.Errorf("back to the first stage: %v, want ErrNoWay", err)
	}
	if _, err := c.MoveLead(t.Context(), actor, id, casework.Move{Stage: "moon"}); !errors.Is(err, engine.ErrInvalidValue) {
		t.Errorf("to no stage: %v, want a refusal", err)
	}
	if way, err = c.MoveLead(t.Context(), actor, id, casework.Move{Stage: "lost", Reason: "competitor", Comment: "Агрис"}); err != nil || !way.Pending {
		t.Errorf("to the stage of the lost: %+v, %v, want the head to be asked", way, err)
	}
}

func TestLeadWithoutAProcessIsClosedDirectlyByTheHeadOnly(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	task := c.task(id)
	c.must(c.Processes().CancelInstance(t.Context(), c.olga, task.Instance, "проверка"))
	lead := c.lead(id)

	if _, err := c.CloseLead(t.Context(), c.who(lead.OwnerID), id, casework.Close{Status: leads.StatusWon}); !errors.Is(err, casework.ErrNoWay) {
		t.Errorf("by the manager: %v, want ErrNoWay", err)
	}
	if _, err := c.CloseLead(t.Context(), c.olga, id, casework.Close{Status: leads.StatusWon}); !errors.Is(err, engine.ErrInvalidValue) {
		t.Errorf("without a word why: %v, want to be asked for it", err)
	}
	way, err := c.CloseLead(t.Context(), c.olga, id, casework.Close{Status: leads.StatusWon, Comment: "оплатил на выставке"})
	c.must(err)
	if way.Task != 0 || way.Lead.Status != leads.StatusWon {
		t.Errorf("it went by %+v", way)
	}
	if n := c.count(`select count(*) from journal where lead_id = $1 and action = 'lead.changed-without-task' and actor_id = $2`, id, c.olga.ID); n != 1 {
		t.Errorf("%d entries in the journal, want 1", n)
	}
}

func TestReopenedLeadStartsItsProcessAnewAndKeepsTheClosing(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	_, err := c.CloseLead(t.Context(), c.olga, id, casework.Close{Status: leads.StatusJunk, Reason: "mistake", SkipReason: "ошибка"})
	c.must(err)

	lead, err := c.Reopen(t.Context(), c.olga, id, "клиент нашёлся")
	c.must(err)

	if lead.Status != leads.StatusOpen || lead.Stage != "new" {
		t.Errorf("the lead is %s in %s", lead.Status, lead.Stage)
	}
	if task := c.task(id); task.Element != "contact" || task.Assignee != lead.OwnerID {
		t.Errorf("its task is %s of %d, want the first one of the owner %d", task.Element, task.Assignee, lead.OwnerID)
	}
	if n := c.count(`select count(*) from close_event where lead_id = $1`, id); n != 2 {
		t.Errorf("%d facts of closing, want the closing and the reopening", n)
	}
	if _, err := c.Reopen(t.Context(), c.olga, id, "ещё раз"); !errors.Is(err, leads.ErrConflict) {
		t.Errorf("reopening an open lead: %v, want ErrConflict", err)
	}
}

func TestStaleChangeOfFieldsIsRefused(t *testing.T) {
	c := newCompany(t)
	lead := c.lead(c.arrive(c.form("+79123456789"))[0].LeadID)
	amount, err := leads.NewAmount("100.50")
	c.must(err)
	city := "Тверь"

	after, err := c.UpdateLead(t.Context(), c.olga, lead.ID, casework.Update{Changes: repository.Changes{Version: lead.Version, Amount: &amount, Fields: map[string]string{"area": "12"}}})
	c.must(err)
	if after.Amount.String() != "100.5" && after.Amount.String() != "100.50" || after.Fields["area"] != "12" || after.Version <= lead.Version {
		t.Errorf("after the change: %+v", after)
	}
	if _, err := c.UpdateLead(t.Context(), c.olga, lead.ID, casework.Update{Changes: repository.Changes{Version: lead.Version, City: &city}}); !errors.Is(err, leads.ErrStale) {
		t.Errorf("with the old version: %v, want ErrStale", err)
	}
	if _, err := c.UpdateLead(t.Context(), c.olga, lead.ID, casework.Update{Changes: repository.Changes{City: &city}}); !errors.Is(err, engine.ErrInvalidValue) {
		t.Errorf("without a version: %v, want a refusal", err)
	}
	if _, err := c.UpdateLead(t.Context(), c.olga, 999999, casework.Update{Changes: repository.Changes{Version: 1, City: &city}}); !errors.Is(err, leads.ErrNotFound) {
		t.Errorf("of no lead: %v, want ErrNotFound", err)
	}
}

func TestLeadChangesHandsTogetherWithItsTasks(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	from, to := c.anna, c.boris
	if c.lead(id).OwnerID == c.boris.ID {
		from, to = c.boris, c.anna
	}
	before := c.task(id)

	lead, err := c.AssignLead(t.Context(), c.olga, id, to.Login, "отпуск")
	c.must(err)

	if lead.OwnerID != to.ID || c.task(id).Assignee != to.ID || c.task(id).ID != before.ID {
		t.Errorf("the owner is %d, the task is of %d, want %d for both", lead.OwnerID, c.task(id).Assignee, to.ID)
	}
	if _, err := c.DoStep(t.Context(), from, before.ID, "history", nil); !errors.Is(err, engine.ErrNotAllowed) {
		t.Errorf("the one before works it: %v, want ErrNotAllowed", err)
	}
	c.step(to, before, "history", nil)
	notices, err := c.people.Notices(t.Context(), to.ID, 10)
	c.must(err)
	if !slices.ContainsFunc(notices, func(n staff.Notice) bool { return n.Kind == staff.LeadArrived && *n.Lead == id }) {
		t.Errorf("the new owner was not told: %+v", notices)
	}
	for login, want := range map[string]error{"nobody": engine.ErrInvalidValue, "mark": engine.ErrInvalidValue} {
		if _, err := c.AssignLead(t.Context(), c.olga, id, login, ""); !errors.Is(err, want) {
			t.Errorf("to %s: %v, want %v", login, err, want)
		}
	}
}

func TestManagerTakesWhatIsNobodysButNotWhatIsSomebodys(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	_, err := c.AssignLead(t.Context(), c.olga, id, "", "разберём")
	c.must(err)
	lead, err := c.AssignLead(t.Context(), c.anna, id, "anna", "")
	c.must(err)
	if lead.OwnerID != c.anna.ID {
		t.Errorf("the owner is %d", lead.OwnerID)
	}
	if _, err := c.AssignLead(t.Context(), c.boris, id, "boris", ""); !errors.Is(err, casework.ErrNotAllowed) {
		t.Errorf("taking Anna's: %v, want ErrNotAllowed", err)
	}
	if _, err := c.AssignLead(t.Context(), c.anna, id, "boris", ""); !errors.Is(err, casework.ErrNotAllowed) {
		t.Errorf("giving it away: %v, want ErrNotAllowed", err)
	}
}

func TestLeadTypedInByAManagerIsTheirsWithItsTask(t *testing.T) {
	c := newCompany(t)
	in := c.form("+79123456789")
	captured, err := c.CreateLead(t.Context(), c.boris, in, "boris")
	c.must(err)
	lead := c.lead(captured.LeadID)
	if lead.OwnerID != c.boris.ID || lead.Channel != leads.ChannelManual || c.task(lead.ID).Assignee != c.boris.ID {
		t.Errorf("the lead is %+v, its task of %d", lead, c.task(lead.ID).Assignee)
	}
	again, err := c.CreateLead(t.Context(), c.boris, in, "boris")
	c.must(err)
	if again.Outcome != repository.OutcomeRepeat || again.LeadID != lead.ID || len(c.tasks(lead.ID)) != 1 {
		t.Errorf("the same form sent twice: %+v", again)
	}
	if _, err := c.CreateLead(t.Context(), c.boris, c.form("+79120000001"), "anna"); !errors.Is(err, casework.ErrNotAllowed) {
		t.Errorf("for somebody else: %v, want ErrNotAllowed", err)
	}
	if _, err := c.CreateLead(t.Context(), c.boris, leads.Inquiry{ID: "x"}, ""); !errors.Is(err, engine.ErrInvalidValue) {
		t.Errorf("of nobody: %v, want a refusal", err)
	}
}

func TestInteractionThatCannotBeIsRefused(t *testing.T) {
	c := newCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	for _, i := range []leads.Interaction{
		{Kind: leads.KindCall},
		{Kind: leads.KindNote},
		{Kind: "smoke signal", Direction: leads.DirectionOut},
		{Kind: leads.KindForm, Direction: leads.DirectionIn},
		{Kind: leads.KindCall, Direction: leads.DirectionOut, At: morning.Add(time.Hour)},
		{Kind: leads.KindCall, Direction: leads.DirectionOut, Talk: -time.Second},
		{Kind: leads.KindLetter, Direction: leads.DirectionOut, At: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := c.AddInteraction(t.Context(), c.olga, id, i); !errors.Is(err, engine.ErrInvalidValue) {
			t.Errorf("%+v: %v, want a refusal", i, err)
		}
	}
}

func ids(steps []engine.MissingStep) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.ID)
	}
	return out
}

func second[T any](_ T, err error) error { return err }

func TestReturningClientComesBackToTheOneWhoKnowsThem(t *testing.T) {
	c := newCompany(t)
	for _, phone := range []string{"+79120000001", "+79120000002", "+79120000003"} {
		lead, actor, task := c.offer(phone)
		_, err := c.CompleteTask(t.Context(), actor, task.ID, processes.Completion{Outcome: "won", Values: map[string]any{"amount": 1000}})
		c.must(err)

		again := c.arrive(c.form(phone))[0]

		if !again.LeadNew || again.LeadID == lead.ID {
			t.Fatalf("the second inquiry is %+v, want a new lead", again)
		}
		if next := c.lead(again.LeadID); next.OwnerID != actor.ID || !next.Repeat {
			t.Errorf("the new lead is of %d (repeat %t), want %d who knows the client", next.OwnerID, next.Repeat, actor.ID)
		}
	}
}
