package web

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/processes"
	"marshrut/processes/bpmn"
)

// processesPage is what templates/processes.html shows.
type processesPage struct {
	page
	Maps       []processes.Definition
	Troubles   []processes.Incident
	MayPublish bool
	MayManage  bool
	Problems   []problemLine // of a file that was refused
	Checked    string        // its name
}

// problemLine is one thing wrong with a route map.
type problemLine struct {
	Where, Text string
	Error       bool
}

func (s *Server) showProcesses(c *gin.Context, actor staff.Actor) error {
	p, err := s.processesPage(c, actor)
	if err != nil {
		return err
	}
	s.pages.show(c, http.StatusOK, "processes", p)
	return nil
}

func (s *Server) processesPage(c *gin.Context, actor staff.Actor) (processesPage, error) {
	p := processesPage{page: s.page(c, actor, "processes.title"), MayPublish: actor.Can(staff.PublishProcesses), MayManage: actor.Can(staff.ManageInstances)}
	var err error
	if p.Maps, err = s.Processes.Definitions(c.Request.Context(), ""); err != nil {
		return p, err
	}
	p.Troubles, err = s.Processes.Incidents(c.Request.Context(), processes.IncidentFilter{Limit: 50})
	return p, err
}

// maxMap bounds an uploaded route map: 2 MiB; the largest drawn by hand that we have seen has 300 KiB.
const maxMap = 2 << 20

// publishProcess checks an uploaded file and makes it the next version; what is wrong with it is shown in sentences.
func (s *Server) publishProcess(c *gin.Context, actor staff.Actor) error {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxMap)
	file, header, err := c.Request.FormFile("file")
	if err != nil {
		return errBadRequest
	}
	defer file.Close()
	body, err := io.ReadAll(file)
	if err != nil {
		return errBadRequest
	}
	d, problems, err := s.publishOrCheck(c, actor, body)
	if err == nil && c.PostForm("only") != "check" {
		s.flash(c, "done.published")
		c.Redirect(http.StatusSeeOther, "/processes/"+d.Key)
		return nil
	}
	p, pageErr := s.processesPage(c, actor)
	if pageErr != nil {
		return pageErr
	}
	p.Checked = header.Filename
	status := http.StatusOK
	switch {
	case errors.Is(err, bpmn.ErrNotBPMN):
		status = http.StatusUnprocessableEntity
		p.Problems = []problemLine{{Text: p.T("processes.not_bpmn"), Error: true}}
	case errors.Is(err, processes.ErrInvalid):
		status = http.StatusUnprocessableEntity
	case err != nil:
		return err
	}
	p.Problems = append(p.Problems, p.problems(problems)...)
	s.pages.show(c, status, "processes", p)
	return nil
}

func (s *Server) publishOrCheck(c *gin.Context, actor staff.Actor, body []byte) (processes.Definition, []bpmn.Problem, error) {
	if c.PostForm("only") != "check" {
		return s.Processes.Publish(c.Request.Context(), actor, body)
	}
	_, problems, err := s.Processes.Check(c.Request.Context(), body)
	return processes.Definition{}, problems, err
}

func (p page) problems(list []bpmn.Problem) []problemLine {
	var lines []problemLine
	for _, problem := range list {
		where := cmp.Or(problem.Name, problem.Element)
		if problem.Line > 0 {
			where = fmt.Sprintf("%s (%s %d)", where, p.T("processes.line"), problem.Line)
		}
		lines = append(lines, problemLine{where, p.either(problem.Message, problem.MessageEn), problem.Severity == bpmn.Error})
	}
	return lines
}

// processPage is what templates/process.html shows: a version of a route map.
type processPage struct {
	page
	Map      processes.Definition
	Versions []processes.Definition
	Picture  template.HTML
	Problems []problemLine
	Runs     []runLine
}

