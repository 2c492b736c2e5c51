package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// table is a result by hand, with a name that must not become markup or a formula.
func table() Result {
	return Result{
		Report: "funnel", Cut: "stage", Language: "ru",
		Columns: []Column{
			{Key: "stage", Title: "Этап", Unit: Words},
			{Key: "reached", Title: "Дошли", Unit: Count, Measure: "reached"},
			{Key: "step", Title: "В следующий", Unit: Percent, Measure: "step"},
			{Key: "won_amount", Title: "Сумма", Unit: Money, Measure: "won_amount"},
			{Key: "cycle", Title: "Цикл", Unit: Duration, Measure: "cycle"},
		},
		Rows: []Row{
			{Keys: map[string]string{"stage": "new"}, Cells: []Value{wordsOf("=<script>\"Новый\""), countOf(12500), percentOf(0.333), moneyOf("1250.50"), durationOf(5400)}},
			{Keys: map[string]string{"stage": "won"}, Cells: []Value{wordsOf("Успех"), countOf(4162), {}, moneyOf("0.00"), {}}},
		},
		Totals: []Value{{}, countOf(12500), {}, moneyOf("1250.50"), durationOf(5400)},
		Charts: []Chart{{Kind: "funnel", Title: "Воронка <1>", Label: 0, Values: []int{1}, First: 0, Last: 1}, {Kind: "bar", Title: "Столбцы", Label: 0, Values: []int{1, 3}, First: 0, Last: 1}},
	}
}

func TestChartIsWellFormedSaysItsNumbersAndEscapesNames(t *testing.T) {
	for i := range table().Charts {
		svg := ChartSVG(table(), i)
		decoder := xml.NewDecoder(strings.NewReader(svg))
		text := ""
		for {
			token, err := decoder.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("chart %d: %v", i, err)
			}
			if start, ok := token.(xml.StartElement); ok && start.Name.Local == "script" {
				t.Errorf("chart %d: a name became an element", i)
			}
			if chars, ok := token.(xml.CharData); ok {
				text += string(chars)
			}
		}
		for _, want := range []string{"Успех", "12" + narrow + "500", `=<script>"Новый"`} {
			if !strings.Contains(text, want) {
				t.Errorf("chart %d does not say %q: %s", i, want, text)
			}
		}
	}
	if svg := ChartSVG(table(), 2); svg != "" {
		t.Errorf("a chart that is not there was drawn: %s", svg)
	}
}

func TestFunnelBarsAreAsLongAsTheirNumbers(t *testing.T) {
	svg := ChartSVG(table(), 0)
	// 720 - 190 - 120 = 410 for 12 500; 4 162 is 136.5.
	for _, want := range []string{`width="410.0"`, `width="136.5"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("no bar has %s: %s", want, svg)
		}
	}
}

func TestCSVOpensInExcelAndRunsNothing(t *testing.T) {
	var file bytes.Buffer
	if err := WriteCSV(&file, table()); err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutPrefix(file.String(), "\ufeff")
	if !ok {
		t.Error("the file has no byte order mark: Excel would read it as windows-1251")
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.Comma = ';'
	got, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"Этап", "Дошли", "В следующий", "Сумма, ₽", "Цикл, ч"},
		{"'=<script>\"Новый\"", "12500", "0,3330", "1250,50", "1,50"},
		{"Успех", "4162", "", "0,00", ""},
		{"Итого", "12500", "", "1250,50", "1,50"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestResultInJSONKeepsAmountsExactAndEmptyCellsNull(t *testing.T) {
	b, err := json.Marshal(table().Rows)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"keys":{"stage":"new"},"cells":["=\u003cscript\u003e\"Новый\"",12500,0.333000,"1250.50",5400]},` +
		`{"keys":{"stage":"won"},"cells":["Успех",4162,null,"0.00",null]}]`
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Error(diff)
	}
}

func TestNumbersAreWrittenAsTheirReadersDo(t *testing.T) {
	for _, c := range []struct {
		v      Value
		ru, en string
	}{
		{countOf(1234567), "1 234 567", "1,234,567"},
		{countOf(-1234), "-1 234", "-1,234"},
		{moneyOf("26264437.50"), "26 264 437,50 ₽", "₽26,264,437.50"},
		{moneyOf("1000.00"), "1 000 ₽", "₽1,000"},
		{percentOf(0.1254), "12,5 %", "12.5%"},
		{durationOf(0), "0 с", "0 s"},
		{durationOf(59), "59 с", "59 s"},
		{durationOf(3 * 86400), "3 д", "3 d"},
		{durationOf(86400 + 7200 + 59), "1 д 2 ч", "1 d 2 h"},
		{durationOf(86400 + 59), "1 д", "1 d"},
		{dateOf(time.Date(2026, 3, 1, 9, 5, 0, 0, time.UTC)), "01.03.2026 09:05", "2026-03-01 09:05"},
		{Value{}, "–", "–"},
	} {
		if got := strings.ReplaceAll(c.v.Format("ru"), narrow, " "); got != c.ru {
			t.Errorf("got %q, want %q", got, c.ru)
		}
		if got := strings.ReplaceAll(c.v.Format("en"), narrow, " "); got != c.en {
			t.Errorf("got %q, want %q", got, c.en)
		}
	}
}

func TestQuerySurvivesItsAddress(t *testing.T) {
	zone := time.FixedZone("MSK", 3*3600)
	now := time.Date(2026, 5, 20, 12, 0, 0, 0, zone)
	v := url.Values{"clock": {"flow"}, "cut": {"owner"}, "from": {"2026-01-01"}, "to": {"2026-02-01"}, "as_of": {"2026-03-31"}, "owner": {"-"}, "source": {"direct"}, "city": {"Тверь"}}
	q, err := ParseQuery(v, now, zone, "ru")
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 4, 1, 0, 0, 0, 0, zone); !q.AsOf.Equal(want) {
		t.Errorf("as of 31 March is %s, want the end of that day", q.AsOf)
	}
	again, err := ParseQuery(q.Values(), now, zone, "ru")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(q, again, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); diff != "" {
		t.Error(diff)
	}
}

func TestQueryWithoutAPeriodIsTheLastNinetyDays(t *testing.T) {
	now := time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)
	q, err := ParseQuery(url.Values{}, now, time.UTC, "ru")
	if err != nil {
		t.Fatal(err)
	}
	if days := q.To.Sub(q.From).Hours() / 24; days != 90 || q.To.Before(now) {
		t.Errorf("got %s to %s, %v days", q.From, q.To, days)
	}
}

func TestQueryThatCannotBeAnsweredSaysWhichFieldIsWrong(t *testing.T) {
	for field, v := range map[string]url.Values{
		"from":  {"from": {"31.01.2026"}},
		"as_of": {"as_of": {"yesterday"}},
		"clock": {"clock": {"sundial"}},
		"to":    {"from": {"2026-02-01"}, "to": {"2026-01-01"}},
	} {
		_, err := ParseQuery(v, time.Date(2026, 5, 20, 0, 0, 0, 0, time.UTC), time.UTC, "ru")
		bad, ok := err.(*BadQuery)
		if !ok || bad.Field != field || bad.Message == "" {
			t.Errorf("%v: got %v, want a refusal of %s", v, err, field)
		}
	}
}
