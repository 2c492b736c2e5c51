package reports

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A world is a made-up history of leads: what happened to each and when. It is
// written into the tables as facts, and read by the oracle (oracle_test.go) as
// what happened, so that the two meet only in the numbers.
type world struct {
	leads []*life
	spam  []spamInquiry
}

type life struct {
	id                          int64
	received                    time.Time
	source, channel, connection string
	product, city, currency     string
	test                        bool
	events                      []happening // in order of time, no two at once
}

type happening struct {
	at            time.Time
	kind          string // enter, won, lost, junk, reopened, worth, assigned
	funnel, stage string
	reason        string
	amount        int64 // kopecks; -1: taken away
	owner         string
}

type spamInquiry struct {
	at                  time.Time
	channel, connection string
}

var (
	start  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	days   = func(n int) time.Time { return start.AddDate(0, 0, n) }
	ladder = map[string][]string{"sales": {"new", "qualify", "offer", "agree", "contract"}, "service": {"new", "work"}}
	chance = map[string]int64{"new": 5, "qualify": 20, "offer": 40, "agree": 60, "contract": 85, "work": 50}
	teamOf = map[string]string{"anna": "Север", "boris": "Север", "vera": "Юг", "": ""}
)

// makeWorld draws a history of n leads over 60 days from a source of chance.
func makeWorld(r *rand.Rand, n int) world {
	var w world
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	for i := range n {
		l := &life{
			id: int64(i + 1), received: start.Add(time.Duration(r.IntN(60*86400)) * time.Second),
			source: pick("direct", "seo", "=1+1", ""), channel: pick("form", "call", "mail"), connection: pick("site", "ats", ""),
			product: pick("Окна", "Двери", ""), city: pick("Москва", "Тверь", ""), currency: "RUB", test: r.IntN(12) == 0,
		}
		if r.IntN(15) == 0 {
			l.currency = "USD"
		}
		l.live(r)
		w.leads = append(w.leads, l)
	}
	for range r.IntN(4) {
		w.spam = append(w.spam, spamInquiry{start.Add(time.Duration(r.IntN(60*86400)) * time.Second), pick("form", "mail"), pick("site", "ats")})
	}
	return w
}

// live makes up what happens to a lead: it enters stages, gets owners and
// amounts, is closed and at times opened again.
func (l *life) live(r *rand.Rand) {
	now := l.received
	funnel := "sales"
	if r.IntN(4) == 0 {
		funnel = "service"
	}
	stage := ladder[funnel][0]
	if r.IntN(6) == 0 {
		stage = ladder[funnel][1]
	}
	l.add(happening{at: now, kind: "enter", funnel: funnel, stage: stage})
	open := true
	for range r.IntN(14) {
		now = now.Add(time.Duration(1+r.IntN(4*86400)) * time.Second)
		switch k := r.IntN(12); {
		case !open && k < 4:
			stage = ladder[funnel][r.IntN(len(ladder[funnel]))]
			l.add(happening{at: now, kind: "reopened", funnel: funnel, stage: stage})
			open = true
		case !open:
		case k < 5:
			if to := ladder[funnel][r.IntN(len(ladder[funnel]))]; to != stage {
				stage = to
				l.add(happening{at: now, kind: "enter", funnel: funnel, stage: stage})
			}
		case k == 5 && r.IntN(3) == 0:
			funnel = map[string]string{"sales": "service", "service": "sales"}[funnel]
			stage = ladder[funnel][0]
			l.add(happening{at: now, kind: "enter", funnel: funnel, stage: stage})
		case k < 8:
			l.add(happening{at: now, kind: "assigned", owner: []string{"anna", "boris", "vera", ""}[r.IntN(4)]})
		case k < 10:
			l.add(happening{at: now, kind: "worth", amount: int64(r.IntN(5_000_000)) - 1})
		default:
			closing := []happening{{kind: "won"}, {kind: "lost", reason: "expensive"}, {kind: "lost", reason: "competitor"},
				{kind: "junk", reason: "mistake"}, {kind: "junk", reason: "spam"}, {kind: "junk", reason: "duplicate"}, {kind: "won"}}[r.IntN(7)]
			closing.at = now
			l.add(closing)
			open = false
		}
	}
}

