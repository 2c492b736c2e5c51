package repository

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// Correspondence gives what a letter about a lead needs to know. To whom: who wrote last, or else the contact. A lead
// that there is not is leads.ErrNotFound.
func (r *Repository) Correspondence(ctx context.Context, lead int64) (leads.Correspondence, error) {
	type row struct {
		Name, Address, Subject string
		Letters                []string
	}
	found, err := one(ctx, r.pool, pgx.RowToStructByPos[row], sql("correspondence"), pgx.NamedArgs{"lead": lead})
	if err != nil {
		return leads.Correspondence{}, fmt.Errorf("the correspondence of lead %d: %w", lead, err)
	}
	slices.Reverse(found.Letters)
	return leads.Correspondence(found), nil
}

// FileLetter records a letter that we sent by ourselves: an outgoing interaction of its lead, which the answer finds by the
// letter's Message-ID. A letter filed before changes nothing.
func (r *Repository) FileLetter(ctx context.Context, tx pgx.Tx, now time.Time, lead int64, l leads.Letter) error {
	// The name before the lead, as Capture locks them: an answer may be on its way in at this very moment.
	ref := leads.LetterRef(text(l.MessageID))
	if err := exec(ctx, tx, "name a letter", sql("name_letter"), pgx.NamedArgs{"ref": ref, "lead": lead}); err != nil {
		return err
	}
	filed, err := one(ctx, tx, pgx.RowTo[bool], sql("letter_filed"), pgx.NamedArgs{"lead": lead, "message_id": l.MessageID})
	if err != nil || filed {
		return err
	}
	id, _, err := r.AddInteraction(ctx, tx, now, leads.Interaction{LeadID: lead, Direction: leads.DirectionOut, Kind: leads.KindLetter,
		At: now, Automatic: true, Subject: l.Subject, Text: l.Text})
	if err != nil {
		return err
	}
	return exec(ctx, tx, "note the Message-ID of a letter", sql("letter_details"), pgx.NamedArgs{"id": id, "message_id": l.MessageID, "to": l.To})
}
