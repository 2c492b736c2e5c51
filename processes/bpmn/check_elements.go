package bpmn

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/sosodev/duration"
)

// names of the elements in Russian and English, for sentences about them.
var kindNames = map[Kind][2]string{
	StartEvent: {"начальное событие", "start event"}, EndEvent: {"завершающее событие", "end event"},
	CatchEvent: {"промежуточное событие", "intermediate event"}, ThrowEvent: {"промежуточное событие-отправитель", "throwing event"},
	BoundaryEvent: {"событие на границе", "boundary event"}, PlainTask: {"задача без вида", "task without a kind"},
	BusinessRuleTask: {"таблица решений", "business rule task"}, Transaction: {"транзакция", "transaction"},
	AdHocSubProcess: {"свободный подпроцесс", "ad-hoc sub-process"}, InclusiveGateway: {"включающий шлюз (ИЛИ)", "inclusive gateway"},
	ComplexGateway: {"сложный шлюз", "complex gateway"}, SubProcess: {"подпроцесс", "sub-process"},
	EventBasedGateway: {"шлюз по событию", "event-based gateway"},
}

var triggerNames = map[Trigger][2]string{
	TimerTrigger: {"по времени", "timer"}, MessageTrigger: {"по сообщению", "message"}, SignalTrigger: {"по сигналу", "signal"},
	ErrorTrigger: {"по ошибке", "error"}, EscalateTrigger: {"по эскалации", "escalation"}, ConditionTrigger: {"по условию", "conditional"},
	LinkTrigger: {"ссылка", "link"}, CompensateTrig: {"компенсация", "compensation"}, CancelTrigger: {"отмена", "cancel"},
	TerminateTrigger: {"прекращение", "terminate"},
}

var extraNames = map[string][2]string{
	"multiInstanceLoopCharacteristics": {"многократное выполнение", "multi-instance"},
	"standardLoopCharacteristics":      {"повтор в цикле", "a standard loop"},
	"triggeredByEvent":                 {"подпроцесс, который запускает событие,", "an event sub-process"},
	"isForCompensation":                {"компенсация", "compensation"},
	"startQuantity":                    {"startQuantity больше 1", "startQuantity other than 1"},
	"completionQuantity":               {"completionQuantity больше 1", "completionQuantity other than 1"},
	"multiple":                         {"несколько событий в одном", "several triggers in one event"},
	"parallelMultiple":                 {"несколько событий в одном", "several triggers in one event"},
	"eventDefinitionRef":               {"ссылка на общее событие", "a reference to a shared event definition"},
	"instantiate":                      {"запуск процесса этим элементом", "instantiation by this element"},
}

// Advice for the refused kinds.
var advice = map[Kind][2]string{
	PlainTask:        {"выберите вид: задача пользователя, сервисная или ручная", "choose a kind: user, service or manual task"},
	InclusiveGateway: {"замените его исключающим или параллельным", "use an exclusive or a parallel one"},
	ComplexGateway:   {"замените его исключающим или параллельным", "use an exclusive or a parallel one"},
	BusinessRuleTask: {"запишите правило условиями на стрелках исключающего шлюза", "write the rule as conditions behind an exclusive gateway"},
	Transaction:      {"используйте обычный подпроцесс", "use a plain sub-process"},
	AdHocSubProcess:  {"используйте задачу со списком действий в любом порядке", "use a task with a checklist in any order"},
}

func (c *checker) element(e *Element) {
	for _, extra := range e.extras {
		n := extraNames[extra]
		c.wrong(e, "«%[1]s»: %[2]s эта версия не исполняет", "%[1]q: %[3]s is not executed in this version", label(e), n[0], n[1])
	}
	switch {
	case e.Kind == StartEvent || e.Kind == EndEvent || e.Kind == CatchEvent || e.Kind == ThrowEvent || e.Kind == BoundaryEvent:
		c.event(e)
	case !slices.Contains(executed, e.Kind):
		c.refuse(e)
		return
	}
	if e.Parent >= 0 && c.p.Elements[e.Parent].Kind == SubProcess && slices.Contains(c.p.Elements[e.Parent].extras, "triggeredByEvent") {
		return
	}
	c.connected(e)
	c.sets(e, e.Sets)
	c.stage(e, e.Stage)
	switch e.Kind {
	case UserTask:
		c.task(e)
	case ServiceTask, SendTask:
		c.action(e)
	case ScriptTask:
		if len(e.Sets) == 0 {
			c.wrong(e, "У сценария «%s» нет ни одного присваивания (имя = значение)", "Script %q assigns nothing (name = value)", label(e))
		}
	case CallActivity:
		c.call(e)
	case ReceiveTask:
		c.message(e)
	case ExclusiveGateway:
		c.exclusive(e)
	case EventBasedGateway:
		c.eventBased(e)
	}
}

