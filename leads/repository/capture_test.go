package repository

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/leads"
	"marshrut/pipeline"
)

func TestAnInquiryBecomesALeadWithItsFirstFacts(t *testing.T) {
	h := newHouse(t, Options{})
	in := form(phone("+79123456789"), email("ivan@example.ru"))
	in.Name, in.Product, in.City = "  Иван   Петров ", "Окна ПВХ", "Пермь"
	amount, _ := leads.NewAmount("12000.50")
	in.Amount = &amount
	in.Attribution.UTM = leads.UTM{Source: "yandex", Term: "окна"}
	in.LeadFields = map[string]string{"area": "54"}

	got := h.capture(in)[0]

	if got.Outcome != OutcomeLead || !got.LeadNew || got.ClientKnown || got.ContactID == 0 {
		t.Fatalf("got %+v", got)
	}
	want := leads.Lead{ID: got.LeadID, Title: "Окна ПВХ, Иван Петров", ContactID: got.ContactID, Funnel: "sale", Stage: "new", Status: "open",
		Amount: &amount, Currency: "RUB", Items: []leads.Item{}, Probability: 10, Helpers: []int64{}, Source: "site", Channel: "form", Connection: "site",
		UTM: in.Attribution.UTM, Product: "Окна ПВХ", City: "Пермь", Fields: in.LeadFields,
		CreatedAt: in.ReceivedAt, LastActivityAt: in.ReceivedAt, Version: 1}
	stored, err := all(t.Context(), h.pool, scanLead, leadSQL("leads"), map[string]any{"ids": []int64{got.LeadID}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, stored[0], cmp.AllowUnexported(leads.Amount{})); diff != "" {
		t.Error(diff)
	}
	h.want(2, "select count(*) from contact_point where contact_id = $1", got.ContactID)
	h.want(1, "select count(*) from contact where id = $1 and name = 'Иван Петров'", got.ContactID)
	h.want(1, "select count(*) from stage_visit where lead_id = $1 and no = 1 and stage = 'new' and left_at is null", got.LeadID)
	h.want(0, "select count(*) from assignment where lead_id = $1", got.LeadID)
	h.want(1, "select count(*) from lead_amount where lead_id = $1 and amount = 12000.50", got.LeadID)
	h.want(1, "select count(*) from journal where lead_id = $1 and action = 'lead.created'", got.LeadID)
	h.want(1, "select count(*) from interaction where lead_id = $1 and kind = 'form' and direction = 'in'", got.LeadID)
	h.want(1, "select count(*) from inquiry where lead_id = $1 and state = 'filed'", got.LeadID)
}

func TestARepeatChangesNothingButItsCount(t *testing.T) {
	h := newHouse(t, Options{})
	in := form(phone("+79123456789"))
	first := h.capture(in, in)
	again := h.capture(in)[0]

	if first[0].Outcome != OutcomeLead || first[1].Outcome != OutcomeRepeat || first[1].LeadID != first[0].LeadID {
		t.Errorf("got %+v", first)
	}
	if again.Outcome != OutcomeRepeat || again.LeadID != first[0].LeadID {
		t.Errorf("got %+v", again)
	}
	h.want(1, "select count(*) from lead")
	h.want(1, "select count(*) from interaction")
	h.want(1, "select count(*) from inquiry where repeats = 2")
}

func TestTheSameIDWithOtherContentIsKeptAsAConflict(t *testing.T) {
	h := newHouse(t, Options{})
	in := form(phone("+79123456789"))
	h.capture(in)
	in.BodyHash, in.Text = []byte("other"), "другой текст"
	got := h.capture(in, in)
	if got[0].Outcome != OutcomeConflict {
		t.Errorf("got %+v", got[0])
	}
	h.want(1, "select count(*) from lead")
	h.want(1, "select count(*) from inquiry_conflict where convert_from(data, 'UTF8') like '%другой текст%'")
	h.want(1, "select count(*) from inquiry where text = ''")
}

// The three ways one person turns to us within a second, each sharing a point with another.
func threeWays() (call, letter, web leads.Inquiry) {
	call = form(phone("+79123456789"))
	call.Channel, call.Call = leads.ChannelCall, &leads.Call{Ring: 20e9, Dialled: "+74950000001"}
	letter = form(email("ivan@example.ru"))
	letter.Channel = leads.ChannelMail
	web = form(phone("+79123456789"), email("ivan@example.ru"))
	web.Name = "Иван"
	return call, letter, web
}

func TestACallALetterAndAFormOfOnePersonAreOneLeadInAnyOrder(t *testing.T) {
	for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		h := newHouse(t, Options{})
		call, letter, web := threeWays()
		ways := []leads.Inquiry{call, letter, web}
		h.capture(ways[order[0]], ways[order[1]], ways[order[2]])
		h.want(1, "select count(*) from lead")
		h.want(1, "select count(*) from contact where name = 'Иван'")
		h.want(1, "select count(distinct contact_id) from contact_point")
		h.want(3, "select count(*) from interaction where lead_id is not null")
		h.want(1, "select count(*) from interaction where kind = 'call' and not answered")
		h.want(0, "select count(*) from merge_proposal")
	}
}

