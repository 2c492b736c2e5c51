package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"marshrut/connectors/onec/onectest"
	"marshrut/internal/demo"
)

const (
	mailAddress  = "info@bench.example.org"
	mailPassword = "bench-mailbox"
	basePassword = "bench-base"
	exchangeKey  = "bench-exchange"
	exchangeSalt = "bench-exchange-salt"
)

//go:embed channels.yaml
var channelSettings string

// channels are the other sides of a company: an exchange that tells of calls, a mailbox, a base of 1C.
type channels struct {
	company *company
	office  *demo.PostOffice
	base    *onectest.Base
	address string // of the base
	server  *httptest.Server
}

// measureChannels measures what goes both ways between us and 1C, and what comes in by telephone and letter. The base comes
// first: what the others bring in has to go out to it as well.
func measureChannels(ctx context.Context, o options, dir string, server *postgresServer, results *table) (err error) {
	x := &channels{}
	defer func() { err = errors.Join(err, x.close()) }()
	if err := x.open(ctx, o, dir, server); err != nil {
		return err
	}
	for _, measure := range []func(context.Context, options, *table) error{x.readBase, x.writeBase, x.ringing, x.letters} {
		if err := measure(ctx, o, results); err != nil {
			return err
		}
	}
	return nil
}

// open begins with a mailbox that is full of history nobody asked for.
func (x *channels) open(ctx context.Context, o options, dir string, server *postgresServer) (err error) {
	if x.office, err = demo.OpenPostOffice(mailAddress, mailPassword); err != nil {
		return err
	}
	for n := range oldLetters {
		if err := x.office.Put(demo.Inbox, time.Now().Add(-time.Hour), written(-n)); err != nil {
			return err
		}
	}
	if err := x.openBase(); err != nil {
		return err
	}
	settings := fmt.Sprintf(channelSettings, token, exchangeKey, exchangeSalt, x.office.IMAP, mailAddress, mailPassword, x.address, basePassword, onectest.PlanNode)
	if x.company, err = newCompany(ctx, o, dir, server, "channels", settings); err != nil {
		return err
	}
	return x.company.until(ctx, "the mailbox and the base are read", "select count(distinct connection) = 2 from connection_cursor")
}

func (x *channels) openBase() (err error) {
	if x.base, err = onectest.New(onectest.Options{Schema: onectest.UNF(), Password: basePassword, Behaviour: onectest.AsSeen()}); err != nil {
		return err
	}
	x.server = httptest.NewServer(x.base)
	x.address = x.server.URL + "/unf"
	return nil
}

func (x *channels) close() (err error) {
	if x.company != nil {
		x.company.close()
	}
	if x.server != nil {
		x.server.Close()
		err = x.base.Close()
	}
	if x.office != nil {
		err = errors.Join(err, x.office.Close())
	}
	return err
}

// until waits for something to be so in the gateway's database, which it asks now and then: what asks costs, too.
func (c *company) until(ctx context.Context, what, query string, arguments ...any) error {
	return c.watch(ctx, 50*time.Millisecond, what, query, arguments...)
}

// watch is until, asking as often as it is told.
func (c *company) watch(ctx context.Context, every time.Duration, what, query string, arguments ...any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for {
		var so bool
		if err := c.pool.QueryRow(ctx, query, arguments...).Scan(&so); err != nil {
			return fmt.Errorf("wait until %s: %w", what, err)
		}
		if so {
			return nil
		}
		if err := rest(ctx, every); err != nil {
			return fmt.Errorf("wait until %s: %w", what, err)
		}
	}
}
