package web

import (
	_ "embed"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"marshrut/connectors/registry"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes/casework"
)

//go:embed openapi.yaml
var openAPI []byte

// apiDocument serves the description of the API. It is no secret: who builds against it may have no token yet.
func (s *Server) apiDocument(c *gin.Context) {
	c.Data(http.StatusOK, "application/yaml; charset=utf-8", openAPI)
}

// apiEmployee is somebody who works here, as pickers need it.
type apiEmployee struct {
	ID         string           `json:"id"`
	Login      string           `json:"login"`
	Name       string           `json:"name"`
	Team       string           `json:"team"`
	Permission staff.Permission `json:"permission"`
	Roles      []string         `json:"roles"`
	Disabled   bool             `json:"disabled"`
}

// apiMe tells a program whose token it holds, and what that person may do.
func (s *Server) apiMe(c *gin.Context, actor staff.Actor) error {
	actions := []staff.Action{}
	for _, action := range staff.Actions() {
		if actor.Can(action) {
			actions = append(actions, action)
		}
	}
	people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
	if err != nil {
		return err
	}
	own, _ := people.Employee(actor.ID) // the actor's language is that of this answer
	c.JSON(http.StatusOK, gin.H{"id": idText(actor.ID), "login": actor.Login, "name": actor.Name, "language": s.apiLanguage(staff.ActorOf(own)),
		"permission": actor.Permission, "roles": orEmpty(actor.Roles), "actions": actions})
	return nil
}

func (s *Server) apiEmployees(c *gin.Context, _ staff.Actor) error {
	if err := knownQuery(c, "role"); err != nil {
		return err
	}
	people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
	if err != nil {
		return err
	}
	list := []apiEmployee{}
	for _, e := range people.Employees() {
		if role := c.Query("role"); role != "" && !people.Holds(e.ID, role) {
			continue
		}
		list = append(list, apiEmployee{idText(e.ID), e.Login, e.Name, e.Team, e.Permission, orEmpty(e.Roles), e.Disabled()})
	}
	c.JSON(http.StatusOK, listOf(list, "", func(e apiEmployee) apiEmployee { return e }))
	return nil
}

type apiNamed struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

type apiFunnel struct {
	apiNamed
	Stages []apiStage `json:"stages"`
}

type apiStage struct {
	apiNamed
	Kind        string  `json:"kind"`
	Probability float64 `json:"probability"`
}

type apiReason struct {
	apiNamed
	Status       leads.Status `json:"status"`
	NeedsComment bool         `json:"needs_comment"`
}

type apiOwnField struct {
	apiNamed
	Kind    string   `json:"kind"`
	Choices []string `json:"choices"`
}

// apiDictionaries gives all keys that leads are described with, and their names.
func (s *Server) apiDictionaries(c *gin.Context, actor staff.Actor) error {
	if err := knownQuery(c); err != nil {
		return err
	}
	d, err := s.Leads.Dictionary(c.Request.Context(), s.Pool)
	if err != nil {
		return err
	}
	people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
	if err != nil {
		return err
	}
	either := s.apiWords(actor)
	funnels, reasons, sources, fields, roles := []apiFunnel{}, []apiReason{}, []apiNamed{}, []apiOwnField{}, []apiNamed{}
	for _, f := range d.Funnels {
		funnel := apiFunnel{apiNamed{f.Key, either(f.NameRU, f.NameEN)}, []apiStage{}}
		for _, stage := range f.Stages {
			funnel.Stages = append(funnel.Stages, apiStage{apiNamed{stage.Key, either(stage.NameRU, stage.NameEN)}, stage.Kind, stage.Probability})
		}
		funnels = append(funnels, funnel)
	}
	for _, r := range d.Reasons {
		reasons = append(reasons, apiReason{apiNamed{r.Key, either(r.NameRU, r.NameEN)}, r.Kind, r.NeedsComment})
	}
	for _, source := range d.Sources {
		sources = append(sources, apiNamed{source.Key, either(source.NameRU, source.NameEN)})
	}
	for _, f := range d.OwnFields {
		fields = append(fields, apiOwnField{apiNamed{f.Key, either(f.NameRU, f.NameEN)}, f.Kind, orEmpty(f.Choices)})
	}
	for _, role := range people.Roles() {
		roles = append(roles, apiNamed{role.Key, either(role.NameRu, role.NameEn)})
	}
	c.JSON(http.StatusOK, gin.H{"funnels": funnels, "loss_reasons": reasons, "sources": sources, "fields": fields, "roles": roles})
	return nil
}

