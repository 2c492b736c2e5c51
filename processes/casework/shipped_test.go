package casework_test

import (
	"strings"
	"testing"
	"time"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/processes"
	"marshrut/processes/casework"
)

// The maps we ship, with the fields, roles, stages and reasons of a real company.
func newShippedCompany(t *testing.T) *company { return newCompanyWith(t, "../../configs/processes") }

func (c *company) complete(actor string, lead int64, element, outcome string, values map[string]any) {
	c.t.Helper()
	task := c.task(lead)
	if task.Element != element {
		c.t.Fatalf("the task is %s, want %s", task.Element, element)
	}
	who := c.who(task.Assignee)
	if actor != "" && who.Login != actor {
		c.t.Fatalf("task %s is for %s, want %s", element, who.Login, actor)
	}
	_, err := c.CompleteTask(c.t.Context(), who, task.ID, processes.Completion{Outcome: outcome, Values: values})
	c.must(err)
}

func TestShippedMapLeadsFromAFormToTheMoney(t *testing.T) {
	c := newShippedCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	owner := c.who(c.lead(id).OwnerID)
	c.called(owner, id)
	c.complete(owner.Login, id, "contact", "talked", map[string]any{"read": nil, "reach": nil})
	c.complete(owner.Login, id, "qualify", "target", map[string]any{"need": "теплица", "product": first(c.task(id), "product", "теплица"), "city": "Тверь",
		"amount": 120000, "purchase": "2026-04-20"})
	c.complete(owner.Login, id, "offer", "ready", map[string]any{"positions": "теплица 3x6", "discount": 25, "document": "КП-17"})
	c.complete("olga", id, "approve", "yes", nil)
	c.pass(time.Minute)
	c.called(owner, id)
	c.complete(owner.Login, id, "send_offer", "sent", map[string]any{"sent": nil, "decision_date": "2026-03-20"})
	c.pass(time.Minute)
	c.called(owner, id)
	c.complete(owner.Login, id, "decision", "agreed", map[string]any{"talk": nil})
	c.complete(owner.Login, id, "contract", "invoiced", map[string]any{"requisites": "ИП Иванов", "order": nil, "invoice": nil})
	c.complete(owner.Login, id, "payment", "paid", map[string]any{"paid": nil})

	lead := c.lead(id)
	if lead.Status != leads.StatusWon || lead.City != "Тверь" || lead.Amount == nil || lead.Amount.Float() != 120000 {
		t.Errorf("the lead is %+v", lead)
	}
	if n := c.count(`select count(distinct stage) from stage_visit where lead_id = $1`, id); n != 5 {
		t.Errorf("it was in %d stages, want all five", n)
	}
	if n := c.count(`select count(*) from incident`); n != 0 {
		t.Errorf("%d incidents", n)
	}
}

func TestShippedMapLosesALeadByWayOfTheHead(t *testing.T) {
	c := newShippedCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	owner := c.who(c.lead(id).OwnerID)
	c.called(owner, id)
	c.complete(owner.Login, id, "contact", "talked", map[string]any{"read": nil, "reach": nil})
	c.complete(owner.Login, id, "qualify", "target", map[string]any{"need": "теплица", "product": first(c.task(id), "product", "теплица"), "city": "Тверь",
		"amount": 120000, "purchase": "2026-04-20"})

	way, err := c.CloseLead(t.Context(), owner, id, casework.Close{Status: leads.StatusLost, Reason: "competitor", Comment: "Агрис"})
	c.must(err)
	if !way.Pending || c.task(id).Element != "head_decides" {
		t.Fatalf("it went by %+v to %s, want to the head", way, c.task(id).Element)
	}
	way, err = c.CloseLead(t.Context(), c.olga, id, casework.Close{Status: leads.StatusLost, Reason: "competitor", Comment: "Агрис"})
	c.must(err)
	if way.Lead.Status != leads.StatusLost || way.Lead.LossReason != "competitor" {
		t.Errorf("the lead is %s because of %q", way.Lead.Status, way.Lead.LossReason)
	}
}

func TestShippedMapsCallBackAMissedCallAndSellThen(t *testing.T) {
	c := newShippedCompany(t)
	id := c.arrive(c.missedCall("+79123456789"))[0].LeadID
	task := c.task(id)
	if task.Process != casework.ProcessMissedCall {
		t.Fatalf("the task is %s of %s", task.Element, task.Process)
	}
	c.arrive(c.missedCall("+79123456789"))
	c.arrive(c.missedCall("+79123456789"))
	if again := c.task(id); !strings.Contains(again.Hint, "пропущено: 3") || again.Priority <= task.Priority || again.Revision != task.Revision {
		t.Errorf("after the third miss the task says %q, of priority %d and revision %d, after %d and %d", again.Hint, again.Priority, again.Revision, task.Priority, task.Revision)
	}
	if n := c.count(`select count(*) from notice where employee_id = $1 and text like 'Три пропущенных%'`, c.olga.ID); n != 1 {
		t.Errorf("the head was told %d times of three misses, want once", n)
	}
	in := c.inquiry(leads.ChannelCall, "+79123456789")
	in.Call = &leads.Call{Answered: true, Talk: time.Minute}
	c.arrive(in)
	if task = c.task(id); task.Process != casework.ProcessInquiry || task.Element != "qualify" {
		t.Errorf("after the talk comes %s of %s, want to qualify", task.Element, task.Process)
	}
	if n := c.count(`select count(*) from incident`); n != 0 {
		t.Errorf("%d incidents", n)
	}
}

