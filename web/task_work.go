package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/processes"
	"marshrut/processes/engine"
)

// The list of actions is one form, so that nothing typed is lost whichever button is pressed:
//
//	do=STEP or do=STEP|HOW   does one action, with its value v.STEP (and t.STEP, a time of day)
//	do=                      does every action that has a value, what the Enter key means
//	f.STEP                   a file for an action, done whichever button is pressed
//	skip=STEP                skips one, with the reason in why.STEP
//	outcome=ID               does what has a value, and ends the task
//
// HOW says of a call or a letter how it went, and puts it into the history first.

func (s *Server) workTask(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	task, err := s.visibleTask(c.Request.Context(), actor, id)
	if err != nil {
		return err
	}
	if err := readForm(c); err != nil {
		return s.showTaskAgain(c, actor, task, err)
	}
	done, to, err := "done.step", taskAddress(task)+"#task", error(nil)
	switch {
	case c.PostForm("skip") != "":
		step := c.PostForm("skip")
		_, err = s.Casework.SkipStep(c.Request.Context(), actor, id, step, c.PostForm("why."+step))
		c.Request.PostForm.Del("v." + step)
	case c.Request.PostForm.Has("outcome"):
		done, to = "done.task", leadAddress(task.Subject)+"#task"
		err = s.completeTask(c, actor, task)
	default:
		err = s.doSteps(c, actor, task)
	}
	if err != nil {
		return s.showTaskAgain(c, actor, task, err)
	}
	if done == "done.step" && s.stillTyped(c, task) {
		return s.showTaskAgain(c, actor, task, nil)
	}
	s.flash(c, done)
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

// showTaskAgain shows the task as it stands now, with what the person had typed and why nothing happened, if so.
func (s *Server) showTaskAgain(c *gin.Context, actor staff.Actor, task processes.Task, cause error) error {
	c.Params = append(c.Params, gin.Param{Key: "task", Value: fmt.Sprint(task.ID)})
	if cause != nil {
		return s.showLeadAgain(c, actor, task.Subject, "task", cause)
	}
	p, err := s.leadPage(c, actor, task.Subject)
	if err != nil {
		return err
	}
	p.Flash = p.T("done.step")
	if p.Task != nil {
		p.Task.draft(c.Request.PostForm, nil)
		p.meanwhile(c.Request.PostForm)
	}
	s.pages.show(c, http.StatusOK, "lead", p)
	return nil
}

// stillTyped tells whether the form holds values of other actions, which a redirect would lose.
func (s *Server) stillTyped(c *gin.Context, task processes.Task) bool {
	did, _, _ := strings.Cut(c.PostForm("do"), "|")
	if c.PostForm("comment") != "" {
		return true
	}
	return slices.ContainsFunc(task.Steps, func(step processes.Step) bool {
		waits := did != "" && !step.Done && c.PostForm("v."+step.ID) != ""
		return step.ID != did && (waits || typedMeanwhile(c.Request.PostForm, step, valueWritten(step)) != "")
	})
}

// valueWritten is the value of an action as it is typed.
func valueWritten(step processes.Step) string {
	text, _ := step.Value.(string)
	return text
}

// doneMeanwhile refuses to write over what somebody else has answered while the person was typing: they see it first.
func (s *Server) doneMeanwhile(c *gin.Context, step processes.Step) error {
	if typedMeanwhile(c.Request.PostForm, step, valueWritten(step)) == "" {
		return nil
	}
	return &engine.Refusal{Kind: engine.ErrStale, Message: "Действие «" + step.Title + "» уже выполнено в другом окне или другим сотрудником. Посмотрите, что записано",
		MessageEn: fmt.Sprintf("Step %q has been done meanwhile in another window or by somebody else. Look what is written", cmp.Or(step.TitleEn, step.Title))}
}

// doSteps does the action of the button, or all that have a value.
func (s *Server) doSteps(c *gin.Context, actor staff.Actor, task processes.Task) error {
	id, how, _ := strings.Cut(c.PostForm("do"), "|")
	for _, step := range task.Steps {
		typed := c.PostForm("v."+step.ID) != "" && !step.Done
		if id != step.ID && (id != "" || !typed) && picked(c, "f."+step.ID) == nil { // a chosen file is not offered twice: it is done with whatever button
			continue
		}
		if err := s.doneMeanwhile(c, step); err != nil {
			return err
		}
		if err := s.noteContact(c, actor, task, step, how); err != nil {
			return err
		}
		value, err := s.stepValue(c, actor, task, step)
		if err == nil {
			_, err = s.Casework.DoStep(c.Request.Context(), actor, task.ID, step.ID, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// noteContact puts the call or letter that the person reports into the history: it is the evidence of the action. A call
// that the telephone exchange has reported already is not noted twice (how is empty then).
func (s *Server) noteContact(c *gin.Context, actor staff.Actor, task processes.Task, step processes.Step, how string) error {
	contact := leads.Interaction{Direction: leads.DirectionOut, At: s.Now(), Text: strings.TrimSpace(c.PostForm("v." + step.ID))}
	switch how {
	case "answered":
		contact.Kind = leads.KindCall
		contact.Talk = minutes(c.PostForm("talk." + step.ID))
	case "missed":
		contact.Kind, contact.Missed = leads.KindCall, true
	case "letter":
		contact.Kind = leads.KindLetter
	case "message":
		contact.Kind = leads.KindMessage
	default:
		return nil
	}
	_, err := s.Casework.AddInteraction(c.Request.Context(), actor, task.Subject, contact)
	return err
}

// minutes of a conversation as typed; a conversation nobody timed counts as one minute.
func minutes(text string) time.Duration {
	d, err := time.ParseDuration(strings.TrimSpace(text) + "m")
	if err != nil || d <= 0 || d > 12*time.Hour {
		return time.Minute
	}
	return d
}

// stepValue is what was typed or chosen for an action, as its kind wants it; nil: nothing.
func (s *Server) stepValue(c *gin.Context, actor staff.Actor, task processes.Task, step processes.Step) (any, error) {
	if file := picked(c, "f."+step.ID); file != nil && step.Kind == fileKind {
		return s.keepFile(c, actor, task, step.ID, file)
	}
	text := strings.TrimSpace(c.PostForm("v." + step.ID))
	if text == "" {
		return nil, nil
	}
	if clock := c.PostForm("t." + step.ID); step.Kind == "date" && clock != "" {
		if at, err := time.ParseInLocation("2006-01-02 15:04", text+" "+clock, s.Company.Location); err == nil {
			return at.Format(time.RFC3339), nil
		}
	}
	return text, nil
}

// completeTask ends the task; what was typed is done on the way, in the same transaction.
func (s *Server) completeTask(c *gin.Context, actor staff.Actor, task processes.Task) error {
	how := processes.Completion{Outcome: c.PostForm("outcome"), Comment: strings.TrimSpace(c.PostForm("comment")),
		SkipReason: strings.TrimSpace(c.PostForm("skip_reason")), Values: map[string]any{}}
	if _, err := fmt.Sscan(c.PostForm("revision"), &how.Revision); err != nil {
		return errBadRequest
	}
	for _, step := range task.Steps {
		value, err := s.stepValue(c, actor, task, step)
		if err != nil {
			return err
		}
		if value == nil || step.Kind == "call" || step.Kind == "message" || step.Kind == "confirm" {
			continue
		}
		if !step.Done || value != step.Value {
			how.Values[step.ID] = value
		}
	}
	_, err := s.Casework.CompleteTask(c.Request.Context(), actor, task.ID, how)
	return err
}

// assignTask gives the task to somebody, or takes it.
func (s *Server) assignTask(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	task, err := s.visibleTask(c.Request.Context(), actor, id)
	if err != nil {
		return err
	}
	login := c.PostForm("assignee")
	if c.Request.PostForm.Has("take") {
		login = actor.Login
	}
	if _, err := s.Casework.ReassignTask(c.Request.Context(), actor, id, login, strings.TrimSpace(c.PostForm("reason"))); err != nil {
		c.Params = append(c.Params, gin.Param{Key: "task", Value: fmt.Sprint(id)})
		return s.showLeadAgain(c, actor, task.Subject, "reassign", err)
	}
	s.flash(c, "done.assigned")
	c.Redirect(http.StatusSeeOther, taskAddress(task)+"#task")
	return nil
}
