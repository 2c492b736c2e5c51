package web

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
)

//go:embed all:templates
var templateFiles embed.FS

// renderer draws pages: every template once per language, so that texts, dates and money need no argument.
type renderer struct {
	texts     map[string]catalogue
	formats   map[string]format
	templates map[string]*template.Template // by language
	assets    map[string]string             // name in a template -> file in the bundle
}

func newRenderer(company Company) (*renderer, error) {
	texts, err := loadCatalogues()
	if err != nil {
		return nil, err
	}
	r := &renderer{texts: texts, formats: map[string]format{}, templates: map[string]*template.Template{}, assets: map[string]string{}}
	if err := r.loadManifest(); err != nil {
		return nil, err
	}
	for _, language := range languages {
		r.formats[language] = format{language: language, zone: company.Location, texts: texts[language]}
		if r.templates[language], err = r.parse(language); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// loadManifest reads which files the bundle has. A binary built without the bundle runs, bare of style and script.
func (r *renderer) loadManifest() error {
	body, err := bundle.ReadFile("dist/manifest.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(body, &r.assets)
	}
	if err != nil {
		return fmt.Errorf("read the list of the pages' files: %w", err)
	}
	return nil
}

// parse reads layout.html, the parts (_*.html) and all pages into one set of templates: a set for each page would hold the
// layout and the parts as often. What each page calls "content" is kept under the name of its file.
func (r *renderer) parse(language string) (*template.Template, error) {
	functions := r.functions(language)
	set := template.New("layout.html").Funcs(functions).Option("missingkey=error")
	if _, err := set.ParseFS(templateFiles, "templates/layout.html", "templates/_*.html"); err != nil {
		return nil, fmt.Errorf("read the layout: %w", err)
	}
	names, err := fs.Glob(templateFiles, "templates/[a-z]*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		file := path.Base(name)
		if file == "layout.html" {
			continue
		}
		page, err := template.New(file).Funcs(functions).ParseFS(templateFiles, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		for _, defined := range page.Templates() {
			if err := adopt(set, file, defined); err != nil {
				return nil, fmt.Errorf("read %s: %w", name, err)
			}
		}
	}
	return set, nil
}

// adopt takes what a page's file defines into the set.
func adopt(set *template.Template, file string, defined *template.Template) error {
	name := defined.Name()
	switch name {
	case file:
		return nil // what stands outside of its definitions: nothing
	case "content":
		name = file
	}
	if set.Lookup(name) != nil {
		return fmt.Errorf("%q is defined elsewhere too", name)
	}
	_, err := set.AddParseTree(name, defined.Tree)
	return err
}

func (r *renderer) functions(language string) template.FuncMap {
	f, texts := r.formats[language], r.texts[language]
	return template.FuncMap{
		"t":       texts.text,
		"counted": func(key string, n int) string { return texts.counted(key, n, language) },
		"date":    f.date,
		"moment":  f.moment,
		"span":    f.span,
		"number":  func(v any) string { return f.number(fmt.Sprint(v)) },
		"money":   f.money,
		"phone":   f.phone,
		"iso":     func(t time.Time) string { return t.In(f.zone).Format(time.RFC3339) },
		"icon":    icon,
		"asset":   func(name string) string { return "/assets/" + r.assets[name] },
		"dict":    dict,
		"inc":     func(n int) int { return n + 1 },
		"list":    func(items ...string) []string { return items },
		"since":   func(then, now time.Time) string { return f.span(now.Sub(then)) },
		"between": func(from, to time.Time) string { return f.span(to.Sub(from)) },
		"day":     day,
		"amount":  amountText,

		"contactName": contactName,
		"clientName":  clientName,
		"clientINN":   clientINN,
	}
}

// dict makes the argument of a part out of names and values.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict takes names and values")
	}
	d := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		d[name] = pairs[i+1]
	}
	return d, nil
}

// icon is a picture of the sprite in templates/_icons.html.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" aria-hidden="true"><use href="#i-` + template.HTMLEscapeString(name) + `"/></svg>`)
}

func (r *renderer) speaks(language string) bool { return r.texts[language] != nil }

// framed is what layout.html shows: the same on every page, and the page's own content in it.
type framed struct {
	page
	Content template.HTML // drawn by a template
}

// show draws a page whole before the first byte goes out, so that a mistake in a template is a clean error.
func (r *renderer) show(c *gin.Context, status int, name string, view interface{ frame() page }) {
	frame := view.frame()
	send(c, status, r.draw(frame.Lang, "layout.html", framed{frame, template.HTML(r.draw(frame.Lang, name+".html", view))}))
}

