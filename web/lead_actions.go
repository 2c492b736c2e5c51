package web

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes/casework"
)

// onLead runs a form of the card: what is refused is shown on the card with everything typed, what is done leads back to it.
func (s *Server) onLead(form, done string, do func(*gin.Context, staff.Actor, int64) error) personHandler {
	return func(c *gin.Context, actor staff.Actor) error {
		id, err := pathID(c, "id")
		if err != nil {
			return err
		}
		if _, err := s.visibleLead(c.Request.Context(), actor, id); err != nil {
			return err
		}
		if err := c.Request.ParseForm(); err != nil {
			return errBadRequest
		}
		if err := do(c, actor, id); err != nil {
			return s.showLeadAgain(c, actor, id, form, err)
		}
		if !c.Writer.Written() {
			s.flash(c, done)
			c.Redirect(http.StatusSeeOther, leadAddress(id))
		}
		return nil
	}
}

// invalid is a value that cannot stand in a field.
type invalid struct{ Field, Key string }

func (e invalid) Error() string { return "field " + e.Field + ": " + e.Key }

func (e invalid) Unwrap() error { return leads.ErrInvalid }

// editLead changes the fields of the form. The version is that of the page: who was overtaken is told what has changed.
func (s *Server) editLead(c *gin.Context, actor staff.Actor, id int64) error {
	changes, err := s.readChanges(c.Request.PostForm)
	if err != nil {
		return err
	}
	_, err = s.Casework.UpdateLead(c.Request.Context(), actor, id, casework.Update{Changes: changes})
	return err
}

// readChanges reads the fields that the form holds; the others stay as they are.
func (s *Server) readChanges(form url.Values) (repository.Changes, error) {
	var ch repository.Changes
	if _, err := fmt.Sscan(form.Get("version"), &ch.Version); err != nil {
		return ch, errBadRequest
	}
	text := func(key string) *string {
		if !form.Has(key) {
			return nil
		}
		value := strings.TrimSpace(form.Get(key))
		return &value
	}
	ch.Title, ch.Source, ch.Product, ch.City = text("title"), text("source"), text("product"), text("city")
	ch.ContactName, ch.ClientName, ch.INN = text("contact_name"), text("client_name"), text("inn")
	if ch.Title != nil && *ch.Title == "" {
		return ch, invalid{"title", "lead.title_needed"}
	}
	// An empty name beside nobody is no change.
	for _, name := range []**string{&ch.ContactName, &ch.ClientName, &ch.INN} {
		if *name != nil && **name == "" {
			*name = nil
		}
	}
	if amount := text("amount"); amount != nil {
		if ch.NoAmount = *amount == ""; !ch.NoAmount {
			value, ok := leads.ParseAmount(*amount)
			if !ok {
				return ch, invalid{"amount", "lead.amount_unclear"}
			}
			ch.Amount = &value
		}
	}
	if when := text("expected_close"); when != nil {
		if ch.NoExpected = *when == ""; !ch.NoExpected {
			day, err := time.Parse(time.DateOnly, *when)
			if err != nil {
				return ch, invalid{"expected_close", "lead.date_unclear"}
			}
			ch.ExpectedClose = &day
		}
	}
	for key := range maps.Keys(form) {
		if name, own := strings.CutPrefix(key, "own."); own {
			if ch.Fields == nil {
				ch.Fields = map[string]string{}
			}
			ch.Fields[name] = strings.TrimSpace(form.Get(key))
		}
	}
	return ch, nil
}

// changedMeanwhile is what the fields of the edit form are now, where the person typed something else.
func (p *leadPage) changedMeanwhile() map[string]string {
	now := map[string]string{"title": p.Lead.Title, "source": p.Lead.Source, "product": p.Lead.Product, "city": p.Lead.City, "amount": "",
		"expected_close": day(p.Lead.ExpectedClose)}
	if p.Lead.Amount != nil {
		now["amount"] = p.Lead.Amount.String()
	}
	if p.Lead.Contact != nil {
		now["contact_name"] = p.Lead.Contact.Name
	}
	if p.Lead.Client != nil {
		now["client_name"], now["inn"] = p.Lead.Client.Name, p.Lead.Client.INN
	}
	for _, f := range p.Own {
		now["own."+f.Key] = f.Value
	}
	maps.DeleteFunc(now, func(key, value string) bool { return !p.Form.Has(key) || strings.TrimSpace(p.Form.Get(key)) == value })
	return now
}

// Value is what stands in an input of the card: what the person had typed when it was refused, else what the lead has.
func (p leadPage) Value(form, key, now string) string {
	if p.Failed == form && p.Form.Has(key) {
		return p.Form.Get(key)
	}
	return now
}

// logContact notes a call, a letter, a meeting or a note.
func (s *Server) logContact(c *gin.Context, actor staff.Actor, id int64) error {
	i := leads.Interaction{At: s.Now(), Text: strings.TrimSpace(c.PostForm("text")), Direction: leads.DirectionOut}
	kind, direction, _ := strings.Cut(c.PostForm("kind"), "|")
	i.Kind = leads.Kind(kind)
	switch direction {
	case "in":
		i.Direction = leads.DirectionIn
	case "none":
		i.Direction = leads.DirectionNone
	}
	if i.Kind == leads.KindNote && i.Text == "" {
		return invalid{"text", "lead.note_empty"}
	}
	if i.Kind == leads.KindCall {
		if i.Missed = c.PostForm("answered") == "no"; !i.Missed {
			i.Talk = minutes(c.PostForm("minutes"))
		}
	}
	_, err := s.Casework.AddInteraction(c.Request.Context(), actor, id, i)
	return err
}

