package repository

import (
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// LeadFilter chooses leads. Empty fields choose nothing out. Phone and Email are normal forms.
type LeadFilter struct {
	Phone, Email    string
	Status          leads.Status
	Funnel, Stage   string
	Owner           *int64 // 0: without an owner
	Connection      string
	Channel         leads.Channel
	Source          string
	Contact, Client int64
	Test            *bool
	From, To        time.Time // received at or after From and before To
	Q               string    // words of the title, a name, a firm, an INN, an address; digits of a phone; a lead's number
	VisibleTo       *int64    // only what this employee may see: own, helped with, once owned, ever had a task on, nobody's
	IDs             []int64
	Limit           int // 50 when 0, 500 at most
	Cursor          string
}

// where puts the conditions together. They are written out only when they are asked for, so that the planner sees what it deals with.
func (f LeadFilter) where() (string, pgx.NamedArgs) {
	args := pgx.NamedArgs{}
	parts := []string{"true"}
	add := func(asked bool, condition string, values ...any) {
		if !asked {
			return
		}
		parts = append(parts, condition)
		for i := 0; i < len(values); i += 2 {
			args[values[i].(string)] = values[i+1]
		}
	}
	add(f.Phone != "", pointCondition("phone"), "phone", f.Phone)
	add(f.Email != "", pointCondition("email"), "email", f.Email)
	add(f.Status != "", "l.status = @status", "status", f.Status)
	add(f.Funnel != "", "l.funnel = @funnel", "funnel", f.Funnel)
	add(f.Stage != "", "l.stage = @stage", "stage", f.Stage)
	add(f.Owner != nil && *f.Owner != 0, "l.owner_id = @owner", "owner", f.Owner)
	add(f.Owner != nil && *f.Owner == 0, "l.owner_id is null")
	add(f.Connection != "", "l.connection = @connection", "connection", f.Connection)
	add(f.Channel != "", "l.channel = @channel", "channel", f.Channel)
	add(f.Source != "", "l.source = @source", "source", f.Source)
	add(f.Contact != 0, "l.contact_id = @contact", "contact", f.Contact)
	add(f.Client != 0, "l.client_id = @client", "client", f.Client)
	add(f.Test != nil, "l.test = @test", "test", f.Test)
	add(!f.From.IsZero(), "l.created_at >= @from::timestamptz", "from", f.From)
	add(!f.To.IsZero(), "l.created_at < @to::timestamptz", "to", f.To)
	add(f.IDs != nil, "l.id = any(@ids::bigint[])", "ids", f.IDs)
	add(f.VisibleTo != nil, visible, "me", f.VisibleTo)
	if q := strings.TrimSpace(text(f.Q)); q != "" {
		add(true, searchCondition(q, args))
	}
	return strings.Join(parts, "\n\tand "), args
}

// visible is what somebody may see who may not see everything. The table task belongs to the
// processes; it is only looked at, because who ever had work on a lead must find it again.
const visible = `(l.owner_id is null or l.owner_id = @me or @me = any(l.helpers)
		or exists (select from assignment a where a.lead_id = l.id and a.employee_id = @me)
		or exists (select from task t where t.subject = l.id and (t.assignee_id = @me or t.done_by = @me)))`

// pointCondition finds leads by a normal form: of their contact, of their client, or, since a
// test has neither, of the test inquiry.
func pointCondition(kind string) string {
	return strings.NewReplacer("KIND", kind).Replace(`(l.contact_id = any(array(select contact_id from contact_point where kind = 'KIND' and value = @KIND and contact_id is not null))
		or l.client_id = any(array(select client_id from contact_point where kind = 'KIND' and value = @KIND and client_id is not null))
		or l.id = any(array(select lead_id from inquiry where state = 'test'
			and details->'points' @> jsonb_build_array(jsonb_build_object('kind', 'KIND', 'value', @KIND::text)))))`)
}

// searchCondition looks for what somebody typed. There is no index for it on purpose: a trigram
// index on names and titles halves the rate at which inquiries are filed, and searching
// reads a hundred thousand names in a tenth of a second. What has a normal form
// (a whole phone or address) is found by its key.
func searchCondition(q string, args pgx.NamedArgs) string {
	args["like"] = "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(q) + "%"
	either := []string{
		"l.title ilike @like",
		"l.contact_id = any(array(select id from contact where name ilike @like))",
		"l.client_id = any(array(select id from client where name ilike @like or inn like @like))",
	}
	if strings.ContainsAny(q, "@.") {
		either = append(either, "l.contact_id = any(array(select contact_id from contact_point where kind = 'email' and value ilike @like and contact_id is not null))")
	}
	if digits := phoneDigits(q); len(digits) >= 4 {
		args["digits"] = "%" + digits + "%"
		either = append(either, "l.contact_id = any(array(select contact_id from contact_point where kind = 'phone' and value like @digits and contact_id is not null))")
	}
	if n, err := strconv.ParseInt(strings.TrimLeft(q, "№# "), 10, 64); err == nil {
		args["number"] = n
		either = append(either, "l.id = @number")
	}
	return "(" + strings.Join(either, "\n\t\tor ") + ")"
}

// phoneDigits gives the digits of a part of a phone, "" when q is something else; an 8 in front of a whole number is a 7.
func phoneDigits(q string) string {
	digits := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		if strings.ContainsRune("+-() \u00a0", c) {
			return -1
		}
		return 'x'
	}, q)
	if strings.Contains(digits, "x") {
		return ""
	}
	if len(digits) == 11 && digits[0] == '8' {
		digits = "7" + digits[1:]
	}
	return digits
}
