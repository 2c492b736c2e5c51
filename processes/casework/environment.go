package casework

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/processes/bpmn"
)

// view is a lead with the people behind it and its latest inquiry: what
// conditions, hints and notices may name.
type view struct {
	Lead        leads.Lead
	Client      leads.Client
	Contact     leads.Contact
	Inquiry     leads.Inquiry
	ClientKnown bool // was there before this lead
	Reached     bool // somebody of ours has talked with the client since
	Owner       string
}

// field is one name that route maps and start rules may use. This table is the
// only place that knows the names, their types, what they are called and where
// they come from.
type field struct {
	name     string
	kind     bpmn.Type
	title    string
	writable bool // steps and assignments of a route map may set it (effects.go)
	value    func(*view) any
}

var fields = []field{
	{"lead.id", bpmn.Number, "номер лида", false, func(v *view) any { return float64(v.Lead.ID) }},
	{"lead.title", bpmn.String, "название лида", true, func(v *view) any { return v.Lead.Title }},
	{"lead.funnel", bpmn.String, "воронка", false, func(v *view) any { return v.Lead.Funnel }},
	{"lead.stage", bpmn.String, "этап", false, func(v *view) any { return v.Lead.Stage }},
	{"lead.status", bpmn.String, "состояние лида", false, func(v *view) any { return string(v.Lead.Status) }},
	{"lead.amount", bpmn.Number, "сумма", true, func(v *view) any { return number(v.Lead.Amount) }},
	{"lead.currency", bpmn.String, "валюта", true, func(v *view) any { return v.Lead.Currency }},
	{"lead.probability", bpmn.Number, "вероятность, %", true, func(v *view) any { return v.Lead.Probability }},
	{"lead.expected_close", bpmn.Time, "ожидаемая дата сделки", true, func(v *view) any { return moment(v.Lead.ExpectedClose) }},
	{"lead.loss_reason", bpmn.String, "причина отказа", false, func(v *view) any { return v.Lead.LossReason }},
	{"lead.owner", bpmn.Number, "ответственный (номер, 0 — никто)", false, func(v *view) any { return float64(v.Lead.OwnerID) }},
	{"lead.owner_name", bpmn.String, "ответственный", false, func(v *view) any { return v.Owner }},
	{"lead.source", bpmn.String, "источник привлечения", true, func(v *view) any { return v.Lead.Source }},
	{"lead.channel", bpmn.String, "канал", false, func(v *view) any { return string(v.Lead.Channel) }},
	{"lead.connection", bpmn.String, "подключение", false, func(v *view) any { return v.Lead.Connection }},
	{"lead.product", bpmn.String, "товар или услуга", true, func(v *view) any { return v.Lead.Product }},
	{"lead.city", bpmn.String, "город", true, func(v *view) any { return v.Lead.City }},
	{"lead.repeat", bpmn.Bool, "повторное обращение", false, func(v *view) any { return v.Lead.Repeat }},
	{"lead.test", bpmn.Bool, "проверка", false, func(v *view) any { return v.Lead.Test }},
	{"lead.priority", bpmn.Number, "важность", true, func(v *view) any { return float64(v.Lead.Priority) }},
	{"lead.items", bpmn.Number, "число позиций", false, func(v *view) any { return float64(len(v.Lead.Items)) }},
	{"lead.created_at", bpmn.Time, "когда поступил", false, func(v *view) any { return v.Lead.CreatedAt }},
	{"lead.first_response_at", bpmn.Time, "когда ответили впервые", false, func(v *view) any { return moment(v.Lead.FirstResponseAt) }},
	{"lead.utm_source", bpmn.String, "utm_source", false, func(v *view) any { return v.Lead.UTM.Source }},
	{"lead.utm_medium", bpmn.String, "utm_medium", false, func(v *view) any { return v.Lead.UTM.Medium }},
	{"lead.utm_campaign", bpmn.String, "utm_campaign", false, func(v *view) any { return v.Lead.UTM.Campaign }},

	{"client.known", bpmn.Bool, "клиент известен", false, func(v *view) any { return v.ClientKnown }},
	{"client.company", bpmn.Bool, "клиент — организация", false, func(v *view) any {
		return v.Client.ID != 0 && v.Client.Kind != "person" || v.Client.ID == 0 && v.Inquiry.Company != ""
	}},
	{"client.kind", bpmn.String, "вид клиента", false, func(v *view) any { return v.Client.Kind }},
	{"client.name", bpmn.String, "клиент", true, func(v *view) any { return cmp.Or(v.Client.Name, v.Inquiry.Company) }},
	{"client.inn", bpmn.String, "ИНН", true, func(v *view) any { return cmp.Or(v.Client.INN, v.Inquiry.INN) }},

	{"contact.known", bpmn.Bool, "контакт известен", false, func(v *view) any { return v.ClientKnown }},
	{"contact.name", bpmn.String, "имя контактного лица", true, func(v *view) any { return cmp.Or(v.Contact.Name, v.Inquiry.Name) }},
	{"contact.phone", bpmn.String, "телефон", false, func(v *view) any { return v.point(leads.KindPhone) }},
	{"contact.email", bpmn.String, "электронная почта", false, func(v *view) any { return v.point(leads.KindEmail) }},
	{"contact.not_client", bpmn.Bool, "не клиент", false, func(v *view) any { return v.Contact.NotClient }},

	{"inquiry.channel", bpmn.String, "канал обращения", false, func(v *view) any { return string(v.Inquiry.Channel) }},
	{"inquiry.connection", bpmn.String, "подключение обращения", false, func(v *view) any { return v.Inquiry.Connection }},
	{"inquiry.source", bpmn.String, "источник обращения", false, func(v *view) any { return cmp.Or(v.Inquiry.Source, v.Lead.Source) }},
	{"inquiry.product", bpmn.String, "товар или услуга в обращении", false, func(v *view) any { return v.Inquiry.Product }},
	{"inquiry.city", bpmn.String, "город в обращении", false, func(v *view) any { return v.Inquiry.City }},
	{"inquiry.subject", bpmn.String, "тема обращения", false, func(v *view) any { return v.Inquiry.Subject }},
	{"inquiry.text", bpmn.String, "текст обращения", false, func(v *view) any { return v.Inquiry.Text }},
	{"inquiry.amount", bpmn.Number, "сумма в обращении", false, func(v *view) any { return number(v.Inquiry.Amount) }},
	{"inquiry.company", bpmn.String, "организация в обращении", false, func(v *view) any { return v.Inquiry.Company }},
	{"inquiry.missed", bpmn.Bool, "пропущенный звонок, после которого с клиентом ещё не говорили", false, func(v *view) any { return v.Inquiry.MissedCall() && !v.Reached }},
	{"inquiry.answered", bpmn.Bool, "звонок принят", false, func(v *view) any { return v.call().Answered }},
	{"inquiry.ring", bpmn.Number, "сколько секунд звонили", false, func(v *view) any { return v.call().Ring.Seconds() }},
	{"inquiry.talk", bpmn.Number, "сколько секунд говорили", false, func(v *view) any { return v.call().Talk.Seconds() }},
	{"inquiry.dialled", bpmn.String, "набранный номер", false, func(v *view) any { return v.call().Dialled }},
	{"inquiry.extension", bpmn.String, "внутренний номер", false, func(v *view) any { return v.call().Extension }},
	{"inquiry.page", bpmn.String, "страница сайта", false, func(v *view) any { return v.Inquiry.Attribution.Page }},
	{"inquiry.landing", bpmn.String, "страница входа", false, func(v *view) any { return v.Inquiry.Attribution.Landing }},
	{"inquiry.referrer", bpmn.String, "откуда пришёл", false, func(v *view) any { return v.Inquiry.Attribution.Referrer }},
	{"inquiry.utm_source", bpmn.String, "utm_source обращения", false, func(v *view) any { return v.Inquiry.Attribution.UTM.Source }},
	{"inquiry.utm_medium", bpmn.String, "utm_medium обращения", false, func(v *view) any { return v.Inquiry.Attribution.UTM.Medium }},
	{"inquiry.utm_campaign", bpmn.String, "utm_campaign обращения", false, func(v *view) any { return v.Inquiry.Attribution.UTM.Campaign }},
	{"inquiry.consent", bpmn.String, "согласие", false, func(v *view) any { return cmp.Or(v.Inquiry.Consent.State, "absent") }},
}

