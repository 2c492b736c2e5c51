package casework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
)

// Ring tells the people at extensions that a call at their telephones has changed: their open pages look at once.
func (c *Casework) Ring(ctx context.Context, tx pgx.Tx, now time.Time, extensions []string) error {
	if len(extensions) == 0 {
		return nil
	}
	people, err := c.staff.Directory(ctx, tx)
	if err != nil {
		return err
	}
	var notices []staff.Notice
	for _, e := range people.Employees() {
		if !e.Disabled() && e.Extension != "" && slices.Contains(extensions, e.Extension) {
			notices = append(notices, staff.Notice{Employee: e.ID, Kind: staff.CallRings})
		}
	}
	return c.staff.Notify(ctx, tx, now, notices)
}

// Address says which of several open leads of a client a call of ours to him is about: the one for which the caller has a
// call to make, else the one the caller answers for. What it says nothing of goes by the rules.
func (c *Casework) Address(ctx context.Context, tx pgx.Tx, inquiries []leads.Inquiry) error {
	var phones []string
	for _, in := range inquiries {
		phones = append(phones, ourCallTo(in))
	}
	if phones = slices.DeleteFunc(phones, func(p string) bool { return p == "" }); len(phones) == 0 {
		return nil
	}
	open, err := c.repo.OpenLeadsAt(ctx, tx, phones)
	if err != nil {
		return err
	}
	var several []int64
	for _, found := range open {
		for _, o := range found {
			if len(found) > 1 {
				several = append(several, o.Lead)
			}
		}
	}
	if len(several) == 0 {
		return nil
	}
	callers, err := c.processes.Callers(ctx, tx, several)
	if err != nil {
		return err
	}
	people, err := c.staff.Directory(ctx, tx)
	if err != nil {
		return err
	}
	for i, in := range inquiries {
		if found := open[ourCallTo(in)]; len(found) > 1 {
			inquiries[i].Under = about(in, found, callers, people)
		}
	}
	return nil
}

// ourCallTo is the number that one of our people called; "": it is no such call, or somebody has said what it is about.
func ourCallTo(in leads.Inquiry) string {
	if !in.Outgoing() || in.Call == nil || in.Call.Extension == "" || in.Under != 0 || len(in.Points) == 0 {
		return ""
	}
	return in.Points[0].Value
}

// about chooses among the open leads of a client.
func about(in leads.Inquiry, open []repository.OpenLead, callers map[int64][]int64, people *staff.Directory) int64 {
	caller, ok := atExtension(people, in.Call.Extension)
	if !ok {
		return 0
	}
	mine := func(o repository.OpenLead) bool { return slices.Contains(callers[o.Lead], caller.ID) }
	if i := slices.IndexFunc(open, mine); i >= 0 {
		return open[i].Lead
	}
	if i := slices.IndexFunc(open, func(o repository.OpenLead) bool { return o.Owner == caller.ID }); i >= 0 {
		return open[i].Lead
	}
	return 0
}

// answerers makes who answered a call of somebody new responsible for the lead it opened, before its route map looks
// for a performer.
func (c *Casework) answerers(ctx context.Context, tx pgx.Tx, now time.Time, captured []repository.Captured) error {
	taken := func(one repository.Captured) bool {
		return one.LeadNew && one.Lead.OwnerID == 0 && one.Inquiry.Call != nil && one.Inquiry.Call.Answered && one.Inquiry.Call.Extension != ""
	}
	if !slices.ContainsFunc(captured, taken) {
		return nil
	}
	people, err := c.staff.Directory(ctx, tx)
	if err != nil {
		return err
	}
	var assignments []repository.Assignment
	for i := range captured {
		one := &captured[i]
		if !taken(*one) {
			continue
		}
		if e, ok := atExtension(people, one.Inquiry.Call.Extension); ok {
			one.Lead.OwnerID, one.Around = e.ID, nil // the capture does not know of it
			assignments = append(assignments, repository.Assignment{Lead: one.LeadID, Owner: e.ID, Why: "answered"})
		}
	}
	return c.repo.Assign(ctx, tx, now, assignments)
}

