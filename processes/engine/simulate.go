package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"marshrut/internal/workcal"
	"marshrut/processes/bpmn"
)

// Script is what happens in a simulation: what people choose, and what comes from outside. In the zero Script everybody
// chooses the first outcome of each task, and no message comes.
type Script struct {
	Start  time.Time      `json:"start"`
	Values map[string]any `json:"values"` // of the subject, nested
	Vars   map[string]any `json:"vars"`   // of the process
	Facts  map[string]any `json:"facts"`  // nil: one contact of each kind

	// Choices are the outcomes of each user task, one for each visit; the last one repeats. "-" leaves the task undone,
	// so that reminders, escalations and events on its border happen.
	Choices map[string][]string `json:"choices"`
	// Steps are values of steps. Others get an example that fits, or are skipped.
	Steps map[string]any `json:"steps"`
	// Messages come at moments after the start.
	Messages []ScriptMessage `json:"messages"`
	// Work is how long a task takes, ISO 8601 of working time; "": PT10M.
	Work string `json:"work"`

	Calendar *workcal.Calendar `json:"-"`
}

// ScriptMessage is a message that comes After the start, an ISO 8601 duration as time passes.
type ScriptMessage struct {
	After   string         `json:"after"`
	Message string         `json:"message"`
	Payload map[string]any `json:"payload"`
}

// Activation is one thing that happened in a simulation; the command line prints it as a JSON line.
type Activation struct {
	At      time.Time `json:"at"`
	Event   string    `json:"event"` // TaskCreated, TimerFired, ...
	Element string    `json:"element,omitempty"`
	Name    string    `json:"name,omitempty"` // of the element
	Data    Event     `json:"data"`
}

// Bounds of a simulation: a map that loops would go on for ever, and a reminder that nobody answers comes again and again.
const (
	maxCommands = 2000
	horizon     = 366 * 24 * time.Hour
)

// ErrEndless means that a simulation did not come to an end or to rest.
var ErrEndless = errors.New("the simulation does not end")

// Simulate runs a process with a virtual clock until it ends, or until nothing more can happen. Each event is shown as it
// happens. It returns the last state.
func Simulate(p *bpmn.Process, script Script, show func(Activation) error) (Instance, error) {
	s := &simulation{p: p, script: script, show: show, at: script.Start, values: deepCopy(script.Values), visits: map[string]int{}, worked: map[int]bool{}}
	if err := s.prepare(); err != nil {
		return Instance{}, err
	}
	if err := s.do(Start{Context: s.context(), Vars: script.Vars}); err != nil {
		return s.in, err
	}
	for range maxCommands {
		more, err := s.next()
		if err != nil || !more {
			return s.in, err
		}
	}
	return s.in, fmt.Errorf("%w: %d commands done", ErrEndless, maxCommands)
}

type simulation struct {
	p      *bpmn.Process
	script Script
	show   func(Activation) error

	in       Instance
	at       time.Time
	values   map[string]any
	messages []agenda
	visits   map[string]int // of user tasks
	worked   map[int]bool   // tasks that are left undone
	answers  []Command      // what the outside answers at once: children, deliveries
}

// agenda is something that will happen.
type agenda struct {
	at time.Time
	do func() error
}

func (s *simulation) prepare() error {
	if s.script.Calendar == nil {
		s.script.Calendar = everyHour
	}
	if s.script.Work == "" {
		s.script.Work = "PT10M"
	}
	if s.script.Facts == nil {
		s.script.Facts = map[string]any{"contacts": map[string]any{"out": 1.0, "out_answered": 1.0, "in": 1.0}}
	}
	if s.values == nil {
		s.values = map[string]any{}
	}
	for _, m := range s.script.Messages {
		at, err := workcal.Apply(workcal.Always(s.script.Calendar.Zone()), s.at, m.After)
		if err != nil {
			return fmt.Errorf("message %s of the script: %w", m.Message, err)
		}
		s.messages = append(s.messages, agenda{at: at, do: func() error { return s.deliver(m) }})
	}
	slices.SortStableFunc(s.messages, func(a, b agenda) int { return a.at.Compare(b.at) })
	return nil
}

func (s *simulation) context() Context {
	return Context{At: s.at, By: s.everybody(), Values: s.values, Facts: s.script.Facts, Calendar: s.script.Calendar}
}

// everybody may do everything: a simulation asks what the map does, not who is allowed to.
func (s *simulation) everybody() Actor {
	var roles []string
	for _, e := range s.p.Elements {
		if e.Task != nil {
			roles = append(roles, e.Task.Skip.Roles...)
		}
	}
	return Actor{Roles: roles}
}

// do runs a command, shows its events and lets them work on the virtual world.
func (s *simulation) do(cmd Command) error {
	events, err := Decide(s.p, s.in, cmd)
	if err != nil {
		return err
	}
	s.in = Evolve(s.in, events...)
	for _, e := range events {
		s.happen(e)
		if err := s.show(s.activation(e)); err != nil {
			return err
		}
	}
	return nil
}

func (s *simulation) activation(e Event) Activation {
	a := Activation{At: s.at, Event: Name(e), Data: e}
	if named, ok := e.(interface{ element() string }); ok {
		a.Element = named.element()
	}
	if x := s.p.Element(a.Element); x != nil {
		a.Name = x.Name
	}
	return a
}

