package reports

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
)

// Lead is a row of the list behind the numbers: a lead as it was at the "as of"
// moment, in words.
type Lead struct {
	ID                      int64
	Title                   string
	ReceivedAt              time.Time
	Funnel, Stage, Status   string
	Amount, Currency        string // decimal, "" when not given
	Client, INN             string
	Contact, Phones, Emails string
	Owner, Team             string
	Source, Channel         string
	Connection              string
	Product, City           string
	UTMSource, UTMMedium    string
	UTMCampaign             string
	Repeat                  bool
	FirstResponseAt         time.Time // zero: nobody answered yet
	ClosedAt                time.Time // zero: open
	Reason, Comment         string
}

// LeadColumn is a column of the list of leads.
type LeadColumn struct {
	Key   string
	Name  Text
	Unit  Unit
	Value func(*Lead) Value
}

// LeadColumns are the columns of the list of leads, in order.
var LeadColumns = []LeadColumn{
	{"id", Text{"Лид", "Lead"}, Words, func(l *Lead) Value { return wordsOf(strconv.FormatInt(l.ID, 10)) }},
	{"received_at", Text{"Получен", "Received"}, Date, func(l *Lead) Value { return moment(l.ReceivedAt) }},
	{"title", Text{"Тема", "Title"}, Words, func(l *Lead) Value { return wordsOf(l.Title) }},
	{"status", Text{"Состояние", "Status"}, Words, func(l *Lead) Value { return wordsOf(l.Status) }},
	{"funnel", Text{"Воронка", "Funnel"}, Words, func(l *Lead) Value { return wordsOf(l.Funnel) }},
	{"stage", Text{"Этап", "Stage"}, Words, func(l *Lead) Value { return wordsOf(l.Stage) }},
	{"amount", Text{"Сумма, ₽", "Amount, ₽"}, Money, func(l *Lead) Value { return l.roubles() }},
	{"foreign_amount", Text{"Сумма в валюте", "Amount in currency"}, Words, func(l *Lead) Value { return l.foreign() }},
	{"owner", Text{"Ответственный", "Owner"}, Words, func(l *Lead) Value { return wordsOf(l.Owner) }},
	{"team", Text{"Команда", "Team"}, Words, func(l *Lead) Value { return wordsOf(l.Team) }},
	{"source", Text{"Источник", "Source"}, Words, func(l *Lead) Value { return wordsOf(l.Source) }},
	{"channel", Text{"Канал", "Channel"}, Words, func(l *Lead) Value { return wordsOf(l.Channel) }},
	{"connection", Text{"Подключение", "Connection"}, Words, func(l *Lead) Value { return wordsOf(l.Connection) }},
	{"product", Text{"Товар или услуга", "Product"}, Words, func(l *Lead) Value { return wordsOf(l.Product) }},
	{"city", Text{"Город", "City"}, Words, func(l *Lead) Value { return wordsOf(l.City) }},
	{"client", Text{"Клиент", "Client"}, Words, func(l *Lead) Value { return wordsOf(l.Client) }},
	{"inn", Text{"ИНН", "Tax number"}, Words, func(l *Lead) Value { return wordsOf(l.INN) }},
	{"contact", Text{"Контактное лицо", "Contact"}, Words, func(l *Lead) Value { return wordsOf(l.Contact) }},
	{"phones", Text{"Телефон", "Phone"}, Words, func(l *Lead) Value { return wordsOf(l.Phones) }},
	{"emails", Text{"E-mail", "E-mail"}, Words, func(l *Lead) Value { return wordsOf(l.Emails) }},
	{"repeat", Text{"Повторный", "Repeat"}, Count, func(l *Lead) Value { return flag(l.Repeat) }},
	{"first_response_at", Text{"Первый ответ", "First response"}, Date, func(l *Lead) Value { return moment(l.FirstResponseAt) }},
	{"closed_at", Text{"Закрыт", "Closed"}, Date, func(l *Lead) Value { return moment(l.ClosedAt) }},
	{"reason", Text{"Причина", "Reason"}, Words, func(l *Lead) Value { return wordsOf(l.Reason) }},
	{"comment", Text{"Комментарий", "Comment"}, Words, func(l *Lead) Value { return wordsOf(l.Comment) }},
	{"utm_source", Text{"UTM source", "UTM source"}, Words, func(l *Lead) Value { return wordsOf(l.UTMSource) }},
	{"utm_medium", Text{"UTM medium", "UTM medium"}, Words, func(l *Lead) Value { return wordsOf(l.UTMMedium) }},
	{"utm_campaign", Text{"UTM campaign", "UTM campaign"}, Words, func(l *Lead) Value { return wordsOf(l.UTMCampaign) }},
}

