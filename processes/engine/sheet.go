package engine

import (
	"cmp"
	"fmt"
	"strings"

	"marshrut/processes/bpmn"
)

// sheet is one checklist being judged: an open task with the values its rules may name.
type sheet struct {
	d *decider
	t *Task
	e *bpmn.Element
}

func (d *decider) sheet(t *Task, e *bpmn.Element) sheet { return sheet{d: d, t: t, e: e} }

// env is the names, with value as the step's new value, of its type.
func (s sheet) env(step *bpmn.Step, value any) map[string]any {
	env := s.d.bind(s.outcomeSoFar())
	env["value"] = bpmn.Coerce(step.Type(), value, s.d.calendar().Zone())
	return env
}

// outcomeSoFar is the outcome of the task before.
func (s sheet) outcomeSoFar() string {
	if t := s.d.in.Token(s.t.Token); t != nil {
		return t.Outcome
	}
	return ""
}

// holds evaluates a rule. A rule that cannot be evaluated does not hold.
func (s sheet) holds(x *bpmn.Expr, step *bpmn.Step, value any) bool {
	if x == nil {
		return true
	}
	yes, err := x.True(s.env(step, value))
	return err == nil && yes
}

func (s sheet) exists(step *bpmn.Step) bool { return s.holds(step.When, step, nil) }

func (s sheet) done(step *bpmn.Step) bool { return s.t.Step(step.ID) != nil }

// required tells whether the step must be done for an outcome; "" asks whether for every outcome.
func (s sheet) required(step *bpmn.Step, outcome string) bool {
	return step.ForOutcome(outcome) || step.RequiredWhen != nil && s.holds(step.RequiredWhen, step, nil)
}

// accept brings a value into the form of its kind.
func (s sheet) accept(step *bpmn.Step, value any) (any, error) {
	switch step.Kind {
	case bpmn.Confirm:
		if value == nil || value == true || value == "true" || value == "on" {
			return true, nil
		}
		return nil, refuse(ErrInvalidValue, "«%s» можно только подтвердить", "%q can only be confirmed", stepName(step))
	case bpmn.CallOut, bpmn.Message:
		if text, ok := value.(string); ok && strings.TrimSpace(text) != "" {
			return strings.TrimSpace(text), nil
		}
		return true, nil
	case bpmn.Input, bpmn.FileRef:
		return s.input(step, value)
	case bpmn.Choice:
		return s.choice(step, value)
	case bpmn.Date:
		return s.date(step, value)
	}
	return nil, fmt.Errorf("step %s is of the unknown kind %q", step.ID, step.Kind)
}

// maxValue bounds what a step keeps: the value travels in the state of the instance.
const maxValue = 4000

func (s sheet) input(step *bpmn.Step, value any) (any, error) {
	text := strings.TrimSpace(valueText(value))
	if text == "" {
		return nil, refuse(ErrInvalidValue, "Заполните «%s»", "Fill in %q", stepName(step))
	}
	if len([]rune(text)) > maxValue {
		return nil, refuse(ErrInvalidValue, "«%s»: не больше %d знаков", "%q: at most %d characters", stepName(step), maxValue)
	}
	if !step.Number || step.Kind != bpmn.Input {
		return text, nil
	}
	n, ok := bpmn.ToNumber(value)
	if !ok {
		return nil, refuse(ErrInvalidValue, "«%s» — это число, например 120000", "%q is a number, like 120000", stepName(step))
	}
	return n, nil
}

func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return fmt.Sprint(v)
}

func (s sheet) choice(step *bpmn.Step, value any) (any, error) {
	text, _ := value.(string)
	for _, o := range step.Values {
		if o.Value == text {
			return text, nil
		}
	}
	labels := make([]called, len(step.Values))
	for i, o := range step.Values {
		labels[i] = called{o.Label, o.LabelEn}
	}
	return nil, refuse(ErrInvalidValue, "«%s»: выберите одно из: %s", "%q: choose one of: %s", stepName(step), offered(labels))
}

// date gives the value as 2026-11-25, or with a time of day as RFC 3339.
func (s sheet) date(step *bpmn.Step, value any) (any, error) {
	at, ok := bpmn.ToTime(value, s.d.calendar().Zone())
	if !ok || at.Year() < 1900 || at.Year() > 2200 {
		return nil, refuse(ErrInvalidValue, "«%s»: нужна дата, например 25.11.2026", "%q: a date is needed, like 2026-11-25", stepName(step))
	}
	if bpmn.DateOnly(value) {
		return at.Format("2006-01-02"), nil
	}
	return plain(at), nil
}

