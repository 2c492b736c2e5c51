package web

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
)

// leadPage is what templates/lead.html shows.
type leadPage struct {
	page
	Lead    repository.LeadView
	Funnel  string
	Stage   string
	Source  string
	Channel string
	Reason  string // of the loss
	Way     []stageDot
	Points  []leads.ContactPoint
	Own     []ownValue
	Missing bool // phones and addresses are hidden from this person

	Tasks    []taskTab // open ones
	Task     *taskView // the one shown
	Waiting  []runLine // runs that wait for something without a task
	Runs     []runLine
	Troubles []processes.Incident

	Entries []entry
	Kinds   []option // filter of the timeline

	Map     template.HTML
	MapName string

	Sources []option
	People  []option // who can be made responsible
	Lost    []option
	Junk    []option
	Stages  []option // where the lead may be sent
	May     leadRights

	// What has just been refused: why, and what the person had typed, so that nothing is lost.
	Refused *refused
	Form    url.Values
	Failed  string            // the form it was: task, edit, log, close, assign, reopen
	Fresh   map[string]string // of a stale form: what the fields are now
}

// leadRights are the things the page offers. Each is checked again where it is done.
type leadRights struct {
	Edit, Assign, Take, Reopen, Direct, Retry, Journal bool
}

// stageDot is a stage of the funnel on the way of the lead.
type stageDot struct {
	Name  string
	State string // done, current, ""
}

// ownValue is an own field of the company with its value.
type ownValue struct {
	leads.OwnField
	Name, Value string
}

// taskTab is an open task of the lead.
type taskTab struct {
	ID      int64
	Title   string
	Who     string
	Current bool
	Mine    bool
	Overdue bool
}

// runLine is a run of a route map about the lead.
type runLine struct {
	processes.Instance
	StateText string
	Tone      string
	Waits     []string // the elements it stands at
}

// refused says why something did not happen.
type refused struct {
	Text  string
	Steps []refusedStep
}

type refusedStep struct{ ID, Title, Reason string }

func (s *Server) showLead(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	p, err := s.leadPage(c, actor, id)
	if err != nil {
		return err
	}
	s.pages.show(c, http.StatusOK, "lead", p)
	return nil
}

// leadPage gathers the card of a lead.
func (s *Server) leadPage(c *gin.Context, actor staff.Actor, id int64) (leadPage, error) {
	ctx := c.Request.Context()
	lead, err := s.visibleLead(ctx, actor, id)
	if err != nil {
		return leadPage{}, err
	}
	p := leadPage{page: s.page(c, actor, "lead.title"), Lead: lead, Form: url.Values{}}
	p.Title = lead.Title
	people, err := s.Staff.Directory(ctx, s.Pool)
	if err != nil {
		return p, err
	}
	w, err := s.words(ctx, p.Lang)
	if err != nil {
		return p, err
	}
	p.describe(w, actor)
	p.choices(w, people)
	if err := s.leadWork(c, actor, people, &p); err != nil {
		return p, err
	}
	p.May = s.leadRights(actor, people, p)
	return p, s.leadHistory(ctx, actor, people, w, c.Query("kind"), &p)
}

func (s *Server) leadRights(actor staff.Actor, people *staff.Directory, p leadPage) leadRights {
	lead := p.Lead.Lead
	near := actor.Can(staff.SeeAllLeads) || lead.OwnerID == actor.ID || lead.OwnerID == 0 || slices.Contains(lead.Helpers, actor.ID) ||
		slices.ContainsFunc(p.Tasks, func(t taskTab) bool { return t.Mine })
	return leadRights{
		Edit:    actor.Can(staff.EditLead) && near,
		Assign:  actor.Can(staff.AssignLead),
		Take:    actor.Can(staff.TakeLead) && lead.OwnerID == 0,
		Reopen:  actor.Can(staff.ReopenLead) && lead.Status.Closed(),
		Direct:  actor.Can(staff.CloseWithoutTask) || len(p.Tasks) > 0,
		Retry:   actor.Can(staff.ManageInstances),
		Journal: actor.Can(staff.SeeJournal),
	}
}

