package web

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/gin-gonic/gin"

	"marshrut/connectors"
	"marshrut/connectors/registry"
	"marshrut/internal/blobs"
	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/pipeline/delivery"
	"marshrut/processes"
	"marshrut/processes/casework"
	"marshrut/processes/engine"
	"marshrut/reports"
)

// errorPage is what templates/error.html shows.
type errorPage struct {
	page
	Status int
	Text   string
}

// meanings says what an error means to the one who asked. The first that fits counts.
var meanings = []struct {
	kind   error
	status int
}{
	{leads.ErrNotFound, http.StatusNotFound},
	{processes.ErrNotFound, http.StatusNotFound},
	{staff.ErrNotFound, http.StatusNotFound},
	{staff.ErrNoToken, http.StatusNotFound},
	{staff.ErrDisabled, http.StatusConflict},
	{reports.ErrUnknown, http.StatusNotFound},
	{connectors.ErrUnknown, http.StatusNotFound},
	{registry.ErrNoFailure, http.StatusConflict}, // it went well meanwhile, or somebody else has decided
	{staff.ErrNotAllowed, http.StatusForbidden},
	{engine.ErrNotAllowed, http.StatusForbidden},
	{engine.ErrStepsMissing, http.StatusUnprocessableEntity},
	{engine.ErrOutOfOrder, http.StatusUnprocessableEntity},
	{engine.ErrInvalidValue, http.StatusUnprocessableEntity},
	{engine.ErrUnknownOutcome, http.StatusUnprocessableEntity},
	{engine.ErrUnknownStep, http.StatusUnprocessableEntity},
	{engine.ErrStale, http.StatusConflict},
	{engine.ErrNotWaiting, http.StatusConflict},
	{engine.ErrAlreadyDone, http.StatusConflict},
	{casework.ErrNoWay, http.StatusConflict},
	{leads.ErrStale, http.StatusConflict},
	{leads.ErrConflict, http.StatusConflict},
	{delivery.ErrNotFound, http.StatusConflict}, // somebody else has decided meanwhile
	{leads.ErrInvalid, http.StatusUnprocessableEntity},
	{processes.ErrInvalid, http.StatusUnprocessableEntity},
	{registry.ErrReadOnly, http.StatusConflict},
	{registry.ErrTaken, http.StatusUnprocessableEntity},
	{staff.ErrTaken, http.StatusUnprocessableEntity},
	{staff.ErrUnknownRole, http.StatusUnprocessableEntity},
	{staff.ErrLastAdmin, http.StatusConflict},
	{staff.ErrWeakPassword, http.StatusUnprocessableEntity},
	{staff.ErrCredentials, http.StatusUnprocessableEntity},
	{processes.ErrCursor, http.StatusBadRequest},
	{errBadRequest, http.StatusBadRequest},
	{errTooLarge, http.StatusRequestEntityTooLarge},
	{blobs.ErrNotFound, http.StatusNotFound},
}

// statusOf says what an error means to the one who asked.
func statusOf(err error) int {
	for _, m := range meanings {
		if errors.Is(err, m.kind) {
			return m.status
		}
	}
	var query *reports.BadQuery
	if errors.As(err, &query) {
		return http.StatusUnprocessableEntity // as in the API
	}
	if postgres.Classify(err) == postgres.Away {
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// awayFor is when to ask again while the database is away: a restart of it takes a few seconds.
const awayFor = "5"

// report logs, once, what was not the doing of the one who asked, and says when to come again if that may help.
func (s *Server) report(c *gin.Context, status int, err error) {
	ctx, log := c.Request.Context(), s.Log.ErrorContext
	switch status {
	case http.StatusServiceUnavailable:
		c.Header("Retry-After", awayFor)
		log = s.Log.WarnContext // as long as it is away every request says so
	case http.StatusInternalServerError:
	default:
		return
	}
	if ctx.Err() == nil { // else the person has gone to another page
		log(ctx, "request failed", "status", status, "route", c.FullPath(), "method", c.Request.Method, "error", err)
	}
}

var errBadRequest = errors.New("the request cannot be read")

func asRefusal(err error, target **engine.Refusal) bool { return errors.As(err, target) }

// showError is the one place that turns errors into pages. What we did wrong is logged here, once.
func (s *Server) showError(c *gin.Context, actor staff.Actor, err error) {
	status := statusOf(err)
	s.report(c, status, err)
	p := errorPage{page: s.blankPage(c, "error.title"), Status: status}
	if actor.ID != 0 && status != http.StatusServiceUnavailable { // the menu counts tasks in the database
		p.page = s.page(c, actor, "error.title")
	}
	p.Text = p.errorText(err, status)
	s.pages.show(c, status, "error", p)
}

// errorText says in words what went wrong: what the rooms say to people themselves, else what the status means.
func (p page) errorText(err error, status int) string {
	var refusal *engine.Refusal
	var value invalid
	var query *reports.BadQuery
	var words *leads.Invalid
	switch {
	case errors.As(err, &refusal):
		return p.either(refusal.Message, refusal.MessageEn)
	case errors.As(err, &words):
		return words.In(p.Lang)
	case errors.As(err, &value):
		return p.T(value.Key)
	case errors.As(err, &query):
		return query.Message
	}
	return meaning(err, status, p.texts)
}

// meaning is a sentence about an error that brings none for people itself.
func meaning(err error, status int, texts catalogue) string {
	for _, saying := range sayings {
		if errors.Is(err, saying.kind) {
			return texts.text(saying.key)
		}
	}
	return texts.text(errorKeys[status])
}

// sayings are errors that have a sentence of their own.
var sayings = []struct {
	kind error
	key  string
}{
	{leads.ErrStale, "error.stale"},
	{blobs.ErrNotFound, "error.no_file"},
	{staff.ErrTaken, "people.taken"},
	{staff.ErrUnknownRole, "people.unknown_role"},
	{staff.ErrLastAdmin, "people.last_admin"},
	{staff.ErrWeakPassword, "people.weak_password"},
	{staff.ErrCredentials, "profile.wrong_password"},
	{registry.ErrReadOnly, "connections.read_only"},
	{registry.ErrTaken, "connections.taken"},
}

// notFound answers addresses that lead nowhere.
func (s *Server) notFound(c *gin.Context) {
	actor, err := s.actor(c)
	if err != nil {
		actor = staff.Actor{}
	}
	s.showError(c, actor, leads.ErrNotFound)
}

var errorKeys = map[int]string{
	http.StatusBadRequest: "error.bad_request",
	http.StatusForbidden:  "error.forbidden",
	http.StatusNotFound:   "error.not_found",
	http.StatusConflict:   "error.conflict",

	http.StatusRequestEntityTooLarge: "error.too_large",
	http.StatusUnprocessableEntity:   "error.invalid",
	http.StatusInternalServerError:   "error.ours",
	http.StatusServiceUnavailable:    "error.away",
}

// recoverPanics keeps one bad request from ending the process. Unlike gin's own it never writes headers to the log: they
// hold cookies and tokens.
func (s *Server) recoverPanics(c *gin.Context) {
	defer func() {
		if r := recover(); r != nil {
			if r == http.ErrAbortHandler { // the way net/http itself ends a broken connection
				panic(r)
			}
			s.Log.ErrorContext(c.Request.Context(), "panic in a handler", "route", c.FullPath(), "panic", r, slog.String("stack", string(debug.Stack())))
			if !c.Writer.Written() {
				c.String(http.StatusInternalServerError, "internal error")
			}
			c.Abort()
		}
	}()
	c.Next()
}
