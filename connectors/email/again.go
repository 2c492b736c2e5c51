package email

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"

	"marshrut/connectors"
	"marshrut/pipeline"
)

// again takes the letters that somebody wants tried once more: those that were passed over. The ones in front of the mark are tried
// by themselves.
func (t take) again(ctx context.Context) error {
	items, err := t.desk.Again(ctx, t.part())
	if err != nil {
		return err
	}
	for _, item := range items {
		uid, err := strconv.ParseUint(item, 10, 32)
		if err != nil || imap.UID(uid) >= t.mark.Next {
			continue
		}
		event, ok, err := t.retake(ctx, imap.UID(uid))
		if err != nil && ctx.Err() == nil {
			_, noted := t.desk.Fail(ctx, t.part(), item, t.connection.RedactText(err.Error()))
			return errors.Join(t.session.cannot(err, "письмо %s в папке %s, ещё одна попытка", "letter %s of %s, tried once more", item, t.folder.name), noted)
		}
		if err == nil && ok {
			err = t.desk.Accept(ctx, event)
		}
		if err == nil {
			err = t.desk.Forget(ctx, t.part(), item)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// retake fetches one letter from behind the mark; false if it is gone from the mailbox, or known.
func (t take) retake(ctx context.Context, uid imap.UID) (event pipeline.Event, ok bool, err error) {
	found, err := t.session.metas([]imap.UID{uid})
	if err != nil || len(found) == 0 {
		return event, false, err
	}
	came, err := t.fetch(found)
	if err != nil || len(came[uid]) == 0 {
		return event, false, err
	}
	event, skip, err := t.event(ctx, found[0], came[uid])
	return event, !skip, err
}

// NameItem says which letter could not be fetched.
func (i *Instance) NameItem(part, item string) connectors.Text {
	folder := part
	if at := strings.LastIndexByte(part, '/'); at > 0 {
		folder = part[:at] // behind it is the UIDVALIDITY
	}
	return connectors.Text{"ru": fmt.Sprintf("письмо № %s в папке %s", item, folder), "en": fmt.Sprintf("letter %s in folder %s", item, folder)}
}
