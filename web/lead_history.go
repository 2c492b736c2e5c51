package web

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
)

// entry is one line of a history: what happened, who did it, and what was said.
type entry struct {
	At     time.Time
	Class  string // in, out, refused or empty
	Icon   string
	Title  string
	Actor  string
	Text   string
	Detail []detail
	Files  []fileLink
	group  string // inquiry, contact, task, change: for the filter
	edit   bool   // of fields of the card
}

// fileLink is a file and where to get it; no address: its sender keeps it.
type fileLink struct{ Name, Address string }

// detail is a name with a value.
type detail struct{ Name, Value string }

// leadHistory fills the timeline, the newest first.
func (s *Server) leadHistory(ctx context.Context, actor staff.Actor, people *staff.Directory, w words, kind string, p *leadPage) error {
	happened, err := s.Leads.Timeline(ctx, p.Lead.ID)
	if err != nil {
		return err
	}
	for _, h := range happened {
		if e, ok := p.entry(h, w, people, s.Company.Location); ok {
			p.Entries = append(p.Entries, e)
		}
		for _, came := range h.Conflicts {
			p.Entries = append(p.Entries, p.conflictEntry(*h.Inquiry, came))
		}
	}
	done, err := s.Processes.Tasks(ctx, processes.TaskFilter{Subject: p.Lead.ID, Status: processes.TaskDone, Limit: 200})
	if err != nil {
		return err
	}
	for _, t := range done.Items {
		p.Entries = append(p.Entries, p.taskEntry(t, s.Company.Location))
	}
	slices.SortStableFunc(p.Entries, func(a, b entry) int { return b.At.Compare(a.At) })
	p.Entries = joinEdits(p.Entries)
	p.filterEntries(kind)
	if staff.ScopeOf(actor).Masked {
		for i := range p.Entries {
			p.Entries[i].hide()
		}
	}
	return nil
}

// oneEdit is how far apart changes of the card may be that are shown as one: a checklist changes it step by step.
const oneEdit = 10 * time.Minute

// joinEdits makes one entry of what one person changed on the card without anything else between, the newest first.
func joinEdits(entries []entry) []entry {
	var out []entry
	for _, e := range entries {
		if n := len(out) - 1; n >= 0 && e.edit && out[n].edit && e.Actor == out[n].Actor && out[n].At.Sub(e.At) < oneEdit {
			out[n].Detail = slices.Concat(e.Detail, out[n].Detail) // the earlier change first
			continue
		}
		out = append(out, e)
	}
	return out
}

func (e *entry) hide() {
	e.Text, e.Title = masked(e.Text), masked(e.Title)
	for i := range e.Detail {
		e.Detail[i].Value = masked(e.Detail[i].Value)
	}
	e.Files = nil
}

func (p *leadPage) filterEntries(kind string) {
	for _, k := range []string{"", "inquiry", "contact", "task", "change"} {
		p.Kinds = append(p.Kinds, option{k, p.T("lead.history_" + cmp.Or(k, "all")), k == kind})
	}
	if kind != "" {
		p.Entries = slices.DeleteFunc(p.Entries, func(e entry) bool { return e.group != kind })
	}
}

func (p page) entry(h repository.TimelineEntry, w words, people *staff.Directory, zone *time.Location) (entry, bool) {
	switch h.Kind {
	case repository.TimelineInquiry:
		return p.inquiryEntry(h), true
	case repository.TimelineInteraction:
		return p.contactEntry(h), true
	}
	return p.journalEntry(h.At, h.Actor, h.Action, h.Data, w, people)
}

var channelIcons = map[leads.Channel]string{leads.ChannelForm: "form", leads.ChannelCall: "phone", leads.ChannelMail: "mail",
	leads.ChannelMessage: "chat", leads.ChannelOneC: "file", leads.ChannelManual: "person"}

func (p page) inquiryEntry(h repository.TimelineEntry) entry {
	in := h.Inquiry
	e := entry{At: h.At, Class: "in", Icon: channelIcons[in.Channel], Title: p.T("lead.in_" + string(in.Channel)), Actor: h.Actor, group: "inquiry",
		Text: strings.TrimSpace(in.Subject + "\n" + in.Text)}
	for i, file := range in.Files {
		link := fileLink{Name: file.Name}
		if file.Ref != "" {
			link.Address = fmt.Sprintf("/inquiries/%s/files/%d", url.PathEscape(in.ID), i)
		}
		e.Files = append(e.Files, link)
	}
	if in.Outgoing() {
		e.Class = "out"
	}
	if in.Call != nil {
		e.Title = p.callTitle(in.Outgoing(), !in.Call.Answered, in.Call.Talk)
	}
	for _, f := range in.Fields {
		if f.Value != "" && f.Value != in.Text {
			e.Detail = append(e.Detail, detail{cmp.Or(f.Label, f.Key), f.Value})
		}
	}
	add := func(key, value string) {
		if value != "" {
			e.Detail = append(e.Detail, detail{p.T(key), value})
		}
	}
	add("lead.connection", in.Connection)
	if in.Call != nil {
		add("lead.recording", in.Call.Recording)
	}
	a := in.Attribution
	for _, mark := range []detail{{"utm_source", a.UTM.Source}, {"utm_medium", a.UTM.Medium}, {"utm_campaign", a.UTM.Campaign}, {"utm_content", a.UTM.Content}, {"utm_term", a.UTM.Term}} {
		if mark.Value != "" {
			e.Detail = append(e.Detail, mark)
		}
	}
	add("lead.page", cmp.Or(a.Page, a.Landing))
	add("lead.referrer", a.Referrer)
	if in.Consent.State != "" {
		add("lead.consent", p.T("lead.consent_"+in.Consent.State))
	}
	return e
}

