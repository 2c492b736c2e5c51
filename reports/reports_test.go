package reports

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"marshrut/internal/postgres/postgrestest"
)

// drawQuery makes up a question: any report, clock and table, any past moment, at times a filter.
func drawQuery(t *rapid.T) (Report, Query) {
	report := catalog[rapid.IntRange(0, len(catalog)-1).Draw(t, "report")]
	clock := rapid.SampledFrom(report.Clocks).Draw(t, "clock")
	cut := rapid.IntRange(0, len(report.cuts[clock])-1).Draw(t, "table")
	from := rapid.IntRange(0, 50).Draw(t, "from")
	q := Query{
		Clock: clock, Cut: report.cuts[clock][cut].key,
		From: days(from), To: days(from + rapid.IntRange(1, 60).Draw(t, "days")), Now: days(122),
		AsOf: days(rapid.IntRange(1, 120).Draw(t, "as of")).Add(time.Duration(rapid.IntRange(0, 86399).Draw(t, "second")) * time.Second),
		Zone: time.UTC, Language: rapid.SampledFrom([]string{"ru", "en"}).Draw(t, "language"),
	}
	values := map[string][]string{"funnel": {"sales", "service"}, "owner": {"anna", None}, "team": {"Север", None}, "source": {"direct", None},
		"channel": {"form"}, "connection": {"site", None}, "product": {"Окна", None}, "city": {"Тверь", None}}
	for _, f := range filters {
		if rapid.IntRange(0, 7).Draw(t, "filter "+f.key) == 0 {
			*f.field(&q) = rapid.SampledFrom(values[f.key]).Draw(t, f.key)
		}
	}
	return report, q
}

func TestEveryNumberIsWhatTheOracleCounts(t *testing.T) {
	db := postgrestest.New(t)
	people := setUp(t, db)
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		w := makeWorld(rand.New(rand.NewPCG(seed, 1)), rapid.IntRange(0, 40).Draw(t, "leads"))
		if err := w.write(ctx, db, people); err != nil {
			t.Fatal(err)
		}
		for range 6 {
			report, q := drawQuery(t)
			r, err := Run(ctx, db, report.Key, q)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, w, q, r)
			compareLists(t, ctx, db, q, r)
		}
	})
}

// compare holds every cell, total, figure and check of a result against the oracle.
func compare(t *rapid.T, w world, q Query, r Result) {
	t.Helper()
	for _, f := range r.Figures {
		same(t, "figure "+f.Key, f.Value, expectOf(w, q, f.Key, nil))
	}
	for i, col := range r.Columns {
		if col.Measure == "" {
			continue
		}
		for n, row := range r.Rows {
			keys := cellKeys(row.Keys, col)
			var want Value
			switch m := measure(col.Measure); {
			case m.step != "":
				if n+1 < len(r.Rows) && r.Rows[n+1].Keys["funnel"] == row.Keys["funnel"] {
					want = expectOf(w, q, m.step, r.Rows[n+1].Keys).over(expectOf(w, q, m.step, keys))
				}
			case m.ofAll != "":
				want = expectOf(w, q, m.ofAll, keys).over(expectOf(w, q, m.ofAll, nil))
			default:
				want = expectOf(w, q, col.Measure, keys)
			}
			same(t, fmt.Sprint(r.Cut, " ", col.Key, " ", row.Keys), row.Cells[i], want)
		}
		if !r.Totals[i].Empty() && !strings.Contains(col.Key, ":") && measure(col.Measure).ofAll == "" {
			same(t, "total "+col.Key, r.Totals[i], expectOf(w, q, col.Measure, nil))
		}
	}
	for _, c := range r.Checks {
		if !c.OK {
			t.Errorf("%s %s: %s = %s, but %s = %s", r.Report, c.Title, c.LeftTitle, c.Left.Format("en"), c.RightTitle, c.Right.Format("en"))
		}
	}
}

func cellKeys(row map[string]string, col Column) map[string]string {
	keys := map[string]string{}
	for dim, v := range row {
		keys[dim] = v
	}
	if _, spread, ok := strings.Cut(col.Key, ":"); ok {
		dim, v, _ := strings.Cut(spread, "=")
		keys[dim] = v
	}
	return keys
}

