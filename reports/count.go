package reports

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
)

// numbers are the values of measures for each combination of dimensions, and
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

// count asks for the measures by the dimensions. Measures over different
// relations are different statements; they meet in the same rows.
func count(ctx context.Context, db postgres.DB, q Query, keys []string, dims []string) (numbers, error) {
	n := numbers{rows: map[string]*counted{}, totals: map[string]Value{}}
	for _, group := range byRelation(keys) {
		if err := n.add(ctx, db, q, group, dims); err != nil {
			return n, fmt.Errorf("count %s: %w", group[0].over, err)
		}
	}
	n.prune()
	n.derive(keys)
	return n, nil
}

// byRelation groups the counted measures that are needed for keys, with the
// parts of shares, keeping their order.
func byRelation(keys []string) [][]Measure {
	var groups [][]Measure
	place := map[relation]int{}
	seen := map[string]bool{}
	var need func(key string)
	need = func(key string) {
		if key == "" || seen[key] {
			return
		}
		seen[key] = true
		m := measure(key)
		if m.over == "" {
			need(m.share[0])
			need(m.share[1])
			need(m.step)
			need(m.ofAll)
			return
		}
		i, ok := place[m.over]
		if !ok {
			i = len(groups)
			place[m.over] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], m)
	}
	for _, key := range keys {
		need(key)
	}
	return groups
}

// add runs one statement: the measures of one relation by the dimensions, and
// their totals.
func (n numbers) add(ctx context.Context, db postgres.DB, q Query, group []Measure, dims []string) error {
	rows, err := db.Query(ctx, countSQL(group, dims), q.args())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		cells, err := rows.Values()
		if err != nil {
			return err
		}
		n.take(group, len(dims), cells)
	}
	return rows.Err()
}

func countSQL(group []Measure, dims []string) string {
	var b strings.Builder
	b.WriteString(group[0].over.with())
	b.WriteString("select ")
	sets, outer := "()", "1"
	if len(dims) > 0 {
		names := make([]string, len(dims))
		for i := range dims {
			names[i] = fmt.Sprintf("d%d", i)
			fmt.Fprintf(&b, "%s, ", names[i])
		}
		sets = "(" + strings.Join(names, ", ") + "), ()"
		outer = "grouping(d0)"
	}
	fmt.Fprintf(&b, "%s as whole", outer)
	for _, m := range group {
		fmt.Fprintf(&b, ",\n\t%s", m.selected())
	}
	fmt.Fprintf(&b, "\nfrom (select %scounted.* from counted) c\ngroup by grouping sets (%s)", selectDims(dims), sets)
	return b.String()
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

func (n numbers) take(group []Measure, dims int, cells []any) {
	values := n.totals
	if whole, _ := cells[dims].(int32); whole == 0 {
		keys := make([]string, dims)
		for i := range keys {
			keys[i], _ = cells[i].(string)
		}
		row := n.rows[rowKey(keys)]
		if row == nil {
			row = &counted{keys: keys, values: map[string]Value{}}
			n.rows[rowKey(keys)] = row
		}
		values = row.values
	}
	for i, m := range group {
		values[m.Key] = read(m.Unit, cells[dims+1+i])
	}
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
	for _, group := range byRelation(keys) {
		for _, m := range group {
			if _, ok := values[m.Key]; !ok {
				values[m.Key] = zeroOf(m.Unit)
			}
		}
	}
	for _, key := range keys {
		if parts := measure(key).share; parts[0] != "" {
			values[key] = values[parts[0]].over(values[parts[1]])
		}
	}
}

// exclusions counts what is in no number: leads that are none, spam, and the
// leads whose amount is in another currency.
type exclusions struct {
	tests, spam, duplicates, foreign, spamInquiries int64
}

func countExcluded(ctx context.Context, db postgres.DB, q Query, over relation) (exclusions, error) {
	var x exclusions
	err := db.QueryRow(ctx, over.with()+`
select count(distinct lead_id) filter (where excluded = 'test'),
	count(distinct lead_id) filter (where excluded = 'spam'),
	count(distinct lead_id) filter (where excluded = 'duplicate'),
	count(distinct lead_id) filter (where excluded = '' and currency <> @currency)
from counted`, q.args()).Scan(&x.tests, &x.spam, &x.duplicates, &x.foreign)
	if err != nil {
		return x, fmt.Errorf("count what is left out: %w", err)
	}
	if q.Clock == Snapshot {
		return x, nil // spam never stands in a stage
	}
	if err := db.QueryRow(ctx, sqlFile("spam"), q.args()).Scan(&x.spamInquiries); err != nil {
		return x, fmt.Errorf("count spam: %w", err)
	}
	return x, nil
}

var _ pgx.QueryRewriter = pgx.NamedArgs{} // the files of SQL name their parameters