var executed = []Kind{UserTask, ServiceTask, SendTask, ReceiveTask, ScriptTask, ManualTask, CallActivity, SubProcess,
	ExclusiveGateway, ParallelGateway, EventBasedGateway}

func (c *checker) refuse(e *Element) {
	n, ok := kindNames[e.Kind]
	if !ok {
		n = [2]string{string(e.Kind), string(e.Kind)}
	}
	ru, en := "«%[1]s»: элемент «%[2]s» эта версия не исполняет", "%[1]q: a %[3]s is not executed in this version"
	if a, ok := advice[e.Kind]; ok {
		ru, en = ru+"; "+a[0], en+"; "+a[1]
	}
	c.wrong(e, ru, en, label(e), n[0], n[1])
}

// event refuses the triggers that are not executed at this place, and checks those that are.
func (c *checker) event(e *Element) {
	allowed := map[Kind][]Trigger{
		StartEvent: {NoTrigger}, EndEvent: {NoTrigger, TerminateTrigger}, CatchEvent: {TimerTrigger, MessageTrigger},
		ThrowEvent: {NoTrigger}, BoundaryEvent: {TimerTrigger, MessageTrigger},
	}
	if !slices.Contains(allowed[e.Kind], e.Trigger) {
		k, t := kindNames[e.Kind], triggerNames[e.Trigger]
		if e.Trigger == NoTrigger {
			t = [2]string{"без условия наступления", "without a trigger"}
		}
		c.wrong(e, "«%[1]s»: %[2]s «%[3]s» эта версия не исполняет", "%[1]q: a %[5]s %[4]s is not executed in this version", label(e), k[0], t[0], k[1], t[1])
		return
	}
	switch e.Trigger {
	case TimerTrigger:
		c.timer(e)
	case MessageTrigger:
		c.message(e)
	}
}

func (c *checker) message(e *Element) {
	if e.Message == "" {
		c.wrong(e, "«%s»: не указано, какое сообщение ждать", "%q: no message to wait for", label(e))
	} else if !known(c.env.Messages, e.Message) {
		c.warn(e, "«%s» ждёт сообщение «%s», которого никто не посылает", "%q waits for message %q, which nobody sends", label(e), e.Message)
	}
}

var timeOfDay = regexp.MustCompile(`^([01]?\d|2[0-3]):[0-5]\d$`)

func (c *checker) timer(e *Element) {
	t := e.Timer
	given := 0
	for _, x := range []*Expr{t.Duration, t.Date, t.Cycle} {
		if x != nil {
			given++
		}
	}
	if given != 1 {
		c.wrong(e, "«%s»: у таймера должно быть что-то одно: длительность, дата или период", "%q: a timer has exactly one of duration, date and cycle", label(e))
	}
	c.value(e, "Дата таймера", "Date of the timer", t.Date)
	c.duration(e, "Длительность таймера", "Duration of the timer", t.Duration)
	if t.At != nil {
		c.value(e, "Время суток таймера", "Time of day of the timer", t.At)
		if t.At.literal {
			c.clock(e, t.At.Source)
		}
	}
	if t.Cycle == nil {
		return
	}
	if e.Kind != BoundaryEvent || !e.NonInterrupted {
		c.wrong(e, "«%s»: период повторения исполняется только у непрерывающего события на границе", "%q: a cycle is executed on a non-interrupting boundary event only", label(e))
	}
	if _, _, err := ParseCycle(t.Cycle.Source); err != nil {
		c.wrong(e, "«%s»: период «%s» нужно записать как R3/PT1H, не короче минуты", "%q: write the cycle %q like R3/PT1H, not shorter than a minute", label(e), t.Cycle.Source)
	}
}

func (c *checker) clock(e *Element, at string) {
	if at != "" && !timeOfDay.MatchString(at) {
		c.wrong(e, "«%s»: время суток «%s» нужно записать как 10:00", "%q: write the time of day %q like 10:00", label(e), at)
	}
}

// duration checks a literal, or compiles an expression.
func (c *checker) duration(e *Element, what, whatEn string, x *Expr) {
	if x == nil {
		return
	}
	if !x.literal {
		c.value(e, what, whatEn, x)
		return
	}
	if !Duration(x.Source) {
		c.wrong(e, "%[1]s «%[3]s» нужно записать по ISO 8601: PT15M (15 минут), PT2H (2 часа), P1D (день)",
			"%[2]s %[3]q: write it in ISO 8601, like PT15M, PT2H or P1D", what, whatEn, x.Source)
	}
}

