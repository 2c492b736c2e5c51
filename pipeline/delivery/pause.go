package delivery

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
)

var (
	//go:embed sql/halt.sql
	haltSQL string
	//go:embed sql/put_back.sql
	putBackSQL string
	//go:embed sql/release.sql
	releaseSQL string
	//go:embed sql/probe_next.sql
	probeNextSQL string
	//go:embed sql/resume.sql
	resumeSQL string
	//go:embed sql/pauses.sql
	pausesSQL string
)

// Halted is an error that is not of the delivery but of the whole connection: nothing can go out through it at present, whatever
// it is. The connection pauses, and the delivery waits with the others as if it had not been tried. A Deliverer that cannot tell
// says something else: what one object is refused must not stop the rest.
type Halted struct {
	Err   error             // for the log
	Words map[string]string // why, for people, by language
	// Connection is the configured one that it is about, where deliveries name none; "": the delivery's own.
	Connection string
	After      time.Duration // not before; 0: as pauses grow
	Person     bool          // nothing mends it but an administrator: it is asked rarely, since wrong passwords lock accounts
}

func (h Halted) Error() string { return h.Err.Error() }
func (h Halted) Unwrap() error { return h.Err }

// How long a connection pauses: doubling with every probe in a row that finds it unmended.
const (
	pauseMin, pauseMax              = 5 * time.Second, 15 * time.Minute
	pauseForPersonMin, forPersonMax = 5 * time.Minute, time.Hour
)

// halt puts the delivery back and makes its connection pause. False: others went out since the delivery said so before, and
// the trouble is its own.
func (r *run) halt(ctx context.Context, tx pgx.Tx, d Delivery, h Halted) (bool, error) {
	now := r.Now()
	_, err := one(ctx, tx, putBackSQL, d.ID, d.Attempts, now, postgres.Words(h.Error()))
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	least, most := pauseMin, pauseMax
	if h.Person {
		least, most = pauseForPersonMin, forPersonMax
	}
	_, err = tx.Exec(ctx, haltSQL, pgx.NamedArgs{
		"connection": d.Connection, "via": via(h, d), "reason": reason(h), "person": h.Person, "now": now, "delivery": d.ID,
		"least": least, "most": most, "after": min(h.After, r.RetryMax), "share": 1 - rand.Float64()/4,
	})
	if err != nil {
		return false, fmt.Errorf("pause %s: %w", d.Connection, err)
	}
	return true, nil
}

func via(h Halted, d Delivery) string {
	if h.Connection != "" {
		return h.Connection
	}
	return d.Connection
}

// reason is why in words; without any, what the error says has to do.
func reason(h Halted) map[string]string {
	out := map[string]string{}
	for language, text := range h.Words {
		out[language] = postgres.Words(text)
	}
	if len(out) == 0 {
		out["ru"] = postgres.Words(h.Error())
	}
	return out
}

// release ends a pause: the other side has answered one delivery, be it with a failure of that one.
func release(ctx context.Context, tx pgx.Tx, now time.Time, connection string) error {
	if _, err := tx.Exec(ctx, releaseSQL, connection, now); err != nil {
		return fmt.Errorf("end the pause of %s: %w", connection, err)
	}
	return nil
}

// probeNext lets another delivery probe at once: this one was given up and perhaps never reached the other side.
func probeNext(ctx context.Context, tx pgx.Tx, now time.Time, d Delivery) error {
	if _, err := tx.Exec(ctx, probeNextSQL, d.Connection, now, d.ID); err != nil {
		return fmt.Errorf("let another delivery probe %s: %w", d.Connection, err)
	}
	return nil
}

// Pause is a connection through which nothing goes out at present.
type Pause struct {
	Connection string            // as deliveries name it
	Via        string            // the configured connection
	Reason     map[string]string // in words, by language
	Person     bool              // an administrator has to do something
	Since      time.Time
	Until      time.Time // then one delivery probes
	Times      int
	Waiting    int // deliveries held up
}

// In gives the reason in a language, or as it is known.
func (p Pause) In(language string) string {
	if text := p.Reason[language]; text != "" {
		return text
	}
	for _, other := range []string{"ru", "en"} {
		if text := p.Reason[other]; text != "" {
			return text
		}
	}
	return ""
}

// Pauses tells which connections are paused while something waits for them, the oldest first.
func Pauses(ctx context.Context, db postgres.DB) ([]Pause, error) {
	rows, _ := db.Query(ctx, pausesSQL)
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Pause])
	if err != nil {
		return nil, fmt.Errorf("list paused connections: %w", err)
	}
	return list, nil
}

// Resume lets a delivery probe at once: somebody has seen to what stood in the way. The connection is named as deliveries name
// it or as it is configured.
func Resume(ctx context.Context, tx pgx.Tx, now time.Time, connection string) error {
	tag, err := tx.Exec(ctx, resumeSQL, connection, now)
	if err == nil && tag.RowsAffected() > 0 {
		_, err = tx.Exec(ctx, `select pg_notify($1, '')`, channel)
	}
	if err != nil {
		return fmt.Errorf("hasten the probe of %s: %w", connection, err)
	}
	return nil
}