func (s *Server) showProcess(c *gin.Context, actor staff.Actor) error {
	ctx := c.Request.Context()
	p := processPage{page: s.page(c, actor, "processes.title")}
	d, err := s.definition(c)
	if err != nil {
		return err
	}
	p.Map, p.Title = d, d.Name
	if p.Versions, err = s.Processes.Definitions(ctx, d.Key); err != nil {
		return err
	}
	if p.Picture, err = flowMap(d.XML, d.Process(), nil); err != nil {
		return err
	}
	_, problems, err := s.Processes.Check(ctx, d.XML)
	if err != nil {
		return err
	}
	p.Problems = p.problems(problems)
	runs, err := s.Processes.Instances(ctx, processes.InstanceFilter{Key: d.Key, Version: d.Version, Limit: 20})
	if err != nil {
		return err
	}
	for _, run := range runs.Items {
		p.Runs = append(p.Runs, p.run(run))
	}
	s.pages.show(c, http.StatusOK, "process", p)
	return nil
}

// definition is the version of a route map that the address names, the latest without one.
func (s *Server) definition(c *gin.Context) (processes.Definition, error) {
	version := 0
	if text := c.Query("version"); text != "" {
		var err error
		if version, err = strconv.Atoi(text); err != nil || version <= 0 {
			return processes.Definition{}, errBadRequest
		}
	}
	return s.Processes.Definition(c.Request.Context(), c.Param("key"), version)
}

// sendProcess gives the file as it was published, for any BPMN editor.
func (s *Server) sendProcess(c *gin.Context, _ staff.Actor) error {
	d, err := s.definition(c)
	if err != nil {
		return err
	}
	attach(c, "application/xml", fmt.Sprintf("%s_v%d.bpmn", d.Key, d.Version))
	_, err = io.Copy(c.Writer, bytes.NewReader(d.XML))
	return err
}

// instancePage is what templates/instance.html shows: one run of a route map.
type instancePage struct {
	page
	Run       processes.InstanceView
	StateText string
	Tone      string
	Lead      string
	Picture   template.HTML
	Waits     []string
	Steps     []runStep
	MayManage bool
}

// runStep is a line of the journal of a run.
type runStep struct {
	Entry  processes.Entry
	Events []string
}

func (s *Server) showInstance(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	picture, view, err := s.runMap(c.Request.Context(), id)
	if err != nil {
		return err
	}
	lead, err := s.visibleLead(c.Request.Context(), actor, view.Subject)
	if err != nil {
		return err
	}
	p := instancePage{page: s.page(c, actor, "processes.run"), Run: view.InstanceView, Picture: picture, Lead: lead.Title, MayManage: actor.Can(staff.ManageInstances)}
	p.Title, p.StateText, p.Tone = view.Name, p.T("run."+view.State), runTones[view.State]
	if view.EndedAt == nil {
		p.Waits = waits(view)
	}
	for _, line := range view.Journal {
		step := runStep{Entry: line}
		for _, event := range line.Events {
			if text := p.eventText(event, view); text != "" {
				step.Events = append(step.Events, text)
			}
		}
		if len(step.Events) > 0 {
			p.Steps = append(p.Steps, step)
		}
	}
	s.pages.show(c, http.StatusOK, "instance", p)
	return nil
}

func (s *Server) retryIncident(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	if err := s.Processes.RetryIncident(c.Request.Context(), actor, id); err != nil {
		return err
	}
	s.flash(c, "done.retried")
	to := "/processes"
	if lead := c.PostForm("lead"); lead != "" {
		to = ownAddress("/leads/" + lead)
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

func (s *Server) cancelInstance(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	reason := c.PostForm("reason")
	if reason == "" {
		return invalid{"reason", "processes.reason_needed"}
	}
	if err := s.Processes.CancelInstance(c.Request.Context(), actor, id, reason); err != nil {
		return err
	}
	s.flash(c, "done.canceled")
	c.Redirect(http.StatusSeeOther, "/instances/"+strconv.FormatInt(id, 10))
	return nil
}