// showPart draws one defined part of a page, for a script that replaces it.
func (r *renderer) showPart(c *gin.Context, status int, part string, view interface{ frame() page }) {
	send(c, status, r.draw(view.frame().Lang, part, view))
}

func (r *renderer) draw(language, name string, data any) string {
	var out strings.Builder
	if err := r.templates[language].ExecuteTemplate(&out, name, data); err != nil {
		panic(fmt.Sprintf("draw %s: %v", name, err))
	}
	return out.String()
}

func send(c *gin.Context, status int, page string) {
	c.Data(status, "text/html; charset=utf-8", []byte(page))
}

// page is the same on every page: who is looking, the menu, the language.
type page struct {
	Title   string
	Lang    string
	Theme   string // "", light or dark
	Path    string
	Now     time.Time
	Company string
	User    staff.Actor
	Menu    []menuItem
	Open    int    // tasks of the person that wait
	Late    int    // of them overdue
	Flash   string // what has just been done
	texts   catalogue
}

func (p page) frame() page { return p }

// T is a text in the page's language.
func (p page) T(key string, args ...any) string { return p.texts.text(key, args...) }

// menuItem is a line of the menu.
type menuItem struct {
	Path, Icon, Text string
	Current          bool
	Main             bool // also in the bar at the bottom of a telephone
	Counts           bool // waiting tasks
	Count            int
	Alarm            bool
}

// menu lists the places there are, in the order of the day, and whom they are for.
var menu = []struct {
	path, icon, text string
	main             bool
	needs            staff.Action
}{
	{"/tasks", "tasks", "menu.tasks", true, staff.WorkTasks},
	{"/calls", "phone", "menu.calls", false, staff.WorkTasks},
	{"/leads", "leads", "menu.leads", true, ""},
	{"/unassigned", "inbox", "menu.unassigned", false, staff.TakeLead},
	{"/reports", "chart", "menu.reports", true, staff.SeeReports},
	{"/processes", "route", "menu.processes", false, staff.SeeProcesses},
	{"/rules", "swap", "menu.rules", false, staff.ManageRules},
	{"/connections", "plug", "menu.connections", false, staff.SeeConnections},
	{"/dead-letters", "alert", "menu.dead", false, staff.SeeDeadLetters},
	{"/deliveries", "mail", "menu.deliveries", false, staff.SeeDeadLetters},
	{"/people", "people", "menu.people", false, staff.SeePeople},
	{"/journal", "book", "menu.journal", false, staff.SeeJournal},
	{"/profile", "person", "menu.profile", true, ""},
}

// blankPage is for somebody who is not signed in.
func (s *Server) blankPage(c *gin.Context, title string) page {
	language := s.language(c)
	texts := s.pages.texts[language]
	theme, _ := c.Cookie("theme")
	return page{Title: texts.text(title), Lang: language, Theme: theme, Path: c.Request.URL.Path, Now: s.Now(), Company: s.Company.Name, texts: texts}
}

// page is for the actor: in their language, with the places they may go to.
func (s *Server) page(c *gin.Context, actor staff.Actor, title string) page {
	p := s.blankPage(c, title)
	if s.pages.speaks(actor.Language) {
		p.Lang, p.texts = actor.Language, s.pages.texts[actor.Language]
		p.Title = p.texts.text(title)
	}
	p.User = actor
	p.Flash = takeFlash(c, p.texts)
	p.Open, p.Late = s.openTasks(c, actor)
	for _, item := range menu {
		if item.needs != "" && !actor.Can(item.needs) {
			continue
		}
		line := menuItem{Path: item.path, Icon: item.icon, Text: p.T(item.text), Main: item.main,
			Current: p.Path == item.path || strings.HasPrefix(p.Path, item.path+"/")}
		if item.path == "/tasks" {
			line.Counts, line.Count, line.Alarm = true, p.Open, p.Late > 0
		}
		p.Menu = append(p.Menu, line)
	}
	return p
}

// partHeader is sent by our scripts when they want a part of a page.
const partHeader = "X-Part"

const flashCookie = "flash"

// flash says on the next page what has been done. It travels as a key of the catalogue, never as text from outside.
func (s *Server) flash(c *gin.Context, key string) {
	c.SetCookie(flashCookie, key, 60, "/", "", s.secure, true)
}

func takeFlash(c *gin.Context, texts catalogue) string {
	key, err := c.Cookie(flashCookie)
	if err != nil || key == "" || !strings.HasPrefix(key, "done.") {
		return ""
	}
	c.SetCookie(flashCookie, "", -1, "/", "", false, true)
	return texts[key]
}

func urlEscape(s string) string { return url.QueryEscape(s) }
