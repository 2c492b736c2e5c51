package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
)

// peoplePage is what templates/people.html shows.
type peoplePage struct {
	page
	List        []personLine
	Roles       []option
	Permissions []option
	May         bool
	Form        url.Values
	Problem     string
	// A one-time password just made, shown once.
	NewLogin, NewPassword string
}

// personLine is an employee in the list.
type personLine struct {
	staff.Employee
	PermissionName string
	RoleNames      []string
	Absent         bool
}

func (s *Server) showPeople(c *gin.Context, actor staff.Actor) error {
	p, err := s.peoplePage(c, actor)
	if err != nil {
		return err
	}
	s.pages.show(c, http.StatusOK, "people", p)
	return nil
}

func (s *Server) peoplePage(c *gin.Context, actor staff.Actor) (peoplePage, error) {
	p := peoplePage{page: s.page(c, actor, "people.title"), May: actor.Can(staff.ManagePeople), Form: url.Values{}}
	people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
	if err != nil {
		return p, err
	}
	for _, e := range people.Employees() {
		line := personLine{Employee: e, PermissionName: e.Permission.Title(p.Lang), Absent: people.Absent(s.Now(), e.ID)}
		for _, key := range e.Roles {
			role, _ := people.Role(key)
			line.RoleNames = append(line.RoleNames, role.Title(p.Lang))
		}
		p.List = append(p.List, line)
	}
	slices.SortStableFunc(p.List, func(a, b personLine) int { return boolOrder(a.Disabled(), b.Disabled()) })
	p.Roles, p.Permissions = roleOptions(people, nil, p.Lang), permissionOptions("", p.Lang)
	return p, nil
}

// boolOrder puts false first.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func roleOptions(people *staff.Directory, held []string, language string) []option {
	var list []option
	for _, r := range people.Roles() {
		list = append(list, option{r.Key, r.Title(language), slices.Contains(held, r.Key)})
	}
	return list
}

func permissionOptions(chosen staff.Permission, language string) []option {
	var list []option
	for _, p := range staff.Permissions() {
		list = append(list, option{string(p), p.Title(language), p == chosen})
	}
	return list
}

// personForm reads the fields of an employee.
func personForm(c *gin.Context) staff.Employee {
	get := func(key string) string { return strings.TrimSpace(c.PostForm(key)) }
	return staff.Employee{Login: get("login"), Name: get("name"), Team: get("team"), Email: get("email"), Extension: get("extension"),
		Language: get("language"), Permission: staff.Permission(get("permission")), Roles: c.PostFormArray("roles")}
}

func (s *Server) addPerson(c *gin.Context, actor staff.Actor) error {
	e := personForm(c)
	if e.Language == "" {
		e.Language = s.Company.Language
	}
	var password string
	err := error(nil)
	switch {
	case e.Login == "" || e.Name == "" || !e.Permission.Valid():
		err = invalid{"login", "people.fill_in"}
	default:
		_, password, err = s.Staff.AddEmployee(c.Request.Context(), actor, e, s.Now())
	}
	return s.showPeopleAfter(c, actor, e.Login, password, err)
}

func (s *Server) resetPassword(c *gin.Context, actor staff.Actor) error {
	login := c.Param("login")
	password, err := s.Staff.ResetPassword(c.Request.Context(), actor, login, s.Now())
	return s.showPeopleAfter(c, actor, login, password, err)
}

// showPeopleAfter shows the list with the one-time password, which is not kept anywhere, or with what was wrong.
func (s *Server) showPeopleAfter(c *gin.Context, actor staff.Actor, login, password string, cause error) error {
	status := http.StatusOK
	if cause != nil {
		if status = statusOf(cause); status == http.StatusInternalServerError || status == http.StatusNotFound {
			return cause
		}
	}
	p, err := s.peoplePage(c, actor)
	if err != nil {
		return err
	}
	if cause != nil {
		p.Problem, p.Form = p.errorText(cause, status), c.Request.PostForm
	} else {
		p.NewLogin, p.NewPassword = strings.ToLower(login), password
	}
	s.pages.show(c, status, "people", p)
	return nil
}

// personPage is what templates/person.html shows.
type personPage struct {
	page
	Person      staff.Employee
	Roles       []option
	Permissions []option
	Problem     string
}

func (s *Server) showPerson(c *gin.Context, actor staff.Actor) error {
	return s.renderPerson(c, actor, http.StatusOK, nil, "")
}

func (s *Server) renderPerson(c *gin.Context, actor staff.Actor, status int, typed *staff.Employee, problem string) error {
	people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
	if err != nil {
		return err
	}
	e, ok := people.Login(c.Param("login"))
	if !ok {
		return staff.ErrNotFound
	}
	if typed != nil {
		typed.Login, typed.ID, typed.DisabledAt = e.Login, e.ID, e.DisabledAt
		e = *typed
	}
	p := personPage{page: s.page(c, actor, "people.title"), Person: e, Problem: problem}
	p.Title = e.Name
	p.Roles, p.Permissions = roleOptions(people, e.Roles, p.Lang), permissionOptions(e.Permission, p.Lang)
	s.pages.show(c, status, "person", p)
	return nil
}

func (s *Server) savePerson(c *gin.Context, actor staff.Actor) error {
	people, err := s.Staff.Directory(c.Request.Context(), s.Pool)
	if err != nil {
		return err
	}
	old, ok := people.Login(c.Param("login"))
	if !ok {
		return staff.ErrNotFound
	}
	e := personForm(c)
	e.ID, e.Login, e.Calendar = old.ID, old.Login, old.Calendar
	if e.Name == "" || !e.Permission.Valid() {
		err = invalid{"name", "people.fill_in"}
	} else {
		err = s.Staff.UpdateEmployee(c.Request.Context(), actor, e, s.Now())
	}
	if err != nil {
		status := statusOf(err)
		if status == http.StatusInternalServerError {
			return err
		}
		return s.renderPerson(c, actor, status, &e, s.blankPage(c, "people.title").errorText(err, status))
	}
	s.flash(c, "done.person")
	c.Redirect(http.StatusSeeOther, "/people")
	return nil
}

// switchPerson ends or gives back somebody's access.
func (s *Server) switchPerson(c *gin.Context, actor staff.Actor) error {
	change := s.Staff.Disable
	if c.PostForm("on") != "" {
		change = s.Staff.Enable
	}
	if err := change(c.Request.Context(), actor, c.Param("login"), s.Now()); err != nil {
		return s.showPeopleAfter(c, actor, "", "", err)
	}
	s.flash(c, "done.person")
	c.Redirect(http.StatusSeeOther, "/people")
	return nil
}
