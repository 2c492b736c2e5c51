package web

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/processes"
	"marshrut/processes/engine"
)

// taskView is a task as the card of its lead shows it: the recommended action, the list of actions, the buttons.
type taskView struct {
	processes.Task
	Title, Hint string
	RoleName    string
	May         bool // work it
	MayTake     bool
	MaySkip     bool
	MayReassign bool
	Steps       []stepView
	Outcomes    []outcomeView
	Next        *stepView // the action to do now; nil: none is left
	Comment     string    // typed and not yet sent
	Phone       string    // whom to call, E.164
	Email       string
	Doable      int  // actions that are done or skipped
	Uploads     bool // some action takes a file
}

// stepView is one action of the list.
type stepView struct {
	processes.Step
	Title     string
	State     string // done, skipped, next, locked, open
	For       string // the results that need it, when not all do
	Shown     string // the value in words
	File      string // where the file of the value is
	Draft     string // what stands in its input
	DraftTime string
	Was       string // what stood in the input when the page was made
	Options   []option
	Blocked   string // what has to be done before
	Problem   string // why it was refused
	Again     bool   // done, and may be corrected
	Optional  bool
}

// outcomeView is a button that ends the task.
type outcomeView struct {
	ID, Label string
	Tone      string // good, danger or empty
	Missing   []string
}

func (s *Server) taskView(people *staff.Directory, actor staff.Actor, p *leadPage, t processes.Task) *taskView {
	v := &taskView{Task: t, Title: p.either(t.Title, t.TitleEn), Hint: p.either(t.Hint, t.HintEn)}
	role, _ := people.Role(t.Role)
	v.RoleName = role.Title(p.Lang)
	v.May = s.mayWork(people, actor, p.Lead.Lead, t)
	v.MayTake = v.May && t.Assignee == 0
	v.MaySkip = v.May && t.MaySkip(actor)
	v.MayReassign = actor.Can(staff.ReassignTask)
	for _, point := range p.Points {
		switch {
		case point.Kind == leads.KindPhone && v.Phone == "":
			v.Phone = point.Value
		case point.Kind == leads.KindEmail && v.Email == "":
			v.Email = point.Value
		}
	}
	labels := map[string]string{}
	for _, o := range t.Outcomes {
		labels[o.ID] = p.either(o.Label, o.LabelEn)
	}
	for _, step := range t.Steps {
		v.Steps = append(v.Steps, p.step(t.ID, step, labels, s.Company.Location))
		v.Uploads = v.Uploads || step.Kind == fileKind
	}
	if p.Missing {
		v.hide()
	}
	v.chooseNext()
	for _, o := range t.Outcomes {
		v.Outcomes = append(v.Outcomes, p.outcome(o))
	}
	return v
}

// hide keeps phones and addresses out of what the client wrote and people answered.
func (v *taskView) hide() {
	v.Hint = masked(v.Hint)
	for i := range v.Steps {
		v.Steps[i].Shown, v.Steps[i].Draft, v.Steps[i].File = masked(v.Steps[i].Shown), masked(v.Steps[i].Draft), ""
	}
}

func (p page) outcome(o processes.Outcome) outcomeView {
	v := outcomeView{ID: o.ID, Label: p.either(o.Label, o.LabelEn)}
	switch o.Closes {
	case "won":
		v.Tone = "good"
	case "lost", "junk":
		v.Tone = "danger"
	}
	for _, m := range o.Missing {
		v.Missing = append(v.Missing, p.either(m.Title, m.TitleEn))
	}
	return v
}

// step shows one action. labels are the names of the results.
func (p *leadPage) step(task int64, step processes.Step, labels map[string]string, zone *time.Location) stepView {
	v := stepView{Step: step, Title: p.either(step.Title, step.TitleEn), State: "open", Optional: !step.Required && len(step.RequiredFor) == 0}
	var names []string
	for _, id := range step.RequiredFor {
		if label, ok := labels[id]; ok {
			names = append(names, "«"+label+"»")
		}
	}
	if !step.Required {
		v.For = strings.Join(names, ", ")
	}
	switch {
	case step.Skipped:
		v.State = "skipped"
	case step.Done:
		v.State = "done"
		v.Again = step.Kind == "input" || step.Kind == "choice" || step.Kind == "date" || step.Kind == fileKind
	case len(step.Blocked) > 0:
		v.State = "locked"
		v.Blocked = p.either(step.Blocked[0].Title, step.Blocked[0].TitleEn)
	}
	v.Shown, v.File = p.value(task, step, zone), stepFileAddress(task, step)
	if v.File == "" {
		v.Draft, v.DraftTime = p.firstDraft(step, zone)
		v.Was = v.Draft
	}
	for _, choice := range step.Choices {
		v.Options = append(v.Options, option{choice.Value, p.either(choice.Label, choice.LabelEn), choice.Value == v.Draft})
	}
	return v
}

