package web

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/processes"
)

// errorPage is what templates/error.html shows.
type errorPage struct {
	page
	Status int
	Text   string
}

// statusOf says what an error means to the one who asked. Its text is the person's language, by key "error.NNN".
func statusOf(err error) int {
	switch {
	case errors.Is(err, leads.ErrNotFound), errors.Is(err, processes.ErrNotFound), errors.Is(err, staff.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, staff.ErrNotAllowed):
		return http.StatusForbidden
	case errors.Is(err, leads.ErrStale), errors.Is(err, leads.ErrConflict):
		return http.StatusConflict
	case errors.Is(err, errBadRequest):
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

var errBadRequest = errors.New("the request cannot be read")

// showError is the one place that turns errors into pages. What we did wrong is logged here, once.
func (s *Server) showError(c *gin.Context, actor staff.Actor, err error) {
	status := statusOf(err)
	if status == http.StatusInternalServerError {
		s.Log.ErrorContext(c.Request.Context(), "page failed", "route", c.FullPath(), "method", c.Request.Method, "error", err)
	}
	p := errorPage{page: s.blankPage(c, "error.title"), Status: status}
	if actor.ID != 0 {
		p.page = s.page(c, actor, "error.title")
	}
	p.Text = p.T(errorKeys[status])
	s.pages.show(c, status, "error", p)
}

var errorKeys = map[int]string{
	http.StatusBadRequest:          "error.bad_request",
	http.StatusForbidden:           "error.forbidden",
	http.StatusNotFound:            "error.not_found",
	http.StatusConflict:            "error.conflict",
	http.StatusInternalServerError: "error.ours",
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
