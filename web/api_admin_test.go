package web

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"marshrut/pipeline"
	"marshrut/pipeline/intake"
	"marshrut/pipeline/spool"
	"marshrut/reports"
	"marshrut/reports/excel"
)

func TestWhoMayAskWhat(t *testing.T) {
	s := newStack(t)
	people := []string{"root", "olga", "anna", "mark", "oleg"}
	programs := map[string]*program{}
	for _, login := range people {
		programs[login] = s.program(login)
	}
	const yes, no = http.StatusOK, http.StatusForbidden
	for path, statuses := range map[string][5]int{
		"/me":                          {yes, yes, yes, yes, yes},
		"/employees":                   {yes, yes, yes, yes, yes},
		"/dictionaries":                {yes, yes, yes, yes, yes},
		"/leads":                       {yes, yes, yes, yes, yes},
		"/tasks":                       {yes, yes, yes, yes, yes},
		"/processes":                   {yes, yes, yes, yes, yes},
		"/processes/inquiry/instances": {yes, yes, yes, yes, yes},
		"/reports":                     {yes, yes, yes, yes, yes},
		"/dead-letters":                {yes, yes, no, no, no},
		"/connections":                 {yes, yes, no, yes, yes},
		"/rules":                       {yes, yes, no, no, no},
	} {
		for i, login := range people {
			if r := programs[login].get(path); r.status != statuses[i] {
				t.Errorf("%s asks %s: %d instead of %d", login, path, r.status, statuses[i])
			}
		}
	}
	for path, refused := range map[string][]string{
		"/processes":              {"anna", "mark", "oleg"},
		"/leads":                  {"mark", "oleg"},
		"/dead-letters/x/replay":  {"anna", "mark", "oleg"},
		"/dead-letters/x/discard": {"anna", "mark", "oleg"},
	} {
		for _, login := range refused {
			programs[login].post(path, map[string]any{}).problem(http.StatusForbidden)
		}
	}
}

func TestWithoutAGoodTokenNobodyIsLetIn(t *testing.T) {
	s := newStack(t)
	p := s.program("anna")
	for _, token := range []string{"", "mrt_wrong", strings.Repeat("x", 5000)} {
		stranger := &program{s: s, token: token, router: p.router}
		refused := stranger.get("/leads")
		refused.problem(http.StatusUnauthorized)
		if refused.header.Get("WWW-Authenticate") == "" {
			t.Error("it is not said what is wanted")
		}
	}
	tokens, err := s.Staff.Tokens(t.Context(), "anna")
	s.must(err)
	s.must(s.Staff.RevokeToken(t.Context(), s.who("root"), tokens[0].ID, s.now()))
	p.get("/leads").problem(http.StatusUnauthorized)
}

func TestABrowserMayReadAndNotWrite(t *testing.T) {
	s := newStack(t)
	id, task := s.lead("anna")
	v := s.as("anna")
	if a := v.get("/api/v1/leads/" + idText(id)); a.status != http.StatusOK {
		t.Errorf("a signed-in browser reads %d", a.status)
	}
	if a := v.post("/api/v1/tasks/"+idText(task.ID)+"/complete", "outcome", "x"); a.status != http.StatusUnauthorized {
		t.Errorf("a cookie was enough to write: %d", a.status)
	}
}

func TestAddressesThereAreNotAreProblemsToo(t *testing.T) {
	p := newStack(t).program("anna")
	p.get("/nothing").problem(http.StatusNotFound)
	p.send(http.MethodDelete, "/leads/1", map[string]any{}).problem(http.StatusMethodNotAllowed)
	for _, id := range []string{"0", "-1", "abc", "99999999999999999999", "1%00", "%ff", "1.5"} {
		for _, path := range []string{"/leads/", "/tasks/", "/instances/", "/inquiries/"} {
			p.get(path + id).problem(http.StatusNotFound)
		}
	}
}