func same(t *rapid.T, what string, got, want Value) {
	t.Helper()
	g, _ := got.MarshalJSON()
	w, _ := want.MarshalJSON()
	if !bytes.Equal(g, w) {
		t.Errorf("%s: got %s, the oracle counts %s", what, g, w)
	}
}

// expectOf is what the oracle counts where the dimensions have these keys.
func expectOf(w world, q Query, key string, keys map[string]string) Value {
	m := measure(key)
	if m.share[0] != "" {
		return expectOf(w, q, m.share[0], keys).over(expectOf(w, q, m.share[1], keys))
	}
	all := slices.DeleteFunc(w.sights(m.over, q), func(v sight) bool {
		for dim, want := range keys {
			if v.key(dim) != want {
				return true
			}
		}
		return false
	})
	return expect(key, all)
}

// compareLists opens the list behind every counted number.
func compareLists(t *rapid.T, ctx context.Context, db *pgxpool.Pool, q Query, r Result) {
	t.Helper()
	for i, col := range r.Columns {
		if !col.Drills || col.Unit != Count {
			continue
		}
		for _, row := range r.Rows {
			ids, err := LeadIDs(ctx, db, r.Report, q, Cell{Column: col.Key, Keys: row.Keys}, 0)
			if err != nil {
				t.Fatal(err)
			}
			// A lead enters a stage first once, but may enter again or be reopened often.
			often := col.Measure == "reentries" || col.Measure == "reopened"
			if n := row.Cells[i].Int(); int64(len(ids)) != n && !often {
				t.Errorf("%s %v: the number is %d, the list has %d leads", col.Key, row.Keys, n, len(ids))
			}
		}
	}
}

func TestFiguresThatTieMakeTheFlowAndTheCohortWhole(t *testing.T) {
	db := postgrestest.New(t)
	people := setUp(t, db)
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		w := makeWorld(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2)), rapid.IntRange(1, 30).Draw(t, "leads"))
		if err := w.write(ctx, db, people); err != nil {
			t.Fatal(err)
		}
		q := Query{From: days(0), To: days(60), Now: days(120), AsOf: days(rapid.IntRange(30, 120).Draw(t, "as of")), Zone: time.UTC}
		cohort, err := Run(ctx, db, "funnel", q)
		if err != nil {
			t.Fatal(err)
		}
		n := func(key string) int64 { return cohort.Figure(key).Int() }
		if sum := n("won") + n("lost") + n("junk") + n("open"); sum != n("leads") {
			t.Errorf("won %d + lost %d + junk %d + open %d = %d, but %d leads", n("won"), n("lost"), n("junk"), n("open"), sum, n("leads"))
		}
		q.Clock = Flow
		flow, err := Run(ctx, db, "funnel", q)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range flow.Rows {
			sum := int64(0)
			for _, key := range []string{"advanced", "dropped", "back", "other_funnel", "here"} {
				sum += row.Cells[flow.Column(key)].Int()
			}
			if entered := row.Cells[flow.Column("entries")].Int(); sum != entered {
				t.Errorf("stage %v: %d entries have %d fates", row.Keys, entered, sum)
			}
		}
	})
}

func TestNoTwoReportsAnswerTheSameQuestion(t *testing.T) {
	asked := map[string]string{}
	for _, report := range catalog {
		for clock, cuts := range report.cuts {
			for _, c := range cuts {
				for _, question := range questions(c) {
					if other, twice := asked[question]; twice && other != report.Key {
						t.Errorf("reports %s and %s (%s, %s) both answer %s", other, report.Key, clock, c.key, question)
					}
					asked[question] = report.Key
				}
			}
		}
	}
}

// questions are the pairs of a measure and the set of dimensions it is split by.
func questions(c cut) []string {
	var all []string
	for _, key := range c.columns {
		all = append(all, key+" by "+strings.Join(slices.Sorted(slices.Values(c.rows)), ", "))
	}
	if c.across != "" {
		dims := append(slices.Clone(c.rows), c.across)
		all = append(all, c.spread+" by "+strings.Join(slices.Sorted(slices.Values(dims)), ", "))
	}
	return all
}