// conflictEntry is what came under the id of an inquiry with other content: what differs.
func (p page) conflictEntry(was, came leads.Inquiry) entry {
	e := entry{At: came.ReceivedAt, Class: "conflict", Icon: "alert", Title: p.T("lead.came_otherwise"), Text: p.T("lead.came_otherwise_help"), group: "inquiry"}
	for _, d := range leads.Differences(was, came) {
		name := cmp.Or(d.Label, d.Key)
		if known := p.T("lead.differs_" + d.Key); d.Label == "" && known != "lead.differs_"+d.Key {
			name = known
		}
		e.Detail = append(e.Detail, detail{name, cmp.Or(d.Was, "—") + " → " + cmp.Or(d.Came, "—")})
	}
	return e
}

func (p page) callTitle(out, missed bool, talk time.Duration) string {
	key := "lead.call_in"
	if out {
		key = "lead.call_out"
	}
	if missed {
		return p.T(key + "_missed")
	}
	title := p.T(key)
	if talk > 0 {
		title += fmt.Sprintf(", %d:%02d", int(talk.Minutes()), int(talk.Seconds())%60)
	}
	return title
}

var kindIcons = map[leads.Kind]string{leads.KindCall: "phone", leads.KindLetter: "mail", leads.KindMessage: "chat", leads.KindMeeting: "people",
	leads.KindNote: "note", leads.KindForm: "form", leads.KindOneC: "file"}

func (p page) contactEntry(h repository.TimelineEntry) entry {
	i := h.Interaction
	e := entry{At: h.At, Icon: kindIcons[i.Kind], Actor: h.Actor, Text: strings.TrimSpace(i.Subject + "\n" + i.Text), group: "contact"}
	switch i.Direction {
	case leads.DirectionIn:
		e.Class = "in"
	case leads.DirectionOut:
		e.Class = "out"
	}
	switch {
	case i.Kind == leads.KindCall:
		e.Title = p.callTitle(i.Direction == leads.DirectionOut, i.Missed, i.Talk)
	case i.Kind == leads.KindNote || i.Kind == leads.KindMeeting:
		e.Title = p.T("lead.kind_" + string(i.Kind))
	default:
		e.Title = p.T("lead.kind_" + string(i.Kind) + "_" + string(i.Direction))
	}
	return e
}

// taskEntry is a task that was done, with its actions and their answers.
func (p page) taskEntry(t processes.Task, zone *time.Location) entry {
	e := entry{At: *t.DoneAt, Icon: "check", Class: "done", Title: p.T("lead.task_done", "title", p.either(t.Title, t.TitleEn)), Actor: t.DoneByName, Text: t.Comment, group: "task"}
	outcome := t.OutcomeLabel
	for _, o := range t.Outcomes {
		if o.ID == t.Outcome {
			outcome = p.either(o.Label, o.LabelEn)
		}
	}
	if outcome != "" {
		e.Title = p.T("lead.task_done_outcome", "title", p.either(t.Title, t.TitleEn), "outcome", outcome)
	}
	for _, step := range t.Steps {
		switch {
		case step.Skipped:
			e.Detail = append(e.Detail, detail{p.either(step.Title, step.TitleEn), p.T("lead.skipped", "reason", step.SkipReason)})
		case step.Done:
			shown := cmp.Or(p.value(t.ID, step, zone), "✓")
			e.Detail = append(e.Detail, detail{p.either(step.Title, step.TitleEn), shown})
			if address := stepFileAddress(t.ID, step); address != "" {
				e.Files = append(e.Files, fileLink{shown, address})
			}
		}
	}
	return e
}

