package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"marshrut/processes/bpmn"
)

// Kinds of refusals, for errors.Is.
var (
	ErrNotWaiting     = errors.New("nothing waits for this")
	ErrStale          = errors.New("the task has changed")
	ErrStepsMissing   = errors.New("steps are missing")
	ErrOutOfOrder     = errors.New("steps are out of order")
	ErrNotAllowed     = errors.New("not allowed")
	ErrInvalidValue   = errors.New("the value is not valid")
	ErrUnknownOutcome = errors.New("no such outcome")
	ErrUnknownStep    = errors.New("no such step")
	ErrAlreadyDone    = errors.New("already done")
)

// Refusal says why nothing happened. Message is a sentence for the person, in Russian; MessageEn in English.
type Refusal struct {
	Kind      error
	Message   string
	MessageEn string
	Steps     []MissingStep
}

// MissingStep is one step that stands in the way, in the order of the list.
type MissingStep struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	TitleEn  string `json:"title_en,omitempty"`
	Reason   string `json:"reason"` // in words: not done, evidence missing, value not valid
	ReasonEn string `json:"reason_en"`
}

func (r *Refusal) Error() string {
	if len(r.Steps) == 0 {
		return r.MessageEn
	}
	titles := make([]string, len(r.Steps))
	for i, s := range r.Steps {
		titles[i] = s.Title
	}
	return r.MessageEn + ": " + strings.Join(titles, "; ")
}

// Unwrap gives the kind.
func (r *Refusal) Unwrap() error { return r.Kind }

// Word is the kind as one word for interfaces: "stale", "steps_missing".
func (r *Refusal) Word() string {
	for kind, word := range map[error]string{ErrNotWaiting: "not_waiting", ErrStale: "stale", ErrStepsMissing: "steps_missing",
		ErrOutOfOrder: "out_of_order", ErrNotAllowed: "not_allowed", ErrInvalidValue: "invalid_value",
		ErrUnknownOutcome: "unknown_outcome", ErrUnknownStep: "unknown_step", ErrAlreadyDone: "already_done"} {
		if errors.Is(r.Kind, kind) {
			return word
		}
	}
	return "refused"
}

// refuse says it in both languages. Both sentences get the same arguments; of a called each gets its own name.
func refuse(kind error, ru, en string, args ...any) *Refusal {
	english := slices.Clone(args)
	for i, arg := range args {
		if c, ok := arg.(called); ok {
			args[i], english[i] = c.ru, cmp.Or(c.en, c.ru)
		}
	}
	return &Refusal{Kind: kind, Message: fmt.Sprintf(ru, args...), MessageEn: fmt.Sprintf(en, english...)}
}

// called is what a step or an outcome is called in both languages.
type called struct{ ru, en string }

func stepName(s *bpmn.Step) called       { return called{s.Title, s.TitleEn} }
func outcomeName(o *bpmn.Outcome) called { return called{o.Label, o.LabelEn} }

// offered lists what may be chosen.
func offered(names []called) called {
	var ru, en []string
	for _, n := range names {
		ru, en = append(ru, n.ru), append(en, cmp.Or(n.en, n.ru))
	}
	return called{strings.Join(ru, ", "), strings.Join(en, ", ")}
}
