package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
)

func init() {
	// Our table has a line of totals behind the rows and semicolons; to the document it is a text.
	openapi3filter.RegisterBodyDecoder("text/csv", openapi3filter.FileBodyDecoder)
}

// document is openapi.yaml as the tests use it.
var document = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

// program is somebody's program with a token. Whatever it asks and is answered is compared with the document.
type program struct {
	s      *stack
	token  string
	router routers.Router
}

func (s *stack) program(login string) *program {
	s.t.Helper()
	token, err := s.Staff.AddToken(s.t.Context(), staff.System(), login, "tests", morning)
	s.must(err)
	doc, err := document()
	s.must(err)
	router, err := gorillamux.NewRouter(doc)
	s.must(err)
	return &program{s, token, router}
}

// reply is what the API said.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (p *program) get(path string) reply { return p.ask(http.MethodGet, path, "", nil) }

// send sends in as JSON; a string is sent as it is.
func (p *program) send(method, path string, in any) reply {
	p.s.t.Helper()
	body, ok := in.(string)
	if !ok {
		encoded, err := json.Marshal(in)
		p.s.must(err)
		body = string(encoded)
	}
	return p.ask(method, path, "application/json", []byte(body))
}

func (p *program) post(path string, in any) reply { return p.send(http.MethodPost, path, in) }

func (p *program) ask(method, path, contentType string, body []byte) reply {
	p.s.t.Helper()
	request, err := http.NewRequestWithContext(p.s.t.Context(), method, p.s.http.URL+"/api/v1"+path, bytes.NewReader(body))
	p.s.must(err)
	if p.token != "" {
		request.Header.Set("Authorization", "Bearer "+p.token)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return p.do(request, body)
}

func (p *program) do(request *http.Request, body []byte) reply {
	p.s.t.Helper()
	response, err := p.s.http.Client().Do(request)
	p.s.must(err)
	defer response.Body.Close()
	r := reply{t: p.s.t, status: response.StatusCode, header: response.Header}
	r.body, err = io.ReadAll(response.Body)
	p.s.must(err)
	p.compare(request, body, r)
	return r
}

// compare holds question and answer against the document. A question that was refused for what it says need not be as
// documented; its answer has to.
func (p *program) compare(request *http.Request, body []byte, r reply) {
	p.s.t.Helper()
	asked := request.Clone(p.s.t.Context())
	asked.URL.Scheme, asked.URL.Host, asked.Host = "", "", ""
	asked.Body = io.NopCloser(bytes.NewReader(body))
	route, parameters, err := p.router.FindRoute(asked)
	if err != nil {
		if r.status != http.StatusNotFound && r.status != http.StatusMethodNotAllowed {
			p.s.t.Errorf("%s %s answers %d and is not in the document: %v", request.Method, request.URL.Path, r.status, err)
		}
		return
	}
	input := &openapi3filter.RequestValidationInput{Request: asked, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}}
	if r.status < 400 {
		if err := openapi3filter.ValidateRequest(p.s.t.Context(), input); err != nil {
			p.s.t.Errorf("%s %s was answered %d and is not as documented: %v", request.Method, request.URL.Path, r.status, err)
		}
	}
	output := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: r.status, Header: r.header,
		Body: io.NopCloser(bytes.NewReader(r.body)), Options: input.Options}
	if err := openapi3filter.ValidateResponse(p.s.t.Context(), output); err != nil {
		p.s.t.Errorf("the answer to %s %s is not as documented: %.500v\n%.300s", request.Method, request.URL.Path, err.Error(), r.body)
	}
}

// want fails the test unless the status is the one expected, and gives the answer.
func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("answered %d instead of %d: %s", r.status, status, r.body)
	}
	return r
}

// into reads the answer.
func (r reply) into(out any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, out); err != nil {
		r.t.Fatalf("%v in %s", err, r.body)
	}
}

// object is the answer as names and values.
func (r reply) object() map[string]any {
	r.t.Helper()
	out := map[string]any{}
	r.into(&out)
	return out
}

// lead and task read the answer as what it shows.
func (r reply) lead() (v apiLeadView) { r.t.Helper(); r.into(&v); return v }
func (r reply) task() (v apiTaskView) { r.t.Helper(); r.into(&v); return v }

// items are the ids or keys of a list.
func (r reply) items() []string {
	r.t.Helper()
	var page struct {
		Items []map[string]any
	}
	r.into(&page)
	var ids []string
	for _, item := range page.Items {
		for _, key := range []string{"id", "key", "name"} {
			if value, ok := item[key]; ok {
				ids = append(ids, fmt.Sprint(value))
				break
			}
		}
	}
	return ids
}

// problem reads a problem document with the pointers in it.
func (r reply) problem(status int) apiProblem {
	r.t.Helper()
	r.want(status)
	if kind := r.header.Get("Content-Type"); kind != "application/problem+json" {
		r.t.Errorf("a problem comes as %q", kind)
	}
	var p apiProblem
	r.into(&p)
	if p.Status != status || p.Title == "" || strings.HasPrefix(p.Title, "problem.") {
		r.t.Errorf("the problem says %d %q", p.Status, p.Title)
	}
	return p
}

// pointers are where the problem lies in the request.
func (p apiProblem) pointers() []string {
	var all []string
	for _, e := range p.Errors {
		all = append(all, e.Pointer)
	}
	return all
}

// missing are the ids of the steps that stand in the way.
func (p apiProblem) missing() []string {
	var all []string
	for _, step := range p.Steps {
		all = append(all, step.ID)
	}
	return all
}

var ginParameter = regexp.MustCompile(`:(\w+)`)

func TestTheDocumentHasEveryAddressAndNoOther(t *testing.T) {
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			documented[method+" /api/v1"+path] = true
		}
	}
	engine := gin.New()
	(&Server{}).apiRoutes(engine)
	served := map[string]bool{}
	for _, route := range engine.Routes() {
		served[route.Method+" "+ginParameter.ReplaceAllString(route.Path, "{$1}")] = true
	}
	for _, route := range slices.Sorted(maps.Keys(served)) {
		if !documented[route] {
			t.Errorf("%s is served and not documented", route)
		}
	}
	for _, route := range slices.Sorted(maps.Keys(documented)) {
		if !served[route] {
			t.Errorf("%s is documented and not served", route)
		}
	}
}

func TestTheExamplesOfTheDocumentAreWhatItSays(t *testing.T) {
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.Summary == "" || operation.OperationID == "" || len(operation.Tags) != 1 {
				t.Errorf("%s %s has no summary, name or tag", method, path)
			}
		}
	}
}

func TestTheDocumentIsServedToEverybody(t *testing.T) {
	s := newStack(t)
	p := &program{s: s, router: s.program("anna").router}
	if r := p.get("/openapi.yaml").want(http.StatusOK); !bytes.Equal(r.body, openAPI) {
		t.Error("another document is served")
	}
}
