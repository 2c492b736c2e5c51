package casework

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/staff"
	"marshrut/leads/repository"
)

// returned writes into the journal who talked with a client that had called in vain, and how long after: the task to call
// back closes by itself, and this is what tells why.
func (c *Casework) returned(ctx context.Context, tx pgx.Tx, captured []repository.Captured) error {
	var talks []repository.Captured
	var contacts []int64
	var times []time.Time
	for _, one := range captured {
		if one.LeadID != 0 && one.ContactID != 0 && conversation(one.Inquiry) && news(one) {
			talks = append(talks, one)
			contacts, times = append(contacts, one.ContactID), append(times, one.Inquiry.ReceivedAt)
		}
	}
	waited, err := c.repo.WaitedSince(ctx, tx, contacts, times, reached)
	if err != nil || len(waited) == 0 {
		return err
	}
	people, err := c.staff.Directory(ctx, tx)
	if err != nil {
		return err
	}
	var entries []repository.Entry
	for i, talk := range talks {
		if since, ok := waited[i]; ok {
			entries = append(entries, returnedEntry(talk, since, people))
		}
	}
	return c.repo.Journal(ctx, tx, entries)
}

// news tells whether this is the first that is heard of it.
func news(one repository.Captured) bool {
	switch one.Outcome {
	case repository.OutcomeLead, repository.OutcomeJoined:
		return true
	case repository.OutcomeAmended:
		return turned(one)
	}
	return false
}

func returnedEntry(talk repository.Captured, since time.Time, people *staff.Directory) repository.Entry {
	by, _ := atExtension(people, talk.Inquiry.Call.Extension)
	at := talk.Inquiry.ReceivedAt.Add(talk.Inquiry.Call.Ring)
	return repository.Entry{At: at, Actor: by.ID, Lead: talk.LeadID, Object: "lead:" + strconv.FormatInt(talk.LeadID, 10), Action: "call.returned",
		Data: map[string]any{"seconds": int(at.Sub(since).Seconds()), "inquiry": talk.InquiryID}}
}
