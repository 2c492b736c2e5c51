package repository

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/leads"
)

func (h house) lead(id int64) leads.Lead {
	h.t.Helper()
	l, err := one(context.Background(), h.pool, scanLead, leadSQL("leads"), pgx.NamedArgs{"ids": []int64{id}})
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

// fail runs f in a transaction that must be refused for this reason.
func (h house) fail(want error, f func(pgx.Tx) error) {
	h.t.Helper()
	if err := postgres.InTx(context.Background(), h.pool, f); !errors.Is(err, want) {
		h.t.Errorf("got %v, want %v", err, want)
	}
}

func (h house) enter(at time.Time, moves ...StageMove) {
	h.t.Helper()
	h.tx(func(tx pgx.Tx) error { return h.EnterStage(context.Background(), tx, at, moves) })
}

func (h house) visits(lead int64) []string {
	h.t.Helper()
	out, err := all(context.Background(), h.pool, pgx.RowTo[string],
		"select stage || ':' || coalesce(fate, 'here') from stage_visit where lead_id = @lead order by no", pgx.NamedArgs{"lead": lead})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func TestEveryVisitEndsWithItsFate(t *testing.T) {
	h := newHouse(t, Options{})
	lead := h.capture(form(phone("+79120000001")))[0].LeadID

	h.enter(noon.Add(1*time.Hour), StageMove{Lead: lead, Stage: "new", By: 1}, StageMove{Lead: lead, Stage: "offer", By: 1})
	h.enter(noon.Add(2*time.Hour), StageMove{Lead: lead, Stage: "talk", By: 1})
	h.enter(noon.Add(3*time.Hour), StageMove{Lead: lead, Funnel: "service", Stage: "visit", By: 1})
	h.tx(func(tx pgx.Tx) error {
		return h.Close(t.Context(), tx, noon.Add(4*time.Hour), []Closing{{Lead: lead, Kind: leads.StatusWon, By: 1}})
	})

	want := []string{"new:advanced", "offer:back", "talk:other_funnel", "visit:won"}
	if got := h.visits(lead); !equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	l := h.lead(lead)
	if l.Status != leads.StatusWon || l.Stage != "visit" || l.Probability != 100 || l.ClosedAt == nil || l.Version != 5 {
		t.Errorf("got %+v", l)
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestALeadMovedBackFromWonIsOpenAgainWithoutItsCloseDate(t *testing.T) {
	h := newHouse(t, Options{})
	lead := h.capture(form(phone("+79120000001")))[0].LeadID
	h.enter(noon.Add(time.Hour), StageMove{Lead: lead, Stage: "offer"})
	h.tx(func(tx pgx.Tx) error {
		return h.Close(t.Context(), tx, noon.Add(2*time.Hour), []Closing{{Lead: lead, Kind: leads.StatusWon, By: 2}})
	})
	if l := h.lead(lead); l.Stage != "won" {
		t.Errorf("a won lead is shown in stage %s", l.Stage)
	}

	h.tx(func(tx pgx.Tx) error {
		return h.Reopen(t.Context(), tx, noon.Add(3*time.Hour), []Reopening{{Lead: lead, By: 2, Comment: "договор не подписан"}})
	})

	l := h.lead(lead)
	if l.Status != leads.StatusOpen || l.Stage != "offer" || l.ClosedAt != nil || l.Probability != 70 {
		t.Errorf("got %+v", l)
	}
	h.want(1, "select count(*) from close_event where lead_id = $1 and kind = 'won' and stage_then = 'offer'", lead)
	h.want(1, "select count(*) from close_event where lead_id = $1 and kind = 'reopened' and by = 2", lead)
	h.want(1, "select count(*) from stage_visit where lead_id = $1 and left_at is null and stage = 'offer' and no = 3", lead)
}

func TestClosingWithoutAFittingReasonIsRefused(t *testing.T) {
	h := newHouse(t, Options{})
	lead := h.capture(form(phone("+79120000001")))[0].LeadID
	for name, c := range map[string]Closing{
		"no reason":         {Kind: leads.StatusLost},
		"unknown reason":    {Kind: leads.StatusLost, Reason: "weather"},
		"reason of junk":    {Kind: leads.StatusLost, Reason: "spam"},
		"comment is needed": {Kind: leads.StatusLost, Reason: "other", Comment: "  "},
		"won for a reason":  {Kind: leads.StatusWon, Reason: "expensive"},
		"not an end":        {Kind: leads.StatusOpen},
	} {
		c.Lead = lead
		t.Run(name, func(t *testing.T) {
			h.fail(leads.ErrInvalid, func(tx pgx.Tx) error { return h.Close(t.Context(), tx, noon, []Closing{c}) })
		})
	}
	if got := h.visits(lead); !equal(got, []string{"new:here"}) {
		t.Errorf("a refused closing left %v", got)
	}
}

func TestAClosedLeadIsNeitherMovedNorClosedAgain(t *testing.T) {
	h := newHouse(t, Options{})
	lead := h.capture(form(phone("+79120000001")))[0].LeadID
	closing := []Closing{{Lead: lead, Kind: leads.StatusLost, Reason: "expensive", By: 1}}
	h.tx(func(tx pgx.Tx) error { return h.Close(t.Context(), tx, noon, closing) })

	h.fail(leads.ErrConflict, func(tx pgx.Tx) error { return h.Close(t.Context(), tx, noon, closing) })
	h.fail(leads.ErrConflict, func(tx pgx.Tx) error {
		return h.EnterStage(t.Context(), tx, noon, []StageMove{{Lead: lead, Stage: "talk"}})
	})
	h.fail(leads.ErrNotFound, func(tx pgx.Tx) error {
		return h.Reopen(t.Context(), tx, noon, []Reopening{{Lead: lead + 1000}})
	})
}

func TestAssignmentsFollowEachOther(t *testing.T) {
	h := newHouse(t, Options{})
	lead := h.capture(form(phone("+79120000001")))[0].LeadID
	for i, owner := range []int64{1, 1, 2, 0} {
		h.tx(func(tx pgx.Tx) error {
			return h.Assign(t.Context(), tx, noon.Add(time.Duration(i)*time.Hour), []Assignment{{Lead: lead, Owner: owner, By: 3, Why: "по очереди"}})
		})
	}
	h.want(3, "select count(*) from assignment where lead_id = $1", lead) // anna, boris, nobody
	h.want(1, "select count(*) from (select employee_id from assignment where lead_id = $1 order by at desc, id desc limit 1) a where employee_id is null", lead)
	h.want(1, "select count(*) from assignment where lead_id = $1 and employee_id = 2 and at = $2", lead, noon.Add(2*time.Hour))
	h.want(3, "select count(*) from journal where lead_id = $1 and action = 'lead.assigned' and actor_id = 3", lead)
}

func ptr[T any](v T) *T { return &v }

func TestWhoSawAnOlderVersionChangesNothing(t *testing.T) {
	h := newHouse(t, Options{})
	lead := h.capture(form(phone("+79120000001")))[0].LeadID
	amount, _ := leads.NewAmount("500")
	h.tx(func(tx pgx.Tx) error {
		return h.SetFields(t.Context(), tx, noon.Add(time.Hour), lead, 1, Changes{Version: 1, Amount: &amount, Fields: map[string]string{"colour": "белый"}})
	})
	h.fail(leads.ErrStale, func(tx pgx.Tx) error {
		return h.SetFields(t.Context(), tx, noon.Add(time.Hour), lead, 2, Changes{Version: 1, Title: ptr("Моё")})
	})
	l := h.lead(lead)
	if l.Version != 2 || *l.Amount != amount || l.Fields["colour"] != "белый" || l.Title == "Моё" {
		t.Errorf("got %+v", l)
	}
	h.want(1, "select count(*) from lead_amount where lead_id = $1 and amount = 500 and by = 1", lead)
	h.want(1, `select count(*) from journal where lead_id = $1 and action = 'lead.changed' and data = '{"amount": ["", "500"], "fields.colour": ["", "белый"]}'`, lead)
}

func TestFieldsHoldOnlyWhatTheyAreFor(t *testing.T) {
	h := newHouse(t, Options{})
	lead := h.capture(form(phone("+79120000001")))[0].LeadID
	fine, _ := leads.NewAmount("1.001")
	for name, ch := range map[string]Changes{
		"a number that is none": {Fields: map[string]string{"area": "большая"}},
		"a choice not offered":  {Fields: map[string]string{"colour": "красный"}},
		"an unknown field":      {Fields: map[string]string{"shoe": "43"}},
		"a wrong INN":           {INN: ptr("7707083894")},
		"fractions of a kopeck": {Amount: &fine},
	} {
		t.Run(name, func(t *testing.T) {
			h.fail(leads.ErrInvalid, func(tx pgx.Tx) error { return h.SetFields(t.Context(), tx, noon, lead, 1, ch) })
		})
	}
}

func TestATaxNumberGivesTheLeadItsClient(t *testing.T) {
	h := newHouse(t, Options{})
	lead := h.capture(form(phone("+79120000001")))[0].LeadID
	other := h.capture(form(phone("+79120000002")))[0].LeadID
	setINN := func(lead int64, ch Changes) {
		h.tx(func(tx pgx.Tx) error { return h.SetFields(t.Context(), tx, noon, lead, 1, ch) })
	}
	setINN(lead, Changes{ClientName: ptr("Ромашка")})
	setINN(lead, Changes{INN: ptr("7707083893")})
	setINN(other, Changes{INN: ptr("7707083893"), ContactName: ptr("Пётр")})

	if a, b := h.lead(lead), h.lead(other); a.ClientID == 0 || a.ClientID != b.ClientID {
		t.Errorf("got clients %d and %d", a.ClientID, b.ClientID)
	}
	h.want(1, "select count(*) from client where name = 'Ромашка' and inn = '7707083893'")
	h.want(2, "select count(*) from contact_client")
	h.want(1, "select count(*) from contact where name = 'Пётр'")
}

func TestTheFirstResponseIsTheFirstHumanOutgoingContact(t *testing.T) {
	h := newHouse(t, Options{})
	lead := h.capture(form(phone("+79120000001")))[0].LeadID
	add := func(i leads.Interaction) (first bool) {
		i.LeadID = lead
		h.tx(func(tx pgx.Tx) (err error) {
			_, first, err = h.AddInteraction(t.Context(), tx, i.At, i)
			return err
		})
		return first
	}
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	for name, i := range map[string]leads.Interaction{
		"an automatic reply":     {Direction: leads.DirectionOut, Kind: leads.KindLetter, At: at(1), Automatic: true},
		"a call nobody took":     {Direction: leads.DirectionOut, Kind: leads.KindCall, At: at(2), EmployeeID: 1, Missed: true},
		"a call from the client": {Direction: leads.DirectionIn, Kind: leads.KindCall, At: at(3), EmployeeID: 1},
		"a note":                 {Direction: leads.DirectionNone, Kind: leads.KindNote, At: at(4), EmployeeID: 1},
	} {
		if add(i) || h.lead(lead).FirstResponseAt != nil {
			t.Errorf("%s counts as a response", name)
		}
	}
	before := leads.Interaction{Direction: leads.DirectionOut, Kind: leads.KindCall, At: at(-60), EmployeeID: 1, Talk: time.Minute}
	if add(before); h.lead(lead).FirstResponseAt != nil {
		t.Error("a call before the inquiry counts as the response to it")
	}
	if !add(leads.Interaction{Direction: leads.DirectionOut, Kind: leads.KindCall, At: at(10), EmployeeID: 1, Talk: time.Minute}) {
		t.Error("the first answered call was not told apart")
	}
	if add(leads.Interaction{Direction: leads.DirectionOut, Kind: leads.KindLetter, At: at(20), EmployeeID: 1}) {
		t.Error("the second response counts as the first")
	}
	if got := h.lead(lead).FirstResponseAt; got == nil || !got.Equal(at(10)) {
		t.Errorf("answered at %v, want %v", got, at(10))
	}
	facts, err := h.ContactFacts(t.Context(), h.pool, lead, at(0))
	want := ContactFacts{Out: 3, OutAnswered: 2, In: 2, CallsAnswered: 2, LongestTalk: time.Minute, LettersOut: 1, LastOutAt: at(20), LastInAt: at(3)}
	facts.LastOutAt, facts.LastInAt = facts.LastOutAt.UTC(), facts.LastInAt.UTC()
	if err != nil || facts != want {
		t.Errorf("got %+v, %v; want %+v", facts, err, want)
	}
}

func TestAContextHoldsAllAroundALead(t *testing.T) {
	h := newHouse(t, Options{})
	in := form(phone("+79120000001"), email("ivan@example.ru"))
	in.Name, in.INN, in.Company, in.Text, in.Product = "Иван", "7707083893", "Ромашка", "Перезвоните", "Окна"
	amount, _ := leads.NewAmount("7")
	in.Amount, in.Call = &amount, &leads.Call{Answered: true, Talk: 3 * time.Second}
	in.Attribution.ClickIDs = map[string]string{"yclid": "12345678901234567890"}
	in.Consent = leads.Consent{State: "absent"}
	lead := h.capture(in)[0].LeadID
	h.tx(func(tx pgx.Tx) error {
		_, _, err := h.AddInteraction(t.Context(), tx, noon, leads.Interaction{LeadID: lead, Direction: leads.DirectionOut, Kind: leads.KindCall, At: noon, EmployeeID: 2})
		return err
	})
	var got Context
	h.tx(func(tx pgx.Tx) error {
		found, err := h.LockContexts(t.Context(), tx, []int64{lead, lead + 1})
		got = found[lead]
		if len(found) != 1 {
			t.Errorf("got %d contexts", len(found))
		}
		return err
	})
	if got.Lead.ID != lead || got.Client.Name != "Ромашка" || got.Contact.Name != "Иван" || len(got.Contact.Points) != 2 ||
		len(got.Contact.Clients) != 1 || got.Familiar != 2 || got.ClientKnown {
		t.Errorf("got %+v", got)
	}
	if in := got.Inquiry; in.Text != "Перезвоните" || in.Amount.String() != "7" || in.Attribution.ClickIDs["yclid"] != "12345678901234567890" ||
		in.Call.Talk != 3*time.Second || in.Consent.State != "absent" || len(in.Points) != 2 {
		t.Errorf("got inquiry %+v", in)
	}
	recent, err := h.RecentInquiries(t.Context(), 10)
	if err != nil || len(recent) != 1 || recent[0].ClientKnown || recent[0].Name != "Иван" {
		t.Errorf("got %+v, %v", recent, err)
	}
}

func TestTheJournalTakesWhateverPeopleTyped(t *testing.T) {
	h := newHouse(t, Options{})
	h.tx(func(tx pgx.Tx) error {
		return h.Journal(t.Context(), tx, []Entry{
			{At: noon, Actor: 1, Object: "task:1", Action: "task.refused", Data: map[string]any{"a\x00": []any{"б\x00", `\u0000`, 1.5, nil}}},
			{At: noon, Object: "lead:1", Action: "x"},
		})
	})
	h.want(1, `select count(*) from journal where data = '{"a": ["б", "\\u0000", 1.5, null]}'`)
	h.want(1, "select count(*) from journal where actor_id is null and data = '{}'")
}