// happen is the world outside the engine: fields are written, children and deliveries succeed at once.
func (s *simulation) happen(e Event) {
	switch e := e.(type) {
	case EffectRequested:
		switch e.Action {
		case "set-field":
			s.write(fmt.Sprint(e.Params["field"]), e.Params["value"])
		case "set-stage":
			s.write("lead.stage", e.Params["stage"])
		}
	case ChildStarted:
		if e.Wait {
			s.answers = append(s.answers, ChildEnded{Token: e.Token, State: Completed})
		}
	case DeliveryRequested:
		if e.Wait {
			s.answers = append(s.answers, DeliveryDone{Token: e.Token})
		}
	}
}

func (s *simulation) write(field string, value any) {
	d := decider{values: s.values}
	d.write(field, value)
	s.values = d.values
}

// next lets the earliest thing happen; false when nothing is left.
func (s *simulation) next() (bool, error) {
	if s.in.State.Ended() {
		return false, nil
	}
	if len(s.answers) > 0 {
		answer := s.answers[0]
		s.answers = s.answers[1:]
		return true, s.do(s.now(answer))
	}
	var all []agenda
	all = append(all, s.messages...)
	for _, timer := range s.in.Timers {
		all = append(all, agenda{at: timer.Due, do: func() error { return s.do(FireTimer{Context: s.context(), Timer: timer.No}) }})
	}
	for _, task := range s.in.Tasks {
		if !s.worked[task.No] {
			at, err := workcal.Apply(s.script.Calendar, task.CreatedAt, s.script.Work)
			if err != nil {
				return false, fmt.Errorf("work of the script: %w", err)
			}
			all = append(all, agenda{at: at, do: func() error { return s.work(task) }})
		}
	}
	if len(all) == 0 {
		return false, nil
	}
	first := slices.MinFunc(all, func(a, b agenda) int { return a.at.Compare(b.at) })
	if first.at.After(s.script.Start.Add(horizon)) {
		return false, nil
	}
	if first.at.After(s.at) {
		s.at = first.at
	}
	if len(s.messages) > 0 && s.messages[0].at.Equal(first.at) {
		first = s.messages[0]
		s.messages = s.messages[1:]
	}
	return true, first.do()
}

// now gives an answer from outside the context of this moment.
func (s *simulation) now(cmd Command) Command {
	switch cmd := cmd.(type) {
	case ChildEnded:
		cmd.Context = s.context()
		return cmd
	case DeliveryDone:
		cmd.Context = s.context()
		return cmd
	}
	return cmd
}

func (s *simulation) deliver(m ScriptMessage) error {
	err := s.do(Correlate{Context: s.context(), Message: m.Message, Payload: m.Payload})
	if errors.Is(err, ErrNotWaiting) {
		return nil // nobody waits: in life it would be lost as well
	}
	return err
}

// work does a task as the script says: its steps, then the outcome.
func (s *simulation) work(task Task) error {
	e := s.p.Element(task.Element)
	choice := s.choice(e)
	if choice == "-" {
		s.worked[task.No] = true
		return nil
	}
	for i := range e.Task.Steps {
		step := &e.Task.Steps[i]
		if !step.ForOutcome(choice) && step.RequiredWhen == nil {
			if _, scripted := s.script.Steps[step.ID]; !scripted {
				continue
			}
		}
		if err := s.step(task.No, step); err != nil {
			return err
		}
	}
	return s.do(CompleteTask{Context: s.context(), Task: task.No, Outcome: choice})
}

func (s *simulation) choice(e *bpmn.Element) string {
	visit := s.visits[e.ID]
	s.visits[e.ID]++
	choices := s.script.Choices[e.ID]
	if len(choices) == 0 {
		return e.Task.Outcomes[0].ID
	}
	return choices[min(visit, len(choices)-1)]
}

// step tries the script's value, then examples of the kind, and skips when none fits.
func (s *simulation) step(task int, step *bpmn.Step) error {
	var err error
	for _, value := range s.examples(step) {
		err = s.do(DoStep{Context: s.context(), Task: task, Step: step.ID, Value: value})
		var refusal *Refusal
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &refusal):
			return err
		case errors.Is(err, ErrNotAllowed):
			return nil // the step does not exist here
		}
	}
	if skipped := s.do(SkipStep{Context: s.context(), Task: task, Step: step.ID, Reason: "симуляция"}); skipped != nil {
		return fmt.Errorf("step %s: %w", step.ID, err)
	}
	return nil
}

func (s *simulation) examples(step *bpmn.Step) []any {
	if v, ok := s.script.Steps[step.ID]; ok {
		return []any{v}
	}
	switch step.Kind {
	case bpmn.Date:
		return []any{s.at.AddDate(0, 0, 3).Format(time.DateOnly), s.at.AddDate(0, 0, -3).Format(time.DateOnly)}
	case bpmn.Choice:
		var values []any
		for _, o := range step.Values {
			values = append(values, o.Value)
		}
		return values
	case bpmn.Input, bpmn.FileRef:
		// A number, a text, and one value for each check that functions.go offers.
		return []any{"1", "пример", "100000", "7707083893", "+7 495 123-45-67", "client@example.org"}
	}
	return []any{true}
}

func deepCopy(m map[string]any) map[string]any {
	out := maps.Clone(m)
	for k, v := range out {
		if inner, ok := v.(map[string]any); ok {
			out[k] = deepCopy(inner)
		}
	}
	return out
}

// Lines makes a show function that writes JSON lines.
func Lines(write func([]byte) error) func(Activation) error {
	return func(a Activation) error {
		line, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("write activation: %w", err)
		}
		return write(append(line, '\n'))
	}
}