// atExtension is the employee whose telephone has the extension, if there is one who works on leads.
func atExtension(people *staff.Directory, extension string) (staff.Employee, bool) {
	for _, e := range people.Employees() {
		if !e.Disabled() && e.Extension == extension && e.Permission.Can(staff.WorkTasks) {
			return e, true
		}
	}
	return staff.Employee{}, false
}

// reachedSince finds the missed calls after which somebody has already talked with the client: the news of a call may come
// late, and nobody has to be called back who was reached meanwhile.
func (c *Casework) reachedSince(ctx context.Context, tx pgx.Tx, captured []repository.Captured) (map[string]bool, error) {
	var inquiries []string
	var contacts []int64
	var since []time.Time
	for _, one := range captured {
		if one.LeadID != 0 && one.ContactID != 0 && one.Inquiry.MissedCall() {
			inquiries = append(inquiries, one.InquiryID)
			contacts, since = append(contacts, one.ContactID), append(since, one.Inquiry.ReceivedAt)
		}
	}
	talked, err := c.repo.Reached(ctx, tx, contacts, since, reached)
	found := map[string]bool{}
	for i, yes := range talked {
		found[inquiries[i]] = yes
	}
	return found, err
}

// outdated finds the conversations after which the client has called in vain: the news of one may come late, and whoever
// called again is still to be called back.
func (c *Casework) outdated(ctx context.Context, tx pgx.Tx, captured []repository.Captured) (map[string]bool, error) {
	var inquiries []string
	var contacts []int64
	var ended []time.Time
	for _, one := range captured {
		if one.LeadID != 0 && one.ContactID != 0 && conversation(one.Inquiry) {
			inquiries = append(inquiries, one.InquiryID)
			contacts = append(contacts, one.ContactID)
			ended = append(ended, one.Inquiry.ReceivedAt.Add(one.Inquiry.Call.Ring+one.Inquiry.Call.Talk))
		}
	}
	missed, err := c.repo.MissedSince(ctx, tx, contacts, ended)
	found := map[string]bool{}
	for i, yes := range missed {
		found[inquiries[i]] = yes
	}
	return found, err
}

// OpenCall makes a lead of a call that goes on, for who has it at their telephone: nobody has to wait for its end. When it
// is in a lead already, it is that one.
func (c *Casework) OpenCall(ctx context.Context, actor staff.Actor, call int64) (repository.Captured, error) {
	return c.decide(ctx, actor, call, decision{action: staff.CreateLead})
}

// AttachCall files a call that goes on under an open lead: the number is another one of its contact.
func (c *Casework) AttachCall(ctx context.Context, actor staff.Actor, call, lead int64) (repository.Captured, error) {
	before, err := c.lead(ctx, lead)
	if err != nil {
		return repository.Captured{}, err
	}
	if err := c.mayChange(ctx, actor, staff.EditLead, before); err != nil {
		return repository.Captured{}, c.refused(ctx, actor, lead, "attach call", err)
	}
	if before.Status.Closed() {
		return repository.Captured{}, refuseValue("Лид закрыт: откройте его снова или начните новый", "The lead is closed: reopen it or begin a new one")
	}
	return c.decide(ctx, actor, call, decision{action: staff.EditLead, prepare: func(ctx context.Context, tx pgx.Tx, k *repository.Call) error {
		contact, err := c.claim(ctx, tx, k, before.ContactID)
		if err != nil {
			return err
		}
		if before.ContactID == 0 {
			if err := c.repo.SetLeadContact(ctx, tx, lead, contact); err != nil {
				return err
			}
		}
		k.Inquiry.Under = lead
		return nil
	}})
}

// NotAClient marks the person at the other end as nobody's client: this call and later ones open no lead.
func (c *Casework) NotAClient(ctx context.Context, actor staff.Actor, call int64) (repository.Captured, error) {
	return c.decide(ctx, actor, call, decision{action: staff.EditLead, always: true, prepare: func(ctx context.Context, tx pgx.Tx, k *repository.Call) error {
		contact, err := c.claim(ctx, tx, k, 0)
		if err != nil {
			return err
		}
		return c.repo.SetNotClient(ctx, tx, c.now(), contact, actor.ID, true)
	}})
}

