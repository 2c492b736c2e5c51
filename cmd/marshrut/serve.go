package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"marshrut/configs"
	"marshrut/internal/app"
	"marshrut/internal/demo"
)

// stopBudget bounds an orderly stop: 25 seconds, under the 30 that orchestrators give before they kill.
const stopBudget = 25 * time.Second

type serveCommand struct {
	settings
	Roles string `default:"edge,worker,web" help:"What this process does: edge takes inquiries in, worker makes leads of them and runs processes, web serves people and the API."`
}

func (s *serveCommand) Run(c console) error {
	config, err := s.load(c)
	if err != nil {
		return err
	}
	roles, err := app.ParseRoles(strings.Split(s.Roles, ","))
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	log := app.NewLog(c.err, config.Log)
	gateway, err := app.New(c.ctx, app.Options{Config: config, Roles: roles, Log: log, Version: version})
	if err != nil {
		return err
	}
	err = gateway.Start(c.ctx)
	switch {
	case c.ctx.Err() != nil:
		err = nil // told to stop while starting: what was begun is taken down below
	case err == nil:
		debug.FreeOSMemory() // what the start has read and checked takes as much again as what stays
		log.Info("ready", "address", gateway.Addr(), "roles", s.Roles, "version", version)
		select {
		case <-c.ctx.Done():
		case err = <-gateway.Failed():
		}
	}
	return errors.Join(err, stop(gateway))
}

func stop(gateway *app.App) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), stopBudget, errors.New("the stop took too long"))
	defer cancel()
	return gateway.Stop(ctx)
}

type demoCommand struct {
	Data   string `default:"./data/demo" type:"path" help:"Where the demo company's data lie. A second run keeps them."`
	Listen string `default:"127.0.0.1:8080" help:"host:port"`
}

func (d *demoCommand) Run(c console) error {
	gateway, err := demo.Start(c.ctx, demo.Options{Dir: d.Data, Listen: d.Listen, Out: c.out, Err: c.err, Version: version, Environ: c.environ})
	if err != nil {
		if c.ctx.Err() != nil {
			return nil // Ctrl-C while the history was being made
		}
		return err
	}
	select {
	case <-c.ctx.Done():
	case err = <-gateway.Failed():
	}
	c.printf("\nstopping …\n")
	return errors.Join(err, stop(gateway))
}

type migrateCommand struct{ errand }

func (m *migrateCommand) Run(c console, _ *app.Tools) error {
	c.printf("the database is up to date\n")
	return nil
}

type configCommand struct {
	Check configCheck `cmd:"" help:"Name every mistake with file, line, key and cure."`
	Print configPrint `cmd:"" help:"Print the annotated default settings."`
}

type configCheck struct{ settings }

func (k *configCheck) Run(c console) error {
	config, err := k.load(c)
	if err = errors.Join(err, app.CheckConnections(config)); err != nil {
		return err
	}
	c.printf("the settings are in order\n")
	return nil
}

type configPrint struct{}

func (configPrint) Run(c console) error {
	_, err := c.out.Write(configs.Default)
	return err
}
