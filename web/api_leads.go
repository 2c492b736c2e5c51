package web

import (
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
)

// apiPerson is a contact or a client in a lead.
type apiPerson struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Phones []string `json:"phones"`
	Emails []string `json:"emails"`
}

type apiClient struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	INN  string `json:"inn"`
}

// apiRun is a process of a lead.
type apiRun struct {
	Key      string `json:"key"`
	Version  int    `json:"version"`
	Instance string `json:"instance"`
	State    string `json:"state"`
}

// apiLeadView is a lead as SURFACE has it. A list leaves Inquiries and Processes empty.
type apiLeadView struct {
	ID              string            `json:"id"`
	Title           string            `json:"title"`
	Client          *apiClient        `json:"client"`
	Contact         *apiPerson        `json:"contact"`
	Funnel          string            `json:"funnel"`
	Stage           string            `json:"stage"`
	Status          leads.Status      `json:"status"`
	Amount          *string           `json:"amount"`
	Currency        string            `json:"currency"`
	Items           []leads.Item      `json:"items"`
	Probability     float64           `json:"probability"`
	ExpectedClose   *string           `json:"expected_close"`
	LossReason      *string           `json:"loss_reason"`
	LossComment     string            `json:"loss_comment"`
	Owner           *string           `json:"owner"`
	Helpers         []string          `json:"helpers"`
	Source          string            `json:"source"`
	Channel         leads.Channel     `json:"channel"`
	Connection      string            `json:"connection"`
	UTM             apiUTM            `json:"utm"`
	Product         string            `json:"product"`
	City            string            `json:"city"`
	Repeat          bool              `json:"repeat"`
	Test            bool              `json:"test"`
	Inquiries       []string          `json:"inquiries"`
	Processes       []apiRun          `json:"processes"`
	Fields          map[string]string `json:"fields"`
	CreatedAt       string            `json:"created_at"`
	FirstResponseAt *string           `json:"first_response_at"`
	ClosedAt        *string           `json:"closed_at"`
	Version         int               `json:"version"`
}

// apiUTM has every key, filled or not: programs like that better.
type apiUTM struct {
	Source   string `json:"source"`
	Medium   string `json:"medium"`
	Campaign string `json:"campaign"`
	Content  string `json:"content"`
	Term     string `json:"term"`
}

func (s *Server) leadJSON(l leads.Lead, people *staff.Directory) apiLeadView {
	v := apiLeadView{ID: idText(l.ID), Title: l.Title, Funnel: l.Funnel, Stage: l.Stage, Status: l.Status, Amount: sumOrNull(l.Amount), Currency: l.Currency,
		Items: orEmpty(l.Items), Probability: l.Probability, LossReason: orNull(l.LossReason), LossComment: l.LossComment, Helpers: []string{},
		Source: l.Source, Channel: l.Channel, Connection: l.Connection, UTM: apiUTM(l.UTM), Product: l.Product, City: l.City, Repeat: l.Repeat, Test: l.Test,
		Inquiries: []string{}, Processes: []apiRun{}, Fields: l.Fields, CreatedAt: s.moment(l.CreatedAt), FirstResponseAt: s.momentOrNull(l.FirstResponseAt),
		ClosedAt: s.momentOrNull(l.ClosedAt), Version: l.Version}
	if v.Fields == nil {
		v.Fields = map[string]string{}
	}
	if l.ExpectedClose != nil {
		day := l.ExpectedClose.Format(time.DateOnly)
		v.ExpectedClose = &day
	}
	if owner, ok := people.Employee(l.OwnerID); ok {
		v.Owner = &owner.Login
	}
	for _, id := range l.Helpers {
		if helper, ok := people.Employee(id); ok {
			v.Helpers = append(v.Helpers, helper.Login)
		}
	}
	return v
}

// fullLead is a lead with its people, inquiries and processes.
func (s *Server) fullLead(c *gin.Context, actor staff.Actor, id int64) (apiLeadView, error) {
	ctx := c.Request.Context()
	view, err := s.visibleLead(ctx, actor, id)
	if err != nil {
		return apiLeadView{}, err
	}
	people, err := s.Staff.Directory(ctx, s.Pool)
	if err != nil {
		return apiLeadView{}, err
	}
	v := s.leadJSON(view.Lead, people)
	masked := staff.ScopeOf(actor).Masked
	v.Client, v.Contact = clientJSON(view.Client), contactJSON(view.Contact, view.Points, masked)
	timeline, err := s.Leads.Timeline(ctx, id)
	if err != nil {
		return apiLeadView{}, err
	}
	for _, entry := range timeline {
		if entry.Inquiry != nil {
			v.Inquiries = append(v.Inquiries, entry.Inquiry.ID)
		}
	}
	runs, err := s.Processes.Instances(ctx, processes.InstanceFilter{Subject: id, Limit: 100})
	if err != nil {
		return apiLeadView{}, err
	}
	for _, run := range runs.Items {
		v.Processes = append(v.Processes, apiRun{run.Key, run.Version, idText(run.ID), run.State})
	}
	return v, nil
}

func clientJSON(c *leads.Client) *apiClient {
	if c == nil {
		return nil
	}
	return &apiClient{idText(c.ID), c.Name, c.INN}
}

