package pipelinetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"marshrut/pipeline"
)

func everythingArrives(t *testing.T, bus Bus) {
	in := newInbox()
	before := Events(0, 300)
	publish(t, bus, before...)
	consume(t, bus, in.handle)
	in.wait(t, ids(before)...)
	after := Events(300, 1200)
	for chunk := range slices.Chunk(after, 7) {
		publish(t, bus, chunk...)
	}
	in.wait(t, ids(after)...)
}

func bytesArriveAsTheyWere(t *testing.T, bus Bus) {
	big := make([]byte, 250<<10)
	for i := range big {
		big[i] = byte(rand.Uint32())
	}
	sent := map[string]pipeline.Event{}
	add := func(name string, change func(*pipeline.Event)) {
		e := Event(len(sent))
		e.ID = name
		change(&e)
		sent[e.ID] = e
	}
	add("plain", func(e *pipeline.Event) {})
	add("cyrillic", func(e *pipeline.Event) { e.Data = []byte("Здравствуйте, ёлка №1") })
	add("nul", func(e *pipeline.Event) { e.Data = []byte("a\x00b\x00"); e.Attributes["nul"] = "x\x00y" })
	add("not-utf8", func(e *pipeline.Event) {
		e.Data = []byte{0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2, 0xff}
		e.Attributes["query"] = "имя=\xcf\xf0"
		e.Subject = "\xff\xfe"
	})
	add("no-bytes", func(e *pipeline.Event) { e.Data = nil })
	add("big", func(e *pipeline.Event) { e.Data = big })
	add("claim-check", func(e *pipeline.Event) { e.Data = nil; e.DataRef = "2026/03/abc" })
	add("bare", func(e *pipeline.Event) { *e = pipeline.Event{ID: e.ID, Time: e.Time, Data: []byte("x")} })
	add("names", func(e *pipeline.Event) {
		e.Attributes = map[string]string{"id": "not the id", "time": "yesterday", "ce_type": "t", "Имя поля": "", "": "empty name"}
	})

	in := newInbox()
	consume(t, bus, in.handle)
	publish(t, bus, slices.Collect(maps.Values(sent))...)
	in.wait(t, slices.Collect(maps.Keys(sent))...)
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, got := range in.events {
		if diff := difference(sent[got.ID], got); diff != "" {
			t.Errorf("event %s came out different: %s", got.ID, diff)
		}
	}
}

// difference names what differs between two events.
func difference(want, got pipeline.Event) string {
	var out []string
	if !bytes.Equal(want.Data, got.Data) {
		out = append(out, fmt.Sprintf("data: %d bytes became %d", len(want.Data), len(got.Data)))
	}
	if !want.Time.Equal(got.Time) {
		out = append(out, fmt.Sprintf("time: %v became %v", want.Time, got.Time))
	}
	if !maps.Equal(want.Attributes, got.Attributes) {
		out = append(out, fmt.Sprintf("attributes: %q became %q", want.Attributes, got.Attributes))
	}
	want.Time, got.Time = time.Time{}, time.Time{}
	if w, g := want.Context(), got.Context(); !slices.Equal(w, g) {
		out = append(out, fmt.Sprintf("context: %q became %q", w, g))
	}
	return strings.Join(out, "; ")
}