func TestEachThatSharesAPointWithOneFiledJoinsItsLead(t *testing.T) {
	h := newHouse(t, Options{})
	call, letter, web := threeWays()
	opened := h.capture(call)[0]
	joined := append(h.capture(web), h.capture(letter)...)
	for _, got := range joined {
		if got.Outcome != OutcomeJoined || got.LeadID != opened.LeadID || !got.ClientKnown || got.Lead.ID != opened.LeadID {
			t.Errorf("got %+v", got)
		}
	}
	h.want(1, "select count(*) from contact where name = 'Иван'") // the call knew no name
	h.want(1, "select count(*) from lead where last_activity_at > created_at and version = 1")
}

func TestWhoBridgesTwoContactsJoinsTheOlderAndProposesAMerge(t *testing.T) {
	h := newHouse(t, Options{})
	call, letter, web := threeWays()
	older := h.capture(call)[0]
	newer := h.capture(letter)[0]
	for range 2 {
		got := h.capture(web)[0]
		web.ID += "-again"
		if got.ContactID != older.ContactID || got.LeadID != older.LeadID {
			t.Errorf("joined contact %d, want the older %d", got.ContactID, older.ContactID)
		}
	}
	proposals, err := h.MergeProposals(t.Context(), 10)
	if err != nil || len(proposals) != 1 || proposals[0].Older.ID != older.ContactID || proposals[0].Newer.ID != newer.ContactID {
		t.Fatalf("got %+v, %v", proposals, err)
	}
}

func TestTheOlderContactWinsWhateverItsNumber(t *testing.T) {
	h := newHouse(t, Options{})
	call, letter, web := threeWays()
	late := h.capture(letter)[0]
	call.ReceivedAt = noon.AddDate(-1, 0, 0) // waited in a queue for a year
	early := h.capture(call)[0]
	if got := h.capture(web)[0]; got.ContactID != early.ContactID || early.ContactID < late.ContactID {
		t.Errorf("joined %d, want %d", got.ContactID, early.ContactID)
	}
}

func TestAnEmptyValueNeverMatches(t *testing.T) {
	h := newHouse(t, Options{})
	a, b, c := form(), form(leads.ContactPoint{Kind: leads.KindEmail}), form()
	a.Name, b.Name = "Анна", "Борис"
	got := h.capture(a, b, c)
	if got[0].ContactID == got[1].ContactID || got[2].ContactID != 0 {
		t.Errorf("got %+v", got)
	}
	for _, c := range got {
		if c.Outcome != OutcomeLead {
			t.Errorf("got %+v", c)
		}
	}
	h.want(3, "select count(*) from lead where not repeat")
	h.want(0, "select count(*) from contact_point")
}

func TestANumberOfAnAggregatorIsNobodys(t *testing.T) {
	h := newHouse(t, Options{Rules: leads.MatchRules{Proxies: []string{"+78005553535"}}})
	a, b := form(phone("+78005553535")), form(phone("+78005553535"))
	a.Name, b.Name = "Анна", "Борис"
	got := append(h.capture(a), h.capture(b)...)
	if got[0].ContactID == got[1].ContactID || got[1].LeadNew == false {
		t.Errorf("got %+v", got)
	}
	h.want(0, "select count(*) from contact_point")
	view, err := h.Lead(t.Context(), got[0].LeadID)
	if err != nil || len(view.Points) != 1 || view.Points[0].Value != "+78005553535" {
		t.Errorf("the card does not say where to call: %+v, %v", view.Points, err)
	}
}

