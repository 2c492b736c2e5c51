package reports

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
)

// wonStep is the last step of every funnel: success.
const wonStep = "+won"

// dictionary knows what the values of the dimensions are called.
type dictionary struct {
	language string
	words    map[string][]word // by dimension, in order
	index    map[string]map[string]int
}

type word struct {
	parent, key, label string
}

func loadDictionary(ctx context.Context, db postgres.DB, language string) (dictionary, error) {
	d := dictionary{language: language, words: map[string][]word{}, index: map[string]map[string]int{}}
	rows, err := db.Query(ctx, sqlFile("dictionary"))
	if err != nil {
		return d, fmt.Errorf("read the names of stages, sources and people: %w", err)
	}
	var dim string
	var w word
	var name Text
	var position int
	_, err = pgx.ForEachRow(rows, []any{&dim, &w.parent, &w.key, &name.RU, &name.EN, &position}, func() error {
		w.label = name.In(language)
		d.add(dim, w)
		return nil
	})
	if err != nil {
		return d, fmt.Errorf("read the names of stages, sources and people: %w", err)
	}
	for _, key := range []string{"form", "call", "mail", "message", "onec", "manual"} {
		d.add("channel", word{key: key, label: channelNames[key].In(language)})
	}
	return d, nil
}

func (d dictionary) add(dim string, w word) {
	if d.index[dim] == nil {
		d.index[dim] = map[string]int{}
	}
	d.index[dim][w.key] = len(d.words[dim])
	d.words[dim] = append(d.words[dim], w)
}

// label is what a value of a dimension is called; a value no dictionary knows is
// shown as it is.
func (d dictionary) label(dim, key string) string {
	if key == "" {
		return dimensions[dim].none.In(d.language)
	}
	if i, ok := d.index[dim][key]; ok {
		return d.words[dim][i].label
	}
	return strings.TrimPrefix(key, "/")
}

// position orders values as their dictionary does, unknown ones last.
func (d dictionary) position(dim, key string) int {
	if i, ok := d.index[dim][key]; ok {
		return i
	}
	return len(d.words[dim])
}

// steps are the stages of the funnels in order, funnel by funnel.
func (d dictionary) steps(funnels []string) []word {
	var steps []word
	for _, f := range funnels {
		for _, w := range d.words["stage"] {
			if w.parent == f {
				steps = append(steps, w)
			}
		}
	}
	return steps
}

// funnels are the keys of the funnels in order; only the one asked for, if any.
func (d dictionary) funnels(only string) []string {
	var keys []string
	for _, w := range d.words["funnel"] {
		if only == "" || w.key == only {
			keys = append(keys, w.key)
		}
	}
	return keys
}

// Choices lists what a filter can be set to, for the forms of pages: funnel,
// owner, team, source, channel, connection. Products and cities are too many to list.
func Choices(ctx context.Context, db postgres.DB, language string) (map[string][]Choice, error) {
	d, err := loadDictionary(ctx, db, language)
	if err != nil {
		return nil, err
	}
	choices := map[string][]Choice{}
	for _, f := range filters {
		for _, w := range d.words[f.key] {
			choices[f.key] = append(choices[f.key], Choice{Key: w.key, Title: w.label})
		}
		if f.key == "owner" || f.key == "source" || f.key == "team" {
			slices.SortFunc(choices[f.key], func(a, b Choice) int { return strings.Compare(a.Title, b.Title) })
		}
	}
	return choices, nil
}