// facts are what evidence of steps may name: contacts with the client since the
// task was created.
var facts = map[string]bpmn.Type{
	"contacts.out":            bpmn.Number, // outgoing, by people
	"contacts.out_answered":   bpmn.Number, // of these, answered calls and everything written
	"contacts.in":             bpmn.Number,
	"contacts.calls_answered": bpmn.Number, // either way
	"contacts.longest_talk":   bpmn.Number, // seconds
	"contacts.letters_out":    bpmn.Number,
	"contacts.messages_out":   bpmn.Number,
	"contacts.last_out_at":    bpmn.Time,
	"contacts.last_in_at":     bpmn.Time,
}

// Messages that this package sends to running processes.
const (
	// ClientContacted says that the client turned to us, by whatever channel.
	ClientContacted = "client.contacted"
	// ClientReached says that somebody of ours talked with the client for ten
	// seconds or more, whoever called.
	ClientReached = "client.reached"
	// CallMissed says that the client called once more in vain.
	CallMissed = "call.missed"
	// PaymentReceived is sent by what knows of payments, 1C or a person.
	PaymentReceived = "payment.received"
)

// values are everything the fields tell, each in its declared type, so that
// compiled conditions run on them as they are.
func (v *view) values(own []leads.OwnField, zone *time.Location) map[string]any {
	out := map[string]any{}
	for _, f := range fields {
		group, name, _ := strings.Cut(f.name, ".")
		in, ok := out[group].(map[string]any)
		if !ok {
			in = map[string]any{}
			out[group] = in
		}
		in[name] = f.value(v)
	}
	mine := make(map[string]any, len(own))
	for _, f := range own {
		mine[f.Key] = bpmn.Coerce(ownType(f), ownValue(f, v.Lead.Fields[f.Key]), zone)
	}
	out["lead"].(map[string]any)["fields"] = mine
	return out
}

