package repository

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// found gives the titles of the leads of a filter, page by page.
func (h house) found(f LeadFilter) []string {
	h.t.Helper()
	out := []string{}
	for {
		p, err := h.Leads(h.t.Context(), f)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, l := range p.Items {
			out = append(out, l.Product)
		}
		if f.Cursor = p.Next; p.Next == "" {
			return out
		}
	}
}

// market is a house with five leads: windows and doors of Anna, roof of Boris (assigned to employee 1), fence of a firm, gate of nobody.
func market(t *testing.T) (house, map[string]Captured) {
	h := newHouse(t, Options{Rules: leads.MatchRules{Join: leads.JoinNever}})
	out := map[string]Captured{}
	add := func(product, name string, change func(*leads.Inquiry), points ...leads.ContactPoint) {
		in := form(points...)
		in.Product, in.Name = product, name
		if change != nil {
			change(&in)
		}
		out[product] = h.capture(in)[0]
	}
	amount, _ := leads.NewAmount("1000")
	add("окна", "Анна Смирнова", func(in *leads.Inquiry) { in.Amount = &amount }, phone("+79120000001"), email("anna@example.ru"))
	add("двери", "Анна Смирнова", func(in *leads.Inquiry) { in.Amount = &amount }, phone("+79120000001"))
	add("крыша", "Борис", func(in *leads.Inquiry) { in.Connection, in.Channel = "mail", leads.ChannelMail }, email("boris@example.ru"))
	add("забор", "", func(in *leads.Inquiry) { in.Company, in.INN = "Ромашка 100%", "7707083893" }, phone("+79120000003"))
	add("ворота", "", nil)
	h.tx(func(tx pgx.Tx) error {
		return h.Assign(t.Context(), tx, noon, []Assignment{{Lead: out["крыша"].LeadID, Owner: 1}, {Lead: out["окна"].LeadID, Owner: 2}})
	})
	return h, out
}