func TestOddParametersAreRefusedByName(t *testing.T) {
	p := newStack(t).program("olga")
	for path, pointer := range map[string]string{
		"/leads?limit=-1":                        "/query/limit",
		"/leads?limit=501":                       "/query/limit",
		"/leads?limit=many":                      "/query/limit",
		"/leads?stauts=open":                     "/query/stauts",
		"/leads?status=opened":                   "/query/status",
		"/leads?phone=abc":                       "/query/phone",
		"/leads?email=abc":                       "/query/email",
		"/leads?owner=ghost":                     "/query/owner",
		"/leads?test=maybe":                      "/query/test",
		"/leads?q=%00":                           "/query/q",
		"/leads?q=%ff":                           "/query/q",
		"/tasks?lead=x":                          "/query/lead",
		"/tasks?status=x":                        "/query/status",
		"/tasks?overdue=x":                       "/query/overdue",
		"/tasks?cursor=forged":                   "/query/cursor",
		"/dead-letters?state=x":                  "/query/state",
		"/processes/inquiry/instances?version=0": "/query/version",
		"/processes/inquiry/instances?state=x":   "/query/state",
		"/reports/funnel?from=x":                 "/query/from",
	} {
		if got := p.get(path).problem(http.StatusUnprocessableEntity).pointers(); !slices.Contains(got, pointer) {
			t.Errorf("%s points to %v", path, got)
		}
	}
	for _, path := range []string{"/leads?cursor=forged", "/leads?cursor=%25%25", "/dead-letters?cursor=AAAA"} {
		p.get(path).problem(http.StatusUnprocessableEntity)
	}
}

func TestOddBodiesAreRefused(t *testing.T) {
	s := newStack(t)
	id, task := s.lead("anna")
	p := s.program("anna")
	path := "/leads/" + idText(id) + "/interactions"
	for _, body := range []string{"", "null and void", "[]", `{"kind":"note","text":"a"} {}`, `{"kind":"note","text":"\u0000"}`, "{\"kind\":\"note\",\"text\":\"\xff\"}",
		`{"kind":"note","text":"a","more":1}`, `{"kind":1}`, strings.Repeat("[", 20_000)} {
		p.post(path, body).problem(http.StatusUnprocessableEntity)
	}
	p.post(path, `{"kind":"note","text":"`+strings.Repeat("a", maxJSON)+`"}`).problem(http.StatusRequestEntityTooLarge)
	p.ask(http.MethodPost, path, "text/plain", []byte(`{"kind":"note","text":"a"}`)).problem(http.StatusUnsupportedMediaType)
	p.ask(http.MethodPost, path, "", []byte(`{"kind":"note","text":"a"}`)).problem(http.StatusUnsupportedMediaType)
	step := "/tasks/" + idText(task.ID) + "/steps/" + task.Steps[0].ID
	for _, value := range []string{`[]`, `{"a":1}`, `{"ref":1}`, `false`, `"no"`} {
		p.post(step, `{"value":`+value+`}`).problem(http.StatusUnprocessableEntity)
	}
	p.post("/tasks/"+idText(task.ID)+"/steps/none", `{}`).problem(http.StatusUnprocessableEntity)
	// A text that only talks about NUL is a text like any other.
	p.post(path, `{"kind":"note","text":"the escape \\u0000"}`).want(http.StatusCreated)
}

func TestARouteMapIsCheckedPublishedAndListed(t *testing.T) {
	s := newStack(t)
	p := s.program("olga")
	files, err := filepath.Glob("../configs/processes/*.bpmn")
	s.must(err)
	if len(files) == 0 {
		t.Fatal("no route map is shipped")
	}
	body, err := os.ReadFile(files[0])
	s.must(err)
	p.ask(http.MethodPost, "/processes?check=true", "application/xml", body).want(http.StatusOK)
	before := len(p.get("/processes").want(http.StatusOK).items())
	changed := bytes.Replace(body, []byte("</"), []byte("<!-- adapted --></"), 1)
	v := p.ask(http.MethodPost, "/processes", "application/xml", changed).want(http.StatusCreated).object()
	if v["version"] != 2.0 || v["published_by"] != "olga" {
		t.Errorf("published as %v", v)
	}
	if after := len(p.get("/processes").items()); after != before {
		t.Errorf("%d route maps became %d", before, after)
	}
	if versions := p.get("/processes?key=" + v["key"].(string)).want(http.StatusOK).items(); len(versions) != 2 {
		t.Errorf("the versions are %v", versions)
	}
}

