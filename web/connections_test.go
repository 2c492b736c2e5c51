package web

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/pipeline"
)

func TestConnectionsAreShownWithTheirAddress(t *testing.T) {
	s := newStack(t)
	mark := s.as("mark")
	mark.get("/connections").says(t, http.StatusOK, "Сайт", "/connections/at/site")
	mark.get("/connections/at/site").says(t, http.StatusOK, "http://localhost:8080/in/site/", "описано в файле настроек", "<h2")
	mark.get("/connections/at/nothing").says(t, http.StatusNotFound)
	oleg := s.as("oleg").get("/connections/at/site")
	oleg.says(t, http.StatusOK, "Сайт")
	if strings.Contains(oleg.body, "/in/site/") {
		t.Error("an observer sees the secret address")
	}
	s.as("anna").get("/connections").says(t, http.StatusForbidden)
}

func TestAConnectionIsMadeChangedRenewedAndSwitchedOff(t *testing.T) {
	s := newStack(t)
	mark := s.as("mark")
	mark.get("/connections/new?provider=webform/generic").says(t, http.StatusOK, `name="s.`)
	mark.get("/connections/new?provider=webform/nobody").says(t, http.StatusNotFound)
	mark.post("/connections/new", "provider", "webform/generic", "name", "Плохое имя", "title", "Лендинг").says(t, http.StatusUnprocessableEntity, "Лендинг")
	mark.post("/connections/new", "provider", "webform/generic", "name", "landing", "title", "Лендинг", "rate_limit", "60").leadsTo(t, "/connections/at/landing")
	s.must(s.Connections.Refresh(t.Context()))
	before := mark.get("/connections/at/landing")
	before.says(t, http.StatusOK, "/in/landing/", "Лендинг")
	mark.post("/connections/at/landing", "title", "Весенний лендинг", "rate_limit", "30").leadsTo(t, "/connections/at/landing")
	mark.post("/connections/at/landing/rotate").leadsTo(t, "/connections/at/landing")
	s.must(s.Connections.Refresh(t.Context()))
	after := mark.get("/connections/at/landing")
	after.says(t, http.StatusOK, "Весенний лендинг", "Прежний адрес")
	if strings.Count(after.body, "http://localhost:8080/in/landing/") <= strings.Count(before.body, "http://localhost:8080/in/landing/") {
		t.Error("there is no second address")
	}
	mark.post("/connections/at/landing/enable").leadsTo(t, "/connections/at/landing")
	s.must(s.Connections.Refresh(t.Context()))
	mark.get("/connections/at/landing").says(t, http.StatusOK, "Включить")
	mark.post("/connections/at/site", "title", "Чужое").says(t, http.StatusUnprocessableEntity)
}

// dead files a message nobody could understand.
func (s *stack) dead(id, body string) {
	s.t.Helper()
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		return s.Leads.FileDead(ctx, tx, s.now(), []repository.Dead{{Channel: leads.ChannelForm, Reason: "не нашли в форме ни телефона, ни почты", Fault: "translation",
			Event: pipeline.Event{ID: id, Source: "/connections/site", Type: "ru.marshrut.inquiry.webform", Time: s.now(), Connection: "site", Connector: "webform",
				Provider: "generic", DataContentType: "application/json", Data: []byte(body)}}})
	})
}

func TestADeadLetterIsShownRunAgainAndPutAside(t *testing.T) {
	s := newStack(t)
	s.dead("letter-1", `{"name":"Вера","phone":"+7 912 345-67-89"}`)
	s.dead("letter-2", `{"x":1}`)
	olga := s.as("olga")
	olga.get("/dead-letters").says(t, http.StatusOK, "не нашли в форме", "/dead-letters/letter-1")
	olga.get("/dead-letters/letter-1").says(t, http.StatusOK, "Вера", "application/json")
	olga.get("/dead-letters/letter-9").says(t, http.StatusNotFound)
	olga.post("/dead-letters/letter-1/replay").leadsTo(t, "/leads/")
	olga.post("/dead-letters/letter-1/replay").says(t, http.StatusConflict)
	olga.post("/dead-letters/letter-2/discard").says(t, http.StatusUnprocessableEntity, "Укажите, почему")
	olga.post("/dead-letters/letter-2/discard", "reason", "проверка связи").leadsTo(t, "/dead-letters")
	olga.get("/dead-letters").says(t, http.StatusOK, "Всё обработано")
	olga.get("/dead-letters?state=discarded").says(t, http.StatusOK, "letter-2")
	s.as("anna").get("/dead-letters").says(t, http.StatusForbidden)
}

func TestRawBytesAreShownAsTextWhateverTheirEncoding(t *testing.T) {
	for raw, want := range map[string]string{
		"\xcf\xf0\xe8\xe2\xe5\xf2":  "Привет",
		"Привет\x00":                "Привет·",
		`{"a":1}`:                   "{\n  \"a\": 1\n}",
		strings.Repeat("я", 40<<10): strings.Repeat("я", 32<<10) + "\n…",
	} {
		if got := readable([]byte(raw)); got != want {
			t.Errorf("readable(%.20q) is %.40q, want %.40q", raw, got, want)
		}
	}
}
