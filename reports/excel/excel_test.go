package excel

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/xuri/excelize/v2"

	"marshrut/internal/postgres/postgrestest"
	"marshrut/reports"
)

// history fills the tables with leads that differ in everything a report looks
// at. Names and titles are what a spreadsheet must not run. %d is how many.
const history = `
create table made as
select n, '2026-01-01'::timestamptz + n * interval '61 minutes' as at, 1 + n %% 5 as position,
	(array['new', 'qualify', 'offer', 'agree', 'contract'])[1 + n %% 5] as stage,
	case when n %% 7 = 0 then 'won' when n %% 7 in (1, 2, 3) then 'lost' when n %% 7 = 4 then 'junk' else 'open' end as status,
	case n %% 7 when 4 then 'mistake' when 1 then 'expensive' when 2 then 'expensive' when 3 then 'expensive' end as reason,
	case when n %% 4 > 0 then n * 1000.55 end as amount, e.id as owner_id
from generate_series(1, %d) n join employee e on e.login = (array['anna', 'boris', 'vera'])[1 + n %% 3];
insert into contact (id, name, created_at) overriding system value select n, '=cmd|' || n, at from made;
insert into client (id, kind, name, inn, created_at) overriding system value select n, 'company', 'ООО «Ромашка» ' || n, lpad(n::text, 10, '0'), at from made;
insert into contact_point (kind, value, contact_id, created_at)
select 'phone', '+7900' || lpad(n::text, 7, '0'), n, at from made union all select 'email', '@' || n || '@example.org', n, at from made;
insert into lead (id, title, contact_id, client_id, funnel, stage, source, channel, connection, owner_id, status, loss_reason, created_at, last_activity_at, closed_at)
overriding system value
select n, '-2+3 заявка ' || n, n, n, 'sales', case when status = 'open' then stage else status end,
	(array['direct', 'seo', ''])[1 + n %% 3], (array['form', 'call', 'mail'])[1 + n %% 3], 'site', owner_id, status, reason, at, at,
	case when status <> 'open' then at + interval '3 days' end
from made;
insert into assignment (lead_id, employee_id, at) select n, owner_id, at from made;
insert into lead_amount (lead_id, at, amount) select n, at, amount from made where amount is not null;
insert into stage_visit (lead_id, funnel, stage, no, entered_at, left_at, fate, owner_then)
select n, 'sales', s.key, s.position, at + (s.position - 1) * interval '1 hour',
	case when s.key <> m.stage then at + s.position * interval '1 hour' when status <> 'open' then at + interval '3 days' end,
	case when s.key <> m.stage then 'advanced' when status <> 'open' then status end, owner_id
from made m join stage s on s.funnel = 'sales' and s.position <= m.position;
insert into close_event (lead_id, kind, at, reason, amount, stage_then, owner_then)
select n, status, at + interval '3 days', reason, amount, stage, owner_id from made where status <> 'open';
drop table made;`

const dictionaries = `
insert into funnel (key, name_ru, name_en, position) values ('sales', 'Продажи', 'Sales', 1);
insert into stage (funnel, key, name_ru, name_en, position, probability, kind) values
	('sales', 'new', 'Новый', 'New', 1, 5, 'open'), ('sales', 'qualify', 'Квалификация', 'Qualification', 2, 20, 'open'),
	('sales', 'offer', 'Предложение', 'Offer', 3, 40, 'open'), ('sales', 'agree', 'Согласование', 'Agreement', 4, 60, 'open'),
	('sales', 'contract', 'Договор и оплата', 'Contract', 5, 85, 'open'), ('sales', 'won', 'Успех', 'Won', 6, 100, 'won'),
	('sales', 'lost', 'Отказ', 'Lost', 7, 0, 'lost'), ('sales', 'junk', 'Некачественный', 'Junk', 8, 0, 'junk');
insert into source (key, name_ru, name_en) values ('direct', 'Яндекс Директ', 'Yandex Direct'), ('seo', 'Поиск', 'Search');
insert into loss_reason (key, name_ru, name_en, kind, position) values ('expensive', 'Дорого', 'Too expensive', 'lost', 1), ('mistake', 'Ошибка', 'Mistake', 'junk', 2);
insert into employee (login, name, permission, team, created_at) values ('anna', 'Анна Котова', 'manager', 'Север', '2025-01-01'),
	('boris', 'Борис Лосев', 'manager', 'Север', '2025-01-01'), ('vera', 'Вера Ежова', 'manager', 'Юг', '2025-01-01');`

