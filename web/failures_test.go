package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestWhatAMailboxCouldNotGiveIsShownAndDecidedByAnAdministrator(t *testing.T) {
	s := newStack(t)
	root := s.as("root")
	root.post("/connections/new", "provider", "email/imap", "name", "box", "s.server", "192.0.2.1:993", "s.user", "info@example.org", "s.folders", "INBOX", "s.every", "1m", "s.security", "tls", "s.smtp_security", "tls").leadsTo(t, "/connections/at/box")
	s.must(s.Connections.Refresh(t.Context()))
	box := s.Connections.Memory("box")
	for _, uid := range []string{"45", "46"} {
		_, err := box.Fail(t.Context(), "INBOX/17", uid, "connection reset")
		s.must(err)
		s.must(box.SetAside(t.Context(), "INBOX/17", uid))
	}
	root.get("/connections/at/box").says(t, http.StatusOK, "Не удалось забрать", "письмо № 45 в папке INBOX", "connection reset", "отложено")
	if page := s.as("mark").get("/connections/at/box"); strings.Contains(page.body, "письмо № 45") {
		t.Error("somebody who is no administrator sees what could not be taken")
	}
	s.as("mark").post("/connections/at/box/failures/retry", "part", "INBOX/17", "item", "45").says(t, http.StatusForbidden)
	root.post("/connections/at/box/failures/leave", "part", "INBOX/17", "item", "46").says(t, http.StatusUnprocessableEntity, "Укажите, почему")
	root.post("/connections/at/box/failures/leave", "part", "INBOX/17", "item", "46", "reason", "рассылка").leadsTo(t, "/connections/at/box#failures")
	root.post("/connections/at/box/failures/leave", "part", "INBOX/17", "item", "46", "reason", "ещё раз").says(t, http.StatusConflict)
	root.post("/connections/at/box/failures/retry", "part", "INBOX/17", "item", "45").leadsTo(t, "/connections/at/box#failures")
	root.get("/connections/at/box").says(t, http.StatusOK, "возьмём при следующем опросе", "оставлено", "рассылка")
	root.get("/journal").says(t, http.StatusOK, "Оставлено незабранным", "Забрать ещё раз")
	if again, err := box.Again(t.Context(), "INBOX/17"); err != nil || len(again) != 1 || again[0] != "45" {
		t.Errorf("wanted again: %v, %v", again, err)
	}
}

func TestAProgramDecidesAboutWhatCouldNotBeTaken(t *testing.T) {
	s := newStack(t)
	_, err := s.Connections.Memory("site").Fail(t.Context(), "leads", "7", "no such object")
	s.must(err)
	p := s.program("root")
	var list struct{ Items []apiFailure }
	p.get("/connections/site/failures").want(http.StatusOK).into(&list)
	if len(list.Items) != 1 || list.Items[0].What != "leads 7" || list.Items[0].State != "trying" || list.Items[0].Reason != "no such object" {
		t.Errorf("got %+v", list.Items)
	}
	what := map[string]any{"part": "leads", "item": "7"}
	p.post("/connections/site/failures/retry", what).want(http.StatusNoContent)
	p.post("/connections/site/failures/leave", map[string]any{"part": "leads", "item": "7", "reason": " "}).problem(http.StatusUnprocessableEntity)
	p.post("/connections/site/failures/leave", map[string]any{"part": "leads", "item": "7", "reason": "удалён"}).want(http.StatusNoContent)
	p.post("/connections/site/failures/leave", map[string]any{"part": "leads", "item": "7", "reason": "удалён"}).problem(http.StatusConflict)
	p.get("/connections/nothing/failures").problem(http.StatusNotFound)
	s.program("mark").get("/connections/site/failures").problem(http.StatusForbidden)
}
