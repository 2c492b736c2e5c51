package reports

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"marshrut/internal/postgres"
)

// ask is a set of measures wanted by a set of dimensions.
type ask struct {
	keys  []string  // of measures
	dims  []string  // of the rows; none: only the totals
	extra []Measure // measures of the moment, which no report shows as such
}

// numbers answer an ask: the measures for each combination of its dimensions, and
// over all of them.
type numbers struct {
	rows   map[string]*counted
	totals map[string]Value
}

type counted struct {
	keys   []string // of the dimensions
	values map[string]Value
}

// rowKey makes one key of the keys of several dimensions.
func rowKey(keys []string) string { return strings.Join(keys, "\x00") }

// count answers the asks in their order. Whatever they want of one relation is
// one statement, since finding its rows costs far more than adding them up.
func count(ctx context.Context, db postgres.DB, q Query, asks ...ask) ([]numbers, error) {
	answers := make([]numbers, len(asks))
	for i := range answers {
		answers[i] = numbers{rows: map[string]*counted{}, totals: map[string]Value{}}
	}
	for _, t := range tallies(asks) {
		if err := t.run(ctx, db, q, answers); err != nil {
			return nil, fmt.Errorf("count %s: %w", t.over, err)
		}
	}
	for i, n := range answers {
		n.prune()
		n.derive(asks[i].keys)
	}
	return answers, nil
}

// tally is one statement: all that is wanted of a relation.
type tally struct {
	over     relation
	measures []Measure
	dims     []string // of all asks
	wants    []want   // by ask
}

// want is what one ask takes from a tally.
type want struct {
	ask      int
	dims     []string
	measures map[string]bool
}

// tallies plans the statements that answer the asks.
func tallies(asks []ask) []*tally {
	var all []*tally
	of := map[relation]*tally{}
	for i, a := range asks {
		for _, m := range append(parts(a.keys), a.extra...) {
			t := of[m.over]
			if t == nil {
				t = &tally{over: m.over}
				of[m.over] = t
				all = append(all, t)
			}
			t.add(i, a.dims, m)
		}
	}
	return all
}

func (t *tally) add(ask int, dims []string, m Measure) {
	if !slices.ContainsFunc(t.measures, func(have Measure) bool { return have.Key == m.Key }) {
		t.measures = append(t.measures, m)
	}
	if n := len(t.wants); n == 0 || t.wants[n-1].ask != ask {
		t.wants = append(t.wants, want{ask: ask, dims: dims, measures: map[string]bool{}})
	}
	t.wants[len(t.wants)-1].measures[m.Key] = true
	for _, d := range dims {
		if !slices.Contains(t.dims, d) {
			t.dims = append(t.dims, d)
		}
	}
}

// parts are the counted measures that keys need: themselves, or what their shares
// are made of.
func parts(keys []string) []Measure {
	var all []Measure
	seen := map[string]bool{}
	var need func(key string)
	need = func(key string) {
		if key == "" || seen[key] {
			return
		}
		seen[key] = true
		if m := measure(key); m.over == "" {
			for _, part := range []string{m.share[0], m.share[1], m.step, m.ofAll} {
				need(part)
			}
		} else {
			all = append(all, m)
		}
	}
	for _, key := range keys {
		need(key)
	}
	return all
}

func (t *tally) run(ctx context.Context, db postgres.DB, q Query, answers []numbers) error {
	rows, err := db.Query(ctx, t.sql(), q.args())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		cells, err := rows.Values()
		if err != nil {
			return err
		}
		for _, w := range t.wants {
			t.take(w, cells, answers[w.ask])
		}
	}
	return rows.Err()
}

// sql groups the rows of the relation in every way that is wanted. Of each group
// it says by which dimensions it was made: bit i of grouping() is set when the
// i-th from the right was not one of them.
func (t *tally) sql() string {
	var b strings.Builder
	b.WriteString(t.over.with() + "select ")
	mask, inner := "0", ""
	if len(t.dims) > 0 {
		names := make([]string, len(t.dims))
		for i, d := range t.dims {
			names[i] = "d" + strconv.Itoa(i)
			inner += columnOf(d) + " as " + names[i] + ", "
		}
		b.WriteString(strings.Join(names, ", ") + ", ")
		mask = "grouping(" + strings.Join(names, ", ") + ")"
	}
	b.WriteString(mask + " as mask")
	for _, m := range t.measures {
		b.WriteString(",\n\t" + m.selected())
	}
	fmt.Fprintf(&b, "\nfrom (select %scounted.* from counted) c\ngroup by grouping sets (%s)", inner, t.sets())
	return b.String()
}

// sets are the distinct sets of dimensions, and the empty one for the totals.
func (t *tally) sets() string {
	sets := []string{"()"}
	for _, w := range t.wants {
		names := make([]string, len(w.dims))
		for i, d := range w.dims {
			names[i] = "d" + strconv.Itoa(slices.Index(t.dims, d))
		}
		if set := "(" + strings.Join(names, ", ") + ")"; !slices.Contains(sets, set) {
			sets = append(sets, set)
		}
	}
	return strings.Join(sets, ", ")
}

