package bpmn_test

import (
	"strings"
	"testing"

	"marshrut/processes/bpmn"
	"marshrut/processes/bpmn/bpmntest"
)

const frame = `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>`

// manager is a user task of the manager.
func manager(id string, extensions ...string) string {
	return `<bpmn:userTask id="` + id + `" name="` + id + `"><bpmn:extensionElements><mr:assignment role="manager"/><mr:deadline due="PT1H"/>` +
		strings.Join(extensions, "") + `</bpmn:extensionElements></bpmn:userTask>`
}

func check(t *testing.T, elements string, flows ...string) []bpmn.Problem {
	t.Helper()
	return bpmn.Check(parse(t, bpmntest.XML("p", elements, flows...)), bpmntest.Environment())
}

// wants looks for one problem of an element with words in it.
func wants(t *testing.T, problems []bpmn.Problem, s bpmn.Severity, element, words string) {
	t.Helper()
	for _, p := range problems {
		if p.Element == element && p.Severity == s && strings.Contains(p.Message, words) {
			return
		}
	}
	t.Errorf("no %s of %s with «%s» in %+v", s, element, words, problems)
}

func TestAGoodModelHasNoProblem(t *testing.T) {
	if problems := check(t, frame+manager("a"), "s>a", "a>e"); len(problems) != 0 {
		t.Errorf("got %+v", problems)
	}
}

func TestWhatIsNotExecutedIsRefusedByName(t *testing.T) {
	catch := func(def string) string {
		return `<bpmn:intermediateCatchEvent id="x" name="Икс">` + def + `</bpmn:intermediateCatchEvent>`
	}
	for words, element := range map[string]string{
		"включающий шлюз (ИЛИ)":          `<bpmn:inclusiveGateway id="x" name="Икс"/>`,
		"сложный шлюз":                   `<bpmn:complexGateway id="x" name="Икс"/>`,
		"задача без вида":                `<bpmn:task id="x" name="Икс"/>`,
		"таблица решений":                `<bpmn:businessRuleTask id="x" name="Икс"/>`,
		"транзакция":                     `<bpmn:transaction id="x" name="Икс"/>`,
		"свободный подпроцесс":           `<bpmn:adHocSubProcess id="x" name="Икс"/>`,
		"подпроцесс, который запускает":  `<bpmn:subProcess id="x" name="Икс" triggeredByEvent="true"/>`,
		"многократное выполнение":        `<bpmn:manualTask id="x" name="Икс"><bpmn:multiInstanceLoopCharacteristics/></bpmn:manualTask>`,
		"повтор в цикле":                 `<bpmn:manualTask id="x" name="Икс"><bpmn:standardLoopCharacteristics/></bpmn:manualTask>`,
		"компенсация":                    `<bpmn:manualTask id="x" name="Икс" isForCompensation="true"/>`,
		"startQuantity":                  `<bpmn:manualTask id="x" name="Икс" startQuantity="2"/>`,
		"по сигналу":                     catch(`<bpmn:signalEventDefinition/>`),
		"по условию":                     catch(`<bpmn:conditionalEventDefinition/>`),
		"ссылка":                         catch(`<bpmn:linkEventDefinition/>`),
		"без условия наступления":        catch(``),
		"несколько событий в одном":      catch(`<bpmn:messageEventDefinition mr:message="m"/><bpmn:timerEventDefinition/>`),
		"callChoreography":               `<bpmn:callChoreography id="x" name="Икс"/>`,
		"промежуточное событие-отправит": `<bpmn:intermediateThrowEvent id="x" name="Икс"><bpmn:messageEventDefinition/></bpmn:intermediateThrowEvent>`,
	} {
		t.Run(words, func(t *testing.T) {
			problems := check(t, frame+element, "s>x", "x>e")
			wants(t, problems, bpmn.Error, "x", words)
			wants(t, problems, bpmn.Error, "x", "Икс")
		})
	}
	wants(t, check(t, `<bpmn:startEvent id="s"><bpmn:timerEventDefinition/></bpmn:startEvent><bpmn:endEvent id="e"/>`, "s>e"), bpmn.Error, "s", "по времени")
	wants(t, check(t, `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"><bpmn:errorEventDefinition/></bpmn:endEvent>`, "s>e"), bpmn.Error, "e", "по ошибке")
}