func (v *view) call() leads.Call {
	if v.Inquiry.Call == nil {
		return leads.Call{}
	}
	return *v.Inquiry.Call
}

// point is the contact's first phone or address, else the inquiry's.
func (v *view) point(kind leads.PointKind) string {
	for _, points := range [][]leads.ContactPoint{v.Contact.Points, v.Inquiry.Points} {
		for _, p := range points {
			if p.Kind == kind {
				return p.Value
			}
		}
	}
	return ""
}

func ownType(f leads.OwnField) bpmn.Type {
	switch f.Kind {
	case "number":
		return bpmn.Number
	case "date":
		return bpmn.Time
	case "bool":
		return bpmn.Bool
	}
	return bpmn.String
}

func ownValue(f leads.OwnField, text string) any {
	if f.Kind == "bool" {
		return text == "true" || text == "1"
	}
	return text
}

// Environment is what route maps and start rules may name: the fields above, the
// company's own ones, its stages, roles and reasons. processes adds the keys of
// route maps.
func (c *Casework) Environment(ctx context.Context, db postgres.DB) (bpmn.Environment, error) {
	words, err := c.repo.Dictionary(ctx, db) // as they are now: a map may name a stage added a moment ago
	if err != nil {
		return bpmn.Environment{}, err
	}
	env := fieldEnvironment(words.OwnFields)
	env.Messages = []string{ClientContacted, ClientReached, CallMissed, PaymentReceived}
	for _, f := range words.Funnels {
		for _, s := range f.Stages {
			if !slices.Contains(env.Stages, s.Key) {
				env.Stages = append(env.Stages, s.Key)
			}
		}
	}
	for _, r := range words.Reasons {
		env.LossReasons = append(env.LossReasons, r.Key)
	}
	people, err := c.staff.Directory(ctx, db)
	if err != nil {
		return env, err
	}
	env.Roles = map[string]string{}
	for _, r := range people.Roles() {
		env.Roles[r.Key] = r.NameRu
	}
	return env, nil
}

// fieldEnvironment declares the fields with their types and Russian names.
func fieldEnvironment(own []leads.OwnField) bpmn.Environment {
	env := bpmn.Environment{Values: map[string]bpmn.Type{}, Writable: map[string]bool{}, Titles: map[string]string{}}
	for _, f := range fields {
		env.Values[f.name], env.Titles[f.name] = f.kind, f.title
		if f.writable {
			env.Writable[f.name] = true
		}
	}
	for _, f := range own {
		name := "lead.fields." + f.Key
		env.Values[name], env.Titles[name], env.Writable[name] = ownType(f), f.NameRU, true
	}
	env.Facts = maps.Clone(facts)
	return env
}

func number(a *leads.Amount) float64 {
	if a == nil {
		return 0
	}
	return a.Float()
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
