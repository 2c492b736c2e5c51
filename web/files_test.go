package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"

	"marshrut/internal/blobs"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/processes"
	"marshrut/processes/bpmn/bpmntest"
)

func init() {
	openapi3filter.RegisterBodyDecoder("application/pdf", openapi3filter.FileBodyDecoder)
}

// paperwork is a route map whose first task takes a contract.
func (s *stack) paperwork() {
	s.t.Helper()
	xml := bpmntest.XML("inquiry", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>
<bpmn:serviceTask id="give"><bpmn:extensionElements><mr:action name="assign" role="manager"/></bpmn:extensionElements></bpmn:serviceTask><bpmn:userTask id="sign" name="Договор"><bpmn:extensionElements>
<mr:assignment role="manager" mode="owner"/><mr:deadline due="PT2H"/><mr:checklist order="any"><mr:step id="contract" kind="file" title="Подписанный договор" required="true"/>
<mr:step id="note" kind="input" title="Примечание"/></mr:checklist><mr:outcome id="signed" label="Подписан"/></bpmn:extensionElements></bpmn:userTask>`, "s>give", "give>sign", "sign>e")
	_, problems, err := s.Processes.Publish(s.t.Context(), staff.System(), []byte(xml))
	if err != nil {
		s.t.Fatalf("%v: %+v", err, problems)
	}
}

const contract = "%PDF-1.4 Договор № 7"

// form of a file and other fields, and its Content-Type.
func formOf(t *testing.T, field, name, body string, pairs ...string) (string, []byte) {
	t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	file, err := w.CreateFormFile(field, name)
	if err == nil {
		_, err = io.WriteString(file, body)
	}
	for i := 0; i+1 < len(pairs) && err == nil; i += 2 {
		err = w.WriteField(pairs[i], pairs[i+1])
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), form.Bytes()
}

// handIn sends the form of the task with a file, as a browser without scripts does.
func (v *visitor) handIn(task processes.Task, name, body string, pairs ...string) answer {
	v.s.t.Helper()
	kind, form := formOf(v.s.t, "f.contract", name, body, append(pairs, "revision", fmt.Sprint(task.Revision))...)
	request, err := http.NewRequestWithContext(v.s.t.Context(), http.MethodPost, fmt.Sprintf("%s/tasks/%d/work", v.s.http.URL, task.ID), bytes.NewReader(form))
	v.s.must(err)
	request.Header.Set("Content-Type", kind)
	return v.do(request)
}

func (p *program) handIn(task processes.Task, step, name, body string) reply {
	p.s.t.Helper()
	kind, form := formOf(p.s.t, "file", name, body)
	return p.ask(http.MethodPost, fmt.Sprintf("/tasks/%d/steps/%s", task.ID, step), kind, form)
}

func fileAddress(task processes.Task) string { return fmt.Sprintf("/tasks/%d/files/contract", task.ID) }

func TestAFileIsHandedInOnTheTaskPageAndSavedFromThere(t *testing.T) {
	s := newStack(t)
	s.paperwork()
	lead, task := s.lead("anna")
	anna := s.as("anna")
	anna.get(leadAddress(lead)).says(t, http.StatusOK, `enctype="multipart/form-data"`, `type="file" name="f.contract"`)

	anna.handIn(task, `C:\Документы\договор 7.pdf`, contract, "do", "contract").leadsTo(t, leadAddress(lead))

	anna.get(leadAddress(lead)).says(t, http.StatusOK, `href="`+fileAddress(task)+`"`, "договор 7.pdf")
	a := anna.get(fileAddress(task))
	a.says(t, http.StatusOK)
	if a.body != contract || a.header.Get("Content-Type") != "application/pdf" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the file comes as %q with %v", a.body, a.header)
	}
	if as := a.header.Get("Content-Disposition"); !strings.HasPrefix(as, "attachment;") || !strings.Contains(as, "%D0%B4%D0%BE%D0%B3%D0%BE%D0%B2%D0%BE%D1%80%207.pdf") {
		t.Errorf("it is saved as %q", as)
	}
	anna.post(fmt.Sprintf("/tasks/%d/work", task.ID), "outcome", "signed", "revision", fmt.Sprint(s.task(lead).Revision)).leadsTo(t, leadAddress(lead))
	anna.get(leadAddress(lead)).says(t, http.StatusOK, `<a href="`+fileAddress(task)+`">договор 7.pdf</a>`)
	anna.get(fileAddress(task)).says(t, http.StatusOK)
}

func TestAFileChosenIsDoneWithWhateverButtonIsPressed(t *testing.T) {
	s := newStack(t)
	s.paperwork()
	lead, task := s.lead("anna")
	s.as("anna").handIn(task, "a.pdf", contract, "outcome", "signed").leadsTo(t, leadAddress(lead))
	s.as("anna").get(fileAddress(task)).says(t, http.StatusOK, contract)

	lead, task = s.lead("anna")
	s.as("anna").handIn(task, "a.pdf", contract, "do", "note", "v.note", "в двух экземплярах").leadsTo(t, leadAddress(lead))
	s.as("anna").get(fileAddress(task)).says(t, http.StatusOK, contract)
}

func TestOnlyWhoSeesTheLeadGetsItsFile(t *testing.T) {
	s := newStack(t)
	s.paperwork()
	_, task := s.lead("anna")
	s.as("anna").handIn(task, "a.pdf", contract, "do", "contract")

	s.as("boris").get(fileAddress(task)).says(t, http.StatusNotFound)
	s.as("olga").get(fileAddress(task)).says(t, http.StatusOK, contract)
	s.as("mark").get(fileAddress(task)).says(t, http.StatusForbidden) // sees no contacts, and a contract is full of them
	s.visitor().get(fileAddress(task)).leadsTo(t, "/sign-in")
	s.program("boris").get(fmt.Sprintf("/tasks/%d/steps/contract/file", task.ID)).problem(http.StatusNotFound)
}

func TestWhoMayNotWorkTheTaskLeavesNoFileBehind(t *testing.T) {
	s := newStack(t)
	s.paperwork()
	lead, task := s.lead("anna")
	before := s.refusals(lead)
	s.as("boris").handIn(task, "a.pdf", contract, "do", "contract").says(t, http.StatusNotFound)
	s.program("boris").handIn(task, "contract", "a.pdf", contract).problem(http.StatusConflict)
	if s.refusals(lead) == before {
		t.Error("the journal does not tell of the attempt")
	}
	if _, err := s.Files.Open(t.Context(), fmt.Sprintf("%s%x", fileFolder(task.ID), sha256.Sum256([]byte(contract)))); !errors.Is(err, blobs.ErrNotFound) {
		t.Errorf("a file was kept: %v", err)
	}
	if task := s.task(lead); task.Steps[0].Done {
		t.Error("the step is done")
	}
}

func TestAReferenceTypedByHandOpensNoFileOfAnotherTask(t *testing.T) {
	s := newStack(t)
	s.paperwork()
	_, theirs := s.lead("boris")
	s.as("boris").handIn(theirs, "secret.pdf", contract, "do", "contract")
	ref := s.task(theirs.Subject).Steps[0].Value.(string)
	_, own := s.lead("anna")
	s.as("anna").post(fmt.Sprintf("/tasks/%d/work", own.ID), "do", "contract", "v.contract", ref)
	s.as("anna").get(fileAddress(own)).says(t, http.StatusNotFound)
	s.as("anna").post(fmt.Sprintf("/tasks/%d/work", own.ID), "do", "contract", "v.contract", "file:../../etc/passwd")
	s.as("anna").get(fileAddress(own)).says(t, http.StatusNotFound)
}

func TestAFileThatIsTooLargeIsRefusedInWords(t *testing.T) {
	s := newStack(t)
	s.paperwork()
	lead, task := s.lead("anna")
	large := strings.Repeat("x", maxUpload+1)
	s.as("anna").handIn(task, "a.pdf", large, "do", "contract").says(t, http.StatusRequestEntityTooLarge, "больше 25 МБ")
	s.program("anna").handIn(task, "contract", "a.pdf", large).problem(http.StatusRequestEntityTooLarge)
	if s.task(lead).Steps[0].Done {
		t.Error("the step is done")
	}
}

func TestAFileThatIsGoneFromTheStoreIsSaid(t *testing.T) {
	s := newStack(t)
	s.paperwork()
	lead, task := s.lead("anna")
	anna := s.as("anna")
	anna.handIn(task, "a.pdf", contract, "do", "contract")
	file, ok := fileOf(task.ID, s.task(lead).Steps[0].Value)
	if !ok {
		t.Fatal("the step refers to no file")
	}
	s.must(s.Files.Delete(t.Context(), file.Ref))
	anna.get(fileAddress(task)).says(t, http.StatusNotFound, "Приложите его ещё раз")
	anna.handIn(s.task(lead), "b.pdf", contract, "do", "contract").leadsTo(t, leadAddress(lead))
	anna.get(fileAddress(task)).says(t, http.StatusOK, contract)
}

func TestAProgramHandsInAFileAndGetsIt(t *testing.T) {
	s := newStack(t)
	s.paperwork()
	_, task := s.lead("anna")
	p := s.program("anna")

	v := p.handIn(task, "contract", "договор.pdf", contract).want(http.StatusOK).task()

	if f := v.Steps[0].File; f == nil || f.Name != "договор.pdf" || v.Steps[0].Value != "договор.pdf" {
		t.Fatalf("the step is %+v", v.Steps[0])
	}
	path := strings.TrimPrefix(v.Steps[0].File.Href, "/api/v1")
	if r := p.get(path).want(http.StatusOK); string(r.body) != contract {
		t.Errorf("got %q", r.body)
	}
	p.handIn(task, "note", "a.pdf", contract).problem(http.StatusUnprocessableEntity)
	p.handIn(task, "nothing", "a.pdf", contract).want(http.StatusUnprocessableEntity)
	p.get("/tasks/" + idText(task.ID) + "/steps/note/file").problem(http.StatusNotFound)
	if masked := s.program("mark").get("/tasks/" + idText(task.ID)).want(http.StatusOK).task(); masked.Steps[0].File != nil {
		t.Error("who sees no contacts is shown where the contract is")
	}
}

func TestAFileOfAClientIsSavedFromTheHistory(t *testing.T) {
	s := newStack(t)
	_, err := s.Files.Put(t.Context(), "forms/plan", strings.NewReader("<script>alert(1)</script>"))
	s.must(err)
	in := s.form("Иван", "+79120000077", "с чертежом")
	in.Files = []leads.File{{Name: "план.html", Type: "text/html", Ref: "forms/plan"}, {Name: "elsewhere.jpg", URL: "https://example.org/x.jpg"}}
	lead := s.arrive(in)[0].LeadID
	olga := s.as("olga")
	olga.get(leadAddress(lead)).says(t, http.StatusOK, `href="/inquiries/`+in.ID+`/files/0"`)
	a := olga.get("/inquiries/" + in.ID + "/files/0")
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%d %v", a.status, a.header)
	}
	for _, n := range []string{"1", "2", "-1", "x"} {
		olga.get("/inquiries/"+in.ID+"/files/"+n).says(t, http.StatusNotFound)
	}
	s.as("mark").get("/inquiries/"+in.ID+"/files/0").says(t, http.StatusForbidden)
}

func TestFilesOfALetterAreInTheHistoryForPrograms(t *testing.T) {
	s := newStack(t)
	_, err := s.Files.Put(t.Context(), "forms/plan", strings.NewReader("%PDF-1.7"))
	s.must(err)
	lead, _ := s.lead("anna")
	id := s.program("anna").get("/leads/" + idText(lead)).want(http.StatusOK).lead().Inquiries[0]
	sent := []leads.File{{Name: "план\u202efdp.exe", Type: "application/pdf", Size: 8, Ref: "forms/plan"}, {Name: "elsewhere.jpg", URL: "https://example.org/x.jpg"}}
	_, err = s.Pool.Exec(t.Context(), "update inquiry set files = $1 where id = $2", sent, id)
	s.must(err)
	history := func(login string) (files []apiSentFile) {
		var list struct{ Items []apiEntry }
		s.must(json.Unmarshal(s.program(login).get("/leads/"+idText(lead)+"/timeline").want(http.StatusOK).body, &list))
		for _, e := range list.Items {
			if e.Inquiry != nil {
				files = append(files, e.Inquiry.Files...)
			}
		}
		return files
	}
	files := history("olga")
	want := []apiSentFile{{"планfdp.exe", "application/pdf", 8, "/api/v1/inquiries/" + id + "/files/0"}, {"elsewhere.jpg", "", 0, "https://example.org/x.jpg"}}
	if !slices.Equal(files, want) {
		t.Fatalf("got %+v, want %+v", files, want)
	}
	path := strings.TrimPrefix(files[0].Href, "/api/v1")
	if r := s.program("olga").get(path).want(http.StatusOK); string(r.body) != "%PDF-1.7" {
		t.Errorf("it is %q", r.body)
	}
	s.program("boris").get(path).problem(http.StatusNotFound)
	s.program("mark").get(path).problem(http.StatusForbidden)
	if files := history("mark"); len(files) != 0 {
		t.Errorf("who sees no contacts is told of %+v", files)
	}
}

func TestNamesOfFilesAreMadeSafe(t *testing.T) {
	for name, want := range map[string]string{`C:\a\b.pdf`: "b.pdf", "": "file", "..": "file", "a\u202efdp.exe": "afdp.exe"} {
		if got := safeFileName(name); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
}