func TestUnsoundModelsAreRefused(t *testing.T) {
	xor, and := `<bpmn:exclusiveGateway id="g"/>`, `<bpmn:parallelGateway id="j"/>`
	for name, c := range map[string]struct {
		elements string
		flows    []string
		element  string
		words    string
	}{
		"join behind an exclusive split": {frame + xor + and + manager("a") + manager("b"), []string{"s>g", "g>a: lead.amount > 1", "g>b: lead.amount <= 1", "a>j", "b>j", "j>e"}, "j", "ждать вечно"},
		"join that a boundary event robs": {frame + and + `<bpmn:parallelGateway id="f"/>` + manager("a") + manager("b") +
			`<bpmn:boundaryEvent id="x" attachedToRef="a"><bpmn:messageEventDefinition mr:message="m"/></bpmn:boundaryEvent><bpmn:endEvent id="e2"/>`,
			[]string{"s>f", "f>a", "f>b", "a>j", "b>j", "j>e", "x>e2"}, "j", "ждать вечно"},
		"join in its own loop": {frame + xor + and + manager("a"), []string{"s>j", "j>a", "a>g", "g>j: lead.amount > 1", "g>e: lead.amount <= 1"}, "j", "ждать вечно"},
		"no way on":            {frame + manager("a") + manager("b") + xor, []string{"s>g", "g>a: lead.amount > 1", "g>b: lead.amount <= 1", "a>e"}, "b", "обрывается"},
		"loop without an end":  {frame + manager("a") + manager("b") + manager("c"), []string{"s>a", "a>b", "b>a", "c>e"}, "a", "нельзя дойти до завершения"},
		"unreachable":          {frame + manager("a") + manager("b"), []string{"s>a", "a>e", "b>e"}, "b", "нельзя дойти от начала"},
		"no start":             {`<bpmn:endEvent id="e"/>` + manager("a"), []string{"a>e"}, "p", "нет простого начального события"},
		"two starts":           {frame + `<bpmn:startEvent id="s2"/>` + manager("a"), []string{"s>a", "s2>a", "a>e"}, "p", "несколько начальных"},
		"into a start":         {frame + manager("a"), []string{"s>a", "a>s", "back a>e"}, "s", "не может входить"},
		"out of an end":        {frame + manager("a"), []string{"s>a", "a>e", "e>a"}, "e", "не может выходить"},
		"across a sub-process": {frame + manager("a") + `<bpmn:subProcess id="x"><bpmn:startEvent id="xs"/>` + manager("xa") + `<bpmn:endEvent id="xe"/></bpmn:subProcess>`,
			[]string{"s>x", "x>e", "xs>xa", "bad xa>a", "xa>xe", "a>e"}, "bad", "пересекает границу"},
		"empty sub-process": {frame + `<bpmn:subProcess id="x"/>`, []string{"s>x", "x>e"}, "x", "нет простого начального события"},
	} {
		t.Run(name, func(t *testing.T) { wants(t, check(t, c.elements, c.flows...), bpmn.Error, c.element, c.words) })
	}
}