func TestASwitchboardTellsTheFirmAndNeverThePerson(t *testing.T) {
	h := newHouse(t, Options{})
	first := form(phone("+74951112233"))
	first.Company, first.INN = "Ромашка", "7707083893"
	client := h.capture(first)[0].ClientID
	h.tx(func(tx pgx.Tx) error {
		return h.SetClientPoint(t.Context(), tx, noon, client, 3, phone("+74951112233"))
	})

	anna, boris := form(phone("+74951112233"), email("anna@example.ru")), form(phone("+74951112233"), email("boris@example.ru"))
	anna.Name, boris.Name = "Анна", "Борис"
	people := h.capture(anna, boris)
	calls := h.capture(form(phone("+74951112233")), form(phone("+74951112233")))

	if people[0].ContactID == people[1].ContactID || people[0].ContactID == 0 {
		t.Errorf("two people of one firm are one: %+v", people)
	}
	for _, got := range append(people, calls...) {
		if got.ClientID != client || !got.ClientKnown {
			t.Errorf("got %+v", got)
		}
	}
	if calls[0].ContactID != 0 || calls[1].Outcome != OutcomeJoined || calls[1].LeadID != calls[0].LeadID {
		t.Errorf("got %+v", calls)
	}
	h.want(2, "select count(*) from contact_client cc join contact c on c.id = cc.contact_id where c.name in ('Анна', 'Борис')")
}

func TestATaxNumberFindsItsClientOrMakesIt(t *testing.T) {
	h := newHouse(t, Options{})
	with := func(p leads.ContactPoint, company, inn string) leads.Inquiry {
		in := form(p)
		in.Company, in.INN = company, inn
		return in
	}
	got := h.capture(with(phone("+79120000001"), "Ромашка", "7707083893"), with(phone("+79120000002"), "ООО Ромашка", "7707083893"),
		with(phone("+79120000003"), "Лютик", "1234567890"), with(phone("+79120000003"), " лютик ", ""))
	got = append(got, h.capture(with(phone("+79120000004"), "", "7707083893"))...)
	if got[0].ClientID == 0 || got[0].ClientID != got[1].ClientID || got[0].ClientID != got[4].ClientID {
		t.Errorf("one INN, several clients: %+v", got)
	}
	if got[2].ClientID == got[0].ClientID || got[2].ClientID != got[3].ClientID {
		t.Errorf("a firm known by name only: %+v", got)
	}
	h.want(2, "select count(*) from client")
	h.want(1, "select count(*) from client where inn = ''") // 1234567890 fails its checksum
}

func TestTheOpenLeadOfAnotherFunnelTakesNothing(t *testing.T) {
	h := newHouse(t, Options{Funnel: func(in leads.Inquiry) string { return in.LeadFields["funnel"] }})
	to := func(funnel string) leads.Inquiry {
		in := form(phone("+79123456789"))
		in.LeadFields = map[string]string{"funnel": funnel}
		return in
	}
	got := h.capture(to("sale"), to("service"), to("service"), to("no such funnel"))
	outcomes := []string{got[0].Outcome, got[1].Outcome, got[2].Outcome, got[3].Outcome}
	if !equal(outcomes, []string{"lead", "lead", "joined", "joined"}) || got[3].LeadID != got[0].LeadID || got[1].Lead.Funnel != "service" {
		t.Errorf("got %v", outcomes)
	}
	if got[0].Lead.Repeat || !got[1].Lead.Repeat {
		t.Error("the second lead of a client is a repeat, the first is not")
	}
}

func TestAClosedLeadIsHistoryAndTheNewOneSaysSo(t *testing.T) {
	h := newHouse(t, Options{})
	old := h.capture(form(phone("+79123456789")))[0]
	h.tx(func(tx pgx.Tx) error {
		return h.Close(t.Context(), tx, noon, []Closing{{Lead: old.LeadID, Kind: leads.StatusLost, Reason: "expensive"}})
	})
	got := h.capture(form(phone("+79123456789")))[0]
	if got.Outcome != OutcomeLead || got.LeadID == old.LeadID || got.ContactID != old.ContactID || !got.Lead.Repeat || !got.ClientKnown {
		t.Errorf("got %+v", got)
	}
}

func TestSpamIsKeptAndOpensNothing(t *testing.T) {
	h := newHouse(t, Options{})
	in := form(phone("+79123456789"))
	in.State = leads.StateSpam
	if got := h.capture(in)[0]; got.Outcome != OutcomeSpam || got.LeadID != 0 {
		t.Errorf("got %+v", got)
	}
	h.want(1, "select count(*) from inquiry where state = 'spam'")
	h.want(0, "select (select count(*) from lead) + (select count(*) from contact_point) + (select count(*) from interaction)")
}