func moment(t time.Time) Value {
	if t.IsZero() {
		return Value{}
	}
	return dateOf(t)
}

func flag(b bool) Value {
	if b {
		return countOf(1)
	}
	return countOf(0)
}

func (l *Lead) roubles() Value {
	if l.Amount == "" || l.Currency != currency {
		return Value{}
	}
	return moneyOf(l.Amount)
}

func (l *Lead) foreign() Value {
	if l.Amount == "" || l.Currency == currency {
		return wordsOf("")
	}
	return wordsOf(l.Amount + " " + l.Currency)
}

// Cell names a number of a result whose leads are wanted: a column, and the keys
// of its row. Without keys it is the figure, or the total of the column.
type Cell struct {
	Column string            // as Column.Key: won, reached, reached:stage=sales/new
	Keys   map[string]string // as Row.Keys
}

// LeadIDs lists the leads behind a number, the newest received first, at most limit of
// them (0: all).
func LeadIDs(ctx context.Context, db postgres.DB, name string, q Query, cell Cell, limit int) ([]int64, error) {
	report, err := Find(name)
	if err != nil {
		return nil, err
	}
	if q, err = q.complete(report); err != nil {
		return nil, err
	}
	ids, args, err := cell.ids(q)
	if err != nil {
		return nil, err
	}
	sql := ids + "\norder by lead_id desc"
	if limit > 0 {
		sql += " limit " + strconv.Itoa(limit)
	}
	rows, err := db.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("list the leads of %s: %w", cell.Column, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("list the leads of %s: %w", cell.Column, err)
	}
	return all, nil
}