// describe says the keys of the lead in words.
func (p *leadPage) describe(w words, actor staff.Actor) {
	lead := p.Lead.Lead
	p.Funnel, p.Stage, p.Source = w.Funnel(lead.Funnel), w.Stage(lead.Funnel, lead.Stage), w.Source(lead.Source)
	p.Channel = p.T("channel." + string(lead.Channel))
	if lead.LossReason != "" {
		p.Reason = w.Reason(lead.LossReason)
	}
	p.Way = w.way(lead)
	for _, f := range w.OwnFields {
		p.Own = append(p.Own, ownValue{OwnField: f, Name: w.in(f.NameRU, f.NameEN), Value: lead.Fields[f.Key]})
	}
	p.Points = p.Lead.Points
	if staff.ScopeOf(actor).Masked {
		p.Missing, p.Title, p.Lead.Title = true, masked(p.Title), masked(p.Lead.Title)
		p.Points = nil
		for _, point := range p.Lead.Points {
			p.Points = append(p.Points, maskedPoint(point))
		}
	}
}

// way shows where in its funnel a lead is.
func (w words) way(lead leads.Lead) []stageDot {
	var dots []stageDot
	here := slices.IndexFunc(w.stages(lead.Funnel), func(s leads.Stage) bool { return s.Key == lead.Stage })
	for i, stage := range w.stages(lead.Funnel) {
		ends := stage.Kind != "open"
		if ends && stage.Key != lead.Stage {
			continue
		}
		dot := stageDot{Name: w.in(stage.NameRU, stage.NameEN)}
		switch {
		case i == here && lead.Status.Closed():
			dot.State = string(lead.Status)
		case i == here:
			dot.State = "current"
		case i < here && (!lead.Status.Closed() || lead.Status == leads.StatusWon):
			dot.State = "done"
		}
		dots = append(dots, dot)
	}
	return dots
}

// choices fills the selects of the page's forms.
func (p *leadPage) choices(w words, people *staff.Directory) {
	lead := p.Lead.Lead
	p.Sources = w.sourceOptions(lead.Source)
	p.Lost, p.Junk = w.reasonOptions(leads.StatusLost, ""), w.reasonOptions(leads.StatusJunk, "")
	for _, stage := range w.stages(lead.Funnel) {
		if stage.Kind == "open" && stage.Key != lead.Stage {
			p.Stages = append(p.Stages, option{Value: stage.Key, Label: w.in(stage.NameRU, stage.NameEN)})
		}
	}
	for _, e := range people.Employees() {
		if !e.Disabled() && e.Permission.Can(staff.WorkTasks) {
			p.People = append(p.People, option{e.Login, e.Name, e.ID == lead.OwnerID})
		}
	}
}

// leadWork finds the tasks and runs of the lead, and the task to show: the one of the address, else the person's own, else
// the one that is due first.
func (s *Server) leadWork(c *gin.Context, actor staff.Actor, people *staff.Directory, p *leadPage) error {
	ctx := c.Request.Context()
	open, err := s.Processes.Tasks(ctx, processes.TaskFilter{Subject: p.Lead.ID, Status: processes.TaskOpen})
	if err != nil {
		return err
	}
	asked, _ := strconv.ParseInt(cmp.Or(c.Query("task"), c.Param("task")), 10, 64)
	chosen := -1
	for i, t := range open.Items {
		mine := s.mayWork(people, actor, p.Lead.Lead, t)
		who := t.AssigneeName
		if who == "" {
			role, _ := people.Role(t.Role)
			who = role.Title(p.Lang)
		}
		p.Tasks = append(p.Tasks, taskTab{ID: t.ID, Title: p.either(t.Title, t.TitleEn), Who: who, Mine: mine, Overdue: t.Overdue})
		switch {
		case t.ID == asked:
			chosen = i
		case asked == 0 && chosen < 0 && t.Assignee == actor.ID:
			chosen = i
		}
	}
	if chosen < 0 && len(open.Items) > 0 {
		chosen = max(0, slices.IndexFunc(p.Tasks, func(t taskTab) bool { return t.Mine }))
	}
	if chosen >= 0 {
		p.Tasks[chosen].Current = true
		task, err := s.Processes.Task(ctx, open.Items[chosen].ID)
		if err != nil {
			return err
		}
		p.Task = s.taskView(people, actor, p, task)
	}
	return s.leadRuns(ctx, p)
}

