package engine

import (
	"os"
	"testing"

	"marshrut/processes/bpmn"
)

// company is what the shipped maps may name in a company as it is delivered.
func company() bpmn.Environment {
	return bpmn.Environment{
		Values: map[string]bpmn.Type{
			"lead.title": bpmn.String, "lead.amount": bpmn.Number, "lead.stage": bpmn.String, "lead.status": bpmn.String,
			"lead.city": bpmn.String, "lead.product": bpmn.String, "lead.repeat": bpmn.Bool, "lead.source": bpmn.String,
			"client.kind": bpmn.String, "client.name": bpmn.String, "client.inn": bpmn.String, "contact.name": bpmn.String,
			"inquiry.text": bpmn.String, "inquiry.subject": bpmn.String, "inquiry.channel": bpmn.String,
		},
		Facts: map[string]bpmn.Type{"contacts.out": bpmn.Number, "contacts.out_answered": bpmn.Number,
			"contacts.in": bpmn.Number, "contacts.last_out_at": bpmn.Time},
		Writable: map[string]bool{"lead.amount": true, "lead.city": true, "lead.product": true, "client.inn": true, "contact.name": true},
		Roles: map[string]string{"manager": "Менеджер", "head": "РОП", "service": "Сервис", "accounting": "Бухгалтерия",
			"delivery": "Доставка", "duty": "Дежурный"},
		Stages:    []string{"new", "qualification", "proposal", "negotiation", "contract", "won", "lost", "junk"},
		Processes: []string{"inquiry", "missed_call"},
		Messages:  []string{"client.contacted", "client.reached", "payment.received", "call.missed"},
		LossReasons: []string{"expensive", "competitor", "no_product", "timing", "terms", "no_budget", "irrelevant", "unreachable",
			"region", "refused_by_us", "other", "spam", "mistake", "duplicate", "job_seeker", "supplier", "service_request"},
	}
}

// shipped reads one of the maps that the product comes with. It must have no problem, not even a warning.
func shipped(t testing.TB, file string) *bpmn.Process {
	t.Helper()
	f, err := os.Open("../../configs/processes/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := bpmn.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range bpmn.Check(m, company()) {
		t.Errorf("%s, line %d: %s %s: %s", file, p.Line, p.Severity, p.Element, p.Message)
	}
	if t.Failed() {
		t.FailNow()
	}
	return m.Main()
}

func TestTheInquiryMapHasNoProblem(t *testing.T) {
	if p := shipped(t, "obrabotka-obrashcheniya.bpmn"); p.ID != "inquiry" {
		t.Errorf("process id %q", p.ID)
	}
}

func TestTheMissedCallMapHasNoProblem(t *testing.T) {
	if p := shipped(t, "propushchennyi-zvonok.bpmn"); p.ID != "missed_call" {
		t.Errorf("process id %q", p.ID)
	}
}
