package web

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"marshrut/connectors"
	"marshrut/connectors/registry"
	"marshrut/internal/staff"
)

// connectionsPage is what templates/connections.html shows.
type connectionsPage struct {
	page
	List      []connectionLine
	Providers []option // to add a connection of; values are "connector/name"
	MayManage bool
}

// connectionLine is a connection in a list.
type connectionLine struct {
	registry.View
	ProviderTitle string
	StateText     string
	StateDetail   string
	Tone          string
	Pauses        []pauseLine // of what goes out through it
}

var stateTones = map[string]string{"working": "good", "error": "danger", "refused": "danger", "unattended": "danger", "unhandled": "danger", "waiting": "info", "silent": "warn"}

func (s *Server) connectionLine(v registry.View, language string) connectionLine {
	line := connectionLine{View: v, ProviderTitle: v.Provider, StateText: v.State.Title.In(language), StateDetail: v.State.Detail.In(language), Tone: stateTones[v.State.Code]}
	if provider, ok := s.provider(v.Connector, v.Provider); ok {
		line.ProviderTitle = provider.Title.In(language)
	}
	return line
}

func (s *Server) provider(connector, name string) (connectors.Provider, bool) {
	at := slices.IndexFunc(s.Providers, func(p connectors.Provider) bool { return p.Connector == connector && p.Name == name })
	if at < 0 {
		return connectors.Provider{}, false
	}
	return s.Providers[at], true
}

func (s *Server) showConnections(c *gin.Context, actor staff.Actor) error {
	p := connectionsPage{page: s.page(c, actor, "connections.title"), MayManage: actor.Can(staff.ManageConnections)}
	list, err := s.Connections.List(c.Request.Context(), s.Now())
	if err != nil {
		return err
	}
	pauses, err := s.pauses(c.Request.Context(), p.Lang, "")
	if err != nil {
		return err
	}
	for _, v := range list {
		line := s.connectionLine(v, p.Lang)
		line.Pauses = slices.DeleteFunc(slices.Clone(pauses), func(l pauseLine) bool { return l.Via != v.Name })
		p.List = append(p.List, line)
	}
	for _, provider := range s.Providers {
		p.Providers = append(p.Providers, option{Value: provider.Connector + "/" + provider.Name, Label: provider.Title.In(p.Lang)})
	}
	s.pages.show(c, http.StatusOK, "connections", p)
	return nil
}

// connectionPage is what templates/connection.html shows: one connection, or the form of a new one.
type connectionPage struct {
	page
	connectionLine
	New       bool
	MayManage bool
	Addresses []addressLine
	Settings  []settingLine
	Setup     template.HTML
	Counts    []countLine
	Sources   []option
	Rate      string
	Problems  []string
	MayTest   bool
	MayDecide bool
	Failures  []failureLine // what it could not take
	Tested    *testLine     // nil: nobody asked
}

// testLine is what a test of the connection found.
type testLine struct {
	Text, Tone string
}

type addressLine struct {
	registry.Address
	Current bool
}

type countLine struct {
	Name         string
	Today, Month int64
}

func (s *Server) showConnection(c *gin.Context, actor staff.Actor) error {
	v, err := s.Connections.View(c.Request.Context(), c.Param("name"), s.Now())
	if err != nil {
		return err
	}
	return s.renderConnection(c, actor, http.StatusOK, v, false, nil)
}

func (s *Server) newConnection(c *gin.Context, actor staff.Actor) error {
	connector, name, _ := strings.Cut(c.Query("provider"), "/")
	if _, ok := s.provider(connector, name); !ok {
		return connectors.ErrUnknown
	}
	return s.renderConnection(c, actor, http.StatusOK, registry.View{Connector: connector, Provider: name, Enabled: true}, true, nil)
}

// renderConnection draws the page; typed is what was refused, to be shown again, nil when nothing was.
func (s *Server) renderConnection(c *gin.Context, actor staff.Actor, status int, v registry.View, fresh bool, typed *typedConnection) error {
	p, err := s.connectionPage(c, actor, v, fresh, typed)
	if err != nil {
		return err
	}
	s.pages.show(c, status, "connection", p)
	return nil
}

