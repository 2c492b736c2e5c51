package engine

import (
	"testing"

	"marshrut/processes/bpmn"
)

func TestARefusalNamesStepsAndOutcomesInItsLanguage(t *testing.T) {
	r := refuse(ErrStepsMissing, "Для результата «%s» не выполнено «%s» (%d)", "Outcome %q wants %q (%d)",
		outcomeName(&bpmn.Outcome{Label: "Поговорили", LabelEn: "Talked"}), stepName(&bpmn.Step{Title: "Прочитать"}), 2)
	if r.Message != "Для результата «Поговорили» не выполнено «Прочитать» (2)" || r.MessageEn != `Outcome "Talked" wants "Прочитать" (2)` {
		t.Errorf("it says %q and %q", r.Message, r.MessageEn)
	}
}
