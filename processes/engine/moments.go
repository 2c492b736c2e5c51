package engine

import (
	"fmt"
	"time"

	"marshrut/internal/workcal"
	"marshrut/processes/bpmn"
)

// later moves a moment by an ISO 8601 duration, of working time or as time passes.
func (d *decider) later(t time.Time, iso string, working bool) (time.Time, error) {
	calendar := d.calendar()
	if !working {
		calendar = workcal.Always(calendar.Zone())
	}
	return workcal.Apply(calendar, t, iso)
}

// after evaluates a duration, an ISO 8601 text or what days(3) gives, and moves the moment of the command by it.
func (d *decider) after(x *bpmn.Expr, env map[string]any, working bool) (time.Time, error) {
	if x == nil {
		return time.Time{}, nil
	}
	v, err := x.Eval(env)
	if err != nil {
		return time.Time{}, err
	}
	switch v := v.(type) {
	case time.Duration:
		return d.context.At.Add(v), nil
	case time.Time:
		return d.opening(v), nil
	case string:
		return d.later(d.context.At, v, working)
	}
	return time.Time{}, fmt.Errorf("«%s» — не длительность", x.Source)
}

// moment evaluates a date. A date without a time of day gets atDay's; ok is false for an empty one.
func (d *decider) moment(x *bpmn.Expr, env map[string]any) (at time.Time, ok bool, err error) {
	v, err := x.Eval(env)
	if err != nil {
		return time.Time{}, false, err
	}
	at, ok = bpmn.ToTime(v, d.calendar().Zone())
	if !ok {
		if s, text := v.(string); text && s != "" {
			return time.Time{}, false, fmt.Errorf("«%s» — не дата: %s", x.Source, s)
		}
	}
	return at, ok, nil
}

// atClock moves a moment to a time of day of the same date.
func (d *decider) atClock(t time.Time, clock string) (time.Time, error) {
	at, err := workcal.ParseTimeOfDay(clock)
	if err != nil {
		return time.Time{}, err
	}
	t = t.In(d.calendar().Zone())
	return time.Date(t.Year(), t.Month(), t.Day(), int(at)/60, int(at)%60, 0, 0, t.Location()), nil
}

func midnight(t time.Time) bool { return t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 }

// schedule fills in when a timer fires.
func (d *decider) schedule(timer *Timer, def *bpmn.Timer, outcome string) error {
	env := d.bind(outcome)
	var err error
	switch {
	case def.Duration != nil:
		timer.Due, err = d.after(def.Duration, env, def.Working)
	case def.Date != nil:
		timer.Due, err = d.date(def, env)
	case def.Cycle != nil:
		err = d.cycle(timer, def)
	default:
		err = fmt.Errorf("не указано, когда")
	}
	if err != nil {
		return err
	}
	if err := d.moveToClock(timer, def, env); err != nil {
		return err
	}
	if def.Working {
		timer.Due = d.calendar().NextOpen(timer.Due)
	}
	return nil
}

// date is the moment of a date timer. A date without a time of day is the opening of that day: nobody wants to be called
// back at midnight.
func (d *decider) date(def *bpmn.Timer, env map[string]any) (time.Time, error) {
	at, ok, err := d.moment(def.Date, env)
	switch {
	case err != nil:
		return time.Time{}, err
	case !ok:
		return time.Time{}, fmt.Errorf("дата «%s» не заполнена", def.Date.Source)
	case def.At == nil:
		return d.opening(at), nil
	}
	return at, nil
}

// opening is a moment as it is, or of a date without a time of day the opening of that day.
func (d *decider) opening(at time.Time) time.Time {
	if midnight(at) {
		return d.calendar().NextOpen(at)
	}
	return at
}

// moveToClock moves a timer to its time of day; a duration that would end in the past goes to the next day.
func (d *decider) moveToClock(timer *Timer, def *bpmn.Timer, env map[string]any) error {
	if def.At == nil {
		return nil
	}
	clock, err := def.At.Eval(env)
	if err != nil || clock == "" {
		return err
	}
	if timer.Due, err = d.atClock(timer.Due, fmt.Sprint(clock)); err != nil {
		return err
	}
	if timer.Due.Before(d.context.At) && def.Date == nil {
		timer.Due = timer.Due.AddDate(0, 0, 1)
	}
	return nil
}

func (d *decider) cycle(timer *Timer, def *bpmn.Timer) error {
	v, err := def.Cycle.Eval(d.bind(""))
	if err != nil {
		return err
	}
	times, every, err := bpmn.ParseCycle(fmt.Sprint(v))
	if err != nil {
		return err
	}
	timer.Every, timer.Left = every, times
	if times > 0 {
		timer.Left--
	}
	timer.Due, err = d.later(d.context.At, every, def.Working)
	return err
}

// again sets a cycle's next time, counted from when it was due, not from when it fired. Times that were missed collapse
// into the one that has just fired.
func (d *decider) again(timer Timer, def *bpmn.Timer) error {
	if timer.Every == "" || timer.Left == 0 {
		return nil
	}
	next, err := d.later(timer.Due, timer.Every, def.Working)
	if err != nil {
		return err
	}
	if !next.After(d.context.At) {
		if next, err = d.later(d.context.At, timer.Every, def.Working); err != nil {
			return err
		}
	}
	timer.Due = next
	if timer.Left > 0 {
		timer.Left--
	}
	d.emit(TimerSet{timer})
	return nil
}

// endOfDay stands for "on that date" where a deadline has no time of day.
const endOfDay = 24*time.Hour - time.Second

// deadlines fills in the moments of a task.
func (d *decider) deadlines(created *TaskCreated, e *bpmn.Element, env map[string]any) (err error) {
	rule := e.Task.Deadline
	working := rule.Calendar != "always"
	if created.StartBy, err = d.after(rule.StartBy, env, working); err != nil {
		return err
	}
	if created.WarnAt, err = d.after(rule.WarnAt, env, working); err != nil {
		return err
	}
	if created.DueAt, err = d.after(rule.Due, env, working); err != nil {
		return err
	}
	if rule.DueFrom != nil {
		at, ok, err := d.moment(rule.DueFrom, env)
		if err != nil {
			return err
		}
		if ok {
			created.DueAt = at
			if midnight(at) && rule.At == "" {
				created.DueAt = at.Add(endOfDay)
			}
		}
	}
	if rule.At != "" && !created.DueAt.IsZero() {
		created.DueAt, err = d.atClock(created.DueAt, rule.At)
	}
	return err
}
