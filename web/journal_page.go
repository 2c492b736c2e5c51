package web

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads/repository"
)

// journalPage is what templates/journal.html shows: who did what.
type journalPage struct {
	page
	Lines   []journalLine
	Next    string
	People  []option
	Actions []option
	From    string
	To      string
}

// journalLine is a line of the journal with what it is about.
type journalLine struct {
	entry
	Lead      int64
	LeadTitle string
	Object    string
}

// journalActions are the beginnings of actions to choose by.
var journalActions = []string{"lead.", "task.", "incident.", "process.", "rules.", "inquiry.", "delivery.", "contact.", "employee.", "token."}

func (s *Server) showJournal(c *gin.Context, actor staff.Actor) error {
	ctx, query := c.Request.Context(), c.Request.URL.Query()
	p := journalPage{page: s.page(c, actor, "journal.title"), From: query.Get("from"), To: query.Get("to")}
	people, err := s.Staff.Directory(ctx, s.Pool)
	if err != nil {
		return err
	}
	w, err := s.words(ctx, p.Lang)
	if err != nil {
		return err
	}
	f := repository.JournalFilter{Action: query.Get("action"), Cursor: query.Get("cursor")}
	if f.From, err = s.dayOf(p.From, 0); err != nil {
		return err
	}
	if f.To, err = s.dayOf(p.To, 1); err != nil {
		return err
	}
	for _, e := range people.Employees() {
		p.People = append(p.People, option{e.Login, e.Name, e.Login == query.Get("actor")})
		if e.Login == query.Get("actor") {
			f.Actor = e.ID
		}
	}
	for _, action := range journalActions {
		p.Actions = append(p.Actions, option{action, p.T("journal.about_" + strings.TrimSuffix(action, ".")), action == f.Action})
	}
	found, err := s.Leads.JournalEntries(ctx, f)
	if err != nil {
		return err
	}
	hide := staff.ScopeOf(actor).Masked
	for _, row := range found.Items {
		line := journalLine{Lead: row.Lead, LeadTitle: row.LeadTitle, Object: row.Object}
		line.entry, _ = p.journalEntry(row.At, row.Actor, row.Action, row.Data, w, people)
		if hide {
			line.hide()
		}
		p.Lines = append(p.Lines, line)
	}
	p.Next = with(query, "cursor", found.Next)
	s.pages.show(c, http.StatusOK, "journal", p)
	return nil
}
