package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgconn"

	"marshrut/connectors/charset"
	"marshrut/internal/staff"
	"marshrut/leads/repository"
)

// deadPage is what templates/dead-letters.html shows.
type deadPage struct {
	page
	List      []repository.DeadLetter
	Next      string
	Discarded bool
}

func (s *Server) showDead(c *gin.Context, actor staff.Actor) error {
	p := deadPage{page: s.page(c, actor, "dead.title"), Discarded: c.Query("state") == "discarded"}
	f := repository.DeadFilter{Connection: c.Query("connection"), Cursor: c.Query("cursor")}
	if p.Discarded {
		f.State = "discarded"
	}
	found, err := s.Leads.DeadLetters(c.Request.Context(), f)
	if err != nil {
		return err
	}
	p.List, p.Next = found.Items, with(c.Request.URL.Query(), "cursor", found.Next)
	s.pages.show(c, http.StatusOK, "dead-letters", p)
	return nil
}

// deadLetterPage is what templates/dead-letter.html shows: why a message was not processed, and what came.
type deadLetterPage struct {
	page
	Letter      repository.DeadLetter
	ContentType string
	Raw         string
	Attributes  []detail
	MayReplay   bool
	Hidden      bool
	Problem     string
	Repairs     string
	Reason      string
}

func (s *Server) showDeadLetter(c *gin.Context, actor staff.Actor) error {
	p, err := s.deadLetterPage(c, actor)
	if err != nil {
		return err
	}
	s.pages.show(c, http.StatusOK, "dead-letter", p)
	return nil
}

func (s *Server) deadLetterPage(c *gin.Context, actor staff.Actor) (deadLetterPage, error) {
	p := deadLetterPage{page: s.page(c, actor, "dead.one"), MayReplay: actor.Can(staff.ReplayDeadLetters)}
	letter, event, err := s.Leads.DeadLetter(c.Request.Context(), c.Param("id"))
	if err != nil {
		return p, err
	}
	p.Letter, p.ContentType = letter, event.DataContentType
	p.Raw = readable(event.Data)
	if p.Hidden = staff.ScopeOf(actor).Masked; p.Hidden {
		p.Raw = masked(p.Raw)
	}
	for key, value := range event.Attributes {
		p.Attributes = append(p.Attributes, detail{key, strings.ToValidUTF8(value, "·")})
	}
	slices.SortFunc(p.Attributes, func(a, b detail) int { return strings.Compare(a.Name, b.Name) })
	return p, nil
}

// maxShown bounds what a page shows of a message.
const maxShown = 64 << 10

// readable shows raw bytes: JSON indented, text in whatever encoding it reads like, and else what it is.
func readable(raw []byte) string {
	more := ""
	if len(raw) > maxShown {
		raw, more = raw[:maxShown], "\n…"
	}
	var packed string
	var pretty bytes.Buffer
	switch {
	case json.Unmarshal(raw, &packed) == nil && packed != "": // one JSON text: what it says
		raw = []byte(packed)
	case json.Indent(&pretty, raw, "", "  ") == nil:
		return pretty.String()
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' {
			return '·'
		}
		return r
	}, charset.Decode(raw, "")) + more
}

func (s *Server) replayDead(c *gin.Context, actor staff.Actor) error {
	repairs, err := pairsOf(c.PostForm("repairs"))
	if err != nil {
		return s.showDeadAgain(c, actor, err)
	}
	captured, err := s.Intake.Replay(c.Request.Context(), actor.ID, c.Param("id"), repairs)
	if err != nil {
		return s.showDeadAgain(c, actor, err)
	}
	s.flash(c, "done.replayed")
	to := "/dead-letters"
	if captured.LeadID != 0 {
		to = leadAddress(captured.LeadID)
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

func (s *Server) discardDead(c *gin.Context, actor staff.Actor) error {
	reason := strings.TrimSpace(c.PostForm("reason"))
	if reason == "" {
		return s.showDeadAgain(c, actor, invalid{"reason", "dead.reason_needed"})
	}
	if err := s.Intake.Discard(c.Request.Context(), actor.ID, c.Param("id"), reason); err != nil {
		return s.showDeadAgain(c, actor, err)
	}
	s.flash(c, "done.discarded")
	c.Redirect(http.StatusSeeOther, "/dead-letters")
	return nil
}

// showDeadAgain shows the message with why it still cannot be processed: the intake says it in words for people.
func (s *Server) showDeadAgain(c *gin.Context, actor staff.Actor, cause error) error {
	status := statusOf(cause)
	var database *pgconn.PgError
	if status == http.StatusNotFound || status == http.StatusForbidden || errors.As(cause, &database) || errors.Is(cause, c.Request.Context().Err()) {
		return cause
	}
	p, err := s.deadLetterPage(c, actor)
	if err != nil {
		return cause
	}
	switch status {
	case http.StatusInternalServerError:
		status, p.Problem = http.StatusUnprocessableEntity, cause.Error()
	default:
		p.Problem = p.errorText(cause, status)
	}
	p.Repairs, p.Reason = c.PostForm("repairs"), c.PostForm("reason")
	s.pages.show(c, status, "dead-letter", p)
	return nil
}
