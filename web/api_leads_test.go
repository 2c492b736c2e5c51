package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"marshrut/leads"
)

func TestALeadIsReadWithAllThatIsKnownOfIt(t *testing.T) {
	s := newStack(t)
	id, _ := s.lead("anna")
	v := s.program("anna").get("/leads/" + idText(id)).want(http.StatusOK).lead()
	if v.ID != idText(id) || v.Owner == nil || *v.Owner != "anna" || v.Contact == nil || len(v.Contact.Phones) != 1 || v.Stage != "new" || v.Status != leads.StatusOpen {
		t.Errorf("the lead is %+v", v)
	}
	if len(v.Inquiries) != 1 || len(v.Processes) != 1 || v.Processes[0].State != "active" || v.CreatedAt != "2026-03-17T10:00:00+03:00" {
		t.Errorf("inquiries %v, processes %v, created %s", v.Inquiries, v.Processes, v.CreatedAt)
	}
}

func TestLeadsAreFoundByEveryFilter(t *testing.T) {
	s := newStack(t)
	one := s.arrive(s.form("Иван Петров", "+79123456789", "теплица"))[0].LeadID
	s.arrive(s.form("Пётр Иванов", "+79220000001", "забор"))
	p := s.program("olga")
	for _, query := range []string{"phone=8+(912)+345-67-89", "q=%D0%9F%D0%B5%D1%82%D1%80%D0%BE%D0%B2", "q=3456789"} {
		if found := p.get("/leads?" + query).want(http.StatusOK).items(); !slices.Contains(found, idText(one)) {
			t.Errorf("%s finds %v instead of lead %d", query, found, one)
		}
	}
	for _, query := range []string{"status=open", "stage=new", "connection=site", "source=site", "channel=form", "funnel=sales", "test=false", "limit=10"} {
		if found := p.get("/leads?" + query).want(http.StatusOK).items(); len(found) != 2 {
			t.Errorf("%s finds %v", query, found)
		}
	}
	for _, query := range []string{"status=won", "stage=proposal", "connection=elsewhere", "owner=-", "test=true", "email=nobody@example.com", "phone=%2B79990000000"} {
		if found := p.get("/leads?" + query).want(http.StatusOK).items(); len(found) != 0 {
			t.Errorf("%s finds %v", query, found)
		}
	}
}