func (l *life) add(h happening) { l.events = append(l.events, h) }

// dictionaries are what every world has.
const dictionaries = `
insert into funnel (key, name_ru, name_en, position) values ('sales', 'Продажи', 'Sales', 1), ('service', 'Сервис', 'Service', 2);
insert into stage (funnel, key, name_ru, name_en, position, probability, kind) values
	('sales', 'new', 'Новый', 'New', 1, 5, 'open'), ('sales', 'qualify', 'Квалификация', 'Qualification', 2, 20, 'open'),
	('sales', 'offer', 'Предложение', 'Offer', 3, 40, 'open'), ('sales', 'agree', 'Согласование', 'Agreement', 4, 60, 'open'),
	('sales', 'contract', 'Договор и оплата', 'Contract', 5, 85, 'open'), ('sales', 'won', 'Успех', 'Won', 6, 100, 'won'),
	('sales', 'lost', 'Отказ', 'Lost', 7, 0, 'lost'), ('sales', 'junk', 'Некачественный', 'Junk', 8, 0, 'junk'),
	('service', 'new', 'Новый', 'New', 1, 5, 'open'), ('service', 'work', 'В работе', 'At work', 2, 50, 'open'),
	('service', 'won', 'Успех', 'Won', 3, 100, 'won'), ('service', 'lost', 'Отказ', 'Lost', 4, 0, 'lost'), ('service', 'junk', 'Некачественный', 'Junk', 5, 0, 'junk');
insert into source (key, name_ru, name_en) values ('direct', 'Яндекс Директ', 'Yandex Direct'), ('seo', 'Поиск', 'Search'), ('=1+1', '=1+1', '=1+1');
insert into loss_reason (key, name_ru, name_en, kind, position) values ('expensive', 'Дорого', 'Too expensive', 'lost', 1),
	('competitor', 'Выбрали конкурента', 'Chose a competitor', 'lost', 2), ('mistake', 'Ошибка', 'Mistake', 'junk', 3),
	('spam', 'Спам', 'Spam', 'junk', 4), ('duplicate', 'Дубль', 'Duplicate', 'junk', 5);
insert into employee (login, name, permission, team, created_at) values ('anna', 'Анна Котова', 'manager', 'Север', '2025-01-01'),
	('boris', 'Борис Лосев', 'manager', 'Север', '2025-01-01'), ('vera', 'Вера Ежова', 'manager', 'Юг', '2025-01-01');`

func setUp(t testing.TB, db *pgxpool.Pool) map[string]int64 {
	t.Helper()
	ctx := context.Background()
	if _, err := db.Exec(ctx, dictionaries); err != nil {
		t.Fatal(err)
	}
	people := map[string]int64{}
	rows, _ := db.Query(ctx, "select login, id from employee")
	var login string
	var id int64
	if _, err := pgx.ForEachRow(rows, []any{&login, &id}, func() error { people[login] = id; return nil }); err != nil {
		t.Fatal(err)
	}
	return people
}

// write puts the world into the tables as the facts the repository would have left.
func (w world) write(ctx context.Context, db *pgxpool.Pool, people map[string]int64) error {
	b := &pgx.Batch{}
	b.Queue("truncate inquiry, close_event, stage_visit, assignment, lead_amount, lead, contact_point, contact, client restart identity cascade")
	for _, l := range w.leads {
		l.write(b, people)
	}
	for i, s := range w.spam {
		b.Queue("insert into inquiry (id, connection, channel, state, received_at, filed_at, body_hash) values ($1, $2, $3, 'spam', $4, $4, '')",
			fmt.Sprint("spam", i), s.connection, s.channel, s.at)
	}
	if err := db.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("write the world: %w", err)
	}
	return nil
}