func company(t testing.TB, leads int) *pgxpool.Pool {
	t.Helper()
	db := postgrestest.New(t)
	for _, sql := range []string{dictionaries, fmt.Sprintf(history, leads), "analyze"} {
		if _, err := db.Exec(context.Background(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func question(clock reports.Clock, language string) reports.Query {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	moscow := time.FixedZone("Europe/Moscow", 3*3600)
	return reports.Query{Clock: clock, From: day, To: day.AddDate(0, 3, 0), AsOf: day.AddDate(0, 2, 0), Now: day.AddDate(0, 4, 0), Zone: moscow, Language: language}
}

func export(t testing.TB, db *pgxpool.Pool, name string, q reports.Query) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := Export(context.Background(), &file, db, name, q, Options{Company: "Ромашка", Author: "Анна Котова"}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func read(t testing.TB, file []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func raw(t testing.TB, f *excelize.File, sheet, cell string) string {
	t.Helper()
	v, err := f.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// withoutCached removes the value of every cell that has a formula: what is
// there afterwards has been calculated by who opened the file.
func withoutCached(t *testing.T, file []byte) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	cached := regexp.MustCompile(`(</f>)<v>[^<]*</v>`)
	removed := 0
	for _, part := range in.File {
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(part.Name, "xl/worksheets/sheet") {
			removed += len(cached.FindAll(text, -1))
			text = cached.ReplaceAll(text, []byte("$1"))
		}
		w, _ := z.Create(part.Name)
		w.Write(text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if removed == 0 {
		t.Fatal("the workbook has no formula with a value")
	}
	return out.Bytes()
}

// recalculated opens the workbook in LibreOffice, which calculates it anew, and reads what it saves.
func recalculated(t *testing.T, file []byte) *excelize.File {
	t.Helper()
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Fatal("LibreOffice is needed to recalculate the workbook: apt-get install libreoffice-calc")
	}
	dir := t.TempDir()
	profile := filepath.Join(dir, "profile")
	if err := os.MkdirAll(filepath.Join(profile, "user"), 0o700); err != nil {
		t.Fatal(err)
	}
	always := `<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>`
	if err := os.WriteFile(filepath.Join(profile, "user", "registrymodifications.xcu"), []byte(always), 0o600); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "report.xlsx")
	if err := os.WriteFile(source, file, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, soffice, "-env:UserInstallation=file://"+profile, "--headless", "--norestore",
		"--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", filepath.Join(dir, "out"), source).CombinedOutput()
	if err != nil {
		t.Fatalf("LibreOffice could not open the workbook: %v\n%s", err, out)
	}
	saved, err := os.ReadFile(filepath.Join(dir, "out", "report.xlsx"))
	if err != nil {
		t.Fatalf("LibreOffice saved nothing: %v\n%s", err, out)
	}
	return read(t, saved)
}

func TestLibreOfficeCalculatesTheNumbersOfTheAPI(t *testing.T) {
	db := company(t, 300)
	for _, c := range []struct {
		report   string
		clock    reports.Clock
		language string
	}{{"funnel", reports.Cohort, "ru"}, {"funnel", reports.Flow, "en"}, {"funnel", reports.Snapshot, "ru"}, {"loss-reasons", reports.Flow, "ru"}} {
		t.Run(c.report+"/"+string(c.clock), func(t *testing.T) {
			q := question(c.clock, c.language)
			f := recalculated(t, withoutCached(t, export(t, db, c.report, q)))
			results, err := reports.RunAll(context.Background(), db, c.report, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				compareTable(t, f, r)
			}
			checkVerdicts(t, f, c.language)
		})
	}
}

// compareTable holds the cells of a sheet, totals included, against the result.
func compareTable(t *testing.T, f *excelize.File, r reports.Result) {
	t.Helper()
	rows := append(append([]reports.Row{}, r.Rows...), reports.Row{Cells: r.Totals})
	compared := 0
	for i, row := range rows {
		for n, v := range row.Cells {
			if v.Empty() || v.Unit() == reports.Words {
				continue
			}
			cell := address(n, firstRow+i)
			got, err := strconv.ParseFloat(raw(t, f, r.CutTitle, cell), 64)
			want, _ := strconv.ParseFloat(fmt.Sprint(plain(v)), 64)
			if err != nil || math.Abs(got-want) > 1e-6*max(1, math.Abs(want)) {
				t.Errorf("%s!%s (%s): LibreOffice has %v, the API %v", r.CutTitle, cell, r.Columns[n].Key, raw(t, f, r.CutTitle, cell), want)
			}
			compared++
		}
	}
	if compared == 0 {
		t.Errorf("%s: there was nothing to compare", r.CutTitle)
	}
}

func checkVerdicts(t *testing.T, f *excelize.File, language string) {
	t.Helper()
	name, holds := "Проверки", "сходится"
	if language == "en" {
		name, holds = "Checks", "holds"
	}
	rows, err := f.GetRows(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 5 {
		t.Fatalf("the sheet %s has %d rows", name, len(rows))
	}
	for _, row := range rows[3:] {
		if row[6] != holds {
			t.Errorf("%s: %s is %s and %s is %s: %s", row[0], row[1], row[2], row[3], row[4], row[6])
		}
	}
}

func TestChecksFailWhenANumberIsChangedByHand(t *testing.T) {
	db := company(t, 100)
	f := read(t, export(t, db, "funnel", question(reports.Cohort, "ru")))
	if err := f.SetCellValue("По менеджерам", "B5", 9999); err != nil {
		t.Fatal(err)
	}
	var changed bytes.Buffer
	if err := f.Write(&changed); err != nil {
		t.Fatal(err)
	}
	after := recalculated(t, changed.Bytes())
	rows, err := after.GetRows("Проверки")
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, row := range rows[3:] {
		if row[6] == "НЕ СХОДИТСЯ" {
			failed++
		}
	}
	if failed == 0 {
		t.Error("a changed number was not noticed by any check")
	}
}

func TestLeadsAreAnExcelTableWithRealDatesAndNumbersAndTextThatIsNeverAFormula(t *testing.T) {
	db := company(t, 30)
	f := read(t, export(t, db, "funnel", question(reports.Cohort, "ru")))
	tables, err := f.GetTables("Данные")
	if err != nil || len(tables) != 1 || tables[0].Range != fmt.Sprintf("A1:%s", address(len(reports.LeadColumns)-1, 31)) {
		t.Errorf("got the tables %+v (%v)", tables, err)
	}
	want := map[string]string{"title": "-2+3 заявка 1", "contact": "=cmd|1", "phones": "+79000000001", "inn": "0000000001", "emails": "@1@example.org", "amount": "1000.55"}
	for i, col := range reports.LeadColumns {
		cell := address(i, 2)
		if text, ok := want[col.Key]; ok && raw(t, f, "Данные", cell) != text {
			t.Errorf("%s is %q, want %q", col.Key, raw(t, f, "Данные", cell), text)
		}
		formula, err := f.GetCellFormula("Данные", cell)
		if err != nil || formula != "" {
			t.Errorf("%s became the formula %q (%v)", col.Key, formula, err)
		}
		kind, err := f.GetCellType("Данные", cell)
		if err != nil {
			t.Fatal(err)
		}
		isText := kind == excelize.CellTypeInlineString || kind == excelize.CellTypeSharedString
		if (col.Unit == reports.Words) != isText {
			t.Errorf("%s is a cell of type %v, its unit is %s", col.Key, kind, col.Unit)
		}
	}
	// 2026-01-01 01:01 UTC is 04:01 in Moscow; 46023 is 1 January 2026.
	received, err := strconv.ParseFloat(raw(t, f, "Данные", "B2"), 64)
	if err != nil || math.Abs(received-(46023+241.0/1440)) > 1e-6 {
		t.Errorf("received is %v (%v)", received, err)
	}
}

func TestSameDataGivesTheSameBytes(t *testing.T) {
	db := company(t, 200)
	q := question(reports.Cohort, "ru")
	first := export(t, db, "funnel", q)
	for range 5 {
		if again := export(t, db, "funnel", q); !bytes.Equal(first, again) {
			t.Fatal("two workbooks of the same data differ")
		}
	}
}

func TestSheetsArePrintedOnOnePageWidthWithTheirHeadersAndStayUnderTheirNames(t *testing.T) {
	db := company(t, 30)
	for _, language := range []string{"ru", "en"} {
		f := read(t, export(t, db, "funnel", question(reports.Cohort, language)))
		defined := map[string]bool{}
		for _, d := range f.GetDefinedName() {
			defined[d.Scope+" "+d.Name] = true
		}
		for i, name := range f.GetSheetList() {
			layout, err := f.GetPageLayout(name)
			if err != nil {
				t.Fatal(err)
			}
			if *layout.Orientation != "landscape" || *layout.FitToWidth != 1 {
				t.Errorf("%s is not printed in landscape, one page wide", name)
			}
			if !defined[name+" _xlnm.Print_Area"] {
				t.Errorf("%s has no print area", name)
			}
			panes, err := f.GetPanes(name)
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 && (!panes.Freeze || !defined[name+" _xlnm.Print_Titles"]) {
				t.Errorf("%s does not keep its header in view and on paper", name)
			}
			if len([]rune(name)) > maxName {
				t.Errorf("%q is too long a name for a sheet", name)
			}
		}
	}
}

func TestWorkbookHasNativeCharts(t *testing.T) {
	db := company(t, 30)
	file := export(t, db, "funnel", question(reports.Cohort, "ru"))
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	charts := 0
	for _, part := range z.File {
		if strings.HasPrefix(part.Name, "xl/charts/chart") {
			charts++
		}
	}
	if charts != 4 {
		t.Errorf("got %d charts, want one for each table", charts)
	}
}

func TestMoreLeadsThanASheetHoldsGoOnOnTheNextSheetAndTheSummarySaysSo(t *testing.T) {
	db := company(t, 25)
	q := question(reports.Cohort, "ru")
	results, err := reports.RunAll(context.Background(), db, "funnel", q)
	if err != nil {
		t.Fatal(err)
	}
	b := newBook(results, Options{})
	b.limit = 10
	if err := b.write(reports.Leads(context.Background(), db, "funnel", q)); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := b.file.Write(&file); err != nil {
		t.Fatal(err)
	}
	f := read(t, file.Bytes())
	for name, want := range map[string]int{"Данные": 11, "Данные 2": 11, "Данные 3": 6} {
		rows, err := f.GetRows(name)
		if err != nil || len(rows) != want {
			t.Errorf("%s has %d rows (%v), want %d", name, len(rows), err, want)
		}
	}
	summary, err := f.GetRows("Сводка")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(fmt.Sprint(summary), "Лидов 25") {
		t.Error("the summary does not say that the leads go on on further sheets")
	}
}

func TestReportWithoutAnyLeadIsStillAWorkbook(t *testing.T) {
	db := company(t, 0)
	for _, clock := range []reports.Clock{reports.Cohort, reports.Flow, reports.Snapshot} {
		f := recalculated(t, export(t, db, "funnel", question(clock, "ru")))
		if title := raw(t, f, "Сводка", "A1"); !strings.HasPrefix(title, "Воронка") {
			t.Errorf("the summary begins with %q", title)
		}
	}
}

func TestFailureWhileReadingLeadsFailsTheWorkbook(t *testing.T) {
	db := company(t, 3)
	results, err := reports.RunAll(context.Background(), db, "funnel", question(reports.Cohort, "ru"))
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("the database went away")
	err = Write(io.Discard, results, func(yield func(*reports.Lead, error) bool) { yield(nil, gone) }, Options{})
	if !errors.Is(err, gone) {
		t.Errorf("got %v, want the failure of the list", err)
	}
}

func TestNamesOfSheetsAreMadeFitForExcel(t *testing.T) {
	long := strings.Repeat("Причины ", 8)
	for _, c := range []struct {
		title string
		taken []string
		want  string
	}{
		{"По этапам", nil, "По этапам"},
		{"a[b]:c*d?e/f\\g", nil, "a b  c d e f g"},
		{"'в кавычках'", nil, "в кавычках"},
		{"Данные", []string{"данные"}, "Данные 2"},
		{long, nil, "Причины Причины Причины Причины"},
		{long, []string{"Причины Причины Причины Причины"}, "Причины Причины Причины Причи 2"},
	} {
		if got := sheetName(c.title, c.taken); got != c.want {
			t.Errorf("%q became %q, want %q", c.title, got, c.want)
		}
	}
}