// Leads lists all leads a report is about, in the order they were received. It
// holds one row at a time: the list may be of any length. The Lead is good until
// the next one.
func Leads(ctx context.Context, db postgres.DB, name string, q Query) iter.Seq2[*Lead, error] {
	return func(yield func(*Lead, error) bool) {
		report, err := Find(name)
		if err == nil {
			q, err = q.complete(report)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		var parts []string
		for _, p := range report.cuts[q.Clock][0].population {
			parts = append(parts, "("+relation(p).with()+"select lead_id from counted where excluded = '')")
		}
		listLeads(ctx, db, q, strings.Join(parts, " union "), q.args(), yield)
	}
}

// ids is the SQL that selects the leads behind a cell.
func (c Cell) ids(q Query) (string, pgx.NamedArgs, error) {
	key, spread, _ := strings.Cut(c.Column, ":")
	m, ok := measures[key]
	if !ok || !m.drills() {
		return "", nil, fmt.Errorf("leads of %q: %w", c.Column, ErrUnknown)
	}
	keys := map[string]string{}
	maps.Copy(keys, c.Keys)
	if dim, value, ok := strings.Cut(spread, "="); ok {
		keys[dim] = value
	}
	args, conditions := q.args(), []string{m.condition()}
	for _, dim := range slices.Sorted(maps.Keys(keys)) {
		if _, known := dimensions[dim]; !known {
			return "", nil, fmt.Errorf("leads of %q by %q: %w", c.Column, dim, ErrUnknown)
		}
		conditions = append(conditions, columnOf(dim)+" = @key_"+dim)
		args["key_"+dim] = keys[dim]
	}
	return m.over.with() + "select distinct lead_id from counted where " + strings.Join(conditions, " and "), args, nil
}

// listLeads runs the list over the leads that ids selects.
func listLeads(ctx context.Context, db postgres.DB, q Query, ids string, args pgx.NamedArgs, yield func(*Lead, error) bool) {
	words, err := loadDictionary(ctx, db, q.Language)
	if err != nil {
		yield(nil, err)
		return
	}
	if err := q.refuseUnknown(words); err != nil {
		yield(nil, err)
		return
	}
	rows, err := db.Query(ctx, "with ids as (\n"+ids+"\n)"+sqlFile("lead_rows"), args)
	if err != nil {
		yield(nil, fmt.Errorf("list leads: %w", err))
		return
	}
	defer rows.Close()
	var l Lead
	for rows.Next() {
		if err := l.scan(rows); err != nil {
			yield(nil, fmt.Errorf("list leads: %w", err))
			return
		}
		l.inWords(words, q)
		if !yield(&l, nil) {
			return
		}
	}
	if err := rows.Err(); err != nil {
		yield(nil, fmt.Errorf("list leads: %w", err))
	}
}

func (l *Lead) scan(rows pgx.Rows) error {
	var amount *string
	var responded, closed *time.Time
	err := rows.Scan(&l.ID, &l.Title, &l.ReceivedAt, &l.Funnel, &l.Stage, &l.Status, &amount, &l.Currency, &l.Client, &l.INN,
		&l.Contact, &l.Phones, &l.Emails, &l.Owner, &l.Team, &l.Source, &l.Channel, &l.Connection, &l.Product, &l.City,
		&l.UTMSource, &l.UTMMedium, &l.UTMCampaign, &l.Repeat, &responded, &closed, &l.Reason, &l.Comment)
	if err != nil {
		return err
	}
	l.Amount, l.FirstResponseAt, l.ClosedAt = "", time.Time{}, time.Time{}
	if amount != nil {
		l.Amount = *amount
	}
	if responded != nil {
		l.FirstResponseAt = *responded
	}
	if closed != nil {
		l.ClosedAt = *closed
	}
	return nil
}

var statusNames = map[string]Text{
	"open": {"В работе", "Open"}, "won": {"Успех", "Won"}, "lost": {"Отказ", "Lost"}, "junk": {"Некачественный", "Junk"},
}

// inWords puts names for keys, local time for moments, and hides what the viewer may not see.
func (l *Lead) inWords(words dictionary, q Query) {
	name := func(dim string, key *string) {
		if *key != "" {
			*key = words.label(dim, *key)
		}
	}
	name("funnel", &l.Funnel)
	name("stage", &l.Stage)
	name("owner", &l.Owner)
	name("source", &l.Source)
	name("channel", &l.Channel)
	name("connection", &l.Connection)
	name("reason", &l.Reason)
	l.Status = statusNames[l.Status].In(q.Language)
	l.ReceivedAt = l.ReceivedAt.In(q.Zone)
	if !l.FirstResponseAt.IsZero() {
		l.FirstResponseAt = l.FirstResponseAt.In(q.Zone)
	}
	if !l.ClosedAt.IsZero() {
		l.ClosedAt = l.ClosedAt.In(q.Zone)
	}
	if q.Viewer.MaskContacts {
		l.mask(q.Language)
	}
}

// mask hides who the client is and keeps what marketing works with. The title
// and the comment are free text in which names and phones stand.
func (l *Lead) mask(language string) {
	l.Title = Text{"Лид ", "Lead "}.In(language) + strconv.FormatInt(l.ID, 10)
	l.Client, l.INN, l.Contact, l.Comment = hide(l.Client), "", hide(l.Contact), ""
	l.Phones, l.Emails = maskEach(l.Phones, maskPhone), maskEach(l.Emails, maskEmail)
}

func hide(s string) string {
	if s == "" {
		return ""
	}
	return "***"
}

func maskEach(list string, mask func(string) string) string {
	if list == "" {
		return ""
	}
	parts := strings.Split(list, ", ")
	for i, p := range parts {
		parts[i] = mask(p)
	}
	return strings.Join(parts, ", ")
}

// maskPhone keeps the country, and two digits to tell numbers apart: +7********67.
func maskPhone(phone string) string {
	if len(phone) < 8 {
		return "***"
	}
	return phone[:2] + strings.Repeat("*", len(phone)-4) + phone[len(phone)-2:]
}

// maskEmail keeps the first letter and the domain: i***@example.org.
func maskEmail(address string) string {
	at := strings.LastIndex(address, "@")
	if at < 1 {
		return "***"
	}
	first := []rune(address)[:1]
	return string(first) + "***" + address[at:]
}
