package staff

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	//go:embed sql/add_employee.sql
	addEmployeeSQL string
	//go:embed sql/update_employee.sql
	updateEmployeeSQL string
	//go:embed sql/set_password.sql
	setPasswordSQL string
	//go:embed sql/disable.sql
	disableSQL string
	//go:embed sql/set_roles.sql
	setRolesSQL string
	//go:embed sql/add_absence.sql
	addAbsenceSQL string
	//go:embed sql/journal.sql
	journalSQL string
)

// AddEmployee adds a person with the roles of e and returns the id and a one-time
// password, which has to be changed at the first sign-in. The login is kept in
// lower case; ErrTaken when somebody has it, ErrUnknownRole for a role nobody made.
func (s *Staff) AddEmployee(ctx context.Context, by Actor, e Employee, now time.Time) (int64, string, error) {
	e.Login = normalLogin(e.Login)
	if err := checkEmployee(e); err != nil {
		return 0, "", err
	}
	password := oneTimePassword()
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return 0, "", err
	}
	var id int64
	err = s.change(ctx, by, func(tx pgx.Tx) (entry, error) {
		args := employeeArgs(e)
		args["hash"], args["now"] = hash, now
		if err := tx.QueryRow(ctx, addEmployeeSQL, args).Scan(&id); err != nil {
			return entry{}, err
		}
		if err := setRoles(ctx, tx, id, e.Roles); err != nil {
			return entry{}, err
		}
		return entry{now, object("employee", id), "employee.added", described(e)}, nil
	})
	if err != nil {
		return 0, "", fmt.Errorf("add employee %s: %w", e.Login, err)
	}
	return id, password, nil
}

// UpdateEmployee replaces everything but login, password and state of e.ID.
func (s *Staff) UpdateEmployee(ctx context.Context, by Actor, e Employee, now time.Time) error {
	if err := checkEmployee(e); err != nil {
		return err
	}
	err := s.change(ctx, by, func(tx pgx.Tx) (entry, error) {
		args := employeeArgs(e)
		args["id"] = e.ID
		if err := tx.QueryRow(ctx, updateEmployeeSQL, args).Scan(&e.ID); err != nil {
			return entry{}, err
		}
		if err := setRoles(ctx, tx, e.ID, e.Roles); err != nil {
			return entry{}, err
		}
		return entry{now, object("employee", e.ID), "employee.changed", described(e)}, keepAnAdmin(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("change employee %s: %w", e.Login, err)
	}
	return nil
}

// ResetPassword gives a person a new one-time password and ends their sessions.
func (s *Staff) ResetPassword(ctx context.Context, by Actor, login string, now time.Time) (string, error) {
	password := oneTimePassword()
	if err := s.storePassword(ctx, by, login, password, true, nil, now); err != nil {
		return "", fmt.Errorf("reset the password of %s: %w", login, err)
	}
	return password, nil
}

// SetPassword sets a password that stays, without asking for the old one: what
// the command line and the demo company use. It ends the person's sessions.
func (s *Staff) SetPassword(ctx context.Context, by Actor, login, password string, now time.Time) error {
	if err := s.storePassword(ctx, by, login, password, false, nil, now); err != nil {
		return fmt.Errorf("set the password of %s: %w", login, err)
	}
	return nil
}

// ChangePassword is a person changing their own password. All their sessions end
// but the one with the token.
func (s *Staff) ChangePassword(ctx context.Context, actor Actor, old, password, token string, now time.Time) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	// The old password could be guessed here as well as at the door.
	if err := s.attempts.take(now, actor.Login, "change"); err != nil {
		return err
	}
	var hash string
	if err := s.pool.QueryRow(ctx, `select password_hash from employee where id = $1`, actor.ID).Scan(&hash); err != nil {
		return fmt.Errorf("look up the password of %s: %w", actor.Login, err)
	}
	right, err := s.checkPassword(ctx, hash, old)
	if err != nil {
		return err
	}
	if !right {
		return ErrCredentials
	}
	s.attempts.forgive(actor.Login, "change")
	return s.storePassword(ctx, actor, actor.Login, password, false, hashToken(token), now)
}

func (s *Staff) storePassword(ctx context.Context, by Actor, login, password string, oneTime bool, but []byte, now time.Time) error {
	if !by.Can(ManagePeople) && by.Login != normalLogin(login) {
		return fmt.Errorf("%s may not set the password of another: %w", by.Login, ErrNotAllowed)
	}
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return err
	}
	if but == nil {
		but = []byte{}
	}
	return s.write(ctx, by, func(tx pgx.Tx) (entry, error) {
		var id int64
		err := tx.QueryRow(ctx, setPasswordSQL, pgx.NamedArgs{"login": normalLogin(login), "hash": hash, "once": oneTime}).Scan(&id)
		if err != nil {
			return entry{}, err
		}
		_, err = tx.Exec(ctx, endSessionsSQL, pgx.NamedArgs{"employee": id, "but": but})
		return entry{now, object("employee", id), "employee.password", map[string]any{"one_time": oneTime}}, err
	})
}

// Disable ends a person's access: no sign-in, no session, no token, no new work.
// Their history stays.
func (s *Staff) Disable(ctx context.Context, by Actor, login string, now time.Time) error {
	return s.setDisabled(ctx, by, login, &now, "employee.disabled", now)
}

// Enable undoes Disable. The password is the old one.
func (s *Staff) Enable(ctx context.Context, by Actor, login string, now time.Time) error {
	return s.setDisabled(ctx, by, login, nil, "employee.enabled", now)
}

