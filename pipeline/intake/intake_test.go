package intake_test

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/encoding/charmap"

	"marshrut/connectors/registry"
	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/pipeline"
	"marshrut/pipeline/intake"
)

func TestAPostedFormBecomesALeadWithATask(t *testing.T) {
	c := newCompany(t)
	c.consume()
	id := c.post(form, strings.NewReader("Имя=Анна&phone=8 (912) 345-67-89&comment=Перезвоните&utm_source=ya&agree=on"))
	c.eventually(1, "select count(*) from task t join process_instance i on i.id = t.instance_id join inquiry q on q.lead_id = i.subject where t.status = 'open' and q.id = $1", id)
	in := c.inquiry(id)
	if in.Filed.State != "filed" || in.Text != "Перезвоните" || in.Consent.State != "yes" || in.Attribution.UTM.Source != "ya" || !in.HasRaw {
		t.Errorf("filed as %+v", in)
	}
	c.want(0, "select count(*) from spool")
	c.want(1, "select count(*) from lead where source = 'site' and channel = 'form' and connection = 'site'")
}

func TestFormsOfAllKindsAndCharsetsAreUnderstoodEndToEnd(t *testing.T) {
	c := newCompany(t)
	c.consume()
	cp1251, err := charmap.Windows1251.NewEncoder().String("fio=Ольга&tel=8-921-555-44-33&vopros=Сколько стоит?")
	c.must(err)
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	w.WriteField("Телефон", "+7 495 765-43-21")
	file, err := w.CreateFormFile("f", "план.pdf")
	c.must(err)
	file.Write(bytes.Repeat([]byte("pdf "), 100<<10)) // 400 KiB: the body travels by reference
	w.Close()

	olga := c.post(form, strings.NewReader(cp1251))
	list := c.post("text/plain", strings.NewReader(`[{"name":"A","phone":"+79120000001"},{"name":"B","phone":"+79120000002"}]`))
	plan := c.post(w.FormDataContentType(), &parts)
	c.eventually(4, "select count(*) from lead")
	if in := c.inquiry(olga); in.Text != "Сколько стоит?" {
		t.Errorf("windows-1251: %q", in.Text)
	}
	if in := c.inquiry(plan); len(in.Files) != 1 || in.Files[0].Name != "план.pdf" || len(c.blobs[in.Files[0].Ref]) != 400<<10 {
		t.Errorf("files %+v", in.Files)
	}
	if in := c.inquiry(pipeline.ID(list, "1")); len(in.Points) != 1 || in.Points[0].Value != "+79120000002" {
		t.Errorf("the second of a list: %+v", in.Points)
	}
}

func TestAPoisonMessageInTheMiddleOf500DiesAlone(t *testing.T) {
	c := newCompany(t)
	events := c.forms(500)
	c.poison("0000237", func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "select 1 / 0")
		return err
	})
	c.handle(events...)
	c.want(499, "select count(*) from lead")
	c.want(499, "select count(*) from task where status = 'open'")
	c.want(500, "select count(*) from inquiry_raw")
	dead := c.inquiry(events[237].ID)
	if dead.Filed.State != "dead" || dead.Filed.Fault != "data" || !strings.Contains(dead.Filed.Reason, "22012") {
		t.Errorf("filed as %+v", dead.Filed)
	}
}

func TestOurOwnMistakeOnOneMessageStopsNobody(t *testing.T) {
	c := newCompany(t)
	events := c.forms(10)
	c.poison("0000004", func(context.Context, pgx.Tx) error { panic("index out of range") })
	c.handle(events...)
	c.want(9, "select count(*) from lead")
	if dead := c.inquiry(events[4].ID); dead.Filed.Fault != "panic" || !strings.Contains(dead.Filed.Reason, "index out of range") {
		t.Errorf("filed as %+v", dead.Filed)
	}
}

func TestWhatCannotBeUnderstoodIsDeadWithAReasonPeopleUnderstand(t *testing.T) {
	c := newCompany(t)
	empty, odd := c.event("site", form, ""), c.event("site", form, "foo=bar")
	nobody := c.event("site", form, "phone=%2B79120000000")
	nobody.Connection = "closed-shop"
	c.handle(append(c.forms(3), empty, odd, nobody)...)
	c.want(3, "select count(*) from lead")
	for id, want := range map[string]string{empty.ID: "пустое тело", odd.ID: "соответствие полей", nobody.ID: "closed-shop"} {
		if in := c.inquiry(id); in.Filed.State != "dead" || !strings.Contains(in.Filed.Reason, want) {
			t.Errorf("filed as %+v, want %q", in.Filed, want)
		}
	}
}

func TestAMessageTheBusCouldNotReadIsKept(t *testing.T) {
	c := newCompany(t)
	e := pipeline.Unreadable("inquiries/3/17", morning, []byte("ping"), errors.New("no ce_id header"))
	c.handle(e)
	if in := c.inquiry(e.ID); in.Filed.State != "dead" || !strings.Contains(in.Filed.Reason, "no ce_id header") {
		t.Errorf("filed as %+v", in.Filed)
	}
	taken := pipeline.Unreadable("INBOX/7", morning, []byte("Subject: x"), errors.New("письмо не удаётся получить"))
	taken.Connection = "site"
	c.handle(taken)
	if in := c.inquiry(taken.ID); in.Filed.State != "dead" || in.Filed.Reason != "письмо не удаётся получить" {
		t.Errorf("what a poller could not take is filed as %+v", in.Filed)
	}
}

