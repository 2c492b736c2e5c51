package bpmn

import (
	"cmp"
	"strings"
)

// Namespaces of other tools whose attributes mean the same as ours. They stay in the file as they are.
const (
	camunda   = "http://camunda.org/schema/1.0/bpmn"
	zeebe     = "http://camunda.org/schema/zeebe/1.0"
	flowable  = "http://flowable.org/bpmn"
	activiti  = "http://activiti.org/bpmn"
	operatonN = "http://operaton.org/schema/1.0/bpmn"
)

// foreign reads assignee, candidate groups, due date and called process of Camunda 7 and 8, Flowable and Activiti, and
// the resource roles of the standard. Ours, read afterwards, win.
func (b *builder) foreign(n *node, e *Element) {
	for _, space := range []string{camunda, flowable, activiti, operatonN} {
		if e.Task != nil {
			addressed(e.Task, n.attrIn(space, "candidateGroups"), n.attrIn(space, "assignee"), n.attrIn(space, "dueDate"))
		}
	}
	for _, x := range n.extensions() {
		switch {
		case x.space != zeebe:
		case x.name == "assignmentDefinition" && e.Task != nil:
			addressed(e.Task, x.attr("candidateGroups"), x.attr("assignee"), "")
		case x.name == "taskSchedule" && e.Task != nil:
			addressed(e.Task, "", "", x.attr("dueDate"))
		case x.name == "calledElement" && e.Call != nil:
			e.Call.Process = cmp.Or(e.Call.Process, x.attr("processId"))
		}
	}
	if e.Task == nil {
		return
	}
	for _, kind := range []string{"potentialOwner", "humanPerformer", "performer"} {
		n.each(Namespace, func(owner *node) { addressed(e.Task, b.resource(owner), "", "") }, kind)
	}
}

// addressed takes the first group, else the assignee, as the role. An expression names nobody we know.
func addressed(t *Task, groups, assignee, due string) {
	for _, name := range append(list(groups), assignee) {
		if t.Assignment.Role == "" && name != "" && !marked(name) {
			t.Assignment.Role = name
		}
	}
	switch {
	case due == "" || !t.Deadline.None():
	case strings.HasPrefix(due, "P"):
		t.Deadline.Due = newValue(due)
	default:
		t.Deadline.DueFrom = newDate(due)
	}
}

// resource is the name behind <potentialOwner>: of the referred resource, or the text of its expression.
func (b *builder) resource(owner *node) string {
	if ref := owner.child("resourceRef"); ref != nil {
		if name := b.resources[local(ref.text())]; name != "" {
			return name
		}
	}
	if assign := owner.child("resourceAssignmentExpression"); assign != nil {
		if formal := assign.child("formalExpression"); formal != nil {
			return formal.text()
		}
	}
	return ""
}
