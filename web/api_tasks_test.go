package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
)

func toJSON(t *testing.T, v any) string {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// refusals counts the refusals the journal has of the lead.
func (s *stack) refusals(lead int64) int {
	s.t.Helper()
	n := 0
	for _, action := range []string{"task.refused", "lead.refused"} {
		page, err := s.Leads.JournalEntries(s.t.Context(), repository.JournalFilter{Lead: lead, Action: action, Limit: 500})
		s.must(err)
		n += len(page.Items)
	}
	return n
}

// valueOf is a value that fits a step.
func valueOf(step apiStep) any {
	switch {
	case step.Kind == "choice":
		return step.Choices[0].ID
	case step.Kind == "date":
		return "2026-03-20T12:00:00+03:00"
	case step.Number:
		return "5"
	case step.Kind == "input", step.Kind == "file":
		return "Со слов клиента"
	}
	return true
}

// prepare does the steps an outcome takes, in their order, with their evidence.
func (p *program) prepare(task apiTaskView, outcome string) apiTaskView {
	p.s.t.Helper()
	for range 20 {
		task = p.get("/tasks/" + task.ID).want(http.StatusOK).task()
		i := slices.IndexFunc(task.Outcomes, func(o apiOutcome) bool { return o.ID == outcome })
		if i < 0 {
			p.s.t.Fatalf("%s has no outcome %s", task.Title, outcome)
		}
		if len(task.Outcomes[i].Missing) == 0 {
			return task
		}
		next := task.Outcomes[i].Missing[0]
		step := task.Steps[slices.IndexFunc(task.Steps, func(x apiStep) bool { return x.ID == next })]
		switch step.Kind {
		case "call":
			p.post("/leads/"+task.Lead+"/interactions", map[string]any{"kind": "call", "direction": "out", "answered": true, "seconds": 90}).want(http.StatusCreated)
		case "message":
			p.post("/leads/"+task.Lead+"/interactions", map[string]any{"kind": "letter", "direction": "out", "text": "Предложение"}).want(http.StatusCreated)
		}
		p.post("/tasks/"+task.ID+"/steps/"+step.ID, map[string]any{"value": valueOf(step)}).want(http.StatusOK)
	}
	p.s.t.Fatalf("%s does not come to its outcome %s", task.Title, outcome)
	return task
}

// guarded is an outcome of the task that steps stand before.
func guarded(t *testing.T, task apiTaskView) apiOutcome {
	t.Helper()
	for _, o := range task.Outcomes {
		if len(o.Missing) > 1 {
			return o
		}
	}
	t.Fatalf("%s has no outcome with steps before it", task.Title)
	return apiOutcome{}
}

func TestATaskIsDoneStepByStepAndBringsTheNext(t *testing.T) {
	s := newStack(t)
	_, first := s.lead("anna")
	p := s.program("anna")
	if mine := p.get("/tasks?assignee=me&status=open").want(http.StatusOK).items(); !slices.Contains(mine, idText(first.ID)) {
		t.Fatalf("the list has %v and not task %d", mine, first.ID)
	}
	task := p.get("/tasks/" + idText(first.ID)).want(http.StatusOK).task()
	outcome := guarded(t, task)
	task = p.prepare(task, outcome.ID)
	done := p.post("/tasks/"+task.ID+"/complete", map[string]any{"outcome": outcome.ID, "revision": task.Revision}).want(http.StatusOK).task()
	if done.Status != "done" || done.Outcome == nil || *done.Outcome != outcome.ID || done.DoneBy == nil || *done.DoneBy != "anna" {
		t.Errorf("the task is %+v", done)
	}
	if found := p.get("/tasks?status=done&lead=" + task.Lead).want(http.StatusOK).items(); !slices.Contains(found, task.ID) {
		t.Errorf("the ended tasks are %v", found)
	}
	run := p.get("/instances/" + task.Instance).want(http.StatusOK).object()
	if len(run["journal"].([]any)) < 2 || len(run["path"].([]any)) < 2 {
		t.Errorf("the run is %v", run)
	}
}

func TestMissingStepsAreNamedAndNothingChanges(t *testing.T) {
	s := newStack(t)
	id, first := s.lead("anna")
	p, path := s.program("anna"), "/tasks/"+idText(first.ID)
	before := p.get(path).task()
	outcome := guarded(t, before)
	refused := p.post(path+"/complete", map[string]any{"outcome": outcome.ID, "revision": before.Revision}).problem(http.StatusUnprocessableEntity)
	if !slices.Equal(refused.missing(), outcome.Missing) {
		t.Errorf("missing are %v instead of %v", refused.missing(), outcome.Missing)
	}
	for _, step := range refused.Steps {
		if step.Title == "" || step.Reason == "" {
			t.Errorf("step %s is not said in words", step.ID)
		}
	}
	if after := p.get(path).task(); toJSON(t, after) != toJSON(t, before) {
		t.Errorf("the refusal changed the task:\n%+v\n%+v", before, after)
	}
	if s.refusals(id) == 0 {
		t.Error("the journal does not have the refusal")
	}
}

func TestASteppedOverStepIsRefused(t *testing.T) {
	s := newStack(t)
	_, first := s.lead("anna")
	p, path := s.program("anna"), "/tasks/"+idText(first.ID)
	task := p.get(path).task()
	for _, step := range task.Steps {
		if len(step.Blocked) == 0 {
			continue
		}
		refused := p.post(path+"/steps/"+step.ID, map[string]any{"value": valueOf(step)}).problem(http.StatusConflict)
		if len(refused.Steps) == 0 {
			t.Errorf("it is not said what comes before %s", step.ID)
		}
		return
	}
	t.Fatal("the first task has no order")
}

func TestACallThatWasNotMadeCannotBeTicked(t *testing.T) {
	s := newStack(t)
	_, first := s.lead("anna")
	p, path := s.program("anna"), "/tasks/"+idText(first.ID)
	i := slices.IndexFunc(first.Steps, func(x processes.Step) bool { return x.Kind == "call" })
	if i < 0 {
		t.Fatal("the first task has no call")
	}
	refused := p.post(path+"/steps/"+first.Steps[i].ID, map[string]any{"value": true})
	if refused.status != http.StatusUnprocessableEntity && refused.status != http.StatusConflict {
		t.Errorf("a call nobody made was ticked: %d %s", refused.status, refused.body)
	}
}

func TestASecondOrStaleCompletionIsRefused(t *testing.T) {
	s := newStack(t)
	_, first := s.lead("anna")
	p := s.program("anna")
	task := p.get("/tasks/" + idText(first.ID)).task()
	outcome := guarded(t, task)
	task = p.prepare(task, outcome.ID)
	path := "/tasks/" + task.ID + "/complete"
	p.post(path, map[string]any{"outcome": outcome.ID, "revision": task.Revision + 5}).problem(http.StatusConflict)
	p.post(path, map[string]any{"outcome": outcome.ID}).problem(http.StatusUnprocessableEntity)
	p.post(path, map[string]any{"outcome": "no-such", "revision": task.Revision}).problem(http.StatusUnprocessableEntity)
	p.post(path, map[string]any{"outcome": outcome.ID, "revision": task.Revision}).want(http.StatusOK)
	p.post(path, map[string]any{"outcome": outcome.ID, "revision": task.Revision}).problem(http.StatusConflict)
}

func TestOfTwoCompletionsAtOnceOneSucceeds(t *testing.T) {
	s := newStack(t)
	id, first := s.lead("anna")
	p := s.program("anna")
	task := p.get("/tasks/" + idText(first.ID)).task()
	outcome := guarded(t, task)
	task = p.prepare(task, outcome.ID)
	body := toJSON(t, map[string]any{"outcome": outcome.ID, "revision": task.Revision})
	statuses := make([]int, 6)
	var all sync.WaitGroup
	for i := range statuses {
		all.Go(func() { statuses[i] = p.post("/tasks/"+task.ID+"/complete", body).status })
	}
	all.Wait()
	slices.Sort(statuses)
	if !slices.Equal(statuses, []int{200, 409, 409, 409, 409, 409}) {
		t.Errorf("six completions at once were answered %v", statuses)
	}
	if s.refusals(id) != 5 {
		t.Errorf("the journal has %d refusals of 5", s.refusals(id))
	}
}

func TestOnlyWhoMaySkipsAStepAndSaysWhy(t *testing.T) {
	s := newStack(t)
	_, first := s.lead("anna")
	path := "/tasks/" + idText(first.ID) + "/steps/" + first.Steps[0].ID + "/skip"
	s.program("anna").post(path, map[string]any{"reason": "Некогда"}).problem(http.StatusForbidden)
	head := s.program("olga")
	head.post(path, map[string]any{"reason": "  "}).problem(http.StatusUnprocessableEntity)
	v := head.post(path, map[string]any{"reason": "Клиент всё прислал"}).want(http.StatusOK).task()
	if !v.Steps[0].Skipped || v.Steps[0].SkipReason != "Клиент всё прислал" {
		t.Errorf("the step is %+v", v.Steps[0])
	}
	head.post(path, map[string]any{"reason": "Ещё раз"}).problem(http.StatusConflict)
}

func TestATaskIsGivenToAnother(t *testing.T) {
	s := newStack(t)
	_, first := s.lead("anna")
	path := "/tasks/" + idText(first.ID)
	s.program("anna").post(path+"/assign", map[string]any{"assignee": "boris"}).problem(http.StatusForbidden)
	head := s.program("olga")
	head.post(path+"/assign", map[string]any{"reason": "x"}).problem(http.StatusUnprocessableEntity)
	head.post(path+"/assign", map[string]any{"assignee": "ghost"}).problem(http.StatusUnprocessableEntity)
	if v := head.post(path+"/assign", map[string]any{"assignee": "boris", "reason": "Больничный"}).want(http.StatusOK).task(); v.Assignee == nil || *v.Assignee != "boris" {
		t.Errorf("the task is of %v", v.Assignee)
	}
	s.program("boris").get(path).want(http.StatusOK)
}

func TestListsOfTasksAreFilteredAndKeptToThoseWhoMaySeeThem(t *testing.T) {
	s := newStack(t)
	lead, first := s.lead("anna")
	head, anna, boris := s.program("olga"), s.program("anna"), s.program("boris")
	for _, query := range []string{"", "?assignee=anna", "?status=open", "?lead=" + idText(lead), "?process=" + first.Process} {
		if found := head.get("/tasks" + query).want(http.StatusOK).items(); !slices.Contains(found, idText(first.ID)) {
			t.Errorf("%q gives the head %v", query, found)
		}
	}
	for _, query := range []string{"?assignee=boris&lead=" + idText(lead), "?status=done", "?overdue=true", "?assignee=-", "?process=none"} {
		if found := head.get("/tasks" + query).want(http.StatusOK).items(); slices.Contains(found, idText(first.ID)) {
			t.Errorf("%q gives the head %v", query, found)
		}
	}
	boris.get("/tasks?assignee=anna").problem(http.StatusForbidden)
	for _, query := range []string{"", "?assignee=me", "?assignee=-", "?assignee=boris"} {
		if found := boris.get("/tasks" + query).want(http.StatusOK).items(); slices.Contains(found, idText(first.ID)) {
			t.Errorf("%q shows a colleague %v", query, found)
		}
	}
	anna.get("/tasks?assignee=ghost").problem(http.StatusUnprocessableEntity)
	s.pass(90 * 24 * time.Hour)
	if found := anna.get("/tasks?overdue=true").want(http.StatusOK).items(); !slices.Contains(found, idText(first.ID)) {
		t.Errorf("three months later %v are overdue", found)
	}
}

func TestALeadIsClosedByTheOutcomeOfItsTask(t *testing.T) {
	s := newStack(t)
	id, first := s.lead("anna")
	head, path := s.program("olga"), "/leads/"+idText(id)
	v := head.post(path+"/close", map[string]any{"status": "junk", "reason": "spam", "skip_reason": "Явный спам"}).want(http.StatusOK).lead()
	if v.Status != leads.StatusJunk || v.LossReason == nil || *v.LossReason != "spam" || v.ClosedAt == nil {
		t.Errorf("the lead is %+v", v)
	}
	head.post(path+"/close", map[string]any{"status": "junk", "reason": "spam"}).problem(http.StatusConflict)
	if task := head.get("/tasks/" + idText(first.ID)).task(); task.Status != "done" || *task.Outcome != "junk" {
		t.Errorf("the task is %s by %v", task.Status, task.Outcome)
	}
	s.program("anna").post(path+"/reopen", map[string]any{"reason": "x"}).problem(http.StatusForbidden)
	if v := head.post(path+"/reopen", map[string]any{"reason": "Ошиблись"}).want(http.StatusOK).lead(); v.Status != leads.StatusOpen {
		t.Errorf("reopened as %s", v.Status)
	}
	head.post(path+"/reopen", map[string]any{"reason": "Ещё раз"}).problem(http.StatusConflict)
}

func TestTheTextsOfATaskAreInThePersonsLanguage(t *testing.T) {
	s := newStack(t)
	_, first := s.lead("anna")
	people, err := s.Staff.Directory(t.Context(), s.pool)
	s.must(err)
	olga, _ := people.Login("olga")
	olga.Language = "en"
	s.must(s.Staff.UpdateEmployee(t.Context(), s.who("root"), olga, morning))
	v := s.program("olga").get("/tasks/" + idText(first.ID)).task()
	if first.TitleEn == "" || v.Title != first.TitleEn {
		t.Errorf("the title is %q, in English %q", v.Title, first.TitleEn)
	}
	if refused := s.program("olga").get("/tasks/0").problem(http.StatusNotFound); strings.ContainsAny(refused.Title, "абвгдежз") {
		t.Errorf("the problem says %q", refused.Title)
	}
}