func (s *Server) closeLead(c *gin.Context, actor staff.Actor, id int64) error {
	status, reason, _ := strings.Cut(c.PostForm("how"), "|")
	way, err := s.Casework.CloseLead(c.Request.Context(), actor, id, casework.Close{Status: leads.Status(status), Reason: reason,
		Comment: strings.TrimSpace(c.PostForm("comment")), SkipReason: strings.TrimSpace(c.PostForm("skip_reason"))})
	if err != nil {
		return err
	}
	s.sayWay(c, id, way)
	return nil
}

func (s *Server) moveLead(c *gin.Context, actor staff.Actor, id int64) error {
	way, err := s.Casework.MoveLead(c.Request.Context(), actor, id, casework.Move{Stage: c.PostForm("stage"),
		Comment: strings.TrimSpace(c.PostForm("comment")), SkipReason: strings.TrimSpace(c.PostForm("skip_reason"))})
	if err != nil {
		return err
	}
	s.sayWay(c, id, way)
	return nil
}

// sayWay tells whether the lead is where it was sent, or whether somebody else has to agree first.
func (s *Server) sayWay(c *gin.Context, id int64, way casework.Way) {
	if way.Pending {
		s.flash(c, "done.pending")
	} else {
		s.flash(c, "done.lead")
	}
	c.Redirect(http.StatusSeeOther, leadAddress(id))
}

func (s *Server) assignLead(c *gin.Context, actor staff.Actor, id int64) error {
	_, err := s.Casework.AssignLead(c.Request.Context(), actor, id, c.PostForm("owner"), strings.TrimSpace(c.PostForm("reason")))
	return err
}

func (s *Server) takeLead(c *gin.Context, actor staff.Actor, id int64) error {
	_, err := s.Casework.AssignLead(c.Request.Context(), actor, id, actor.Login, "")
	return err
}

func (s *Server) reopenLead(c *gin.Context, actor staff.Actor, id int64) error {
	_, err := s.Casework.Reopen(c.Request.Context(), actor, id, strings.TrimSpace(c.PostForm("reason")))
	return err
}

// newLeadPage is what templates/lead-new.html shows.
type newLeadPage struct {
	page
	Sources []option
	People  []option
	Form    url.Values
	Key     string // makes a second click on the button the same lead
	Problem string
	Assigns bool
}

func (s *Server) showNewLead(c *gin.Context, actor staff.Actor) error {
	p, err := s.newLeadPage(c, actor)
	if err != nil {
		return err
	}
	p.Form, p.Key = url.Values{}, rand.Text()
	s.pages.show(c, http.StatusOK, "lead-new", p)
	return nil
}

func (s *Server) newLeadPage(c *gin.Context, actor staff.Actor) (newLeadPage, error) {
	p := newLeadPage{page: s.page(c, actor, "new.title"), Assigns: actor.Can(staff.AssignLead)}
	w, err := s.words(c.Request.Context(), p.Lang)
	if err != nil {
		return p, err
	}
	people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
	if err != nil {
		return p, err
	}
	p.Sources = w.sourceOptions(c.PostForm("source"))
	for _, e := range people.Employees() {
		if !e.Disabled() && e.Permission.Can(staff.WorkTasks) {
			p.People = append(p.People, option{e.Login, e.Name, e.Login == c.PostForm("owner")})
		}
	}
	return p, nil
}

func (s *Server) createLead(c *gin.Context, actor staff.Actor) error {
	if err := c.Request.ParseForm(); err != nil {
		return errBadRequest
	}
	inquiry, problem := s.typedInquiry(c.Request.PostForm)
	var err error
	if problem == "" {
		owner := c.PostForm("owner")
		if !actor.Can(staff.AssignLead) {
			owner = actor.Login
		}
		var made repository.Captured
		made, err = s.Casework.CreateLead(c.Request.Context(), actor, inquiry, owner)
		if err == nil {
			s.flash(c, "done.created")
			c.Redirect(http.StatusSeeOther, leadAddress(made.LeadID))
			return nil
		}
	}
	p, pageErr := s.newLeadPage(c, actor)
	if pageErr != nil {
		return pageErr
	}
	status := http.StatusUnprocessableEntity
	if err != nil {
		if status = statusOf(err); status == http.StatusInternalServerError {
			return err
		}
		problem = p.refused(err, status).Text
	} else {
		problem = p.T(problem)
	}
	p.Form, p.Key, p.Problem = c.Request.PostForm, c.PostForm("key"), problem
	s.pages.show(c, status, "lead-new", p)
	return nil
}

// typedInquiry makes an inquiry of the form, or says by key what is wrong with it.
func (s *Server) typedInquiry(form url.Values) (leads.Inquiry, string) {
	get := func(key string) string { return strings.TrimSpace(form.Get(key)) }
	now := s.Now()
	in := leads.Inquiry{ID: "manual-" + get("key"), Channel: leads.ChannelManual, ReceivedAt: now, Name: get("name"), Company: get("company"), INN: get("inn"),
		City: get("city"), Product: get("product"), Text: get("text"), Source: get("source")}
	if get("key") == "" || len(get("key")) > 64 {
		in.ID = "manual-" + rand.Text()
	}
	if in.Name == "" && in.Company == "" {
		return in, "new.who_needed"
	}
	if phone := get("phone"); phone != "" {
		point, ok := leads.Phone(phone, s.Company.Region)
		if !ok {
			return in, "new.phone_unclear"
		}
		in.Points = append(in.Points, point)
	}
	if email := get("email"); email != "" {
		point, ok := leads.Email(email)
		if !ok {
			return in, "new.email_unclear"
		}
		in.Points = append(in.Points, point)
	}
	if amount := get("amount"); amount != "" {
		value, ok := leads.ParseAmount(amount)
		if !ok {
			return in, "lead.amount_unclear"
		}
		in.Amount = &value
	}
	return in, ""
}
