package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/pipeline/delivery"
	"marshrut/processes"
	"marshrut/processes/bpmn/bpmntest"
)

// parked writes deliveries that nobody can carry out, and gives their ids, the oldest first.
func (s *stack) parked(lead int64, kind string, n int) []int64 {
	s.t.Helper()
	s.mu.Lock()
	from := s.count
	s.count += n
	s.mu.Unlock()
	var requests []delivery.Request
	for i := range n {
		requests = append(requests, delivery.Request{Connection: "email", Kind: kind, Lead: lead, IdempotencyKey: fmt.Sprintf("key-%d", from+i),
			Payload: json.RawMessage(`{"to": "ivan@example.org"}`), Parked: "нет подключения, которое отправляет письма"})
	}
	s.tx(func(ctx context.Context, tx pgx.Tx) error { return delivery.Enqueue(ctx, tx, s.now(), requests) })
	list, err := delivery.List(s.t.Context(), s.pool, delivery.Filter{State: delivery.Parked, Limit: n})
	s.must(err)
	ids := make([]int64, n)
	for i, d := range list {
		ids[n-1-i] = d.ID
	}
	return ids
}

func (s *stack) deliveryState(id int64) (state, reason string) {
	s.t.Helper()
	s.must(s.pool.QueryRow(s.t.Context(), "select state, last_error from delivery where id = $1", id).Scan(&state, &reason))
	return state, reason
}

func TestWhatCouldNotBeSentIsListedWithItsReasonItsLeadAndItsAge(t *testing.T) {
	s := newStack(t)
	lead, _ := s.lead("anna")
	s.parked(lead, "send-letter", 3)
	s.pass(3 * time.Hour)
	a := s.as("root").get("/deliveries")
	a.says(t, http.StatusOK, "Не отправлено", "Письмо", "email", "нет подключения, которое отправляет письма", fmt.Sprintf(`href="/leads/%d"`, lead), "3 ч", "ivan@example.org")
	s.as("root").get("/leads").says(t, http.StatusOK, `href="/deliveries"`)
	if strings.Contains(s.as("anna").get("/leads").body, `href="/deliveries"`) {
		t.Error("a manager is offered what only those above may decide")
	}
}

func TestALongListOfWhatWasNotSentIsReadInParts(t *testing.T) {
	s := newStack(t)
	ids := s.parked(0, "webhook", partOfDeliveries+5)
	root := s.as("root")
	first := root.get("/deliveries")
	first.says(t, http.StatusOK, fmt.Sprintf("?before=%d", ids[5]), fmt.Sprintf("/deliveries/%d/retry", ids[5]))
	root.get(fmt.Sprintf("/deliveries?before=%d", ids[5])).says(t, http.StatusOK, fmt.Sprintf("/deliveries/%d/retry", ids[4]), fmt.Sprintf("/deliveries/%d/retry", ids[0]))
}

func TestTheJournalDoesNotTellTheAddressOfAWebHook(t *testing.T) {
	s := newStack(t)
	ids := s.parked(0, "webhook", 4)
	const address = "https://hooks.example.org/secret-token"
	_, err := s.pool.Exec(t.Context(), "update delivery set connection = $1", address)
	s.must(err)
	root := s.as("root")
	root.post(fmt.Sprintf("/deliveries/%d/retry", ids[0])).leadsTo(t, "/deliveries")
	root.post(fmt.Sprintf("/deliveries/%d/discard", ids[1]), "reason", "отключено").leadsTo(t, "/deliveries")
	root.post("/deliveries/retry", "connection", address, "kind", "webhook").leadsTo(t, "/deliveries")
	var lines, told int
	s.must(s.pool.QueryRow(t.Context(), "select count(*), count(*) filter (where object || data::text like '%secret-token%') from journal where action like 'delivery.%'").Scan(&lines, &told))
	if lines != 3 || told != 0 {
		t.Errorf("%d of %d lines tell the token", told, lines)
	}
}