// mask is what grouping() says of a set of dimensions.
func (t *tally) mask(dims []string) int32 {
	mask := int32(0)
	for i, d := range t.dims {
		if !slices.Contains(dims, d) {
			mask |= 1 << (len(t.dims) - 1 - i)
		}
	}
	return mask
}

// take puts a group where an ask wants it: into its rows, its totals, or nowhere.
func (t *tally) take(w want, cells []any, n numbers) {
	mask, _ := cells[len(t.dims)].(int32)
	values := n.totals
	switch mask {
	case t.mask(nil):
	case t.mask(w.dims):
		values = n.row(t.keys(w.dims, cells)).values
	default:
		return
	}
	for i, m := range t.measures {
		if w.measures[m.Key] {
			values[m.Key] = read(m.Unit, cells[len(t.dims)+1+i])
		}
	}
}

func (t *tally) keys(dims []string, cells []any) []string {
	keys := make([]string, len(dims))
	for i, d := range dims {
		keys[i], _ = cells[slices.Index(t.dims, d)].(string)
	}
	return keys
}

func (n numbers) row(keys []string) *counted {
	row := n.rows[rowKey(keys)]
	if row == nil {
		row = &counted{keys: keys, values: map[string]Value{}}
		n.rows[rowKey(keys)] = row
	}
	return row
}

// selected is the aggregate in the type that take reads.
func (m Measure) selected() string {
	switch m.Unit {
	case Money:
		return "coalesce(" + m.aggregate() + ", 0)::numeric(30, 2)::text"
	case Duration:
		return "(" + m.aggregate() + ")::bigint"
	}
	return m.aggregate()
}

func read(unit Unit, cell any) Value {
	switch v := cell.(type) {
	case int64:
		if unit == Duration {
			return durationOf(v)
		}
		return countOf(v)
	case string:
		return moneyOf(v)
	}
	return Value{}
}

// prune drops rows in which nothing was counted: the relation had rows there, but
// none of them is what the measures are about.
func (n numbers) prune() {
	maps.DeleteFunc(n.rows, func(_ string, row *counted) bool {
		for _, v := range row.values {
			if !v.Empty() && v.rat().Sign() != 0 {
				return false
			}
		}
		return true
	})
}

// derive fills in the shares, and nothing as zero where a relation had no rows.
func (n numbers) derive(keys []string) {
	complete(n.totals, keys)
	for _, row := range n.rows {
		complete(row.values, keys)
		for _, key := range keys {
			if of := measure(key).ofAll; of != "" {
				row.values[key] = row.values[of].over(n.totals[of])
			}
		}
	}
	for _, key := range keys {
		if of := measure(key).ofAll; of != "" {
			n.totals[key] = n.totals[of].over(n.totals[of])
		}
	}
}

func complete(values map[string]Value, keys []string) {
	for _, m := range parts(keys) {
		if _, ok := values[m.Key]; !ok {
			values[m.Key] = zeroOf(m.Unit)
		}
	}
	for _, key := range keys {
		if parts := measure(key).share; parts[0] != "" {
			values[key] = values[parts[0]].over(values[parts[1]])
		}
	}
}

// exclusions are what is in no number: leads that are none, spam, and the leads
// whose amount is in another currency.
type exclusions struct {
	tests, spam, duplicates, foreign, spamInquiries int64
}

// leftOut are the measures that count them, over the relation a report is about.
func leftOut(over relation) []Measure {
	value := "count(*)"
	if over == entry {
		value = "count(distinct lead_id)" // the others have a lead once
	}
	return []Measure{
		{Key: "out_tests", Unit: Count, over: over, value: value, whole: true, where: "excluded = 'test'"},
		{Key: "out_spam", Unit: Count, over: over, value: value, whole: true, where: "excluded = 'spam'"},
		{Key: "out_duplicates", Unit: Count, over: over, value: value, whole: true, where: "excluded = 'duplicate'"},
		{Key: "out_foreign", Unit: Count, over: over, value: value, where: "currency <> @currency"},
	}
}

func readExclusions(ctx context.Context, db postgres.DB, q Query, n numbers) (exclusions, error) {
	x := exclusions{
		tests: n.totals["out_tests"].Int(), spam: n.totals["out_spam"].Int(),
		duplicates: n.totals["out_duplicates"].Int(), foreign: n.totals["out_foreign"].Int(),
	}
	if q.Clock == Snapshot {
		return x, nil // spam never stands in a stage
	}
	if err := db.QueryRow(ctx, sqlFile("spam"), q.args()).Scan(&x.spamInquiries); err != nil {
		return x, fmt.Errorf("count spam: %w", err)
	}
	return x, nil
}
