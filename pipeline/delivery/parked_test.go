package delivery_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/pipeline/delivery"
)

func TestWhatWaitsGoesOutAsSoonAsTheOtherSideAnswersAgain(t *testing.T) {
	o := newOffice(t)
	later := func(key, object, kind string) delivery.Request {
		return delivery.Request{IdempotencyKey: key, Connection: "base", Object: object, Kind: kind, Due: start.Add(6 * time.Hour)}
	}
	o.enqueue(later("a", "lead:1", "mirror"), later("b", "lead:1", "mirror"), later("c", "", "letter"))
	o.run(o.worker())

	err := postgres.InTx(t.Context(), o.pool, func(tx pgx.Tx) error { return delivery.Hasten(t.Context(), tx, start, "base", "mirror") })

	if err != nil {
		t.Fatal(err)
	}
	o.eventually("both are out", func() bool { return o.inState("a", delivery.Done)() && o.inState("b", delivery.Done)() })
	if d := o.all()["c"]; d.State != delivery.Waiting {
		t.Errorf("the letter is %+v", d)
	}
}

func TestWhatIsParkedOfAKindGoesOutTogetherWhenItsCauseIsGone(t *testing.T) {
	o := newOffice(t)
	parked := func(key, kind string) delivery.Request {
		return delivery.Request{IdempotencyKey: key, Kind: kind, Parked: "no connection sends this"}
	}
	o.enqueue(parked("a", "letter"), parked("b", "letter"), parked("c", "webhook"))
	kinds, err := delivery.ParkedKinds(t.Context(), o.pool)
	if err != nil || len(kinds) != 2 || kinds[0].Kind != "letter" || kinds[0].Count != 2 || kinds[1].Count != 1 || !kinds[0].Oldest.Equal(start) {
		t.Fatalf("parked are %+v, %v", kinds, err)
	}
	o.run(o.worker())
	of := kinds[0]

	err = postgres.InTx(t.Context(), o.pool, func(tx pgx.Tx) error {
		again, err := delivery.ReplayKind(t.Context(), tx, start, of.Connection, of.Kind)
		if err == nil && again != 2 {
			t.Errorf("%d are tried again, want 2", again)
		}
		if err != nil {
			return err
		}
		gone, err := delivery.DiscardKind(t.Context(), tx, start, kinds[1].Connection, kinds[1].Kind, "switched\x00 off")
		if len(gone) != 1 {
			t.Errorf("%d are given up, want 1", len(gone))
		}
		return err
	})

	if err != nil {
		t.Fatal(err)
	}
	o.eventually("the letters are out", func() bool { return o.inState("a", delivery.Done)() && o.inState("b", delivery.Done)() })
	if d := o.all()["c"]; d.State != delivery.Discarded || d.LastError != "switched off" {
		t.Errorf("the web hook is %+v", d)
	}
}
