package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes/casework"
)

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
		return "", badField("/header/Idempotency-Key", "api.long_key")
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
		return inquiry, badField("/inn", "api.no_inn")
	}
	if in.Phone != "" {
		point, ok := leads.Phone(in.Phone, s.Company.Region)
		if !ok {
			return inquiry, badField("/phone", "api.no_phone")
		}
		inquiry.Points = append(inquiry.Points, point)
	}
	if in.Email != "" {
		point, ok := leads.Email(in.Email)
		if !ok {
			return inquiry, badField("/email", "api.no_email")
		}
		inquiry.Points = append(inquiry.Points, point)
	}
	if in.Amount != "" {
		amount, err := leads.NewAmount(in.Amount)
		if err != nil || !amount.Money() {
			return inquiry, badField("/amount", "api.no_amount")
		}
		inquiry.Amount = &amount
	}
	return inquiry, nil
}

func short(pointer string, text *string) error {
	if text != nil && utf8.RuneCountInString(*text) > maxName {
		return badField(pointer, "api.long_text", "n", maxName)
	}
	return nil
}

// apiChange is a PATCH: what is not there stays, null takes a value away. Version is required.
type apiChange struct {
	Version       *int            `json:"version"`
	Title         *string         `json:"title"`
	Amount        json.RawMessage `json:"amount"`
	Currency      *string         `json:"currency"`
	Items         *[]leads.Item   `json:"items"`
	Probability   *float64        `json:"probability"`
	ExpectedClose json.RawMessage `json:"expected_close"`
	Source        *string         `json:"source"`
	Product       *string         `json:"product"`
	City          *string         `json:"city"`
	Owner         *string         `json:"owner"`
	Reason        string          `json:"reason"`
	Helpers       *[]string       `json:"helpers"`
	Fields        ownValues       `json:"fields"`
	ContactName   *string         `json:"contact_name"`
	ClientName    *string         `json:"client_name"`
	INN           *string         `json:"inn"`
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
		return u, badField("/version", "api.version_needed")
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
				return u, badField("/helpers/"+strconv.Itoa(i), "api.no_login")
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
		return badField("/title", "api.no_title")
	}
	if in.Currency != nil && !currency.MatchString(*in.Currency) {
		return badField("/currency", "api.no_currency")
	}
	if in.INN != nil && *in.INN != "" && !leads.INN(*in.INN) {
		return badField("/inn", "api.no_inn")
	}
	if in.Probability != nil && (*in.Probability < 0 || *in.Probability > 100) {
		return badField("/probability", "api.no_percent")
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
			return badField("/fields/"+pointerPart(key), "api.no_field")
		case known[i].Check(value) != nil:
			return badField("/fields/"+pointerPart(key), "api.no_value", "kind", known[i].Kind)
		}
	}
	return nil
}

func amountOrNull(raw json.RawMessage) (amount *leads.Amount, none bool, err error) {
	switch string(raw) {
	case "":
		return nil, false, nil
	case "null":
		return nil, true, nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return nil, false, badField("/amount", "api.no_amount")
	}
	a, err := leads.NewAmount(text)
	if err != nil || !a.Money() {
		return nil, false, badField("/amount", "api.no_amount")
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
	return nil, false, badField("/expected_close", "api.no_day")
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
		return badField("/status", "api.closings")
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
		return badField("/owner", "api.owner_needed")
	}
	if _, err := s.Casework.AssignLead(c.Request.Context(), actor, lead.ID, *in.Owner, in.Reason); err != nil {
		return err
	}
	return s.answerLead(c, actor, lead.ID, http.StatusOK)
}
