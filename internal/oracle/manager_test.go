package oracle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// manager works on what comes in, through the API: calls the client, does the steps
// of the first task, clicks its outcome. Each answer of success is an obligation.
type manager struct {
	address string // of the web, http://host:port
	bearer  string
	client  *http.Client

	mu      sync.Mutex
	calls   []string          // ids of interactions that were noted
	clicked map[string]string // by the id of the task: the lead it is about
	broken  []string
}

func newManager(address, bearer string) *manager {
	return &manager{address: address, bearer: bearer, client: &http.Client{Timeout: 3 * time.Second}, clicked: map[string]string{}}
}

// todo is a task of the manager's list.
type todo struct {
	ID, Lead, Element, Status string
	Revision                  int
}

// firstTask is the task that the standard route map begins with, talked the outcome
// that leads on to the second.
const (
	firstTask  = "contact"
	secondTask = "qualify"
	talked     = "talked"
)

// work does one task after the other until ctx ends.
func (m *manager) work(ctx context.Context) {
	for pause(ctx, 20*time.Millisecond) {
		var list struct{ Items []todo }
		if _, err := m.call(ctx, http.MethodGet, "/api/v1/tasks?assignee=me&status=open&limit=50", nil, &list); err != nil {
			continue
		}
		for _, task := range list.Items {
			if task.Element == firstTask && ctx.Err() == nil {
				m.talk(ctx, task)
			}
		}
	}
}

// talk does one task from its first step to its end. What breaks off in the middle
// is done when the list is looked at next.
func (m *manager) talk(ctx context.Context, task todo) {
	var call struct{ ID string }
	if m.try(ctx, task, "note the call", "/api/v1/leads/"+task.Lead+"/interactions", map[string]any{"kind": "call", "direction": "out", "seconds": 60, "text": "Разговор"}, &call) != nil {
		return
	}
	m.mu.Lock()
	m.calls = append(m.calls, call.ID)
	m.mu.Unlock()
	for _, step := range []string{"read", "reach"} {
		if m.try(ctx, task, "do the step "+step, "/api/v1/tasks/"+task.ID+"/steps/"+step, map[string]any{"value": true}, &task) != nil {
			return
		}
	}
	if m.try(ctx, task, "complete", "/api/v1/tasks/"+task.ID+"/complete", map[string]any{"outcome": talked, "revision": task.Revision}, nil) != nil {
		return
	}
	m.mu.Lock()
	m.clicked[task.ID] = task.Lead
	m.mu.Unlock()
}

// errRefused is an answer of the API that was no success.
var errRefused = errors.New("refused")

// try posts once. A refusal by the rules is a finding: the manager did everything
// in order, so that only what was acknowledged and lost can be missing. 409 alone
// is none: the step was done by an attempt whose answer was lost.
func (m *manager) try(ctx context.Context, task todo, what, path string, body, into any) error {
	status, err := m.call(ctx, http.MethodPost, path, body, into)
	if errors.Is(err, errRefused) && status < 500 && status != http.StatusConflict {
		m.mu.Lock()
		m.broken = append(m.broken, fmt.Sprintf("task %s of lead %s: %s: %v", task.ID, task.Lead, what, err))
		m.mu.Unlock()
	}
	return err
}

// call asks the API once. An error without a status is a broken connection.
func (m *manager) call(ctx context.Context, method, path string, body, into any) (status int, err error) {
	content, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	if body == nil {
		content = nil
	}
	r, err := http.NewRequestWithContext(ctx, method, m.address+path, bytes.NewReader(content))
	if err != nil {
		return 0, err
	}
	r.GetBody = nil // or the client itself repeats what may have been done
	r.Header.Set("Authorization", "Bearer "+m.bearer)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := m.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return answer.StatusCode, err
	case answer.StatusCode/100 != 2:
		return answer.StatusCode, fmt.Errorf("%w: %s %s", errRefused, answer.Status, said)
	case into == nil:
		return answer.StatusCode, nil
	}
	return answer.StatusCode, json.Unmarshal(said, into)
}

// clicks wants each click that was answered to have moved its process on, once.
func (a *audit) clicks(ctx context.Context, m *manager) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a.findings = append(a.findings, m.broken...)
	ids := make([]string, 0, len(m.clicked))
	for id := range m.clicked {
		ids = append(ids, id)
	}
	if err := a.none(ctx, "calls that were noted and are not there", `select c.id::text from unnest($1::text[]) c (id)
		where not exists (select from interaction i where i.id = c.id::bigint and i.direction = 'out')`, m.calls); err != nil {
		return err
	}
	for what, query := range map[string]string{
		"tasks that were completed and are not": `select c.id from unnest($1::text[]) c (id)
			where not exists (select from task t where t.id = c.id::bigint and t.status = 'done' and t.outcome = '` + talked + `')`,
		"completed tasks that were not followed by the next, once": `select t.id::text from task t where t.id::text = any($1::text[])
			and 1 <> (select count(*) from task n where n.instance_id = t.instance_id and n.element = '` + secondTask + `')`,
		"completed tasks whose lead is in another stage": `select t.id::text from task t join lead l on l.id = t.subject
			where t.id::text = any($1::text[]) and l.stage <> 'qualification'`,
	} {
		if err := a.none(ctx, what, query, ids); err != nil {
			return err
		}
	}
	return a.none(ctx, "processes that went on without their task", `select n.instance_id::text from task n where n.element = '`+secondTask+`'
		and not exists (select from task t where t.instance_id = n.instance_id and t.element = '`+firstTask+`' and t.status = 'done')`)
}
