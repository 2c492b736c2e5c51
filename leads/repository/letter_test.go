package repository

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// mail is a letter of somebody, known by its Message-ID and naming others.
func mail(id, from string, answers ...string) leads.Inquiry {
	in := form(email(from))
	in.Channel, in.VendorID, in.Subject = leads.ChannelMail, id, "Тема "+id
	for _, ref := range append([]string{id}, answers...) {
		in.Refs = append(in.Refs, leads.LetterRef(ref))
	}
	return in
}

func TestAnAnswerJoinsTheLeadItNamesWhoeverWritesIt(t *testing.T) {
	h := newHouse(t, Options{})
	first := h.capture(mail("1@a", "ivan@example.ru"))[0]
	colleague := mail("2@b", "olga@example.ru", "1@a")
	further := mail("3@b", "olga@example.ru", "0@gone", "2@b")
	for _, got := range h.capture(colleague, further) {
		if got.Outcome != OutcomeJoined || got.LeadID != first.LeadID || got.Copy {
			t.Errorf("got %+v", got)
		}
	}
	h.want(1, "select count(*) from lead")
	h.want(3, "select count(*) from interaction where lead_id = $1", first.LeadID)
}

func TestAnswersAndWhatTheyAnswerFindEachOtherInAnyOrder(t *testing.T) {
	answer, letter := mail("2@b", "olga@example.ru", "1@a"), mail("1@a", "ivan@example.ru")
	for _, batches := range [][][]leads.Inquiry{{{answer, letter}}, {{letter, answer}}, {{answer}, {letter}}} {
		h := newHouse(t, Options{})
		for _, batch := range batches {
			h.capture(batch...)
		}
		h.want(1, "select count(*) from lead")
	}
}

func TestAnAnswerToAClosedLeadOpensANewOneThatTheThreadGoesOnWith(t *testing.T) {
	h := newHouse(t, Options{})
	old := h.capture(mail("1@a", "ivan@example.ru"))[0]
	h.tx(func(tx pgx.Tx) error {
		return h.Close(t.Context(), tx, noon, []Closing{{Lead: old.LeadID, Kind: leads.StatusWon}})
	})
	again := h.capture(mail("2@a", "ivan@example.ru", "1@a"))[0]
	if again.Outcome != OutcomeLead || again.LeadID == old.LeadID || !again.Lead.Repeat {
		t.Errorf("got %+v", again)
	}
	if next := h.capture(mail("3@b", "olga@example.ru", "1@a"))[0]; next.LeadID != again.LeadID {
		t.Errorf("the next letter of the thread went to %d, want %d", next.LeadID, again.LeadID)
	}
}

func TestASubmissionThatCameByTwoWaysIsOneLeadAndNoFurtherContact(t *testing.T) {
	h := newHouse(t, Options{})
	web, letter := form(), form()
	web.Refs, letter.Refs = []string{leads.SubmissionRef("7:8")}, []string{leads.SubmissionRef("7:8")}
	letter.Channel = leads.ChannelMail
	first, second := h.capture(web)[0], h.capture(letter)[0]
	if second.LeadID != first.LeadID || second.Outcome != OutcomeJoined || !second.Copy {
		t.Errorf("got %+v after %+v", second, first)
	}
}

func TestWhatAMachineAnswersOpensNoLeadAndIsNoHumansContact(t *testing.T) {
	h := newHouse(t, Options{})
	stranger := mail("9@x", "away@example.ru")
	stranger.Automatic = true
	if got := h.capture(stranger)[0]; got.Outcome != OutcomeContact || got.LeadID != 0 {
		t.Errorf("got %+v", got)
	}
	lead := h.capture(mail("1@a", "ivan@example.ru"))[0].LeadID
	bounce := form()
	bounce.Channel, bounce.Automatic, bounce.Refs = leads.ChannelMail, true, []string{leads.LetterRef("1@a")}
	if got := h.capture(bounce)[0]; got.LeadID != lead || got.ContactID != 0 {
		t.Errorf("got %+v", got)
	}
	h.want(1, "select count(*) from interaction where lead_id = $1 and not human", lead)
}

func TestALetterOfOursIsFiledOnceAndItsAnswerFindsTheLead(t *testing.T) {
	h := newHouse(t, Options{})
	lead := h.capture(mail("1@a", "ivan@example.ru"))[0].LeadID
	ours := leads.Letter{MessageID: "ours@us", To: "ivan@example.ru", Subject: "Re: Тема", Text: "Здравствуйте"}
	early := mail("2@b", "olga@example.ru", "ours@us") // before we noted that ours went out
	early.Automatic = true
	h.capture(early)
	for range 2 {
		h.tx(func(tx pgx.Tx) error { return h.FileLetter(t.Context(), tx, noon.Add(time.Hour), lead, ours) })
	}
	h.want(1, "select count(*) from interaction where lead_id = $1 and direction = 'out' and not human and text = 'Здравствуйте'", lead)
	h.want(0, "select count(*) from lead where first_response_at is not null")
	if got := h.capture(mail("3@b", "olga@example.ru", "ours@us"))[0]; got.LeadID != lead {
		t.Errorf("the answer went to %d, want %d", got.LeadID, lead)
	}
}

func TestALetterGoesToWhoWroteLastAndNamesWhatItAnswers(t *testing.T) {
	h := newHouse(t, Options{})
	first := mail("1@a", "ivan@example.ru")
	first.Name = "Иван"
	lead := h.capture(first)[0].LeadID
	last := mail("2@b", "olga@example.ru", "1@a")
	last.ReceivedAt = noon.Add(time.Hour)
	machine := mail("3@c", "daemon@example.ru", "1@a")
	machine.Automatic, machine.ReceivedAt = true, noon.Add(2*time.Hour)
	h.capture(last, machine)
	got, err := h.Correspondence(t.Context(), lead)
	want := leads.Correspondence{Name: "Иван", Address: "olga@example.ru", Subject: "Тема 2@b", Letters: []string{"1@a", "2@b"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	web := h.capture(form(email("petr@example.ru")))[0].LeadID
	if got, err := h.Correspondence(t.Context(), web); err != nil || got.Address != "petr@example.ru" || len(got.Letters) != 0 {
		t.Errorf("of a form: %+v, %v", got, err)
	}
}
