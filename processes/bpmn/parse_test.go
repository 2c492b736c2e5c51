package bpmn_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"marshrut/internal/corpustest"
	"marshrut/processes/bpmn"
	"marshrut/processes/bpmn/bpmntest"
)

const simple = `<bpmn:startEvent id="s"/><bpmn:userTask id="a" name="Позвонить"><bpmn:extensionElements><mr:assignment role="manager"/><mr:deadline due="PT1H"/></bpmn:extensionElements></bpmn:userTask><bpmn:endEvent id="e"/>`

func parse(t testing.TB, file string) *bpmn.Model {
	t.Helper()
	m, err := bpmn.Parse(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAFileIsReadInTheEncodingsPeopleSave(t *testing.T) {
	file := bpmntest.XML("p", simple, "s>a", "a>e")
	utf16, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(strings.Replace(file, "UTF-8", "UTF-16", 1))
	cp1251, _ := charmap.Windows1251.NewEncoder().String(strings.Replace(file, "UTF-8", "windows-1251", 1))
	koi8, _ := charmap.KOI8R.NewEncoder().String(strings.Replace(file, "UTF-8", "KOI8-R", 1))
	for name, raw := range map[string]string{"utf-8": file, "bom": "\xEF\xBB\xBF" + file, "utf-16": utf16, "windows-1251": cp1251, "koi8-r": koi8} {
		if got := parse(t, raw).Main().Element("a").Name; got != "Позвонить" {
			t.Errorf("%s: name %q", name, got)
		}
	}
	latin, _ := charmap.ISO8859_1.NewEncoder().String(strings.NewReplacer("UTF-8", "ISO-8859-1", "Позвонить", "Überprüfen").Replace(file))
	if got := parse(t, latin).Main().Element("a").Name; got != "Überprüfen" {
		t.Errorf("iso-8859-1: name %q", got)
	}
}

func TestWhatIsNotBPMNIsRefusedAndSaysSo(t *testing.T) {
	deep := strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200)
	laughs := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><lolz>&lol2;</lolz>`
	for name, file := range map[string]string{
		"empty": "", "text": "hello", "html": "<html></html>", "cut off": bpmntest.XML("p", simple)[:300], "deep": deep, "entities": laughs,
		"external entity":  `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`,
		"many elements":    "<a>" + strings.Repeat("<b/>", 150_000) + "</a>",
		"two roots":        "<a/><b/>",
		"unknown encoding": `<?xml version="1.0" encoding="EBCDIC"?><a/>`,
	} {
		if _, err := bpmn.Parse(strings.NewReader(file)); !errors.Is(err, bpmn.ErrNotBPMN) {
			t.Errorf("%s: got %v, want ErrNotBPMN", name, err)
		}
	}
}

func TestAHugeFileIsNotReadToItsEnd(t *testing.T) {
	r := &endless{}
	if _, err := bpmn.Parse(r); !errors.Is(err, bpmn.ErrNotBPMN) {
		t.Errorf("got %v, want ErrNotBPMN", err)
	}
	if r.read > 20<<20 {
		t.Errorf("%d bytes were read", r.read)
	}
}

type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	return len(p), nil
}

func TestWhatIsNotExecutedSurvivesReadingAndWriting(t *testing.T) {
	file := strings.Replace(bpmntest.XML("p", simple+`<bpmn:dataObject id="d"/><bpmn:textAnnotation id="n"><bpmn:text>заметка</bpmn:text></bpmn:textAnnotation>`, "s>a", "a>e"),
		"</bpmn:definitions>", `<foreign:thing xmlns:foreign="urn:x" colour="red"/></bpmn:definitions>`, 1)
	cp1251, _ := charmap.Windows1251.NewEncoder().String(strings.Replace(file, "UTF-8", "windows-1251", 1))
	for _, raw := range []string{file, cp1251} {
		var out bytes.Buffer
		if err := parse(t, raw).Write(&out); err != nil {
			t.Fatal(err)
		}
		if out.String() != file {
			t.Errorf("got\n%s\nwant\n%s", out.String(), file)
		}
	}
}

func TestTheWholeUserTaskIsRead(t *testing.T) {
	p := bpmntest.Process(t, "p", `<bpmn:laneSet id="l"><bpmn:lane id="l1" name="Менеджер"><bpmn:flowNodeRef>a</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>
<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:userTask id="a" name="Позво&#10;нить" mr:name.en="Call" mr:stage="qualification"><bpmn:extensionElements>
<mr:assignment mode="leastLoaded" fallbackRole="head" substitutes="false"/><mr:deadline startBy="PT5M" due="PT1H" warnAt="PT30M"/>
<mr:escalation level="2" after="PT1H" action="reassign" to="mode:leastLoaded"/><mr:escalation level="1" action="notify" to="role:head"/>
<mr:checklist order="any"><mr:step id="x" kind="choice" title="Что" title.en="What" requiredFor="yes no"><mr:value id="1" label="Один" label.en="One"/></mr:step></mr:checklist>
<mr:hint>Спросите
  о бюджете</mr:hint><mr:outcome id="yes" label="Да" label.en="Yes"/><mr:outcome id="no" label="Нет" closes="lost" reason="other"/><mr:skip role="head"/>
</bpmn:extensionElements></bpmn:userTask>`, "s>a", "a>e")
	e := p.Element("a")
	task := e.Task
	if e.Name != "Позво нить" || task.TitleEn != "Call" || e.Stage != "qualification" || task.Hint.Source != "Спросите о бюджете" {
		t.Errorf("%q %q %q %q", e.Name, task.TitleEn, e.Stage, task.Hint.Source)
	}
	if a := task.Assignment; a.Role != "manager" || a.Mode != bpmn.LeastLoaded || a.FallbackRole != "head" || a.Substitutes {
		t.Errorf("assignment %+v: the role is that of the lane", a)
	}
	if task.Escalations[0].Level != 1 || task.Escalations[0].After != "PT0S" || task.Escalations[1].To != "mode:leastLoaded" {
		t.Errorf("escalations %+v", task.Escalations)
	}
	s := task.Step("x")
	if task.Order != bpmn.AnyOrder || s.TitleEn != "What" || !s.ForOutcome("no") || s.ForOutcome("other") || s.Values[0] != (bpmn.Option{Value: "1", Label: "Один", LabelEn: "One"}) {
		t.Errorf("checklist %+v", task.Steps)
	}
	if o := task.Outcome("no"); o.Closes != "lost" || o.Reason.Source != "other" || task.Outcome("yes").LabelEn != "Yes" {
		t.Errorf("outcomes %+v", task.Outcomes)
	}
	if !slices.Equal(task.Skip.Roles, []string{"head"}) {
		t.Errorf("skip %+v", task.Skip)
	}
}

func TestAttributesOfOtherToolsThatMeanTheSameAreRead(t *testing.T) {
	wrap := func(attrs, inner string) string {
		return strings.Replace(bpmntest.XML("p", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/><bpmn:userTask id="a" name="A" `+attrs+`>`+inner+`</bpmn:userTask>`, "s>a", "a>e"),
			"<bpmn:definitions ", `<bpmn:definitions xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:flowable="http://flowable.org/bpmn" `, 1)
	}
	for name, file := range map[string]string{
		"camunda groups":   wrap(`camunda:candidateGroups="head, manager" camunda:dueDate="PT2H"`, ""),
		"camunda assignee": wrap(`camunda:assignee="head" camunda:dueDate="PT2H"`, ""),
		"flowable":         wrap(`flowable:candidateGroups="head" flowable:dueDate="PT2H"`, ""),
		"zeebe": wrap("", `<bpmn:extensionElements><zeebe:assignmentDefinition assignee="=lead.owner" candidateGroups="head"/>`+
			`<zeebe:taskSchedule dueDate="PT2H"/></bpmn:extensionElements>`),
	} {
		t.Run(name, func(t *testing.T) {
			task := bpmntest.Compile(t, file, bpmntest.Environment()).Element("a").Task
			if task.Assignment.Role != "head" || task.Deadline.Due == nil || task.Deadline.Due.Source != "PT2H" {
				t.Errorf("role %q, deadline %+v", task.Assignment.Role, task.Deadline)
			}
		})
	}
}

