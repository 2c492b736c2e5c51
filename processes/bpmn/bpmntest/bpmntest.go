// Package bpmntest writes small route maps for tests: the elements as XML, the flows in a shorthand, no diagram.
package bpmntest

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"marshrut/processes/bpmn"
)

// Environment is what the maps of tests may name.
func Environment() bpmn.Environment {
	return bpmn.Environment{
		Values: map[string]bpmn.Type{
			"lead.amount": bpmn.Number, "lead.title": bpmn.String, "lead.stage": bpmn.String, "lead.city": bpmn.String,
			"lead.source": bpmn.String, "lead.created_at": bpmn.Time, "client.name": bpmn.String, "client.kind": bpmn.String,
		},
		Facts: map[string]bpmn.Type{"contacts.out": bpmn.Number, "contacts.out_answered": bpmn.Number},
		Roles: map[string]string{"manager": "Менеджер", "head": "РОП"},
	}
}

// XML is a file with one process. Flows are "a>b", "a>b: condition", "a>b = name", with an id of their own "f1 a>b".
func XML(id, elements string, flows ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn=%q xmlns:mr=%q xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="test">
<bpmn:process id=%q name=%q isExecutable="true">
%s
%s
</bpmn:process>
</bpmn:definitions>`, bpmn.Namespace, bpmn.Extension, id, id, elements, Flows(flows...))
	return b.String()
}

// Flows writes sequence flows from the shorthand of XML.
func Flows(flows ...string) string {
	var b strings.Builder
	for _, f := range flows {
		route, condition, _ := strings.Cut(f, ":")
		route, name, _ := strings.Cut(route, "=")
		id, ends := "", strings.TrimSpace(route)
		if before, after, ok := strings.Cut(ends, " "); ok {
			id, ends = before, after
		}
		from, to, _ := strings.Cut(ends, ">")
		if id == "" {
			id = from + "_" + to
		}
		fmt.Fprintf(&b, `<bpmn:sequenceFlow id=%q sourceRef=%q targetRef=%q`, id, from, to)
		if name = strings.TrimSpace(name); name != "" {
			fmt.Fprintf(&b, ` name=%q`, escape(name))
		}
		b.WriteString(">")
		if condition = strings.TrimSpace(condition); condition != "" {
			fmt.Fprintf(&b, `<bpmn:conditionExpression>%s</bpmn:conditionExpression>`, escape(condition))
		}
		b.WriteString("</bpmn:sequenceFlow>\n")
	}
	return b.String()
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder never fails
	return b.String()
}

// Process parses and compiles a process that must have no errors.
func Process(t testing.TB, id, elements string, flows ...string) *bpmn.Process {
	t.Helper()
	return Compile(t, XML(id, elements, flows...), Environment())
}

// Compile parses and compiles a file that must have no errors.
func Compile(t testing.TB, file string, env bpmn.Environment) *bpmn.Process {
	t.Helper()
	m, err := bpmn.Parse(strings.NewReader(file))
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	for _, p := range bpmn.Errors(bpmn.Check(m, env)) {
		t.Errorf("check: %s: %s", p.Element, p.MessageEn)
	}
	if t.Failed() {
		t.FailNow()
	}
	return m.Main()
}