type openVisit struct {
	no            int
	funnel, stage string
}

func (l *life) write(b *pgx.Batch, people map[string]int64) {
	first := l.events[0]
	b.Queue("insert into contact (id, name, created_at) overriding system value values ($1, $2, $3)", l.id, fmt.Sprintf("Клиент %d", l.id), l.received)
	b.Queue("insert into contact_point (kind, value, contact_id, created_at) values ('phone', $1, $2, $3), ('email', $4, $2, $3)",
		fmt.Sprintf("+7900%07d", l.id), l.id, l.received, fmt.Sprintf("client%d@example.org", l.id))
	b.Queue(`insert into lead (id, title, contact_id, funnel, stage, currency, source, channel, connection, product, city, test, created_at, last_activity_at)
		overriding system value values ($1, $2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)`, l.id, fmt.Sprintf("=Заявка %d", l.id),
		first.funnel, first.stage, l.currency, l.source, l.channel, l.connection, l.product, l.city, l.test, l.received)
	var at openVisit
	var owner *int64
	var worth *string
	leave := func(h happening, fate string) {
		b.Queue("update stage_visit set left_at = $3, fate = $4 where lead_id = $1 and no = $2", l.id, at.no, h.at, fate)
	}
	enter := func(h happening) {
		at = openVisit{at.no + 1, h.funnel, h.stage}
		b.Queue("insert into stage_visit (lead_id, funnel, stage, no, entered_at, owner_then) values ($1, $2, $3, $4, $5, $6)", l.id, at.funnel, at.stage, at.no, h.at, owner)
		b.Queue("update lead set funnel = $2, stage = $3 where id = $1", l.id, h.funnel, h.stage)
	}
	for _, h := range l.events {
		switch h.kind {
		case "enter":
			if at.no > 0 {
				leave(h, fateOf(at, h))
			}
			enter(h)
		case "assigned":
			owner = nil
			if id, ok := people[h.owner]; ok {
				owner = &id
			}
			b.Queue("insert into assignment (lead_id, employee_id, at) values ($1, $2, $3)", l.id, owner, h.at)
		case "worth":
			worth = nil
			if h.amount >= 0 {
				s := fmt.Sprintf("%d.%02d", h.amount/100, h.amount%100)
				worth = &s
			}
			b.Queue("insert into lead_amount (lead_id, at, amount) values ($1, $2, $3)", l.id, h.at, worth)
		case "reopened":
			b.Queue("insert into close_event (lead_id, kind, at, stage_then, owner_then) values ($1, 'reopened', $2, $3, $4)", l.id, h.at, at.stage, owner)
			b.Queue("update lead set status = 'open', closed_at = null, loss_reason = null where id = $1", l.id)
			leave(h, "back")
			enter(h)
		default:
			leave(h, h.kind)
			b.Queue("insert into close_event (lead_id, kind, at, reason, amount, stage_then, owner_then) values ($1, $2, $3, nullif($4, ''), $5, $6, $7)",
				l.id, h.kind, h.at, h.reason, worth, at.stage, owner)
			b.Queue("update lead set status = $2, closed_at = $3, loss_reason = nullif($4, '') where id = $1", l.id, h.kind, h.at, h.reason)
			enter(happening{at: h.at, funnel: at.funnel, stage: h.kind}) // closing is a stage of its own kind
		}
	}
}

func fateOf(from openVisit, to happening) string {
	switch {
	case from.funnel != to.funnel:
		return "other_funnel"
	case rank(to.funnel, to.stage) < rank(from.funnel, from.stage):
		return "back"
	}
	return "advanced"
}

func rank(funnel, stage string) int { return slices.Index(ladder[funnel], stage) }
