package reports

import (
	"context"
	"fmt"

	"marshrut/internal/postgres"
)

// Run answers one table of a report: the cut of the query, the first when it
// names none. For several tables that must agree with each other use RunAll.
func Run(ctx context.Context, db postgres.DB, name string, q Query) (Result, error) {
	report, err := Find(name)
	if err != nil {
		return Result{}, err
	}
	if q, err = q.complete(report); err != nil {
		return Result{}, err
	}
	ask, err := open(ctx, db, report, q)
	if err != nil {
		return Result{}, fmt.Errorf("report %s: %w", name, err)
	}
	c, err := report.cut(q.Clock, q.Cut)
	if err != nil {
		return Result{}, err
	}
	return ask.table(ctx, c)
}

// RunAll answers every table of a report in the clock of the query. db should be
// a transaction that sees one state (ReadOnly), so that the tables agree.
func RunAll(ctx context.Context, db postgres.DB, name string, q Query) ([]Result, error) {
	report, err := Find(name)
	if err != nil {
		return nil, err
	}
	if q, err = q.complete(report); err != nil {
		return nil, err
	}
	ask, err := open(ctx, db, report, q)
	if err != nil {
		return nil, fmt.Errorf("report %s: %w", name, err)
	}
	var results []Result
	for _, c := range report.cuts[q.Clock] {
		r, err := ask.table(ctx, c)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

// question is a report being asked: what its tables have in common is read once.
type question struct {
	db       postgres.DB
	report   Report
	query    Query
	words    dictionary
	headline map[string]Value
	left     exclusions
	typical  Value // median cycle of the year before, for the cohort
}

// mainRelation is what a clock of a report is about.
func (r Report) mainRelation(clock Clock) relation {
	return relation(r.cuts[clock][0].population[0])
}

func open(ctx context.Context, db postgres.DB, report Report, q Query) (*question, error) {
	words, err := loadDictionary(ctx, db, q.Language)
	if err != nil {
		return nil, err
	}
	n, err := count(ctx, db, q, headline[report.Key][q.Clock], nil)
	if err != nil {
		return nil, err
	}
	left, err := countExcluded(ctx, db, q, report.mainRelation(q.Clock))
	if err != nil {
		return nil, err
	}
	ask := &question{db: db, report: report, query: q, words: words, headline: n.totals, left: left}
	if q.Clock == Cohort {
		ask.typical, err = typicalCycle(ctx, db, q)
	}
	return ask, err
}

// typicalCycle is how long leads took to be decided in the year before as_of.
func typicalCycle(ctx context.Context, db postgres.DB, q Query) (Value, error) {
	q.From, q.To = q.AsOf.AddDate(-1, 0, 0), q.AsOf
	n, err := count(ctx, db, q, []string{"decided_cycle"}, nil)
	return n.totals["decided_cycle"], err
}
