package web

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads/repository"
	"marshrut/reports"
	"marshrut/reports/excel"
)

// reportsPage is what templates/reports.html shows.
type reportsPage struct {
	page
	Reports []reportLine
}

type reportLine struct {
	Key, Name, Says string
	Clocks          []option // values are addresses
}

func (s *Server) showReports(c *gin.Context, actor staff.Actor) error {
	p := reportsPage{page: s.page(c, actor, "reports.title")}
	for _, r := range reports.All() {
		line := reportLine{Key: r.Key, Name: r.Name.In(p.Lang), Says: r.Says.In(p.Lang)}
		for _, clock := range r.Clocks {
			line.Clocks = append(line.Clocks, option{"/reports/" + r.Key + "?clock=" + string(clock), clock.Name(p.Lang), false})
		}
		p.Reports = append(p.Reports, line)
	}
	s.pages.show(c, http.StatusOK, "reports", p)
	return nil
}

// reportChart is a drawing, under its name where there are several.
type reportChart struct {
	Title   string
	Drawing template.HTML
}

// reportPage is what templates/report.html shows.
type reportPage struct {
	page
	Result    reports.Result
	Clocks    []option // values are addresses
	Cuts      []option
	Periods   []option
	Downloads []option
	Charts    []reportChart
	Figures   []figureLine
	Rows      []reportRow
	Totals    []reportCell
	Filters   reportFilters
	Balanced  bool
	Query     reports.Query
	Day       struct{ From, To, AsOf string }
	Numeric   []bool // of the columns
}

// reportFilters is the form above the table.
type reportFilters struct {
	Funnels, Owners, Sources, Channels, Connections []option
	Hidden                                          []option // what the form does not ask and must not lose
}

type figureLine struct{ Title, Text, Address string }

type reportRow struct{ Cells []reportCell }

type reportCell struct {
	Text    string
	Address string // of the list of leads behind the number
}

// reportQuery reads what is asked about a report, as far as the actor may see.
func (s *Server) reportQuery(query url.Values, actor staff.Actor, language string) (reports.Query, error) {
	// The form asks for the last day of the period, as people say it; an address has the moment at which it ends.
	if last, err := time.Parse(time.DateOnly, query.Get("last")); err == nil {
		query.Set("to", last.AddDate(0, 0, 1).Format(time.DateOnly))
	}
	q, err := reports.ParseQuery(query, s.Now(), s.Company.Location, language)
	if err != nil {
		return q, err
	}
	q.Viewer = reports.Viewer{MaskContacts: staff.ScopeOf(actor).Masked}
	if !actor.Can(staff.SeeAllReports) {
		q.Viewer.OnlyOwner = actor.ID
	}
	return q, nil
}

// showReport shows a report, or with .xlsx, .csv or .json behind its name gives it as a file.
func (s *Server) showReport(c *gin.Context, actor staff.Actor) error {
	name, kind, _ := strings.Cut(c.Param("name"), ".")
	p := reportPage{page: s.page(c, actor, "reports.title")}
	q, err := s.reportQuery(c.Request.URL.Query(), actor, p.Lang)
	if err != nil {
		return err
	}
	if kind == "xlsx" {
		return s.sendWorkbook(c, actor, name, q)
	}
	result, err := reports.Run(c.Request.Context(), s.Pool, name, q)
	if err != nil {
		return err
	}
	switch kind {
	case "":
	case "csv":
		attach(c, "text/csv; charset=utf-8", fileName(name, q, "csv"))
		return reports.WriteCSV(c.Writer, result)
	case "json":
		c.JSON(http.StatusOK, result)
		return nil
	default:
		return reports.ErrUnknown
	}
	p.Query, p.Result, p.Title = q, result, result.Title
	if err := s.fillReport(c, &p); err != nil {
		return err
	}
	s.pages.show(c, http.StatusOK, "report", p)
	return nil
}

func (s *Server) sendWorkbook(c *gin.Context, actor staff.Actor, name string, q reports.Query) error {
	if _, err := reports.Find(name); err != nil {
		return err
	}
	attach(c, excel.MediaType, fileName(name, q, "xlsx"))
	return excel.Export(c.Request.Context(), c.Writer, s.Pool, name, q, excel.Options{Company: s.Company.Name, Author: actor.Name})
}

func attach(c *gin.Context, mediaType, name string) {
	c.Header("Content-Type", mediaType)
	c.Header("Content-Disposition", `attachment; filename="`+name+`"`)
}

