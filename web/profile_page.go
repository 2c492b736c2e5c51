package web

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
)

// profilePage is what templates/profile.html shows: what a person sets for themselves.
type profilePage struct {
	page
	Person   staff.Employee
	Access   string
	Roles    []string
	Tokens   []staff.Token
	MayAdd   bool   // tokens
	NewToken string // shown once
	Themes   []option
	Speaks   []option
	Problem  string
}

func (s *Server) showProfile(c *gin.Context, actor staff.Actor) error {
	p, err := s.profilePage(c, actor)
	if err != nil {
		return err
	}
	s.pages.show(c, http.StatusOK, "profile", p)
	return nil
}

func (s *Server) profilePage(c *gin.Context, actor staff.Actor) (profilePage, error) {
	p := profilePage{page: s.page(c, actor, "profile.title")}
	p.MayAdd = actor.Can(staff.ManagePeople)
	p.Access = actor.Permission.Title(p.Lang)
	people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
	if err != nil {
		return p, err
	}
	p.Person, _ = people.Employee(actor.ID)
	for _, key := range actor.Roles {
		role, _ := people.Role(key)
		p.Roles = append(p.Roles, role.Title(p.Lang))
	}
	for _, theme := range []string{"", "light", "dark"} {
		p.Themes = append(p.Themes, option{theme, p.T("profile.theme_" + cmp.Or(theme, "auto")), theme == p.Theme})
	}
	p.Speaks = []option{{"ru", "Русский", p.Lang == "ru"}, {"en", "English", p.Lang == "en"}}
	p.Tokens, err = s.Staff.Tokens(c.Request.Context(), actor.Login)
	return p, err
}

// setLanguage changes the language of a person's pages and notices.
func (s *Server) setLanguage(c *gin.Context, actor staff.Actor) error {
	language := c.PostForm("language")
	if !s.pages.speaks(language) {
		return errBadRequest
	}
	if err := s.Staff.SetLanguage(c.Request.Context(), actor, language, s.Now()); err != nil {
		return err
	}
	s.setHabit(c, languageCookie, language)
	s.flash(c, "done.language")
	c.Redirect(http.StatusSeeOther, "/profile")
	return nil
}

func (s *Server) setTheme(c *gin.Context, _ staff.Actor) error {
	theme := c.PostForm("theme")
	if theme != "" && theme != "light" && theme != "dark" {
		return errBadRequest
	}
	s.setHabit(c, "theme", theme)
	s.flash(c, "done.theme")
	c.Redirect(http.StatusSeeOther, "/profile")
	return nil
}

func (s *Server) addToken(c *gin.Context, actor staff.Actor) error {
	name := strings.TrimSpace(c.PostForm("name"))
	var token string
	err := error(nil)
	if name == "" {
		err = invalid{"name", "profile.token_name_needed"}
	} else {
		token, err = s.Staff.AddToken(c.Request.Context(), actor, actor.Login, name, s.Now())
	}
	if err != nil && statusOf(err) == http.StatusInternalServerError {
		return err
	}
	p, pageErr := s.profilePage(c, actor)
	if pageErr != nil {
		return pageErr
	}
	status := http.StatusOK
	if err != nil {
		status = statusOf(err)
		p.Problem = p.errorText(err, status)
	}
	p.NewToken = token
	s.pages.show(c, status, "profile", p)
	return nil
}

func (s *Server) revokeToken(c *gin.Context, actor staff.Actor) error {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil {
		return errBadRequest
	}
	own, err := s.Staff.Tokens(c.Request.Context(), actor.Login)
	if err != nil {
		return err
	}
	for _, token := range own {
		if token.ID != id {
			continue
		}
		if err := s.Staff.RevokeToken(c.Request.Context(), actor, id, s.Now()); err != nil {
			return err
		}
		s.flash(c, "done.revoked")
		c.Redirect(http.StatusSeeOther, "/profile")
		return nil
	}
	return staff.ErrNotFound
}

// passwordPage is what templates/password.html shows.
type passwordPage struct {
	page
	Forced  bool // the one-time password has to be changed before anything else
	Problem string
	Min     int
}

func (s *Server) showPassword(c *gin.Context, actor staff.Actor) error {
	return s.renderPassword(c, actor, http.StatusOK, "")
}

func (s *Server) renderPassword(c *gin.Context, actor staff.Actor, status int, problem string) error {
	p := passwordPage{page: s.page(c, actor, "profile.password"), Forced: actor.MustChangePassword, Problem: problem, Min: staff.MinPassword}
	if p.Forced { // there is nowhere else to go yet
		p.User, p.Menu = staff.Actor{}, nil
	}
	s.pages.show(c, status, "password", p)
	return nil
}

func (s *Server) changePassword(c *gin.Context, actor staff.Actor) error {
	err := error(nil)
	if c.PostForm("new") != c.PostForm("again") {
		err = invalid{"again", "profile.passwords_differ"}
	} else {
		err = s.Staff.ChangePassword(c.Request.Context(), actor, c.PostForm("old"), c.PostForm("new"), s.sessionToken(c), s.Now())
	}
	if err != nil {
		status := statusOf(err)
		if status == http.StatusInternalServerError {
			return err
		}
		return s.renderPassword(c, actor, status, s.page(c, actor, "profile.password").errorText(err, status))
	}
	s.flash(c, "done.password")
	c.Redirect(http.StatusSeeOther, "/")
	return nil
}
