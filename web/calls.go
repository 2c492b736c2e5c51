package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
)

// callsPage is what templates/calls.html shows: the calls at the person's telephone at this moment. Its part "calls" stands
// on every page and is fetched anew when the bell says that something changed.
type callsPage struct {
	page
	Calls     []callCard
	Extension string // of the person; "": nobody knows which telephone is theirs
	Chosen    int64  // the call whose lead is being looked for
	Q         string
	Leads     []leadLine // open ones that fit
	Problem   string
	callLog
}

// callCard is a call with what is known of the other side.
type callCard struct {
	repository.LiveCall
	Title  string // rings, talks, calls
	Number string // as the person may see it
	Who    string // contact and firm
	Lead   *callLead
	Asks   bool // nobody knows the number: the person says who it is
}

// callLead is the open lead of the other side.
type callLead struct {
	ID                        int64
	Title, Stage, Owner, Step string
	Visible                   bool // the person may open its card
}

func (s *Server) showCalls(c *gin.Context, actor staff.Actor) error {
	p, err := s.callsPage(c, actor)
	if err != nil {
		return err
	}
	if c.GetHeader(partHeader) != "" {
		s.pages.showPart(c, http.StatusOK, "calls", p)
		return nil
	}
	return s.showCallsAndLog(c, actor, http.StatusOK, p)
}

func (s *Server) showCallsAndLog(c *gin.Context, actor staff.Actor, status int, p callsPage) (err error) {
	if p.callLog, err = s.callLog(c.Request.Context(), actor, p.page, c.Request.URL.Query()); err != nil {
		return err
	}
	s.pages.show(c, status, "calls", p)
	return nil
}

func (s *Server) callsPage(c *gin.Context, actor staff.Actor) (callsPage, error) {
	ctx := c.Request.Context()
	p := callsPage{page: s.page(c, actor, "calls.title"), Q: strings.TrimSpace(c.Query("q"))}
	p.Chosen, _ = strconv.ParseInt(c.Query("call"), 10, 64)
	w, err := s.words(ctx, p.Lang)
	if err != nil {
		return p, err
	}
	var calls []repository.LiveCall
	if p.Extension, calls, err = s.liveCalls(ctx, actor); err != nil {
		return p, err
	}
	for _, call := range calls {
		card, err := s.callCard(ctx, actor, p.page, w, call)
		if err != nil {
			return p, err
		}
		p.Calls = append(p.Calls, card)
	}
	if p.Chosen == 0 {
		return p, nil
	}
	return p, s.searchLeads(ctx, actor, w, &p)
}

// liveCalls are the calls at the person's telephone, and its extension.
func (s *Server) liveCalls(ctx context.Context, actor staff.Actor) (string, []repository.LiveCall, error) {
	people, err := s.Staff.Directory(ctx, s.Pool)
	if err != nil {
		return "", nil, err
	}
	own, _ := people.Employee(actor.ID)
	calls, err := s.Leads.LiveCalls(ctx, own.Extension, s.Now())
	return own.Extension, calls, err
}

func (s *Server) callCard(ctx context.Context, actor staff.Actor, p page, w words, call repository.LiveCall) (callCard, error) {
	card := callCard{LiveCall: call, Number: call.Number, Title: p.T("calls." + call.State)}
	if call.Direction == leads.DirectionOut {
		card.Title = p.T("calls.out")
	}
	if staff.ScopeOf(actor).Masked {
		card.Number = masked(call.Number)
	}
	card.Who = strings.Trim(call.Contact+", "+call.Client, ", ")
	card.Asks = !call.Filed && call.LeadID == 0 && !call.NotClient && call.Number != "" && call.Direction != leads.DirectionOut
	if call.LeadID == 0 {
		return card, nil
	}
	lead, err := s.callLead(ctx, actor, p, w, call.LeadID)
	card.Lead = lead
	return card, err
}

