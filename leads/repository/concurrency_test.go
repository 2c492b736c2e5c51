package repository

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/postgres"
	"marshrut/leads"
)

// captureRetrying is what intake does: a race is run again.
func (h house) captureRetrying(in []leads.Inquiry) (retries int, err error) {
	for ; retries < 20; retries++ {
		err = postgres.InTx(context.Background(), h.pool, func(tx pgx.Tx) error {
			_, err := h.Capture(context.Background(), tx, noon, in)
			return err
		})
		if postgres.Classify(err) != postgres.Race {
			return retries, err
		}
	}
	return retries, err
}

func TestManyWorkersMakeOneContactAndOneLeadOfOnePerson(t *testing.T) {
	h := newHouse(t, Options{})
	_, _, web := threeWays()
	h.capture(web) // both points are known: whatever comes shares one with it
	var g errgroup.Group
	for worker := range 4 {
		var batches [][]leads.Inquiry
		for range 10 {
			call, letter, web := threeWays()
			batches = append(batches, []leads.Inquiry{call}, []leads.Inquiry{letter, web}, []leads.Inquiry{web, call, form(phone(fmt.Sprintf("+7913000%04d", worker)))})
		}
		g.Go(func() error {
			for _, b := range batches {
				if _, err := h.captureRetrying(b); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	h.want(1, "select count(distinct contact_id) from contact_point where value in ('+79123456789', 'ivan@example.ru')")
	h.want(1, "select count(*) from lead l join contact_point p using (contact_id) where p.value = 'ivan@example.ru'")
	h.want(4, "select count(*) from lead l join contact_point p using (contact_id) where p.value like '+7913%'")
	h.want(0, "select count(*) from merge_proposal")
	h.want(0, "select count(*) from contact c where not exists (select from contact_point p where p.contact_id = c.id)")
}

func TestStrangersWhoComeAtOnceAreOnePersonAsWell(t *testing.T) {
	h := newHouse(t, Options{})
	var g errgroup.Group
	for range 8 {
		call, _, _ := threeWays()
		g.Go(func() error {
			_, err := h.captureRetrying([]leads.Inquiry{call})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	h.want(1, "select count(*) from contact")
	h.want(1, "select count(*) from lead")
	h.want(8, "select count(*) from inquiry where lead_id is not null")
}

func TestTheSameInquiryInTwoBatchesAtOnceIsFiledOnce(t *testing.T) {
	h := newHouse(t, Options{})
	var all []leads.Inquiry
	for i := range 40 {
		in := form(phone(fmt.Sprintf("+7912000%04d", i%15)))
		if i%3 == 0 {
			in.Points = nil // no point to wait at: only the unique id decides
		}
		all = append(all, in)
	}
	var g errgroup.Group
	for seed := range uint64(4) {
		g.Go(func() error {
			batch := append([]leads.Inquiry{}, all...)
			random := rand.New(rand.NewPCG(seed, 1))
			random.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
			for i := 0; i < len(batch); i += 10 {
				if _, err := h.captureRetrying(batch[i : i+10]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	h.want(40, "select count(*) from inquiry")
	h.want(120, "select sum(repeats) from inquiry")
	h.want(40, "select count(*) from interaction")
	h.want(24, "select count(*) from lead") // ten people with a number, fourteen inquiries without
	h.want(0, "select count(*) from lead l where (select count(*) from stage_visit v where v.lead_id = l.id) <> 1")
}

func TestClicksAndCapturesOfOnePersonDoNotDeadlock(t *testing.T) {
	h := newHouse(t, Options{})
	lead := h.capture(form(phone("+79123456789")))[0].LeadID
	stages := []string{"talk", "offer", "new"}
	var g errgroup.Group
	for worker := range 2 {
		g.Go(func() error {
			for i := range 15 {
				err := postgres.InTx(context.Background(), h.pool, func(tx pgx.Tx) error {
					if _, err := h.LockContexts(context.Background(), tx, []int64{lead}); err != nil {
						return err
					}
					at := noon.Add(time.Duration(i) * time.Minute)
					if err := h.EnterStage(context.Background(), tx, at, []StageMove{{Lead: lead, Stage: stages[(i+worker)%3]}}); err != nil {
						return err
					}
					return h.Assign(context.Background(), tx, at, []Assignment{{Lead: lead, Owner: int64(1 + i%2)}})
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		var batches []leads.Inquiry
		for range 15 {
			batches = append(batches, form(phone("+79123456789")))
		}
		g.Go(func() error {
			for _, in := range batches {
				if _, err := h.captureRetrying([]leads.Inquiry{in}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	h.want(1, "select count(*) from lead")
	h.want(1, "select count(*) from stage_visit where left_at is null")
	h.want(0, "select count(*) from lead l where l.owner_id is distinct from (select a.employee_id from assignment a where a.lead_id = l.id order by a.at desc, a.id desc limit 1)")
	h.want(0, "select count(*) from stage_visit v join stage_visit w on w.lead_id = v.lead_id and w.no = v.no + 1 where w.entered_at <> v.left_at")
}

func TestOnePersonByTwoPointsAtOnceOpensOneLead(t *testing.T) {
	h := newHouse(t, Options{})
	_, _, web := threeWays()
	h.capture(web)
	for range 10 {
		h.tx(func(tx pgx.Tx) error { // nothing is open: each of the two wants to open a lead
			open, err := all(context.Background(), tx, pgx.RowTo[int64], "select id from lead where status = 'open'", nil)
			if err != nil || len(open) != 1 {
				return fmt.Errorf("%d leads are open: %w", len(open), err)
			}
			return h.Close(context.Background(), tx, noon, []Closing{{Lead: open[0], Kind: leads.StatusLost, Reason: "expensive"}})
		})
		call, letter, _ := threeWays()
		var g errgroup.Group
		for _, in := range []leads.Inquiry{call, letter} {
			g.Go(func() error {
				_, err := h.captureRetrying([]leads.Inquiry{in})
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	h.want(11, "select count(*) from lead")
}