// value says what was answered, in words.
func (p page) value(task int64, step processes.Step, zone *time.Location) string {
	text, ok := step.Value.(string)
	switch {
	case step.Value == nil, step.Value == true:
		return ""
	case !ok:
		return strings.TrimSuffix(fmt.Sprintf("%.2f", step.Value), ".00")
	case step.Kind == fileKind:
		if file, ok := fileOf(task, text); ok {
			return file.Name
		}
	case step.Kind == "choice":
		for _, choice := range step.Choices {
			if choice.Value == text {
				return p.either(choice.Label, choice.LabelEn)
			}
		}
	case step.Kind == "date":
		f := format{language: p.Lang, zone: zone, texts: p.texts}
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return f.moment(at, p.Now)
		}
		if at, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
			return f.date(at, p.Now)
		}
	}
	return text
}

// firstDraft is what stands in the input before the person types: the value given already, else the field it is about.
func (p *leadPage) firstDraft(step processes.Step, zone *time.Location) (text, clock string) {
	switch value := step.Value.(type) {
	case nil:
	case bool:
		return "", ""
	case string:
		if at, err := time.Parse(time.RFC3339, value); step.Kind == "date" && err == nil {
			return at.In(zone).Format(time.DateOnly), at.In(zone).Format("15:04")
		}
		return value, ""
	default:
		return strings.TrimSuffix(fmt.Sprintf("%.2f", value), ".00"), ""
	}
	if key, own := strings.CutPrefix(step.Field, "lead.fields."); own {
		return p.Lead.Fields[key], ""
	}
	switch step.Field {
	case "lead.amount":
		if p.Lead.Amount != nil {
			return p.Lead.Amount.String(), ""
		}
	case "lead.product":
		return p.Lead.Product, ""
	case "lead.city":
		return p.Lead.City, ""
	case "lead.expected_close":
		return day(p.Lead.ExpectedClose), ""
	case "contact.name":
		if p.Lead.Contact != nil {
			return p.Lead.Contact.Name, ""
		}
	case "client.inn":
		if p.Lead.Client != nil {
			return p.Lead.Client.INN, ""
		}
	}
	return "", ""
}

// chooseNext marks the action to do now: the first that is required and free, else the first that some result needs.
func (v *taskView) chooseNext() {
	at := slices.IndexFunc(v.Steps, func(s stepView) bool { return s.State == "open" && s.Required })
	if at < 0 {
		at = slices.IndexFunc(v.Steps, func(s stepView) bool { return s.State == "open" && !s.Optional })
	}
	if at >= 0 {
		v.Steps[at].State = "next"
		v.Next = &v.Steps[at]
	}
	for _, s := range v.Steps {
		if s.Done {
			v.Doable++
		}
	}
}

// draft puts back what the person had typed, and says beside each action why it stands in the way.
func (v *taskView) draft(form url.Values, why *refused) {
	v.Comment = form.Get("comment")
	for i := range v.Steps {
		step := &v.Steps[i]
		if form.Has("v." + step.ID) {
			step.Draft, step.DraftTime = form.Get("v."+step.ID), form.Get("t."+step.ID)
			for j := range step.Options {
				step.Options[j].Chosen = step.Options[j].Value == step.Draft
			}
		}
		if why == nil {
			continue
		}
		for _, missing := range why.Steps {
			if missing.ID == step.ID {
				step.Problem = missing.Reason
			}
		}
	}
}

// meanwhile says beside each action that somebody has done it while the person was typing something else into it: both texts.
func (p *leadPage) meanwhile(form url.Values) {
	for i := range p.Task.Steps {
		step := &p.Task.Steps[i]
		if typed := typedMeanwhile(form, step.Step, step.Was); typed != "" {
			step.Problem = p.T("task.meanwhile", "who", step.DoneByName, "value", cmp.Or(step.Shown, "✓"), "typed", typed)
		}
	}
}

// typedMeanwhile is what the person typed into an action that was not done when their page was made and is now. The page
// says what stood in the input (was) and whether the action was done then (again).
func typedMeanwhile(form url.Values, step processes.Step, now string) string {
	typed := strings.TrimSpace(form.Get("v." + step.ID))
	if !step.Done || form.Has("again."+step.ID) || !form.Has("was."+step.ID) || typed == strings.TrimSpace(form.Get("was."+step.ID)) || typed == now {
		return ""
	}
	return typed
}

// refused says in the page's language why something did not happen.
func (p page) refused(err error, status int) *refused {
	var refusal *engine.Refusal
	if !asRefusal(err, &refusal) {
		return &refused{Text: p.errorText(err, status)}
	}
	r := &refused{Text: p.either(refusal.Message, refusal.MessageEn)}
	for _, step := range refusal.Steps {
		r.Steps = append(r.Steps, refusedStep{step.ID, p.either(step.Title, step.TitleEn), p.either(step.Reason, step.ReasonEn)})
	}
	return r
}