func TestATestNeverMixesWithRealLeads(t *testing.T) {
	h := newHouse(t, Options{})
	try := func() leads.Inquiry {
		in := form(phone("+79123456789"))
		in.State, in.Name = leads.StateTest, "Проверка"
		return in
	}
	first := h.capture(try())[0]
	honest := h.capture(form(phone("+79123456789")))[0]
	second := h.capture(try())[0]
	if first.Outcome != OutcomeTest || !first.Lead.Test || first.LeadID == 0 || second.LeadID == honest.LeadID {
		t.Errorf("got %+v and %+v", first, second)
	}
	if honest.ClientKnown || honest.Lead.Repeat || honest.Lead.Test || honest.Outcome != OutcomeLead {
		t.Errorf("a test made a stranger known: %+v", honest)
	}
	found, err := h.Leads(t.Context(), LeadFilter{Phone: "+79123456789"})
	if err != nil || len(found.Items) != 3 {
		t.Errorf("found %d leads by phone, want all three: %v", len(found.Items), err)
	}
}

func TestWhoIsNoClientOpensNoLead(t *testing.T) {
	h := newHouse(t, Options{})
	courier := h.capture(form(phone("+79123456789")))[0]
	h.tx(func(tx pgx.Tx) error {
		err := h.SetNotClient(t.Context(), tx, noon, courier.ContactID, 3, true)
		return errors.Join(err, h.Close(t.Context(), tx, noon, []Closing{{Lead: courier.LeadID, Kind: leads.StatusJunk, Reason: "spam"}}))
	})
	got := h.capture(form(phone("+79123456789")))[0]
	if got.Outcome != OutcomeContact || got.LeadID != 0 || got.ContactID != courier.ContactID {
		t.Errorf("got %+v", got)
	}
	h.want(1, "select count(*) from interaction where lead_id is null and contact_id = $1", courier.ContactID)
}

func TestOurOwnCallAnswersALeadAndOpensNone(t *testing.T) {
	h := newHouse(t, Options{})
	call := func(number string, answered bool) leads.Inquiry {
		in := form(phone(number))
		in.Channel, in.Direction, in.Call = leads.ChannelCall, leads.DirectionOut, &leads.Call{Answered: answered, Talk: 65e9, Extension: "102"}
		return in
	}
	lead := h.capture(form(phone("+79123456789")))[0].LeadID
	stranger, unanswered, answered := call("+79990001122", true), call("+79123456789", false), call("+79123456789", true)
	got := h.capture(stranger, unanswered, answered)
	if got[0].Outcome != OutcomeContact || got[0].LeadID != 0 || got[2].LeadID != lead {
		t.Errorf("got %+v", got)
	}
	if at := h.lead(lead).FirstResponseAt; at == nil || !at.Equal(answered.ReceivedAt) {
		t.Errorf("answered at %v, want %v", at, answered.ReceivedAt)
	}
	h.want(2, "select count(*) from interaction where direction = 'out' and seconds = 65 and employee_id = 2 and answered")
}

func TestALeadOutsideTheWindowIsLeftAlone(t *testing.T) {
	h := newHouse(t, Options{Rules: leads.MatchRules{Window: 24 * time.Hour}})
	first := h.capture(form(phone("+79123456789")))[0]
	soon, late := form(phone("+79123456789")), form(phone("+79123456789"))
	soon.ReceivedAt, late.ReceivedAt = first.Inquiry.ReceivedAt.Add(23*time.Hour), first.Inquiry.ReceivedAt.Add(48*time.Hour)
	got := h.capture(soon, late)
	if got[0].LeadID != first.LeadID || got[1].LeadID == first.LeadID {
		t.Errorf("got leads %d and %d", got[0].LeadID, got[1].LeadID)
	}
}

func TestBytesOfNoTextAreStoredWithoutThem(t *testing.T) {
	h := newHouse(t, Options{})
	bad := "Ив\x00ан \xd0\xff"
	in := form(phone("+79123456789"))
	in.Name, in.Text, in.Subject, in.City = bad, bad, bad, bad
	in.Fields = []leads.Field{{Key: bad, Value: bad, Label: bad}}
	in.Attribution = leads.Attribution{UTM: leads.UTM{Term: bad}, ClickIDs: map[string]string{bad: bad}, UserAgent: bad}
	in.Files = []leads.File{{Name: bad}}
	in.LeadFields = map[string]string{bad: bad}
	in.Points[0].Written = bad
	got := h.capture(in)[0]
	if got.Outcome != OutcomeLead || in.Fields[0].Value != bad {
		t.Errorf("got %+v; the caller's inquiry must stay as it was", got)
	}
	h.want(1, "select count(*) from inquiry where text = 'Иван \ufffd' and fields->0->>'value' = 'Иван \ufffd'")
}

