package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
)

// The REST API under /api/v1: openapi.yaml beside this file describes it, and a test compares the two.

// apiRoutes is the table of the API's addresses.
func (s *Server) apiRoutes(engine *gin.Engine) {
	api := engine.Group("/api/v1")
	api.GET("/openapi.yaml", s.apiDocument)
	get := func(path string, action staff.Action, handle apiHandler) { api.GET(path, s.api(action, handle)) }
	post := func(path string, action staff.Action, handle apiHandler) { api.POST(path, s.api(action, handle)) }

	get("/me", "", s.apiMe)
	get("/employees", "", s.apiEmployees)
	get("/dictionaries", "", s.apiDictionaries)

	get("/leads", "", s.apiLeads)
	post("/leads", staff.CreateLead, s.apiCreateLead)
	get("/leads/:id", "", s.apiLead)
	api.PATCH("/leads/:id", s.api(staff.EditLead, s.apiChangeLead))
	get("/leads/:id/timeline", "", s.apiTimeline)
	post("/leads/:id/interactions", staff.EditLead, s.apiAddInteraction)
	post("/leads/:id/close", staff.EditLead, s.apiCloseLead)
	post("/leads/:id/reopen", "", s.apiReopenLead)
	post("/leads/:id/assign", "", s.apiAssignLead)
	get("/inquiries/:id", "", s.apiInquiry)
	get("/inquiries/:id/files/:n", "", s.sendInquiryFile)

	get("/tasks", "", s.apiTasks)
	get("/tasks/:id", "", s.apiTask)
	post("/tasks/:id/steps/:step", "", s.apiDoStep)
	get("/tasks/:id/steps/:step/file", "", s.sendStepFile)
	post("/tasks/:id/steps/:step/skip", "", s.apiSkipStep)
	post("/tasks/:id/assign", "", s.apiAssignTask)
	post("/tasks/:id/complete", "", s.apiCompleteTask)

	get("/processes", staff.SeeProcesses, s.apiProcesses)
	post("/processes", staff.PublishProcesses, s.apiPublish)
	get("/processes/:key/instances", staff.SeeProcesses, s.apiInstances)
	get("/instances/:id", staff.SeeProcesses, s.apiInstance)

	get("/reports", staff.SeeReports, s.apiReports)
	get("/reports/:name", staff.SeeReports, s.apiReport)

	get("/connections/:name/failures", staff.DecideFailures, s.apiFailures)
	post("/connections/:name/failures/retry", staff.DecideFailures, s.apiRetryFailure)
	post("/connections/:name/failures/leave", staff.DecideFailures, s.apiLeaveFailure)
	get("/dead-letters", staff.SeeDeadLetters, s.apiDeadLetters)
	post("/dead-letters/:id/replay", staff.ReplayDeadLetters, s.apiReplay)
	post("/dead-letters/:id/discard", staff.ReplayDeadLetters, s.apiDiscard)
	get("/connections", staff.SeeConnections, s.apiConnections)
	get("/rules", staff.ManageRules, s.apiRules)
	api.PUT("/rules", s.api(staff.ManageRules, s.apiSaveRules))
}

// apiHandler answers one request of the API; what it returns is turned into a problem document in one place.
type apiHandler func(c *gin.Context, actor staff.Actor) error

// api lets in who shows a token and may do the action. A browser that is signed in may read, so that a page can link to a
// download; it may not change anything here, because a cookie is sent without anybody's meaning it.
func (s *Server) api(action staff.Action, handle apiHandler) gin.HandlerFunc {
	return func(c *gin.Context) {
		actor, err := s.apiActor(c)
		actor.Language = s.wished(c, actor)
		if err == nil {
			err = readableAddress(c)
		}
		switch {
		case err != nil:
		case action != "" && !actor.Can(action):
			err = staff.ErrNotAllowed
		default:
			err = handle(c, actor)
			if c.Request.Method != http.MethodGet {
				s.bell.ring(actor.ID) // the pages of the same person count their tasks anew
			}
		}
		if err != nil {
			s.problem(c, actor, err)
		}
	}
}

func (s *Server) apiActor(c *gin.Context) (staff.Actor, error) {
	scheme, token, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return s.Staff.TokenActor(c.Request.Context(), strings.TrimSpace(token), s.Now())
	}
	if c.Request.Method == http.MethodGet {
		return s.readerOf(c)
	}
	return staff.Actor{}, staff.ErrNoSession
}

// wished is the language of what the API says: what a program asks for, else its owner's; of a person who follows a link to
// a download their own, else the browser's.
func (s *Server) wished(c *gin.Context, actor staff.Actor) string {
	asked, program := s.accepted(c), c.GetHeader("Authorization") != ""
	switch {
	case asked != "" && (program || !s.pages.speaks(actor.Language)):
		return asked
	case s.pages.speaks(actor.Language):
		return actor.Language
	}
	return s.Company.Language
}

