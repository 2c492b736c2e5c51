package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/processes"
)

// tasksPage is what templates/tasks.html shows.
type tasksPage struct {
	page
	Groups  []taskGroup
	Whose   string   // "", "late", "all" or a login
	Done    bool     // the ended ones
	Several bool     // the page shows tasks of several people: their names stand in the lines
	People  []option // whose tasks may be looked at
	Next    string
	Query   string // of the address, for the fragment that is fetched anew
	Empty   bool
	News    []staff.Notice // unread
	NewsTo  int64          // the latest of them
}

// taskGroup is a heading with its tasks.
type taskGroup struct {
	Key, Title string // overdue, today, soon, later, free, done
	Tasks      []taskLine
}

// taskLine is a task in a list.
type taskLine struct {
	processes.Task
	Title, Hint string // in the language of the page
	DoneSteps   int
	NextStep    string
	Class       string // overdue, today, later
}

// line puts a task into a list of the page.
func (p page) line(t processes.Task) taskLine {
	l := taskLine{Task: t, Title: p.either(t.Title, t.TitleEn), Hint: p.either(t.Hint, t.HintEn)}
	for _, step := range t.Steps {
		switch {
		case step.Done:
			l.DoneSteps++
		case l.NextStep == "" && (step.Required || len(step.RequiredFor) > 0):
			l.NextStep = p.either(step.Title, step.TitleEn)
		}
	}
	return l
}

// either is the text of the page's language where there are two.
func (p page) either(ru, en string) string {
	if p.Lang == "en" && en != "" {
		return en
	}
	return ru
}

// openTasks counts the person's open and overdue tasks for the menu. A page is not lost for it.
func (s *Server) openTasks(c *gin.Context, actor staff.Actor) (open, late int) {
	if actor.ID == 0 || !actor.Can(staff.WorkTasks) {
		return 0, 0
	}
	open, late, err := s.Processes.CountOpen(c.Request.Context(), actor.ID)
	if err != nil && c.Request.Context().Err() == nil {
		s.Log.ErrorContext(c.Request.Context(), "tasks of the menu cannot be counted", "error", err)
	}
	return open, late
}

