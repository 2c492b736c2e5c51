package email

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"

	"marshrut/leads"
	"marshrut/pipeline/delivery"
)

// KindCopy is the kind of deliveries that lay a copy of a letter of ours into the folder of sent letters. It is one of its own,
// so that a copy that fails does not send the letter again.
const KindCopy = "keep-letter"

// copyOrder is the payload of a KindCopy: the delivery of the letter, and when it went out.
type copyOrder struct {
	Key   string          `json:"key"`
	Order json.RawMessage `json:"order"`
	At    time.Time       `json:"at"`
}

// Copy is the delivery that keeps a letter which went out; false where the mail service does so by itself.
func (i *Instance) Copy(d delivery.Delivery) (delivery.Request, bool) {
	if !i.settings.KeepSent || d.Kind != KindLetter {
		return delivery.Request{}, false
	}
	payload, err := json.Marshal(copyOrder{d.IdempotencyKey, d.Payload, i.now()})
	if err != nil {
		return delivery.Request{}, false // its order is no JSON: it could not have gone out
	}
	return delivery.Request{Connection: i.connection.Name, Kind: KindCopy, Payload: payload, IdempotencyKey: d.IdempotencyKey + "/copy"}, true
}

// keepCopy lays the copy down unless it is there already, which tells a try that only seemed to fail.
func (i *Instance) keepCopy(ctx context.Context, d delivery.Delivery) error {
	letter, raw, at, err := i.sentLetter(d)
	if err != nil {
		return delivery.Permanent{Err: i.redacted(err)}
	}
	ctx, cancel := context.WithTimeout(ctx, sendingTime)
	defer cancel()
	s, done, err := i.connect(ctx)
	if err != nil {
		return i.redacted(err)
	}
	defer done()
	name, err := s.sentFolder(i.settings)
	if err != nil {
		return i.redacted(err)
	}
	if name == "" {
		return delivery.Permanent{Err: i.refuse("папка отправленных не найдена: назовите её в настройках ящика (sent)", "there is no folder of sent letters: name it in the settings of the mailbox (sent)")}
	}
	there, err := s.holds(name, letter.MessageID)
	if err == nil && !there {
		err = s.lay(name, raw, at)
	}
	if err != nil {
		return i.redacted(err)
	}
	return nil
}

// sentLetter writes the letter again as it went out.
func (i *Instance) sentLetter(d delivery.Delivery) (letter leads.Letter, raw []byte, at time.Time, err error) {
	var c copyOrder
	if err := json.Unmarshal(d.Payload, &c); err != nil {
		return letter, nil, at, fmt.Errorf("read which letter is to be kept: %w", err)
	}
	letter, order, err := i.compose(delivery.Delivery{Request: delivery.Request{Kind: KindLetter, Payload: c.Order, IdempotencyKey: c.Key}})
	if err != nil {
		return letter, nil, at, err
	}
	message, err := i.message(letter, order, c.At)
	if err != nil {
		return letter, nil, at, err
	}
	var b bytes.Buffer
	_, err = message.WriteTo(&b)
	return letter, b.Bytes(), c.At, err
}

// holds reports that a letter is in a folder.
func (s *session) holds(folder, messageID string) (bool, error) {
	if _, err := s.examine(folder); err != nil {
		return false, err
	}
	found := false
	err := s.within(answer, func() error {
		data, err := s.client.UIDSearch(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: messageID}}}, nil).Wait()
		if err == nil {
			found = len(data.AllUIDs()) > 0
		}
		return err
	})
	if err != nil {
		return false, s.cannot(err, "не удаётся поискать письмо в папке %s", "look for the letter in %s", folder)
	}
	return found, nil
}

// lay puts a letter into a folder, as one that has been read.
func (s *session) lay(folder string, raw []byte, at time.Time) error {
	err := s.within(answer, func() error {
		command := s.client.Append(folder, int64(len(raw)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}, Time: at})
		if _, err := command.Write(raw); err != nil {
			return err
		}
		if err := command.Close(); err != nil {
			return err
		}
		_, err := command.Wait()
		return err
	})
	if err != nil {
		return s.cannot(err, "не удаётся положить копию письма в папку %s", "lay a copy of the letter into %s", folder)
	}
	return nil
}