func contactJSON(contact *leads.Contact, points []leads.ContactPoint, mask bool) *apiPerson {
	if contact == nil && len(points) == 0 {
		return nil
	}
	p := &apiPerson{Phones: []string{}, Emails: []string{}}
	if contact != nil {
		p.ID, p.Name = idText(contact.ID), contact.Name
	}
	for _, point := range points {
		if mask {
			point = maskedPoint(point)
		}
		switch point.Kind {
		case leads.KindPhone:
			p.Phones = append(p.Phones, point.Value)
		case leads.KindEmail:
			p.Emails = append(p.Emails, point.Value)
		}
	}
	return p
}

func (s *Server) apiLeads(c *gin.Context, actor staff.Actor) error {
	people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
	if err != nil {
		return err
	}
	scope := staff.ScopeOf(actor)
	if err := knownQuery(c, "phone", "email", "status", "funnel", "stage", "owner", "connection", "source", "channel", "q", "test", "limit", "cursor"); err != nil {
		return err
	}
	filter, err := s.apiLeadFilter(c, people)
	if err != nil {
		return err
	}
	filter.VisibleTo = scope.VisibleTo
	page, err := s.Leads.Leads(c.Request.Context(), filter)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, listOf(page.Items, page.Next, func(row repository.LeadRow) apiLeadView {
		v := s.leadJSON(row.Lead, people)
		if row.ClientID != 0 {
			v.Client = &apiClient{ID: idText(row.ClientID), Name: row.ClientName}
		}
		if row.ContactID != 0 {
			v.Contact = rowContact(row, scope.Masked)
		}
		return v
	}))
	return nil
}

func rowContact(row repository.LeadRow, mask bool) *apiPerson {
	var points []leads.ContactPoint
	if row.Phone != "" {
		points = append(points, leads.ContactPoint{Kind: leads.KindPhone, Value: row.Phone})
	}
	if row.Email != "" {
		points = append(points, leads.ContactPoint{Kind: leads.KindEmail, Value: row.Email})
	}
	return contactJSON(&leads.Contact{ID: row.ContactID, Name: row.ContactName}, points, mask)
}

// apiLeadFilter reads the parameters of a list of leads. A phone that is none matches nothing, never everything.
func (s *Server) apiLeadFilter(c *gin.Context, people *staff.Directory) (f repository.LeadFilter, err error) {
	f = repository.LeadFilter{Status: leads.Status(c.Query("status")), Funnel: c.Query("funnel"), Stage: c.Query("stage"), Connection: c.Query("connection"),
		Source: c.Query("source"), Channel: leads.Channel(c.Query("channel")), Q: c.Query("q"), Cursor: c.Query("cursor")}
	if f.Status != "" && f.Status != leads.StatusOpen && f.Status != leads.StatusWon && f.Status != leads.StatusLost && f.Status != leads.StatusJunk {
		return f, badField("/query/status", "api.lead_states")
	}
	if f.Limit, err = limitOf(c); err != nil {
		return f, err
	}
	if raw := c.Query("phone"); raw != "" {
		point, ok := leads.Phone(raw, s.Company.Region)
		if !ok {
			return f, badField("/query/phone", "api.no_phone")
		}
		f.Phone = point.Value
	}
	if raw := c.Query("email"); raw != "" {
		point, ok := leads.Email(raw)
		if !ok {
			return f, badField("/query/email", "api.no_email")
		}
		f.Email = point.Value
	}
	if f.Owner, err = ownerOf(c.Query("owner"), people); err != nil {
		return f, err
	}
	if raw := c.Query("test"); raw != "" {
		test, err := strconv.ParseBool(raw)
		if err != nil {
			return f, badField("/query/test", "api.no_flag")
		}
		f.Test = &test
	}
	return f, nil
}

// ownerOf reads the login of an owner; "-" is nobody.
func ownerOf(login string, people *staff.Directory) (*int64, error) {
	switch login {
	case "":
		return nil, nil
	case "-":
		nobody := int64(0)
		return &nobody, nil
	}
	owner, ok := people.Login(login)
	if !ok {
		return nil, badField("/query/owner", "api.no_login")
	}
	return &owner.ID, nil
}

// limitOf reads how many a list may have: 50 unless said, 500 at most.
func limitOf(c *gin.Context) (int, error) {
	raw := c.Query("limit")
	if raw == "" {
		return 50, nil
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 1 || n > 500 {
		return 0, badField("/query/limit", "api.no_limit")
	}
	return n, nil
}

// leadOf is the lead in the address, if the actor may see it.
func (s *Server) leadOf(c *gin.Context, actor staff.Actor) (repository.LeadView, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return repository.LeadView{}, err
	}
	return s.visibleLead(c.Request.Context(), actor, id)
}

func (s *Server) apiLead(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	return s.answerLead(c, actor, id, http.StatusOK)
}

func (s *Server) answerLead(c *gin.Context, actor staff.Actor, id int64, status int) error {
	v, err := s.fullLead(c, actor, id)
	if err != nil {
		return err
	}
	c.JSON(status, v)
	return nil
}

// maxName bounds names and titles, in characters; an index takes no more of some.
const maxName = 500

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

func idText(id int64) string { return strconv.FormatInt(id, 10) }

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// sumOrNull writes a sum of money with both digits of its kopecks.
func sumOrNull(a *leads.Amount) *string {
	if a == nil {
		return nil
	}
	text := a.Sum()
	return &text
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