// possible judges whether a step can be done now with an accepted value.
func (s sheet) possible(step *bpmn.Step, value any) error {
	if !s.exists(step) {
		return refuse(ErrNotAllowed, "Действие «%s» сейчас не нужно", "Step %q is not needed now", stepName(step))
	}
	if before := s.before(step); len(before) > 0 {
		r := refuse(ErrOutOfOrder, "Сначала выполните действия по порядку", "Do the steps before it first")
		r.Steps = before
		return r
	}
	if fault := s.fault(step, value); fault != nil {
		kind := ErrInvalidValue
		if fault.evidence {
			kind = ErrStepsMissing
		}
		r := refuse(kind, "%s", "%s", fault.Reason)
		r.MessageEn = fault.ReasonEn
		r.Steps = []MissingStep{fault.MissingStep}
		return r
	}
	return nil
}

// before lists the steps that a strict order wants first.
func (s sheet) before(step *bpmn.Step) []MissingStep {
	if s.e.Task.Order != bpmn.Strict {
		return nil
	}
	var missing []MissingStep
	for i := range s.e.Task.Steps {
		earlier := &s.e.Task.Steps[i]
		if earlier.ID == step.ID {
			break
		}
		if s.exists(earlier) && s.required(earlier, "") && !s.done(earlier) {
			missing = append(missing, notDone(earlier))
		}
	}
	return missing
}

// fault is what is wrong with a value or the evidence behind it.
type fault struct {
	MissingStep
	evidence bool
}

func (s sheet) fault(step *bpmn.Step, value any) *fault {
	m := MissingStep{ID: step.ID, Title: step.Title, TitleEn: step.TitleEn}
	if !s.holds(step.Validate, step, value) {
		m.Reason, m.ReasonEn = "«"+step.Title+"»: значение не подходит", fmt.Sprintf("%q: the value is not valid", cmp.Or(step.TitleEn, step.Title))
		if step.ValidateText != "" {
			m.Reason = "«" + step.Title + "»: " + step.ValidateText
		}
		return &fault{MissingStep: m}
	}
	if !s.holds(step.Evidence, step, value) {
		m.Reason = "«" + step.Title + "»: в истории лида нет подтверждения"
		m.ReasonEn = fmt.Sprintf("%q: the history of the lead does not show it", cmp.Or(step.TitleEn, step.Title))
		if step.EvidenceText != "" {
			m.Reason = "«" + step.Title + "»: " + step.EvidenceText
		}
		return &fault{MissingStep: m, evidence: true}
	}
	return nil
}

func notDone(step *bpmn.Step) MissingStep {
	return MissingStep{ID: step.ID, Title: step.Title, TitleEn: step.TitleEn, Reason: "не выполнено", ReasonEn: "not done"}
}

// outcome finds the outcome; "" chooses the only one.
func (s sheet) outcome(id string) (*bpmn.Outcome, error) {
	t := s.e.Task
	if id == "" && len(t.Outcomes) == 1 {
		id = t.Outcomes[0].ID
	}
	o := t.Outcome(id)
	if o == nil {
		labels := make([]called, len(t.Outcomes))
		for i := range t.Outcomes {
			labels[i] = outcomeName(&t.Outcomes[i])
		}
		return nil, refuse(ErrUnknownOutcome, "Выберите результат: %s", "Choose an outcome: %s", offered(labels))
	}
	if !s.available(o) {
		return nil, refuse(ErrNotAllowed, "Результат «%s» сейчас недоступен", "Outcome %q is not available now", outcomeName(o))
	}
	return o, nil
}

func (s sheet) available(o *bpmn.Outcome) bool {
	if o.When == nil {
		return true
	}
	yes, err := o.When.True(s.d.bind(s.outcomeSoFar()))
	return err == nil && yes
}

// complete refuses while a required step is missing or no longer holds.
func (s sheet) complete(o *bpmn.Outcome) error {
	missing := s.missing(o)
	if len(missing) == 0 {
		return nil
	}
	r := refuse(ErrStepsMissing, "Для результата «%s» не выполнены обязательные действия", "Required steps are missing for outcome %q", outcomeName(o))
	r.Steps = missing
	return r
}

func (s sheet) missing(o *bpmn.Outcome) []MissingStep {
	var missing []MissingStep
	for i := range s.e.Task.Steps {
		step := &s.e.Task.Steps[i]
		if !s.exists(step) {
			continue
		}
		mark := s.t.Step(step.ID)
		switch {
		case mark == nil && s.required(step, o.ID):
			missing = append(missing, notDone(step))
		case mark != nil && !mark.Skipped && s.required(step, o.ID):
			if fault := s.fault(step, mark.Value); fault != nil {
				missing = append(missing, fault.MissingStep)
			}
		}
	}
	return missing
}
