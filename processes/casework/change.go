package casework

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes"
	"marshrut/processes/engine"
)

// Update is what a person changes of a lead on its page.
type Update struct {
	// Changes of fields. Its Version is the one the person saw: another one now is
	// leads.ErrStale, and nothing changes.
	repository.Changes
	// Owner is a login; nil leaves the lead where it is, "" takes it from everybody.
	Owner *string
	// Reason of another owner.
	Reason string
}

// UpdateLead changes fields of the lead and of the people behind it, all or
// nothing.
func (c *Casework) UpdateLead(ctx context.Context, actor staff.Actor, lead int64, u Update) (leads.Lead, error) {
	if u.Version == 0 {
		return leads.Lead{}, refuseValue("Нужна версия лида, которую вы видели", "The version of the lead that you saw is needed")
	}
	tasks, err := c.openTasks(ctx, lead)
	if err != nil {
		return leads.Lead{}, err
	}
	return c.change(ctx, actor, staff.EditLead, lead, func(ctx context.Context, tx pgx.Tx, now leads.Lead) error {
		if err := c.repo.SetFields(ctx, tx, c.now(), lead, actor.ID, u.Changes); err != nil {
			return err
		}
		if u.Owner == nil {
			return nil
		}
		return c.handOver(ctx, tx, actor, now, tasks, *u.Owner, u.Reason)
	})
}

// AssignLead makes the employee with the login responsible for the lead, and
// nobody if it is empty. The open tasks of the one before go along. A manager may
// take what is nobody's; giving to others is for the heads.
func (c *Casework) AssignLead(ctx context.Context, actor staff.Actor, lead int64, login, reason string) (leads.Lead, error) {
	action := staff.AssignLead
	if login == actor.Login && !actor.Can(staff.AssignLead) {
		action = staff.TakeLead
	}
	tasks, err := c.openTasks(ctx, lead)
	if err != nil {
		return leads.Lead{}, err
	}
	return c.change(ctx, actor, action, lead, func(ctx context.Context, tx pgx.Tx, now leads.Lead) error {
		return c.handOver(ctx, tx, actor, now, tasks, login, reason)
	})
}

// openTasks are asked for before the transaction, so that it needs no second
// connection; one that is done meanwhile is left alone.
func (c *Casework) openTasks(ctx context.Context, lead int64) ([]processes.Task, error) {
	page, err := c.processes.Tasks(ctx, processes.TaskFilter{Subject: lead, Status: processes.TaskOpen, Limit: 100})
	return page.Items, err
}

// handOver gives the locked lead to somebody, with the open tasks of its owner.
func (c *Casework) handOver(ctx context.Context, tx pgx.Tx, actor staff.Actor, lead leads.Lead, tasks []processes.Task, login, reason string) error {
	people, err := c.staff.Directory(ctx, tx)
	if err != nil {
		return err
	}
	to, err := receiver(people, login)
	if err != nil {
		return err
	}
	if lead.OwnerID == to.ID {
		return nil
	}
	if !actor.Can(staff.AssignLead) && (to.ID != actor.ID || lead.OwnerID != 0) {
		return fmt.Errorf("give lead %d to %s: %w", lead.ID, login, ErrNotAllowed)
	}
	now := c.now()
	err = c.repo.Assign(ctx, tx, now, []repository.Assignment{{Lead: lead.ID, Owner: to.ID, By: actor.ID, Why: strings.TrimSpace(reason)}})
	if err != nil || to.ID == 0 {
		return err
	}
	for _, t := range tasks {
		if t.Assignee == 0 || t.Assignee != lead.OwnerID || t.Role != "" && !people.Holds(to.ID, t.Role) {
			continue
		}
		err := c.processes.ReassignIn(ctx, tx, actor, t.ID, to.ID, reason)
		if err != nil && !errors.Is(err, engine.ErrAlreadyDone) && !errors.Is(err, engine.ErrNotWaiting) {
			return fmt.Errorf("hand over task %d: %w", t.ID, err)
		}
	}
	if to.ID == actor.ID {
		return nil
	}
	return c.staff.Notify(ctx, tx, now, []staff.Notice{{Employee: to.ID, Kind: staff.LeadArrived, Lead: &lead.ID,
		Text: inLanguage(to.Language, "Вам передан лид: ", "A lead was given to you: ") + lead.Title}})
}

// receiver is the employee with the login who can work on leads; nobody for "".
func receiver(people *staff.Directory, login string) (staff.Employee, error) {
	if login == "" {
		return staff.Employee{}, nil
	}
	e, ok := people.Login(login)
	switch {
	case !ok:
		return e, refuseValue(fmt.Sprintf("Сотрудника «%s» нет", login), fmt.Sprintf("There is no employee %q", login))
	case e.Disabled():
		return e, refuseValue(e.Name+" больше не работает", e.Name+" does not work here any more")
	case !e.Permission.Can(staff.WorkTasks):
		return e, refuseValue(e.Name+" не работает с лидами", e.Name+" does not work on leads")
	}
	return e, nil
}