func TestAListOfLeadsIsReadToItsEndInParts(t *testing.T) {
	s := newStack(t)
	for i := range 5 {
		s.arrive(s.form("Клиент", fmt.Sprintf("+7912000000%d", i), "теплица"))
	}
	p, seen, cursor := s.program("olga"), map[string]bool{}, ""
	for part := 0; ; part++ {
		r := p.get("/leads?limit=2&cursor=" + cursor).want(http.StatusOK)
		for _, id := range r.items() {
			if seen[id] {
				t.Errorf("lead %s comes twice", id)
			}
			seen[id] = true
		}
		if cursor = urlEscape(r.object()["next"].(string)); cursor == "" {
			break
		}
		if part > 5 {
			t.Fatal("the list does not end")
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d of 5 leads were listed", len(seen))
	}
}

func TestAManagerSeesNothingOfAnothersLead(t *testing.T) {
	s := newStack(t)
	id, task := s.lead("anna")
	p := s.program("boris")
	lead, work := "/leads/"+idText(id), "/tasks/"+idText(task.ID)
	for _, path := range []string{lead, lead + "/timeline", work, "/instances/" + idText(task.Instance), "/inquiries/inquiry-2"} {
		if path == "/inquiries/inquiry-2" {
			path = "/inquiries/" + s.program("anna").get(lead).lead().Inquiries[0]
		}
		p.get(path).problem(http.StatusNotFound)
	}
	p.send(http.MethodPatch, lead, map[string]any{"version": 1, "city": "Пермь"}).problem(http.StatusNotFound)
	p.post(lead+"/close", map[string]any{"status": "junk", "reason": "spam"}).problem(http.StatusNotFound)
	// A click on somebody else's task is refused as such, and the journal has it.
	p.post(work+"/complete", map[string]any{"outcome": "x", "revision": 1}).problem(http.StatusConflict)
	if found := p.get("/leads").want(http.StatusOK).items(); slices.Contains(found, idText(id)) {
		t.Errorf("the list shows %v", found)
	}
	p.get("/tasks?lead=" + idText(id)).problem(http.StatusNotFound)
	p.get("/processes/inquiry/instances?lead=" + idText(id)).problem(http.StatusNotFound)
	if found := p.get("/processes/inquiry/instances").want(http.StatusOK).items(); slices.Contains(found, idText(task.Instance)) {
		t.Errorf("the runs show %v", found)
	}
}

func TestAMarketerSeesLeadsButNobodysPhone(t *testing.T) {
	s := newStack(t)
	in := s.form("Иван Петров", "+79123456789", "перезвоните на +7 912 345-67-89 или ivan@example.com")
	id := s.arrive(in)[0].LeadID
	p := s.program("mark")
	for _, path := range []string{"/leads", "/leads/" + idText(id), "/leads/" + idText(id) + "/timeline", "/tasks?lead=" + idText(id)} {
		if body := string(p.get(path).want(http.StatusOK).body); strings.Contains(body, "3456789") || strings.Contains(body, "345-67") || strings.Contains(body, "ivan@") {
			t.Errorf("%s shows %s", path, body)
		}
	}
	p.send(http.MethodPatch, "/leads/"+idText(id), map[string]any{"version": 1, "city": "Пермь"}).problem(http.StatusForbidden)
}

func TestFieldsOfALeadAreChangedOnceByWhoSawItAsItIs(t *testing.T) {
	s := newStack(t)
	id, _ := s.lead("anna")
	p, path := s.program("anna"), "/leads/"+idText(id)
	before := p.get(path).lead()
	change := map[string]any{"version": before.Version, "amount": "48000.5", "expected_close": "2026-04-10", "city": "Пермь", "fields": map[string]string{"area": "18"}, "client_name": "Ромашка",
		"items": []map[string]any{{"name": "Теплица", "quantity": "2", "price": "24000.25"}}}
	v := p.send(http.MethodPatch, path, change).want(http.StatusOK).lead()
	if v.Version <= before.Version || v.Amount == nil || *v.Amount != "48000.50" || *v.ExpectedClose != "2026-04-10" || v.Fields["area"] != "18" || v.Client == nil || len(v.Items) != 1 {
		t.Errorf("the lead is %+v", v)
	}
	p.send(http.MethodPatch, path, map[string]any{"version": before.Version, "city": "Уфа"}).problem(http.StatusConflict)
	if now := p.get(path).lead(); now.City != "Пермь" {
		t.Errorf("a stale change went through: %s", now.City)
	}
	v = p.send(http.MethodPatch, path, fmt.Sprintf(`{"version":%d,"amount":null,"expected_close":null}`, v.Version)).want(http.StatusOK).lead()
	if v.Amount != nil || v.ExpectedClose != nil {
		t.Errorf("null took nothing away: %+v", v)
	}
}

func TestWhatCannotBeAValueIsPointedTo(t *testing.T) {
	s := newStack(t)
	id, _ := s.lead("anna")
	p, path := s.program("anna"), "/leads/"+idText(id)
	version := p.get(path).lead().Version
	for change, pointer := range map[string]string{
		`{"amount":"1"}`:                                           "/version",
		`{"version":V,"amount":12.5}`:                              "/amount",
		`{"version":V,"amount":"-1"}`:                              "/amount",
		`{"version":V,"amount":"1.005"}`:                           "/amount",
		`{"version":V,"amount":"1e9"}`:                             "/amount",
		`{"version":V,"expected_close":"10.04.2026"}`:              "/expected_close",
		`{"version":V,"currency":"рубли"}`:                         "/currency",
		`{"version":V,"probability":101}`:                          "/probability",
		`{"version":V,"inn":"123"}`:                                "/inn",
		`{"version":V,"fields":{"no/such":"1"}}`:                   "/fields/no~1such",
		`{"version":V,"fields":{"area":"many"}}`:                   "/fields/area",
		`{"version":V,"helpers":["ghost"]}`:                        "/helpers/0",
		`{"version":V,"stage":"won"}`:                              "/stage",
		`{"version":"V"}`:                                          "/version",
		`{"version":V,"title":"` + strings.Repeat("я", 501) + `"}`: "/title",
	} {
		got := p.send(http.MethodPatch, path, strings.ReplaceAll(change, "V", fmt.Sprint(version))).problem(http.StatusUnprocessableEntity)
		if !slices.Contains(got.pointers(), pointer) {
			t.Errorf("%.60s points to %v instead of %s", change, got.pointers(), pointer)
		}
	}
	if now := p.get(path).lead(); now.Version != version {
		t.Errorf("a refused change made version %d of %d", now.Version, version)
	}
}

func TestAWrongOwnFieldIsPointedToByItsKey(t *testing.T) {
	s := newStack(t)
	id, _ := s.lead("anna")
	p, path := s.program("anna"), "/leads/"+idText(id)
	for body, pointer := range map[string]string{`{"version": 1, "fields": []}`: "/fields", `{"version": 1, "fields": {"zz": 1}}`: "/fields/zz", `{"version": 1, "fields": {"a/b": [1]}}`: "/fields/a~1b"} {
		if got := p.speaking("ru", http.MethodPatch, path, body).problem(http.StatusUnprocessableEntity); !slices.Equal(got.pointers(), []string{pointer}) {
			t.Errorf("%s points to %v, want %s", body, got.pointers(), pointer)
		}
	}
}

func TestALeadMadeByAProgramTwiceIsThereOnce(t *testing.T) {
	s := newStack(t)
	p := s.program("olga")
	in := map[string]any{"title": "Теплица", "name": "Иван Петров", "phone": "8 912 345-67-89", "email": "Ivan@Example.com", "amount": "48000.00", "text": "С доставкой"}
	ask := func(key string) reply {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.http.URL+"/api/v1/leads", strings.NewReader(toJSON(t, in)))
		s.must(err)
		request.Header.Set("Authorization", "Bearer "+p.token)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", key)
		return p.do(request, []byte(toJSON(t, in)))
	}
	first := ask("a").want(http.StatusCreated)
	v := first.lead()
	if v.Owner == nil || v.Channel != leads.ChannelManual || v.Contact.Phones[0] != "+79123456789" || first.header.Get("Location") != "/api/v1/leads/"+v.ID {
		t.Errorf("the lead is %+v", v)
	}
	if again := ask("a").want(http.StatusOK).lead(); again.ID != v.ID || len(again.Inquiries) != 1 {
		t.Errorf("the repeat is lead %s with inquiries %v", again.ID, again.Inquiries)
	}
	if joined := ask("b").want(http.StatusOK).lead(); joined.ID != v.ID || len(joined.Inquiries) != 2 {
		t.Errorf("another inquiry of the client is lead %s with inquiries %v", joined.ID, joined.Inquiries)
	}
	colleague := "anna"
	if *v.Owner == colleague {
		colleague = "boris"
	}
	if other := s.program(colleague).post("/leads", in).want(http.StatusAccepted).object(); other["outcome"] != "joined" {
		t.Errorf("a colleague is told %v", other)
	}
}

