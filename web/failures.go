package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"marshrut/connectors/registry"
	"marshrut/internal/staff"
	"marshrut/leads/repository"
)

// failureLine is something a connection could not take.
type failureLine struct {
	registry.Failed
	What string
}

// failures are those of a connection.
func (s *Server) failures(ctx context.Context, language, connection string) ([]failureLine, error) {
	found, err := s.Connections.Failures(ctx, connection)
	if err != nil {
		return nil, err
	}
	lines := make([]failureLine, len(found))
	for i, f := range found {
		lines[i] = failureLine{f, s.Connections.NameItem(connection, f.Part, f.Item).In(language)}
	}
	return lines, nil
}

// retryFailure asks the poller to take once more what it could not.
func (s *Server) retryFailure(c *gin.Context, actor staff.Actor) error {
	if err := s.failureAgain(c.Request.Context(), actor, c.Param("name"), c.PostForm("part"), c.PostForm("item")); err != nil {
		return err
	}
	return s.failureDecided(c, "done.again")
}

// leaveFailure gives it up.
func (s *Server) leaveFailure(c *gin.Context, actor staff.Actor) error {
	reason := strings.TrimSpace(c.PostForm("reason"))
	if reason == "" {
		return s.failureReasonNeeded(c, actor)
	}
	if err := s.failureLeft(c.Request.Context(), actor, c.Param("name"), c.PostForm("part"), c.PostForm("item"), reason); err != nil {
		return err
	}
	return s.failureDecided(c, "done.left")
}

func (s *Server) failureReasonNeeded(c *gin.Context, actor staff.Actor) error {
	v, err := s.Connections.View(c.Request.Context(), c.Param("name"), s.Now())
	if err != nil {
		return err
	}
	p, err := s.connectionPage(c, actor, v, false, nil)
	if err != nil {
		return err
	}
	p.Problems = append(p.Problems, p.T("connections.failure_reason_needed"))
	s.pages.show(c, http.StatusUnprocessableEntity, "connection", p)
	return nil
}

func (s *Server) failureDecided(c *gin.Context, done string) error {
	s.flash(c, done)
	c.Redirect(http.StatusSeeOther, "/connections/at/"+c.Param("name")+"#failures")
	return nil
}

// failureAgain and failureLeft make a decision with its line in the journal.
func (s *Server) failureAgain(ctx context.Context, actor staff.Actor, connection, part, item string) error {
	return s.carryOut(ctx, actor, func(ctx context.Context, tx pgx.Tx) (repository.Entry, error) {
		return repository.Entry{Object: "connection:" + connection, Action: "failure.retried", Data: map[string]any{"part": part, "item": item}},
			s.Connections.Retry(ctx, tx, s.Now(), connection, part, item)
	})
}

func (s *Server) failureLeft(ctx context.Context, actor staff.Actor, connection, part, item, reason string) error {
	return s.carryOut(ctx, actor, func(ctx context.Context, tx pgx.Tx) (repository.Entry, error) {
		return repository.Entry{Object: "connection:" + connection, Action: "failure.left", Data: map[string]any{"part": part, "item": item, "reason": reason}},
			s.Connections.Leave(ctx, tx, s.Now(), connection, part, item, actor.Name, reason)
	})
}

// apiFailure is something a connection could not take.
type apiFailure struct {
	Part     string  `json:"part"`
	Item     string  `json:"item"`
	What     string  `json:"what"`
	Reason   string  `json:"reason"`
	Attempts int     `json:"attempts"`
	State    string  `json:"state"`
	Since    string  `json:"since"`
	LastAt   string  `json:"last_at"`
	LeftAt   *string `json:"left_at"`
	LeftBy   string  `json:"left_by"`
	LeftWhy  string  `json:"left_reason"`
}

func (s *Server) apiFailures(c *gin.Context, actor staff.Actor) error {
	if err := knownQuery(c); err != nil {
		return err
	}
	ctx, name := c.Request.Context(), c.Param("name")
	if _, err := s.Connections.View(ctx, name, s.Now()); err != nil {
		return err
	}
	lines, err := s.failures(ctx, s.apiLanguage(actor), name)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, listOf(lines, "", func(l failureLine) apiFailure {
		return apiFailure{l.Part, l.Item, l.What, l.Reason, l.Attempts, l.State(), s.moment(l.Since), s.moment(l.LastAt), s.momentOrNull(l.LeftAt), l.LeftBy, l.LeftWhy}
	}))
	return nil
}

func (s *Server) apiRetryFailure(c *gin.Context, actor staff.Actor) error {
	var in struct {
		Part string `json:"part"`
		Item string `json:"item"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if err := s.failureAgain(c.Request.Context(), actor, c.Param("name"), in.Part, in.Item); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

func (s *Server) apiLeaveFailure(c *gin.Context, actor staff.Actor) error {
	var in struct {
		Part   string `json:"part"`
		Item   string `json:"item"`
		Reason string `json:"reason"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if strings.TrimSpace(in.Reason) == "" {
		return badField("/reason", "api.required")
	}
	if err := s.failureLeft(c.Request.Context(), actor, c.Param("name"), in.Part, in.Item, in.Reason); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}