// callLead says where the lead is, and whose. Whoever's telephone rings is told, though the card is not everybody's to open.
func (s *Server) callLead(ctx context.Context, actor staff.Actor, p page, w words, id int64) (*callLead, error) {
	lead, err := s.Leads.Lead(ctx, id)
	if err != nil {
		return nil, err
	}
	l := &callLead{ID: id, Title: lead.Title, Stage: w.Stage(lead.Funnel, lead.Stage), Owner: p.T("lead.no_owner")}
	if lead.Owner != nil {
		l.Owner = lead.Owner.Name
	}
	open, err := s.Processes.Tasks(ctx, processes.TaskFilter{Subject: id, Status: processes.TaskOpen, Limit: 1})
	if err != nil {
		return nil, err
	}
	for _, t := range open.Items {
		line := p.line(t)
		l.Step = strings.Trim(line.Title+": "+line.NextStep, ": ")
	}
	_, err = s.visibleLead(ctx, actor, id)
	if l.Visible = err == nil; errors.Is(err, leads.ErrNotFound) {
		err = nil
	}
	return l, err
}

// foundLeads is how many leads the search of a call offers.
const foundLeads = 10

// searchLeads looks for the open lead that the call is about.
func (s *Server) searchLeads(ctx context.Context, actor staff.Actor, w words, p *callsPage) error {
	found, err := s.Leads.Leads(ctx, repository.LeadFilter{Status: leads.StatusOpen, Q: p.Q, VisibleTo: staff.ScopeOf(actor).VisibleTo, Limit: foundLeads})
	if err != nil {
		return err
	}
	for _, row := range found.Items {
		p.Leads = append(p.Leads, p.leadLine(row, w, staff.ScopeOf(actor).Masked))
	}
	return nil
}

// onCall does what a person decides about a call, and goes where that leads.
func (s *Server) onCall(decide func(*gin.Context, staff.Actor, int64) (repository.Captured, error)) personHandler {
	return func(c *gin.Context, actor staff.Actor) error {
		id, err := pathID(c, "id")
		if err != nil {
			return err
		}
		made, err := decide(c, actor, id)
		status := http.StatusOK
		if err != nil {
			status = statusOf(err)
		}
		switch {
		case status == http.StatusUnprocessableEntity || status == http.StatusConflict:
			return s.showCallsAgain(c, actor, err, status)
		case err != nil:
			return err
		case made.LeadID != 0:
			s.flash(c, "done.call")
			c.Redirect(http.StatusSeeOther, leadAddress(made.LeadID))
		default:
			s.flash(c, "done.not_client")
			c.Redirect(http.StatusSeeOther, "/calls")
		}
		return nil
	}
}

func (s *Server) showCallsAgain(c *gin.Context, actor staff.Actor, cause error, status int) error {
	p, err := s.callsPage(c, actor)
	if err != nil {
		return errors.Join(cause, err)
	}
	p.Problem = p.refused(cause, status).Text
	return s.showCallsAndLog(c, actor, status, p)
}

func (s *Server) openCall(c *gin.Context, actor staff.Actor, id int64) (repository.Captured, error) {
	return s.Casework.OpenCall(c.Request.Context(), actor, id)
}

func (s *Server) attachCall(c *gin.Context, actor staff.Actor, id int64) (repository.Captured, error) {
	lead, err := strconv.ParseInt(c.PostForm("lead"), 10, 64)
	if err != nil {
		return repository.Captured{}, errBadRequest
	}
	if _, err := s.visibleLead(c.Request.Context(), actor, lead); err != nil {
		return repository.Captured{}, err
	}
	return s.Casework.AttachCall(c.Request.Context(), actor, id, lead)
}

func (s *Server) notAClient(c *gin.Context, actor staff.Actor, id int64) (repository.Captured, error) {
	return s.Casework.NotAClient(c.Request.Context(), actor, id)
}

// callsState is what the page compares: when it differs from the last one, the calls are fetched anew.
func (s *Server) callsState(ctx context.Context, actor staff.Actor) ([]byte, error) {
	_, calls, err := s.liveCalls(ctx, actor)
	if err != nil {
		return nil, err
	}
	type state struct {
		ID    int64  `json:"id"`
		State string `json:"state"`
		Filed bool   `json:"filed"`
	}
	all := make([]state, 0, len(calls))
	for _, call := range calls {
		all = append(all, state{call.ID, call.State, call.Filed})
	}
	return json.Marshal(all)
}