func TestABadRouteMapIsRefusedWithASentenceForEachMistake(t *testing.T) {
	p := newStack(t).program("olga")
	const unsound = `<?xml version="1.0"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><process id="odd" isExecutable="true">` +
		`<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="g"/><complexGateway id="g"/></process></definitions>`
	for _, query := range []string{"", "?check=true"} {
		refused := p.ask(http.MethodPost, "/processes"+query, "application/xml", []byte(unsound)).problem(http.StatusUnprocessableEntity)
		if !slices.Contains(refused.pointers(), "#g") || len(refused.Problems) == 0 {
			t.Errorf("refused with %+v", refused)
		}
	}
	p.ask(http.MethodPost, "/processes", "application/xml", []byte("no map at all")).problem(http.StatusUnprocessableEntity)
	p.ask(http.MethodPost, "/processes", "application/json", []byte("{}")).problem(http.StatusUnsupportedMediaType)
	p.ask(http.MethodPost, "/processes", "application/xml", make([]byte, maxMap+1)).problem(http.StatusRequestEntityTooLarge)
	p.get("/processes/none/instances").problem(http.StatusNotFound)
}

func TestEveryReportIsAnsweredInEveryForm(t *testing.T) {
	s := newStack(t)
	s.lead("anna")
	p := s.program("olga")
	listed := p.get("/reports").want(http.StatusOK).items()
	if len(listed) != len(reports.All()) {
		t.Errorf("listed are %v", listed)
	}
	for _, r := range reports.All() {
		for _, clock := range r.Clocks {
			p.get("/reports/" + r.Key + "?clock=" + string(clock)).want(http.StatusOK)
		}
	}
	csv := p.get("/reports/" + listed[0] + ".csv").want(http.StatusOK)
	if !strings.HasPrefix(csv.header.Get("Content-Type"), "text/csv") || len(csv.body) == 0 {
		t.Errorf("the table comes as %v", csv.header)
	}
	book := p.get("/reports/" + listed[0] + ".xlsx").want(http.StatusOK)
	if book.header.Get("Content-Type") != excel.MediaType || !bytes.HasPrefix(book.body, []byte("PK")) {
		t.Errorf("the workbook comes as %v", book.header)
	}
	for _, path := range []string{"/reports/none", "/reports/none.xlsx", "/reports/" + listed[0] + ".pdf"} {
		p.get(path).problem(http.StatusNotFound)
	}
	p.get("/reports/" + listed[0] + ".xlsx?from=x").problem(http.StatusUnprocessableEntity)
}

// bury files a message that nobody understands.
func (s *stack) bury() string {
	s.t.Helper()
	e := pipeline.Event{ID: "dead-1", Source: "/connections/site", Type: "ru.marshrut.inquiry.webform", Time: s.now(), Connection: "site", Connector: "webform", Provider: "generic",
		DataContentType: "application/x-www-form-urlencoded", Data: []byte("q1=%D0%90&q2=n%2Fa"), Attributes: map[string]string{"method": "POST"}}
	s.must(s.Intake.(*intake.Intake).Handle(s.t.Context(), pipeline.Batch{Events: []pipeline.Event{e}}))
	return e.ID
}

func TestAnAcceptedInquiryIsReceivedUntilItIsFiled(t *testing.T) {
	s := newStack(t)
	p := s.program("olga")
	e := pipeline.Event{ID: pipeline.ID("site", "form-17"), Source: "/connections/site", Type: "ru.marshrut.inquiry.webform", Time: s.now(), Connection: "site", Connector: "webform", Provider: "generic",
		DataContentType: "application/x-www-form-urlencoded", Data: []byte("name=%D0%90%D0%BD%D0%BD%D0%B0&phone=%2B79120000077"), Attributes: map[string]string{"method": "POST"}}
	p.get("/inquiries/" + e.ID).problem(http.StatusNotFound)
	s.must(s.Spool.(*spool.Bus).Publish(t.Context(), e))
	if v := p.get("/inquiries/" + e.ID).want(http.StatusOK).object(); v["state"] != "received" || v["connection"] != "site" || v["lead"] != nil || v["filed_at"] != nil {
		t.Errorf("the inquiry is %v", v)
	}
	p.get("/inquiries/" + e.ID[:40]).problem(http.StatusNotFound)
	s.program("anna").get("/inquiries/" + e.ID).problem(http.StatusNotFound)
	s.must(s.Intake.(*intake.Intake).Handle(t.Context(), pipeline.Batch{Events: []pipeline.Event{e}}))
	if v := p.get("/inquiries/" + e.ID).want(http.StatusOK).object(); v["state"] != "filed" || v["lead"] == nil {
		t.Errorf("the filed inquiry is %v", v)
	}
}

