package web

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
)

// cookie is the name of the session's. The prefix __Host- makes browsers hold it to this host and to https; over plain http,
// on one's own machine, they would refuse it.
func (s *Server) cookie() string {
	if s.secure {
		return "__Host-session"
	}
	return "session"
}

func (s *Server) setSession(c *gin.Context, token string) {
	http.SetCookie(c.Writer, &http.Cookie{Name: s.cookie(), Value: token, Path: "/", HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode})
}

func (s *Server) clearSession(c *gin.Context) {
	http.SetCookie(c.Writer, &http.Cookie{Name: s.cookie(), Path: "/", HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode, MaxAge: -1})
}

// sessionToken is what the browser sent, or "".
func (s *Server) sessionToken(c *gin.Context) string {
	token, err := c.Cookie(s.cookie())
	if err != nil {
		return ""
	}
	return token
}

// actor is who is signed in, or staff.ErrNoSession.
func (s *Server) actor(c *gin.Context) (staff.Actor, error) {
	token := s.sessionToken(c)
	if token == "" {
		return staff.Actor{}, staff.ErrNoSession
	}
	return s.Staff.Session(c.Request.Context(), token, s.Now())
}

// personHandler shows or does something for somebody who is signed in. One place turns its error into a page.
type personHandler func(c *gin.Context, actor staff.Actor) error

// person lets in who is signed in and may do the action; "" asks for no more than being signed in. A one-time password has
// to be changed before anything else.
func (s *Server) person(action staff.Action, handle personHandler) gin.HandlerFunc {
	return func(c *gin.Context) {
		actor, err := s.actor(c)
		switch {
		case errors.Is(err, staff.ErrNoSession):
			s.askToSignIn(c)
			return
		case err != nil:
		case actor.MustChangePassword && c.FullPath() != "/profile/password":
			c.Redirect(http.StatusSeeOther, "/profile/password")
			return
		case action != "" && !actor.Can(action):
			err = staff.ErrNotAllowed
		default:
			err = handle(c, actor)
		}
		if err != nil {
			s.showError(c, actor, err)
		}
	}
}

func (s *Server) askToSignIn(c *gin.Context) {
	to := "/sign-in"
	if c.Request.Method == http.MethodGet && c.Request.URL.Path != "/" {
		to += "?to=" + urlEscape(c.Request.URL.RequestURI())
	}
	if c.GetHeader(partHeader) != "" { // a script asked for a part of a page: a whole one would not fit there
		c.Status(http.StatusUnauthorized)
		return
	}
	c.Redirect(http.StatusSeeOther, to)
}

// signInPage is what templates/sign-in.html shows.
type signInPage struct {
	page
	Login string
	To    string
	Error string
}

func (s *Server) showSignIn(c *gin.Context) {
	if _, err := s.actor(c); err == nil {
		c.Redirect(http.StatusSeeOther, "/")
		return
	}
	s.renderSignIn(c, http.StatusOK, signInPage{To: ownAddress(c.Query("to"))})
}

func (s *Server) renderSignIn(c *gin.Context, status int, p signInPage) {
	p.page = s.blankPage(c, "signin.title")
	s.pages.show(c, status, "sign-in", p)
}

func (s *Server) signIn(c *gin.Context) {
	p := signInPage{Login: c.PostForm("login"), To: ownAddress(c.PostForm("to"))}
	token, _, err := s.Staff.SignIn(c.Request.Context(), p.Login, c.PostForm("password"), c.ClientIP(), s.Now())
	var tooMany staff.TooManyAttempts
	switch {
	case errors.As(err, &tooMany):
		seconds := int(math.Ceil(tooMany.RetryAfter.Seconds()))
		c.Header("Retry-After", strconv.Itoa(seconds))
		p.Error = s.pages.texts[s.language(c)].text("signin.too_many", "n", max(1, seconds))
		s.renderSignIn(c, http.StatusTooManyRequests, p)
	case errors.Is(err, staff.ErrCredentials):
		p.Error = s.pages.texts[s.language(c)].text("signin.wrong")
		s.renderSignIn(c, http.StatusUnauthorized, p)
	case err != nil:
		s.showError(c, staff.Actor{}, err)
	default:
		s.setSession(c, token)
		c.Redirect(http.StatusSeeOther, p.To)
	}
}

func (s *Server) signOut(c *gin.Context) {
	if err := s.Staff.SignOut(c.Request.Context(), s.sessionToken(c)); err != nil {
		s.showError(c, staff.Actor{}, err)
		return
	}
	s.clearSession(c)
	c.Redirect(http.StatusSeeOther, "/sign-in")
}

// ownAddress lets a redirect lead to our own pages only (no open redirect): a path, not //elsewhere and not \elsewhere.
func ownAddress(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}

const languageCookie = "language"

// language is the person's, else the browser's wish among those we speak, else the company's.
func (s *Server) language(c *gin.Context) string {
	if chosen, err := c.Cookie(languageCookie); err == nil && s.pages.speaks(chosen) {
		return chosen
	}
	return cmp.Or(s.accepted(c), s.Company.Language)
}

// accepted is the first language of the browser or program that we speak, or "".
func (s *Server) accepted(c *gin.Context) string {
	for part := range strings.SplitSeq(c.GetHeader("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		if base, _, _ := strings.Cut(strings.ToLower(tag), "-"); s.pages.speaks(base) {
			return base
		}
	}
	return ""
}

// longLived is a year: the language and the look are habits, not secrets.
const longLived = 365 * 24 * time.Hour

func (s *Server) setHabit(c *gin.Context, name, value string) {
	http.SetCookie(c.Writer, &http.Cookie{Name: name, Value: value, Path: "/", Secure: s.secure, SameSite: http.SameSiteLaxMode, MaxAge: int(longLived.Seconds())})
}