// corpus is the collected models of other tools, none where there is no collection: the other tests of this package
// are complete by themselves.
func corpus(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpustest.Folder("bpmn"), "*", "*.bpmn"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestModelsOfOtherToolsAreReadAndWhatIsNotExecutedIsNamed(t *testing.T) {
	refused := map[string]string{ // what must be in some message
		"B.2.0.bpmn": "включающий шлюз", "C.6.0.bpmn": "компенсация", "A.1.0.bpmn": "задача без вида", "e003OrTest.bpmn": "включающий шлюз",
		"C.9.2.bpmn": "многократное выполнение", "signal-events-multi-activation.bpmn": "по сигналу",
	}
	for _, path := range corpus(t) {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			m, err := bpmn.Parse(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			problems := bpmn.Check(m, bpmntest.Environment())
			if len(bpmn.Errors(problems)) == 0 {
				t.Error("a model without our roles has no problem")
			}
			for _, p := range problems {
				if p.Message == "" || p.MessageEn == "" || strings.Contains(p.Message+p.MessageEn, "%!") {
					t.Errorf("problem without words: %+v", p)
				}
			}
			if want, ok := refused[name]; ok && !slices.ContainsFunc(problems, func(p bpmn.Problem) bool { return strings.Contains(p.Message, want) }) {
				t.Errorf("no problem mentions %q in %+v", want, problems)
			}
			var out bytes.Buffer
			if err := m.Write(&out); err != nil {
				t.Fatal(err)
			}
			again := parse(t, out.String())
			if len(again.Processes) != len(m.Processes) || len(again.Main().Elements) != len(m.Main().Elements) {
				t.Error("the model is another one after writing")
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(bpmntest.XML("p", simple, "s>a", "a>e")))
	f.Add([]byte(bpmntest.XML("p", `<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g" default="g_e"/><bpmn:endEvent id="e"/>`, "s>g", "g>e", "x g>g: lead.amount = 5 and not(true)")))
	f.Add([]byte(bpmntest.XML("p", `<bpmn:subProcess id="x"><bpmn:startEvent id="x"/></bpmn:subProcess><bpmn:boundaryEvent id="b" attachedToRef="b"><bpmn:timerEventDefinition><bpmn:timeCycle>R/P</bpmn:timeCycle></bpmn:timerEventDefinition></bpmn:boundaryEvent>`, "x>x", "b>b")))
	for _, path := range corpus(f) {
		raw, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := bpmn.Parse(bytes.NewReader(raw))
		if err != nil {
			if !errors.Is(err, bpmn.ErrNotBPMN) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		bpmn.Check(m, bpmntest.Environment())
		var out bytes.Buffer
		if err := m.Write(&out); err != nil {
			t.Error(err)
		}
		if _, err := bpmn.Parse(&out); err != nil {
			t.Errorf("what was written is not read: %v", err)
		}
	})
}

func TestHugeModelsAreRefusedQuicklyOrCheckedQuickly(t *testing.T) {
	var chain strings.Builder
	flows := []string{"s>t0"}
	for i := range 1500 {
		n := strconv.Itoa(i)
		chain.WriteString(`<bpmn:manualTask id="t` + n + `"/>`)
		if i > 0 {
			flows = append(flows, "t"+strconv.Itoa(i-1)+">t"+n)
		}
	}
	long := bpmntest.XML("p", frame+chain.String(), append(flows, "t1499>e")...)
	if problems := bpmn.Check(parse(t, long), bpmntest.Environment()); len(problems) != 0 {
		t.Errorf("a long chain has problems: %+v", problems[:1])
	}
	var split strings.Builder
	flows = []string{"s>f0"}
	for i := range 150 {
		n, next := strconv.Itoa(i), strconv.Itoa(i+1)
		split.WriteString(`<bpmn:parallelGateway id="f` + n + `"/><bpmn:exclusiveGateway id="m` + n + `"/><bpmn:manualTask id="a` + n + `"/><bpmn:manualTask id="b` + n + `"/>`)
		flows = append(flows, "f"+n+">a"+n, "f"+n+">b"+n, "a"+n+">m"+n, "b"+n+">m"+n, "m"+n+">f"+next)
	}
	wants(t, check(t, frame+split.String()+manager("f150"), append(flows, "f150>e")...), bpmn.Warning, "m149", "не ждёт остальных")
	huge := bpmntest.XML("p", frame+strings.Repeat(`<bpmn:manualTask/>`, 3000))
	if _, err := bpmn.Parse(strings.NewReader(huge)); !errors.Is(err, bpmn.ErrNotBPMN) {
		t.Errorf("got %v, want ErrNotBPMN", err)
	}
	steps := `<mr:checklist>` + strings.Repeat(`<mr:step id="x" title="X"/>`, 30_000) + `</mr:checklist>`
	wants(t, check(t, frame+manager("a", steps), "s>a", "a>e"), bpmn.Error, "a", "больше 200")
}
