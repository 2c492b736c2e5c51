// Package pipelinetest is the contract that every bus keeps: nothing that was
// acknowledged is lost, bytes arrive as they were, keys keep their order, and a
// failing handler or a dying consumer costs a repeat, never an event. The tests
// of spool and kafka run it; what it does not check, no caller may rely on.
package pipelinetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"marshrut/pipeline"
)

// Bus is one topic: what is published comes out of Consume, each call of which is
// a consumer of its own in the same group.
type Bus interface {
	pipeline.Publisher
	pipeline.Consumer
}

// patience bounds every wait. A rebalance of Kafka takes seconds.
const patience = 60 * time.Second

// Broker runs the contract. open gives a bus on an empty topic of its own.
func Broker(t *testing.T, open func(t *testing.T) Bus) {
	tests := []struct {
		name string
		run  func(t *testing.T, bus Bus)
	}{
		{"EverythingPublishedArrives", everythingArrives},
		{"BytesAndAttributesArriveAsTheyWere", bytesArriveAsTheyWere},
		{"EventsOfOneKeyKeepTheirOrder", keysKeepTheirOrder},
		{"AFailingHandlerIsCalledAgainAndNothingIsLost", failingHandler},
		{"OneFailingKeyDoesNotStopTheOthers", failingKey},
		{"SeveralConsumersShareTheWork", consumersShare},
		{"AConsumerThatDiesInTheMiddleCostsOnlyARepeat", dyingConsumer},
		{"AConsumerThatComesBackGoesOnWhereItStopped", restartResumes},
		{"PublishEndsWithItsContext", publishHonoursContext},
		{"WhatWasRefusedMayArriveAndWhatWasTakenMust", errorsMeanMayArrive},
		{"AnEventTooLargeIsRefusedAndHurtsNobody", tooLarge},
		{"ManyPublishersAtOnce", manyPublishers},
		{"ConsumeEndsWithNilWhenToldToStop", consumeEnds},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// Event makes an event with everything set, told apart by its number.
func Event(n int) pipeline.Event {
	return pipeline.Event{
		ID:         pipeline.ID("site", fmt.Sprint(n)),
		Source:     "/connections/site",
		Type:       "ru.marshrut.inquiry.webform",
		Subject:    fmt.Sprintf("заявка-%d", n),
		Time:       time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC).Add(time.Duration(n) * time.Second),
		Key:        fmt.Sprintf("key-%d", n),
		Connection: "site", Connector: "webform", Provider: "generic",
		DataContentType: "application/json",
		Data:            fmt.Appendf(nil, `{"n":%d}`, n),
		TraceParent:     "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		TraceState:      "a=1",
		Attributes:      map[string]string{"method": "POST", "header-referer": "https://пример.рф/форма?x=1"},
	}
}

// Events makes the events from first to last-1.
func Events(first, last int) []pipeline.Event {
	var out []pipeline.Event
	for n := first; n < last; n++ {
		out = append(out, Event(n))
	}
	return out
}

// inbox is a handler that keeps what it got.
type inbox struct {
	mu     sync.Mutex
	events []pipeline.Event
	seen   map[string]int
	change chan struct{} // closed and replaced at every change
}

func newInbox() *inbox {
	return &inbox{seen: map[string]int{}, change: make(chan struct{})}
}

func (in *inbox) handle(_ context.Context, b pipeline.Batch) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, e := range b.Events {
		in.events = append(in.events, e)
		in.seen[e.ID]++
	}
	close(in.change)
	in.change = make(chan struct{})
	return nil
}

func (in *inbox) count() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.seen)
}

// wait blocks until every one of ids has come.
func (in *inbox) wait(t *testing.T, ids ...string) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		in.mu.Lock()
		missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return in.seen[id] > 0 })
		change, got := in.change, len(in.seen)
		in.mu.Unlock()
		if len(missing) == 0 {
			return
		}
		select {
		case <-change:
		case <-deadline.C:
			t.Fatalf("%d of %d events have not arrived after %s (%d others have)", len(missing), len(ids), patience, got)
		}
	}
}

func ids(events []pipeline.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}

// consume runs a consumer until the test or stop ends it; it must end with nil.
func consume(t *testing.T, bus Bus, h pipeline.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return bus.Consume(ctx, h) })
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := g.Wait(); err != nil {
				t.Errorf("Consume ended with %v, want nil", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func publish(t *testing.T, bus Bus, events ...pipeline.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := bus.Publish(ctx, events...); err != nil {
		t.Fatalf("publish %d events: %v", len(events), err)
	}
}