func TestARepeatChangesNothingAndIsCounted(t *testing.T) {
	c := newCompany(t)
	events := c.forms(3)
	c.handle(events...)
	c.handle(append(events, events[0])...)
	c.want(3, "select count(*) from lead")
	c.want(3, "select count(*) from interaction")
	c.want(3, "select count(*) from task")
	c.must(c.registry.Flush(t.Context()))
	c.want(4, "select count from connection_count where outcome = $1", registry.CountDuplicate)
}

func TestTheSameBatchTakenByTwoWorkersIsFiledOnce(t *testing.T) {
	c := newCompany(t)
	events := c.forms(50)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if err := c.Handle(t.Context(), pipeline.Batch{Events: events}); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	c.want(50, "select count(*) from lead")
	c.want(50, "select count(*) from task")
	c.want(0, "select count(*) from inquiry where state = 'dead'")
}

func TestARaceIsRunAgainThreeTimesBeforeItCountsAsPoison(t *testing.T) {
	c := newCompany(t)
	var tries atomic.Int32
	c.poison("0000001", func(ctx context.Context, tx pgx.Tx) error {
		if tries.Add(1) > 3 {
			return nil
		}
		_, err := tx.Exec(ctx, "insert into source (key, name_ru, name_en) values ('twice', '', ''), ('twice', '', '')")
		return err
	})
	c.handle(c.forms(3)...)
	c.want(3, "select count(*) from lead")
	c.want(0, "select count(*) from inquiry where state = 'dead'")
}

func TestAMessageThatLosesEveryRaceDiesAlone(t *testing.T) {
	c := newCompany(t)
	c.poison("0000001", func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into source (key, name_ru, name_en) values ('twice', '', ''), ('twice', '', '')")
		return err
	})
	c.handle(c.forms(3)...)
	c.want(2, "select count(*) from lead")
	c.want(1, "select count(*) from inquiry where state = 'dead' and reason like '%23505%'")
}

func TestAFaultThatIsNotOfTheDataGivesTheWholeBatchBack(t *testing.T) {
	for name, fail := range map[string]func(context.Context, pgx.Tx) error{
		"a mistake in our SQL": func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "select * from no_such_table")
			return err
		},
		"an error of no database": func(context.Context, pgx.Tx) error { return errors.New("disk is full") },
	} {
		c := newCompany(t)
		c.poison("0000001", fail)
		if err := c.Handle(t.Context(), pipeline.Batch{Events: c.forms(3)}); err == nil {
			t.Errorf("%s: the batch counts as handled", name)
		}
		c.want(0, "select count(*) from inquiry")
	}
}

func TestABatchIsFiledInTheTransactionItCameIn(t *testing.T) {
	c := newCompany(t)
	changed := errors.New("the bus changed its mind")
	err := postgres.InTx(t.Context(), c.pool, func(tx pgx.Tx) error {
		if err := c.Handle(t.Context(), pipeline.Batch{Events: c.forms(3), Tx: tx}); err != nil {
			return err
		}
		return changed
	})
	if !errors.Is(err, changed) {
		t.Fatal(err)
	}
	c.want(0, "select count(*) from inquiry")
	c.want(0, "select count(*) from lead")
}

func TestBytesThatAreGoneAreAReasonAndBytesThatAreAwayAreNot(t *testing.T) {
	c := newCompany(t)
	e := c.event("site", form, "")
	e.DataRef = "raw/gone"
	c.fetch = errors.New("connection refused")
	if err := c.Handle(t.Context(), pipeline.Batch{Events: []pipeline.Event{e}}); err == nil {
		t.Error("a message whose bytes are away counts as handled")
	}
	c.want(0, "select count(*) from inquiry")
	c.fetch = nil
	c.handle(e)
	c.want(1, "select count(*) from inquiry where state = 'dead' and fault = 'data'")
}

func TestSpamOpensNoLeadAndATestIsMarked(t *testing.T) {
	c := newCompany(t)
	c.handle(c.event("site", form, "phone=%2B79120000001&mr_check=x"), c.event("site", form, "phone=%2B79120000002&test=1"))
	c.want(1, "select count(*) from inquiry where state = 'spam' and lead_id is null")
	c.want(1, "select count(*) from lead")
	c.want(1, "select count(*) from lead where test")
}

// dead files a message nobody understands, and gives its id.
func (c *company) dead() string {
	c.t.Helper()
	e := c.event("site", form, "q1=%D0%90%D0%BD%D0%BD%D0%B0&q2=n%2Fa")
	c.handle(e)
	c.want(1, "select count(*) from inquiry where id = $1 and state = 'dead'", e.ID)
	return e.ID
}

