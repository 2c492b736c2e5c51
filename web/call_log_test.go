package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"marshrut/leads"
)

// called files a call of a number, as the intake does.
func (s *stack) called(id, phone string, direction leads.Direction, extension string, talk time.Duration) int64 {
	s.t.Helper()
	in := s.form("", phone, "")
	in.ID, in.Channel, in.Direction = id, leads.ChannelCall, direction
	in.Call = &leads.Call{Answered: talk > 0, Talk: talk, Extension: extension, Dialled: "+74950000001"}
	return s.arrive(in)[0].LeadID
}

func TestTheLogOfCallsShowsWhoWasAtBothEndsAndHowItEnded(t *testing.T) {
	s := newStack(t)
	s.telephones()
	s.called("call-1", "+7 912 000-00-01", leads.DirectionIn, "101", 185*time.Second)
	s.called("call-2", "+7 912 000-00-02", leads.DirectionIn, "", 0)
	s.called("call-3", "+7 912 000-00-01", leads.DirectionOut, "102", 0)
	root := s.as("root")
	root.get("/calls").says(t, http.StatusOK, "Последние звонки", "Звонок от клиента, 3:05", "Пропущенный звонок", "Звонок клиенту, не ответили")
	for show, want := range map[string][]string{"missed": {"Пропущенный звонок"}, "in": {"Звонок от клиента, 3:05", "Пропущенный звонок"}, "out": {"Звонок клиенту, не ответили"}} {
		page := root.get("/calls?show=" + show)
		page.says(t, http.StatusOK, want...)
		for _, other := range []string{"Звонок от клиента, 3:05", "Пропущенный звонок", "Звонок клиенту, не ответили"} {
			if strings.Contains(page.body, other) && !strings.Contains(strings.Join(want, "\n"), other) {
				t.Errorf("?show=%s shows %q", show, other)
			}
		}
	}
}

func TestTheLogShowsAManagerTheCallsOfOwnLeadsAndOwnCallsOnly(t *testing.T) {
	s := newStack(t)
	s.telephones()
	s.called("call-1", "+7 912 000-00-01", leads.DirectionIn, "101", time.Minute)
	s.called("call-2", "+7 912 000-00-01", leads.DirectionOut, "102", 2*time.Minute)
	owner := s.task(s.called("call-3", "+7 912 000-00-01", leads.DirectionIn, "101", 3*time.Minute)).AssigneeLogin
	other := map[string]string{"anna": "boris", "boris": "anna"}[owner]
	own := map[string]string{"anna": "Звонок от клиента, 1:00", "boris": "Звонок клиенту, 2:00"}
	s.as(owner).get("/calls").says(t, http.StatusOK, "Звонок от клиента, 1:00", "Звонок клиенту, 2:00", "Звонок от клиента, 3:00")
	page := s.as(other).get("/calls")
	page.says(t, http.StatusOK, own[other])
	if strings.Contains(page.body, own[owner]) {
		t.Errorf("%s sees a call of %s about a lead of %s", other, owner, owner)
	}
}

func TestOnlyWhoeverCallsUsCanHideANumber(t *testing.T) {
	s := newStack(t)
	in := s.form("Иван", "+7 912 000-00-03", "")
	in.Points = []leads.ContactPoint{{Kind: leads.KindEmail, Value: "ivan@example.org"}}
	id := s.arrive(in)[0].LeadID
	for direction, seconds := range map[string]int{"in": 60, "out": 120} {
		s.program("root").post("/leads/"+idText(id)+"/interactions", map[string]any{"kind": "call", "direction": direction, "answered": true, "seconds": seconds}).want(http.StatusCreated)
	}
	root := s.as("root")
	root.get("/calls?show=in").says(t, http.StatusOK, "Звонок от клиента, 1:00", "Номер скрыт")
	page := root.get("/calls?show=out")
	page.says(t, http.StatusOK, "Звонок клиенту, 2:00")
	if strings.Contains(page.body, "Номер скрыт") {
		t.Error("a call of ours is said to hide its number")
	}
}
