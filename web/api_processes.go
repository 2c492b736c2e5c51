package web

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/processes"
	"marshrut/processes/bpmn"
	"marshrut/processes/engine"
)

// apiMap is a published version of a route map.
type apiMap struct {
	Key         string        `json:"key"`
	Version     int           `json:"version"`
	Name        string        `json:"name"`
	PublishedAt string        `json:"published_at"`
	PublishedBy *string       `json:"published_by"` // null: it was shipped
	Running     int           `json:"running"`
	Warnings    []bpmnProblem `json:"warnings,omitempty"`
}

// bpmnProblem is something wrong with a route map, in the language of the actor.
type bpmnProblem struct {
	Element  string        `json:"element"`
	Name     string        `json:"name"`
	Message  string        `json:"message"`
	Severity bpmn.Severity `json:"severity"`
	Line     int           `json:"line,omitempty"`
}

func (s *Server) bpmnProblems(list []bpmn.Problem, actor staff.Actor) []bpmnProblem {
	either := s.apiWords(actor)
	out := []bpmnProblem{}
	for _, p := range list {
		out = append(out, bpmnProblem{p.Element, p.Name, either(p.Message, p.MessageEn), p.Severity, p.Line})
	}
	return out
}

func (s *Server) mapJSON(d processes.Definition, people *staff.Directory) apiMap {
	v := apiMap{Key: d.Key, Version: d.Version, Name: d.Name, PublishedAt: s.moment(d.PublishedAt), Running: d.Running}
	if e, ok := people.Employee(d.PublishedBy); ok {
		v.PublishedBy = &e.Login
	}
	return v
}

func (s *Server) apiProcesses(c *gin.Context, _ staff.Actor) error {
	if err := knownQuery(c, "key"); err != nil {
		return err
	}
	people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
	if err != nil {
		return err
	}
	found, err := s.Processes.Definitions(c.Request.Context(), c.Query("key"))
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, listOf(found, "", func(d processes.Definition) apiMap { return s.mapJSON(d, people) }))
	return nil
}

// apiPublish checks the BPMN file in the body and makes it the next version; with ?check=true it is only checked. What
// forbids it is 422 with a sentence and the element for each mistake.
func (s *Server) apiPublish(c *gin.Context, actor staff.Actor) error {
	if err := knownQuery(c, "check"); err != nil {
		return err
	}
	only, err := flagOf(c, "check")
	if err != nil {
		return err
	}
	if kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err != nil || !strings.HasSuffix(kind, "xml") {
		return &apiProblem{Status: http.StatusUnsupportedMediaType, says: said{key: "api.xml_needed"}}
	}
	body, err := readBody(c, maxMap)
	if err != nil {
		return err
	}
	if only {
		return s.checkMap(c, actor, body)
	}
	d, problems, err := s.Processes.Publish(c.Request.Context(), actor, body)
	if err != nil {
		return s.mapRefused(actor, problems, err)
	}
	people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
	if err != nil {
		return err
	}
	v := s.mapJSON(d, people)
	v.Warnings = s.bpmnProblems(problems, actor)
	c.JSON(http.StatusCreated, v)
	return nil
}

func (s *Server) checkMap(c *gin.Context, actor staff.Actor, body []byte) error {
	_, problems, err := s.Processes.Check(c.Request.Context(), body)
	if err == nil && len(bpmn.Errors(problems)) > 0 {
		err = processes.ErrInvalid
	}
	if err != nil {
		return s.mapRefused(actor, problems, err)
	}
	c.JSON(http.StatusOK, gin.H{"warnings": s.bpmnProblems(problems, actor)})
	return nil
}

// mapRefused points to the elements by their ids (#id is the address of an element inside an XML file).
func (s *Server) mapRefused(actor staff.Actor, problems []bpmn.Problem, err error) error {
	texts := s.pages.texts[s.apiLanguage(actor)]
	switch {
	case errors.Is(err, bpmn.ErrNotBPMN):
		return &apiProblem{Status: http.StatusUnprocessableEntity, Detail: texts.text("processes.not_bpmn"), Errors: []fieldError{{Detail: texts.text("processes.not_bpmn")}}}
	case !errors.Is(err, processes.ErrInvalid):
		return err
	}
	refused := &apiProblem{Status: http.StatusUnprocessableEntity, Detail: texts.text("problem.map"), Problems: s.bpmnProblems(problems, actor)}
	for i, p := range problems {
		if p.Severity != bpmn.Error {
			continue
		}
		pointer := ""
		if p.Element != "" {
			pointer = "#" + p.Element
		}
		refused.Errors = append(refused.Errors, fieldError{Pointer: pointer, Detail: refused.Problems[i].Message})
	}
	return refused
}

// apiInstance is one run of a route map.
type apiInstanceView struct {
	ID        string  `json:"id"`
	Key       string  `json:"key"`
	Version   int     `json:"version"`
	Name      string  `json:"name"`
	Lead      string  `json:"lead"`
	Parent    *string `json:"parent"`
	State     string  `json:"state"`
	Revision  int     `json:"revision"`
	StartedAt string  `json:"started_at"`
	EndedAt   *string `json:"ended_at"`
}