func (s *Server) connectionPage(c *gin.Context, actor staff.Actor, v registry.View, fresh bool, typed *typedConnection) (connectionPage, error) {
	p := connectionPage{page: s.page(c, actor, "connections.title"), New: fresh, MayManage: actor.Can(staff.ManageConnections) && !v.FromConfig,
		MayTest: actor.Can(staff.ManageConnections) && !fresh}
	p.connectionLine = s.connectionLine(v, p.Lang)
	var err error
	if p.Pauses, err = s.pauses(c.Request.Context(), p.Lang, v.Name); err != nil {
		return p, err
	}
	p.page.Title = cmp.Or(v.Title, v.Name, p.ProviderTitle)
	provider, ok := s.provider(v.Connector, v.Provider)
	if !ok {
		return p, connectors.ErrUnknown
	}
	w, err := s.words(c.Request.Context(), p.Lang)
	if err != nil {
		return p, err
	}
	p.Sources = w.sourceOptions(v.Source)
	if actor.Can(staff.ManageConnections) {
		for i, a := range v.Addresses {
			p.Addresses = append(p.Addresses, addressLine{a, i == 0})
		}
	}
	for _, key := range []string{registry.CountAccepted, registry.CountDuplicate, registry.CountSpam, registry.CountTest, registry.CountRefused, registry.CountLimited, registry.CountFailed} {
		p.Counts = append(p.Counts, countLine{p.T("connections.count_" + key), v.Today[key], v.Month[key]})
	}
	if p.MayDecide = actor.Can(staff.DecideFailures) && !fresh; p.MayDecide {
		if p.Failures, err = s.failures(c.Request.Context(), p.Lang, v.Name); err != nil {
			return p, err
		}
	}
	if !fresh {
		today := midnight(s.Now(), s.Company.Location)
		line := countLine{Name: p.T("connections.count_conflict")}
		if line.Today, line.Month, err = s.Leads.ConflictCount(c.Request.Context(), v.Name, today, today.AddDate(0, 0, -29)); err != nil {
			return p, err
		}
		p.Counts = append(p.Counts, line)
	}
	if v.RateLimit != 0 {
		p.Rate = strconv.Itoa(v.RateLimit)
	}
	var texts map[string]string
	if typed != nil {
		texts, p.Rate, p.Problems = typed.Settings, typed.Rate, p.settingProblems(provider, typed.Problems)
	}
	if p.Settings, err = settingLines(provider, v, texts, p.Lang); err != nil {
		return p, err
	}
	place := connectors.Place{Name: v.Name, PublicURL: s.Company.PublicURL}
	if len(p.Addresses) > 0 {
		place.Address = p.Addresses[0].URL
	}
	if p.Setup, err = markdown(connectors.SetupOf(provider, place, v.Settings, p.Lang)); err != nil {
		return p, err
	}
	return p, nil
}

// midnight is where the day of a moment began.
func midnight(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

// prose draws Markdown with tables: set-up texts compare the servers of mail services in one.
var prose = goldmark.New(goldmark.WithExtensions(extension.Table))

// markdown draws a text we ship. HTML in it is left out.
func markdown(text string) (template.HTML, error) {
	var out bytes.Buffer
	if err := prose.Convert([]byte(text), &out); err != nil {
		return "", fmt.Errorf("draw a text: %w", err)
	}
	return template.HTML(out.String()), nil
}

func (s *Server) rotateConnection(c *gin.Context, _ staff.Actor) error {
	name := c.Param("name")
	if _, err := s.Connections.Rotate(c.Request.Context(), s.Now(), name, 0); err != nil {
		return err
	}
	s.flash(c, "done.rotated")
	c.Redirect(http.StatusSeeOther, "/connections/at/"+name)
	return nil
}

// testConnection goes to the other side and shows what it found. Nothing is changed by it, but what was held up tries at once when
// the other side answers.
func (s *Server) testConnection(c *gin.Context, actor staff.Actor) error {
	ctx, name := c.Request.Context(), c.Param("name")
	asked, trouble := s.Connections.Test(ctx, name)
	if errors.Is(trouble, connectors.ErrUnknown) {
		return trouble
	}
	if asked && trouble == nil {
		if err := s.resumeIfPaused(ctx, actor, name); err != nil {
			return err
		}
	}
	v, err := s.Connections.View(ctx, name, s.Now())
	if err != nil {
		return err
	}
	p, err := s.connectionPage(c, actor, v, false, nil)
	if err != nil {
		return err
	}
	p.Tested = p.testLine(v.State, asked, trouble)
	s.pages.show(c, http.StatusOK, "connection", p)
	return nil
}

func (p connectionPage) testLine(state registry.State, asked bool, trouble error) *testLine {
	switch {
	case errors.Is(trouble, registry.ErrOff):
		return &testLine{p.T("connections.test_off"), "warn"}
	case trouble != nil:
		return &testLine{p.T("connections.test_failed") + ": " + trouble.Error(), "danger"}
	case asked:
		return &testLine{p.T("connections.test_well"), "good"}
	}
	return &testLine{p.T("connections.test_called") + ": " + state.Title.In(p.Lang), ""}
}

func (s *Server) enableConnection(c *gin.Context, _ staff.Actor) error {
	name := c.Param("name")
	if err := s.Connections.Enable(c.Request.Context(), s.Now(), name, c.PostForm("on") != ""); err != nil {
		return err
	}
	s.flash(c, "done.connection")
	c.Redirect(http.StatusSeeOther, "/connections/at/"+name)
	return nil
}
