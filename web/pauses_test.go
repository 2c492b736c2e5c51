package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/pipeline/delivery"
)

// pause makes a connection pause with one delivery held up.
func (s *stack) pause(connection, via string, person bool) {
	s.t.Helper()
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		return delivery.Enqueue(ctx, tx, s.now(), []delivery.Request{{Connection: connection, Kind: "webhook", IdempotencyKey: "held-" + connection}})
	})
	_, err := s.pool.Exec(s.t.Context(), `insert into delivery_pause (connection, via, reason, person, since, until)
		values ($1, $2, '{"ru": "нет свободной лицензии", "en": "no free licence"}', $3, $4, $5)`, connection, via, person, s.now(), s.now().Add(15*time.Minute))
	s.must(err)
}

func (s *stack) probesNow(connection string) bool {
	s.t.Helper()
	var now bool
	s.must(s.pool.QueryRow(s.t.Context(), "select until <= $2 from delivery_pause where connection = $1", connection, s.now()).Scan(&now))
	return now
}

func TestAPausedConnectionIsShownOnceWithItsReasonAndTriedAtOnceByAnAdministrator(t *testing.T) {
	s := newStack(t)
	s.pause("site", "site", true)
	s.pause("https://hooks.example.org/secret-token", "https://hooks.example.org/secret-token", false)
	mark, root := s.as("mark"), s.as("root")
	for _, path := range []string{"/connections", "/connections/at/site"} {
		page := mark.get(path)
		page.says(t, http.StatusOK, "Отправка приостановлена", "нет свободной лицензии")
		if n := strings.Count(page.body, "нет свободной лицензии"); n != 1 {
			t.Errorf("%s says it %d times", path, n)
		}
	}
	list := root.get("/deliveries")
	list.says(t, http.StatusOK, "нет свободной лицензии", "Нужен администратор", "Продолжится сама", "https://hooks.example.org")
	mark.post("/connections/at/site/resume").leadsTo(t, "/connections/at/site")
	if !s.probesNow("site") || s.probesNow("https://hooks.example.org/secret-token") {
		t.Error("the connection is not tried at once, or another one is")
	}
	root.post("/deliveries/resume", "connection", "https://hooks.example.org/secret-token").leadsTo(t, "/deliveries")
	if !s.probesNow("https://hooks.example.org/secret-token") {
		t.Error("the web hooks are not tried at once")
	}
	s.as("oleg").post("/connections/at/site/resume").says(t, http.StatusForbidden)
	s.as("anna").post("/deliveries/resume", "connection", "site").says(t, http.StatusForbidden)
}

func TestAConnectionThatNoProcessSeesToIsNotGreen(t *testing.T) {
	s := newStack(t)
	mark := s.as("mark")
	_, err := s.pool.Exec(t.Context(), "update gateway_process set roles = '{web}'")
	s.must(err)
	mark.get("/connections").says(t, http.StatusOK, "никто не слушает", "Не запущен ни один процесс с ролью edge")
	mark.get("/connections/at/site").says(t, http.StatusOK, "никто не слушает", "отправители получают отказ")
	_, err = s.pool.Exec(t.Context(), "update gateway_process set roles = '{web,edge}'")
	s.must(err)
	mark.get("/connections/at/site").says(t, http.StatusOK, "принимается, но не разбирается", "лидами не становятся")
}
