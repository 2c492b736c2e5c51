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

func TestADeadLetterIsRepairedByLinesOrRefusedByName(t *testing.T) {
	s := newStack(t)
	s.dead("letter-1", `{"q":"x"}`)
	olga := s.as("olga")
	olga.post("/dead-letters/letter-1/replay", "repairs", "+7 912 000-00-07").says(t, http.StatusUnprocessableEntity, "не понята", "&#43;7 912 000-00-07</textarea>")
	olga.post("/dead-letters/letter-1/replay", "repairs", "phone: +7 912 000-00-07").leadsTo(t, "/leads/")
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
		`"\u041f\u0440\u0438\nвет"`: "При\nвет",
		"\xfa\xc1\xd1\xd7\xcb\xc1 \xd3 \xd3\xc1\xca\xd4\xc1": "Заявка с сайта",
		strings.Repeat("я", 40<<10):                          strings.Repeat("я", 32<<10) + "\n…",
	} {
		if got := readable([]byte(raw)); got != want {
			t.Errorf("readable(%.20q) is %.40q, want %.40q", raw, got, want)
		}
	}
}