// Duration tells whether a text is an ISO 8601 duration that is not negative, of ten years at most, in whole days.
func Duration(iso string) bool {
	d, err := duration.Parse(iso)
	return err == nil && len(iso) < 40 && !strings.Contains(iso, "-") && iso != "P" && !strings.HasSuffix(iso, "T") && d.Days == math.Trunc(d.Days) && d.Weeks == math.Trunc(d.Weeks) &&
		d.Months == math.Trunc(d.Months) && d.Years == math.Trunc(d.Years) &&
		d.Years+d.Months/12+d.Weeks/52+d.Days/365+(d.Hours+d.Minutes/60+d.Seconds/3600)/8760 <= 10
}

// ParseCycle reads an ISO 8601 repeating interval: R3/PT1H is three times, R/P1D without end (-1).
func ParseCycle(s string) (times int, every string, err error) {
	m := cycle.FindStringSubmatch(s)
	if m == nil || !Duration(m[2]) {
		return 0, "", errCycle
	}
	if d, err := duration.Parse(m[2]); err != nil || d.ToTimeDuration() < minCycle {
		return 0, "", errCycle
	}
	times = -1
	if m[1] != "" {
		times = 0
		for _, r := range m[1] {
			times = times*10 + int(r-'0')
		}
	}
	if times == 0 {
		return 0, "", errCycle
	}
	return times, m[2], nil
}

// connected checks that the arrows make sense at the element itself; whole paths are the matter of scopes.
func (c *checker) connected(e *Element) {
	switch {
	case e.Kind == StartEvent && len(e.In) > 0:
		c.wrong(e, "В начальное событие «%s» не может входить стрелка", "No flow may enter the start event %q", label(e))
	case e.Kind == BoundaryEvent && len(e.In) > 0:
		c.wrong(e, "В событие на границе «%s» не может входить стрелка", "No flow may enter the boundary event %q", label(e))
	case e.Kind == EndEvent && len(e.Out) > 0:
		c.wrong(e, "Из завершения «%s» не может выходить стрелка", "No flow may leave the end event %q", label(e))
	case e.Kind != EndEvent && len(e.Out) == 0:
		c.wrong(e, "После «%s» путь обрывается: нужна стрелка дальше или завершающее событие", "The path breaks off after %q: draw a flow or an end event", label(e))
	}
}

func (c *checker) stage(e *Element, stage string) {
	if stage != "" && !known(c.env.Stages, stage) {
		c.wrong(e, "«%s»: нет этапа «%s»", "%q: there is no stage %q", label(e), stage)
	}
}

func (c *checker) call(e *Element) {
	switch {
	case e.Call.Process == "":
		c.wrong(e, "«%s»: не указано, какой процесс вызвать", "%q: no process to call", label(e))
	case !known(c.env.Processes, e.Call.Process):
		c.wrong(e, "«%s»: нет процесса «%s»", "%q: there is no process %q", label(e), e.Call.Process)
	}
	c.inputs(e, e.Call.Inputs)
}

func (c *checker) inputs(e *Element, inputs []Set) {
	for _, in := range inputs {
		c.value(e, "Значение для «"+in.Name+"»", "The value of "+in.Name, in.Value)
	}
}

func (c *checker) action(e *Element) {
	if e.Action == nil || e.Action.Name == "" {
		c.wrong(e, "«%s»: не указано действие (mr:action)", "%q: no action (mr:action)", label(e))
		return
	}
	spec, ok := c.env.actions()[e.Action.Name]
	if !ok {
		c.wrong(e, "«%s»: действие «%s» этой версии неизвестно", "%q: this version knows no action %q", label(e), e.Action.Name)
		return
	}
	e.Action.Delivery = spec.Delivery
	for _, name := range spec.Required {
		if e.Action.Param(name) == "" {
			c.wrong(e, "«%s»: у действия «%s» не задано «%s»", "%q: action %q lacks %q", label(e), e.Action.Name, name)
		}
	}
	if e.Action.Wait && !spec.Delivery {
		c.wrong(e, "«%s»: действие «%s» исполняется сразу, ждать его не нужно", "%q: action %q is done at once, there is nothing to wait for", label(e), e.Action.Name)
	}
	c.inputs(e, e.Action.Inputs)
	for _, param := range e.Action.Params {
		if !slices.Contains(spec.Required, param.Name) && !slices.Contains(spec.Optional, param.Name) {
			c.wrong(e, "«%s»: у действия «%s» нет параметра «%s»", "%q: action %q has no parameter %q", label(e), e.Action.Name, param.Name)
		}
		c.text(e, "Параметр «"+param.Name+"»", "Parameter "+param.Name, param.Text)
		if param.Text.Constant() {
			c.literal(e, e.Action.Name, param)
		}
	}
}

