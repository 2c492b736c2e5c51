package main

import (
	"strings"
	"testing"

	"marshrut/internal/postgres/postgrestest"
)

func TestAPausedWebHookIsTriedAtOnceUnderTheNameTheListGivesIt(t *testing.T) {
	t.Chdir(t.TempDir())
	url := postgrestest.URL(t)
	pool := postgrestest.Open(t, url)
	environ := []string{"MARSHRUT_DATABASE_URL=" + url, "MARSHRUT_SECRET_KEY=a key of the tests, which is long enough"}
	for _, statement := range []string{
		`insert into delivery (connection, kind, object, payload, idempotency_key, state, due_at, created_at, last_error)
			values ('https://hooks.example.org/secret', 'webhook', '', 'null', 'k', 'waiting', '2026-03-02', '2026-03-02', '')`,
		`insert into delivery_pause (connection, via, reason, since, until) values ('https://hooks.example.org/secret', 'https://hooks.example.org/secret', '{"en": "away"}', '2026-03-02', '2100-01-01')`,
	} {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := marshrut(t, environ, "delivery", "list")
	name, _, _ := strings.Cut(out, " is paused")
	if code != 0 || name != "https://hooks.example.org" || strings.Contains(out, "secret") {
		t.Fatalf("status %d, said %q %q", code, out, errs)
	}
	if code, _, errs := marshrut(t, environ, "delivery", "resume", "https://other.example.org"); code != 1 || !strings.Contains(errs, "is not paused") {
		t.Errorf("another one: status %d, said %q", code, errs)
	}
	if code, out, errs := marshrut(t, environ, "delivery", "resume", name); code != 0 || strings.Contains(out, "secret") {
		t.Errorf("status %d, said %q %q", code, out, errs)
	}
	var waits bool
	if err := pool.QueryRow(t.Context(), "select until > '2099-01-01' from delivery_pause").Scan(&waits); err != nil || waits {
		t.Errorf("it still waits for its time: %t, %v", waits, err)
	}
}