func TestSoundModelsWithLoopsAndTerminateAreAccepted(t *testing.T) {
	for name, c := range map[string]struct {
		elements string
		flows    []string
	}{
		"a loop through a task": {frame + manager("a") + `<bpmn:exclusiveGateway id="g" default="g_a"/>`, []string{"s>a", "a>g", "g>e: lead.amount > 1", "g>a"}},
		"parallel branches with a loop inside": {frame + manager("a") + manager("b") + `<bpmn:parallelGateway id="f"/><bpmn:parallelGateway id="j"/><bpmn:exclusiveGateway id="g" default="g_j"/>`,
			[]string{"s>f", "f>a", "f>b", "a>g", "g>a: lead.amount > 1", "g>j", "b>j", "j>e"}},
		"terminate beside a branch": {frame + manager("a") + manager("b") + `<bpmn:parallelGateway id="f"/><bpmn:endEvent id="x"><bpmn:terminateEventDefinition/></bpmn:endEvent>`,
			[]string{"s>f", "f>a", "f>b", "a>e", "b>x"}},
		"a reminder beside a task in a loop": {frame + manager("a") + `<bpmn:exclusiveGateway id="g" default="g_a"/><bpmn:manualTask id="m"/><bpmn:endEvent id="e2"/>` +
			`<bpmn:boundaryEvent id="x" attachedToRef="a" cancelActivity="false"><bpmn:timerEventDefinition><bpmn:timeCycle>R/PT1H</bpmn:timeCycle></bpmn:timerEventDefinition></bpmn:boundaryEvent>`,
			[]string{"s>a", "a>g", "g>e: lead.amount > 1", "g>a", "x>m", "m>e2"}},
	} {
		t.Run(name, func(t *testing.T) {
			if problems := check(t, c.elements, c.flows...); len(problems) != 0 {
				t.Errorf("got %+v", problems)
			}
		})
	}
}

func TestTokensThatMultiplyAreWarnedOf(t *testing.T) {
	problems := check(t, frame+manager("a")+`<bpmn:parallelGateway id="f"/><bpmn:exclusiveGateway id="m"/>`, "s>m", "m>f", "f>a", "back f>m", "a>e")
	wants(t, problems, bpmn.Warning, "a", "несколько веток")
}

func TestAConditionThatNamesNoFieldIsRefusedWithTheFieldAndAGuess(t *testing.T) {
	problems := check(t, frame+manager("a")+`<bpmn:exclusiveGateway id="g" default="g_e"/>`, "s>g", "f g>a: lead.amont > 1000", "g>e", "a>e")
	wants(t, problems, bpmn.Error, "f", "нет такого поля: «amont»")
	wants(t, problems, bpmn.Error, "f", "lead.amount")
}

func TestConditionsAreChecked(t *testing.T) {
	for condition, words := range map[string]string{
		"lead.title > 5": "разные вещи", "lead.amount": "«да» или «нет»", "lead.amount >": "не удалось прочитать",
		"now() > lead.created_at": "не удалось", "foo(1)": "«foo»", "vars.x == 1": "«x»", "steps.x == '1'": "«x»",
		strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100): "не удалось", "true or " + strings.Repeat("not ", 5000) + "true": "не удалось",
	} {
		problems := check(t, frame+manager("a")+`<bpmn:exclusiveGateway id="g" default="g_e"/>`, "s>g", "f g>a: "+condition, "g>e", "a>e")
		wants(t, problems, bpmn.Error, "f", words)
	}
}

func TestForeignConditionsAreTranslated(t *testing.T) {
	for _, condition := range []string{`${lead.amount > 1000}`, `#{lead.amount eq 5}`, `= lead.title = "x" and not(lead.amount = 5)`,
		`=lead.title != null`, `${lead.title == 'a=b'}`, `= lead.amount >= 5 or lead.amount <= 1`} {
		if problems := check(t, frame+manager("a")+`<bpmn:exclusiveGateway id="g" default="g_e"/>`, "s>g", "f g>a: "+condition, "g>e", "a>e"); len(problems) != 0 {
			t.Errorf("%s: %+v", condition, problems)
		}
	}
}

