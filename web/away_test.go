package web

import (
	"net/http"
	"strings"
	"testing"

	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
)

func TestWhileTheDatabaseIsAwayPeopleAndProgramsAreAskedToComeAgain(t *testing.T) {
	server := postgrestest.Private(t, t.TempDir())
	if err := server.CreateDatabase(t.Context(), "company"); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Migrate(t.Context(), server.URL("company")); err != nil {
		t.Fatal(err)
	}
	s := newStackOn(t, postgrestest.Open(t, server.URL("company")))
	anna, program, stranger := s.as("anna"), s.program("anna"), s.visitor()
	_, task := s.lead("anna")
	at := "/tasks/" + idText(task.ID)

	s.must(server.Stop(t.Context()))

	for _, a := range []answer{anna.get("/tasks"), anna.get("/leads"), anna.get("/reports/funnel"), anna.get(at), anna.post(at+"/work", "do", "complete"),
		stranger.post("/sign-in", "login", "anna", "password", password)} {
		a.says(t, http.StatusServiceUnavailable, "База данных сейчас не отвечает")
		saysWhenToComeAgain(t, a.header)
	}
	stranger.get("/sign-in").says(t, http.StatusOK) // it asks nothing of the database
	for _, r := range []reply{program.get("/leads"), program.get("/tasks"), program.get("/reports/funnel"), program.post(at+"/complete", map[string]any{"outcome": "agreed", "revision": 1})} {
		if p := r.problem(http.StatusServiceUnavailable); p.Detail != "" || strings.Contains(string(r.body), "connect") {
			t.Errorf("the problem tells what is none of the sender's business: %s", r.body)
		}
		saysWhenToComeAgain(t, r.header)
	}
}

func saysWhenToComeAgain(t *testing.T, header http.Header) {
	t.Helper()
	if header.Get("Retry-After") == "" {
		t.Error("nothing says when to ask again")
	}
}