func TestLeadsAreFoundByWhatIsKnownOfThem(t *testing.T) {
	h, m := market(t)
	h.enter(noon, StageMove{Lead: m["двери"].LeadID, Stage: "talk"})
	for _, c := range []struct {
		name   string
		filter LeadFilter
		want   []string
	}{
		{"all, page by page", LeadFilter{Limit: 2}, []string{"ворота", "забор", "крыша", "двери", "окна"}},
		{"phone", LeadFilter{Phone: "+79120000001"}, []string{"двери", "окна"}},
		{"e-mail", LeadFilter{Email: "boris@example.ru"}, []string{"крыша"}},
		{"owner", LeadFilter{Owner: ptr(int64(1))}, []string{"крыша"}},
		{"nobody's", LeadFilter{Owner: ptr(int64(0)), Channel: leads.ChannelForm}, []string{"ворота", "забор", "двери"}},
		{"stage", LeadFilter{Funnel: "sale", Stage: "talk"}, []string{"двери"}},
		{"status and connection", LeadFilter{Status: leads.StatusOpen, Connection: "mail"}, []string{"крыша"}},
		{"period", LeadFilter{From: m["двери"].Lead.CreatedAt, To: m["забор"].Lead.CreatedAt}, []string{"крыша", "двери"}},
		{"contact", LeadFilter{Contact: m["окна"].ContactID}, []string{"двери", "окна"}},
		{"a name in any case", LeadFilter{Q: " смирн "}, []string{"двери", "окна"}},
		{"a firm, a per cent sign is no wildcard", LeadFilter{Q: "100%"}, []string{"забор"}},
		{"digits of a phone", LeadFilter{Q: "8 912 000-00-03"}, []string{"забор"}},
		{"a part of an address", LeadFilter{Q: "boris@"}, []string{"крыша"}},
		{"an INN", LeadFilter{Q: "7707083893"}, []string{"забор"}},
		{"a number of a lead", LeadFilter{Q: fmt.Sprintf("№%d", m["ворота"].LeadID)}, []string{"ворота"}},
		{"nothing like it", LeadFilter{Q: "'; drop table lead --"}, []string{}},
		{"no tests", LeadFilter{Test: ptr(true)}, []string{}},
		{"these", LeadFilter{IDs: []int64{m["крыша"].LeadID}}, []string{"крыша"}},
		{"none of no ids", LeadFilter{IDs: []int64{}}, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := h.found(c.filter); !equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if _, err := h.Leads(t.Context(), LeadFilter{Cursor: place{noon, "x"}.cursor()}); !errors.Is(err, leads.ErrInvalid) {
		t.Errorf("a cursor of another list: %v", err)
	}
}

func TestAManagerSeesOwnWorkAndWhatIsNobodys(t *testing.T) {
	h, m := market(t)
	h.tx(func(tx pgx.Tx) error {
		err := h.Assign(t.Context(), tx, noon, []Assignment{{Lead: m["крыша"].LeadID, Owner: 2}}) // was Anna's once
		return errors.Join(err, h.Assign(t.Context(), tx, noon, []Assignment{{Lead: m["забор"].LeadID, Owner: 3}, {Lead: m["двери"].LeadID, Owner: 3}}),
			h.SetFields(t.Context(), tx, noon, m["двери"].LeadID, 3, Changes{Helpers: &[]int64{1}}))
	})
	if got, want := h.found(LeadFilter{VisibleTo: ptr(int64(1))}), []string{"ворота", "крыша", "двери"}; !equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestColumnsOfTheBoardAddUpToTheKopeck(t *testing.T) {
	h, m := market(t)
	h.enter(noon, StageMove{Lead: m["двери"].LeadID, Stage: "talk"})
	got, err := h.Totals(t.Context(), LeadFilter{Status: leads.StatusOpen})
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	text := fmt.Sprint(got[0].Stage, got[0].Count, got[0].Sum, got[0].Weighted, got[1].Stage, got[1].Count, got[1].Sum, got[1].Weighted)
	if want := "new4 1000 100talk1 1000 400"; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func TestTheCardHoldsEverybodyBehindALead(t *testing.T) {
	h, m := market(t)
	card, err := h.Lead(t.Context(), m["окна"].LeadID)
	if err != nil {
		t.Fatal(err)
	}
	if card.Contact == nil || card.Contact.Name != "Анна Смирнова" || len(card.Contact.Values(leads.KindPhone)) != 1 || card.Client != nil ||
		card.Owner == nil || card.Owner.Login != "boris" || card.Inquiries != 1 || len(card.Points) != 2 {
		t.Errorf("got %+v", card)
	}
	firm, err := h.Lead(t.Context(), m["забор"].LeadID)
	if err != nil || firm.Client == nil || firm.Client.INN != "7707083893" || firm.Owner != nil {
		t.Errorf("got %+v, %v", firm, err)
	}
	for _, err := range []error{lastError(h.Lead(t.Context(), 4711)), lastError(h.Contact(t.Context(), 4711)), lastError(h.Inquiry(t.Context(), "4711"))} {
		if !errors.Is(err, leads.ErrNotFound) {
			t.Errorf("got %v, want not found", err)
		}
	}
}

func lastError[T any](_ T, err error) error { return err }

func TestTheTimelineTellsWhatHappenedInItsOrder(t *testing.T) {
	h := newHouse(t, Options{})
	in := form(phone("+79120000001"))
	in.ReceivedAt = noon
	lead := h.capture(in)[0].LeadID
	at := func(hours int) time.Time { return noon.Add(time.Duration(hours) * time.Hour) }
	h.tx(func(tx pgx.Tx) error {
		_, _, err := h.AddInteraction(t.Context(), tx, at(1), leads.Interaction{LeadID: lead, Direction: leads.DirectionOut, Kind: leads.KindCall, At: at(1), EmployeeID: 2, Talk: time.Minute, Text: "договорились"})
		return err
	})
	h.enter(at(2), StageMove{Lead: lead, Stage: "talk", By: 2})
	h.tx(func(tx pgx.Tx) error {
		return h.Close(t.Context(), tx, at(3), []Closing{{Lead: lead, Kind: leads.StatusLost, Reason: "expensive", By: 3}})
	})

	got, err := h.Timeline(t.Context(), lead)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range got {
		told = append(told, e.Kind+" "+e.Action+" "+e.Actor)
	}
	want := []string{"inquiry  ", "journal lead.created ", "interaction  Борис", "journal lead.stage Борис", "journal lead.closed Вера"}
	if !equal(told, want) {
		t.Errorf("got %q, want %q", told, want)
	}
	if got[2].Interaction.Talk != time.Minute || got[2].Interaction.Text != "договорились" || got[0].Inquiry.ID != in.ID {
		t.Errorf("got %+v", got[2])
	}
	visits, err := h.Visits(t.Context(), lead)
	if err != nil || len(visits) != 2 || visits[1].By != 2 || visits[1].Fate != "lost" || !visits[1].LeftAt.Equal(at(3)) {
		t.Errorf("got %+v, %v", visits, err)
	}
}

func TestMergingKeepsAllHistoryAndCanBeUndone(t *testing.T) {
	h := newHouse(t, Options{})
	call, letter, web := threeWays()
	older, newer := h.capture(call)[0], h.capture(letter)[0]
	h.capture(web)
	proposals, err := h.MergeProposals(t.Context(), 1)
	if err != nil || len(proposals) != 1 {
		t.Fatalf("got %v, %v", proposals, err)
	}
	var merge int64
	h.tx(func(tx pgx.Tx) (err error) {
		merge, err = h.AcceptMerge(t.Context(), tx, noon, proposals[0].ID, 3)
		return err
	})
	h.want(2, "select count(*) from lead where contact_id = $1", older.ContactID)
	h.want(3, "select count(*) from interaction where contact_id = $1", older.ContactID)
	h.want(3, "select count(*) from inquiry where contact_id = $1", older.ContactID)
	h.want(2, "select count(*) from contact_point where contact_id = $1", older.ContactID)
	h.fail(leads.ErrConflict, func(tx pgx.Tx) error { return h.DeclineMerge(t.Context(), tx, noon, proposals[0].ID, 3) })

	since := h.capture(form(email("ivan@example.ru")))[0]
	if since.ContactID != older.ContactID {
		t.Errorf("after the merge got contact %d", since.ContactID)
	}
	h.tx(func(tx pgx.Tx) error { return h.UndoMerge(t.Context(), tx, noon, merge, 3) })
	h.want(1, "select count(*) from lead where contact_id = $1", newer.ContactID)
	h.want(1, "select count(*) from contact_point where contact_id = $1 and kind = 'email'", newer.ContactID)
	h.want(3, "select count(*) from inquiry where contact_id = $1", older.ContactID) // with the one that came since
	h.fail(leads.ErrNotFound, func(tx pgx.Tx) error { return h.UndoMerge(t.Context(), tx, noon, merge, 3) })
	if c, err := h.Contact(t.Context(), newer.ContactID); err != nil || c.MergedInto != 0 {
		t.Errorf("got %+v, %v", c, err)
	}
	if left, err := h.MergeProposals(t.Context(), 10); err != nil || len(left) != 0 {
		t.Errorf("decided proposals are still open: %v, %v", left, err)
	}
}

func TestDictionariesAreAddedToAndNeverTakenFrom(t *testing.T) {
	h := newHouse(t, Options{})
	h.tx(func(tx pgx.Tx) error {
		return h.Seed(t.Context(), tx, Dictionaries{Funnels: []leads.Funnel{{Key: "sale", NameRU: "Продажи", NameEN: "Sales",
			Stages: []leads.Stage{{Key: "new", NameRU: "Новый", NameEN: "New", Probability: 15}}}}})
	})
	funnels, err := h.Funnels(t.Context())
	if err != nil || len(funnels) != 2 {
		t.Fatalf("got %v, %v", funnels, err)
	}
	first, ok := funnels[0].First()
	if funnels[0].NameRU != "Продажи" || len(funnels[0].Stages) != 5 || !ok || first.Probability != 15 {
		t.Errorf("got %+v", funnels[0])
	}
	reasons, err := h.LossReasons(t.Context())
	if err != nil || len(reasons) != 3 || reasons[2].Kind != leads.StatusJunk || !reasons[1].NeedsComment {
		t.Errorf("got %+v, %v", reasons, err)
	}
	if sources, err := h.Sources(t.Context()); err != nil || len(sources) != 1 {
		t.Errorf("got %v, %v", sources, err)
	}
	if fields, err := h.OwnFields(t.Context()); err != nil || len(fields) != 2 || len(fields[1].Choices) != 2 {
		t.Errorf("got %v, %v", fields, err)
	}
}

func TestTheJournalIsReadFromItsEnd(t *testing.T) {
	h, m := market(t)
	read := func(f JournalFilter) (actions []string) {
		t.Helper()
		for {
			p, err := h.JournalEntries(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range p.Items {
				actions = append(actions, j.Action+" "+j.LeadTitle)
			}
			if f.Cursor = p.Next; p.Next == "" {
				return actions
			}
		}
	}
	roof := m["крыша"].LeadID
	h.enter(noon.Add(time.Hour), StageMove{Lead: roof, Stage: "talk", By: 2})
	if got, want := read(JournalFilter{Lead: roof, Limit: 1}), []string{"lead.stage крыша, Борис", "lead.assigned крыша, Борис", "lead.created крыша, Борис"}; !equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := read(JournalFilter{Actor: 2, Object: "lead:", Action: "lead.st", From: noon.Add(time.Hour), To: noon.Add(2 * time.Hour)}); len(got) != 1 {
		t.Errorf("got %q", got)
	}
	if got := read(JournalFilter{Object: "task:"}); got != nil {
		t.Errorf("got %q", got)
	}
	if got := read(JournalFilter{}); len(got) != 8 {
		t.Errorf("got %d lines, want 5 leads, 2 assignments and a move: %q", len(got), got)
	}
}
