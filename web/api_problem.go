package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/processes"
	"marshrut/processes/casework"
	"marshrut/processes/engine"
	"marshrut/reports"
)

// apiProblem is a problem document (RFC 9457). Steps are what a task still takes; Errors point into the request.
type apiProblem struct {
	Type     string               `json:"type"`
	Title    string               `json:"title"`
	Status   int                  `json:"status"`
	Detail   string               `json:"detail,omitempty"`
	Instance string               `json:"instance"`
	Steps    []engine.MissingStep `json:"steps,omitempty"`
	Errors   []fieldError         `json:"errors,omitempty"`
	Problems []bpmnProblem        `json:"problems,omitempty"` // of a route map
	says     said                 // the detail as a text of the catalogue
}

// said is a text of the catalogue with what stands in it. Handlers say by it what is wrong, and problem, in one place, in
// which language.
type said struct {
	key  string
	args []any
}

func (s said) in(texts catalogue) string {
	args := slices.Clone(s.args)
	for i, arg := range args {
		if inner, ok := arg.(said); ok {
			args[i] = inner.in(texts)
		}
	}
	return texts.text(s.key, args...)
}

// fieldError points to what is wrong in the request (RFC 6901; a parameter of the address is /query/NAME).
type fieldError struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
	says    said
}

func (p *apiProblem) Error() string {
	switch {
	case p.Detail != "":
		return p.Detail
	case len(p.Errors) > 0:
		return p.Errors[0].Pointer + ": " + cmp.Or(p.Errors[0].Detail, p.Errors[0].says.key)
	case p.says.key != "":
		return p.says.key
	}
	return http.StatusText(p.Status)
}

// badField is a request that is not as documented: key and args say what is wrong at the pointer.
func badField(pointer, key string, args ...any) *apiProblem {
	return &apiProblem{Status: http.StatusUnprocessableEntity, says: said{key: "api.not_documented"}, Errors: []fieldError{{Pointer: pointer, says: said{key, args}}}}
}

// translate fills in what is said by keys.
func (p *apiProblem) translate(texts catalogue) {
	if p.says.key != "" {
		p.Detail = p.says.in(texts)
	}
	p.Errors = slices.Clone(p.Errors)
	for i := range p.Errors {
		if e := &p.Errors[i]; e.says.key != "" {
			e.Detail = e.says.in(texts)
		}
	}
}

// problem is the one place that turns errors of the API into answers. What we did wrong is logged here, once.
func (s *Server) problem(c *gin.Context, actor staff.Actor, err error) {
	language := s.wished(c, actor)
	texts := s.pages.texts[language]
	p := describe(err, language, texts)
	p.translate(texts)
	s.report(c, p.Status, err)
	p.Type, p.Title, p.Instance = "about:blank", texts.text("problem."+strconv.Itoa(p.Status)), c.Request.URL.Path
	if p.Status == http.StatusUnauthorized {
		c.Header("WWW-Authenticate", `Bearer realm="marshrut"`)
	}
	c.Header("Content-Type", "application/problem+json")
	c.JSON(p.Status, p)
}

// describe says what an error means to a program, with words for its user.
func describe(err error, language string, texts catalogue) apiProblem {
	var (
		ready    *apiProblem
		refusal  *engine.Refusal
		badQuery *reports.BadQuery
		value    *leads.Invalid
		status   = statusOf(err)
	)
	switch {
	case errors.As(err, &ready):
		return *ready
	case errors.As(err, &refusal):
		return apiProblem{Status: refusalStatus(refusal.Kind), Detail: refusalText(refusal, language), Steps: refusal.Steps}
	case errors.As(err, &badQuery):
		return apiProblem{Status: http.StatusUnprocessableEntity, Detail: badQuery.Error(), Errors: []fieldError{{Pointer: "/query/" + badQuery.Field, Detail: badQuery.Message}}}
	case errors.As(err, &value):
		return apiProblem{Status: http.StatusUnprocessableEntity, Detail: value.In(language)}
	case errors.Is(err, staff.ErrNoSession):
		return apiProblem{Status: http.StatusUnauthorized}
	case errors.Is(err, processes.ErrCursor):
		return *badField("/query/cursor", "api.cursor")
	case status == http.StatusNotFound, status >= http.StatusInternalServerError:
		return apiProblem{Status: status}
	case errors.Is(err, leads.ErrStale):
		return apiProblem{Status: status, says: said{key: "api.stale"}}
	case errors.Is(err, leads.ErrConflict):
		return apiProblem{Status: status, says: said{key: "api.conflict"}}
	case language == "en" && errors.Is(err, leads.ErrInvalid):
		return apiProblem{Status: status, Detail: ownWords(err, leads.ErrInvalid)}
	}
	return apiProblem{Status: status, Detail: meaning(err, status, texts)}
}

// refusalStatus: what somebody else has changed is a conflict, what the person has to change is unprocessable.
func refusalStatus(kind error) int {
	switch {
	case errors.Is(kind, engine.ErrNotAllowed):
		return http.StatusForbidden
	case slices.ContainsFunc([]error{engine.ErrNotWaiting, engine.ErrStale, engine.ErrAlreadyDone, engine.ErrOutOfOrder, casework.ErrNoWay, leads.ErrConflict}, func(e error) bool { return errors.Is(kind, e) }):
		return http.StatusConflict
	}
	return http.StatusUnprocessableEntity
}

// workRefused is what working a task answers: that it is somebody else's is a conflict like any other in its way.
func workRefused(err error, language string) error {
	var refusal *engine.Refusal
	if errors.As(err, &refusal) && errors.Is(refusal.Kind, engine.ErrNotAllowed) {
		return &apiProblem{Status: http.StatusConflict, Detail: refusalText(refusal, language), Steps: refusal.Steps}
	}
	return err
}

func refusalText(r *engine.Refusal, language string) string {
	if language == "en" && r.MessageEn != "" {
		return r.MessageEn
	}
	return r.Message
}

// refusedField is a refusal of one value in the request: the words of the room that refused it, beside the place.
func refusedField(pointer string, err error, language string) error {
	var refusal *engine.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	text := refusalText(refusal, language)
	return &apiProblem{Status: refusalStatus(refusal.Kind), Detail: text, Errors: []fieldError{{Pointer: pointer, Detail: text}}}
}

// ownWords is what the room that refused a value said of it, without what we were doing around it and without the name of
// the kind of error.
func ownWords(err, kind error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil || inner == kind {
			break
		}
		err = inner
	}
	text := strings.TrimSuffix(err.Error(), ": "+kind.Error())
	return strings.TrimPrefix(text, kind.Error()+": ")
}

// apiMissing answers addresses under /api/v1 that lead nowhere, or not by this method.
func (s *Server) apiMissing(c *gin.Context, status int) {
	s.problem(c, staff.Actor{}, &apiProblem{Status: status})
}

// underAPI tells whether a program asks.
func underAPI(c *gin.Context) bool { return strings.HasPrefix(c.Request.URL.Path, "/api/") }
