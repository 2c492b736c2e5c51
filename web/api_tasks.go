package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads/repository"
	"marshrut/processes"
)

// apiTaskView is a task as SURFACE has it, with what a program needs beside it.
type apiTaskView struct {
	ID        string               `json:"id"`
	Lead      string               `json:"lead"`
	Title     string               `json:"title"`
	Hint      string               `json:"hint"`
	Role      string               `json:"role"`
	Assignee  *string              `json:"assignee"`
	Status    processes.TaskStatus `json:"status"`
	CreatedAt string               `json:"created_at"`
	DueAt     *string              `json:"due_at"`
	Overdue   bool                 `json:"overdue"`
	Process   string               `json:"process"`
	Version   int                  `json:"version"`
	Instance  string               `json:"instance"`
	Element   string               `json:"element"`
	Steps     []apiStep            `json:"steps"`
	Outcomes  []apiOutcome         `json:"outcomes"`
	MaySkip   bool                 `json:"may_skip"`
	Outcome   *string              `json:"outcome"`
	Comment   string               `json:"comment"`
	DoneAt    *string              `json:"done_at"`
	DoneBy    *string              `json:"done_by"`
	Revision  int                  `json:"revision"`
	NextTasks []apiTaskView        `json:"next_tasks,omitempty"` // of a completion: what came of it
}

// apiStep is one action of a task's list. Blocked are the ids of the earlier steps that have to be done first.
type apiStep struct {
	ID          string      `json:"id"`
	Kind        string      `json:"kind"`
	Title       string      `json:"title"`
	Hint        string      `json:"hint"`
	Number      bool        `json:"number"`
	Choices     []apiChoice `json:"choices"`
	Required    bool        `json:"required"`
	RequiredFor []string    `json:"required_for"`
	Done        bool        `json:"done"`
	Skipped     bool        `json:"skipped"`
	SkipReason  string      `json:"skip_reason"`
	Blocked     []string    `json:"blocked"`
	Value       any         `json:"value"`
	File        *apiFile    `json:"file"` // null: the value is none
	DoneAt      *string     `json:"done_at"`
	DoneBy      *string     `json:"done_by"`
}

// apiFile is what was handed in for a step.
type apiFile struct {
	Name string `json:"name"`
	Href string `json:"href"`
}

type apiChoice struct {
	ID    string `json:"id"`
	Label string `json:"label"`
}

// apiOutcome is a way to end a task. Missing are the ids of the steps it still takes; a list of tasks leaves it empty.
type apiOutcome struct {
	ID      string   `json:"id"`
	Label   string   `json:"label"`
	Closes  *string  `json:"closes"`
	Stage   *string  `json:"stage"`
	Missing []string `json:"missing"`
}

// taskWriter writes tasks for one actor: in their language, with what they may see.
type taskWriter struct {
	*Server
	actor  staff.Actor
	people *staff.Directory
	either func(ru, en string) string
	mask   bool
}

func (s *Server) taskWriter(ctx context.Context, actor staff.Actor) (taskWriter, error) {
	people, err := s.Staff.Directory(ctx, s.Pool)
	return taskWriter{Server: s, actor: actor, people: people, either: s.apiWords(actor), mask: staff.ScopeOf(actor).Masked}, err
}

// apiLanguage is the language of what the API says to the actor.
func (s *Server) apiLanguage(actor staff.Actor) string {
	if s.pages.speaks(actor.Language) {
		return actor.Language
	}
	return s.Company.Language
}

// apiWords picks the text in the actor's language where there are two.
func (s *Server) apiWords(actor staff.Actor) func(ru, en string) string {
	english := s.apiLanguage(actor) == "en"
	return func(ru, en string) string {
		if english && en != "" {
			return en
		}
		return ru
	}
}

func (w taskWriter) text(text string) string {
	if w.mask {
		return masked(text)
	}
	return text
}

func (w taskWriter) login(id int64) *string {
	if e, ok := w.people.Employee(id); ok {
		return &e.Login
	}
	return nil
}

