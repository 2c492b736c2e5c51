package delivery_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"marshrut/internal/postgres"
	"marshrut/pipeline/delivery"
)

var noLicence = delivery.Halted{Err: errors.New("no licence"), Words: map[string]string{"ru": "нет лицензии", "en": "no licence"}}

// pausing is an office whose other side is away until mend is called.
func pausing(t *testing.T, halted delivery.Halted) (o *office, mend func()) {
	o = newOffice(t)
	away := true
	o.answer = func(delivery.Delivery) error {
		if away {
			return halted
		}
		return nil
	}
	return o, func() {
		o.mu.Lock()
		away = false
		o.mu.Unlock()
	}
}

func (o *office) pauses() []delivery.Pause {
	o.t.Helper()
	list, err := delivery.Pauses(o.t.Context(), o.pool)
	if err != nil {
		o.t.Fatal(err)
	}
	return list
}

func (o *office) resume(connection string) {
	o.t.Helper()
	err := postgres.InTx(o.t.Context(), o.pool, func(tx pgx.Tx) error {
		return delivery.Resume(o.t.Context(), tx, o.clock.now(), connection)
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

// paused waits until the connection pauses for the nth time in a row and nothing is in hand.
func (o *office) paused(times int) delivery.Pause {
	o.t.Helper()
	o.eventually("the connection pauses", func() bool {
		list := o.pauses()
		if len(list) != 1 || list[0].Times != times || !list[0].Until.After(o.clock.now()) {
			return false
		}
		for _, d := range o.all() {
			if d.State == delivery.Leased {
				return false
			}
		}
		return true
	})
	return o.pauses()[0]
}

func ofLeads(keys ...string) []delivery.Request {
	var requests []delivery.Request
	for i, key := range keys {
		requests = append(requests, delivery.Request{IdempotencyKey: key, Object: "lead:" + key[:1], Sequence: int64(i)})
	}
	return requests
}

func TestAConnectionThatIsAwayPausesAndNothingIsSpentOrParked(t *testing.T) {
	o, mend := pausing(t, noLicence)
	o.enqueue(ofLeads("a1", "a2", "b1", "b2", "c1", "d1", "e1", "f1")...)
	w := o.worker()
	w.MaxAttempts = 2
	stop := o.run(w)
	first := o.paused(1)
	if first.Waiting != 8 || first.In("en") != "no licence" || first.In("ru") != "нет лицензии" || first.Via != "base" || !first.Since.Equal(start) {
		t.Errorf("paused as %+v", first)
	}
	for times := 2; times < 8; times++ {
		before := len(o.keys())
		o.clock.move(o.pauses()[0].Until.Sub(o.clock.now()))
		o.paused(times)
		if probes := len(o.keys()) - before; probes != 1 {
			t.Fatalf("%d deliveries probed, want one", probes)
		}
	}
	stop() // a restart respects the pause
	before := len(o.keys())
	o.run(w)
	o.run(w) // and so does another process
	mend()
	o.enqueue(delivery.Request{IdempotencyKey: "g1"})
	if len(o.keys()) != before {
		t.Error("something was tried while the connection paused")
	}
	for key, d := range o.all() {
		if d.State != delivery.Waiting || d.Attempts != 0 {
			t.Errorf("%s is %s after %d attempts, want it waiting as if it had not been tried", key, d.State, d.Attempts)
		}
	}
	o.clock.move(15 * time.Minute)
	o.eventually("all are out", func() bool {
		for _, d := range o.all() {
			if d.State != delivery.Done {
				return false
			}
		}
		return true
	})
	out := o.keys()[before:]
	if len(out) != 9 || slices.Index(out, "a1") > slices.Index(out, "a2") || slices.Index(out, "b1") > slices.Index(out, "b2") {
		t.Errorf("they went out as %v, want each once and in order", out)
	}
	if left := o.pauses(); len(left) != 0 {
		t.Errorf("still paused: %+v", left)
	}
}

func TestAPauseGrowsToItsBoundAndAPersonHastensIt(t *testing.T) {
	o, mend := pausing(t, delivery.Halted{Err: errors.New("wrong password"), Person: true, Connection: "mail"})
	o.enqueue(ofLeads("a1")...)
	o.run(o.worker())
	for times := 1; times < 7; times++ {
		p := o.paused(times)
		wait, want := p.Until.Sub(o.clock.now()), min(5*time.Minute<<(times-1), time.Hour)
		if wait > want || wait < want*3/4 {
			t.Errorf("after %d probes it waits %s, want up to %s", times, wait, want)
		}
		if !p.Person || p.Via != "mail" || p.In("en") != "wrong password" {
			t.Errorf("paused as %+v", p)
		}
		o.clock.move(wait)
	}
	o.paused(7)
	mend()
	o.resume("mail")
	o.eventually("it went out at once", o.inState("a1", delivery.Done))
}

func TestReplayingOneDeliveryProbesThePausedConnection(t *testing.T) {
	o := newOffice(t)
	o.answer = func(d delivery.Delivery) error {
		if d.Kind == "record" {
			return delivery.Permanent{Err: errors.New("refused")}
		}
		return noLicence
	}
	o.enqueue(delivery.Request{IdempotencyKey: "k"})
	o.run(o.worker())
	o.eventually("parked", o.inState("k", delivery.Parked))
	o.enqueue(delivery.Request{IdempotencyKey: "l", Kind: "letter"})
	o.paused(1)
	o.mu.Lock()
	o.answer = nil
	o.mu.Unlock()
	id := o.all()["k"].ID
	err := postgres.InTx(t.Context(), o.pool, func(tx pgx.Tx) error {
		_, err := delivery.Replay(t.Context(), tx, o.clock.now(), id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	o.eventually("both are out", func() bool { return o.inState("k", delivery.Done)() && o.inState("l", delivery.Done)() })
}

func TestTheOtherSideSaysHowLongToPause(t *testing.T) {
	h := noLicence
	h.After = 3 * time.Hour
	o, _ := pausing(t, h)
	o.enqueue(ofLeads("a1")...)
	o.run(o.worker())
	if p := o.paused(1); !p.Until.Equal(start.Add(3 * time.Hour)) {
		t.Errorf("paused until %s, want three hours", p.Until)
	}
}

// One object at whose sight the base falls over must neither stop the others for ever nor be tried for ever.
func TestADeliveryThatPausesAConnectionWhichWorksForOthersIsSpent(t *testing.T) {
	o := newOffice(t)
	o.answer = func(d delivery.Delivery) error {
		if d.IdempotencyKey == "poison" {
			return noLicence
		}
		return nil
	}
	o.enqueue(delivery.Request{IdempotencyKey: "poison"}, delivery.Request{IdempotencyKey: "good-1"})
	w := o.worker()
	w.MaxAttempts, w.PerConnection = 2, 1
	o.clock.move(time.Second)
	o.run(w)
	o.paused(1)
	o.clock.move(time.Minute)
	o.eventually("the other one probes and is out", o.inState("good-1", delivery.Done))
	o.eventually("it is its own trouble", func() bool { return o.all()["poison"].Attempts == 1 && o.all()["poison"].State == delivery.Waiting })
	o.enqueue(delivery.Request{IdempotencyKey: "good-2"})
	o.eventually("others are not held up", o.inState("good-2", delivery.Done))
	o.clock.move(time.Minute)
	o.eventually("parked", o.inState("poison", delivery.Parked))
}

func TestAProbeThatIsRefusedForItselfLetsTheNextOneProbe(t *testing.T) {
	o, _ := pausing(t, noLicence)
	o.enqueue(delivery.Request{IdempotencyKey: "bad"}, delivery.Request{IdempotencyKey: "good"})
	w := o.worker()
	w.PerConnection = 1
	o.run(w)
	o.paused(1)
	o.mu.Lock()
	o.answer = func(d delivery.Delivery) error {
		if d.IdempotencyKey == "bad" {
			return delivery.Permanent{Err: errors.New("no such address")}
		}
		return nil
	}
	o.mu.Unlock()
	o.clock.move(time.Minute)
	o.eventually("the other one is out", o.inState("good", delivery.Done))
	o.enqueue(delivery.Request{IdempotencyKey: "last"})
	o.eventually("the pause is over", o.inState("last", delivery.Done))
}

func TestAProbeWhoseWorkerDiesIsFollowedByAnother(t *testing.T) {
	o, mend := pausing(t, noLicence)
	o.enqueue(delivery.Request{IdempotencyKey: "a"})
	stop := o.run(o.worker())
	o.paused(1)
	stop()
	// kill -9 of the one that probes: all that is left is its lease and its claim.
	lease := o.clock.now().Add(time.Hour)
	_, err := o.pool.Exec(t.Context(), `with d as (update delivery set state = 'leased', attempts = attempts + 1, due_at = $1, lease_until = $1 returning id)
		update delivery_pause set until = $1, probe = d.id from d`, lease)
	if err != nil {
		t.Fatal(err)
	}
	mend()
	o.run(o.worker())
	o.resume("base") // a probe under way is not doubled
	o.clock.move(time.Hour)
	o.eventually("it went out", o.inState("a", delivery.Done))
}

func TestWhatIsHeldUpIsMeasuredWithoutTheAddressesOfWebhooks(t *testing.T) {
	h := noLicence
	h.Connection = "https://hooks.example.org/secret-token"
	o, _ := pausing(t, h)
	o.enqueue(ofLeads("a1", "b1")...)
	o.run(o.worker())
	o.paused(1)
	want := "# HELP marshrut_delivery_paused Deliveries held up because nothing can go out through their connection at present.\n# TYPE marshrut_delivery_paused gauge\n" +
		`marshrut_delivery_paused{connection="https://hooks.example.org",needs="time"} 2` + "\n"
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(delivery.Backlog{Pool: o.pool, Now: o.clock.now})
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "marshrut_delivery_paused"); err != nil {
		t.Error(err)
	}
}