func TestOneDeliveryIsTriedAgainOrGivenUpWithAReason(t *testing.T) {
	s := newStack(t)
	lead, _ := s.lead("anna")
	ids := s.parked(lead, "send-letter", 2)
	root := s.as("root")

	root.post(fmt.Sprintf("/deliveries/%d/retry", ids[0])).leadsTo(t, "/deliveries")
	root.post(fmt.Sprintf("/deliveries/%d/discard", ids[1]), "reason", " ").says(t, http.StatusUnprocessableEntity, "Укажите, почему отправлять не нужно")
	root.post(fmt.Sprintf("/deliveries/%d/discard", ids[1]), "reason", "клиенту позвонили").leadsTo(t, "/deliveries")

	if state, _ := s.deliveryState(ids[0]); state != "waiting" {
		t.Errorf("the one to try again is %s", state)
	}
	if state, reason := s.deliveryState(ids[1]); state != "discarded" || reason != "клиенту позвонили" {
		t.Errorf("the one given up is %s: %s", state, reason)
	}
	root.get("/journal?action=delivery.").says(t, http.StatusOK, "Отправка повторена", "Отправка отменена", "клиенту позвонили", "Администратор")
	root.post(fmt.Sprintf("/deliveries/%d/retry", ids[1])).says(t, http.StatusConflict)
	root.post("/deliveries/999999/discard", "reason", "x").says(t, http.StatusConflict)
}

func TestAllOfAKindIsTriedAgainOrGivenUp(t *testing.T) {
	s := newStack(t)
	letters, hooks := s.parked(0, "send-letter", 3), s.parked(0, "webhook", 2)
	root := s.as("root")

	root.post("/deliveries/retry", "connection", "email", "kind", "send-letter").leadsTo(t, "/deliveries")
	for _, id := range letters {
		if state, _ := s.deliveryState(id); state != "waiting" {
			t.Errorf("letter %d is %s", id, state)
		}
	}
	root.post("/deliveries/discard", "connection", "email", "kind", "webhook").says(t, http.StatusUnprocessableEntity, "Укажите, почему")
	if state, _ := s.deliveryState(hooks[0]); state != "parked" {
		t.Errorf("a web hook is %s", state)
	}
	root.post("/deliveries/discard", "connection", "email", "kind", "webhook", "reason", "система отключена").leadsTo(t, "/deliveries")
	for _, id := range hooks {
		if state, reason := s.deliveryState(id); state != "discarded" || reason != "система отключена" {
			t.Errorf("web hook %d is %s: %s", id, state, reason)
		}
	}
	root.get("/deliveries").says(t, http.StatusOK, "Всё отправлено")
	root.get("/journal?action=delivery.").says(t, http.StatusOK, "система отключена")
}

func TestWhatIsGivenUpLetsTheProcessThatWaitsForItGoOn(t *testing.T) {
	s := newStack(t)
	xml := bpmntest.XML("inquiry", `<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>
		<bpmn:serviceTask id="send" name="Сообщить"><bpmn:extensionElements><mr:action name="webhook" connection="https://crm.example.org/hook" wait="true"/></bpmn:extensionElements></bpmn:serviceTask>
		<bpmn:userTask id="call" name="Позвонить"><bpmn:extensionElements><mr:assignment role="manager"/></bpmn:extensionElements></bpmn:userTask>`,
		"s>send", "send>call", "call>e")
	_, problems, err := s.Processes.Publish(t.Context(), staff.System(), []byte(xml))
	if err != nil {
		t.Fatal(problems, err)
	}
	root := s.as("root")
	for n, give := range []func(d delivery.Delivery){
		func(d delivery.Delivery) {
			root.post(fmt.Sprintf("/deliveries/%d/discard", d.ID), "reason", "не нужно")
		},
		func(d delivery.Delivery) {
			root.post("/deliveries/discard", "connection", d.Connection, "kind", d.Kind, "reason", "не нужно")
		},
	} {
		lead := s.arrive(s.form("Иван", fmt.Sprintf("+7 912 000-00-%d", 40+n), "счёт"))[0].LeadID
		s.must(func() error {
			_, err := s.pool.Exec(t.Context(), "update delivery set state = 'parked', last_error = '410' where lead_id = $1", lead)
			return err
		}())
		list, err := delivery.List(t.Context(), s.pool, delivery.Filter{Lead: lead})
		s.must(err)
		s.tx(func(ctx context.Context, tx pgx.Tx) error {
			return s.Processes.Settle(ctx, tx, list[0], errors.New("410 Gone"))
		})
		give(list[0])
		incidents, err := s.Processes.Incidents(t.Context(), processes.IncidentFilter{Subject: lead})
		s.must(err)
		if task := s.task(lead); len(incidents) != 0 || task.Element != "call" {
			t.Errorf("way %d: the task is %q, incidents %+v", n, task.Element, incidents)
		}
	}
}