func TestEveryMeasureHasOneNameAndSaysWhatItCounts(t *testing.T) {
	names := map[Text]string{}
	for key, m := range measures {
		if m.Says.RU == "" || m.Says.EN == "" || m.Name.RU == "" || m.Name.EN == "" {
			t.Errorf("measure %s lacks a name or a sentence in one of the languages", key)
		}
		if other, taken := names[m.Name]; taken {
			t.Errorf("measures %s and %s are both called %q", key, other, m.Name.RU)
		}
		names[m.Name] = key
		if clockNames[m.Clock] == (Text{}) {
			t.Errorf("measure %s has no clock", key)
		}
	}
	for _, report := range catalog {
		for clock, cuts := range report.cuts {
			for _, c := range cuts {
				for _, key := range append(slices.Clone(c.columns), headline[report.Key][clock]...) {
					if got := measure(key).Clock; got != clock {
						t.Errorf("%s mixes clocks: %s shows %s of the clock %s", report.Key, clock, key, got)
					}
				}
			}
		}
	}
}

func TestReportsReadNothingButTheirViews(t *testing.T) {
	entries, err := files.ReadDir("sql")
	if err != nil {
		t.Fatal(err)
	}
	own := []string{"hit", "known", "kept", "counted", "ids", "place", "lateral", "(", "@as_of"}
	for _, e := range entries {
		words := strings.Fields(withoutComments(sqlFile(strings.TrimSuffix(e.Name(), ".sql"))))
		for i, w := range words[:len(words)-1] {
			if w != "from" && w != "join" || i > 0 && strings.HasSuffix(words[i-1], "epoch") {
				continue // extract(epoch from ...) reads a moment
			}
			if next := words[i+1]; !strings.HasPrefix(next, "report_") && !slices.Contains(own, next) {
				t.Errorf("%s reads %q, which is no view of the reports", e.Name(), next)
			}
		}
	}
}

func withoutComments(sql string) string {
	lines := strings.Split(sql, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "--") }), "\n")
}

// small is a world by hand: what each number must be can be told by reading it.
func small(t *testing.T) (*pgxpool.Pool, Query) {
	t.Helper()
	db := postgrestest.New(t)
	people := setUp(t, db)
	enter := func(day int, stage string) happening {
		return happening{at: days(day), kind: "enter", funnel: "sales", stage: stage}
	}
	lead := func(id int64, events ...happening) *life {
		return &life{id: id, received: events[0].at, channel: "form", connection: "site", currency: "RUB", source: "direct", events: events}
	}
	w := world{leads: []*life{
		lead(1, enter(1, "new"), happening{at: days(2), kind: "assigned", owner: "anna"}, happening{at: days(3), kind: "worth", amount: 1_000_000},
			enter(4, "offer"), happening{at: days(6), kind: "won"}), // passes over qualification
		lead(2, enter(1, "new"), enter(2, "qualify"), happening{at: days(5), kind: "lost", reason: "expensive"},
			happening{at: days(8), kind: "reopened", funnel: "sales", stage: "offer"}),
		lead(3, enter(3, "new"), happening{at: days(4), kind: "lost", reason: "expensive"}),
		lead(4, enter(3, "new"), happening{at: days(4), kind: "junk", reason: "duplicate"}),
		lead(5, enter(3, "new")),
	}}
	w.leads[4].test = true
	w.spam = []spamInquiry{{days(2), "form", "site"}}
	if err := w.write(context.Background(), db, people); err != nil {
		t.Fatal(err)
	}
	return db, Query{From: days(0), To: days(10), Now: days(20), AsOf: days(9), Zone: time.UTC, Language: "ru"}
}

func column(r Result, key string) []string {
	var cells []string
	for _, row := range r.Rows {
		cells = append(cells, row.Cells[r.Column(key)].Format("en"))
	}
	return cells
}

func figureLines(figures []Figure) []string {
	var lines []string
	for _, f := range figures {
		lines = append(lines, f.Key+" "+f.Value.Format("en"))
	}
	return lines
}

