package repository

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/leads"
)

// Close ends open leads as won, lost or junk. The visit to the stage they are in ends
// with that fate, and none begins: the funnel's stage of that kind, if it has one, is only
// where the lead is shown. Lost and junk need a reason of their kind, and a comment where
// the reason asks for one. The caller holds the locks of the leads.
func (r *Repository) Close(ctx context.Context, tx pgx.Tx, now time.Time, closings []Closing) error {
	for _, round := range rounds(closings, func(c Closing) int64 { return c.Lead }) {
		if err := r.close(ctx, tx, now, round); err != nil {
			return fmt.Errorf("close leads: %w", err)
		}
	}
	return nil
}

func (r *Repository) close(ctx context.Context, tx pgx.Tx, now time.Time, closings []Closing) error {
	board, err := r.readBoard(ctx, tx, col(closings, func(c Closing) int64 { return c.Lead }))
	if err != nil {
		return err
	}
	var closed []leads.Lead
	var log []Entry
	for i := range closings {
		c := &closings[i]
		c.Comment = strings.TrimSpace(text(c.Comment))
		l, err := board.open(c.Lead)
		if err == nil {
			err = board.checkReason(*c)
		}
		if err != nil {
			return err
		}
		log = append(log, leadEntry(now, c.By, l.ID, "lead.closed", map[string]string{
			"status": string(c.Kind), "reason": c.Reason, "comment": c.Comment, "stage": l.Stage}))
		l.Status, l.Version = c.Kind, l.Version+1
		closed = append(closed, l)
	}
	ids := col(closings, func(c Closing) int64 { return c.Lead })
	kinds := col(closings, func(c Closing) string { return string(c.Kind) })
	b := &pgx.Batch{}
	b.Queue(sql("end_visits"), pgx.NamedArgs{"now": now, "leads": ids, "fates": kinds})
	b.Queue(sql("close_leads"), pgx.NamedArgs{"now": now, "leads": ids, "kinds": kinds,
		"stages":      col(closed, func(l leads.Lead) string { return board.ending(l, l.Status) }),
		"stages_then": col(closed, func(l leads.Lead) string { return l.Stage }),
		"reasons":     col(closings, func(c Closing) string { return c.Reason }),
		"comments":    col(closings, func(c Closing) string { return c.Comment }),
		"by":          col(closings, func(c Closing) int64 { return c.By })})
	b.Queue(sql("add_journal"), journalArgs(log))
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	return r.publish(ctx, tx, now, "closed", closed)
}

// checkReason says why a lead cannot be closed so.
func (b board) checkReason(c Closing) error {
	reason, known := b.reasons[c.Reason]
	switch {
	case !c.Kind.Closed():
		return leads.NotValid("Лид %d нельзя закрыть как «%s»: можно won, lost или junk", "Lead %d cannot be closed as %q: it can be won, lost or junk", c.Lead, c.Kind)
	case c.Kind == leads.StatusWon && c.Reason == "":
		return nil
	case c.Kind == leads.StatusWon:
		return leads.NotValid("Лид %d выигран, причина «%s» ему не нужна", "Lead %d is won and needs no reason %q", c.Lead, c.Reason)
	case c.Reason == "":
		return leads.NotValid("Укажите, почему лид %d закрывается как %s", "Lead %d needs the reason why it is %s", c.Lead, c.Kind)
	case !known || reason.Kind != c.Kind:
		return leads.NotValid("«%s» — не причина для %s", "%q is no reason for %s", c.Reason, c.Kind)
	case reason.NeedsComment && c.Comment == "":
		return leads.NotValid("Причина «%s» требует комментария", "Reason %q needs a comment", c.Reason)
	}
	return nil
}

// Reopen takes back closings: the lead is open again in the stage it was closed from, or
// in the one named, and the closing stays among the facts. The caller holds the locks.
func (r *Repository) Reopen(ctx context.Context, tx pgx.Tx, now time.Time, reopenings []Reopening) error {
	for _, round := range rounds(reopenings, func(r Reopening) int64 { return r.Lead }) {
		if err := r.reopen(ctx, tx, now, round); err != nil {
			return fmt.Errorf("reopen leads: %w", err)
		}
	}
	return nil
}

func (r *Repository) reopen(ctx context.Context, tx pgx.Tx, now time.Time, reopenings []Reopening) error {
	board, err := r.readBoard(ctx, tx, col(reopenings, func(o Reopening) int64 { return o.Lead }))
	if err != nil {
		return err
	}
	from, err := closedFrom(ctx, tx, col(reopenings, func(o Reopening) int64 { return o.Lead }))
	if err != nil {
		return err
	}
	rows := make([]move, len(reopenings))
	for i, o := range reopenings {
		l, ok := board.leads[o.Lead]
		switch {
		case !ok:
			return fmt.Errorf("lead %d: %w", o.Lead, leads.ErrNotFound)
		case !l.Status.Closed():
			return fmt.Errorf("lead %d is open: %w", o.Lead, leads.ErrConflict)
		}
		stage := o.Stage
		if stage == "" {
			stage = from[l.ID]
		}
		to, err := board.stage(l.Funnel, stage)
		if err != nil {
			return err
		}
		data := map[string]string{"was": string(l.Status), "to": to.Key, "comment": text(o.Comment)}
		l.Status, l.Stage, l.Probability, l.Version = leads.StatusOpen, to.Key, to.Probability, l.Version+1
		rows[i] = move{lead: l, by: o.By, log: leadEntry(now, o.By, l.ID, "lead.reopened", data)}
	}
	return r.writeMoves(ctx, tx, now, "reopened", rows, func(b *pgx.Batch) {
		b.Queue(sql("reopen_events"), pgx.NamedArgs{"now": now,
			"leads":    col(rows, func(m move) int64 { return m.lead.ID }),
			"stages":   col(rows, func(m move) string { return m.lead.Stage }),
			"comments": col(reopenings, func(o Reopening) string { return text(o.Comment) }),
			"by":       col(rows, func(m move) int64 { return m.by })})
	})
}

// closedFrom gives the stages from which leads were closed last.
func closedFrom(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]string, error) {
	rows, err := tx.Query(ctx, sql("closed_from"), pgx.NamedArgs{"leads": ids})
	if err != nil {
		return nil, err
	}
	out := map[int64]string{}
	var id int64
	var stage string
	_, err = pgx.ForEachRow(rows, []any{&id, &stage}, func() error {
		out[id] = stage
		return nil
	})
	return out, err
}
