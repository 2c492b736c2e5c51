package reports

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Query says about what a report is asked. The zero value of a filter is
// "all"; None is "where it is not filled in".
type Query struct {
	Clock Clock  // the first of the report when empty
	Cut   string // which table of the report; the first when empty

	From, To time.Time // the period, half-open: [From, To). The snapshot needs none.
	AsOf     time.Time // how things stood when; Now when zero, never later than Now
	Now      time.Time // the moment of making; required
	Zone     *time.Location

	Funnel, Source, Channel, Connection string // keys
	Team, Product, City                 string // as written
	Owner                               string // login

	Language string // of names and texts: ru, en
	Viewer   Viewer
}

// None, as the value of a filter, asks for leads where that is not filled in.
const None = "-"

// Viewer is what the person who asks may see.
type Viewer struct {
	OnlyOwner    int64 // only leads of this employee; 0: all
	MaskContacts bool  // names, phones and addresses of clients are hidden
}

// BadQuery is a query that cannot be answered, in words for the person who asked.
type BadQuery struct {
	Field   string // as in the address: from, to, as_of, clock, ...
	Message string
}

func (e *BadQuery) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Message) }

// complete fills in what has a default and refuses what has no answer.
func (q Query) complete(r Report) (Query, error) {
	if q.Now.IsZero() {
		return q, fmt.Errorf("report %q: the query says no moment of making", r.Key)
	}
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	if q.Clock == "" {
		q.Clock = r.Clocks[0]
	}
	if q.AsOf.IsZero() || q.AsOf.After(q.Now) {
		q.AsOf = q.Now
	}
	if _, err := r.cut(q.Clock, q.Cut); err != nil {
		return q, err
	}
	if q.Clock != Snapshot && !q.From.Before(q.To) {
		return q, &BadQuery{Field: "to", Message: Text{"конец периода должен быть позже его начала", "the period must end after it starts"}.In(q.Language)}
	}
	return q, nil
}

// ParseQuery reads a query from the parameters of an address: clock, cut, from,
// to, as_of, funnel, owner, team, source, channel, connection, product, city. Dates are
// 2026-01-31 in zone, or moments of RFC 3339. "to" is where the period ends and
// not in it; "as_of" as a date is the end of that day. Without a period it is the
// last 90 days. Refusals are a *BadQuery.
func ParseQuery(v url.Values, now time.Time, zone *time.Location, language string) (Query, error) {
	q := Query{
		Clock: Clock(v.Get("clock")), Cut: v.Get("cut"), Now: now, Zone: zone, Language: language,
		Funnel: v.Get("funnel"), Owner: v.Get("owner"), Team: v.Get("team"), Source: v.Get("source"),
		Channel: v.Get("channel"), Connection: v.Get("connection"),
		Product: v.Get("product"), City: v.Get("city"),
	}
	today := startOfDay(now.In(zone))
	q.From, q.To = today.AddDate(0, 0, -89), today.AddDate(0, 0, 1)
	var err error
	if s := v.Get("to"); s != "" {
		if q.To, _, err = parseMoment("to", s, zone, language); err != nil {
			return q, err
		}
		q.From = q.To.AddDate(0, 0, -90)
	}
	if s := v.Get("from"); s != "" {
		if q.From, _, err = parseMoment("from", s, zone, language); err != nil {
			return q, err
		}
	}
	if s := v.Get("as_of"); s != "" {
		day := false
		if q.AsOf, day, err = parseMoment("as_of", s, zone, language); err != nil {
			return q, err
		}
		if day {
			q.AsOf = q.AsOf.AddDate(0, 0, 1)
		}
	}
	if q.Clock != "" && clockNames[q.Clock] == (Text{}) {
		return q, &BadQuery{Field: "clock", Message: Text{"бывает cohort, flow или snapshot", "is cohort, flow or snapshot"}.In(language)}
	}
	if !q.From.Before(q.To) {
		return q, &BadQuery{Field: "to", Message: Text{"конец периода должен быть позже его начала", "the period must end after it starts"}.In(language)}
	}
	return q, nil
}

// Values writes the query as the parameters of an address that ParseQuery reads.
func (q Query) Values() url.Values {
	v := url.Values{}
	set := func(key, value string) {
		if value != "" {
			v.Set(key, value)
		}
	}
	set("clock", string(q.Clock))
	set("cut", q.Cut)
	for _, f := range filters {
		set(f.key, *f.field(&q))
	}
	if q.Clock != Snapshot && !q.To.IsZero() {
		set("from", writeMoment(q.From, q.zone()))
		set("to", writeMoment(q.To, q.zone()))
	}
	if !q.AsOf.IsZero() && !q.AsOf.Equal(q.Now) {
		set("as_of", q.AsOf.In(q.zone()).Format(time.RFC3339))
	}
	return v
}

func (q Query) zone() *time.Location {
	if q.Zone == nil {
		return time.UTC
	}
	return q.Zone
}

func startOfDay(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

func parseMoment(field, s string, zone *time.Location, language string) (t time.Time, day bool, err error) {
	if t, err := time.ParseInLocation(time.DateOnly, s, zone); err == nil {
		return t, true, nil
	}
	// A plus sign that was not escaped in the address arrives as a space.
	if t, err := time.Parse(time.RFC3339, strings.ReplaceAll(s, " ", "+")); err == nil {
		return t.In(zone), false, nil
	}
	return time.Time{}, false, &BadQuery{Field: field, Message: fmt.Sprintf(
		Text{"%q не дата: пишите 2026-01-31", "%q is no date: write 2026-01-31"}.In(language), s)}
}

func writeMoment(t time.Time, zone *time.Location) string {
	t = t.In(zone)
	if t.Equal(startOfDay(t)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}

// filters are the parameters of every report: cuts by manager, source or channel
// are no reports of their own.
var filters = []struct {
	key   string
	name  Text
	field func(*Query) *string
}{
	{"funnel", Text{"Воронка", "Funnel"}, func(q *Query) *string { return &q.Funnel }},
	{"owner", Text{"Ответственный", "Owner"}, func(q *Query) *string { return &q.Owner }},
	{"team", Text{"Команда", "Team"}, func(q *Query) *string { return &q.Team }},
	{"source", Text{"Источник", "Source"}, func(q *Query) *string { return &q.Source }},
	{"channel", Text{"Канал", "Channel"}, func(q *Query) *string { return &q.Channel }},
	{"connection", Text{"Подключение", "Connection"}, func(q *Query) *string { return &q.Connection }},
	{"product", Text{"Товар или услуга", "Product"}, func(q *Query) *string { return &q.Product }},
	{"city", Text{"Город", "City"}, func(q *Query) *string { return &q.City }},
}

// Parameters are the names that ParseQuery reads.
func Parameters() []string {
	names := []string{"clock", "cut", "from", "to", "as_of"}
	for _, f := range filters {
		names = append(names, f.key)
	}
	return names
}

// closedFilters are those whose values are all in the dictionary. Leads keep sources, connections and teams that are no
// longer there, and products and cities are written freely.
var closedFilters = []string{"funnel", "owner", "channel"}

// refuseUnknown is a *BadQuery for a filter by what there is not: an empty report would say that there were no leads.
func (q Query) refuseUnknown(words dictionary) error {
	for _, f := range filters {
		value := *f.field(&q)
		if _, known := words.index[f.key][value]; known || value == "" || value == None || !slices.Contains(closedFilters, f.key) {
			continue
		}
		return &BadQuery{Field: f.key, Message: fmt.Sprintf(Text{"значения «%s» нет", "there is no %q"}.In(q.Language), value)}
	}
	return nil
}
