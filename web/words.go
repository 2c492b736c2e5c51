package web

import (
	"context"

	"marshrut/leads"
	"marshrut/leads/repository"
)

// words are the company's dictionaries in the language of a page: what the keys of stages, reasons and sources are called.
type words struct {
	repository.Dictionaries
	english bool
}

func (s *Server) words(ctx context.Context, language string) (w words, err error) {
	w.english = language == "en"
	if w.Funnels, err = s.Leads.Funnels(ctx); err != nil {
		return w, err
	}
	if w.Reasons, err = s.Leads.LossReasons(ctx); err != nil {
		return w, err
	}
	if w.Sources, err = s.Leads.Sources(ctx); err != nil {
		return w, err
	}
	w.OwnFields, err = s.Leads.OwnFields(ctx)
	return w, err
}

// in picks the text of the language; one that was not translated stays as it is.
func (w words) in(ru, en string) string {
	if w.english && en != "" {
		return en
	}
	return ru
}

// Funnel is the name of a funnel, or its key when nobody knows it any more.
func (w words) Funnel(key string) string {
	for _, f := range w.Funnels {
		if f.Key == key {
			return w.in(f.NameRU, f.NameEN)
		}
	}
	return key
}

func (w words) stages(funnel string) []leads.Stage {
	for _, f := range w.Funnels {
		if f.Key == funnel {
			return f.Stages
		}
	}
	return nil
}

// Stage is the name of a stage of a funnel.
func (w words) Stage(funnel, key string) string {
	for _, s := range w.stages(funnel) {
		if s.Key == key {
			return w.in(s.NameRU, s.NameEN)
		}
	}
	return key
}

// Reason is the name of a reason of loss.
func (w words) Reason(key string) string {
	for _, r := range w.Reasons {
		if r.Key == key {
			return w.in(r.NameRU, r.NameEN)
		}
	}
	return key
}

// Source is the name of a source.
func (w words) Source(key string) string {
	for _, s := range w.Sources {
		if s.Key == key {
			return w.in(s.NameRU, s.NameEN)
		}
	}
	return key
}

// option is a line of a select.
type option struct {
	Value, Label string
	Chosen       bool
}

func (w words) funnelOptions(chosen string) []option {
	list := make([]option, 0, len(w.Funnels))
	for _, f := range w.Funnels {
		list = append(list, option{f.Key, w.in(f.NameRU, f.NameEN), f.Key == chosen})
	}
	return list
}

// stageOptions lists the stages of a funnel, of all of them without one: each key once.
func (w words) stageOptions(funnel, chosen string) []option {
	var list []option
	seen := map[string]bool{}
	for _, f := range w.Funnels {
		if funnel != "" && f.Key != funnel {
			continue
		}
		for _, s := range f.Stages {
			if !seen[s.Key] {
				seen[s.Key] = true
				list = append(list, option{s.Key, w.in(s.NameRU, s.NameEN), s.Key == chosen})
			}
		}
	}
	return list
}

func (w words) reasonOptions(kind leads.Status, chosen string) []option {
	var list []option
	for _, r := range w.Reasons {
		if r.Kind == kind {
			list = append(list, option{r.Key, w.in(r.NameRU, r.NameEN), r.Key == chosen})
		}
	}
	return list
}

func (w words) sourceOptions(chosen string) []option {
	var list []option
	known := chosen == ""
	for _, s := range w.Sources {
		known = known || s.Key == chosen
		list = append(list, option{s.Key, w.in(s.NameRU, s.NameEN), s.Key == chosen})
	}
	if !known {
		list = append(list, option{chosen, chosen, true})
	}
	return list
}

// place is where a stage stands among all stages of all funnels; what is in none stands last.
func (w words) place(funnel, stage string) int {
	at := 0
	for _, f := range w.Funnels {
		for _, s := range f.Stages {
			if f.Key == funnel && s.Key == stage {
				return at
			}
			at++
		}
	}
	return at
}