// lastDay is a moment of the day that a moment ends: midnight ends the day before.
func lastDay(t time.Time) time.Time { return t.Add(-time.Nanosecond) }

func fileName(name string, q reports.Query, kind string) string {
	if q.Clock == reports.Snapshot {
		return name + "_" + lastDay(q.AsOf).Format(time.DateOnly) + "." + kind
	}
	return name + "_" + q.From.Format(time.DateOnly) + "_" + q.To.AddDate(0, 0, -1).Format(time.DateOnly) + "." + kind
}

func (s *Server) fillReport(c *gin.Context, p *reportPage) error {
	r, q := p.Result, p.Query
	report, err := reports.Find(r.Report)
	if err != nil {
		return err
	}
	here := "/reports/" + r.Report
	values := q.Values()
	for _, clock := range report.Clocks {
		p.Clocks = append(p.Clocks, option{here + "?" + changed(values, "clock", string(clock), "cut", ""), clock.Name(p.Lang), clock == r.Clock})
	}
	for _, cut := range r.Cuts {
		p.Cuts = append(p.Cuts, option{here + "?" + changed(values, "cut", cut.Key), cut.Title, cut.Key == r.Cut})
	}
	for _, kind := range []string{"xlsx", "csv", "json"} {
		p.Downloads = append(p.Downloads, option{Value: here + "." + kind + "?" + values.Encode(), Label: kind})
	}
	p.periods(here, values, s.Company.Location)
	for i, chart := range r.Charts {
		drawn := reportChart{Drawing: template.HTML(reports.ChartSVG(r, i))} // its texts are escaped
		if len(r.Charts) > 1 {
			drawn.Title = chart.Title
		}
		p.Charts = append(p.Charts, drawn)
	}
	p.table(here, values)
	p.Balanced = r.Balanced()
	p.Day.From, p.Day.AsOf = q.From.In(s.Company.Location).Format(time.DateOnly), lastDay(r.AsOf).In(s.Company.Location).Format(time.DateOnly)
	p.Day.To = q.To.In(s.Company.Location).AddDate(0, 0, -1).Format(time.DateOnly)
	return s.reportFilters(c, p)
}

// changed is the query with some values set; an empty value is taken out.
func changed(values url.Values, pairs ...string) string {
	out := url.Values{}
	for key, list := range values {
		out[key] = list
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		out.Del(pairs[i])
		if pairs[i+1] != "" {
			out.Set(pairs[i], pairs[i+1])
		}
	}
	return out.Encode()
}

// periods are the ones people ask for most.
func (p *reportPage) periods(here string, values url.Values, zone *time.Location) {
	if p.Result.Clock == reports.Snapshot {
		return
	}
	now := p.Now.In(zone)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, zone)
	month := today.AddDate(0, 0, 1-today.Day())
	quarter := month.AddDate(0, -((int(month.Month()) - 1) % 3), 0)
	tomorrow := today.AddDate(0, 0, 1)
	for _, period := range []struct {
		key      string
		from, to time.Time
	}{{"days30", tomorrow.AddDate(0, 0, -30), tomorrow}, {"days90", tomorrow.AddDate(0, 0, -90), tomorrow}, {"month", month, tomorrow},
		{"last_month", month.AddDate(0, -1, 0), month}, {"quarter", quarter, tomorrow}} {
		p.Periods = append(p.Periods, option{here + "?" + changed(values, "from", period.from.Format(time.DateOnly), "to", period.to.Format(time.DateOnly)),
			p.T("reports.period_" + period.key), p.Query.From.Equal(period.from) && p.Query.To.Equal(period.to)})
	}
}

// table writes the numbers, each with the way to its leads.
func (p *reportPage) table(here string, values url.Values) {
	r := p.Result
	for _, figure := range r.Figures {
		line := figureLine{Title: figure.Title, Text: figure.Value.Format(p.Lang)}
		if figure.Unit == reports.Count && !figure.Value.Empty() {
			line.Address = here + "/leads?" + changed(values, "column", figure.Key)
		}
		p.Figures = append(p.Figures, line)
	}
	for _, column := range r.Columns {
		p.Numeric = append(p.Numeric, column.Measure != "")
	}
	for _, row := range r.Rows {
		p.Rows = append(p.Rows, reportRow{p.cells(here, values, row.Cells, row.Keys)})
	}
	if len(r.Totals) > 0 && len(r.Rows) > 0 {
		p.Totals = p.cells(here, values, r.Totals, nil)
	}
}