func TestCohortCountsAWonLeadAtEveryStageAndALostOneOnlyWhereItWas(t *testing.T) {
	db, q := small(t)
	r, err := Run(context.Background(), db, "funnel", q)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"reached": {"3", "2", "2", "1", "1", "1"}, // the lead opened again went from qualification to the offer
		"passed":  {"3", "1", "2", "0", "0", "1"},
		"skipped": {"0", "1", "0", "1", "1", "0"},
		"step":    {"66.7%", "100.0%", "50.0%", "100.0%", "100.0%", "–"},
		"through": {"100.0%", "66.7%", "66.7%", "33.3%", "33.3%", "33.3%"},
	}
	for key, cells := range want {
		if diff := cmp.Diff(cells, column(r, key)); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
	if diff := cmp.Diff([]string{"tests 1", "spam_leads 0", "duplicates 1", "spam_inquiries 1"}, figureLines(r.Excluded)); diff != "" {
		t.Errorf("left out: %s", diff)
	}
}

func TestALeadOpenedAgainIsNoLongerLost(t *testing.T) {
	db, q := small(t)
	q.Clock = Flow
	before, after := q, q
	before.AsOf = days(7)
	for _, c := range []struct {
		q    Query
		want []string
	}{
		{before, []string{"closed_won 1", "closed_lost 2", "win_rate 33.3%", "reopened 0"}},
		{after, []string{"closed_won 1", "closed_lost 1", "win_rate 50.0%", "reopened 1"}},
	} {
		r, err := Run(context.Background(), db, "funnel", c.q)
		if err != nil {
			t.Fatal(err)
		}
		got := slices.DeleteFunc(figureLines(r.Figures), func(line string) bool {
			return !slices.Contains([]string{"closed_won", "closed_lost", "win_rate", "reopened"}, strings.Fields(line)[0])
		})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("as of %s: %s", c.q.AsOf.Format(time.DateOnly), diff)
		}
	}
}

func TestSnapshotOfAPastDateShowsTheAmountOfThatDate(t *testing.T) {
	db, q := small(t)
	q.Clock = Snapshot
	for day, want := range map[int][]string{
		2: {"standing 2", "standing_amount ₽0"}, // the first lead has no amount yet; the second just moved on
		5: {"standing 1", "standing_amount ₽10,000"},
		9: {"standing 1", "standing_amount ₽0"},
	} {
		q.AsOf = days(day)
		r, err := Run(context.Background(), db, "funnel", q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, figureLines(r.Figures)[:2]); diff != "" {
			t.Errorf("day %d: %s", day, diff)
		}
	}
}

func TestReasonNotGivenHasItsRowEvenWhenNobodyForgotIt(t *testing.T) {
	db, q := small(t)
	r, err := Run(context.Background(), db, "loss-reasons", q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Дорого", "причина не указана"}, column(r, "reason")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1", "0"}, column(r, "closed_lost")); diff != "" {
		t.Error(diff)
	}
}

func TestFewLeadsAndAnUnfinishedCohortAreSaidToBeSo(t *testing.T) {
	db, q := small(t)
	r, err := Run(context.Background(), db, "funnel", q)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, n := range r.Notes {
		kinds = append(kinds, n.Kind)
	}
	if diff := cmp.Diff([]string{"small_numbers", "immature"}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestMarketerSeesNoContactsInTheList(t *testing.T) {
	db, q := small(t)
	q.Viewer.MaskContacts = true
	for l, err := range Leads(context.Background(), db, "funnel", q) {
		if err != nil {
			t.Fatal(err)
		}
		line := strings.Join([]string{l.Title, l.Client, l.Contact, l.Phones, l.Emails}, " ")
		if strings.Contains(line, "Клиент") || strings.Contains(line, fmt.Sprintf("client%d", l.ID)) || strings.Contains(line, fmt.Sprintf("0000%d", l.ID)) {
			t.Errorf("the list shows %q", line)
		}
	}
}

func TestEmployeeWhoMaySeeOnlyTheirLeadsGetsOnlyThoseInNumbersAndLists(t *testing.T) {
	db, q := small(t)
	ctx := context.Background()
	if err := db.QueryRow(ctx, "select id from employee where login = 'anna'").Scan(&q.Viewer.OnlyOwner); err != nil {
		t.Fatal(err)
	}
	r, err := Run(ctx, db, "funnel", q)
	if err != nil {
		t.Fatal(err)
	}
	var listed []int64
	for l, err := range Leads(ctx, db, "funnel", q) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, l.ID)
	}
	if r.Figure("leads").Int() != 1 || !slices.Equal(listed, []int64{1}) {
		t.Errorf("got %d leads and the list %v, want only lead 1", r.Figure("leads").Int(), listed)
	}
}