// literal checks the parameters that name something of ours.
func (c *checker) literal(e *Element, action string, p Param) {
	v := p.Text.Source
	ok := true
	switch p.Name {
	case "stage":
		ok = known(c.env.Stages, v)
	case "status":
		ok = slices.Contains(closings, v)
	case "role":
		ok = c.role(v)
	case "process":
		ok = known(c.env.Processes, v)
	case "field":
		ok = c.writable(v)
	case "reason":
		ok = action != "close" || known(c.env.LossReasons, v)
	}
	if !ok {
		c.wrong(e, "«%s»: параметр «%s» имеет неизвестное значение «%s»", "%q: parameter %q has the unknown value %q", label(e), p.Name, v)
	}
}

var closings = []string{"won", "lost", "junk"}

// exclusive checks that each token finds a way out.
func (c *checker) exclusive(e *Element) {
	if len(e.Out) < 2 {
		return
	}
	free := false // some flow may be taken whatever the outcome
	for _, out := range e.Out {
		f := &c.p.Flows[out]
		free = free || f.Condition != nil
		if f.Condition == nil && f.Outcome == "" && out != e.Default {
			c.wrong(e, "Стрелка «%[2]s» после «%[1]s» никогда не будет выбрана: у неё нет условия и она не названа как результат задачи",
				"Flow %[2]q behind %[1]q can never be taken: it has no condition and no outcome's name", label(e), cmp.Or(f.Name, f.ID))
		}
		if earlier := c.sameChoice(e, f); earlier != nil {
			c.warn(e, "Стрелка «%[2]s» после «%[1]s» никогда не будет выбрана: раньше неё стоит «%[3]s» с тем же условием",
				"Flow %[2]q behind %[1]q can never be taken: %[3]q stands before it with the same condition", label(e), cmp.Or(f.Name, f.ID), cmp.Or(earlier.Name, earlier.ID))
		}
	}
	if e.Default >= 0 {
		return
	}
	if c.outcomesCovered(e, free) && free {
		c.warn(e, "У шлюза «%s» нет пути по умолчанию: если ни одно условие не подойдёт, процесс остановится", "Gateway %q has no default flow: if no condition holds, the process stops", label(e))
	}
}

// sameChoice is a flow that is asked earlier and holds whenever f does.
func (c *checker) sameChoice(gate *Element, f *Flow) *Flow {
	for _, out := range gate.Out {
		earlier := &c.p.Flows[out]
		switch {
		case earlier == f:
			return nil
		case out == gate.Default || f.Index == gate.Default:
		case f.Condition != nil && earlier.Condition != nil && f.Condition.code == earlier.Condition.code,
			f.Condition == nil && earlier.Condition == nil && f.Outcome != "" && f.Outcome == earlier.Outcome:
			return earlier
		}
	}
	return nil
}

// outcomesCovered reports outcomes of the tasks before a gateway that no flow takes. A flow with a condition that names
// the outcome counts. It returns whether something beside the outcomes decides.
func (c *checker) outcomesCovered(gate *Element, free bool) (undecided bool) {
	for _, in := range gate.In {
		before := &c.p.Elements[c.p.Flows[in].Source]
		if before.Task == nil {
			undecided = true
			continue
		}
		for _, o := range before.Task.Outcomes {
			switch taken, named := c.takes(gate, o.ID); {
			case taken || named:
			case free:
				undecided = true
			default:
				c.wrong(gate, "Для результата «%[2]s» задачи «%[3]s» после шлюза «%[1]s» нет стрелки",
					"No flow behind %[1]q takes the outcome %[2]q of task %[3]q", label(gate), o.Label, label(before))
			}
		}
	}
	return undecided
}

func (c *checker) takes(gate *Element, outcome string) (taken, named bool) {
	for _, out := range gate.Out {
		f := &c.p.Flows[out]
		taken = taken || f.Outcome == outcome
		named = named || f.Condition != nil && (strings.Contains(f.Condition.Source, `"`+outcome+`"`) || strings.Contains(f.Condition.Source, `'`+outcome+`'`))
	}
	return taken, named
}

func (c *checker) eventBased(e *Element) {
	if len(e.Out) < 2 {
		c.wrong(e, "После шлюза по событию «%s» нужны хотя бы два события", "Event-based gateway %q needs two events behind it", label(e))
	}
	for _, out := range e.Out {
		to := &c.p.Elements[c.p.Flows[out].Target]
		catches := to.Kind == CatchEvent && (to.Trigger == TimerTrigger || to.Trigger == MessageTrigger) || to.Kind == ReceiveTask
		if !catches || len(to.In) != 1 {
			c.wrong(e, "После шлюза по событию «%[1]s» должно стоять событие времени или сообщения, и только после него: «%[2]s»",
				"Behind event-based gateway %[1]q stands a timer or message event, and behind it alone: %[2]q", label(e), label(to))
		}
	}
}
