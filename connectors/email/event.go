package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/mail"
	"runtime/debug"
	"strings"
	"time"

	"marshrut/connectors"
	"marshrut/leads"
	"marshrut/pipeline"
)

// event makes the event of a letter: its files are stored first, so that it can refer to them. skip: it is a copy of one
// that we sent by ourselves.
func (t take) event(ctx context.Context, m meta, raw []byte) (e pipeline.Event, skip bool, err error) {
	l := t.parse(raw)
	if t.ourCopy(l) {
		return e, true, nil
	}
	receipt := connectors.Receipt{VendorID: letterID(l, raw), Key: thread(l), Hash: contentHash(raw),
		Attributes: map[string]string{attrFolder: t.folder.role, "folder-name": t.folder.name}}
	if m.size > maxLetter {
		receipt.Attributes[attrNotice] = fmt.Sprintf(say(t.connection.Language,
			"Письмо слишком велико (%d МБ), взято только его начало. Целиком оно осталось в ящике", "The letter is too large (%d MB), only its beginning was taken. The whole is still in the mailbox"), m.size>>20)
	}
	e = connectors.NewEvent(&connectors.Connected{Connection: t.connection}, connectors.Request{ContentType: "message/rfc822",
		Body: raw, ReceivedAt: t.received(m)}, receipt, time.UTC)
	files, err := t.keepFiles(ctx, l.Files, e.Time, raw)
	if err != nil {
		return e, false, err
	}
	return e, false, connectors.SetFiles(&e, files)
}

// parse takes a letter apart, whatever it does to us: it is kept as it came, so nothing is lost by a fault of ours.
func (t take) parse(raw []byte) (l Letter) {
	defer func() {
		if p := recover(); p != nil {
			t.log("a letter makes the parser panic; it is kept as it came", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			l = Letter{}
			l.plain(nil)
		}
	}()
	return Parse(raw)
}

// received is when the server got the letter: what its sender says of that is not to be believed.
func (t take) received(m meta) time.Time {
	now := t.now()
	if m.at.IsZero() || m.at.After(now) {
		return now
	}
	return m.at.UTC()
}

// identity bounds the Message-ID as an identity: an absurd one is told by its hash.
func identity(messageID string) string {
	if len(messageID) > 500 {
		sum := sha256.Sum256([]byte(messageID))
		return hex.EncodeToString(sum[:]) + "@long"
	}
	return messageID
}

// letterID names a letter by its Message-ID. Some programs of sites give all their letters the same one; so who wrote it,
// and when by his own clock, are part of the name. Copies that went different ways agree in all three.
func letterID(l Letter, raw []byte) string {
	if l.MessageID == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(l.From.Mail + "\n" + sentAt(raw).UTC().Format(time.RFC3339)))
	return identity(l.MessageID) + "/" + hex.EncodeToString(sum[:6])
}

// thread keeps the letters of a correspondence in their order.
func thread(l Letter) string {
	for _, ids := range [][]string{l.References, l.InReplyTo, {l.MessageID}} {
		if len(ids) > 0 && ids[0] != "" {
			return leads.LetterRef(identity(ids[0]))
		}
	}
	return ""
}

// contentHash is of what makes two letters the same: the ways they went (Received and the like) are no part of it.
func contentHash(raw []byte) []byte {
	head, body := splitHeader(raw)
	h := sha256.New()
	if body == nil { // nothing parts a header from it: all of it may be text
		head, body = nil, raw
	}
	keep := false
	for line := range bytes.Lines(head) {
		if line[0] != ' ' && line[0] != '\t' {
			name, _, _ := strings.Cut(strings.ToLower(string(line[:min(len(line), 40)])), ":")
			keep = name == "from" || name == "to" || name == "subject" || name == "date" || name == "reply-to"
		}
		if keep {
			h.Write(bytes.TrimRight(line, "\r\n"))
			h.Write([]byte{0})
		}
	}
	h.Write(bytes.TrimRight(body, "\r\n"))
	return h.Sum(nil)
}

// sentAt is when the sender says the letter was written; zero when it does not.
func sentAt(raw []byte) time.Time {
	head, _ := splitHeader(raw[:min(len(raw), maxHeader)])
	parsed, err := mail.ReadMessage(io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n\r\n")))
	if err != nil {
		return time.Time{}
	}
	at, err := parsed.Header.Date()
	if err != nil {
		return time.Time{}
	}
	return at
}

// keepFiles stores the files of a letter.
func (t take) keepFiles(ctx context.Context, files []File, at time.Time, raw []byte) ([]connectors.File, error) {
	sum := sha256.Sum256(raw)
	var kept []connectors.File
	for n, f := range files {
		key := at.UTC().Format("files/2006/01/02/") + hex.EncodeToString(sum[:]) + fmt.Sprintf("/%d", n)
		if err := t.desk.Keep(ctx, key, bytes.NewReader(f.Data)); err != nil {
			return nil, fmt.Errorf("keep file %d of a letter: %w", n, err)
		}
		kept = append(kept, connectors.File{Name: f.Name, Type: f.Type, Size: int64(len(f.Data)), Ref: key})
	}
	return kept, nil
}

// ourCopy knows letters that the gateway sent: they are in the history of their lead already.
func (t take) ourCopy(l Letter) bool {
	return l.From.Mail == t.settings.own() && l.From.Mail != "" && strings.HasPrefix(l.MessageID, ourID)
}