func (s *Staff) setDisabled(ctx context.Context, by Actor, login string, at *time.Time, action string, now time.Time) error {
	err := s.change(ctx, by, func(tx pgx.Tx) (entry, error) {
		var id int64
		err := tx.QueryRow(ctx, disableSQL, pgx.NamedArgs{"login": normalLogin(login), "at": at}).Scan(&id)
		if err != nil {
			return entry{}, err
		}
		if _, err = tx.Exec(ctx, endSessionsSQL, pgx.NamedArgs{"employee": id, "but": []byte{}}); err != nil {
			return entry{}, err
		}
		return entry{now, object("employee", id), action, nil}, keepAnAdmin(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", action, login, err)
	}
	return nil
}

// keepAnAdmin refuses a change after which nobody could manage people.
func keepAnAdmin(ctx context.Context, tx pgx.Tx) error {
	var some bool
	err := tx.QueryRow(ctx, `select exists (select from employee where permission = 'admin' and disabled_at is null)`).Scan(&some)
	if err == nil && !some {
		return ErrLastAdmin
	}
	return err
}

// Absence is when somebody is away and who stands in.
type Absence struct {
	ID         int64
	Employee   int64
	Substitute *int64 // nil: nobody in particular
	From, To   time.Time
	Reason     string
}

// AddAbsence notes an absence and returns its id.
func (s *Staff) AddAbsence(ctx context.Context, by Actor, a Absence, now time.Time) (int64, error) {
	err := s.change(ctx, by, func(tx pgx.Tx) (entry, error) {
		err := tx.QueryRow(ctx, addAbsenceSQL, pgx.NamedArgs{"employee": a.Employee, "substitute": a.Substitute,
			"from": a.From, "to": a.To, "reason": a.Reason}).Scan(&a.ID)
		return entry{now, object("employee", a.Employee), "absence.added",
			map[string]any{"from": a.From, "to": a.To, "substitute": a.Substitute, "reason": a.Reason}}, err
	})
	if err != nil {
		return 0, fmt.Errorf("note an absence: %w", err)
	}
	return a.ID, nil
}

// RemoveAbsence takes back an absence noted by mistake.
func (s *Staff) RemoveAbsence(ctx context.Context, by Actor, id int64, now time.Time) error {
	err := s.change(ctx, by, func(tx pgx.Tx) (entry, error) {
		var employee int64
		err := tx.QueryRow(ctx, `delete from absence where id = $1 returning employee_id`, id).Scan(&employee)
		return entry{now, object("employee", employee), "absence.removed", map[string]any{"absence": id}}, err
	})
	if err != nil {
		return fmt.Errorf("remove absence %d: %w", id, err)
	}
	return nil
}

// entry is a line of the journal.
type entry struct {
	at     time.Time
	object string
	action string
	data   map[string]any
}

// change runs what only those who manage people may do.
func (s *Staff) change(ctx context.Context, by Actor, f func(pgx.Tx) (entry, error)) error {
	if !by.Can(ManagePeople) {
		return fmt.Errorf("%s may not manage people: %w", by.Login, ErrNotAllowed)
	}
	return s.write(ctx, by, f)
}

// write makes a change with its line in the journal, in one transaction, and
// forgets the cached directory.
func (s *Staff) write(ctx context.Context, by Actor, f func(pgx.Tx) (entry, error)) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		e, err := f(tx)
		if err != nil {
			return err
		}
		return writeJournal(ctx, tx, by, e)
	})
	s.cache.forget()
	return ours(err)
}

func writeJournal(ctx context.Context, tx pgx.Tx, by Actor, e entry) error {
	if e.data == nil {
		e.data = map[string]any{}
	}
	data, err := json.Marshal(e.data)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, journalSQL, pgx.NamedArgs{"at": e.at, "actor": by.Ref(), "object": e.object, "action": e.action, "data": data})
	return err
}

// ours turns the driver's errors into those of this package.
func ours(err error) error {
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNotFound
	case errors.As(err, &pg) && pg.ConstraintName == "employee_login_key":
		return ErrTaken
	case errors.As(err, &pg) && pg.ConstraintName == "role_member_role_fkey":
		return ErrUnknownRole
	}
	return err
}

func checkEmployee(e Employee) error {
	switch {
	case e.Login == "" || strings.ContainsAny(e.Login, " \t\r\n,"):
		return fmt.Errorf("login %q: letters, digits and signs without spaces or commas are needed", e.Login)
	case strings.TrimSpace(e.Name) == "":
		return errors.New("a name is needed")
	case !e.Permission.Valid():
		return fmt.Errorf("permission %q: one of %v is needed", e.Permission, Permissions())
	case e.Language != "" && e.Language != "ru" && e.Language != "en":
		return fmt.Errorf("language %q: ru or en is needed", e.Language)
	}
	return nil
}

func employeeArgs(e Employee) pgx.NamedArgs {
	language := e.Language
	if language == "" {
		language = "ru"
	}
	return pgx.NamedArgs{"login": e.Login, "name": strings.TrimSpace(e.Name), "permission": e.Permission, "team": e.Team,
		"email": e.Email, "extension": e.Extension, "language": language, "calendar": e.Calendar}
}

func described(e Employee) map[string]any {
	return map[string]any{"login": e.Login, "name": e.Name, "permission": e.Permission, "team": e.Team, "roles": e.Roles}
}

func setRoles(ctx context.Context, tx pgx.Tx, employee int64, roles []string) error {
	roles = slices.Clone(roles)
	if roles == nil {
		roles = []string{}
	}
	_, err := tx.Exec(ctx, setRolesSQL, pgx.NamedArgs{"employee": employee, "roles": roles})
	return err
}

func object(kind string, id int64) string { return fmt.Sprintf("%s:%d", kind, id) }