// apiRule is a start rule. The first of a lane that fits decides which process an inquiry starts.
type apiRule struct {
	Name      string `json:"name"`
	Condition string `json:"condition"`
	Process   string `json:"process"`
	Funnel    string `json:"funnel"`
	Lane      string `json:"lane"`
	Enabled   bool   `json:"enabled"`
}

func (s *Server) apiRules(c *gin.Context, _ staff.Actor) error {
	if err := knownQuery(c); err != nil {
		return err
	}
	return s.answerRules(c)
}

func (s *Server) answerRules(c *gin.Context) error {
	rules, err := s.Casework.Rules(c.Request.Context())
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, listOf(rules, "", func(r casework.Rule) apiRule {
		return apiRule{r.Name, r.Condition, r.Process, r.Funnel, r.Lane, r.Enabled}
	}))
	return nil
}

// apiSaveRules replaces the whole list: the order is what it means.
func (s *Server) apiSaveRules(c *gin.Context, actor staff.Actor) error {
	var in struct {
		Items *[]apiRule `json:"items"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.Items == nil {
		return badField("/items", "api.required")
	}
	rules := make([]casework.Rule, len(*in.Items))
	for i, r := range *in.Items {
		rules[i] = casework.Rule{Name: r.Name, Condition: r.Condition, Process: r.Process, Funnel: r.Funnel, Lane: r.Lane, Enabled: r.Enabled}
	}
	err := s.Casework.SaveRules(c.Request.Context(), actor, rules)
	var wrong casework.RuleProblems
	if errors.As(err, &wrong) {
		either := s.apiWords(actor)
		refused := &apiProblem{Status: http.StatusUnprocessableEntity, Detail: either(wrong[0].Message, wrong[0].MessageEn)}
		for _, p := range wrong {
			refused.Errors = append(refused.Errors, fieldError{Pointer: "/items/" + strconv.Itoa(p.Rule), Detail: either(p.Message, p.MessageEn)})
		}
		return refused
	}
	if err != nil {
		return err
	}
	return s.answerRules(c)
}

// apiDead is a message that could not be processed, and why.
type apiDead struct {
	ID         string        `json:"id"`
	Connection string        `json:"connection"`
	Channel    leads.Channel `json:"channel"`
	ReceivedAt string        `json:"received_at"`
	VendorID   string        `json:"vendor_id"`
	State      string        `json:"state"`
	Reason     string        `json:"reason"`
	Fault      string        `json:"fault"`
	Attempts   int           `json:"attempts"`
	Repeats    int           `json:"repeats"`
}

func (s *Server) apiDeadLetters(c *gin.Context, _ staff.Actor) error {
	if err := knownQuery(c, "state", "connection", "limit", "cursor"); err != nil {
		return err
	}
	f := repository.DeadFilter{State: c.Query("state"), Connection: c.Query("connection"), Cursor: c.Query("cursor")}
	if f.State != "" && f.State != "dead" && f.State != "discarded" {
		return badField("/query/state", "api.dead_states")
	}
	var err error
	if f.Limit, err = limitOf(c); err != nil {
		return err
	}
	page, err := s.Leads.DeadLetters(c.Request.Context(), f)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, listOf(page.Items, page.Next, func(d repository.DeadLetter) apiDead {
		return apiDead{d.ID, d.Connection, d.Channel, s.moment(d.ReceivedAt), d.VendorID, d.Filed.State, d.Filed.Reason, d.Filed.Fault, d.Filed.Attempts, d.Filed.Repeats}
	}))
	return nil
}

// apiReplay runs a dead message again in its place, with values that take the place of what came.
func (s *Server) apiReplay(c *gin.Context, actor staff.Actor) error {
	var in struct {
		Repairs map[string]string `json:"repairs"`
	}
	if err := readOptionalJSON(c, &in); err != nil {
		return err
	}
	captured, err := s.Intake.Replay(c.Request.Context(), actor.ID, c.Param("id"), in.Repairs)
	if err != nil {
		return err
	}
	out := gin.H{"inquiry": captured.InquiryID, "outcome": captured.Outcome, "lead": nil}
	if captured.LeadID != 0 {
		out["lead"] = idText(captured.LeadID)
	}
	c.JSON(http.StatusOK, out)
	return nil
}

func (s *Server) apiDiscard(c *gin.Context, actor staff.Actor) error {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if strings.TrimSpace(in.Reason) == "" {
		return badField("/reason", "api.required")
	}
	if err := s.Intake.Discard(c.Request.Context(), actor.ID, c.Param("id"), in.Reason); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// readOptionalJSON reads a body that may be missing.
func readOptionalJSON(c *gin.Context, into any) error {
	if c.Request.ContentLength == 0 {
		return nil
	}
	return readJSON(c, into)
}

// apiConnection is a configured connection and what happens on it. Its address holds its token and is not here.
type apiConnection struct {
	Name        string             `json:"name"`
	Title       string             `json:"title"`
	Connector   string             `json:"connector"`
	Provider    string             `json:"provider"`
	Source      string             `json:"source"`
	Enabled     bool               `json:"enabled"`
	FromConfig  bool               `json:"from_config"`
	State       apiConnectionState `json:"state"`
	LastAt      *string            `json:"last_event_at"`
	ConfirmedAt *string            `json:"confirmed_at"`
	Today       map[string]int64   `json:"today"`
	Month       map[string]int64   `json:"month"`
	CreatedAt   string             `json:"created_at"`
	Paused      []apiPause         `json:"paused"`
}

// apiPause is why nothing goes out through a connection at present.
type apiPause struct {
	Reason  string `json:"reason"`
	Needs   string `json:"needs"`
	Waiting int    `json:"waiting"`
	Since   string `json:"since"`
	Until   string `json:"until"`
}

func (s *Server) apiPauses(lines []pauseLine, connection string) []apiPause {
	paused := []apiPause{}
	for _, l := range lines {
		needs := "time"
		if l.Person {
			needs = "administrator"
		}
		if l.Via == connection {
			paused = append(paused, apiPause{l.Why, needs, l.Waiting, s.moment(l.Since), s.moment(l.Until)})
		}
	}
	return paused
}

type apiConnectionState struct {
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func (s *Server) apiConnections(c *gin.Context, actor staff.Actor) error {
	if err := knownQuery(c); err != nil {
		return err
	}
	found, err := s.Connections.List(c.Request.Context(), s.Now())
	if err != nil {
		return err
	}
	language := s.apiLanguage(actor)
	pauses, err := s.pauses(c.Request.Context(), language, "")
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, listOf(found, "", func(v registry.View) apiConnection {
		return apiConnection{Name: v.Name, Title: v.Title, Connector: v.Connector, Provider: v.Provider, Source: v.Source, Enabled: v.Enabled, FromConfig: v.FromConfig,
			State:  apiConnectionState{v.State.Code, v.State.Title.In(language), v.State.Detail.In(language)},
			LastAt: s.momentOrNull(v.LastAt), ConfirmedAt: s.momentOrNull(v.ConfirmedAt), Today: counted(v.Today), Month: counted(v.Month), CreatedAt: s.moment(v.CreatedAt),
			Paused: s.apiPauses(pauses, v.Name)}
	}))
	return nil
}

func counted(counts map[string]int64) map[string]int64 {
	if counts == nil {
		return map[string]int64{}
	}
	return counts
}
