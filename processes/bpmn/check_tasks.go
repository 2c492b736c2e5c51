package bpmn

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
)

// task checks a user task: somebody can do it, and each rule of its checklist can be checked.
func (c *checker) task(e *Element) {
	t := e.Task
	c.text(e, "Название", "The name", t.Title)
	c.text(e, "Подсказка", "The hint", t.Hint)
	if e.Name == "" {
		c.warn(e, "У задачи «%s» нет названия: исполнитель не поймёт, что делать", "Task %q has no name", e.ID)
	}
	c.assignment(e, &t.Assignment)
	c.deadline(e, t)
	c.checklist(e, t)
	c.outcomes(e, t)
	c.value(e, "Важность", "Priority", t.Priority)
	for _, role := range t.Skip.Roles {
		if !c.role(role) {
			c.wrong(e, "«%s»: пропускать шаги разрешено роли «%s», а такой роли нет", "%q: role %q may skip steps, and does not exist", label(e), role)
		}
	}
}

// assignment fills in the role of the lane.
func (c *checker) assignment(e *Element, a *Assignment) {
	if a.Role == "" && e.Lane >= 0 {
		a.Role = c.p.Lanes[e.Lane].Role
	}
	if a.Mode == "" {
		a.Mode = RoundRobin
	}
	switch {
	case a.Role == "" && a.Mode != Owner && a.Mode != Familiar:
		c.wrong(e, "Задачу «%s» некому выполнять: нет роли ни у неё, ни у дорожки", "Nobody can do task %q: neither it nor its lane has a role", label(e))
	case a.Role != "" && !c.role(a.Role):
		c.wrong(e, "Задача «%s» назначена роли «%s», а такой роли нет", "Task %q is for role %q, which does not exist", label(e), a.Role)
	}
	if a.FallbackRole != "" && !c.role(a.FallbackRole) {
		c.wrong(e, "«%s»: нет роли «%s»", "%q: there is no role %q", label(e), a.FallbackRole)
	}
	if !slices.Contains(modes, a.Mode) {
		c.wrong(e, "«%s»: неизвестный способ назначения «%s»", "%q: unknown mode of assignment %q", label(e), a.Mode)
	}
}

func (c *checker) deadline(e *Element, t *Task) {
	d := t.Deadline
	c.duration(e, "Срок начала", "Start by", d.StartBy)
	c.duration(e, "Срок исполнения", "Due", d.Due)
	c.duration(e, "Напоминание", "Reminder", d.WarnAt)
	c.value(e, "Срок исполнения", "Due", d.DueFrom)
	c.clock(e, d.At)
	if d.Calendar != "" && d.Calendar != "always" {
		c.wrong(e, "«%s»: календарь «%s» неизвестен; оставьте пустым (рабочее время) или укажите always", "%q: unknown calendar %q; leave it empty (working time) or write always", label(e), d.Calendar)
	}
	if d.None() {
		c.warn(e, "У задачи «%s» нет срока: о ней никто не напомнит", "Task %q has no deadline: nobody will be reminded", label(e))
	}
	for _, level := range t.Escalations {
		c.escalation(e, d, level)
	}
}

func (c *checker) escalation(e *Element, d Deadline, level Escalation) {
	if d.None() {
		c.wrong(e, "«%s»: эскалация считается от срока, а срока нет", "%q: escalation counts from the deadline, and there is none", label(e))
	}
	if !Duration(level.After) {
		c.wrong(e, "«%s»: «%s» в эскалации нужно записать по ISO 8601, например PT15M", "%q: write %q of the escalation in ISO 8601, like PT15M", label(e), level.After)
	}
	kind, who, _ := strings.Cut(level.To, ":")
	role := kind == "role" && who != "" && c.role(who)
	switch level.Action {
	case EscalateNotify:
		if !role && level.To != "owner" {
			c.wrong(e, "«%s»: эскалация уведомляет «%s»; нужно role:РОЛЬ или owner", "%q: escalation notifies %q; write role:ROLE or owner", label(e), level.To)
		}
	case EscalateReassign:
		mode := kind == "mode" && (Mode(who) == RoundRobin || Mode(who) == LeastLoaded)
		if !role && !mode {
			c.wrong(e, "«%s»: эскалация переназначает «%s»; нужно role:РОЛЬ, mode:roundRobin или mode:leastLoaded", "%q: escalation reassigns to %q; write role:ROLE, mode:roundRobin or mode:leastLoaded", label(e), level.To)
		}
	default:
		c.wrong(e, "«%s»: действие эскалации «%s» эта версия не исполняет", "%q: escalation action %q is not executed in this version", label(e), level.Action)
	}
}