func TestALeadNeedsSomebodyToTurnTo(t *testing.T) {
	p := newStack(t).program("anna")
	p.post("/leads", map[string]any{"title": "Теплица"}).problem(http.StatusUnprocessableEntity)
	for field, value := range map[string]string{"phone": "perhaps", "email": "ivan@", "inn": "1", "amount": "free"} {
		got := p.post("/leads", map[string]any{"name": "Иван", field: value}).problem(http.StatusUnprocessableEntity)
		if !slices.Equal(got.pointers(), []string{"/" + field}) {
			t.Errorf("%s points to %v", field, got.pointers())
		}
	}
}

func TestAContactIsNotedAndStandsInTheHistory(t *testing.T) {
	s := newStack(t)
	id, _ := s.lead("anna")
	p, path := s.program("anna"), "/leads/"+idText(id)
	p.post(path+"/interactions", map[string]any{"kind": "call", "direction": "out", "answered": true, "seconds": 95, "text": "Уточнили размеры"}).want(http.StatusCreated)
	if body := string(p.get(path + "/timeline").want(http.StatusOK).body); !strings.Contains(body, "Уточнили размеры") {
		t.Errorf("the history is %s", body)
	}
	if v := p.get(path).lead(); v.FirstResponseAt == nil {
		t.Error("the client has not been answered")
	}
	for _, wrong := range []string{`{"kind":"call"}`, `{"kind":"pigeon","direction":"out"}`, `{"kind":"call","direction":"out","seconds":-1}`,
		`{"kind":"note"}`, `{"kind":"call","direction":"out","at":"yesterday"}`, `{"kind":"call","direction":"out","at":"2100-01-01T00:00:00Z"}`} {
		p.post(path+"/interactions", wrong).problem(http.StatusUnprocessableEntity)
	}
	for _, at := range []string{`"1990-01-01T00:00:00Z"`, `"вчера"`, `5`} {
		got := p.post(path+"/interactions", `{"kind":"call","direction":"out","at":`+at+`}`).problem(http.StatusUnprocessableEntity)
		if !slices.Equal(got.pointers(), []string{"/at"}) {
			t.Errorf("at %s points to %v", at, got.pointers())
		}
	}
}

