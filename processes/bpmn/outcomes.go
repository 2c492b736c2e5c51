package bpmn

import "cmp"

// bindOutcomes connects the buttons of user tasks with the flows behind the next exclusive gateway.
//
// A task with outcomes of its own: a flow without a condition belongs to the outcome named in mr:outcome, or whose label
// or id is the flow's name. A task without: each named flow without a condition is a button; its id is that of the flow.
// A task that has no button after all of this gets one, "done".
func (p *Process) bindOutcomes() {
	for i := range p.Elements {
		if gate := &p.Elements[i]; gate.Kind == ExclusiveGateway {
			p.bindGateway(gate)
		}
	}
	for i := range p.Elements {
		if t := p.Elements[i].Task; t != nil && len(t.Outcomes) == 0 {
			t.Outcomes = []Outcome{{ID: "done", Label: "Выполнено", LabelEn: "Done"}}
		}
	}
}

func (p *Process) bindGateway(gate *Element) {
	if len(gate.Out) < 2 {
		return
	}
	for _, in := range gate.In {
		if t := p.Elements[p.Flows[in].Source].Task; t != nil {
			p.bindTask(gate, t)
		}
	}
}

func (p *Process) bindTask(gate *Element, t *Task) {
	own := len(t.Outcomes) > 0
	for _, out := range gate.Out {
		f := &p.Flows[out]
		if f.Condition != nil || f.Name == "" && f.Outcome == "" {
			continue
		}
		if !own {
			if f.Outcome == "" {
				f.Outcome = f.ID
			}
			t.Outcomes = append(t.Outcomes, Outcome{ID: f.Outcome, Label: cmp.Or(f.Name, f.Outcome)})
			continue
		}
		for _, o := range t.Outcomes {
			if f.Outcome == "" && (o.Label == f.Name || o.ID == f.Name) {
				f.Outcome = o.ID
			}
		}
	}
}
