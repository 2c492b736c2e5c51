package web

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/leads/repository"
	"marshrut/pipeline/delivery"
)

// pauseLine is a connection through which nothing goes out at present.
type pauseLine struct {
	delivery.Pause
	Name string // of a web hook without its path, which may hold a token
	Why  string
}

// pauses tells what is paused; of one configured connection, or of all ("").
func (s *Server) pauses(ctx context.Context, language, connection string) ([]pauseLine, error) {
	list, err := delivery.Pauses(ctx, s.Pool)
	if err != nil {
		return nil, err
	}
	var lines []pauseLine
	for _, p := range list {
		if connection == "" || p.Via == connection {
			lines = append(lines, pauseLine{p, delivery.Label(p.Via), p.In(language)})
		}
	}
	return lines, nil
}

// resumeDeliveries tries a paused connection at once.
func (s *Server) resumeDeliveries(c *gin.Context, actor staff.Actor) error {
	return s.decide(c, actor, "done.retrying", s.resume(c.PostForm("connection")))
}

// resumeConnection is resumeDeliveries from the page of the connection.
func (s *Server) resumeConnection(c *gin.Context, actor staff.Actor) error {
	if err := s.carryOut(c.Request.Context(), actor, s.resume(c.Param("name"))); err != nil {
		return err
	}
	s.flash(c, "done.retrying")
	c.Redirect(http.StatusSeeOther, "/connections/at/"+c.Param("name"))
	return nil
}

func (s *Server) resume(connection string) decision {
	return func(ctx context.Context, tx pgx.Tx) (repository.Entry, error) {
		return repository.Entry{Object: "connection:" + delivery.Label(connection), Action: "delivery.resumed"}, delivery.Resume(ctx, tx, s.Now(), connection)
	}
}

// resumeIfPaused is what a test that went well does, which is no event of its own.
func (s *Server) resumeIfPaused(ctx context.Context, actor staff.Actor, connection string) error {
	if held, err := s.pauses(ctx, "", connection); err != nil || len(held) == 0 {
		return err
	}
	return s.carryOut(ctx, actor, s.resume(connection))
}
