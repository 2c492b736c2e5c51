package web

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// speaking asks as the program does, in a language.
func (p *program) speaking(language, method, path, body string) reply {
	p.s.t.Helper()
	request, err := http.NewRequestWithContext(p.s.t.Context(), method, p.s.http.URL+"/api/v1"+path, strings.NewReader(body))
	p.s.must(err)
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Content-Type", "application/json")
	if language != "" {
		request.Header.Set("Accept-Language", language)
	}
	return p.do(request, []byte(body))
}

func TestAProblemIsSaidInTheLanguageAskedFor(t *testing.T) {
	s := newStack(t)
	lead, _ := s.lead("anna")
	p, at := s.program("anna"), "/leads/"+idText(lead)
	for _, c := range []struct {
		language, method, path, body string
		status                       int
		title, detail, field         string
	}{
		{"ru", "PATCH", at, `{"amount": 5, "version": 1}`, 422, "Так нельзя", "запрос составлен не так", "десятичное число в кавычках"},
		{"en", "PATCH", at, `{"amount": 5, "version": 1}`, 422, "This cannot be done", "the request is not as documented", "decimal number in quotes"},
		{"en-GB, ru;q=0.5", "PATCH", at, `{"nothing": 1}`, 422, "This cannot be done", "the request is not as documented", "there is no such field"},
		{"ru-RU, ru;q=0.9, en;q=0.8", "PATCH", at, `{"title": 1}`, 422, "Так нельзя", "не так", "это число, а нужно: строка"},
		{"", "PATCH", at, `{"nothing": 1}`, 422, "Так нельзя", "не так", "такого поля нет"}, // as the token's owner reads
		{"de", "GET", "/leads?limit=x", "", 422, "Так нельзя", "не так", "от 1 до 500"},
		{"en", "GET", "/leads?color=red", "", 422, "This cannot be done", "", "there is no such parameter"},
		{"en", "GET", "/tasks?cursor=nonsense", "", 422, "This cannot be done", "", "cursor was not made"},
		{"ru", "GET", "/leads?cursor=nonsense", "", 422, "Так нельзя", "выдан не здесь", ""},
		{"en", "GET", "/reports/funnel?from=yesterday", "", 422, "This cannot be done", "", ""},
		{"ru", "POST", at + "/assign", `{"owner": "boris"}`, 403, "Нет прав", "У вас нет прав", ""},
		{"en", "POST", at + "/assign", `{"owner": "boris"}`, 403, "", "You are not allowed", ""},
		{"en", "POST", at + "/reopen", `{"reason": "again"}`, 403, "", "You are not allowed", ""},
		{"en", "PATCH", at, `{"version": 99, "title": "Теплица"}`, 409, "", "the lead has changed since the version you saw", ""},
		{"ru", "PATCH", at, `{"version": 99, "title": "Теплица"}`, 409, "", "лид изменился с версии, которую вы видели", ""},
		{"ru", "PATCH", at, `{"version": 1, "fields": []}`, 422, "", "", "это список, а нужно: объект"},
		{"en", "PATCH", at, `{"version": 1, "fields": {"zz": 1}}`, 422, "", "", "string"},
		{"ru", "POST", at + "/interactions", `{"kind": "call", "direction": "out", "at": "вчера"}`, 422, "", "", "это строка, а нужно: дата и время"},
		{"en", "POST", at + "/close", `{"status": "lost", "reason": "nonsense"}`, 0, "", "", ""},
	} {
		r := p.speaking(c.language, c.method, c.path, c.body)
		if c.status == 0 {
			c.status = r.status
		}
		problem := r.problem(c.status)
		field := ""
		if len(problem.Errors) > 0 {
			field = problem.Errors[0].Detail
		}
		if !strings.Contains(problem.Title, c.title) || !strings.Contains(problem.Detail, c.detail) || !strings.Contains(field, c.field) {
			t.Errorf("%s %s in %q says %q, %q, %q", c.method, c.path, c.language, problem.Title, problem.Detail, field)
		}
		english := strings.HasPrefix(c.language, "en")
		for _, text := range []string{problem.Title, problem.Detail, field} {
			if russian := strings.ContainsAny(text, "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"); text != "" && russian == english || strings.Contains(text, "api.") || strings.Contains(text, "{") {
				t.Errorf("%s %s in %q says %q", c.method, c.path, c.language, text)
			}
		}
	}
}

func TestAPersonsOwnLanguageGoesOverTheBrowsersInADownload(t *testing.T) {
	s := newStack(t)
	olga := s.as("olga")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.http.URL+"/api/v1/reports/funnel", bytes.NewReader(nil))
	s.must(err)
	request.Header.Set("Accept-Language", "en")
	olga.do(request).says(t, http.StatusOK, "Воронка")
	if me := s.program("anna").speaking("en", http.MethodGet, "/me", "").want(http.StatusOK).object(); me["language"] != "ru" {
		t.Errorf("the language of the person is %v", me["language"])
	}
}