func TestMistakesInATaskAreNamed(t *testing.T) {
	for words, ext := range map[string]string{
		"нет такого поля: «amnt»":       `<mr:checklist><mr:step id="x" title="X" kind="input" validate="lead.amnt == 1"/></mr:checklist>`,
		"встречается дважды":            `<mr:checklist><mr:step id="x" title="X"/><mr:step id="x" title="Y"/></mr:checklist>`,
		"неизвестный вид":               `<mr:checklist><mr:step id="x" title="X" kind="dance"/></mr:checklist>`,
		"не из чего выбирать":           `<mr:checklist><mr:step id="x" title="X" kind="choice"/></mr:checklist>`,
		"нет названия":                  `<mr:checklist><mr:step id="x"/></mr:checklist>`,
		"не из латинских букв":          `<mr:checklist><mr:step id="бюджет" title="X"/></mr:checklist>`,
		"записывает поле":               `<mr:checklist><mr:step id="x" title="X" kind="input" field="lead.nothing"/></mr:checklist>`,
		"такого результата нет":         `<mr:checklist><mr:step id="x" title="X" requiredFor="nothing"/></mr:checklist>`,
		"порядок действий":              `<mr:checklist order="dag"/>`,
		"закрывает лид без причины":     `<mr:outcome id="x" label="X" closes="lost"/>`,
		"можно won, lost, junk":         `<mr:outcome id="x" label="X" closes="gone"/>`,
		"или он занят":                  `<mr:outcome id="x" label="X"/><mr:outcome id="x" label="Y"/>`,
		"такой роли нет":                `<mr:skip role="nobody"/>`,
		"эскалация переназначает":       `<mr:escalation action="reassign" to="somebody"/>`,
		"эскалация уведомляет":          `<mr:escalation action="notify" to="mode:roundRobin"/>`,
		"действие эскалации «throw»":    `<mr:escalation action="throw" to="role:head"/>`,
		"ISO 8601, например":            `<mr:escalation after="15 минут" action="notify" to="role:head"/>`,
		"ISO 8601: PT15M":               `<mr:deadline due="завтра"/>`,
		"неизвестный способ назначения": `<mr:assignment role="manager" mode="random"/>`,
		"Неизвестная настройка":         `<mr:nonsense/>`,
		"Нельзя присвоить":              `<mr:outcome id="x" label="X"><mr:set name="n" value="1"/></mr:outcome>`,
		"время суток":                   `<mr:deadline due="P1D" at="25:00"/>`,
		"календарь":                     `<mr:deadline due="P1D" calendar="lunar"/>`,
		"Подсказка":                     `<mr:hint>{{lead.amnt}}</mr:hint>`,
	} {
		t.Run(words, func(t *testing.T) {
			wants(t, check(t, frame+manager("a", ext), "s>a", "a>e"), bpmn.Error, "a", words)
		})
	}
}

func TestATaskThatNobodyCanDoIsRefused(t *testing.T) {
	wants(t, check(t, frame+`<bpmn:userTask id="a" name="A"/>`, "s>a", "a>e"), bpmn.Error, "a", "некому выполнять")
	wants(t, check(t, frame+`<bpmn:userTask id="a" name="A"><bpmn:extensionElements><mr:assignment role="boss"/></bpmn:extensionElements></bpmn:userTask>`, "s>a", "a>e"), bpmn.Error, "a", "«boss»")
	wants(t, check(t, `<bpmn:laneSet id="l"><bpmn:lane id="l1" name="Кто-то" mr:role="boss"/></bpmn:laneSet>`+frame+manager("a"), "s>a", "a>e"), bpmn.Error, "l1", "«boss»")
}

func TestATaskWithoutADeadlineIsWarnedOf(t *testing.T) {
	wants(t, check(t, frame+`<bpmn:userTask id="a" name="A"><bpmn:extensionElements><mr:assignment role="head"/></bpmn:extensionElements></bpmn:userTask>`, "s>a", "a>e"), bpmn.Warning, "a", "нет срока")
}