func TestALeadIsNotClosedPastItsTask(t *testing.T) {
	s := newStack(t)
	id, _ := s.lead("anna")
	p, path := s.program("anna"), "/leads/"+idText(id)
	refused := p.post(path+"/close", map[string]any{"status": "junk", "reason": "spam"}).problem(http.StatusUnprocessableEntity)
	if !slices.Equal(refused.missing(), []string{"read", "reach"}) {
		t.Errorf("missing are %v", refused.missing())
	}
	p.post(path+"/close", map[string]any{"status": "junk", "reason": "spam", "skip_reason": "Некогда"}).problem(http.StatusForbidden)
	if won := p.post(path+"/close", map[string]any{"status": "won"}).problem(http.StatusConflict); won.Detail == "" {
		t.Error("it is not said why the lead cannot be won now")
	}
	p.post(path+"/close", map[string]any{"status": "open"}).problem(http.StatusUnprocessableEntity)
	if v := p.get(path).lead(); v.Status != leads.StatusOpen || v.Version != 2 {
		t.Errorf("the lead is %s in version %d", v.Status, v.Version)
	}
	if s.refusals(id) < 3 {
		t.Errorf("the journal has %d refusals of 3", s.refusals(id))
	}
}

func TestALeadGoesToAnotherByWhoMayGiveIt(t *testing.T) {
	s := newStack(t)
	id, _ := s.lead("anna")
	path := "/leads/" + idText(id)
	s.program("anna").post(path+"/assign", map[string]any{"owner": "boris"}).problem(http.StatusForbidden)
	s.program("olga").post(path+"/assign", map[string]any{"owner": "ghost"}).problem(http.StatusUnprocessableEntity)
	s.program("olga").post(path+"/assign", map[string]any{}).problem(http.StatusUnprocessableEntity)
	v := s.program("olga").post(path+"/assign", map[string]any{"owner": "boris", "reason": "Отпуск"}).want(http.StatusOK).lead()
	if v.Owner == nil || *v.Owner != "boris" {
		t.Errorf("the owner is %v", v.Owner)
	}
	if task := s.task(id); task.AssigneeLogin != "boris" {
		t.Errorf("the task stayed with %s", task.AssigneeLogin)
	}
}