func keysKeepTheirOrder(t *testing.T, bus Bus) {
	const keys, each = 8, 60
	in := newInbox()
	stop := consume(t, bus, in.handle)
	second := consume(t, bus, in.handle)
	var all []string
	var g errgroup.Group
	for k := range keys {
		var events []pipeline.Event
		for i := range each {
			e := Event(k*each + i)
			e.Key = fmt.Sprintf("call-%d", k)
			e.Attributes = map[string]string{"i": fmt.Sprintf("%04d", i)}
			events = append(events, e)
		}
		all = append(all, ids(events)...)
		g.Go(func() error { // one publisher per key, as the edge has one per call
			for len(events) > 0 {
				n := min(1+rand.IntN(4), len(events))
				if err := bus.Publish(t.Context(), events[:n]...); err != nil {
					return err
				}
				events = events[n:]
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	in.wait(t, all...)
	stop()
	second()
	last, first := map[string]string{}, map[string]bool{}
	for _, e := range in.events {
		if first[e.ID] {
			continue // a repeat after a rebalance
		}
		first[e.ID] = true
		if i := e.Attributes["i"]; i < last[e.Key] {
			t.Errorf("%s: %s came after %s", e.Key, i, last[e.Key])
		} else {
			last[e.Key] = i
		}
	}
}

func failingHandler(t *testing.T, bus Bus) {
	in := newInbox()
	var mu sync.Mutex
	failures := 0
	consume(t, bus, func(ctx context.Context, b pipeline.Batch) error {
		mu.Lock()
		fail := failures < 5
		if fail {
			failures++
		}
		mu.Unlock()
		if fail {
			return errors.New("the database is away")
		}
		return in.handle(ctx, b)
	})
	events := Events(0, 200)
	publish(t, bus, events...)
	in.wait(t, ids(events)...)
	if failures != 5 {
		t.Errorf("the handler failed %d times, want 5: it was not called again", failures)
	}
}

func failingKey(t *testing.T, bus Bus) {
	in := newInbox()
	var mu sync.Mutex
	healed, tried := false, make(chan struct{})
	once := sync.OnceFunc(func() { close(tried) })
	consume(t, bus, func(ctx context.Context, b pipeline.Batch) error {
		mu.Lock()
		bad := !healed && slices.ContainsFunc(b.Events, func(e pipeline.Event) bool { return e.Key == "bad" })
		mu.Unlock()
		if bad {
			once()
			return errors.New("this one cannot be handled now")
		}
		return in.handle(ctx, b)
	})
	bad := Event(0)
	bad.Key = "bad"
	publish(t, bus, bad)
	select {
	case <-tried:
	case <-time.After(patience):
		t.Fatal("the failing event was never tried")
	}
	// Keys enough that some share no lane and no partition with the bad one.
	events := Events(1, 200)
	publish(t, bus, events...)
	deadline := time.After(patience)
	for in.count() < len(events)/2 {
		in.mu.Lock()
		change := in.change
		in.mu.Unlock()
		if in.count() >= len(events)/2 {
			break
		}
		select {
		case <-change:
		case <-deadline:
			t.Fatalf("only %d of %d other events passed the failing one", in.count(), len(events))
		}
	}
	mu.Lock()
	healed = true
	mu.Unlock()
	in.wait(t, append(ids(events), bad.ID)...)
}

func consumersShare(t *testing.T, bus Bus) {
	const consumers = 3
	in := newInbox()
	var mu sync.Mutex
	worked := map[int]int{}
	all := make(chan struct{})
	for i := range consumers {
		consume(t, bus, func(ctx context.Context, b pipeline.Batch) error {
			mu.Lock()
			worked[i]++
			if worked[i] == 1 && len(worked) == consumers {
				close(all)
			}
			mu.Unlock()
			select {
			// A slow handler, until everybody has had some: or one consumer could
			// have done all the work before the others were there.
			case <-all:
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
			return in.handle(ctx, b)
		})
	}
	var sent []string
	deadline := time.After(patience)
	for n := 0; ; n += 50 {
		events := Events(n, n+50)
		publish(t, bus, events...)
		sent = append(sent, ids(events)...)
		select {
		case <-all:
		case <-deadline:
			t.Fatalf("only %d of %d consumers got work", len(worked), consumers)
		case <-time.After(100 * time.Millisecond):
			continue
		}
		break
	}
	in.wait(t, sent...)
}

func dyingConsumer(t *testing.T, bus Bus) {
	events := Events(0, 100)
	publish(t, bus, events...)
	holding := make(chan struct{})
	var once sync.Once
	ctx, kill := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error {
		return bus.Consume(ctx, func(hctx context.Context, b pipeline.Batch) error {
			once.Do(func() { close(holding) })
			<-ctx.Done() // it has taken the events and dies with them
			return errors.New("killed")
		})
	})
	select {
	case <-holding:
	case <-time.After(patience):
		t.Fatal("the first consumer got nothing")
	}
	kill()
	if err := g.Wait(); err != nil {
		t.Errorf("Consume ended with %v, want nil", err)
	}
	in := newInbox()
	consume(t, bus, in.handle)
	in.wait(t, ids(events)...)
}

func restartResumes(t *testing.T, bus Bus) {
	first := newInbox()
	stop := consume(t, bus, first.handle)
	events := Events(0, 100)
	publish(t, bus, events...)
	first.wait(t, ids(events)...)
	stop()
	more := Events(100, 200)
	publish(t, bus, more...)
	second := newInbox()
	consume(t, bus, second.handle)
	second.wait(t, ids(more)...)
	for _, id := range ids(events) {
		if second.seen[id] > 0 {
			t.Errorf("an event handled before the restart came again")
			break
		}
	}
}

func publishHonoursContext(t *testing.T, bus Bus) {
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the sender hung up")
	cancel(gone)
	if err := bus.Publish(ctx, Event(0)); !errors.Is(err, gone) {
		t.Errorf("publish with an ended context: %v, want its cause", err)
	}
}

func errorsMeanMayArrive(t *testing.T, bus Bus) {
	publish(t, bus, Event(-1)) // connections are there
	var mu sync.Mutex
	var taken []string
	var g errgroup.Group
	sent := map[string]bool{Event(-1).ID: true}
	for n := range 400 {
		e := Event(n)
		sent[e.ID] = true
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(int(20*time.Millisecond))))
			defer cancel()
			if bus.Publish(ctx, e) == nil {
				mu.Lock()
				taken = append(taken, e.ID)
				mu.Unlock()
			}
			return nil
		})
	}
	g.Wait()
	final := Event(400)
	sent[final.ID] = true
	publish(t, bus, final)
	in := newInbox()
	consume(t, bus, in.handle)
	in.wait(t, append(taken, final.ID)...)
	for id := range in.seen {
		if !sent[id] {
			t.Errorf("event %s arrived and was never sent", id)
		}
	}
}

func tooLarge(t *testing.T, bus Bus) {
	in := newInbox()
	consume(t, bus, in.handle)
	huge := Event(0)
	huge.Data = make([]byte, pipeline.MaxEventSize+1)
	var g errgroup.Group
	g.Go(func() error {
		if err := bus.Publish(t.Context(), huge); !errors.Is(err, pipeline.ErrTooLarge) {
			t.Errorf("publish of %d bytes: %v, want ErrTooLarge", len(huge.Data), err)
		}
		return nil
	})
	neighbour := Event(1)
	publish(t, bus, neighbour)
	g.Wait()
	in.wait(t, neighbour.ID)
}

func manyPublishers(t *testing.T, bus Bus) {
	const publishers, each = 64, 20
	in := newInbox()
	consume(t, bus, in.handle)
	var g errgroup.Group
	for p := range publishers {
		g.Go(func() error {
			for i := range each {
				if err := bus.Publish(t.Context(), Event(p*each+i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	in.wait(t, ids(Events(0, publishers*each))...)
}

func consumeEnds(t *testing.T, bus Bus) {
	in := newInbox()
	stop := consume(t, bus, in.handle)
	publish(t, bus, Event(0))
	in.wait(t, Event(0).ID)
	began := time.Now()
	stop()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("an idle consumer took %s to stop", took)
	}
}