func TestShippedMapGivesAMissedCallToWhomTheClientMayExpect(t *testing.T) {
	c := newShippedCompany(t)
	dora := c.hire("dora", staff.Manager, "manager", "duty")
	for extension, who := range map[string]staff.Actor{"101": c.anna, "102": c.boris} {
		people, err := c.people.Directory(t.Context(), c.pool)
		c.must(err)
		e, _ := people.Employee(who.ID)
		e.Extension = extension
		c.must(c.people.UpdateEmployee(t.Context(), staff.System(), e, morning))
	}
	away := func(who staff.Actor) {
		_, err := c.people.AddAbsence(t.Context(), staff.System(), staff.Absence{Employee: who.ID, From: morning, To: morning.Add(time.Hour)}, morning)
		c.must(err)
	}
	missed := func(phone, extension string) int64 {
		in := c.missedCall(phone)
		in.Call.Extension = extension
		return c.task(c.arrive(in)[0].LeadID).Assignee
	}
	if got := missed("+79123456701", "102"); got != c.boris.ID {
		t.Errorf("whose telephone rang is %s, the task is with %d", "boris", got)
	}
	if got := missed("+79123456702", ""); got != dora.ID {
		t.Errorf("lost in the menu: the task is with %d, want %d on duty", got, dora.ID)
	}
	spoke := c.inquiry(leads.ChannelCall, "+79123456703")
	spoke.Direction, spoke.Call = leads.DirectionOut, &leads.Call{Answered: true, Talk: time.Minute, Extension: "101"}
	c.arrive(spoke)
	if got := missed("+79123456703", "102"); got != c.anna.ID {
		t.Errorf("anna spoke with the client last, the task is with %d", got)
	}
	away(c.boris)
	if got := missed("+79123456704", "102"); got != dora.ID {
		t.Errorf("whose telephone rang is away: the task is with %d, want %d on duty", got, dora.ID)
	}
}

// first is a value that the step takes: the first of its choices, or the text.
func first(task processes.Task, step, text string) any {
	for _, s := range task.Steps {
		if s.ID == step && len(s.Choices) > 0 {
			return s.Choices[0].Value
		}
	}
	return text
}

// upToTheOffer brings a lead of a form through the first two tasks.
func (c *company) upToTheOffer(owner string, id int64) {
	c.t.Helper()
	c.complete(owner, id, "contact", "talked", map[string]any{"read": nil, "reach": nil})
	c.complete(owner, id, "qualify", "target", map[string]any{"need": "теплица для рассады", "product": "Теплица 3х6", "city": "Тверь",
		"amount": "150000.50", "purchase": "2026-04-20"})
}

func TestShippedMapPutsWhatIsFoundOutOntoTheCard(t *testing.T) {
	c := newShippedCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	owner := c.who(c.lead(id).OwnerID)
	c.called(owner, id)
	c.upToTheOffer(owner.Login, id)
	lead := c.lead(id)
	if lead.Product != "Теплица 3х6" || lead.Fields["need"] != "теплица для рассады" || lead.ExpectedClose == nil || lead.ExpectedClose.Format(time.DateOnly) != "2026-04-20" {
		t.Errorf("the card says %q, %v, by %v", lead.Product, lead.Fields, lead.ExpectedClose)
	}
	if n := c.count(`select count(*) from journal where lead_id = $1 and action = 'lead.changed'`, id); n != 1 {
		t.Errorf("the card changed %d times, want once for the whole checklist", n)
	}
}

func TestShippedMapTellsTheDiscountThatTheHeadAgreedTo(t *testing.T) {
	c := newShippedCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	owner := c.who(c.lead(id).OwnerID)
	c.called(owner, id)
	c.upToTheOffer(owner.Login, id)
	c.complete(owner.Login, id, "offer", "ready", map[string]any{"positions": "теплица 3x6", "discount": 15, "document": "КП-17"})
	if hint := c.task(id).Hint; !strings.Contains(hint, "150\u00a0000,50 ₽") {
		t.Errorf("the head reads %q, want both digits of the kopecks", hint)
	}
	c.complete("olga", id, "approve", "yes", nil)
	if hint := c.task(id).Hint; !strings.Contains(hint, "РОП согласовал скидку: 15 %") {
		t.Errorf("the hint is %q", hint)
	}
}

func TestShippedMapTellsTheHeadTheReasonInWordsAndKeepsWhatWasSaidOfIt(t *testing.T) {
	c := newShippedCompany(t)
	id := c.arrive(c.form("+79123456789"))[0].LeadID
	owner := c.who(c.lead(id).OwnerID)
	c.called(owner, id)
	c.upToTheOffer(owner.Login, id)
	way, err := c.CloseLead(t.Context(), owner, id, casework.Close{Status: leads.StatusLost, Reason: "expensive", Comment: "Дороже соседей на треть"})
	c.must(err)
	task := c.task(id)
	if !way.Pending || task.Element != "head_decides" {
		t.Fatalf("it went by %+v to %s, want to the head", way, task.Element)
	}
	if task.Hint != "Менеджер просит закрыть лид. Причина: Дорого." {
		t.Errorf("the head reads %q", task.Hint)
	}
	c.complete("olga", id, "head_decides", "confirm", nil)
	if lead := c.lead(id); lead.LossReason != "expensive" || lead.LossComment != "Дороже соседей на треть" {
		t.Errorf("the lead is lost because of %q: %q", lead.LossReason, lead.LossComment)
	}
}

func TestShippedMapSpeaksOfAFormWithoutText(t *testing.T) {
	c := newShippedCompany(t)
	in := c.form("+79123456789")
	in.Text = ""
	id := c.arrive(in)[0].LeadID
	if hint := c.task(id).Hint; strings.Contains(hint, "—") || !strings.HasPrefix(hint, "Клиент ничего не написал") {
		t.Errorf("the hint is %q", hint)
	}
}
