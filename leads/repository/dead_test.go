package repository

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/pipeline"
)

// poison is an event nobody can read: bytes of no encoding, in its data and its attributes.
func poison(id string, at time.Time) pipeline.Event {
	return pipeline.Event{ID: id, Source: "/connections/site", Type: "ru.marshrut.inquiry.webform", Subject: "v-" + id, Time: at, Key: id,
		Connection: "site", Connector: "webform", Provider: "generic", DataContentType: "text/plain; charset=\xff",
		Data: []byte("\x00\xff\xfe name"), TraceParent: "00-1-2-01", Attributes: map[string]string{"method": "POST", "header-referer": "\xd0\x00\xff"}}
}

func (h house) kill(events ...pipeline.Event) {
	h.t.Helper()
	h.tx(func(tx pgx.Tx) error {
		var dead []Dead
		for _, e := range events {
			dead = append(dead, Dead{e, leads.ChannelForm, "кодировка неизвестна", "translation"})
		}
		return h.FileDead(context.Background(), tx, noon, dead)
	})
}

func TestADeadLetterKeepsTheEventAsItCame(t *testing.T) {
	h := newHouse(t, Options{})
	e := poison("d1", noon)
	h.kill(e, e)

	letter, got, err := h.DeadLetter(t.Context(), "d1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, got); diff != "" {
		t.Error(diff)
	}
	if letter.Filed.State != "dead" || letter.Filed.Reason != "кодировка неизвестна" || letter.Filed.Attempts != 1 {
		t.Errorf("got %+v", letter)
	}
	h.kill(e)
	view, err := h.Inquiry(t.Context(), "d1")
	if err != nil || view.Filed.Attempts != 2 || !view.HasRaw || view.LeadID != 0 {
		t.Errorf("got %+v, %v", view, err)
	}
}

func TestDeadLettersAreListedPageByPage(t *testing.T) {
	h := newHouse(t, Options{})
	h.kill(poison("a", noon), poison("b", noon), poison("c", noon.Add(time.Hour)))
	var got []string
	filter := DeadFilter{Limit: 2, Connection: "site"}
	for pages := 1; ; pages++ {
		p, err := h.DeadLetters(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range p.Items {
			got = append(got, d.ID)
		}
		if filter.Cursor = p.Next; p.Next == "" {
			break
		}
	}
	if !equal(got, []string{"c", "b", "a"}) {
		t.Errorf("got %v", got)
	}
	if n, oldest, err := h.CountDead(t.Context()); n != 3 || !oldest.Equal(noon) || err != nil {
		t.Errorf("counted %d since %v, %v", n, oldest, err)
	}
	if _, err := h.DeadLetters(t.Context(), DeadFilter{Cursor: "%%%"}); !errors.Is(err, leads.ErrInvalid) {
		t.Errorf("a forged cursor: %v", err)
	}
}

// dead gives an inquiry under the id of a dead letter.
func revived(id string) leads.Inquiry {
	in := form(phone("+79120000001"))
	in.ID = id
	return in
}

func TestADeadInquiryIsFiledInItsPlace(t *testing.T) {
	h := newHouse(t, Options{})
	h.kill(poison("d1", noon))
	h.tx(func(tx pgx.Tx) error {
		_, err := h.LockDead(t.Context(), tx, "d1")
		if err != nil {
			return err
		}
		got, err := h.Capture(t.Context(), tx, noon, []leads.Inquiry{revived("d1")})
		if err == nil && (got[0].Outcome != OutcomeLead || got[0].LeadID == 0) {
			t.Errorf("got %+v", got[0])
		}
		return err
	})
	if got := h.capture(revived("d1"))[0]; got.Outcome != OutcomeConflict && got.Outcome != OutcomeRepeat {
		t.Errorf("filed twice: %+v", got)
	}
	h.kill(poison("d1", noon)) // a repeat that fails again does not bury the filed one
	h.want(1, "select count(*) from lead")
	h.want(1, "select count(*) from inquiry where state = 'filed' and lead_id is not null")
}

func TestTwoReplaysAtOnceFileOnce(t *testing.T) {
	h := newHouse(t, Options{})
	h.kill(poison("d1", noon))
	replay := func() error {
		return postgres.InTx(context.Background(), h.pool, func(tx pgx.Tx) error {
			if _, err := h.LockDead(context.Background(), tx, "d1"); err != nil {
				return err
			}
			_, err := h.Capture(context.Background(), tx, noon, []leads.Inquiry{{ID: "d1", Connection: "site", Channel: leads.ChannelForm, ReceivedAt: noon}})
			return err
		})
	}
	results := make(chan error, 4)
	for range cap(results) {
		go func() { results <- replay() }()
	}
	done := 0
	for range cap(results) {
		switch err := <-results; {
		case err == nil:
			done++
		case !errors.Is(err, leads.ErrConflict):
			t.Error(err)
		}
	}
	if done != 1 {
		t.Errorf("%d replays filed it", done)
	}
	h.want(1, "select count(*) from lead")
}

func TestADiscardedLetterIsNotRunAgain(t *testing.T) {
	h := newHouse(t, Options{})
	h.kill(poison("d1", noon))
	discard := func(tx pgx.Tx) error {
		return h.DiscardDead(t.Context(), tx, noon, "d1", 3, "проверка связи")
	}
	h.tx(discard)
	h.fail(leads.ErrConflict, discard)
	h.fail(leads.ErrNotFound, func(tx pgx.Tx) error {
		_, err := h.LockDead(t.Context(), tx, "nowhere")
		return err
	})
	if got := h.capture(revived("d1"))[0]; got.Outcome != OutcomeConflict {
		t.Errorf("got %+v", got)
	}
	h.want(1, "select count(*) from journal where action = 'inquiry.discarded' and actor_id = 3")
	p, err := h.DeadLetters(t.Context(), DeadFilter{State: "discarded"})
	if err != nil || len(p.Items) != 1 {
		t.Errorf("got %+v, %v", p, err)
	}
}