func (w taskWriter) task(t processes.Task) apiTaskView {
	v := apiTaskView{ID: idText(t.ID), Lead: idText(t.Subject), Title: w.text(w.either(t.Title, t.TitleEn)), Hint: w.text(w.either(t.Hint, t.HintEn)),
		Role: t.Role, Assignee: w.login(t.Assignee), Status: t.Status, CreatedAt: w.moment(t.CreatedAt), DueAt: w.momentOrNull(t.DueAt), Overdue: t.Overdue,
		Process: t.Process, Version: t.Version, Instance: idText(t.Instance), Element: t.Element, Steps: []apiStep{}, Outcomes: []apiOutcome{},
		MaySkip: t.MaySkip(w.actor), Outcome: orNull(t.Outcome), Comment: w.text(t.Comment), DoneAt: w.momentOrNull(t.DoneAt), DoneBy: w.login(t.DoneBy), Revision: t.Revision}
	for _, step := range t.Steps {
		v.Steps = append(v.Steps, w.step(t.ID, step))
	}
	for _, outcome := range t.Outcomes {
		o := apiOutcome{ID: outcome.ID, Label: w.either(outcome.Label, outcome.LabelEn), Closes: orNull(outcome.Closes), Stage: orNull(outcome.Stage), Missing: []string{}}
		for _, missing := range outcome.Missing {
			o.Missing = append(o.Missing, missing.ID)
		}
		v.Outcomes = append(v.Outcomes, o)
	}
	return v
}

func (w taskWriter) step(task int64, t processes.Step) apiStep {
	v := apiStep{ID: t.ID, Kind: t.Kind, Title: w.either(t.Title, t.TitleEn), Hint: t.Hint, Number: t.Number, Choices: []apiChoice{}, Required: t.Required,
		RequiredFor: orEmpty(t.RequiredFor), Done: t.Done, Skipped: t.Skipped, SkipReason: t.SkipReason, Blocked: []string{}, Value: t.Value,
		DoneAt: w.momentOrNull(t.DoneAt), DoneBy: w.login(t.DoneBy)}
	if text, ok := t.Value.(string); ok {
		v.Value = w.text(text)
	}
	if file, ok := fileOf(task, t.Value); ok && t.Kind == fileKind {
		v.Value = w.text(file.Name)
		if !w.mask {
			v.File = &apiFile{file.Name, fmt.Sprintf("/api/v1/tasks/%d/steps/%s/file", task, url.PathEscape(t.ID))}
		}
	}
	for _, choice := range t.Choices {
		v.Choices = append(v.Choices, apiChoice{choice.Value, w.either(choice.Label, choice.LabelEn)})
	}
	for _, earlier := range t.Blocked {
		v.Blocked = append(v.Blocked, earlier.ID)
	}
	return v
}

func (s *Server) answerTask(c *gin.Context, actor staff.Actor, t processes.Task) error {
	w, err := s.taskWriter(c.Request.Context(), actor)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, w.task(t))
	return nil
}

// apiTasks lists tasks: open ones by when they are due, ended ones newest first. Who does not see every lead gets their own
// ones, those of a lead they see, and what they may take.
func (s *Server) apiTasks(c *gin.Context, actor staff.Actor) error {
	if err := knownQuery(c, "assignee", "status", "lead", "process", "overdue", "limit", "cursor"); err != nil {
		return err
	}
	w, err := s.taskWriter(c.Request.Context(), actor)
	if err != nil {
		return err
	}
	filter, err := s.taskFilter(c, w)
	if err != nil {
		return err
	}
	page, err := s.Processes.Tasks(c.Request.Context(), filter)
	if err != nil {
		return err
	}
	items := page.Items
	if filter.Assignee == 0 && filter.Subject == 0 {
		if items, err = visibleItems(c.Request.Context(), s, actor, items, func(t processes.Task) int64 { return t.Subject }); err != nil {
			return err
		}
	}
	c.JSON(http.StatusOK, listOf(items, page.Next, w.task))
	return nil
}

