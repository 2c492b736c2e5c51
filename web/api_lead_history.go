package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes/casework"
)

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
	ID         string          `json:"id"`
	Channel    leads.Channel   `json:"channel"`
	Connection string          `json:"connection"`
	Direction  leads.Direction `json:"direction"`
	Subject    string          `json:"subject"`
	Text       string          `json:"text"`
	Fields     []leads.Field   `json:"fields"`
	Files      []apiSentFile   `json:"files"`
}

// apiSentFile is a file that came with an inquiry: the address to get it at, under /api/v1 where we keep it, elsewhere where only
// its address was sent.
type apiSentFile struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"`
	Href string `json:"href"`
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
		v.Inquiry = &apiTimelineIn{ID: in.ID, Channel: in.Channel, Connection: in.Connection, Direction: cmp.Or(in.Direction, leads.DirectionIn),
			Subject: mask(in.Subject), Text: mask(in.Text), Fields: []leads.Field{}, Files: []apiSentFile{}}
		if !hide { // who sees no contacts gets no files, which are full of them
			v.Inquiry.Files = filesJSON(*in)
		}
		for _, field := range in.Fields {
			field.Value = mask(field.Value)
			v.Inquiry.Fields = append(v.Inquiry.Fields, field)
		}
	}
	return v
}

func filesJSON(in leads.Inquiry) []apiSentFile {
	list := make([]apiSentFile, len(in.Files))
	for n, f := range in.Files {
		list[n] = apiSentFile{Name: safeFileName(f.Name), Type: f.Type, Size: f.Size, Href: f.URL}
		if f.Ref != "" {
			list[n].Href = fmt.Sprintf("/api/v1/inquiries/%s/files/%d", url.PathEscape(in.ID), n)
		}
	}
	return list
}

// apiNewInteraction is a contact somebody notes down.
type apiNewInteraction struct {
	Kind      leads.Kind      `json:"kind"`
	Direction leads.Direction `json:"direction"`
	At        *apiTime        `json:"at"`
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
		return badField("/seconds", "api.no_seconds")
	}
	contact := leads.Interaction{Kind: in.Kind, Direction: in.Direction, Missed: in.Answered != nil && !*in.Answered,
		Talk: time.Duration(in.Seconds) * time.Second, Subject: in.Subject, Text: in.Text, EmployeeID: actor.ID}
	if in.At != nil {
		contact.At = in.At.Time
	}
	id, err := s.Casework.AddInteraction(c.Request.Context(), actor, lead.ID, contact)
	if errors.Is(err, casework.ErrMoment) {
		return refusedField("/at", err, actor.Language)
	}
	if err != nil {
		return err
	}
	c.JSON(http.StatusCreated, gin.H{"id": idText(id)})
	return nil
}

// apiInquiry tells what became of one inquiry. One that waits in the spool is received. What Kafka holds and intake has not
// seen yet cannot be told from what was never received: both are 404, and the sender who has a 202 asks again.
func (s *Server) apiInquiry(c *gin.Context, actor staff.Actor) error {
	id := c.Param("id")
	view, err := s.Leads.Inquiry(c.Request.Context(), id)
	if errors.Is(err, leads.ErrNotFound) {
		switch received, waitErr := s.received(c, actor, id); {
		case waitErr != nil:
			return waitErr
		case received:
			return nil
		}
		view, err = s.Leads.Inquiry(c.Request.Context(), id) // it may have been filed between the two looks
	}
	if err != nil {
		return err
	}
	if view.LeadID != 0 {
		if _, err := s.visibleLead(c.Request.Context(), actor, view.LeadID); err != nil {
			return err
		}
	} else if !seesUnfiled(actor) {
		return fmt.Errorf("inquiry %.64q: %w", id, leads.ErrNotFound)
	}
	out := gin.H{"id": view.ID, "state": view.Filed.State, "connection": view.Connection, "channel": view.Channel, "received_at": s.moment(view.ReceivedAt),
		"filed_at": s.moment(view.Filed.At), "lead": nil, "repeats": view.Filed.Repeats, "conflicts": view.Conflicts, "differences": []apiConflict{}, "reason": view.Filed.Reason}
	if view.Conflicts > 0 {
		if out["differences"], err = s.differences(c, actor, view.Inquiry); err != nil {
			return err
		}
	}
	if view.LeadID != 0 {
		out["lead"] = idText(view.LeadID)
	}
	c.JSON(http.StatusOK, out)
	return nil
}

// apiConflict is what came under the id of an inquiry with other content.
type apiConflict struct {
	ReceivedAt string          `json:"received_at"`
	Fields     []apiDifference `json:"fields"`
}

type apiDifference struct {
	Key  string `json:"key"`
	Was  string `json:"was"`
	Came string `json:"came"`
}

func (s *Server) differences(c *gin.Context, actor staff.Actor, was leads.Inquiry) ([]apiConflict, error) {
	found, err := s.Leads.Conflicts(c.Request.Context(), was.ID)
	if err != nil {
		return nil, err
	}
	list := make([]apiConflict, len(found))
	for i, came := range found {
		list[i] = apiConflict{ReceivedAt: s.moment(came.ReceivedAt), Fields: []apiDifference{}}
		for _, d := range leads.Differences(was, came) {
			if staff.ScopeOf(actor).Masked {
				d.Was, d.Came = masked(d.Was), masked(d.Came)
			}
			list[i].Fields = append(list[i].Fields, apiDifference{d.Key, d.Was, d.Came})
		}
	}
	return list, nil
}

// seesUnfiled tells who may know of an inquiry that belongs to no lead.
func seesUnfiled(actor staff.Actor) bool {
	return actor.Can(staff.SeeAllLeads) || actor.Can(staff.SeeDeadLetters)
}

// received answers for an inquiry that was accepted and waits to be filed.
func (s *Server) received(c *gin.Context, actor staff.Actor, id string) (bool, error) {
	if !seesUnfiled(actor) {
		return false, nil
	}
	answer := func(connection, channel, reason string, since time.Time) {
		c.JSON(http.StatusOK, gin.H{"id": id, "state": "received", "connection": connection, "channel": channel, "received_at": s.moment(since),
			"filed_at": nil, "lead": nil, "repeats": 0, "conflicts": 0, "differences": []apiConflict{}, "reason": reason})
	}
	call, found, err := s.Leads.CallOfEvent(c.Request.Context(), id)
	if err != nil {
		return false, err
	}
	if found {
		reason := ""
		if !call.Client {
			reason = s.pages.texts[s.apiLanguage(actor)].text("calls.no_client")
		}
		answer(call.Connection, string(leads.ChannelCall), reason, call.Since)
		return true, nil
	}
	if s.Spool == nil {
		return false, nil
	}
	connection, since, found, err := s.Spool.Waiting(c.Request.Context(), id)
	if err != nil || !found {
		return false, err
	}
	answer(connection, "", "", since)
	return true, nil
}
