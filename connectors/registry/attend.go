package registry

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/connectors"
)

const (
	// attendEvery is how often a process says that it runs.
	attendEvery = 20 * time.Second
	// absent is how long nobody has to have said so before people are told: three times missed, and a pause of the database.
	absent = 90 * time.Second
	// stale is how long a poller may go unconfirmed, or three of its rounds where those are longer.
	stale = 10 * time.Minute
)

// Rhythmic is a poller that says how often it goes and asks; 0: it has nothing to ask.
type Rhythmic interface{ Rhythm() time.Duration }

// attendance is what is known of the processes of each role.
type attendance map[string]attended

// attended is when a process was seen last, and when the latest of them began.
type attended struct{ seen, began time.Time }

func (a attendance) absent(role string, now time.Time) bool { return now.Sub(a[role].seen) > absent }

// Attend says that this process runs, and forgets those that have not said so for long.
func (r *Registry) Attend(ctx context.Context) error {
	now := r.options.Now()
	_, err := r.pool.Exec(ctx, sql("attend"), pgx.NamedArgs{"id": r.process, "host": hostname(), "roles": r.options.Roles, "now": now, "long_ago": now.Add(-24 * time.Hour)})
	if err != nil {
		return fmt.Errorf("say that this process runs: %w", err)
	}
	return nil
}

// leave says that this process runs no more.
func (r *Registry) leave(ctx context.Context) error {
	if _, err := r.pool.Exec(ctx, "delete from gateway_process where id = $1", r.process); err != nil {
		return fmt.Errorf("say that this process runs no more: %w", err)
	}
	return nil
}

// attendance tells when a process of each role was seen last, and when the latest began.
func (r *Registry) attendance(ctx context.Context) (attendance, error) {
	seen := attendance{}
	var role string
	var at attended
	rows, _ := r.pool.Query(ctx, "select role, max(seen_at), max(started_at) from gateway_process, unnest(roles) as role group by role")
	_, err := pgx.ForEachRow(rows, []any{&role, &at.seen, &at.began}, func() error {
		seen[role] = at
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("see which processes run: %w", err)
	}
	return seen, nil
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		name = "?"
	}
	return fmt.Sprintf("%s:%d", name, os.Getpid())
}

func processID() string { return rand.Text() }

// unattended says why nothing can arrive though nothing is in trouble: whoever would have to see to it does not run.
func unattended(c *connectors.Connected, seen attendance, confirmed, now time.Time) (State, bool) {
	poller, polls := c.Instance.(connectors.Poller)
	began := seen["worker"].began
	switch {
	case polls && seen.absent("worker", now):
		return told("unattended", noWorker), true
	case polls && overdue(poller, now.Sub(latest(confirmed, &began))): // who has just begun gets to it yet
		return told("unattended", unconfirmed), true
	case c.Called() && seen.absent("edge", now):
		return told("unattended", noEdge), true
	case c.Called() && seen.absent("worker", now):
		return told("unhandled", keptOnly), true
	}
	return State{}, false
}

// overdue reports that a poller that works would have been confirmed since.
func overdue(p connectors.Poller, since time.Duration) bool {
	r, ok := p.(Rhythmic)
	if !ok {
		return since > stale
	}
	return r.Rhythm() > 0 && since > max(stale, 3*r.Rhythm())
}

var (
	noWorker = connectors.Text{
		"ru": "Не запущен ни один процесс с ролью worker: письма и записи никто не забирает. Запустите его, и всё, что накопилось, будет принято.",
		"en": "No process with the role worker is running: nobody fetches letters and records. Start one, and what has gathered will be taken.",
	}
	unconfirmed = connectors.Text{
		"ru": "Опрос давно не подтверждался: процесс с ролью worker запущен, но до этого подключения не доходит. Посмотрите его журнал и перезапустите его.",
		"en": "It has not been polled for long: a process with the role worker is running, but does not get to this connection. See its log and restart it.",
	}
	noEdge = connectors.Text{
		"ru": "Не запущен ни один процесс с ролью edge: обращения принять некому, отправители получают отказ.",
		"en": "No process with the role edge is running: nobody takes inquiries, and senders are refused.",
	}
	keptOnly = connectors.Text{
		"ru": "Не запущен ни один процесс с ролью worker: обращения принимаются и сохраняются, но лидами не становятся. Запустите его, и они будут разобраны.",
		"en": "No process with the role worker is running: inquiries are taken and kept, but do not become leads. Start one, and they will be filed.",
	}
)

// latest is the latest of some moments, any of which may be missing.
func latest(first time.Time, others ...*time.Time) time.Time {
	for _, t := range others {
		if t != nil && t.After(first) {
			first = *t
		}
	}
	return first
}

func told(code string, detail connectors.Text) State { return State{code, titles[code], detail} }

// plain is a text that is known in one language only.
func plain(text string) connectors.Text {
	if text == "" {
		return nil
	}
	return connectors.Text{"ru": text, "en": text}
}
