package web

import (
	"testing"
	"time"

	"marshrut/internal/staff"
)

func TestWhatOnePersonChangesOnTheCardInARowIsOneEntry(t *testing.T) {
	at := time.Date(2026, 3, 17, 10, 0, 0, 0, time.UTC)
	edit := func(minutes int, actor, name string) entry {
		return entry{At: at.Add(time.Duration(minutes) * time.Minute), Actor: actor, edit: true, Detail: []detail{{Name: name}}}
	}
	call := entry{At: at.Add(3 * time.Minute)}

	got := joinEdits([]entry{edit(40, "Анна", "city"), edit(5, "Анна", "need"), edit(4, "Анна", "amount"), call, edit(2, "Анна", "product"), edit(1, "Борис", "title")})

	if len(got) != 5 {
		t.Fatalf("%d entries, want 5: %+v", len(got), got)
	}
	if d := got[1].Detail; len(d) != 2 || d[0].Name != "amount" || d[1].Name != "need" {
		t.Errorf("the joined entry tells %+v", d)
	}
}

func TestTheHistorySaysOfACallBackHowLongTheClientWaitedAndOfAnOwnerWhy(t *testing.T) {
	texts, err := loadCatalogues()
	if err != nil {
		t.Fatal(err)
	}
	p := page{Lang: "ru", texts: texts["ru"]}
	people := &staff.Directory{}
	back, _ := p.journalEntry(time.Now(), "Анна", "call.returned", []byte(`{"seconds":280}`), words{}, people)
	if back.Title != "После пропущенного звонка поговорили, через: 4 мин" || back.Actor != "Анна" {
		t.Errorf("of the call back: %q by %s", back.Title, back.Actor)
	}
	taken, _ := p.journalEntry(time.Now(), "", "lead.assigned", []byte(`{"to":"0","why":"answered"}`), words{}, people)
	if taken.Text != "Ответил на звонок" {
		t.Errorf("of the owner: %q", taken.Text)
	}
	if said, _ := p.journalEntry(time.Now(), "", "lead.assigned", []byte(`{"to":"0","why":"в отпуске"}`), words{}, people); said.Text != "в отпуске" {
		t.Errorf("what a person wrote: %q", said.Text)
	}
}