func (s *Server) home(c *gin.Context, actor staff.Actor) error {
	to := "/leads"
	if actor.Can(staff.WorkTasks) {
		to = "/tasks"
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

// showTasks lists «Мои задачи»: overdue and today's first, then what comes soon and later, then what anybody of the
// person's roles may take. Who may work for others looks at theirs too.
func (s *Server) showTasks(c *gin.Context, actor staff.Actor) error {
	p := tasksPage{page: s.page(c, actor, "tasks.title"), Whose: c.Query("who"), Done: c.Query("status") == "done", Query: c.Request.URL.RawQuery}
	people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
	if err != nil {
		return err
	}
	if err := p.choosePeople(people, actor); err != nil {
		return err
	}
	if p.Done {
		err = s.doneTasks(c, actor, people, &p)
	} else {
		err = s.waitingTasks(c.Request.Context(), actor, people, &p)
	}
	if err != nil {
		return err
	}
	if p.Whose == "" && !p.Done {
		if err := s.news(c.Request.Context(), actor, &p); err != nil {
			return err
		}
	}
	p.Empty = !slices.ContainsFunc(p.Groups, func(g taskGroup) bool { return len(g.Tasks) > 0 })
	if c.GetHeader(partHeader) != "" {
		s.pages.showPart(c, http.StatusOK, "task-groups", p)
		return nil
	}
	s.pages.show(c, http.StatusOK, "tasks", p)
	return nil
}

// newsShown is how many unread notices stand above the tasks.
const newsShown = 20

// news are the unread notices: what the system has to say beside new tasks, such as work that is late.
func (s *Server) news(ctx context.Context, actor staff.Actor, p *tasksPage) error {
	list, err := s.Staff.Notices(ctx, actor.ID, newsShown)
	if err != nil {
		return err
	}
	for _, n := range list {
		if n.ReadAt == nil && n.Kind != staff.TaskArrived { // a new task is in the list below
			p.News = append(p.News, n)
		}
		p.NewsTo = max(p.NewsTo, n.ID)
	}
	return nil
}

// readNews marks the notices that were shown as read.
func (s *Server) readNews(c *gin.Context, actor staff.Actor) error {
	to, err := strconv.ParseInt(c.PostForm("to"), 10, 64)
	if err != nil {
		return errBadRequest
	}
	if err := s.Staff.MarkRead(c.Request.Context(), actor.ID, to, s.Now()); err != nil {
		return err
	}
	s.flash(c, "done.read")
	c.Redirect(http.StatusSeeOther, "/tasks")
	return nil
}

// choosePeople fills in whose tasks may be looked at, and refuses to look at others.
func (p *tasksPage) choosePeople(people *staff.Directory, actor staff.Actor) error {
	if !actor.Can(staff.WorkOthersTasks) {
		if p.Whose != "" {
			return staff.ErrNotAllowed
		}
		return nil
	}
	p.People = []option{{"", p.T("tasks.mine"), p.Whose == ""}, {"late", p.T("tasks.everybodys_late"), p.Whose == "late"}, {"all", p.T("tasks.everybodys"), p.Whose == "all"}}
	for _, e := range people.Employees() {
		if !e.Disabled() && e.Permission.Can(staff.WorkTasks) && e.ID != actor.ID {
			p.People = append(p.People, option{e.Login, e.Name, p.Whose == e.Login})
		}
	}
	p.Several = p.Whose == "late" || p.Whose == "all"
	return nil
}

// filter is about whose tasks the page is.
func (p *tasksPage) filter(people *staff.Directory, actor staff.Actor) (processes.TaskFilter, error) {
	f := processes.TaskFilter{Status: processes.TaskOpen, Limit: 200}
	switch p.Whose {
	case "":
		f.Assignee = actor.ID
	case "late":
		f.Overdue = true
	case "all":
	default:
		e, ok := people.Login(p.Whose)
		if !ok {
			return f, staff.ErrNotFound
		}
		f.Assignee = e.ID
	}
	return f, nil
}

func (s *Server) waitingTasks(ctx context.Context, actor staff.Actor, people *staff.Directory, p *tasksPage) error {
	f, err := p.filter(people, actor)
	if err != nil {
		return err
	}
	list, err := s.Processes.Tasks(ctx, f)
	if err != nil {
		return err
	}
	p.Groups = p.byUrgency(list.Items, s.Company.Location)
	if p.Whose != "" {
		return nil
	}
	free, err := s.freeTasks(ctx, actor, people)
	if err != nil || len(free) == 0 {
		return err
	}
	group := taskGroup{Key: "free", Title: p.T("tasks.free")}
	for _, t := range free {
		group.Tasks = append(group.Tasks, p.line(t))
	}
	p.Groups = append(p.Groups, group)
	return nil
}

// freeTasks are those of nobody that the person may take.
func (s *Server) freeTasks(ctx context.Context, actor staff.Actor, people *staff.Directory) ([]processes.Task, error) {
	var held []string
	for _, r := range people.Roles() {
		if people.Holds(actor.ID, r.Key) {
			held = append(held, r.Key)
		}
	}
	if len(held) == 0 {
		return nil, nil
	}
	list, err := s.Processes.Tasks(ctx, processes.TaskFilter{Status: processes.TaskOpen, Unassigned: true, Roles: held})
	return list.Items, err
}

// byUrgency groups tasks, which come in the order in which they are due.
func (p *tasksPage) byUrgency(list []processes.Task, zone *time.Location) []taskGroup {
	groups := []taskGroup{{Key: "overdue"}, {Key: "today"}, {Key: "soon"}, {Key: "later"}}
	for i := range groups {
		groups[i].Title = p.T("tasks.group_" + groups[i].Key)
	}
	for _, t := range list {
		at := urgency(t, p.Now, zone)
		line := p.line(t)
		line.Class = groups[at].Key
		if at > 1 {
			line.Class = "later"
		}
		groups[at].Tasks = append(groups[at].Tasks, line)
	}
	return slices.DeleteFunc(groups, func(g taskGroup) bool { return len(g.Tasks) == 0 })
}

// soon is what the next days hold.
const soon = 3

// urgency is the place of the task among the groups.
func urgency(t processes.Task, now time.Time, zone *time.Location) int {
	switch {
	case t.Overdue:
		return 0
	case t.DueAt == nil:
		return 3
	}
	switch d := days(t.DueAt.In(zone), now.In(zone)); {
	case d <= 0:
		return 1
	case d <= soon:
		return 2
	}
	return 3
}

func (s *Server) doneTasks(c *gin.Context, actor staff.Actor, people *staff.Directory, p *tasksPage) error {
	f, err := p.filter(people, actor)
	if err != nil {
		return err
	}
	f.Status, f.Overdue, f.Limit, f.Cursor = processes.TaskDone, false, 50, c.Query("cursor")
	list, err := s.Processes.Tasks(c.Request.Context(), f)
	if err != nil {
		return err
	}
	group := taskGroup{Key: "done", Title: p.T("tasks.done")}
	for _, t := range list.Items {
		group.Tasks = append(group.Tasks, p.line(t))
	}
	p.Groups, p.Next = []taskGroup{group}, with(c.Request.URL.Query(), "cursor", list.Next)
	return nil
}

// showTask leads to the card of its lead, where the task is worked.
func (s *Server) showTask(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	task, err := s.visibleTask(c.Request.Context(), actor, id)
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, taskAddress(task))
	return nil
}

func taskAddress(t processes.Task) string {
	return leadAddress(t.Subject) + "?task=" + strconv.FormatInt(t.ID, 10)
}

func leadAddress(id int64) string { return "/leads/" + strconv.FormatInt(id, 10) }

// with is the address of the same list with one parameter set; "" when there is nothing to set.
func with(query map[string][]string, key, value string) string {
	if value == "" {
		return ""
	}
	var b strings.Builder
	for k, list := range query {
		if k == key || len(list) == 0 || list[0] == "" {
			continue
		}
		b.WriteString(urlEscape(k) + "=" + urlEscape(list[0]) + "&")
	}
	return "?" + b.String() + urlEscape(key) + "=" + urlEscape(value)
}