func TestOutcomesWithoutAFlowAreRefused(t *testing.T) {
	outcomes := `<mr:outcome id="yes" label="Да"/><mr:outcome id="no" label="Нет"/>`
	problems := check(t, frame+manager("a", outcomes)+manager("b")+`<bpmn:exclusiveGateway id="g"/>`, "s>a", "a>g", "g>b = Да", "other g>e = Не знаю", "b>e")
	wants(t, problems, bpmn.Error, "g", "Для результата «Нет»")
	wants(t, problems, bpmn.Error, "g", "«Не знаю»")
	fine := check(t, frame+manager("a", outcomes)+manager("b")+`<bpmn:exclusiveGateway id="g"/>`, "s>a", "a>g", "g>b = Да", `g>e: outcome == "no"`, "b>e")
	if len(fine) != 0 {
		t.Errorf("got %+v", fine)
	}
}

func TestAGatewayThatMayFindNoWayIsWarnedOf(t *testing.T) {
	problems := check(t, frame+manager("a")+`<bpmn:exclusiveGateway id="g"/>`, "s>g", "g>a: lead.amount > 1", "g>e: lead.amount < 0", "a>e")
	wants(t, problems, bpmn.Warning, "g", "нет пути по умолчанию")
}

func TestAFlowThatAnEarlierOneForestallsIsWarnedOf(t *testing.T) {
	problems := check(t, frame+manager("a")+manager("b")+`<bpmn:exclusiveGateway id="g" default="g_e"/>`, "s>g", "g>a: lead.amount > 1", "g>b: lead.amount > 1", "g>e", "a>e", "b>e")
	wants(t, problems, bpmn.Warning, "g", "с тем же условием")
}

func TestAConditionThatAsksNothingIsWarnedOf(t *testing.T) {
	problems := check(t, frame+manager("a")+`<bpmn:exclusiveGateway id="g" default="g_e"/>`, "s>g", "f g>a: 1 < 2", "g>e", "a>e")
	wants(t, problems, bpmn.Warning, "f", "ни об одном поле")
}

func TestServiceTasksAreChecked(t *testing.T) {
	service := func(action string) string {
		return `<bpmn:serviceTask id="x" name="Икс"><bpmn:extensionElements>` + action + `</bpmn:extensionElements></bpmn:serviceTask>`
	}
	env := bpmntest.Environment()
	env.Stages, env.LossReasons, env.Processes = []string{"new"}, []string{"other"}, []string{"p"}
	for words, element := range map[string]string{
		"не указано действие":      `<bpmn:serviceTask id="x" name="Икс"/>`,
		"действие «dance»":         service(`<mr:action name="dance"/>`),
		"не задано «stage»":        service(`<mr:action name="set-stage"/>`),
		"значение «nowhere»":       service(`<mr:action name="set-stage" stage="nowhere"/>`),
		"значение «gone»":          service(`<mr:action name="close" status="gone"/>`),
		"значение «because»":       service(`<mr:action name="close" status="lost" reason="because"/>`),
		"значение «nobody»":        service(`<mr:action name="notify" text="x" role="nobody"/>`),
		"нет параметра «color»":    service(`<mr:action name="notify" text="x" color="red"/>`),
		"ждать его не нужно":       service(`<mr:action name="notify" text="x" wait="true"/>`),
		"нет такого поля: «titel»": service(`<mr:action name="notify" text="{{lead.titel}}"/>`),
		"ни одного присваивания":   `<bpmn:scriptTask id="x" name="Икс"/>`,
		"Нельзя присвоить «n»":     `<bpmn:scriptTask id="x" name="Икс"><bpmn:script>n = 1</bpmn:script></bpmn:scriptTask>`,
		"какой процесс вызвать":    `<bpmn:callActivity id="x" name="Икс"/>`,
		"нет процесса «q»":         `<bpmn:callActivity id="x" name="Икс" calledElement="q"/>`,
		"какое сообщение ждать":    `<bpmn:receiveTask id="x" name="Икс"/>`,
		"действует только":         `<bpmn:manualTask id="x" name="Икс"><bpmn:extensionElements><mr:call process="p"/></bpmn:extensionElements></bpmn:manualTask>`,
	} {
		t.Run(words, func(t *testing.T) {
			wants(t, bpmn.Check(parse(t, bpmntest.XML("p", frame+element, "s>x", "x>e")), env), bpmn.Error, "x", words)
		})
	}
}

