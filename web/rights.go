package web

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
)

// pathID reads an id from the address. What is no number is no page of ours.
func pathID(c *gin.Context, name string) (int64, error) {
	id, err := strconv.ParseInt(c.Param(name), 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("%s %.20q: %w", name, c.Param(name), leads.ErrNotFound)
	}
	return id, nil
}

// visibleLead gives a lead the actor may see; one that is none of their business is not there.
func (s *Server) visibleLead(ctx context.Context, actor staff.Actor, id int64) (repository.LeadView, error) {
	if scope := staff.ScopeOf(actor); scope.VisibleTo != nil {
		found, err := s.Leads.Leads(ctx, repository.LeadFilter{IDs: []int64{id}, VisibleTo: scope.VisibleTo, Limit: 1})
		if err != nil {
			return repository.LeadView{}, err
		}
		if len(found.Items) == 0 {
			return repository.LeadView{}, fmt.Errorf("lead %d for %s: %w", id, actor.Login, leads.ErrNotFound)
		}
	}
	return s.Leads.Lead(ctx, id)
}

// visibleTask gives a task whose lead the actor may see.
func (s *Server) visibleTask(ctx context.Context, actor staff.Actor, id int64) (processes.Task, error) {
	task, err := s.Processes.Task(ctx, id)
	if err != nil {
		return task, err
	}
	_, err = s.visibleLead(ctx, actor, task.Subject)
	return task, err
}

// mayWork tells whether to offer the task's buttons. The click itself is judged where it is written.
func (s *Server) mayWork(people *staff.Directory, actor staff.Actor, lead leads.Lead, t processes.Task) bool {
	switch {
	case actor.Can(staff.WorkOthersTasks):
		return true
	case !actor.Can(staff.WorkTasks):
		return false
	case t.Assignee == actor.ID:
		return true
	case t.Assignee == 0:
		return t.Role == "" || people.Holds(actor.ID, t.Role)
	}
	if stand, ok := people.Substitute(s.Now(), t.Assignee); ok && stand == actor.ID {
		return true
	}
	return slices.Contains(lead.Helpers, actor.ID) && (t.Role == "" || people.Holds(actor.ID, t.Role))
}

var (
	emailLike = regexp.MustCompile(`[\p{L}\d._%+-]+@[\p{L}\d.-]+\.\p{L}{2,}`)
	phoneLike = regexp.MustCompile(`\+?\d[\d\s().\x{a0}-]{5,}\d`)
)

// masked hides what a person could be called or written by, wherever it stands in a text.
func masked(text string) string {
	text = emailLike.ReplaceAllStringFunc(text, func(address string) string {
		return "•••@" + address[strings.LastIndexByte(address, '@')+1:]
	})
	return phoneLike.ReplaceAllStringFunc(text, func(number string) string {
		var digits []byte
		for i := range len(number) {
			if number[i] >= '0' && number[i] <= '9' {
				digits = append(digits, number[i])
			}
		}
		if len(digits) < 7 {
			return number
		}
		return "•••" + string(digits[len(digits)-2:])
	})
}

// maskedPoint hides the value of a point and keeps its kind.
func maskedPoint(p leads.ContactPoint) leads.ContactPoint {
	if p.Kind == leads.KindMessenger {
		p.Value = "•••"
	}
	p.Value, p.Written = masked(p.Value), ""
	return p
}
