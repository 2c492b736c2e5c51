package repository

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"marshrut/leads"
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
	h.want(1, "select count(*) from assignment where lead_id = $1 and employee_id is null", got.LeadID)
	h.want(1, "select count(*) from lead_amount where lead_id = $1 and amount = 12000.50", got.LeadID)
	h.want(1, "select count(*) from journal where lead_id = $1 and action = 'lead.created'", got.LeadID)
	h.want(1, "select count(*) from interaction where lead_id = $1 and kind = 'form' and direction = 'in'", got.LeadID)
	h.want(1, "select count(*) from inquiry where lead_id = $1 and state = 'filed'", got.LeadID)
}
