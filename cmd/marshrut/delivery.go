package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/app"
	"marshrut/internal/staff"
	"marshrut/pipeline/delivery"
)

type deliveryCommand struct {
	List    deliveryList    `cmd:"" help:"What could not be sent, and why."`
	Replay  deliveryReplay  `cmd:"" help:"Send again, once the cause is removed."`
	Resume  deliveryResume  `cmd:"" help:"Try a paused connection at once, once the cause is removed."`
	Discard deliveryDiscard `cmd:"" help:"Give one up, and say why. What waited behind it goes on."`
}

// parked are the deliveries that wait for a person, page by page.
func parked(c console, t *app.Tools, connection string, use func(delivery.Delivery)) error {
	filter := delivery.Filter{State: delivery.Parked, Connection: connection, Limit: 200}
	for {
		list, err := delivery.List(c.ctx, t.Pool, filter)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, d := range list {
			use(d)
		}
		filter.Before = list[len(list)-1].ID
	}
}

type deliveryList struct {
	errand
	Connection string `help:"Only of this one."`
}

func (l *deliveryList) Run(c console, t *app.Tools) error {
	if err := l.pauses(c, t); err != nil {
		return err
	}
	return table(c, "ID\tCONNECTION\tOBJECT\tLEAD\tATTEMPTS\tWHY", func(row func(string, ...any)) error {
		return parked(c, t, l.Connection, func(d delivery.Delivery) {
			row("%d\t%s\t%s\t%d\t%d\t%s", d.ID, d.Connection, d.Object, d.Lead, d.Attempts, d.LastError)
		})
	})
}

// pauses says what is held up because nothing can go out through its connection at present.
func (l *deliveryList) pauses(c console, t *app.Tools) error {
	pauses, err := paused(c, t, l.Connection)
	for _, p := range pauses {
		c.printf("%s is paused until %s, %d held up: %s\n", delivery.Label(p.Via), moment(t, &p.Until), p.Waiting, p.In("en"))
	}
	return err
}

// paused are the connections of a name that are paused, of any name for "". Web hooks are named as they are shown, by their host:
// their addresses hold tokens.
func paused(c console, t *app.Tools, name string) ([]delivery.Pause, error) {
	all, err := delivery.Pauses(c.ctx, t.Pool)
	return slices.DeleteFunc(all, func(p delivery.Pause) bool {
		return name != "" && name != p.Via && name != p.Connection && name != delivery.Label(p.Via)
	}), err
}

type deliveryResume struct {
	errand
	Connection string `arg:"" help:"As the list of deliveries names it."`
}

func (r *deliveryResume) Run(c console, t *app.Tools) error {
	pauses, err := paused(c, t, r.Connection)
	switch {
	case err != nil:
		return err
	case len(pauses) == 0:
		return fmt.Errorf("%s is not paused", r.Connection)
	}
	return pgx.BeginFunc(c.ctx, t.Pool, func(tx pgx.Tx) error {
		for _, p := range pauses {
			if err := delivery.Resume(c.ctx, tx, time.Now(), p.Connection); err != nil {
				return err
			}
			c.printf("%s tries at once, %d held up\n", delivery.Label(p.Via), p.Waiting)
		}
		return nil
	})
}

type deliveryReplay struct {
	errand
	IDs        []int64 `arg:"" name:"id" optional:"" help:"Which; or --connection."`
	Connection string  `help:"All of this one."`
}

// Validate is asked before anything is opened.
func (r *deliveryReplay) Validate() error {
	if (r.Connection != "") == (len(r.IDs) > 0) {
		return errors.New("name ids, or a --connection")
	}
	return nil
}

func (r *deliveryReplay) Run(c console, t *app.Tools) error {
	ids := r.IDs
	if r.Connection != "" {
		if err := parked(c, t, r.Connection, func(d delivery.Delivery) { ids = append(ids, d.ID) }); err != nil {
			return err
		}
	}
	var problems []error
	for _, id := range ids {
		err := pgx.BeginFunc(c.ctx, t.Pool, func(tx pgx.Tx) error {
			_, err := delivery.Replay(c.ctx, tx, time.Now(), id)
			return err
		})
		if err != nil {
			problems = append(problems, fmt.Errorf("%d: %w", id, err))
			continue
		}
		c.printf("%d is sent again\n", id)
	}
	return errors.Join(problems...)
}

type deliveryDiscard struct {
	errand
	ID     int64  `arg:""`
	Reason string `required:""`
}

func (d *deliveryDiscard) Run(c console, t *app.Tools) error {
	return pgx.BeginFunc(c.ctx, t.Pool, func(tx pgx.Tx) error {
		given, err := delivery.Discard(c.ctx, tx, time.Now(), d.ID, d.Reason)
		if err != nil {
			return err
		}
		return t.Casework.Processes().GiveUp(c.ctx, tx, staff.System(), []delivery.Delivery{given})
	})
}