// Reopen takes back the closing of the lead and lets the start rules begin anew.
// The closing stays among the facts.
func (c *Casework) Reopen(ctx context.Context, actor staff.Actor, lead int64, reason string) (leads.Lead, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return leads.Lead{}, refuseValue("Укажите, почему лид открывается снова", "Say why the lead is opened again")
	}
	return c.change(ctx, actor, staff.ReopenLead, lead, func(ctx context.Context, tx pgx.Tx, now leads.Lead) error {
		if !now.Status.Closed() {
			return &engine.Refusal{Kind: leads.ErrConflict, Message: "Лид и так открыт", MessageEn: "The lead is open"}
		}
		err := c.repo.Reopen(ctx, tx, c.now(), []repository.Reopening{{Lead: lead, Comment: reason, By: actor.ID}})
		if err != nil {
			return err
		}
		return c.restart(ctx, tx, actor, lead)
	})
}

// restart starts what the rules of the sale choose for a lead that is open again,
// unless a process still works on it.
func (c *Casework) restart(ctx context.Context, tx pgx.Tx, actor staff.Actor, lead int64) error {
	if _, there := c.ledElsewhere(); there {
		return nil
	}
	book, err := c.rules.book(ctx, tx)
	if err != nil {
		return err
	}
	found, err := c.repo.LeadContexts(ctx, tx, []int64{lead})
	if err != nil {
		return err
	}
	people, err := c.staff.Directory(ctx, tx)
	if err != nil {
		return err
	}
	v := viewOf(found[lead], people)
	r, _, trouble := book.match(LaneSale, v.values(nil, time.UTC))
	if trouble != nil {
		c.log.WarnContext(ctx, "a start rule cannot be evaluated and was passed over", "error", trouble)
	}
	if r.Process == "" {
		r.Process = ProcessInquiry // a missed call opened the lead; now it is a sale
	}
	_, err = c.processes.Start(ctx, tx, []processes.StartRequest{{Process: r.Process, Subject: lead, Single: true, Actor: actor}})
	return err
}

// AddInteraction notes a contact with the client on the lead: what a person says
// of a call, a letter or a meeting, or a note to the history. An outgoing one
// answers the client and is evidence for steps; an incoming one is told to the
// running processes. A contact in the future is refused. It returns its id.
func (c *Casework) AddInteraction(ctx context.Context, actor staff.Actor, lead int64, i leads.Interaction) (int64, error) {
	now := c.now()
	if err := checkInteraction(&i, now); err != nil {
		return 0, err
	}
	i.LeadID, i.EmployeeID = lead, actor.ID
	var id int64
	_, err := c.change(ctx, actor, staff.EditLead, lead, func(ctx context.Context, tx pgx.Tx, of leads.Lead) error {
		if i.At.Before(of.CreatedAt.Add(-earlyContact)) {
			return refuseMoment("Взаимодействие раньше самого обращения: проверьте дату", "The interaction is earlier than the inquiry itself: check the date")
		}
		i.ContactID, i.ClientID = of.ContactID, of.ClientID
		var err error
		if id, _, err = c.repo.AddInteraction(ctx, tx, now, i); err != nil {
			return err
		}
		return c.correlate(ctx, tx, interactionMessages(lead, i))
	})
	return id, err
}

// earlyContact is how long before the lead a contact may have been: one that was typed in at the end of the day began with
// a talk in the morning.
const earlyContact = 24 * time.Hour

// ErrMoment says that something cannot have been at the time given.
var ErrMoment = fmt.Errorf("the moment: %w", engine.ErrInvalidValue)

func refuseMoment(ru, en string) error {
	return &engine.Refusal{Kind: ErrMoment, Message: ru, MessageEn: en}
}

func checkInteraction(i *leads.Interaction, now time.Time) error {
	switch i.Kind {
	case leads.KindCall, leads.KindLetter, leads.KindMessage, leads.KindMeeting:
		if i.Direction != leads.DirectionIn && i.Direction != leads.DirectionOut {
			return refuseValue("Укажите, входящее это взаимодействие или исходящее", "Say whether it was incoming or outgoing")
		}
	case leads.KindNote:
		i.Direction = leads.DirectionNone
		if strings.TrimSpace(i.Text) == "" {
			return refuseValue("Напишите текст заметки", "Write the text of the note")
		}
	default:
		return refuseValue("Вид взаимодействия: звонок, письмо, сообщение, встреча или заметка", "The kind is call, letter, message, meeting or note")
	}
	if i.At.IsZero() {
		i.At = now
	}
	// A minute for clocks that differ.
	if i.At.After(now.Add(time.Minute)) {
		return refuseMoment("Взаимодействие не может быть в будущем", "An interaction cannot be in the future")
	}
	if i.Talk < 0 || i.Talk > 24*time.Hour {
		return refuseValue("Длительность разговора указана неверно", "The length of the talk is wrong")
	}
	return nil
}