func (s *Server) instanceJSON(i processes.Instance) apiInstanceView {
	v := apiInstanceView{ID: idText(i.ID), Key: i.Key, Version: i.Version, Name: i.Name, Lead: idText(i.Subject), State: i.State, Revision: i.Revision,
		StartedAt: s.moment(i.StartedAt), EndedAt: s.momentOrNull(i.EndedAt)}
	if i.Parent != 0 {
		parent := idText(i.Parent)
		v.Parent = &parent
	}
	return v
}

func (s *Server) apiInstances(c *gin.Context, actor staff.Actor) error {
	if err := knownQuery(c, "lead", "state", "version", "limit", "cursor"); err != nil {
		return err
	}
	filter, err := instanceFilter(c)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	if _, err := s.Processes.Definition(ctx, filter.Key, 0); err != nil {
		return err
	}
	if filter.Subject != 0 {
		if _, err := s.visibleLead(ctx, actor, filter.Subject); err != nil {
			return err
		}
	}
	page, err := s.Processes.Instances(ctx, filter)
	if err != nil {
		return err
	}
	items, err := visibleItems(ctx, s, actor, page.Items, func(i processes.Instance) int64 { return i.Subject })
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, listOf(items, page.Next, s.instanceJSON))
	return nil
}

func instanceFilter(c *gin.Context) (f processes.InstanceFilter, err error) {
	f = processes.InstanceFilter{Key: c.Param("key"), State: c.Query("state"), Cursor: c.Query("cursor")}
	if f.Limit, err = limitOf(c); err != nil {
		return f, err
	}
	if f.Version, err = numberOf(c, "version"); err != nil {
		return f, err
	}
	switch f.State {
	case "", "active", "incident", "completed", "terminated", "canceled":
	default:
		return f, badField("/query/state", "api.run_states")
	}
	f.Subject, err = leadParameter(c)
	return f, err
}

// apiRunView is a run with where it is, how it came there, its tasks and its journal.
type apiRunView struct {
	apiInstanceView
	Tokens    []apiToken      `json:"tokens"`
	Path      []apiVisit      `json:"path"`
	Values    json.RawMessage `json:"values"`
	Tasks     []apiTaskView   `json:"tasks"`
	Journal   []apiRunEntry   `json:"journal"`
	Incidents []apiIncident   `json:"incidents"`
}

// apiToken says where a run stands, and what it waits for there.
type apiToken struct {
	Element string `json:"element"`
	Wait    string `json:"wait"`
}

type apiVisit struct {
	Element string  `json:"element"`
	Flow    string  `json:"flow"`
	Entered string  `json:"entered"`
	Left    *string `json:"left"`
}

// apiRunEntry is what one command did: events by name, in their order.
type apiRunEntry struct {
	Revision int             `json:"revision"`
	At       string          `json:"at"`
	Actor    *string         `json:"actor"`
	Command  string          `json:"command"`
	Events   json.RawMessage `json:"events"`
}

type apiIncident struct {
	ID         string  `json:"id"`
	Element    string  `json:"element"`
	Reason     string  `json:"reason"`
	At         string  `json:"at"`
	ResolvedAt *string `json:"resolved_at"`
}

func (s *Server) apiInstance(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	view, err := s.Processes.Instance(c.Request.Context(), id)
	if err != nil {
		return err
	}
	if _, err := s.visibleLead(c.Request.Context(), actor, view.Subject); err != nil {
		return err
	}
	w, err := s.taskWriter(c.Request.Context(), actor)
	if err != nil {
		return err
	}
	v, err := w.run(view)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, v)
	return nil
}

func (w taskWriter) run(view processes.InstanceView) (v apiRunView, err error) {
	v = apiRunView{apiInstanceView: w.instanceJSON(view.Instance), Tokens: []apiToken{}, Path: []apiVisit{}, Tasks: []apiTaskView{}, Journal: []apiRunEntry{}, Incidents: []apiIncident{}}
	for _, place := range view.Tokens {
		v.Tokens = append(v.Tokens, apiToken{place.Element, place.Wait})
	}
	for _, visit := range view.Path {
		v.Path = append(v.Path, apiVisit{visit.Element, visit.Flow, w.moment(visit.Entered), w.momentOrNull(visit.Left)})
	}
	for _, task := range view.Tasks {
		v.Tasks = append(v.Tasks, w.task(task))
	}
	for _, incident := range view.Incidents {
		v.Incidents = append(v.Incidents, apiIncident{idText(incident.ID), incident.Element, w.text(incident.Reason), w.moment(incident.At), w.momentOrNull(incident.ResolvedAt)})
	}
	values := view.Values
	if values == nil {
		values = map[string]any{}
	}
	if v.Values, err = w.raw(json.Marshal(values)); err != nil {
		return v, err
	}
	for _, entry := range view.Journal {
		line := apiRunEntry{Revision: entry.Revision, At: w.moment(entry.At), Actor: w.login(entry.Actor), Command: entry.Command}
		if line.Events, err = w.raw(engine.Encode(entry.Events)); err != nil {
			return v, err
		}
		v.Journal = append(v.Journal, line)
	}
	return v, nil
}

// raw is JSON as the actor may see it.
func (w taskWriter) raw(body []byte, err error) (json.RawMessage, error) {
	if err == nil && w.mask {
		return maskedJSON(body), nil
	}
	return body, err
}