func (s *Server) taskFilter(c *gin.Context, w taskWriter) (f processes.TaskFilter, err error) {
	f = processes.TaskFilter{Process: c.Query("process"), Cursor: c.Query("cursor")}
	if f.Limit, err = limitOf(c); err != nil {
		return f, err
	}
	switch status := c.Query("status"); status {
	case "":
	case string(processes.TaskOpen), string(processes.TaskDone), string(processes.TaskCanceled):
		f.Status = processes.TaskStatus(status)
	default:
		return f, badField("/query/status", "api.task_states")
	}
	if f.Overdue, err = flagOf(c, "overdue"); err != nil {
		return f, err
	}
	if f.Subject, err = leadParameter(c); err != nil {
		return f, err
	}
	if f.Subject != 0 {
		if _, err := s.visibleLead(c.Request.Context(), w.actor, f.Subject); err != nil {
			return f, err
		}
	}
	return f, w.assignee(&f, c.Query("assignee"))
}

// assignee fills in whose tasks are asked for: "me", a login, "-" for those of nobody, "" for all that may be seen.
func (w taskWriter) assignee(f *processes.TaskFilter, asked string) error {
	all := w.actor.Can(staff.SeeAllLeads)
	switch {
	case asked == "me", asked == "" && !all && f.Subject == 0:
		f.Assignee = w.actor.ID
		return nil
	case asked == "":
		return nil
	case asked == "-":
		f.Unassigned = true
		if all {
			return nil
		}
		for _, role := range w.people.Roles() {
			if w.people.Holds(w.actor.ID, role.Key) {
				f.Roles = append(f.Roles, role.Key)
			}
		}
		if len(f.Roles) == 0 {
			f.Roles = []string{""} // addressed to no role: there is no such task of a role
		}
		return nil
	}
	e, ok := w.people.Login(asked)
	switch {
	case !ok:
		return badField("/query/assignee", "api.no_login")
	case e.ID != w.actor.ID && !all && f.Subject == 0:
		return staff.ErrNotAllowed
	}
	f.Assignee = e.ID
	return nil
}

// visibleItems leaves out what is about leads the actor does not see.
func visibleItems[T any](ctx context.Context, s *Server, actor staff.Actor, items []T, lead func(T) int64) ([]T, error) {
	scope := staff.ScopeOf(actor)
	if scope.VisibleTo == nil || len(items) == 0 {
		return items, nil
	}
	ids := make([]int64, len(items))
	for i, item := range items {
		ids[i] = lead(item)
	}
	found, err := s.Leads.Leads(ctx, repository.LeadFilter{IDs: ids, VisibleTo: scope.VisibleTo, Limit: 500})
	if err != nil {
		return nil, err
	}
	seen := map[int64]bool{}
	for _, row := range found.Items {
		seen[row.ID] = true
	}
	var left []T
	for _, item := range items {
		if seen[lead(item)] {
			left = append(left, item)
		}
	}
	return left, nil
}

// Work on somebody else's task is refused where it is written, so that the journal has it: no handler below asks first
// whether the actor sees the lead.

// taskOf is the task in the address, if the actor may see its lead.
func (s *Server) taskOf(c *gin.Context, actor staff.Actor) (processes.Task, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return processes.Task{}, err
	}
	return s.visibleTask(c.Request.Context(), actor, id)
}

func (s *Server) apiTask(c *gin.Context, actor staff.Actor) error {
	t, err := s.taskOf(c, actor)
	if err != nil {
		return err
	}
	return s.answerTask(c, actor, t)
}

func (s *Server) apiDoStep(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	value, err := s.apiStepValue(c, actor, id)
	if err != nil {
		return workRefused(err, actor.Language)
	}
	fresh, err := s.Casework.DoStep(c.Request.Context(), actor, id, c.Param("step"), value)
	if err != nil {
		return workRefused(err, actor.Language)
	}
	return s.answerTask(c, actor, fresh)
}

