package main

import (
	"errors"
	"fmt"
	"os"

	"marshrut/internal/app"
	"marshrut/internal/staff"
	"marshrut/processes"
	"marshrut/processes/bpmn"
)

type processCommand struct {
	Check    processCheck    `cmd:"" help:"Say what is wrong with a route map, in sentences."`
	Publish  processPublish  `cmd:"" help:"Make a route map the version that new leads run."`
	Export   processExport   `cmd:"" help:"Write a published route map as BPMN."`
	List     processList     `cmd:"" help:"The route maps there are."`
	Simulate processSimulate `cmd:"" help:"Run a route map with a virtual clock; prints JSON lines."`
}

type processCheck struct {
	errand
	File string `arg:"" type:"existingfile" help:"BPMN 2.0"`
}

func (k *processCheck) Run(c console, t *app.Tools) error {
	body, err := os.ReadFile(k.File)
	if err != nil {
		return err
	}
	_, problems, err := t.Casework.Processes().Check(c.ctx, body)
	if err != nil {
		return err
	}
	return say(c, k.File, problems)
}

// say prints problems as file:line, the place on the map and the sentence; errors among them are a failure.
func say(c console, file string, problems []bpmn.Problem) error {
	for _, p := range problems {
		c.printf("%s:%d: %s «%s»: %s\n", file, p.Line, p.Severity, p.Name, p.Message)
	}
	if wrong := len(bpmn.Errors(problems)); wrong > 0 {
		return fmt.Errorf("%s cannot be published: %d mistakes", file, wrong)
	}
	c.printf("%s can be published\n", file)
	return nil
}

type processPublish struct {
	errand
	File string `arg:"" type:"existingfile"`
}

func (p *processPublish) Run(c console, t *app.Tools) error {
	body, err := os.ReadFile(p.File)
	if err != nil {
		return err
	}
	definition, problems, err := t.Casework.Processes().Publish(c.ctx, staff.System(), body)
	if errors.Is(err, processes.ErrInvalid) {
		return errors.Join(say(c, p.File, problems), err)
	}
	if err != nil {
		return err
	}
	c.printf("%s version %d\n", definition.Key, definition.Version)
	return nil
}

type processExport struct {
	errand
	Key     string `arg:""`
	Version int    `help:"0: the latest."`
}

func (e *processExport) Run(c console, t *app.Tools) error {
	definition, err := t.Casework.Processes().Definition(c.ctx, e.Key, e.Version)
	if err != nil {
		return err
	}
	_, err = c.out.Write(definition.XML)
	return err
}

type processList struct{ errand }

func (l *processList) Run(c console, t *app.Tools) error {
	definitions, err := t.Casework.Processes().Definitions(c.ctx, "")
	if err != nil {
		return err
	}
	return table(c, "KEY\tVERSION\tNAME\tRUNNING\tPUBLISHED", func(row func(string, ...any)) error {
		for _, d := range definitions {
			row("%s\t%d\t%s\t%d\t%s", d.Key, d.Version, d.Name, d.Running, moment(t, &d.PublishedAt))
		}
		return nil
	})
}
