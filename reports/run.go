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
	c, err := report.cut(q.Clock, q.Cut)
	if err != nil {
		return Result{}, err
	}
	results, err := answer(ctx, db, report, q, []cut{c})
	if err != nil {
		return Result{}, fmt.Errorf("report %s: %w", name, err)
	}
	return results[0], nil
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
	results, err := answer(ctx, db, report, q, report.cuts[q.Clock])
	if err != nil {
		return nil, fmt.Errorf("report %s: %w", name, err)
	}
	return results, nil
}

// question is a report being asked: what its tables have in common is read once.
type question struct {
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

// answer counts what the tables need and lays them out.
func answer(ctx context.Context, db postgres.DB, report Report, q Query, cuts []cut) ([]Result, error) {
	words, err := loadDictionary(ctx, db, q.Language)
	if err != nil {
		return nil, err
	}
	if err := q.refuseUnknown(words); err != nil {
		return nil, err
	}
	counted, err := count(ctx, db, q, asks(report, q.Clock, cuts)...)
	if err != nil {
		return nil, err
	}
	a := &question{report: report, query: q, words: words, headline: counted[0].totals}
	if a.left, err = readExclusions(ctx, db, q, counted[1]); err != nil {
		return nil, err
	}
	if q.Clock == Cohort {
		if a.typical, err = typicalCycle(ctx, db, q); err != nil {
			return nil, err
		}
	}
	var results []Result
	for i, c := range cuts {
		results = append(results, a.table(c, counted[2+2*i], counted[3+2*i]))
	}
	return results, nil
}

// asks are what the tables are made of: the headline, what is left out, and for
// each table its measures by its rows and the measure it spreads.
func asks(report Report, clock Clock, cuts []cut) []ask {
	all := []ask{{keys: headline[report.Key][clock]}, {extra: leftOut(report.mainRelation(clock))}}
	for _, c := range cuts {
		spread := ask{}
		if c.across != "" {
			spread = ask{keys: []string{c.spread}, dims: []string{c.rows[0], c.across}}
		}
		all = append(all, ask{keys: c.columns, dims: c.rows}, spread)
	}
	return all
}

// typicalCycle is how long leads took to be decided in the year before as_of.
func typicalCycle(ctx context.Context, db postgres.DB, q Query) (Value, error) {
	q.From, q.To = q.AsOf.AddDate(-1, 0, 0), q.AsOf
	counted, err := count(ctx, db, q, ask{keys: []string{"decided_cycle"}})
	if err != nil {
		return Value{}, err
	}
	return counted[0].totals["decided_cycle"], nil
}