func TestOneWhoCannotBeStoredFailsAsDataAndNothingStays(t *testing.T) {
	h := newHouse(t, Options{})
	bad := form(phone("+79123456789"))
	bad.Channel = "pigeon" // an interaction of no kind: notes are, so the channel itself must be refused elsewhere
	bad.Points = []leads.ContactPoint{{Kind: "pigeon", Value: "loft 7"}}
	err := postgres.InTx(t.Context(), h.pool, func(tx pgx.Tx) error {
		_, err := h.Capture(t.Context(), tx, noon, []leads.Inquiry{form(phone("+79120000001")), bad})
		return err
	})
	if postgres.Classify(err) != postgres.Data {
		t.Errorf("got %v, want a fault of the data", err)
	}
	h.want(0, "select (select count(*) from lead) + (select count(*) from contact_point)")
}

func TestWithoutAFunnelNothingIsLost(t *testing.T) {
	h := house{New(postgrestest.New(t), Options{}), t, nil}
	err := postgres.InTx(t.Context(), h.Repository.pool, func(tx pgx.Tx) error {
		_, err := h.Capture(t.Context(), tx, noon, []leads.Inquiry{form(phone("+79120000001"))})
		return err
	})
	if err == nil || postgres.Classify(err) == postgres.Data {
		t.Errorf("got %v: a missing setting must be tried again, not buried", err)
	}
}

func TestOutsidersAreToldOfChangesButNotOfTests(t *testing.T) {
	var told []pipeline.Event
	h := newHouse(t, Options{Outbox: func(_ context.Context, _ pgx.Tx, events []pipeline.Event) error {
		told = append(told, events...)
		return nil
	}})
	test := form()
	test.State = leads.StateTest
	lead := h.capture(form(phone("+79120000001")), test)[0].LeadID
	h.enter(noon, StageMove{Lead: lead, Stage: "talk"})
	if len(told) != 2 || told[0].Type != changedType || told[0].Key != told[1].Key || told[0].ID == told[1].ID {
		t.Fatalf("told %+v", told)
	}
	if want := `"change":"stage","funnel":"sale","stage":"talk","status":"open"`; !strings.Contains(string(told[1].Data), want) {
		t.Errorf("told %s", told[1].Data)
	}
}

func TestACallOfCenturiesIsStillACall(t *testing.T) {
	h := newHouse(t, Options{})
	in := form(phone("+79123456789"))
	in.Channel, in.Call = leads.ChannelCall, &leads.Call{Answered: true, Talk: 1<<63 - 1}
	if got := h.capture(in)[0]; got.Outcome != OutcomeLead {
		t.Errorf("got %+v", got)
	}
	h.want(1, "select count(*) from interaction where seconds > 0")
}

func TestWhatACaptureTellsOfANewLeadIsWhatIsReadOfItLater(t *testing.T) {
	h := newHouse(t, Options{})
	h.capture(form(phone("+79120000009"))) // somebody known
	rich := form(phone("+79120000002"), email("ivan@example.org"), phone("+79120000001"))
	amount, _ := leads.NewAmount("12000.50")
	rich.Name, rich.Text, rich.Subject, rich.Amount, rich.Product = " Иван  Петров ", "Перезвоните\x00", "Заявка", &amount, "Окна"
	rich.Attribution.UTM = leads.UTM{Source: "yandex"}
	rich.LeadFields = map[string]string{"area": "54"}
	nameless, test := form(phone("+79120000003")), form(phone("+79120000004"))
	nameless.Name = ""
	test.State = leads.StateTest
	pointless := form()
	pointless.Name = "Аноним"
	firm, known, twice := form(phone("+79120000005")), form(phone("+79120000009")), form(phone("+79120000006"))
	firm.Company, firm.INN = "Ромашка", "7707083893"
	known.Attribution.UTM.Source = "another day"
	again := form(phone("+79120000006"))

	captured := h.capture(rich, nameless, test, pointless, firm, known, twice, again)

	told := 0
	for i, one := range captured {
		if one.Around == nil {
			continue
		}
		told++
		read, err := h.LeadContexts(t.Context(), h.pool, []int64{one.LeadID})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(read[one.LeadID], *one.Around, cmp.AllowUnexported(leads.Amount{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("inquiry %d: read and told differ:\n%s", i, diff)
		}
	}
	if told != 4 { // not of the firm's lead, of somebody known, nor of what two inquiries made
		t.Errorf("told of %d new leads, want 4", told)
	}
}