func (c *checker) checklist(e *Element, t *Task) {
	if t.Order != Strict && t.Order != AnyOrder {
		c.wrong(e, "«%s»: порядок действий «%s» неизвестен: strict или any", "%q: unknown order of steps %q: strict or any", label(e), t.Order)
	}
	for i := range t.Steps {
		s := &t.Steps[i]
		if !identifier(s.ID) {
			c.wrong(e, "«%s»: у действия «%s» идентификатор «%s» не из латинских букв, цифр и _", "%q: step %q has the id %q, not of letters, digits and _", label(e), s.Title, s.ID)
		}
		if slices.IndexFunc(t.Steps, func(o Step) bool { return o.ID == s.ID }) != i {
			c.wrong(e, "«%s»: действие «%s» встречается дважды", "%q: step %q occurs twice", label(e), s.ID)
		}
		c.step(e, t, s)
	}
}

func (c *checker) step(e *Element, t *Task, s *Step) {
	name := cmp.Or(s.Title, s.ID)
	if s.Title == "" {
		c.wrong(e, "«%s»: у действия «%s» нет названия", "%q: step %q has no title", label(e), s.ID)
	}
	if !slices.Contains(stepKinds, s.Kind) {
		c.wrong(e, "«%s»: у действия «%s» неизвестный вид «%s»", "%q: step %q is of the unknown kind %q", label(e), name, s.Kind)
	}
	if s.Kind == Choice && len(s.Values) == 0 {
		c.wrong(e, "«%s»: в действии «%s» не из чего выбирать", "%q: step %q has nothing to choose from", label(e), name)
	}
	for _, id := range s.RequiredFor {
		if t.Outcome(id) == nil {
			c.wrong(e, "«%s»: действие «%s» обязательно для результата «%s», а такого результата нет", "%q: step %q is required for outcome %q, which does not exist", label(e), name, id)
		}
	}
	if s.Field != "" && !c.writable(s.Field) {
		c.wrong(e, "«%s»: действие «%s» записывает поле «%s», а такого поля нет", "%q: step %q writes the field %q, which does not exist", label(e), name, s.Field)
	}
	if other := c.sameStep(e, s); other != nil {
		c.wrong(e, "«%s»: действие «%s» есть и в задаче «%s» с другим видом значения; назовите его иначе", "%q: step %q is also in task %q with another type of value; give it another id", label(e), s.ID, label(other))
	}
	c.condition(e, "Условие действия «"+name+"»", "Condition of step "+name, s.When)
	c.condition(e, "Обязательность действия «"+name+"»", "Requirement of step "+name, s.RequiredWhen)
	c.condition(e, "Подтверждение действия «"+name+"»", "Evidence of step "+name, s.Evidence)
	n := c.p.names
	n.typed = maps.Clone(n.typed)
	n.typed["value"] = exprType(s.Type())
	c.compile(e, "Проверка действия «"+name+"»", "Validation of step "+name, s.Validate, n, expr.AsBool())
}

// sameStep finds an earlier task with a step of the same id and another type: steps.ID would mean two things.
func (c *checker) sameStep(e *Element, s *Step) *Element {
	for i := range c.p.Elements[:e.Index] {
		other := &c.p.Elements[i]
		if other.Task == nil {
			continue
		}
		if o := other.Task.Step(s.ID); o != nil && o.Type() != s.Type() {
			return other
		}
	}
	return nil
}

func (c *checker) outcomes(e *Element, t *Task) {
	for i, o := range t.Outcomes {
		if o.ID == "" || slices.IndexFunc(t.Outcomes, func(x Outcome) bool { return x.ID == o.ID }) != i {
			c.wrong(e, "«%s»: у результата «%s» нет идентификатора, или он занят", "%q: outcome %q has no id, or a taken one", label(e), o.Label)
		}
		if o.Closes != "" && !slices.Contains(closings, o.Closes) {
			c.wrong(e, "«%s»: результат «%s» закрывает лид как «%s»; можно won, lost, junk", "%q: outcome %q closes as %q; it can be won, lost or junk", label(e), o.Label, o.Closes)
		}
		if o.Toward != "" && !slices.Contains(closings, o.Toward) {
			c.wrong(e, "«%s»: результат «%s» ведёт к закрытию «%s»; можно won, lost, junk", "%q: outcome %q leads toward %q; it can be won, lost or junk", label(e), o.Label, o.Toward)
		}
		if (o.Closes == "lost" || o.Closes == "junk") && o.Reason == nil {
			c.wrong(e, "«%s»: результат «%s» закрывает лид без причины", "%q: outcome %q closes without a reason", label(e), o.Label)
		}
		if o.Reason != nil && o.Reason.Constant() && !known(c.env.LossReasons, o.Reason.Source) {
			c.wrong(e, "«%s»: нет причины «%s»", "%q: there is no reason %q", label(e), o.Reason.Source)
		}
		c.text(e, "Причина результата «"+o.Label+"»", "Reason of outcome "+o.Label, o.Reason)
		c.text(e, "Пояснение результата «"+o.Label+"»", "Comment of outcome "+o.Label, o.Comment)
		c.condition(e, "Условие результата «"+o.Label+"»", "Condition of outcome "+o.Label, o.When)
		c.stage(e, o.Stage)
		c.sets(e, o.Sets)
	}
}