// change locks the lead, checks the rights of the actor on the row as it is then,
// and makes a change to it. It returns the lead as it stands afterwards.
func (c *Casework) change(ctx context.Context, actor staff.Actor, action staff.Action, id int64, f func(context.Context, pgx.Tx, leads.Lead) error) (leads.Lead, error) {
	// Before the lock: it may ask for the tasks of the actor, which takes a connection of its own.
	before, err := c.lead(ctx, id)
	if err != nil {
		return before, err
	}
	if err := c.mayChange(ctx, actor, action, before); err != nil {
		return before, c.refused(ctx, actor, id, string(action), err)
	}
	var after leads.Lead
	err = c.inTx(ctx, string(action), func(ctx context.Context, tx pgx.Tx) error {
		locked, err := c.repo.LockLeads(ctx, tx, []int64{id})
		if err != nil {
			return err
		}
		now := locked[id]
		if now.OwnerID != before.OwnerID && !actor.Can(staff.SeeAllLeads) && !mine(actor, now) {
			return fmt.Errorf("lead %d is not of %s any more: %w", id, actor.Login, ErrNotAllowed)
		}
		if err := f(ctx, tx, now); err != nil {
			return err
		}
		found, err := c.repo.LeadContexts(ctx, tx, []int64{id})
		after = found[id].Lead
		return err
	})
	return after, c.refused(ctx, actor, id, string(action), err)
}

// CreateLead opens a lead that a person typed in: the inquiry with channel manual,
// filed and started like any other. owner is a login; empty leaves it to the
// route map. A repeat of the same inquiry.ID changes nothing.
func (c *Casework) CreateLead(ctx context.Context, actor staff.Actor, inquiry leads.Inquiry, owner string) (repository.Captured, error) {
	if !actor.Can(staff.CreateLead) {
		return repository.Captured{}, fmt.Errorf("%s may not open leads: %w", actor.Login, ErrNotAllowed)
	}
	if inquiry.ID == "" {
		return repository.Captured{}, fmt.Errorf("open a lead: the inquiry has no id: %w", leads.ErrInvalid)
	}
	if len(inquiry.Points) == 0 && strings.TrimSpace(inquiry.Name) == "" && strings.TrimSpace(inquiry.Company) == "" {
		return repository.Captured{}, refuseValue("Укажите имя, телефон или почту клиента", "Give a name, a phone or an e-mail of the client")
	}
	now := c.now()
	inquiry.Channel, inquiry.ReceivedAt, inquiry.State = leads.ChannelManual, now, leads.StateNew
	var captured repository.Captured
	// Races on the same person or inquiry end when the batch is run again, as in intake.
	for try := 1; ; try++ {
		err := c.inTx(ctx, "create", func(ctx context.Context, tx pgx.Tx) (err error) {
			captured, err = c.create(ctx, tx, now, actor, inquiry, owner)
			return err
		})
		if err == nil || postgres.Classify(err) != postgres.Race || try == attempts {
			return captured, err
		}
	}
}

func (c *Casework) create(ctx context.Context, tx pgx.Tx, now time.Time, actor staff.Actor, inquiry leads.Inquiry, owner string) (repository.Captured, error) {
	list, err := c.repo.Capture(ctx, tx, now, []leads.Inquiry{inquiry})
	if err != nil {
		return repository.Captured{}, err
	}
	one := list[0]
	if one.LeadNew && owner != "" {
		people, err := c.staff.Directory(ctx, tx)
		if err != nil {
			return one, err
		}
		to, err := receiver(people, owner)
		if err != nil {
			return one, err
		}
		if to.ID != actor.ID && !actor.Can(staff.AssignLead) {
			return one, fmt.Errorf("open a lead for %s: %w", owner, ErrNotAllowed)
		}
		// Before the route map starts: it finds the owner there and leaves the lead with them.
		if err := c.repo.Assign(ctx, tx, now, []repository.Assignment{{Lead: one.LeadID, Owner: to.ID, By: actor.ID}}); err != nil {
			return one, err
		}
		list[0].Lead.OwnerID = to.ID
	}
	return list[0], c.Arrive(ctx, tx, now, list)
}

func inLanguage(language, ru, en string) string {
	if language == "en" {
		return en
	}
	return ru
}