func TestADeadMessageIsRunAgainAfterItsConnectionWasRepaired(t *testing.T) {
	c := newCompany(t)
	id := c.dead()
	if _, err := c.Replay(t.Context(), 0, id, nil); !errors.Is(err, intake.ErrStillDead) || !strings.Contains(err.Error(), "соответствие полей") {
		t.Fatalf("before the repair: %v", err)
	}
	c.want(1, "select count(*) from inquiry where id = $1 and state = 'dead' and attempts = 2", id)
	c.configure("site", `{"mapping": {"q1": "name"}}`)
	captured, err := c.Replay(t.Context(), 0, id, nil)
	if err != nil || captured.LeadID == 0 {
		t.Fatalf("%+v, %v", captured, err)
	}
	in := c.inquiry(id)
	if in.Filed.State != "filed" || in.LeadID != captured.LeadID || !in.ReceivedAt.Equal(morning) {
		t.Errorf("filed as %+v", in.Filed)
	}
	c.want(1, "select count(*) from task where status = 'open'")
	c.want(2, "select count(*) from journal where action = 'inquiry.replayed'")
	if _, err := c.Replay(t.Context(), 0, id, nil); !errors.Is(err, leads.ErrConflict) {
		t.Errorf("once more: %v", err)
	}
}

func TestAPersonMayRepairAMessageByHand(t *testing.T) {
	c := newCompany(t)
	id := c.dead()
	captured, err := c.Replay(t.Context(), 0, id, map[string]string{"phone": "+7 912 345-67-89", "q2": "x"})
	if err != nil || len(captured.Inquiry.Points) != 1 {
		t.Fatalf("%+v, %v", captured, err)
	}
	event, err := c.repo.Raw(t.Context(), id)
	if err != nil || string(event.Data) != "q1=%D0%90%D0%BD%D0%BD%D0%B0&q2=n%2Fa" {
		t.Errorf("what came is %q now, %v", event.Data, err)
	}
}

func TestTwoReplaysAtOnceFileOnce(t *testing.T) {
	c := newCompany(t)
	id := c.dead()
	c.configure("site", `{"mapping": {"q1": "name"}}`)
	var filed, late atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			switch _, err := c.Replay(t.Context(), 0, id, nil); {
			case err == nil:
				filed.Add(1)
			case errors.Is(err, leads.ErrConflict):
				late.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if filed.Load() != 1 || late.Load() != 7 {
		t.Errorf("%d filed it, %d were told that somebody had", filed.Load(), late.Load())
	}
	c.want(1, "select count(*) from lead")
	c.want(1, "select count(*) from interaction")
}

func TestTheSendersRepeatFilesADeadMessageOnce(t *testing.T) {
	c := newCompany(t)
	id := c.dead()
	c.configure("site", `{"mapping": {"q1": "name"}}`)
	again := c.event("site", form, "q1=%D0%90%D0%BD%D0%BD%D0%B0&q2=n%2Fa")
	if again.ID != id {
		t.Fatal("the repeat has another id")
	}
	var both sync.WaitGroup
	both.Go(func() {
		if err := c.Handle(t.Context(), pipeline.Batch{Events: []pipeline.Event{again}}); err != nil {
			t.Error(err)
		}
	})
	both.Go(func() {
		if _, err := c.Replay(t.Context(), 0, id, nil); err != nil && !errors.Is(err, leads.ErrConflict) {
			t.Error(err)
		}
	})
	both.Wait()
	c.want(1, "select count(*) from lead")
	c.want(1, "select count(*) from inquiry where state = 'filed'")
}

func TestAMessageIsOnlyDiscardedWithAReason(t *testing.T) {
	c := newCompany(t)
	id := c.dead()
	if err := c.Discard(t.Context(), 0, id, "  "); !errors.Is(err, intake.ErrNoReason) {
		t.Errorf("without a reason: %v", err)
	}
	c.must(c.Discard(t.Context(), 0, id, "проверка формы"))
	c.want(1, "select count(*) from inquiry where state = 'discarded'")
	if _, err := c.Replay(t.Context(), 0, id, nil); !errors.Is(err, leads.ErrConflict) {
		t.Errorf("replayed after that: %v", err)
	}
}

func TestReplayOfAnUnknownMessageIsNotFound(t *testing.T) {
	c := newCompany(t)
	if _, err := c.Replay(t.Context(), 0, "nothing", nil); !errors.Is(err, leads.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkABatchOf500(b *testing.B) {
	c := newCompany(b)
	n := 0
	for b.Loop() {
		b.StopTimer()
		events := c.forms(500)
		for i := range events {
			events[i].ID = pipeline.ID("bench", time.Duration(n).String())
			events[i].Data = bytes.ReplaceAll(events[i].Data, []byte("%2B7912"), []byte("%2B79"+string(rune('0'+n/500%10))+string(rune('0'+n/5000%10))))
			n++
		}
		b.StartTimer()
		c.must(c.Handle(context.Background(), pipeline.Batch{Events: events}))
	}
	b.ReportMetric(float64(500*b.N)/b.Elapsed().Seconds(), "inquiries/s")
}

var _ intake.Casework = (*company)(nil)