func (s *Server) leadRuns(ctx context.Context, p *leadPage) error {
	runs, err := s.Processes.Instances(ctx, processes.InstanceFilter{Subject: p.Lead.ID})
	if err != nil {
		return err
	}
	for _, run := range runs.Items {
		p.Runs = append(p.Runs, p.run(run))
	}
	if p.Troubles, err = s.Processes.Incidents(ctx, processes.IncidentFilter{Subject: p.Lead.ID}); err != nil {
		return err
	}
	return s.leadMap(ctx, p)
}

var runTones = map[string]string{"active": "accent", "incident": "danger", "completed": "good"}

func (p page) run(run processes.Instance) runLine {
	return runLine{Instance: run, StateText: p.T("run." + run.State), Tone: runTones[run.State]}
}

// leadMap draws the route map of the task shown, else of the run that goes on, else of the latest.
func (s *Server) leadMap(ctx context.Context, p *leadPage) error {
	at := -1
	for i, run := range p.Runs {
		if p.Task != nil && run.ID == p.Task.Instance || p.Task == nil && at < 0 && run.EndedAt == nil {
			at = i
		}
	}
	if at < 0 {
		if at = len(p.Runs) - 1; at < 0 {
			return nil
		}
	}
	run := p.Runs[at]
	drawing, view, err := s.runMap(ctx, run.ID)
	if err != nil {
		return err
	}
	p.Map, p.MapName = drawing, run.Name
	if p.Task == nil && run.EndedAt == nil {
		p.Runs[at].Waits = waits(view)
		p.Waiting = append(p.Waiting, p.Runs[at])
	}
	return nil
}

// runMap draws the route map of a run with its place marked.
func (s *Server) runMap(ctx context.Context, id int64) (template.HTML, runView, error) {
	view, err := s.Processes.Instance(ctx, id)
	if err != nil {
		return "", runView{}, err
	}
	d, err := s.Processes.Definition(ctx, view.Key, view.Version)
	if err != nil {
		return "", runView{}, err
	}
	drawing, err := flowMap(d.XML, d.Process(), marksOf(view))
	return drawing, runView{view, d}, err
}

// runView is a run with the map it follows.
type runView struct {
	processes.InstanceView
	Definition processes.Definition
}

// waits are the names of the elements a run stands at.
func waits(v runView) []string {
	var names []string
	for _, place := range v.Tokens {
		name := place.Element
		if e := v.Definition.Process().Element(place.Element); e != nil && e.Name != "" {
			name = e.Name
		}
		names = append(names, name)
	}
	return names
}

// marksOf says how the elements of the map stand in the run.
func marksOf(v processes.InstanceView) map[string]mark {
	marks := map[string]mark{}
	for _, visit := range v.Path {
		if visit.Flow != "" {
			marks[visit.Flow] = markDone
		}
		if visit.Left != nil {
			marks[visit.Element] = markDone
		}
	}
	for _, place := range v.Tokens {
		marks[place.Element] = markCurrent
		if place.Wait == "incident" {
			marks[place.Element] = markTrouble
		}
	}
	return marks
}

// showLeadAgain shows the card with what was refused and what the person had typed.
func (s *Server) showLeadAgain(c *gin.Context, actor staff.Actor, id int64, form string, cause error) error {
	status := statusOf(cause)
	if status == http.StatusInternalServerError || status == http.StatusNotFound {
		return cause
	}
	p, err := s.leadPage(c, actor, id)
	if err != nil {
		return fmt.Errorf("%w (and the card of the lead: %w)", cause, err)
	}
	p.Failed, p.Form = form, c.Request.PostForm
	p.Refused = p.refused(cause, status)
	if p.Task != nil && form == "task" {
		p.Task.draft(p.Form, p.Refused)
		p.meanwhile(p.Form)
	}
	if form == "edit" && status == http.StatusConflict {
		p.Fresh = p.changedMeanwhile()
	}
	s.pages.show(c, status, "lead", p)
	return nil
}

// day is how a date stands in an input.
func day(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.DateOnly)
}

// amountText is how an amount stands in an input; nil is empty.
func amountText(a *leads.Amount) string {
	if a == nil {
		return ""
	}
	return a.String()
}

func contactName(v repository.LeadView) string {
	if v.Contact == nil {
		return ""
	}
	return v.Contact.Name
}

func clientName(v repository.LeadView) string {
	if v.Client == nil {
		return ""
	}
	return v.Client.Name
}

func clientINN(v repository.LeadView) string {
	if v.Client == nil {
		return ""
	}
	return v.Client.INN
}