func (p *reportPage) cells(here string, values url.Values, list []reports.Value, keys map[string]string) []reportCell {
	cells := make([]reportCell, len(list))
	for i, value := range list {
		if column := p.Result.Columns[i]; column.Measure != "" || !value.Empty() {
			cells[i].Text = value.Format(p.Lang)
			if column.Drills && !value.Empty() && value.Float() != 0 {
				pairs := []string{"column", column.Key}
				for key, name := range keys {
					pairs = append(pairs, "k."+key, name)
				}
				cells[i].Address = here + "/leads?" + changed(values, pairs...)
			}
		}
	}
	return cells
}

func (s *Server) reportFilters(c *gin.Context, p *reportPage) error {
	choices, err := reports.Choices(c.Request.Context(), s.Pool, p.Lang)
	if err != nil {
		return err
	}
	pick := func(key, chosen string) []option {
		list := make([]option, 0, len(choices[key]))
		for _, choice := range choices[key] {
			list = append(list, option{choice.Key, choice.Title, choice.Key == chosen})
		}
		return list
	}
	q := p.Query
	p.Filters = reportFilters{Funnels: pick("funnel", q.Funnel), Owners: pick("owner", q.Owner), Sources: pick("source", q.Source),
		Channels: pick("channel", q.Channel), Connections: pick("connection", q.Connection)}
	if p.Query.Viewer.OnlyOwner != 0 {
		p.Filters.Owners = nil
	}
	for _, key := range []string{"clock", "cut", "team", "product", "city"} {
		if value := p.Query.Values().Get(key); value != "" {
			p.Filters.Hidden = append(p.Filters.Hidden, option{Value: key, Label: value})
		}
	}
	return nil
}

// drillPage is what templates/report-leads.html shows: the leads behind one number.
type drillPage struct {
	page
	Report string
	Column string
	Period string
	Back   string
	Rows   []leadLine
	More   bool
}

// drillLimit is what a page shows of the leads behind a number; the workbook has all of them.
const drillLimit = 200

func (s *Server) showReportLeads(c *gin.Context, actor staff.Actor) error {
	ctx, query := c.Request.Context(), c.Request.URL.Query()
	p := drillPage{page: s.page(c, actor, "reports.leads")}
	q, err := s.reportQuery(query, actor, p.Lang)
	if err != nil {
		return err
	}
	name := c.Param("name")
	result, err := reports.Run(ctx, s.Pool, name, q)
	if err != nil {
		return err
	}
	cell := reports.Cell{Column: query.Get("column"), Keys: map[string]string{}}
	for key := range query {
		if dimension, ok := strings.CutPrefix(key, "k."); ok {
			cell.Keys[dimension] = query.Get(key)
		}
	}
	ids, err := reports.LeadIDs(ctx, s.Pool, name, q, cell, drillLimit+1)
	if err != nil {
		return err
	}
	if p.More = len(ids) > drillLimit; p.More {
		ids = ids[:drillLimit]
	}
	p.Report, p.Period, p.Column = result.Title, result.Period, cell.Column
	if at := result.Column(cell.Column); at >= 0 {
		p.Column = result.Columns[at].Title
	}
	for _, figure := range result.Figures {
		if figure.Key == cell.Column {
			p.Column = figure.Title
		}
	}
	p.Back = "/reports/" + name + "?" + q.Values().Encode()
	if p.Rows, err = s.leadLines(c, actor, p.page, ids); err != nil {
		return err
	}
	s.pages.show(c, http.StatusOK, "report-leads", p)
	return nil
}

// leadLines are the leads with the ids as a list shows them.
func (s *Server) leadLines(c *gin.Context, actor staff.Actor, p page, ids []int64) ([]leadLine, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	w, err := s.words(c.Request.Context(), p.Lang)
	if err != nil {
		return nil, err
	}
	scope := staff.ScopeOf(actor)
	found, err := s.Leads.Leads(c.Request.Context(), repository.LeadFilter{IDs: ids, VisibleTo: scope.VisibleTo, Limit: len(ids)})
	if err != nil {
		return nil, err
	}
	lines := make([]leadLine, 0, len(found.Items))
	for _, row := range found.Items {
		lines = append(lines, p.leadLine(row, w, scope.Masked))
	}
	return lines, nil
}
