package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
)

// leadsPage is what templates/leads.html shows: a list whose filters stand in the address, so that a bookmark is a saved view.
type leadsPage struct {
	page
	Rows       []leadLine
	Next       string
	Filter     leadsFilter
	Unassigned bool
	MayCreate  bool
	MayTake    bool
	MayAssign  bool
	People     []option
	Totals     []totalLine
	Total      totalLine
	Filtered   bool
}

// leadsFilter is the form above the list.
type leadsFilter struct {
	Q, From, To                       string
	Statuses, Stages, Funnels, Owners []option
	Sources, Connections              []option
}

// leadLine is a lead in a list.
type leadLine struct {
	repository.LeadRow
	StageName, SourceName string
	Who                   string
	Tone                  string
}

// totalLine adds up a stage of the list.
type totalLine struct {
	Name   string
	Count  int
	Amount string
}

func (s *Server) showLeads(c *gin.Context, actor staff.Actor) error {
	return s.listLeads(c, actor, leadsPage{page: s.page(c, actor, "leads.title")})
}

// showUnassigned is «Неразобранное»: open leads that nobody answers for.
func (s *Server) showUnassigned(c *gin.Context, actor staff.Actor) error {
	return s.listLeads(c, actor, leadsPage{page: s.page(c, actor, "unassigned.title"), Unassigned: true})
}

func (s *Server) listLeads(c *gin.Context, actor staff.Actor, p leadsPage) error {
	ctx := c.Request.Context()
	w, err := s.words(ctx, p.Lang)
	if err != nil {
		return err
	}
	people, err := s.Staff.Directory(ctx, s.Pool)
	if err != nil {
		return err
	}
	query := c.Request.URL.Query()
	f, err := s.leadFilter(query, actor, people)
	if err != nil {
		return err
	}
	if p.Unassigned {
		nobody := int64(0)
		f.Owner, f.Status = &nobody, leads.StatusOpen
	}
	found, err := s.Leads.Leads(ctx, f)
	if err != nil {
		return err
	}
	scope := staff.ScopeOf(actor)
	for _, row := range found.Items {
		p.Rows = append(p.Rows, p.leadLine(row, w, scope.Masked))
	}
	p.Next = with(query, "cursor", found.Next)
	p.MayCreate, p.MayTake, p.MayAssign = actor.Can(staff.CreateLead), actor.Can(staff.TakeLead), actor.Can(staff.AssignLead)
	p.Filter = p.filterForm(query, w, people)
	p.People = p.Filter.Owners
	p.Filtered = p.Filter.Q != "" || len(query) > 0
	if query.Get("cursor") == "" && !p.Unassigned {
		if err := s.leadTotals(c, f, w, &p); err != nil {
			return err
		}
	}
	s.pages.show(c, http.StatusOK, "leads", p)
	return nil
}

// leadTotals adds up the leads of the filter by stage.
func (s *Server) leadTotals(c *gin.Context, f repository.LeadFilter, w words, p *leadsPage) error {
	totals, err := s.Leads.Totals(c.Request.Context(), f)
	if err != nil {
		return err
	}
	slices.SortStableFunc(totals, func(a, b repository.StageTotal) int {
		return cmp.Compare(w.place(a.Funnel, a.Stage), w.place(b.Funnel, b.Stage))
	})
	var sum leads.Amount
	for _, t := range totals {
		name := w.Stage(t.Funnel, t.Stage)
		if len(w.Funnels) > 1 {
			name = w.Funnel(t.Funnel) + ": " + name
		}
		p.Totals = append(p.Totals, totalLine{name, t.Count, t.Sum.String()})
		p.Total.Count += t.Count
		sum = sum.Add(t.Sum)
	}
	p.Total.Amount = sum.String()
	return nil
}

var statusTones = map[leads.Status]string{leads.StatusWon: "good", leads.StatusLost: "danger", leads.StatusJunk: "warn"}

func (p page) leadLine(row repository.LeadRow, w words, hide bool) leadLine {
	l := leadLine{LeadRow: row, StageName: w.Stage(row.Funnel, row.Stage), SourceName: w.Source(row.Source), Who: cmp.Or(row.ContactName, row.ClientName), Tone: statusTones[row.Status]}
	if row.Status.Closed() {
		l.StageName = p.T("status." + string(row.Status))
	}
	if hide {
		l.Phone, l.Email, l.Title = masked(l.Phone), masked(l.Email), masked(l.Title)
	}
	return l
}

// leadFilter reads the filter of a list from its address.
func (s *Server) leadFilter(query url.Values, actor staff.Actor, people *staff.Directory) (repository.LeadFilter, error) {
	f := repository.LeadFilter{Q: query.Get("q"), Status: leads.Status(query.Get("status")), Funnel: query.Get("funnel"), Stage: query.Get("stage"),
		Connection: query.Get("connection"), Source: query.Get("source"), Cursor: query.Get("cursor"), VisibleTo: staff.ScopeOf(actor).VisibleTo}
	switch login := query.Get("owner"); login {
	case "":
	case "-":
		nobody := int64(0)
		f.Owner = &nobody
	case "me":
		f.Owner = &actor.ID
	default:
		e, ok := people.Login(login)
		if !ok {
			e.ID = -1 // nobody's leads: an empty list, not all of them
		}
		f.Owner = &e.ID
	}
	var err error
	if f.From, err = s.dayOf(query.Get("from"), 0); err != nil {
		return f, err
	}
	f.To, err = s.dayOf(query.Get("to"), 1)
	return f, err
}

// dayOf reads a date of the company's zone, so many days later; "" is the zero time.
func (s *Server) dayOf(text string, later int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, text, s.Company.Location)
	if err != nil {
		return at, errBadRequest
	}
	return at.AddDate(0, 0, later), nil
}

func (p page) filterForm(query url.Values, w words, people *staff.Directory) leadsFilter {
	f := leadsFilter{Q: query.Get("q"), From: query.Get("from"), To: query.Get("to")}
	for _, status := range []leads.Status{leads.StatusOpen, leads.StatusWon, leads.StatusLost, leads.StatusJunk} {
		f.Statuses = append(f.Statuses, option{string(status), p.T("status." + string(status)), query.Get("status") == string(status)})
	}
	f.Funnels, f.Stages = w.funnelOptions(query.Get("funnel")), w.stageOptions(query.Get("funnel"), query.Get("stage"))
	f.Sources = w.sourceOptions(query.Get("source"))
	f.Owners = []option{{"me", p.T("leads.mine"), query.Get("owner") == "me"}, {"-", p.T("leads.nobodys"), query.Get("owner") == "-"}}
	for _, e := range people.Employees() {
		if e.Permission.Can(staff.WorkTasks) && (!e.Disabled() || query.Get("owner") == e.Login) {
			f.Owners = append(f.Owners, option{e.Login, e.Name, query.Get("owner") == e.Login})
		}
	}
	return f
}