// apiStepValue is the value in the body, or the reference to the file in it.
func (s *Server) apiStepValue(c *gin.Context, actor staff.Actor, id int64) (any, error) {
	if isMultipart(c) {
		return s.apiStepFile(c, actor, id)
	}
	var in struct {
		Value any `json:"value"`
	}
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	return stepValue(in.Value)
}

func (s *Server) apiStepFile(c *gin.Context, actor staff.Actor, id int64) (any, error) {
	task, err := s.Processes.Task(c.Request.Context(), id)
	if err != nil {
		return nil, err
	}
	if err := readForm(c); err != nil {
		return nil, err
	}
	file := picked(c, "file")
	if file == nil {
		return nil, badField("/file", "api.file_needed")
	}
	for _, step := range task.Steps {
		if step.ID == c.Param("step") && step.Kind != fileKind {
			return nil, badField("/file", "api.takes_no_file")
		}
	}
	return s.keepFile(c, actor, task, c.Param("step"), file)
}

// stepValue is a value as steps take it: text, a truth or nothing. A number stays as it was written, so that no kopeck gets
// lost in a binary fraction; {"ref":"..."} names a file.
func stepValue(value any) (any, error) {
	switch v := value.(type) {
	case nil, bool, string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case map[string]any:
		if ref, ok := v["ref"].(string); ok && len(v) == 1 {
			return ref, nil
		}
	}
	return nil, badField("/value", "api.no_step_value")
}

func (s *Server) apiSkipStep(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	var in struct {
		Reason string `json:"reason"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if strings.TrimSpace(in.Reason) == "" {
		return badField("/reason", "api.required")
	}
	fresh, err := s.Casework.SkipStep(c.Request.Context(), actor, id, c.Param("step"), in.Reason)
	if err != nil {
		return err
	}
	return s.answerTask(c, actor, fresh)
}

func (s *Server) apiAssignTask(c *gin.Context, actor staff.Actor) error {
	t, err := s.taskOf(c, actor)
	if err != nil {
		return err
	}
	var in struct {
		Assignee *string `json:"assignee"`
		Reason   string  `json:"reason"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.Assignee == nil {
		return badField("/assignee", "api.assignee_needed")
	}
	fresh, err := s.Casework.ReassignTask(c.Request.Context(), actor, t.ID, *in.Assignee, in.Reason)
	if err != nil {
		return err
	}
	return s.answerTask(c, actor, fresh)
}

// apiCompletion ends a task. Values are steps to do first; skip_reason skips what is missing then, for who may.
type apiCompletion struct {
	Outcome    string         `json:"outcome"`
	Comment    string         `json:"comment"`
	Revision   *int           `json:"revision"`
	Values     map[string]any `json:"values"`
	SkipReason string         `json:"skip_reason"`
}

func (s *Server) apiCompleteTask(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	var in apiCompletion
	if err := readJSON(c, &in); err != nil {
		return err
	}
	how, err := in.completion()
	if err != nil {
		return err
	}
	result, err := s.Casework.CompleteTask(c.Request.Context(), actor, id, how)
	if err != nil {
		return workRefused(err, actor.Language)
	}
	w, err := s.taskWriter(c.Request.Context(), actor)
	if err != nil {
		return err
	}
	v := w.task(result.Task)
	for _, next := range result.Next {
		v.NextTasks = append(v.NextTasks, w.task(next))
	}
	c.JSON(http.StatusOK, v)
	return nil
}

func (in apiCompletion) completion() (how processes.Completion, err error) {
	if in.Revision == nil || *in.Revision < 1 {
		return how, badField("/revision", "api.revision_needed")
	}
	how = processes.Completion{Outcome: in.Outcome, Comment: in.Comment, Revision: *in.Revision, SkipReason: in.SkipReason}
	for step, value := range in.Values {
		if how.Values == nil {
			how.Values = map[string]any{}
		}
		if how.Values[step], err = stepValue(value); err != nil {
			return how, badField("/values/"+pointerPart(step), "api.no_value_of_step")
		}
	}
	return how, nil
}
