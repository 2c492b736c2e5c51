package casework

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/processes/bpmn"
)

var (
	//go:embed sql/rules.sql
	rulesSQL string
	//go:embed sql/add_rules.sql
	addRulesSQL string
)

// Lanes of start rules. The first rule of a lane that fits wins; rules of
// different lanes run beside each other, a missed call beside the sale.
const (
	// LaneSale is asked once, when the lead opens. Every new lead starts something
	// here; a list without a match is an incident.
	LaneSale = "sale"
	// LaneMissed, like every lane but the sale, is asked for each inquiry that is
	// filed under a lead, be the lead new or not.
	LaneMissed = "missed"
)

// The route maps we ship, as the first rules start them.
const (
	ProcessInquiry    = "inquiry"
	ProcessMissedCall = "missed_call"
)

// Rule says which route map an inquiry starts.
type Rule struct {
	ID        int64
	Name      string
	Condition string // over the fields of inquiry, lead, client and contact; empty: always
	Process   string // key of the route map; empty: this lane starts nothing
	Funnel    string // in which a new lead opens; empty: the first
	Lane      string // empty: LaneSale
	Enabled   bool
}

// DefaultRules are what a fresh installation starts with. A missed call of
// somebody unknown opens a lead that is called back first; it becomes a sale when
// the conversation says so.
func DefaultRules() []Rule {
	const missed = "inquiry.missed and (inquiry.ring == 0 or inquiry.ring >= 5)" // 0: the exchange does not tell
	return []Rule{
		{Name: "Пропущенный звонок: перезвонить", Lane: LaneMissed, Condition: missed, Process: ProcessMissedCall, Enabled: true},
		{Name: "Пропущенный звонок: продажа начнётся после разговора", Lane: LaneSale, Condition: missed, Enabled: true},
		{Name: "Все остальные обращения", Lane: LaneSale, Process: ProcessInquiry, Enabled: true},
	}
}

// ruleBook is a list of rules ready to be asked.
type ruleBook struct {
	rules   []rule
	funnels bool // some rule names one
}

type rule struct {
	Rule
	condition *bpmn.Expr // nil: always
	broken    error      // it does not compile any more: matches nothing
}

// match is the first rule of the lane that fits. A rule that cannot be evaluated
// fits nothing; the error says which and why.
func (b *ruleBook) match(lane string, values map[string]any) (Rule, bool, error) {
	var trouble error
	for _, r := range b.rules {
		if r.Lane != lane {
			continue
		}
		fits, err := r.fits(values)
		if err != nil {
			trouble = fmt.Errorf("start rule %q: %w", r.Name, err)
		}
		if fits {
			return r.Rule, true, trouble
		}
	}
	return Rule{}, false, trouble
}

func (r rule) fits(values map[string]any) (bool, error) {
	switch {
	case r.broken != nil:
		return false, r.broken
	case r.condition == nil:
		return true, nil
	}
	return r.condition.True(values)
}

// lanes are the lanes of the book, each once, in the order of their first rules.
func (b *ruleBook) lanes() []string {
	var lanes []string
	seen := map[string]bool{}
	for _, r := range b.rules {
		if !seen[r.Lane] {
			seen[r.Lane] = true
			lanes = append(lanes, r.Lane)
		}
	}
	return lanes
}

// Rules keeps the start rules: read from the database, compiled, and held for as
// long as they are fresh. The repository asks them for the funnel of a new lead,
// casework for the process.
type Rules struct {
	pool *pgxpool.Pool

	mu    sync.Mutex
	held  *ruleBook
	until time.Time
}

// fresh is how long changes made by other processes of ours may stay unseen, on
// the clock of the machine.
const fresh = 2 * time.Second

// NewRules makes Rules that know none before Load.
func NewRules(pool *pgxpool.Pool) *Rules { return &Rules{pool: pool} }

// Load reads the rules as they are now. Call it once at the start, before anything
// arrives.
func (r *Rules) Load(ctx context.Context) error {
	r.forget()
	_, err := r.book(ctx, r.pool)
	return err
}

// Funnel is the key of the funnel in which a lead of this inquiry opens, "" for
// the first one. It has what the inquiry says, not yet whether the client is
// known. It goes by the rules as they were last read: by Load, and then by each
// batch that arrives.
func (r *Rules) Funnel(in leads.Inquiry) string {
	book := r.peek()
	if book == nil || !book.funnels {
		return ""
	}
	v := view{Inquiry: in}
	found, _, _ := book.match(LaneSale, v.values(nil, time.UTC))
	return found.Funnel
}

func (r *Rules) peek() *ruleBook {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held
}

func (r *Rules) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until = time.Time{}
}

// book is the current list, read by way of db when the held one is no longer fresh.
func (r *Rules) book(ctx context.Context, db postgres.DB) (*ruleBook, error) {
	r.mu.Lock()
	held, until := r.held, r.until
	r.mu.Unlock()
	if held != nil && time.Now().Before(until) {
		return held, nil
	}
	list, err := readRules(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("read the start rules: %w", err)
	}
	book := compile(list)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held, r.until = book, time.Now().Add(fresh)
	return book, nil
}

func readRules(ctx context.Context, db postgres.DB) ([]Rule, error) {
	rows, err := db.Query(ctx, rulesSQL)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Rule])
}

// compile leaves out what is switched off.
func compile(list []Rule) *ruleBook {
	env := fieldEnvironment(nil)
	book := &ruleBook{}
	for _, r := range list {
		if !r.Enabled {
			continue
		}
		if r.Lane == "" {
			r.Lane = LaneSale
		}
		compiled := rule{Rule: r}
		if r.Condition != "" {
			compiled.condition, compiled.broken = bpmn.CompileCondition(r.Condition, env)
		}
		book.rules = append(book.rules, compiled)
		book.funnels = book.funnels || r.Funnel != ""
	}
	return book
}

// writeRules replaces the list.
func writeRules(ctx context.Context, tx pgx.Tx, list []Rule) error {
	var names, conditions, processes, funnels, lanes []string
	var enabled []bool
	for _, r := range list {
		names, conditions = append(names, r.Name), append(conditions, r.Condition)
		processes, funnels = append(processes, r.Process), append(funnels, r.Funnel)
		lanes, enabled = append(lanes, cmp.Or(r.Lane, LaneSale)), append(enabled, r.Enabled)
	}
	if _, err := tx.Exec(ctx, `delete from start_rule`); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, addRulesSQL, pgx.NamedArgs{"names": names, "conditions": conditions, "processes": processes,
		"funnels": funnels, "lanes": lanes, "enabled": enabled})
	return err
}