// claim gives the number of the call to a contact, to a new one for 0.
func (c *Casework) claim(ctx context.Context, tx pgx.Tx, k *repository.Call, contact int64) (int64, error) {
	if len(k.Inquiry.Points) == 0 {
		return 0, refuseValue("Номер скрыт: запоминать нечего", "The number is hidden: there is nothing to remember")
	}
	contact, err := c.repo.ClaimPoint(ctx, tx, c.now(), k.Inquiry.Points[0], contact)
	if errors.Is(err, leads.ErrConflict) {
		return 0, refuseValue("Этот номер уже записан за другим контактом", "The number belongs to another contact already")
	}
	return contact, err
}

// decision is what a person makes of a call.
type decision struct {
	action  staff.Action
	prepare func(context.Context, pgx.Tx, *repository.Call) error // nil: nothing
	always  bool                                                  // prepare is done for a filed call as well
}

// decide files a call now. It counts as answered by the one who decides; the exchange's final word amends it.
func (c *Casework) decide(ctx context.Context, actor staff.Actor, call int64, d decision) (repository.Captured, error) {
	if !actor.Can(d.action) {
		return repository.Captured{}, fmt.Errorf("%s may not decide on calls: %w", actor.Login, ErrNotAllowed)
	}
	var captured repository.Captured
	for try := 1; ; try++ {
		err := c.inTx(ctx, "call", func(ctx context.Context, tx pgx.Tx) (err error) {
			captured, err = c.decideIn(ctx, tx, actor, call, d)
			return err
		})
		if err == nil || postgres.Classify(err) != postgres.Race || try == attempts {
			return captured, err
		}
	}
}

func (c *Casework) decideIn(ctx context.Context, tx pgx.Tx, actor staff.Actor, call int64, d decision) (repository.Captured, error) {
	now := c.now()
	k, err := c.repo.LockCall(ctx, tx, call)
	if err != nil {
		return repository.Captured{}, err
	}
	people, err := c.staff.Directory(ctx, tx)
	if err != nil {
		return repository.Captured{}, err
	}
	own, _ := people.Employee(actor.ID)
	if !actor.Can(staff.SeeAllLeads) && (own.Extension == "" || !slices.Contains(k.Live.Extensions, own.Extension)) {
		return repository.Captured{}, fmt.Errorf("call %d is not at the telephone of %s: %w", call, actor.Login, ErrNotAllowed)
	}
	if k.Inquiry == nil {
		return repository.Captured{}, fmt.Errorf("call %d concerns no client: %w", call, leads.ErrConflict)
	}
	if d.prepare != nil && (k.FiledAt == nil || d.always) {
		if err := d.prepare(ctx, tx, k); err != nil {
			return repository.Captured{}, err
		}
	}
	if k.FiledAt != nil {
		view, err := c.repo.Inquiry(ctx, k.InquiryID())
		return repository.Captured{InquiryID: view.ID, LeadID: view.LeadID, Outcome: repository.OutcomeRepeat}, err
	}
	return c.fileCall(ctx, tx, now, k, own)
}

func (c *Casework) fileCall(ctx context.Context, tx pgx.Tx, now time.Time, k *repository.Call, by staff.Employee) (repository.Captured, error) {
	in := *k.Inquiry
	told := leads.Call{}
	if in.Call != nil {
		told = *in.Call
	}
	told.Answered = true
	if slices.Contains(k.Live.Extensions, by.Extension) {
		told.Extension = by.Extension
	}
	in.Call = &told
	list, err := c.repo.Capture(ctx, tx, now, []leads.Inquiry{in})
	if err != nil {
		return repository.Captured{}, err
	}
	k.FiledAt, k.Filed = &now, &leads.Inquiry{Direction: in.Direction, Call: in.Call}
	if err := c.repo.SaveCalls(ctx, tx, []*repository.Call{k}); err != nil {
		return repository.Captured{}, err
	}
	list[0].Talking = true
	if err := c.Arrive(ctx, tx, now, list); err != nil {
		return repository.Captured{}, err
	}
	return list[0], c.Ring(ctx, tx, now, k.Live.Extensions)
}
