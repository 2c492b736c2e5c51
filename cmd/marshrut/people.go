package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"marshrut/internal/app"
	"marshrut/internal/staff"
)

type userCommand struct {
	Add      userAdd      `cmd:"" help:"Add a person; prints a one-time password."`
	Password userPassword `cmd:"" help:"Give a person a new one-time password."`
	Disable  userDisable  `cmd:"" help:"End a person's access; their history stays."`
	List     userList     `cmd:"" help:"Who there is."`
}

type userAdd struct {
	errand
	Login string   `required:"" help:"What the person types to sign in."`
	Name  string   `required:"" help:"How others see the person."`
	Role  string   `required:"" enum:"admin,head,manager,marketer,observer" help:"What the person may see and do: ${enum}."`
	Works []string `help:"Roles of route maps whose work the person does, for example manager,duty. Without it a manager does manager, a head does head."`
	Team  string   `help:"The person's team."`
	Email string   `help:"The person's address."`

	Extension string `help:"The extension of the person's telephone: a call there is on their screen."`
}

func (u *userAdd) Run(c console, t *app.Tools) error {
	works := u.Works
	if works == nil && (u.Role == "manager" || u.Role == "head") {
		works = []string{u.Role}
	}
	_, password, err := t.Staff.AddEmployee(c.ctx, staff.System(), staff.Employee{Login: u.Login, Name: u.Name, Team: u.Team,
		Email: u.Email, Extension: u.Extension, Language: t.Config.Company.Language, Permission: staff.Permission(u.Role), Roles: works}, time.Now())
	if errors.Is(err, staff.ErrUnknownRole) {
		return u.unknownRole(c, t, err)
	}
	if err != nil {
		return err
	}
	c.printf("one-time password: %s\n", password)
	return nil
}

// unknownRole says which roles there are: they are of this company, so that the help cannot name them.
func (u *userAdd) unknownRole(c console, t *app.Tools, cause error) error {
	people, err := t.Staff.Directory(c.ctx, t.Pool)
	if err != nil {
		return errors.Join(cause, err)
	}
	var keys []string
	for _, role := range people.Roles() {
		keys = append(keys, role.Key)
	}
	return fmt.Errorf("--works=%s: %w: there are %s", strings.Join(u.Works, ","), cause, strings.Join(keys, ", "))
}

type userPassword struct {
	errand
	Login string `required:""`
}

func (u *userPassword) Run(c console, t *app.Tools) error {
	password, err := t.Staff.ResetPassword(c.ctx, staff.System(), u.Login, time.Now())
	if err != nil {
		return err
	}
	c.printf("one-time password: %s\n", password)
	return nil
}

type userDisable struct {
	errand
	Login string `required:""`
}

func (u *userDisable) Run(c console, t *app.Tools) error {
	return t.Staff.Disable(c.ctx, staff.System(), u.Login, time.Now())
}

type userList struct{ errand }

func (u *userList) Run(c console, t *app.Tools) error {
	people, err := t.Staff.Directory(c.ctx, t.Pool)
	if err != nil {
		return err
	}
	return table(c, "LOGIN\tNAME\tPERMISSION\tROLES\tTEAM\tEXTENSION\tSTATE", func(row func(string, ...any)) error {
		for _, e := range people.Employees() {
			state := "active"
			if e.Disabled() {
				state = "disabled since " + moment(t, e.DisabledAt)
			}
			row("%s\t%s\t%s\t%v\t%s\t%s\t%s", e.Login, e.Name, e.Permission, e.Roles, e.Team, e.Extension, state)
		}
		return nil
	})
}

type tokenCommand struct {
	Add    tokenAdd    `cmd:"" help:"Make an API token for a person; prints it once."`
	List   tokenList   `cmd:"" help:"A person's tokens."`
	Revoke tokenRevoke `cmd:"" help:"End a token."`
}

type tokenAdd struct {
	errand
	Login string `required:""`
	Name  string `required:"" help:"What it is for."`
}

func (k *tokenAdd) Run(c console, t *app.Tools) error {
	token, err := t.Staff.AddToken(c.ctx, staff.System(), k.Login, k.Name, time.Now())
	if err != nil {
		return err
	}
	c.printf("token: %s\n", token)
	return nil
}

type tokenList struct {
	errand
	Login string `help:"Only this person's."`
}

func (k *tokenList) Run(c console, t *app.Tools) error {
	tokens, err := t.Staff.Tokens(c.ctx, k.Login)
	if err != nil {
		return err
	}
	return table(c, "ID\tLOGIN\tNAME\tMADE\tLAST USED\tREVOKED", func(row func(string, ...any)) error {
		for _, token := range tokens {
			row("%d\t%s\t%s\t%s\t%s\t%s", token.ID, token.Login, token.Name, moment(t, &token.CreatedAt), moment(t, token.UsedAt), moment(t, token.RevokedAt))
		}
		return nil
	})
}

type tokenRevoke struct {
	errand
	ID int64 `arg:"" help:"From token list."`
}

func (k *tokenRevoke) Run(c console, t *app.Tools) error {
	return t.Staff.RevokeToken(c.ctx, staff.System(), k.ID, time.Now())
}
