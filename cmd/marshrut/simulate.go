package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"marshrut/internal/app"
	"marshrut/internal/staff"
	"marshrut/processes/bpmn"
	"marshrut/processes/engine"
)

// processSimulate runs a route map with a virtual clock and prints each activation as a JSON line.
type processSimulate struct {
	errand
	File   string            `arg:"" type:"existingfile" help:"BPMN 2.0"`
	Script string            `type:"existingfile" help:"What people choose and what comes from outside (JSON: choices, steps, values, vars, messages, start, work). Without it everybody chooses the first outcome."`
	Choose map[string]string `help:"One outcome for one task, for example contact=no_answer;qualify=target."`
}

func (s *processSimulate) Run(c console, t *app.Tools) error {
	body, err := os.ReadFile(s.File)
	if err != nil {
		return err
	}
	script, err := s.script()
	if err != nil {
		return err
	}
	model, problems, err := t.Casework.Processes().Check(c.ctx, body)
	if err != nil {
		return err
	}
	if len(bpmn.Errors(problems)) > 0 {
		return say(c, s.File, problems)
	}
	people, err := t.Staff.Directory(c.ctx, t.Pool)
	if err != nil {
		return err
	}
	script.Calendar = people.Calendar(staff.DefaultCalendar)
	_, err = engine.Simulate(model.Main(), script, engine.Lines(func(line []byte) error {
		_, err := c.out.Write(line)
		return err
	}))
	return err
}

func (s *processSimulate) script() (script engine.Script, err error) {
	if s.Script != "" {
		file, err := os.Open(s.Script)
		if err != nil {
			return script, err
		}
		defer file.Close()
		decoder := json.NewDecoder(io.LimitReader(file, 1<<20))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&script); err != nil {
			return script, fmt.Errorf("read the script %s: %w", s.Script, err)
		}
	}
	if script.Start.IsZero() {
		script.Start = time.Now().Truncate(time.Second)
	}
	for task, outcome := range s.Choose {
		if script.Choices == nil {
			script.Choices = map[string][]string{}
		}
		script.Choices[task] = []string{outcome}
	}
	return script, nil
}
