package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"marshrut/connectors/onec/onectest"
)

type onecCommand struct {
	Simulate onecSimulate `cmd:"" help:"Run a small 1C:УНФ base with its OData interface, to try a connection without 1C."`
}

// onecSimulate runs a base that behaves as badly as it is told to.
type onecSimulate struct {
	Listen   string `default:"127.0.0.1:8180" help:"Address of the publication; any path below it is one."`
	User     string `default:"gateway" help:"User of the base."`
	Password string `default:"gateway-password" help:"Its password."`
	Data     string `type:"path" help:"File that keeps the base from one run to the next."`

	AsSeen           bool          `help:"Behave as real bases were seen to: cut strings, pass over unknown fields and data versions, fill strings with blanks, begin JSON with a BOM, repeat input in errors."`
	Truncates        bool          `help:"Cut strings that are too long, in silence."`
	IgnoresUnknown   bool          `help:"Pass over fields it does not know."`
	IgnoresIfMatch   bool          `help:"Look at no data version."`
	IgnoresSessions  bool          `help:"Give no sessions."`
	OwnRefs          bool          `help:"Give new objects references of its own."`
	AtomErrors       bool          `help:"Say errors in XML."`
	Login            bool          `help:"Answer a page to sign in, with status 200."`
	ForbidsSessions  bool          `help:"Forbid sessions, as during maintenance."`
	RefusesPostings  bool          `help:"Refuse to post documents, as in a closed period."`
	RefusesDuplicate bool          `help:"Refuse a second object of a name."`
	MaxSessions      int           `help:"How many sessions there are licences for; 0: any number."`
	SlowFirst        time.Duration `help:"How long the first call after a pause takes."`
	Idle             time.Duration `default:"1m" help:"After how long a call is the first one."`
	LosesAnswers     float64       `help:"Chance that a write is done and its answer lost."`
	LosesCalls       float64       `help:"Chance that a call is lost."`
	Locks            float64       `help:"Chance of a conflict of locks."`
	BadGateway       float64       `help:"Chance of a page of the web server with 502."`
	Seed             uint64        `help:"Of the chances."`
}

func (s *onecSimulate) Run(c console) error {
	base, err := onectest.New(onectest.Options{Schema: onectest.UNF(), User: s.User, Password: s.Password, Journal: s.Data, Behaviour: s.behaviour()})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("listen on %s: choose another address with --listen", s.Listen), err, base.Close())
	}
	c.printf("a base of 1C:УНФ answers at http://%s/unf as %s; exchange plan Маршрут, node %s\n", listener.Addr(), s.User, onectest.PlanNode)
	server := &http.Server{Handler: base, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(c.ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ctx) // what is left is cut off with the process
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(err, base.Close())
	}
	return base.Close()
}

func (s *onecSimulate) behaviour() onectest.Behaviour {
	b := onectest.Behaviour{}
	if s.AsSeen {
		b = onectest.AsSeen()
	}
	b.Truncates, b.IgnoresUnknown, b.IgnoresIfMatch = b.Truncates || s.Truncates, b.IgnoresUnknown || s.IgnoresUnknown, b.IgnoresIfMatch || s.IgnoresIfMatch
	b.IgnoresSessions, b.OwnRefs, b.AtomErrors, b.Login, b.ForbidsSessions = s.IgnoresSessions, s.OwnRefs, s.AtomErrors, s.Login, s.ForbidsSessions
	b.RefusesPostings, b.RefusesDuplicate, b.MaxSessions = s.RefusesPostings, s.RefusesDuplicate, s.MaxSessions
	b.SlowFirst, b.Idle, b.Seed = s.SlowFirst, s.Idle, s.Seed
	b.LosesAnswers, b.LosesCalls, b.Locks, b.BadGateway = s.LosesAnswers, s.LosesCalls, s.Locks, s.BadGateway
	return b
}