func TestTimersAreChecked(t *testing.T) {
	for words, def := range map[string]string{
		"что-то одно":          `<bpmn:timerEventDefinition/>`,
		"ISO 8601":             `<bpmn:timerEventDefinition><bpmn:timeDuration>15m</bpmn:timeDuration></bpmn:timerEventDefinition>`,
		"период повторения":    `<bpmn:timerEventDefinition><bpmn:timeCycle>R/PT1H</bpmn:timeCycle></bpmn:timerEventDefinition>`,
		"не короче минуты":     `<bpmn:timerEventDefinition><bpmn:timeCycle>R/PT1S</bpmn:timeCycle></bpmn:timerEventDefinition>`,
		"время суток":          `<bpmn:timerEventDefinition mr:at="10"><bpmn:timeDuration>P1D</bpmn:timeDuration></bpmn:timerEventDefinition>`,
		"нет такого поля: «z»": `<bpmn:timerEventDefinition><bpmn:timeDate>steps.z</bpmn:timeDate></bpmn:timerEventDefinition>`,
	} {
		problems := check(t, frame+`<bpmn:intermediateCatchEvent id="x" name="X">`+def+`</bpmn:intermediateCatchEvent>`, "s>x", "x>e")
		wants(t, problems, bpmn.Error, "x", words)
	}
}

func TestMistakesOfTheDrawingAreNamed(t *testing.T) {
	wants(t, check(t, frame+manager("a")+manager("a"), "s>a", "a>e"), bpmn.Error, "a", "встречается дважды")
	wants(t, check(t, frame+manager("a"), "s>a", "a>e", "f a>nowhere"), bpmn.Error, "f", "никуда не ведёт")
	wants(t, check(t, frame+manager("a")+`<bpmn:exclusiveGateway id="g" default="s_g"/>`, "s>g", "g>a: lead.amount > 1", "g>e: lead.amount < 1", "a>e"), bpmn.Error, "g", "по умолчанию")
	wants(t, check(t, frame+manager("a")+`<bpmn:boundaryEvent id="x" attachedToRef="s"><bpmn:messageEventDefinition mr:message="m"/></bpmn:boundaryEvent>`, "s>a", "a>e", "x>e"), bpmn.Error, "x", "не прикреплено")
	wants(t, check(t, frame+`<bpmn:eventBasedGateway id="g"/>`+manager("a")+manager("b"), "s>g", "g>a", "g>b", "a>e", "b>e"), bpmn.Error, "g", "событие времени или сообщения")
	wants(t, bpmn.Check(parse(t, bpmntest.XML("p", "")), bpmntest.Environment()), bpmn.Error, "", "нет ни одного процесса")
	wants(t, check(t, `<bpmn:extensionElements><mr:var name="n" type="colour"/></bpmn:extensionElements>`+frame, "s>e"), bpmn.Error, "p", "неизвестный тип")
}

func TestTheSameStepWithAnotherTypeOfValueIsRefused(t *testing.T) {
	problems := check(t, frame+manager("a", `<mr:checklist><mr:step id="x" title="X" kind="date"/></mr:checklist>`)+
		manager("b", `<mr:checklist><mr:step id="x" title="X" kind="input"/></mr:checklist>`), "s>a", "a>b", "b>e")
	wants(t, problems, bpmn.Error, "b", "с другим видом значения")
}
