package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
	"marshrut/processes/casework"
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
	Amount          *leads.Amount     `json:"amount"`
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
	v := apiLeadView{ID: idText(l.ID), Title: l.Title, Funnel: l.Funnel, Stage: l.Stage, Status: l.Status, Amount: l.Amount, Currency: l.Currency,
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
		return f, badField("/query/status", "is open, won, lost or junk")
	}
	if f.Limit, err = limitOf(c); err != nil {
		return f, err
	}
	if raw := c.Query("phone"); raw != "" {
		point, ok := leads.Phone(raw, s.Company.Region)
		if !ok {
			return f, badField("/query/phone", "is no phone number")
		}
		f.Phone = point.Value
	}
	if raw := c.Query("email"); raw != "" {
		point, ok := leads.Email(raw)
		if !ok {
			return f, badField("/query/email", "is no e-mail address")
		}
		f.Email = point.Value
	}
	if f.Owner, err = ownerOf(c.Query("owner"), people); err != nil {
		return f, err
	}
	if raw := c.Query("test"); raw != "" {
		test, err := strconv.ParseBool(raw)
		if err != nil {
			return f, badField("/query/test", "is neither true nor false")
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
		return nil, badField("/query/owner", "nobody has this login")
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
		return 0, badField("/query/limit", "is no number from 1 to 500")
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

// apiNewLead is what a person enters by hand.
type apiNewLead struct {
	Title   string `json:"title"`
	Name    string `json:"name"`
	Phone   string `json:"phone"`
	Email   string `json:"email"`
	Company string `json:"company"`
	INN     string `json:"inn"`
	Text    string `json:"text"`
	Source  string `json:"source"`
	Product string `json:"product"`
	City    string `json:"city"`
	Amount  string `json:"amount"`
	Owner   string `json:"owner"`
}

// apiCreateLead files an inquiry by hand. 201: a lead opened; 200: an open one of the client took it, or the same
// Idempotency-Key came again; 202: the lead that took it is of somebody whose leads the actor does not see.
func (s *Server) apiCreateLead(c *gin.Context, actor staff.Actor) error {
	var in apiNewLead
	if err := readJSON(c, &in); err != nil {
		return err
	}
	inquiry, err := s.inquiryOf(in)
	if err != nil {
		return err
	}
	if inquiry.ID, err = manualID(c, actor); err != nil {
		return err
	}
	if in.Owner == "" && !actor.Can(staff.AssignLead) {
		in.Owner = actor.Login
	}
	captured, err := s.Casework.CreateLead(c.Request.Context(), actor, inquiry, in.Owner)
	if err != nil {
		return err
	}
	v, err := s.fullLead(c, actor, captured.LeadID)
	switch {
	case errors.Is(err, leads.ErrNotFound):
		c.JSON(http.StatusAccepted, gin.H{"inquiry": captured.InquiryID, "outcome": captured.Outcome})
		return nil
	case err != nil:
		return err
	}
	c.Header("Location", "/api/v1/leads/"+v.ID)
	status := http.StatusOK
	if captured.LeadNew {
		status = http.StatusCreated
	}
	c.JSON(status, v)
	return nil
}

// manualID is the identity of an inquiry made by hand: a repeat with the same Idempotency-Key changes nothing.
func manualID(c *gin.Context, actor staff.Actor) (string, error) {
	key := c.GetHeader("Idempotency-Key")
	switch {
	case key == "":
		return "manual-" + rand.Text(), nil
	case len(key) > 200 || !keepable(key):
		return "", badField("/header/Idempotency-Key", "is longer than 200 bytes")
	}
	sum := sha256.Sum256([]byte(actor.Login + "\x00" + key))
	return "manual-" + hex.EncodeToString(sum[:16]), nil
}

func (s *Server) inquiryOf(in apiNewLead) (leads.Inquiry, error) {
	inquiry := leads.Inquiry{Subject: in.Title, Name: in.Name, Company: in.Company, INN: in.INN, Text: in.Text, Source: in.Source, Product: in.Product, City: in.City}
	for pointer, text := range map[string]string{"/title": in.Title, "/name": in.Name, "/company": in.Company, "/source": in.Source, "/product": in.Product, "/city": in.City} {
		if err := short(pointer, &text); err != nil {
			return inquiry, err
		}
	}
	if in.INN != "" && !leads.INN(in.INN) {
		return inquiry, badField("/inn", "is no tax number")
	}
	if in.Phone != "" {
		point, ok := leads.Phone(in.Phone, s.Company.Region)
		if !ok {
			return inquiry, badField("/phone", "is no phone number")
		}
		inquiry.Points = append(inquiry.Points, point)
	}
	if in.Email != "" {
		point, ok := leads.Email(in.Email)
		if !ok {
			return inquiry, badField("/email", "is no e-mail address")
		}
		inquiry.Points = append(inquiry.Points, point)
	}
	if in.Amount != "" {
		amount, err := leads.NewAmount(in.Amount)
		if err != nil || !amount.Money() {
			return inquiry, badField("/amount", noAmount)
		}
		inquiry.Amount = &amount
	}
	return inquiry, nil
}

const noAmount = `is a decimal number in quotes with at most two digits behind the point, for example "12500.00"`

// maxName bounds names and titles, in characters; an index takes no more of some.
const maxName = 500

func short(pointer string, text *string) error {
	if text != nil && utf8.RuneCountInString(*text) > maxName {
		return badField(pointer, fmt.Sprintf("is longer than %d characters", maxName))
	}
	return nil
}

// apiChange is a PATCH: what is not there stays, null takes a value away. Version is required.
type apiChange struct {
	Version       *int              `json:"version"`
	Title         *string           `json:"title"`
	Amount        json.RawMessage   `json:"amount"`
	Currency      *string           `json:"currency"`
	Items         *[]leads.Item     `json:"items"`
	Probability   *float64          `json:"probability"`
	ExpectedClose json.RawMessage   `json:"expected_close"`
	Source        *string           `json:"source"`
	Product       *string           `json:"product"`
	City          *string           `json:"city"`
	Owner         *string           `json:"owner"`
	Reason        string            `json:"reason"`
	Helpers       *[]string         `json:"helpers"`
	Fields        map[string]string `json:"fields"`
	ContactName   *string           `json:"contact_name"`
	ClientName    *string           `json:"client_name"`
	INN           *string           `json:"inn"`
}

func (s *Server) apiChangeLead(c *gin.Context, actor staff.Actor) error {
	lead, err := s.leadOf(c, actor)
	if err != nil {
		return err
	}
	var in apiChange
	if err := readJSON(c, &in); err != nil {
		return err
	}
	update, err := s.update(c, in)
	if err != nil {
		return err
	}
	if _, err := s.Casework.UpdateLead(c.Request.Context(), actor, lead.ID, update); err != nil {
		return err
	}
	return s.answerLead(c, actor, lead.ID, http.StatusOK)
}

func (s *Server) update(c *gin.Context, in apiChange) (u casework.Update, err error) {
	if in.Version == nil || *in.Version < 1 {
		return u, badField("/version", "is required: the version of the lead you saw")
	}
	if err := s.checkChange(c, in); err != nil {
		return u, err
	}
	u.Changes = repository.Changes{Version: *in.Version, Title: in.Title, Currency: in.Currency, Items: in.Items, Probability: in.Probability,
		Source: in.Source, Product: in.Product, City: in.City, Fields: in.Fields, ContactName: in.ContactName, ClientName: in.ClientName, INN: in.INN}
	u.Owner, u.Reason = in.Owner, in.Reason
	if u.Amount, u.NoAmount, err = amountOrNull(in.Amount); err != nil {
		return u, err
	}
	if u.ExpectedClose, u.NoExpected, err = dayOrNull(in.ExpectedClose); err != nil {
		return u, err
	}
	if in.Helpers != nil {
		people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
		if err != nil {
			return u, err
		}
		ids := make([]int64, len(*in.Helpers))
		for i, login := range *in.Helpers {
			helper, ok := people.Login(login)
			if !ok {
				return u, badField("/helpers/"+strconv.Itoa(i), "nobody has this login")
			}
			ids[i] = helper.ID
		}
		u.Helpers = &ids
	}
	return u, nil
}

// checkChange points to what cannot be a value. What depends on the lead is judged where it is written.
func (s *Server) checkChange(c *gin.Context, in apiChange) error {
	for pointer, text := range map[string]*string{"/title": in.Title, "/currency": in.Currency, "/source": in.Source, "/product": in.Product, "/city": in.City,
		"/contact_name": in.ContactName, "/client_name": in.ClientName} {
		if err := short(pointer, text); err != nil {
			return err
		}
	}
	if in.Title != nil && strings.TrimSpace(*in.Title) == "" {
		return badField("/title", "is empty: people know a lead by its title")
	}
	if in.Currency != nil && !currency.MatchString(*in.Currency) {
		return badField("/currency", "is no code of ISO 4217, for example RUB")
	}
	if in.INN != nil && *in.INN != "" && !leads.INN(*in.INN) {
		return badField("/inn", "is no tax number")
	}
	if in.Probability != nil && (*in.Probability < 0 || *in.Probability > 100) {
		return badField("/probability", "is no number from 0 to 100")
	}
	if len(in.Fields) == 0 {
		return nil
	}
	known, err := s.Leads.OwnFields(c.Request.Context())
	if err != nil {
		return err
	}
	for key, value := range in.Fields {
		i := slices.IndexFunc(known, func(f leads.OwnField) bool { return f.Key == key })
		switch {
		case i < 0:
			return badField("/fields/"+pointerPart(key), "there is no such field")
		case known[i].Check(value) != nil:
			return badField("/fields/"+pointerPart(key), "is no value of a field of the kind "+known[i].Kind)
		}
	}
	return nil
}

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

func amountOrNull(raw json.RawMessage) (amount *leads.Amount, none bool, err error) {
	switch string(raw) {
	case "":
		return nil, false, nil
	case "null":
		return nil, true, nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return nil, false, badField("/amount", noAmount)
	}
	a, err := leads.NewAmount(text)
	if err != nil || !a.Money() {
		return nil, false, badField("/amount", noAmount)
	}
	return &a, false, nil
}

func dayOrNull(raw json.RawMessage) (day *time.Time, none bool, err error) {
	switch string(raw) {
	case "":
		return nil, false, nil
	case "null":
		return nil, true, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if t, err := time.Parse(time.DateOnly, text); err == nil {
			return &t, false, nil
		}
	}
	return nil, false, badField("/expected_close", "is a day, for example 2026-03-31")
}

// apiEntry is one line of a lead's history.
type apiEntry struct {
	At          string          `json:"at"`
	Kind        string          `json:"kind"`
	Actor       *string         `json:"actor"`
	Action      string          `json:"action,omitempty"`
	Object      string          `json:"object,omitempty"`
	Interaction *apiInteraction `json:"interaction,omitempty"`
	Inquiry     *apiTimelineIn  `json:"inquiry,omitempty"`
	Data        json.RawMessage `json:"data,omitempty"`
}

// apiInteraction is one contact with the client.
type apiInteraction struct {
	ID        string          `json:"id,omitempty"`
	Kind      leads.Kind      `json:"kind"`
	Direction leads.Direction `json:"direction"`
	At        string          `json:"at"`
	Answered  bool            `json:"answered"`
	Seconds   int             `json:"seconds"`
	Subject   string          `json:"subject"`
	Text      string          `json:"text"`
}

type apiTimelineIn struct {
	ID         string        `json:"id"`
	Channel    leads.Channel `json:"channel"`
	Connection string        `json:"connection"`
	Subject    string        `json:"subject"`
	Text       string        `json:"text"`
	Fields     []leads.Field `json:"fields"`
}

func (s *Server) apiTimeline(c *gin.Context, actor staff.Actor) error {
	lead, err := s.leadOf(c, actor)
	if err != nil {
		return err
	}
	timeline, err := s.Leads.Timeline(c.Request.Context(), lead.ID)
	if err != nil {
		return err
	}
	hide := staff.ScopeOf(actor).Masked
	c.JSON(http.StatusOK, listOf(timeline, "", func(e repository.TimelineEntry) apiEntry { return s.entryJSON(e, hide) }))
	return nil
}

func (s *Server) entryJSON(e repository.TimelineEntry, hide bool) apiEntry {
	mask := func(text string) string { return text }
	if hide {
		mask = masked
	}
	v := apiEntry{At: s.moment(e.At), Kind: e.Kind, Actor: orNull(e.Actor), Action: e.Action, Object: e.Object}
	if len(e.Data) > 0 {
		v.Data = json.RawMessage(e.Data)
		if hide {
			v.Data = maskedJSON(e.Data)
		}
	}
	if i := e.Interaction; i != nil {
		v.Interaction = &apiInteraction{ID: idText(i.ID), Kind: i.Kind, Direction: i.Direction, At: s.moment(i.At), Answered: !i.Missed, Seconds: int(i.Talk.Seconds()), Subject: mask(i.Subject), Text: mask(i.Text)}
	}
	if in := e.Inquiry; in != nil {
		v.Inquiry = &apiTimelineIn{ID: in.ID, Channel: in.Channel, Connection: in.Connection, Subject: mask(in.Subject), Text: mask(in.Text), Fields: []leads.Field{}}
		for _, field := range in.Fields {
			field.Value = mask(field.Value)
			v.Inquiry.Fields = append(v.Inquiry.Fields, field)
		}
	}
	return v
}

// apiNewInteraction is a contact somebody notes down.
type apiNewInteraction struct {
	Kind      leads.Kind      `json:"kind"`
	Direction leads.Direction `json:"direction"`
	At        *time.Time      `json:"at"`
	Answered  *bool           `json:"answered"`
	Seconds   int             `json:"seconds"`
	Subject   string          `json:"subject"`
	Text      string          `json:"text"`
}

func (s *Server) apiAddInteraction(c *gin.Context, actor staff.Actor) error {
	lead, err := s.leadOf(c, actor)
	if err != nil {
		return err
	}
	var in apiNewInteraction
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.Seconds < 0 || in.Seconds > 24*60*60 {
		return badField("/seconds", "is no number from 0 to 86400")
	}
	contact := leads.Interaction{Kind: in.Kind, Direction: in.Direction, Missed: in.Answered != nil && !*in.Answered,
		Talk: time.Duration(in.Seconds) * time.Second, Subject: in.Subject, Text: in.Text, EmployeeID: actor.ID}
	if in.At != nil {
		contact.At = *in.At
	}
	id, err := s.Casework.AddInteraction(c.Request.Context(), actor, lead.ID, contact)
	if err != nil {
		return err
	}
	c.JSON(http.StatusCreated, gin.H{"id": idText(id)})
	return nil
}

type apiClose struct {
	Status     leads.Status `json:"status"`
	Reason     string       `json:"reason"`
	Comment    string       `json:"comment"`
	SkipReason string       `json:"skip_reason"`
}

// apiCloseLead chooses the outcome of the current task that closes so. Where the way leads through somebody's confirmation
// the answer is 202 and the lead is open still.
func (s *Server) apiCloseLead(c *gin.Context, actor staff.Actor) error {
	lead, err := s.leadOf(c, actor)
	if err != nil {
		return err
	}
	var in apiClose
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.Status != leads.StatusWon && in.Status != leads.StatusLost && in.Status != leads.StatusJunk {
		return badField("/status", "is won, lost or junk")
	}
	way, err := s.Casework.CloseLead(c.Request.Context(), actor, lead.ID, casework.Close{Status: in.Status, Reason: in.Reason, Comment: in.Comment, SkipReason: in.SkipReason})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if way.Pending {
		status = http.StatusAccepted
	}
	return s.answerLead(c, actor, lead.ID, status)
}

func (s *Server) apiReopenLead(c *gin.Context, actor staff.Actor) error {
	lead, err := s.leadOf(c, actor)
	if err != nil {
		return err
	}
	var in struct {
		Reason string `json:"reason"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if _, err := s.Casework.Reopen(c.Request.Context(), actor, lead.ID, in.Reason); err != nil {
		return err
	}
	return s.answerLead(c, actor, lead.ID, http.StatusOK)
}

func (s *Server) apiAssignLead(c *gin.Context, actor staff.Actor) error {
	lead, err := s.leadOf(c, actor)
	if err != nil {
		return err
	}
	var in struct {
		Owner  *string `json:"owner"`
		Reason string  `json:"reason"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.Owner == nil {
		return badField("/owner", `is required: a login, or "" for nobody`)
	}
	if _, err := s.Casework.AssignLead(c.Request.Context(), actor, lead.ID, *in.Owner, in.Reason); err != nil {
		return err
	}
	return s.answerLead(c, actor, lead.ID, http.StatusOK)
}

// apiInquiry tells what became of one inquiry. What the bus holds and intake has not seen yet cannot be told from what was
// never received: both are 404, and the sender who has a 202 asks again.
func (s *Server) apiInquiry(c *gin.Context, actor staff.Actor) error {
	view, err := s.Leads.Inquiry(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if view.LeadID != 0 {
		if _, err := s.visibleLead(c.Request.Context(), actor, view.LeadID); err != nil {
			return err
		}
	} else if !actor.Can(staff.SeeAllLeads) && !actor.Can(staff.SeeDeadLetters) {
		return fmt.Errorf("inquiry %.64q: %w", c.Param("id"), leads.ErrNotFound)
	}
	out := gin.H{"id": view.ID, "state": view.Filed.State, "connection": view.Connection, "channel": view.Channel, "received_at": s.moment(view.ReceivedAt),
		"filed_at": s.moment(view.Filed.At), "lead": nil, "repeats": view.Filed.Repeats, "conflicts": view.Conflicts, "reason": view.Filed.Reason}
	if view.LeadID != 0 {
		out["lead"] = idText(view.LeadID)
	}
	c.JSON(http.StatusOK, out)
	return nil
}

func idText(id int64) string { return strconv.FormatInt(id, 10) }

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