func TestADeadMessageIsRepairedOrPutAside(t *testing.T) {
	s := newStack(t)
	id := s.bury()
	p := s.program("olga")
	if found := p.get("/dead-letters").want(http.StatusOK).items(); !slices.Equal(found, []string{id}) {
		t.Fatalf("dead are %v", found)
	}
	if v := p.get("/inquiries/" + id).want(http.StatusOK).object(); v["state"] != "dead" || v["reason"] == "" {
		t.Errorf("the inquiry is %v", v)
	}
	s.program("anna").get("/inquiries/" + id).problem(http.StatusNotFound)
	if still := p.ask(http.MethodPost, "/dead-letters/"+id+"/replay", "", nil).problem(http.StatusUnprocessableEntity); still.Detail == "" {
		t.Error("it is not said why the message is still dead")
	}
	p.post("/dead-letters/"+id+"/discard", map[string]any{"reason": " "}).problem(http.StatusUnprocessableEntity)
	done := p.post("/dead-letters/"+id+"/replay", map[string]any{"repairs": map[string]string{"phone": "+79123456789"}}).want(http.StatusOK).object()
	if done["outcome"] != "lead" || done["lead"] == nil {
		t.Errorf("replayed as %v", done)
	}
	p.ask(http.MethodPost, "/dead-letters/"+id+"/replay", "", nil).problem(http.StatusConflict)
	p.post("/dead-letters/none/discard", map[string]any{"reason": "x"}).problem(http.StatusNotFound)
}

func TestAMessageThatWasPutAsideIsListedAsSuch(t *testing.T) {
	s := newStack(t)
	id := s.bury()
	p := s.program("olga")
	p.post("/dead-letters/"+id+"/discard", map[string]any{"reason": "Робот"}).want(http.StatusNoContent)
	if found := p.get("/dead-letters").items(); len(found) != 0 {
		t.Errorf("dead are %v", found)
	}
	if found := p.get("/dead-letters?state=discarded").want(http.StatusOK).items(); !slices.Equal(found, []string{id}) {
		t.Errorf("put aside are %v", found)
	}
}

func TestConnectionsAreShownWithoutTheirTokens(t *testing.T) {
	s := newStack(t)
	r := s.program("mark").get("/connections").want(http.StatusOK)
	if found := r.items(); !slices.Contains(found, "site") {
		t.Errorf("the connections are %v", found)
	}
	for _, address := range s.Connections.Addresses("site", s.now()) {
		parts := strings.Split(address.URL, "/")
		if token := parts[len(parts)-1]; token != "" && bytes.Contains(r.body, []byte(token)) {
			t.Error("the list shows a token")
		}
	}
}

func TestStartRulesAreReplacedAsAWhole(t *testing.T) {
	p := newStack(t).program("olga")
	var before struct{ Items []apiRule }
	p.get("/rules").want(http.StatusOK).into(&before)
	if len(before.Items) == 0 {
		t.Fatal("there are no rules")
	}
	p.send(http.MethodPut, "/rules", map[string]any{}).problem(http.StatusUnprocessableEntity)
	wrong := append(slices.Clone(before.Items), apiRule{Name: "x", Condition: "lead.nothing == ", Process: before.Items[0].Process, Enabled: true})
	refused := p.send(http.MethodPut, "/rules", map[string]any{"items": wrong}).problem(http.StatusUnprocessableEntity)
	if pointer := "/items/" + idText(int64(len(before.Items))); !slices.Contains(refused.pointers(), pointer) {
		t.Errorf("points to %v", refused.pointers())
	}
	var after struct{ Items []apiRule }
	p.send(http.MethodPut, "/rules", map[string]any{"items": before.Items}).want(http.StatusOK).into(&after)
	if !slices.Equal(after.Items, before.Items) {
		t.Errorf("saved as %v", after.Items)
	}
}

func TestAProgramLearnsWhoItIsAndWhatTheWordsAre(t *testing.T) {
	s := newStack(t)
	p := s.program("anna")
	me := p.get("/me").want(http.StatusOK).object()
	if me["login"] != "anna" || me["permission"] != "manager" {
		t.Errorf("it is %v", me)
	}
	if found := p.get("/employees?role=head").want(http.StatusOK).items(); !slices.Contains(found, idText(s.who("olga").ID)) || len(found) != 1 {
		t.Errorf("the heads are %v", found)
	}
	d := p.get("/dictionaries").want(http.StatusOK).object()
	if len(d["funnels"].([]any)) != 1 || len(d["loss_reasons"].([]any)) < 4 {
		t.Errorf("the dictionaries are %v", d)
	}
}