// readerOf is who is signed in with a browser. A one-time password opens nothing but the page where it is changed.
func (s *Server) readerOf(c *gin.Context) (staff.Actor, error) {
	actor, err := s.actor(c)
	if err == nil && actor.MustChangePassword {
		err = staff.ErrNotAllowed
	}
	return actor, err
}

// maxJSON bounds a request body; a route map has maxMap.
const maxJSON = 1 << 20

// readBody gives the body, bounded.
func readBody(c *gin.Context, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &apiProblem{Status: http.StatusRequestEntityTooLarge, says: said{"api.too_large", []any{"n", limit}}}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadRequest, err)
	}
	return body, nil
}

// readJSON reads the body into a struct. A field that is not in it, a value of another type and anything behind the object
// are refused with a pointer to the place (RFC 6901).
func readJSON(c *gin.Context, into any) error {
	if kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err != nil || kind != "application/json" {
		return &apiProblem{Status: http.StatusUnsupportedMediaType, says: said{key: "api.json_needed"}}
	}
	body, err := readBody(c, maxJSON)
	if err != nil {
		return err
	}
	if !utf8.Valid(body) || hasNUL(body) {
		return badField("", "api.not_utf8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return invalidJSON(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badField("", "api.more_behind")
	}
	return nil
}

// hasNUL finds the character NUL, which PostgreSQL does not keep, behind whatever escape.
func hasNUL(body []byte) bool {
	for {
		i := bytes.Index(body, []byte(`\u0000`))
		if i < 0 {
			return false
		}
		slashes := 0
		for slashes < i && body[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return true
		}
		body = body[i+1:]
	}
}

func invalidJSON(err error) error {
	var wrongType *json.UnmarshalTypeError
	var ready *apiProblem
	if errors.As(err, &ready) {
		return ready
	}
	if errors.As(err, &wrongType) {
		return badField("/"+strings.ReplaceAll(wrongType.Field, ".", "/"), "api.wrong_type", "value", said{key: "api.kind_" + jsonName(wrongType.Value)}, "kind", said{key: "api.kind_" + jsonName(wrongType.Type.String())})
	}
	if name, ok := strings.CutPrefix(err.Error(), `json: unknown field "`); ok {
		return badField("/"+strings.TrimSuffix(name, `"`), "api.no_field")
	}
	return badField("", "api.no_json", "cause", err)
}

// apiTime is a moment in a request. What is none is said at its place, like any value of another type.
type apiTime struct{ time.Time }

func (t *apiTime) UnmarshalJSON(b []byte) error {
	if t.Time.UnmarshalJSON(b) == nil {
		return nil
	}
	return &json.UnmarshalTypeError{Value: jsonKind(b), Type: reflect.TypeFor[apiTime]()}
}

// ownValues are values of a company's own fields, by key.
type ownValues map[string]string

func (v *ownValues) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if json.Unmarshal(b, &raw) != nil {
		return &json.UnmarshalTypeError{Value: jsonKind(b), Type: reflect.TypeFor[ownValues]()}
	}
	if raw == nil {
		return nil
	}
	*v = make(ownValues, len(raw))
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		var text string
		if json.Unmarshal(raw[key], &text) != nil {
			return badField("/fields/"+pointerPart(key), "api.wrong_type", "value", said{key: "api.kind_" + jsonName(jsonKind(raw[key]))}, "kind", said{key: "api.kind_string"})
		}
		(*v)[key] = text
	}
	return nil
}

// jsonKind is what a value of JSON is, as encoding/json names it.
func jsonKind(b []byte) string {
	switch b[0] {
	case '"':
		return "string"
	case '[':
		return "array"
	case '{':
		return "object"
	case 't', 'f':
		return "bool"
	}
	return "number"
}

// jsonName is a type of Go or JSON in the words of JSON, as the end of a key of the catalogue.
func jsonName(goType string) string {
	switch {
	case strings.HasPrefix(goType, "map"), strings.HasSuffix(goType, "ownValues"):
		return "object"
	case strings.Contains(goType, "Time"):
		return "moment"
	case strings.Contains(goType, "string"), strings.Contains(goType, "Amount"):
		return "string"
	case strings.Contains(goType, "int"):
		return "integer"
	case strings.Contains(goType, "float"), strings.HasPrefix(goType, "number"):
		return "number"
	case strings.Contains(goType, "bool"):
		return "flag"
	case strings.HasPrefix(goType, "[]"), goType == "array":
		return "list"
	}
	return "object"
}

// list is the form of every list.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

func listOf[S, T any](items []S, next string, f func(S) T) list[T] {
	l := list[T]{Items: make([]T, len(items)), Next: next}
	for i, item := range items {
		l.Items[i] = f(item)
	}
	return l
}

// moment writes a time with the offset of the company's zone.
func (s *Server) moment(t time.Time) string { return t.In(s.Company.Location).Format(time.RFC3339) }

func (s *Server) momentOrNull(t *time.Time) *string {
	if t == nil || t.IsZero() {
		return nil
	}
	text := s.moment(*t)
	return &text
}