// journalEntry says a line of the journal in words. Lines that only repeat what another line shows are left out.
func (p page) journalEntry(at time.Time, actor, action string, data json.RawMessage, w words, people *staff.Directory) (entry, bool) {
	var d map[string]any
	if err := json.Unmarshal(data, &d); err != nil {
		d = nil
	}
	text := func(key string) string {
		if d[key] == nil {
			return ""
		}
		return fmt.Sprint(d[key])
	}
	e := entry{At: at, Icon: "flag", Actor: cmp.Or(actor, p.T("journal.system")), group: "change"}
	switch action {
	case "lead.created":
		e.Title, e.Icon = p.T("journal.lead_created"), "plus"
	case "lead.stage":
		from, to := w.anyStage(text("from")), w.anyStage(text("to"))
		e.Title = p.T("journal.lead_stage", "from", from, "to", to)
	case "lead.closed":
		e.Title, e.Text = p.T("journal.lead_closed_"+text("status")), text("comment")
		if reason := text("reason"); reason != "" {
			e.Title += ": " + w.Reason(reason)
		}
	case "lead.reopened":
		e.Title, e.Text = p.T("journal.lead_reopened"), text("comment")
	case "lead.assigned":
		e.Icon = "swap"
		e.Title, e.Text = p.T("journal.lead_unassigned"), p.why(text("why"))
		if name := people.Name(id(text("to"))); name != "" {
			e.Title = p.T("journal.lead_assigned", "name", name)
		}
	case "call.returned":
		waited, _ := d["seconds"].(float64)
		e.Icon, e.group = "phone", "contact"
		e.Title = p.T("journal.call_returned", "after", format{language: p.Lang, texts: p.texts}.span(time.Duration(waited)*time.Second))
	case "lead.changed":
		e.Icon, e.Title, e.Detail, e.edit = "note", p.T("journal.lead_changed"), p.changes(d), true
	case "lead.changed-without-task":
		e.Title, e.Text = p.T("journal.without_task"), text("why")
	case "exchange.conflict":
		e.Icon, e.Detail = "swap", p.conflict(w, text("field"), text("ours"), text("theirs"), text("rule"))
		e.Title = p.T("journal.action_exchange_conflict") + " (" + text("connection") + "): " + p.T("journal.exchange_kept_"+text("kept"))
	case "task.refused", "lead.refused":
		e.Icon, e.Class, e.Title, e.Text = "lock", "refused", p.T("journal.action_lead_refused"), text("message")
		if title := text("title"); title != "" {
			e.Title = p.T("journal.refused", "title", title)
		}
		if steps, ok := d["steps"].([]any); ok {
			for _, step := range steps {
				if m, ok := step.(map[string]any); ok {
					e.Detail = append(e.Detail, detail{fmt.Sprint(m["title"]), fmt.Sprint(m["reason"])})
				}
			}
		}
	default:
		key := "journal.action_" + strings.NewReplacer(".", "_", "-", "_").Replace(action)
		if e.Title = p.T(key); e.Title == key {
			e.Title = action
		}
		for name, value := range d {
			e.Detail = append(e.Detail, detail{name, fmt.Sprint(value)})
		}
		slices.SortFunc(e.Detail, func(a, b detail) int { return strings.Compare(a.Name, b.Name) })
	}
	return e, true
}

// why is a reason as a person wrote it, or in words one of ours.
func (p page) why(reason string) string {
	if said := p.T("journal.why_" + reason); said != "journal.why_"+reason {
		return said
	}
	return reason
}

// conflict shows what both sides of an exchange held of a field, and the rule that settled it.
func (p page) conflict(w words, field, ours, theirs, rule string) []detail {
	said := func(value string) string {
		switch {
		case value == "":
			return "—"
		case field == "stage":
			return w.anyStage(value)
		case field == "reason":
			return w.Reason(value)
		case field == "status":
			return p.T("status." + value)
		}
		return value
	}
	list := []detail{{p.fieldName(field), p.T("journal.exchange_values", "ours", said(ours), "theirs", said(theirs))}}
	switch {
	case rule == "":
		return list
	case theirs == "" && rule == "later":
		rule = "empty"
	}
	return append(list, detail{p.T("journal.exchange_why"), p.T("journal.exchange_rule_" + rule)})
}

// fieldName is a field in words, or as it is called where nobody has written any.
func (p page) fieldName(field string) string {
	if name := p.T("field." + strings.ReplaceAll(field, ".", "_")); !strings.HasPrefix(name, "field.") {
		return name
	}
	return field
}

// changes lists fields with what they were and what they became.
func (p page) changes(d map[string]any) []detail {
	var list []detail
	for field, pair := range d {
		name := p.fieldName(field)
		was, became := "", fmt.Sprint(pair)
		if two, ok := pair.([]any); ok && len(two) == 2 {
			was, became = plain(two[0]), plain(two[1])
		}
		list = append(list, detail{name, cmp.Or(was, "—") + " → " + cmp.Or(became, "—")})
	}
	slices.SortFunc(list, func(a, b detail) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func plain(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func id(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// anyStage is the name of a stage, in whatever funnel it is.
func (w words) anyStage(key string) string {
	for _, f := range w.Funnels {
		for _, s := range f.Stages {
			if s.Key == key {
				return w.in(s.NameRU, s.NameEN)
			}
		}
	}
	return key
}
